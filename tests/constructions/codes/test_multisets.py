"""Counts of tokens are the frequencies of their sequences, in exact arithmetic."""

from fractions import Fraction

import numpy as np
from cases.multisets import SEQUENCES, flat, frequencies
from hypothesis import given

from sklearn_hardmax.constructions.codes.multisets import distinct_rows, group_equal_multisets, multisets_from_tokens


@given(SEQUENCES)
def test_groups_of_equal_multisets_are_those_of_equal_frequencies(sequences):
    multisets = multisets_from_tokens(*flat(sequences))
    groups = {tuple(g.tolist()) for g in group_equal_multisets(multisets, range(len(sequences)))}
    by_hand = {}
    for j, s in enumerate(sequences):
        by_hand.setdefault(frequencies(s), []).append(j)
    assert groups == {tuple(g) for g in by_hand.values()}


@given(SEQUENCES)
def test_counts_over_totals_are_the_frequencies(sequences):
    multisets = multisets_from_tokens(*flat(sequences))
    for j, s in enumerate(sequences):
        tokens, counts = multisets.frequencies(j)
        total = int(multisets.totals[j])
        assert frozenset((t, Fraction(c, total)) for t, c in zip(tokens.tolist(), counts.tolist())) == frequencies(s)
        assert np.gcd.reduce(counts) == 1


def test_rows_are_distinct_as_numbers():
    rows = np.array([[0.0, 1.0], [-0.0, 1.0], [0.0, np.nextafter(1.0, 2)], [0.0, 1.0]])
    ids = distinct_rows(rows)
    assert ids[0] == ids[1] == ids[3] != ids[2]
