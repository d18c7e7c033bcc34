"""Explicit weights for tasks that show which functions attention can compute: sparse averaging and matching of integers.

Modules; data goes through the first two in this order, each of the others is a task of its own:

    position_keys        keys of positions and queries for sets of positions, whose scores separate each set
    sparse_averaging     one attention layer that averages over the q positions that each token names
    matching             pairs and triples of integers with a sum that is a multiple of M, by one attention layer on angles
    matching_variants    triples of which two are neighbours, or all are nearby, by standard attention on exact integers
"""
