"""Synthetic families of labelled sequences, each of which makes one way of telling sequences apart useless.

A network of feed-forward and hardmax attention layers computes a function of a token and of the normalised multiset of
its sequence, count / length for every token, so labels can be learned exactly if sequences with equal normalised
multisets have equal labels. Every family here keeps all normalised multisets different and then draws the labels at random:
an exact classifier must reach training accuracy 1, which is possible only by telling all sequences apart. Each family removes
one way of telling them apart: distinct tokens, lengths, supports, extremes and means; the families of resolution.py remove
floating-point digits.

The generators return ``(X, y)``, sequences with float64 tokens and int64 labels 0..n_classes - 1; every class occurs if
n_sequences >= n_classes. Random numbers come from `random_state` alone.
"""

from __future__ import annotations

import itertools

import numpy as np
from sklearn.utils import check_random_state

from sklearn_hardmax._typing import IntArray, RandomStateLike
from sklearn_hardmax.datasets.profiles import count_profiles, profiles_by_total, sample_profiles, sequences_from_counts
from sklearn_hardmax.datasets.sampling import (
    check_integers,
    check_lengths,
    sample_distinct_tokens,
    sample_labels,
    sample_lengths,
)
from sklearn_hardmax.sequences import RaggedSequences


def make_labelled_sequences(
    n_sequences: int = 100,
    *,
    n_classes: int = 2,
    token_dim: int = 2,
    min_length: int = 1,
    max_length: int = 20,
    random_state: RandomStateLike = None,
) -> tuple[RaggedSequences, IntArray]:
    """Generate sequences of random lengths with Gaussian tokens, all different; labels are random.

    Parameters
    ----------
    n_sequences : int, default=100
    n_classes : int, default=2
    token_dim : int, default=2
    min_length, max_length : int, default=1 and 20
        Lengths are uniform on min_length..max_length.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    X : RaggedSequences
    y : ndarray of shape (n_sequences,), int64

    Raises
    ------
    ValueError
        A count that is not an integer of at least 1, or max_length below min_length.

    Notes
    -----
    The easy family, for comparison: all tokens differ, so the largest score in a random direction identifies the sequence.
    It remains to store n_sequences labels that follow no rule.

    Examples
    --------
    >>> from sklearn_hardmax.datasets import make_labelled_sequences
    >>> X, y = make_labelled_sequences(50, n_classes=3, min_length=4, max_length=4, random_state=0)
    >>> X
    RaggedSequences(50 sequences of 4 tokens, token_dim=2, float64)
    """
    check_integers(1, n_sequences=n_sequences, n_classes=n_classes, token_dim=token_dim)
    check_lengths(min_length, max_length)
    rng = check_random_state(random_state)
    lengths = sample_lengths(n_sequences, min_length, max_length, rng)
    tokens = sample_distinct_tokens(int(lengths.sum()), token_dim, rng)
    return RaggedSequences.from_flat(tokens, lengths), sample_labels(n_sequences, n_classes, rng)


def make_shared_tokens(
    n_sequences: int = 100,
    *,
    n_classes: int = 2,
    token_dim: int = 2,
    vocabulary_size: int = 8,
    min_length: int = 1,
    max_length: int = 20,
    random_state: RandomStateLike = None,
) -> tuple[RaggedSequences, IntArray]:
    """Generate sequences over one small vocabulary, no two with the same frequencies of all its tokens.

    Parameters
    ----------
    n_sequences : int, default=100
    n_classes : int, default=2
    token_dim : int, default=2
    vocabulary_size : int, default=8
        Number of different tokens, Gaussian, in all sequences together.
    min_length, max_length : int, default=1 and 20
        Bounds on the lengths.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    X : RaggedSequences
    y : ndarray of shape (n_sequences,), int64

    Raises
    ------
    ValueError
        A count that is not an integer of at least 1, max_length below min_length, or more sequences than there are
        different normalised multisets.

    Notes
    -----
    Hard because no token identifies a sequence: leader attention (hardmax attention to the token with the largest key score)
    returns at most vocabulary_size values, so that sequences must be told apart by how often tokens occur.

    Examples
    --------
    Two tokens in at most three places have the frequencies 0, 1/3, 1/2, 2/3 and 1, and no others:

    >>> from sklearn_hardmax.datasets import make_shared_tokens
    >>> X, y = make_shared_tokens(5, vocabulary_size=2, max_length=3, random_state=0)
    >>> sorted(X.lengths.tolist())
    [1, 1, 2, 3, 3]
    >>> make_shared_tokens(6, vocabulary_size=2, max_length=3)
    Traceback (most recent call last):
    ...
    ValueError: 2 tokens in 1 to 3 places have 5 different normalised multisets, but n_sequences is 6.
    """
    check_integers(
        1, n_sequences=n_sequences, n_classes=n_classes, token_dim=token_dim, vocabulary_size=vocabulary_size
    )
    check_lengths(min_length, max_length)
    known = count_profiles(vocabulary_size, min_length, max_length, enough=n_sequences)
    if n_sequences > known:
        raise ValueError(
            f"{vocabulary_size} tokens in {min_length} to {max_length} places have {known} different normalised "
            f"multisets, but n_sequences is {n_sequences}."
        )
    rng = check_random_state(random_state)
    counts = sample_profiles(n_sequences, vocabulary_size, min_length, max_length, rng)
    vocabulary = sample_distinct_tokens(vocabulary_size, token_dim, rng)
    return sequences_from_counts(vocabulary, counts, rng), sample_labels(n_sequences, n_classes, rng)


