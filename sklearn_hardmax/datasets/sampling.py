"""What all generators check and draw."""

import numpy as np

from sklearn_hardmax.sequences.arrays import check_integer


def check_integers(least, **values):
    """ValueError unless all of these are integers of at least `least`."""
    for name, value in values.items():
        check_integer(value, name, least)


def check_lengths(min_length, max_length):
    """ValueError unless these are integers, 1 <= min_length <= max_length."""
    check_integers(1, min_length=min_length, max_length=max_length)
    if max_length < min_length:
        raise ValueError(f"max_length must be at least min_length = {min_length}, got {max_length}.")


def sample_lengths(n_sequences, min_length, max_length, rng):
    """Lengths, uniform on min_length..max_length."""
    return rng.randint(min_length, max_length + 1, size=n_sequences, dtype=np.int64)


def sample_labels(n_sequences, n_classes, rng):
    """Labels without a rule; each class once before any comes twice."""
    once = rng.permutation(n_classes)[:n_sequences]
    rest = rng.randint(n_classes, size=n_sequences - len(once))
    return rng.permutation(np.concatenate([once, rest])).astype(np.int64)


def sample_distinct_tokens(n_tokens, token_dim, rng):
    """Gaussian tokens, no two with the same first feature: drawn again in the rare case of equal ones."""
    while True:
        tokens = rng.standard_normal((n_tokens, token_dim))
        if len(np.unique(tokens[:, 0])) == n_tokens:
            return tokens
