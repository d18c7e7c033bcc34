"""Sequence codes: one number per sequence, which differs wherever the labels of sequences differ.

The modules, in the order in which data goes through them:

    projection      encode tokens and project them on directions: one number per token
    sequence_code   pool the numbers of a sequence into its code: maximum, minimum, mean, or mean of bumps
    multisets       the tokens of each sequence as frequencies, to find equal sequences and to place bumps
    coefficients    few tokens, with an integer coefficient each, whose weighted frequencies tell multisets apart
    bump_placement  bumps on these tokens, along the line on which the tokens are projected
    selection       choose the cheapest code that separates the labels, and report sequences that none separates
    random_code     a code along random directions, for the corrections of a classifier with heads
"""
