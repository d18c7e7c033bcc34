"""Heads: features pooled from the tokens of a sequence, in integer arithmetic.

A head is an attention head of rank one that pools one number from the tokens of a sequence (see pooled.py). The modules, in
the order in which data goes through them. To sample the heads for training sequences:

    families.py             chooses the families and the number of heads, and puts several families side by side
    series_sampling.py      samples heads of series: dilations, kernels, random signs, biases
    sets.py                 samples heads of sets (`sample_set_heads`): differences of tokens and prototypes, biases

To pool the features of sequences:

    pooled.py               standardises tokens, arranges them in chunks, turns pooled integers into features
    reductions.py           chunks (rows = time, columns = sequences), and exact sums, counts and maxima over their rows
    series.py               scores of ordered sequences: kernels with nine weights on dilated windows
    differences.py          the same on the differences of neighbouring tokens
    windows.py              nearness to windows of training sequences
    intervals.py            shares of large values within parts of a sequence
    series_convolution.py   computes these scores for a whole chunk by additions of shifted views
    sets.py                 scores of multisets of tokens: products of small integer matrices
"""