def make_nested_prefixes(
    n_sequences: int = 50, *, n_classes: int = 2, token_dim: int = 2, random_state: RandomStateLike = None
) -> tuple[RaggedSequences, IntArray]:
    """Generate the prefixes of one sequence of Gaussian tokens: sequence j is its first j + 1 tokens.

    Parameters
    ----------
    n_sequences : int, default=50
        Also the length of the longest sequence; the total is n_sequences (n_sequences + 1) / 2 tokens.
    n_classes : int, default=2
    token_dim : int, default=2
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    X : RaggedSequences
    y : ndarray of shape (n_sequences,), int64

    Raises
    ------
    ValueError
        A count that is not an integer of at least 1.

    Notes
    -----
    Hard because a longer sequence contains all tokens of a shorter one: the maximum of a score over the first j tokens
    changes about log j times only, and the means of long prefixes lie close together.

    Examples
    --------
    >>> from sklearn_hardmax.datasets import make_nested_prefixes
    >>> X, y = make_nested_prefixes(4, random_state=0)
    >>> X.lengths
    array([1, 2, 3, 4])
    >>> bool((X[3][:2] == X[1]).all())
    True
    """
    check_integers(1, n_sequences=n_sequences, n_classes=n_classes, token_dim=token_dim)
    rng = check_random_state(random_state)
    base = sample_distinct_tokens(n_sequences, token_dim, rng)
    indices = np.arange(n_sequences)
    rows = np.concatenate([indices[: j + 1] for j in range(n_sequences)])
    return RaggedSequences.from_flat(base[rows], indices + 1), sample_labels(n_sequences, n_classes, rng)


def make_leave_one_out(
    n_sequences: int = 50, *, n_classes: int = 2, token_dim: int = 2, random_state: RandomStateLike = None
) -> tuple[RaggedSequences, IntArray]:
    """Generate one set of n_sequences Gaussian tokens; sequence j is all of them except token j.

    Parameters
    ----------
    n_sequences : int, default=50
        At least 2; the total is n_sequences (n_sequences - 1) tokens.
    n_classes : int, default=2
    token_dim : int, default=2
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    X : RaggedSequences
    y : ndarray of shape (n_sequences,), int64

    Raises
    ------
    ValueError
        A count that is not an integer of at least 1, or fewer than 2 sequences.

    Notes
    -----
    Hard because any two sequences differ in one token each: the maximum of a score is the same for all sequences but one, so
    is the minimum, and means differ by 1 / (n_sequences - 1) of the difference of two tokens.

    Examples
    --------
    >>> from sklearn_hardmax.datasets import make_leave_one_out
    >>> X, y = make_leave_one_out(3, random_state=0)
    >>> bool((X[0][1] == X[1][1]).all() and (X[0][0] == X[2][1]).all())
    True
    """
    check_integers(2, n_sequences=n_sequences)
    check_integers(1, n_classes=n_classes, token_dim=token_dim)
    rng = check_random_state(random_state)
    base = sample_distinct_tokens(n_sequences, token_dim, rng)
    included = ~np.eye(n_sequences, dtype=bool)  # row j: the tokens of sequence j
    rows = np.nonzero(included)[1]
    return RaggedSequences.from_flat(base[rows], included.sum(axis=1)), sample_labels(n_sequences, n_classes, rng)


