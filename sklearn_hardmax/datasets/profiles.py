"""Count and sample token frequencies over a small vocabulary, so that no two sequences have the same frequencies.

A *profile* is a vector of counts, one per token of the vocabulary, up to a common factor: the counts (1, 2) and (2, 4) are
the same profile. It is written in lowest terms, with greatest common divisor 1, and stands for all multiples of these counts.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np

from sklearn_hardmax._typing import FloatArray, IntArray
from sklearn_hardmax.sequences import RaggedSequences


def profiles_by_total(size: int, least: int) -> Iterator[int]:
    """Yield for total = 1, 2, ... the number of profiles in lowest terms with this total.

    Profiles are over `size` tokens, each with a count of at least `least` (0 or 1).
    """
    known: dict[int, int] = {}
    for total in itertools.count(1):
        # count vectors of this total: ways to distribute the surplus over `least` per token (stars and bars)
        vectors = math.comb(total - least * size + size - 1, size - 1)
        # every other vector of this total is a multiple of one in lowest terms, whose total divides this one
        known[total] = vectors - sum(n for t, n in known.items() if total % t == 0)
        yield known[total]


def count_profiles(size: int, shortest: int, longest: int, least: int = 0, enough: float = math.inf) -> int:
    """Count the profiles of sequences of shortest..longest tokens: those with a multiple of such a total.

    Counting stops beyond `enough`.
    """
    known = 0
    for total, n in enumerate(itertools.islice(profiles_by_total(size, least), longest), start=1):
        # the largest multiple of the total that is at most `longest` must be long enough
        known += n if longest // total * total >= shortest else 0
        if known > enough:
            break
    return known


def sample_profiles(
    n_profiles: int, size: int, shortest: int, longest: int, rng: np.random.RandomState, least: int = 0
) -> IntArray:
    """Sample counts (n_profiles, size) with totals in shortest..longest, no two rows multiples of one profile."""
    known = count_profiles(size, shortest, longest, least, enough=4 * n_profiles)
    # if there are few profiles, list them all: sampling would take long to find the last ones
    if known <= 4 * n_profiles:
        totals = np.arange(shortest, longest + 1)
        counts = np.concatenate([_all_counts(total, size, least) for total in totals.tolist()])
        return rng.permutation(counts[_first_of_each(counts)])[:n_profiles]
    counts = np.zeros((0, size), dtype=np.int64)
    while len(counts) < n_profiles:
        totals = rng.randint(shortest, longest + 1, size=2 * n_profiles)
        counts = np.concatenate([counts, _sample_counts(totals, size, least, rng)])
        counts = counts[_first_of_each(counts)]
    return counts[:n_profiles]


def _all_counts(total, size, least):
    """All count vectors of this total, by stars and bars.

    Of total - least * size + size - 1 places, size - 1 hold a bar; the numbers of places between the bars, plus `least`,
    are the counts.
    """
    places = total - least * size + size - 1
    chosen = list(itertools.combinations(range(places), size - 1))
    bars = np.array(chosen, dtype=np.int64).reshape(len(chosen), size - 1)
    return _between(bars, np.full(len(bars), places), least)


def _sample_counts(totals, size, least, rng):
    """Sample a count vector for each total, uniform among those of `_all_counts`."""
    places = totals - least * size + size - 1
    # the places with the smallest random keys hold the bars; places that a row does not have get a key above all others
    keys = rng.random_sample((len(totals), int(places.max())))
    keys[np.arange(keys.shape[1]) >= places[:, None]] = 2.0
    bars = np.sort(np.argsort(keys, axis=1)[:, : size - 1], axis=1)
    return _between(bars, places, least)


def _between(bars, places, least):
    """Counts (n, size) from the positions of the bars (n, size - 1), ascending, among the places (n,)."""
    ends = np.concatenate([np.full((len(bars), 1), -1), bars, places[:, None]], axis=1)
    return np.diff(ends, axis=1) - 1 + least


def _first_of_each(counts):
    """Index of the first row of each profile, ascending."""
    lowest = counts // np.gcd.reduce(counts, axis=1)[:, None]
    return np.sort(np.unique(lowest, axis=0, return_index=True)[1])


def sequences_from_counts(vocabulary: FloatArray, counts: IntArray, rng: np.random.RandomState) -> RaggedSequences:
    """Build sequences from a vocabulary (size, token_dim) and counts (n_sequences, size).

    Sequence j holds token i of the vocabulary counts[j, i] times, in random order.
    """
    lengths = counts.sum(axis=1)
    tokens = np.repeat(np.tile(np.arange(len(vocabulary)), len(counts)), counts.ravel())
    # lexsort sorts by its last key first: by sequence, and at random within each
    order = np.lexsort((rng.random_sample(len(tokens)), np.repeat(np.arange(len(counts)), lengths)))
    return RaggedSequences.from_flat(vocabulary[tokens[order]], lengths)
