"""Sequences with known answers: families that are hard to tell apart on purpose, and real data that scikit-learn ships.

A network of feed-forward and hardmax attention layers computes a function of a token and of the normalised multiset of
its sequence, count / length for every token, so labels can be learned exactly when sequences with equal normalised
multisets have equal labels. Every family here keeps all normalised multisets apart and then draws the labels at random:
an exact classifier must reach training accuracy 1, and nothing but telling the sequences apart leads there. Each family
takes one way of telling them apart away: distinct tokens, lengths, supports, extremes and means, or floating-point
resolution.

The generators return ``(X, y)``, sequences with float64 tokens and int64 labels 0..n_classes - 1; every class occurs as
soon as n_sequences >= n_classes. Random numbers come from `random_state` alone.
"""

import itertools
import math

import numpy as np
from sklearn.datasets import load_digits
from sklearn.utils import check_random_state

from sklearn_hardmax.converters import check_integer
from sklearn_hardmax.sequences import RaggedSequences


def load_digit_points():
    """Handwritten digits as sets of ink points: the 1797 images of scikit-learn's `load_digits`.

    Every pixel with ink becomes one token (x, y, intensity), x the column 0..7, y the row counted upwards 0..7 and
    intensity 1..16, in the order of reading: rows from the top, columns from the left.

    Returns
    -------
    X : RaggedSequences
        1797 sequences of 16 to 42 tokens, token_dim 3.
    y : ndarray of shape (1797,), int64
        The digits.

    Notes
    -----
    Hard because most digits share most of their pixels: the class lies in which points occur together, and
    neither in the number of points nor in any single one of them. No two images are equal.

    Examples
    --------
    >>> from sklearn_hardmax.datasets import load_digit_points
    >>> X, y = load_digit_points()
    >>> X
    RaggedSequences(1797 sequences of 16 to 42 tokens, token_dim=3, float64)
    >>> X[0][0], int(y[0])
    (array([2., 7., 5.]), 0)
    """
    digits = load_digits()
    image, row, column = np.nonzero(digits.images)
    tokens = np.column_stack([column, 7 - row, digits.images[image, row, column]])
    return RaggedSequences.from_flat(tokens, groups=image), digits.target.astype(np.int64)


def make_labelled_sequences(
    n_sequences=100, *, n_classes=2, token_dim=2, min_length=1, max_length=20, random_state=None
):
    """Gaussian tokens in sequences of random lengths: plain memorisation.

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
        A count that is no integer of at least 1, or max_length below min_length.

    Notes
    -----
    The easy family, for scale: all tokens differ, so the largest score in a random direction names the
    sequence. What is left is to store n_sequences labels that follow no rule.

    Examples
    --------
    >>> from sklearn_hardmax.datasets import make_labelled_sequences
    >>> X, y = make_labelled_sequences(50, n_classes=3, min_length=4, max_length=4, random_state=0)
    >>> X
    RaggedSequences(50 sequences of 4 tokens, token_dim=2, float64)
    """
    _check_integers(1, n_sequences=n_sequences, n_classes=n_classes, token_dim=token_dim)
    _check_lengths(min_length, max_length)
    rng = check_random_state(random_state)
    lengths = _draw_lengths(n_sequences, min_length, max_length, rng)
    tokens = _draw_distinct(int(lengths.sum()), token_dim, rng)
    return RaggedSequences.from_flat(tokens, lengths), _draw_labels(n_sequences, n_classes, rng)