def make_swaps(
    n_sequences: int = 100, *, n_classes: int = 2, token_dim: int = 1, random_state: RandomStateLike = None
) -> tuple[RaggedSequences, IntArray]:
    """Generate sequences of four tokens -1, 1, a_j and -a_j: maximum, minimum and mean are the same for all sequences.

    Parameters
    ----------
    n_sequences : int, default=100
    n_classes : int, default=2
    token_dim : int, default=1
        With more than one feature, tokens are multiples of a random vector v of length 1, up to 1e-7: v is rounded to
        multiples of 2**-24, so that a_j v is exact. With one feature, v = 1.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    X : RaggedSequences
        Sequence j is (-v, v, a_j v, -a_j v), with a_j = (j + 1) / 2**k and the smallest k for which all a_j < 1.
    y : ndarray of shape (n_sequences,), int64

    Raises
    ------
    ValueError
        A count that is not an integer of at least 1; more than 2**28 sequences.

    Notes
    -----
    Hard by a theorem: in every direction the largest score, the smallest score and the mean score agree in exact
    arithmetic, so that neither leader attention (hardmax attention to the token with the largest key score) nor a mean of
    the tokens tells two sequences apart, however many are used. A nonlinear layer has to act on single tokens first.

    Examples
    --------
    >>> from sklearn_hardmax.datasets import make_swaps
    >>> X, y = make_swaps(3, random_state=0)
    >>> X[0].ravel(), X[2].ravel()
    (array([-1. , 1. , 0.25, -0.25]), array([-1. , 1. , 0.75, -0.75]))
    """
    check_integers(1, n_sequences=n_sequences, n_classes=n_classes, token_dim=token_dim)
    if n_sequences > 2**28:
        raise ValueError(f"n_sequences must be at most 2**28 for exact tokens, got {n_sequences}.")
    rng = check_random_state(random_state)
    direction = np.ones(1)
    if token_dim > 1:
        direction = sample_distinct_tokens(1, token_dim, rng)[0]
        # a_j has at most 28 bits and v 25, so their products fit into the 53 bits of a float64
        direction = np.rint(direction / np.linalg.norm(direction) * 2.0**24) / 2.0**24
    a = np.arange(1, n_sequences + 1) / 2.0 ** int(n_sequences).bit_length()  # a power of two above n_sequences
    one = np.ones(n_sequences)
    tokens = np.stack([-one, one, a, -a], axis=1).reshape(-1, 1) * direction
    return RaggedSequences.from_flat(tokens, np.full(n_sequences, 4)), sample_labels(n_sequences, n_classes, rng)


def make_frequencies(
    n_sequences: int = 100,
    *,
    n_classes: int = 2,
    token_dim: int = 2,
    support_size: int = 2,
    random_state: RandomStateLike = None,
) -> tuple[RaggedSequences, IntArray]:
    """Generate sequences of the same few tokens, each sequence with other frequencies.

    Parameters
    ----------
    n_sequences : int, default=100
    n_classes : int, default=2
    token_dim : int, default=2
    support_size : int, default=2
        Number of different tokens that each sequence contains, each at least once.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    X : RaggedSequences
        Not longer than needed for n_sequences different frequencies.
    y : ndarray of shape (n_sequences,), int64

    Raises
    ------
    ValueError
        A count that is not an integer of at least 1, or a single token for more than one sequence.

    Notes
    -----
    Hard because every score has the same maximum and the same minimum in all sequences, and no token is missing in any: only
    averages differ.

    Examples
    --------
    >>> from sklearn_hardmax.datasets import make_frequencies
    >>> X, y = make_frequencies(3, token_dim=1, random_state=0)
    >>> [len(set(Z.ravel())) for Z in X], sorted(X.lengths.tolist())
    ([2, 2, 2], [2, 3, 3])
    """
    check_integers(1, n_sequences=n_sequences, n_classes=n_classes, token_dim=token_dim, support_size=support_size)
    if support_size == 1 and n_sequences > 1:
        raise ValueError(f"support_size must be at least 2 for more than one sequence, got 1 for {n_sequences}.")
    # the smallest length up to which there are enough different frequencies
    known = itertools.accumulate(profiles_by_total(support_size, least=1))
    longest = 1 + next(i for i, n in enumerate(known) if n >= n_sequences)
    rng = check_random_state(random_state)
    counts = sample_profiles(n_sequences, support_size, support_size, longest, rng, least=1)
    support = sample_distinct_tokens(support_size, token_dim, rng)
    return sequences_from_counts(support, counts, rng), sample_labels(n_sequences, n_classes, rng)
