"""Check the parameters of the generators of this package, and sample lengths, labels and tokens."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_hardmax._typing import FloatArray, IntArray
from sklearn_hardmax.sequences.checks import check_integer


def check_integers(least: int, **values: Any) -> None:
    """Raise ValueError unless all parameters (by name) are integers of at least `least`."""
    for name, value in values.items():
        check_integer(value, name, least)


def check_lengths(min_length: Any, max_length: Any) -> None:
    """Raise ValueError unless both are integers with 1 <= min_length <= max_length."""
    check_integers(1, min_length=min_length, max_length=max_length)
    if max_length < min_length:
        raise ValueError(f"max_length must be at least min_length = {min_length}, got {max_length}.")


def sample_lengths(n_sequences: int, min_length: int, max_length: int, rng: np.random.RandomState) -> IntArray:
    """Sample lengths (n_sequences,), uniform on min_length..max_length."""
    return rng.randint(min_length, max_length + 1, size=n_sequences, dtype=np.int64)


def sample_labels(n_sequences: int, n_classes: int, rng: np.random.RandomState) -> IntArray:
    """Sample labels (n_sequences,) at random, but no class occurs twice before every class occurs once."""
    # every class once, as far as there are sequences, then uniform classes; all in random order
    one_of_each = rng.permutation(n_classes)[:n_sequences]
    further = rng.randint(n_classes, size=n_sequences - len(one_of_each))
    return rng.permutation(np.concatenate([one_of_each, further])).astype(np.int64)


def sample_distinct_tokens(n_tokens: int, token_dim: int, rng: np.random.RandomState) -> FloatArray:
    """Sample Gaussian tokens (n_tokens, token_dim), no two with the same first feature."""
    # equal first features are very rare; then all tokens are sampled again
    while True:
        tokens = rng.standard_normal((n_tokens, token_dim))
        if len(np.unique(tokens[:, 0])) == n_tokens:
            return tokens
