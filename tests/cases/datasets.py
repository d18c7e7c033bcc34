"""Normalised multisets in exact arithmetic: of a sequence, and all that there are."""

import itertools
from collections import Counter
from fractions import Fraction


def normalised_multiset(sequence):
    counts = Counter(map(tuple, sequence.tolist()))
    return frozenset((token, Fraction(count, len(sequence))) for token, count in counts.items())


def frequencies_of(size, shortest, longest, least=0):
    """All normalised multisets over `size` tokens, by listing every multiset."""
    found = set()
    for n in range(shortest, longest + 1):
        for multiset in itertools.combinations_with_replacement(range(size), n):
            counts = [multiset.count(i) for i in range(size)]
            if min(counts) >= least:
                found.add(tuple(Fraction(c, n) for c in counts))
    return found