def make_shared_tokens(
    n_sequences=100,
    *,
    n_classes=2,
    token_dim=2,
    vocabulary_size=8,
    min_length=1,
    max_length=20,
    random_state=None,
):
    """Sequences over one small vocabulary, no two with the same frequencies of all its tokens.

    Parameters
    ----------
    n_sequences : int, default=100
    n_classes : int, default=2
    token_dim : int, default=2
    vocabulary_size : int, default=8
        How many different tokens, Gaussian, there are in all sequences together.
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
        A count that is no integer of at least 1, max_length below min_length, or more sequences than there are
        different normalised multisets.

    Notes
    -----
    Hard because no token names a sequence: leader reads take at most vocabulary_size values, so that sequences must be
    told apart by how often tokens occur.

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
    _check_integers(
        1, n_sequences=n_sequences, n_classes=n_classes, token_dim=token_dim, vocabulary_size=vocabulary_size
    )
    _check_lengths(min_length, max_length)
    known = _count_profiles(vocabulary_size, min_length, max_length, enough=n_sequences)
    if n_sequences > known:
        raise ValueError(
            f"{vocabulary_size} tokens in {min_length} to {max_length} places have {known} different normalised "
            f"multisets, but n_sequences is {n_sequences}."
        )
    rng = check_random_state(random_state)
    counts = _draw_profiles(n_sequences, vocabulary_size, min_length, max_length, rng)
    vocabulary = _draw_distinct(vocabulary_size, token_dim, rng)
    return _lay_out(vocabulary, counts, rng), _draw_labels(n_sequences, n_classes, rng)


def make_nested_prefixes(n_sequences=50, *, n_classes=2, token_dim=2, random_state=None):
    """The prefixes of one sequence: sequence j is its first j + 1 Gaussian tokens.

    Parameters
    ----------
    n_sequences : int, default=50
        Also the length of the longest; all together have n_sequences (n_sequences + 1) / 2 tokens.
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
        A count that is no integer of at least 1.

    Notes
    -----
    Hard because a longer sequence has all that a shorter one has: the maximum of a score over the first j
    tokens changes about log j times only, and the means of long prefixes lie close together.

    Examples
    --------
    >>> from sklearn_hardmax.datasets import make_nested_prefixes
    >>> X, y = make_nested_prefixes(4, random_state=0)
    >>> X.lengths
    array([1, 2, 3, 4])
    >>> bool((X[3][:2] == X[1]).all())
    True
    """
    _check_integers(1, n_sequences=n_sequences, n_classes=n_classes, token_dim=token_dim)
    rng = check_random_state(random_state)
    base = _draw_distinct(n_sequences, token_dim, rng)
    longest = np.arange(n_sequences)
    rows = np.concatenate([longest[: j + 1] for j in range(n_sequences)])
    return RaggedSequences.from_flat(base[rows], longest + 1), _draw_labels(n_sequences, n_classes, rng)


def make_leave_one_out(n_sequences=50, *, n_classes=2, token_dim=2, random_state=None):
    """One set of n_sequences Gaussian tokens; sequence j is all of them but token j.

    Parameters
    ----------
    n_sequences : int, default=50
        At least 2; all together have n_sequences (n_sequences - 1) tokens.
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
        A count that is no integer of at least 1, or fewer than 2 sequences.

    Notes
    -----
    Hard because any two sequences differ in one token each: the maximum of a score is the same for all
    sequences but one, so is the minimum, and means differ by 1 / (n_sequences - 1) of the difference of two tokens.

    Examples
    --------
    >>> from sklearn_hardmax.datasets import make_leave_one_out
    >>> X, y = make_leave_one_out(3, random_state=0)
    >>> bool((X[0][1] == X[1][1]).all() and (X[0][0] == X[2][1]).all())
    True
    """
    _check_integers(2, n_sequences=n_sequences)
    _check_integers(1, n_classes=n_classes, token_dim=token_dim)
    rng = check_random_state(random_state)
    base = _draw_distinct(n_sequences, token_dim, rng)
    others = ~np.eye(n_sequences, dtype=bool)
    rows = np.nonzero(others)[1]
    return RaggedSequences.from_flat(base[rows], others.sum(axis=1)), _draw_labels(n_sequences, n_classes, rng)


def make_swaps(n_sequences=100, *, n_classes=2, token_dim=1, random_state=None):
    """Four tokens on a line, -1, 1, a_j and -a_j: maximum, minimum and mean are the same for all sequences.

    Parameters
    ----------
    n_sequences : int, default=100
    n_classes : int, default=2
    token_dim : int, default=1
        With more than one feature the tokens lie on the line along a random direction v of length 1, up to 1e-7: v is
        rounded to multiples of 2**-24, so that a_j v is exact.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    X : RaggedSequences
        Sequence j is (-v, v, a_j v, -a_j v), with a_j = (j + 1) / 2**k and the smallest k for which all a_j < 1.
    y : ndarray of shape (n_sequences,), int64

    Raises
    ------
    ValueError
        A count that is no integer of at least 1; more than 2**28 sequences.

    Notes
    -----
    Hard by a theorem: in every direction the largest score, the smallest score and the mean score agree in exact
    arithmetic, so that no leader read and no mean of the tokens tells two sequences apart, however many are taken. A
    nonlinear layer has to act on single tokens first.

    Examples
    --------
    >>> from sklearn_hardmax.datasets import make_swaps
    >>> X, y = make_swaps(3)
    >>> X[0].ravel(), X[2].ravel()
    (array([-1. , 1. , 0.25, -0.25]), array([-1. , 1. , 0.75, -0.75]))
    """
    _check_integers(1, n_sequences=n_sequences, n_classes=n_classes, token_dim=token_dim)
    if n_sequences > 2**28:
        raise ValueError(f"n_sequences must be at most 2**28 for exact tokens, got {n_sequences}.")
    rng = check_random_state(random_state)
    direction = np.ones(1)
    if token_dim > 1:
        direction = _draw_distinct(1, token_dim, rng)[0]
        direction = np.rint(direction / np.linalg.norm(direction) * 2.0**24) / 2.0**24
    a = np.arange(1, n_sequences + 1) / 2.0 ** int(n_sequences).bit_length()  # a power of two above n_sequences
    one = np.ones(n_sequences)
    tokens = np.stack([-one, one, a, -a], axis=1).reshape(-1, 1) * direction
    return RaggedSequences.from_flat(tokens, np.full(n_sequences, 4)), _draw_labels(n_sequences, n_classes, rng)


def make_frequencies(n_sequences=100, *, n_classes=2, token_dim=2, support_size=2, random_state=None):
    """The same few tokens in every sequence, each time with other frequencies.

    Parameters
    ----------
    n_sequences : int, default=100
    n_classes : int, default=2
    token_dim : int, default=2
    support_size : int, default=2
        How many different tokens each sequence holds, every one of them at least once.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    X : RaggedSequences
        No longer than needed for n_sequences different frequencies.
    y : ndarray of shape (n_sequences,), int64

    Raises
    ------
    ValueError
        A count that is no integer of at least 1, or a single token for more than one sequence.

    Notes
    -----
    Hard because every score has the same maximum and the same minimum in all sequences, and no token is
    missing anywhere: only averages differ.

    Examples
    --------
    >>> from sklearn_hardmax.datasets import make_frequencies
    >>> X, y = make_frequencies(3, token_dim=1, random_state=0)
    >>> [len(set(Z.ravel())) for Z in X], sorted(X.lengths.tolist())
    ([2, 2, 2], [2, 3, 3])
    """
    _check_integers(1, n_sequences=n_sequences, n_classes=n_classes, token_dim=token_dim, support_size=support_size)
    if support_size == 1 and n_sequences > 1:
        raise ValueError(f"support_size must be at least 2 for more than one sequence, got 1 for {n_sequences}.")
    known = itertools.accumulate(_profiles_by_total(support_size, least=1))
    longest = 1 + next(i for i, n in enumerate(known) if n >= n_sequences)
    rng = check_random_state(random_state)
    counts = _draw_profiles(n_sequences, support_size, support_size, longest, rng, least=1)
    support = _draw_distinct(support_size, token_dim, rng)
    return _lay_out(support, counts, rng), _draw_labels(n_sequences, n_classes, rng)


def make_near_equal_tokens(n_sequences=100, *, n_classes=2, token_dim=2, length=5, gap=1e-9, random_state=None):
    """Sequences that are equal but for their first token, which lies a multiple of `gap` away from a common one.

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
        A count that is no integer of at least 1, or a gap outside its bounds.

    Notes
    -----
    Hard because the sequences differ by a billionth of the scale of the tokens: gaps must be measured, not assumed, and
    a step that keeps fewer than ten digits loses the labels.

    Examples
    --------
    >>> from sklearn_hardmax.datasets import make_near_equal_tokens
    >>> X, y = make_near_equal_tokens(10, gap=2.0**-30, random_state=0)
    >>> bool((X[0][1:] == X[9][1:]).all()), float((X[9][0] - X[0][0])[0] * 2.0**30)
    (True, 9.0)
    """
    _check_integers(1, n_sequences=n_sequences, n_classes=n_classes, token_dim=token_dim, length=length)
    if not 2.0**-51 <= gap <= 1 / n_sequences:
        raise ValueError(f"gap must lie in [2**-51, 1 / n_sequences = {1 / n_sequences}], got {gap}.")
    rng = check_random_state(random_state)
    tokens = np.tile(rng.uniform(-1, 1, size=(length, token_dim)), (n_sequences, 1, 1))
    tokens[:, 0] /= 2  # leaves room for the steps
    tokens[:, 0] += (np.arange(n_sequences) - n_sequences // 2)[:, None] * gap
    X = RaggedSequences.from_flat(tokens.reshape(-1, token_dim), np.full(n_sequences, length))
    return X, _draw_labels(n_sequences, n_classes, rng)


def make_large_offsets(
    n_sequences=100,
    *,
    n_classes=2,
    token_dim=2,
    min_length=1,
    max_length=20,
    offset=1e8,
    gap_ulp=4096,
    random_state=None,
):
    """Tokens of a fine lattice far away from the origin.

    Parameters
    ----------
    n_sequences : int, default=100
    n_classes : int, default=2
    token_dim : int, default=2
    min_length, max_length : int, default=1 and 20
        Lengths are uniform on min_length..max_length.
    offset : float, default=1e8
        Where the lattice begins, in every feature; it extends towards the origin, where all its points are floats.
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
        A count that is no integer of at least 1, max_length below min_length, or an offset that is not finite or less
        than twice the extent of the lattice.

    Notes
    -----
    Hard because nearly all digits of a token say nothing: a network that scales by weights instead of centring first
    rounds the differences away. All tokens differ, so centred data are as easy as those of `make_labelled_sequences`.

    Examples
    --------
    >>> from sklearn_hardmax.datasets import make_large_offsets
    >>> X, y = make_large_offsets(50, offset=2.0**30, gap_ulp=2**22, random_state=0)  # spacing 1
    >>> bool((X.tokens <= 2.0**30).all() and (X.tokens == X.tokens.round()).all())
    True
    """
    _check_integers(1, n_sequences=n_sequences, n_classes=n_classes, token_dim=token_dim, gap_ulp=gap_ulp)
    _check_lengths(min_length, max_length)
    rng = check_random_state(random_state)
    lengths = _draw_lengths(n_sequences, min_length, max_length, rng)
    n_tokens = int(lengths.sum())
    spacing = gap_ulp * np.spacing(abs(float(offset)))
    if not (math.isfinite(offset) and n_tokens * spacing <= abs(offset) / 2):
        raise ValueError(
            f"offset must be finite and at least twice the extent of {n_tokens} lattice points of spacing "
            f"{spacing}, got {offset}."
        )
    steps = np.column_stack([rng.permutation(n_tokens) for _ in range(token_dim)])
    X = RaggedSequences.from_flat(offset - math.copysign(spacing, offset) * steps, lengths)
    return X, _draw_labels(n_sequences, n_classes, rng)


def _check_integers(least, **values):
    for name, value in values.items():
        check_integer(value, name, least)


def _check_lengths(min_length, max_length):
    _check_integers(1, min_length=min_length, max_length=max_length)
    if max_length < min_length:
        raise ValueError(f"max_length must be at least min_length = {min_length}, got {max_length}.")


def _draw_lengths(n_sequences, min_length, max_length, rng):
    return rng.randint(min_length, max_length + 1, size=n_sequences, dtype=np.int64)


def _draw_labels(n_sequences, n_classes, rng):
    """Labels without a rule; each class once before any comes twice."""
    once = rng.permutation(n_classes)[:n_sequences]
    rest = rng.randint(n_classes, size=n_sequences - len(once))
    return rng.permutation(np.concatenate([once, rest])).astype(np.int64)


def _draw_distinct(n_tokens, token_dim, rng):
    """Gaussian tokens, no two with the same first feature: drawn again in the rare case of equal ones."""
    while True:
        tokens = rng.standard_normal((n_tokens, token_dim))
        if len(np.unique(tokens[:, 0])) == n_tokens:
            return tokens


# A profile is a vector of counts, one a token of the vocabulary, up to a common factor: a normalised multiset. Profiles
# in lowest terms stand for all their multiples.


def _profiles_by_total(size, least):
    """Yield for total = 1, 2, ... how many profiles in lowest terms `size` tokens have, each at least 0 or 1 times."""
    known = {}
    for total in itertools.count(1):
        vectors = math.comb(total - least * size + size - 1, size - 1)
        # every other vector of this total is a multiple of one in lowest terms, whose total divides this one
        known[total] = vectors - sum(n for t, n in known.items() if total % t == 0)
        yield known[total]


def _count_profiles(size, shortest, longest, least=0, enough=math.inf):
    """How many profiles the sequences of shortest..longest tokens have: those with a multiple of such a total.

    Counting stops beyond `enough`.
    """
    known = 0
    for total, n in enumerate(itertools.islice(_profiles_by_total(size, least), longest), start=1):
        known += n if longest // total * total >= shortest else 0
        if known > enough:
            break
    return known


def _draw_profiles(n_profiles, size, shortest, longest, rng, least=0):
    """Counts of shape (n_profiles, size), totals in shortest..longest, no two rows multiples of one profile."""
    known = _count_profiles(size, shortest, longest, least, enough=4 * n_profiles)
    if known <= 4 * n_profiles:  # few: list them all, since drawing would wait long for the last ones
        totals = np.arange(shortest, longest + 1)
        counts = np.concatenate([_all_counts(total, size, least) for total in totals.tolist()])
        return rng.permutation(counts[_first_of_each(counts)])[:n_profiles]
    counts = np.zeros((0, size), dtype=np.int64)
    while len(counts) < n_profiles:
        totals = rng.randint(shortest, longest + 1, size=2 * n_profiles)
        counts = np.concatenate([counts, _draw_counts(totals, size, least, rng)])
        counts = counts[_first_of_each(counts)]
    return counts[:n_profiles]


def _all_counts(total, size, least):
    """All count vectors of this total: between `size - 1` bars, chosen among all places, lie the counts."""
    places = total - least * size + size - 1
    chosen = list(itertools.combinations(range(places), size - 1))
    bars = np.array(chosen, dtype=np.int64).reshape(len(chosen), size - 1)
    return _between(bars, np.full(len(bars), places), least)


def _draw_counts(totals, size, least, rng):
    """A count vector for each total, uniform among those of `_all_counts`."""
    places = totals - least * size + size - 1
    keys = rng.random_sample((len(totals), int(places.max())))
    keys[np.arange(keys.shape[1]) >= places[:, None]] = 2.0  # behind the last place
    bars = np.sort(np.argsort(keys, axis=1)[:, : size - 1], axis=1)
    return _between(bars, places, least)


def _between(bars, places, least):
    ends = np.concatenate([np.full((len(bars), 1), -1), bars, places[:, None]], axis=1)
    return np.diff(ends, axis=1) - 1 + least


def _first_of_each(counts):
    lowest = counts // np.gcd.reduce(counts, axis=1)[:, None]
    return np.sort(np.unique(lowest, axis=0, return_index=True)[1])


def _lay_out(vocabulary, counts, rng):
    """Sequence j holds token i of the vocabulary counts[j, i] times, in random order."""
    lengths = counts.sum(axis=1)
    tokens = np.repeat(np.tile(np.arange(len(vocabulary)), len(counts)), counts.ravel())
    order = np.lexsort((rng.random_sample(len(tokens)), np.repeat(np.arange(len(counts)), lengths)))
    return RaggedSequences.from_flat(vocabulary[tokens[order]], lengths)
