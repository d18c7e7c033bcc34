"""Normalised multisets over a small vocabulary: how many there are, and some of them, no two the same.

A profile is a vector of counts, one a token of the vocabulary, up to a common factor: a normalised multiset. Profiles in
lowest terms stand for all their multiples.
"""

import itertools
import math

import numpy as np

from sklearn_hardmax.sequences import RaggedSequences


def profiles_by_total(size, least):
    """Yield for total = 1, 2, ... how many profiles in lowest terms `size` tokens have, each at least 0 or 1 times."""
    known = {}
    for total in itertools.count(1):
        vectors = math.comb(total - least * size + size - 1, size - 1)
        # every other vector of this total is a multiple of one in lowest terms, whose total divides this one
        known[total] = vectors - sum(n for t, n in known.items() if total % t == 0)
        yield known[total]


def count_profiles(size, shortest, longest, least=0, enough=math.inf):
    """How many profiles the sequences of shortest..longest tokens have: those with a multiple of such a total.

    Counting stops beyond `enough`.
    """
    known = 0
    for total, n in enumerate(itertools.islice(profiles_by_total(size, least), longest), start=1):
        known += n if longest // total * total >= shortest else 0
        if known > enough:
            break
    return known


def sample_profiles(n_profiles, size, shortest, longest, rng, least=0):
    """Counts of shape (n_profiles, size), totals in shortest..longest, no two rows multiples of one profile."""
    known = count_profiles(size, shortest, longest, least, enough=4 * n_profiles)
    if known <= 4 * n_profiles:  # few: list them all, since drawing would wait long for the last ones
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
    """All count vectors of this total: between `size - 1` bars, chosen among all places, lie the counts."""
    places = total - least * size + size - 1
    chosen = list(itertools.combinations(range(places), size - 1))
    bars = np.array(chosen, dtype=np.int64).reshape(len(chosen), size - 1)
    return _between(bars, np.full(len(bars), places), least)


def _sample_counts(totals, size, least, rng):
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


def sequences_from_counts(vocabulary, counts, rng):
    """Sequence j holds token i of the vocabulary counts[j, i] times, in random order."""
    lengths = counts.sum(axis=1)
    tokens = np.repeat(np.tile(np.arange(len(vocabulary)), len(counts)), counts.ravel())
    order = np.lexsort((rng.random_sample(len(tokens)), np.repeat(np.arange(len(counts)), lengths)))
    return RaggedSequences.from_flat(vocabulary[tokens[order]], lengths)
