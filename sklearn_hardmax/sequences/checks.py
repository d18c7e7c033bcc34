"""Checks of tokens, offsets and lengths, whose messages name the offending sequences and the remedy."""

import numbers

import numpy as np

from sklearn_hardmax.sequences import names
from sklearn_hardmax.sequences.messages import format_indices
from sklearn_hardmax.sequences.raw_tokens import RawTokens, values_of

_BLOCK_NUMBERS = 2**20  # numbers that are checked for NaN and infinity at once


def check_integer(value, name, low, high=None):
    """Return None if value is an integer of at least `low` and, with `high`, at most `high`; raise ValueError otherwise.

    `name` is the name of the parameter in the message. Booleans are not accepted as integers.
    """
    ok = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not ok or value < low or (high is not None and value > high):
        allowed = f"of at least {low}" if high is None else f"from {low} to {high}"
        raise ValueError(f"{name} must be an integer {allowed}, got {value!r}.")


def check_lengths(lengths, n_sequences, longest):
    """Return lengths as int64; raise ValueError unless they are n_sequences integers within [0, longest]."""
    lengths = np.asarray(names.with_none_for_masked(lengths))
    if lengths.shape != (n_sequences,) or lengths.dtype.kind not in "iu":
        raise ValueError(f"lengths must be {n_sequences} integers, got {lengths.dtype} of shape {lengths.shape}.")
    bad = np.flatnonzero((lengths < 0) | (lengths > longest))
    if len(bad):
        raise ValueError(f"lengths must lie in [0, {longest}]; sequences {format_indices(bad)} have other lengths.")
    return lengths.astype(np.int64)


def sequences_containing(token_indices, offsets):
    """Return the indices of the sequences that contain these tokens (row indices), ascending, each once."""
    return np.unique(np.searchsorted(offsets, token_indices, side="right") - 1)


def not_finite(tokens, offsets):
    """Return the indices of the sequences that contain NaN or infinity, ascending.

    If there are none, the tokens are read once, in bounded memory.
    """
    step = max(1, _BLOCK_NUMBERS // tokens.shape[1])
    for start in range(0, len(tokens), step):
        if not np.isfinite(tokens[start : start + step]).all():
            break
    else:
        return np.zeros(0, dtype=np.int64)
    return sequences_containing(np.flatnonzero(~np.isfinite(tokens).all(axis=1)), offsets)


def check_finite(tokens, offsets, allow_nan=False):
    """Return whether tokens contain NaN; raise ValueError naming sequences with infinity or, unless allowed, NaN."""
    if isinstance(tokens, RawTokens):
        floats = [column for column in map(values_of, tokens.columns) if column.dtype.kind == "f"]
        infinite = [np.flatnonzero(np.isinf(column)) for column in floats]
        bad = sequences_containing(np.concatenate([*infinite, np.zeros(0, dtype=np.int64)]), offsets)
        if len(bad):
            raise ValueError(f"Input X contains infinity in sequences {format_indices(bad)}; remove these tokens.")
        return True
    bad = not_finite(tokens, offsets)
    if len(bad) and allow_nan:
        bad = sequences_containing(np.flatnonzero(np.isinf(tokens).any(axis=1)), offsets)
        if len(bad) == 0:
            return True
    if len(bad):
        raise ValueError(
            f"Input X contains NaN or infinity in sequences {format_indices(bad)}; {_remedy(tokens, offsets, bad)}."
        )
    return False


def check_offsets(offsets, n_tokens):
    """Raise ValueError unless offsets are those of sequences without an empty one, n_tokens tokens in all."""
    if offsets.ndim != 1 or len(offsets) == 0 or offsets.dtype.kind not in "iu":
        raise ValueError(f"offsets must be a 1-D array of integers, got {offsets.dtype} of shape {offsets.shape}.")
    if len(offsets) == 1:
        raise ValueError("Found array with 0 sample(s) while a minimum of 1 is required: give at least one sequence.")
    if offsets[0] != 0 or offsets[-1] != n_tokens:
        raise ValueError(f"offsets must run from 0 to n_tokens = {n_tokens}, got {offsets[0]} to {offsets[-1]}.")
    bad = np.flatnonzero(offsets[1:] <= offsets[:-1])
    if len(bad):
        raise ValueError(
            f"Sequences {format_indices(bad)} are empty; every sequence needs at least one token: leave these out."
        )


def _remedy(tokens, offsets, bad):
    """What to do about the numbers that are not finite in the sequences `bad`, at least one."""
    if any(np.isinf(tokens[offsets[i] : offsets[i + 1]]).any() for i in bad):
        return "remove these tokens, since infinity is no missing value"
    at_end = in_front = True
    for i in bad:
        sequence = tokens[offsets[i] : offsets[i + 1]]
        # padding is NaN in all features
        real = ~np.isnan(sequence).all(axis=1)
        n_real = real.sum()
        whole = np.isfinite(sequence[real]).all() and 0 < n_real
        at_end &= whole and real[:n_real].all()
        in_front &= whole and real[len(real) - n_real :].all()
    if at_end:
        return (
            "they look like padding behind the end: leave it out; RaggedSequences.from_padded drops NaN padding of an array "
            "(n_sequences, n_max, token_dim), for a table of series X[:, :, None]"
        )
    if in_front:
        return (
            "they look like padding in front: leave it out; RaggedSequences.from_padded(X, mask=~np.isnan(X).all(axis=2)) "
            "drops it from an array (n_sequences, n_max, token_dim)"
        )
    return (
        "remove or impute these tokens: with allow_nan=True, or dtype=None, they are kept for SequenceImputer, a step of a "
        "pipeline behind encoders"
    )
