"""Synthetic sequences that differ only in the last digits of their tokens; labels are random, as in families.py."""

from __future__ import annotations

import math

import numpy as np
from sklearn.utils import check_random_state

from sklearn_hardmax._typing import IntArray, RandomStateLike
from sklearn_hardmax.datasets.sampling import check_integers, check_lengths, sample_labels, sample_lengths
from sklearn_hardmax.sequences import RaggedSequences


def make_near_equal_tokens(
    n_sequences: int = 100,
    *,
    n_classes: int = 2,
    token_dim: int = 2,
    length: int = 5,
    gap: float = 1e-9,
    random_state: RandomStateLike = None,
) -> tuple[RaggedSequences, IntArray]:
    """Generate sequences that are equal except for their first token, which is a common token shifted by multiples of `gap`.

    Parameters
    ----------
    n_sequences : int, default=100
    n_classes : int, default=2
    token_dim : int, default=2
    length : int, default=5
    gap : float, default=1e-9
        Distance in each feature between the first tokens of neighbouring sequences, up to rounding by 2**-52; all
        coordinates lie in [-1, 1]. At least 2**-51, at most 1 / n_sequences.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    X : RaggedSequences
    y : ndarray of shape (n_sequences,), int64

    Raises
    ------
    ValueError
        A count that is not an integer of at least 1, or a gap outside its bounds.

    Notes
    -----
    Hard because the sequences differ by a billionth of the scale of the tokens: gaps must be measured, not assumed, and a
    step that keeps fewer than ten digits loses the labels.

    Examples
    --------
    >>> from sklearn_hardmax.datasets import make_near_equal_tokens
    >>> X, y = make_near_equal_tokens(10, gap=2.0**-30, random_state=0)
    >>> bool((X[0][1:] == X[9][1:]).all()), float((X[9][0] - X[0][0])[0] * 2.0**30)
    (True, 9.0)
    """
    check_integers(1, n_sequences=n_sequences, n_classes=n_classes, token_dim=token_dim, length=length)
    if not 2.0**-51 <= gap <= 1 / n_sequences:
        raise ValueError(f"gap must lie in [2**-51, 1 / n_sequences = {1 / n_sequences}], got {gap}.")
    rng = check_random_state(random_state)
    tokens = np.tile(rng.uniform(-1, 1, size=(length, token_dim)), (n_sequences, 1, 1))
    tokens[:, 0] /= 2  # within [-1/2, 1/2], so that shifts by at most 1/2 stay within [-1, 1]
    tokens[:, 0] += (np.arange(n_sequences) - n_sequences // 2)[:, None] * gap
    X = RaggedSequences.from_flat(tokens.reshape(-1, token_dim), np.full(n_sequences, length))
    return X, sample_labels(n_sequences, n_classes, rng)


def make_large_offsets(
    n_sequences: int = 100,
    *,
    n_classes: int = 2,
    token_dim: int = 2,
    min_length: int = 1,
    max_length: int = 20,
    offset: float = 1e8,
    gap_ulp: int = 4096,
    random_state: RandomStateLike = None,
) -> tuple[RaggedSequences, IntArray]:
    """Generate sequences whose tokens are points of a fine lattice far away from the origin.

    Parameters
    ----------
    n_sequences : int, default=100
    n_classes : int, default=2
    token_dim : int, default=2
    min_length, max_length : int, default=1 and 20
        Lengths are uniform on min_length..max_length.
    offset : float, default=1e8
        The first lattice point, in every feature; the lattice extends towards the origin, so that all its points are floats.
    gap_ulp : int, default=4096
        Spacing of the lattice in units of ``numpy.spacing(offset)``. Every feature takes each of the first n_tokens
        lattice points once.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    X : RaggedSequences
    y : ndarray of shape (n_sequences,), int64

    Raises
    ------
    ValueError
        A count that is not an integer of at least 1, max_length below min_length, or an offset that is not finite or less
        than twice the extent of the lattice.

    Notes
    -----
    Hard because nearly all digits of a token are the same for all tokens: a network that scales by weights instead of
    centring first rounds the differences away. All tokens differ, so centred data are as easy as those of
    `make_labelled_sequences`.

    Examples
    --------
    >>> from sklearn_hardmax.datasets import make_large_offsets
    >>> X, y = make_large_offsets(50, offset=2.0**30, gap_ulp=2**22, random_state=0)  # spacing 1
    >>> bool((X.tokens <= 2.0**30).all() and (X.tokens == X.tokens.round()).all())
    True
    """
    check_integers(1, n_sequences=n_sequences, n_classes=n_classes, token_dim=token_dim, gap_ulp=gap_ulp)
    check_lengths(min_length, max_length)
    rng = check_random_state(random_state)
    lengths = sample_lengths(n_sequences, min_length, max_length, rng)
    n_tokens = int(lengths.sum())
    spacing = gap_ulp * np.spacing(abs(float(offset)))
    if not (math.isfinite(offset) and n_tokens * spacing <= abs(offset) / 2):
        raise ValueError(
            f"offset must be finite and at least twice the extent of {n_tokens} lattice points of spacing "
            f"{spacing}, got {offset}."
        )
    # every feature takes each of the first n_tokens lattice points once
    steps = np.column_stack([rng.permutation(n_tokens) for _ in range(token_dim)])
    X = RaggedSequences.from_flat(offset - math.copysign(spacing, offset) * steps, lengths)
    return X, sample_labels(n_sequences, n_classes, rng)
