"""Sequences that name sets of positions."""

import numpy as np

from sklearn_hardmax import RaggedSequences


def asking(subsets, n, token_dim=1, seed=0, scale=1.0):
    """One sequence of n random values whose tokens name these sets, one after another; the rest name the last one."""
    rows = np.array(subsets)[np.minimum(np.arange(n), len(subsets) - 1)]
    values = scale * np.random.default_rng(seed).uniform(-1, 1, (n, token_dim))
    return RaggedSequences.from_list([np.column_stack([values, rows, np.arange(n)])])
