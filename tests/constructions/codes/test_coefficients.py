"""The lemmas of splitting and of coefficients, in exact arithmetic."""

from fractions import Fraction

import numpy as np
import pytest
from cases.multisets import SEQUENCES, flat, frequencies
from hypothesis import given
from hypothesis import strategies as st

from sklearn_hardmax.constructions.codes.coefficients import _Partition, separating_coefficients
from sklearn_hardmax.constructions.codes.multisets import multisets_from_tokens


@given(SEQUENCES, st.data())
def test_few_tokens_with_small_coefficients_tell_different_labels_apart(sequences, data):
    """At most min(G, T) - 1 tokens, coefficients at most G (G - 1) / 2 + 1."""
    distinct = list({frequencies(s): s for s in sequences}.values())
    labels = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(distinct), max_size=len(distinct))))
    multisets = multisets_from_tokens(*flat(distinct))
    G, T = len(distinct), len({t for s in distinct for t in s})
    bumps, together = separating_coefficients(multisets, labels, np.ones(G, dtype=int), np.full(5, 2**30))
    assert together == []
    assert len(bumps.tokens) <= min(G, T) - 1
    assert all(1 <= a <= G * (G - 1) // 2 + 1 for a in bumps.heights)
    sums = [sum(a * Fraction(s.count(t), len(s)) for t, a in zip(bumps.tokens, bumps.heights)) for s in distinct]
    for i in range(G):
        for j in range(i):
            assert labels[i] == labels[j] or sums[i] != sums[j]


@given(SEQUENCES, st.data())
def test_what_limited_coefficients_cannot_tell_apart_is_named(sequences, data):
    distinct = list({frequencies(s): s for s in sequences}.values())
    G = len(distinct)
    labels = np.array(data.draw(st.lists(st.integers(0, 3), min_size=G, max_size=G)))
    limits = np.array(data.draw(st.lists(st.integers(0, 1), min_size=5, max_size=5)))
    sizes = np.array(data.draw(st.lists(st.integers(1, 3), min_size=G, max_size=G)))
    bumps, together = separating_coefficients(multisets_from_tokens(*flat(distinct)), labels, sizes, limits)
    assert all(limits[t] for t in bumps.tokens)
    assert set(bumps.heights) <= {1}
    assert len({j for group in together for j in group}) == sum(map(len, together))
    for group in together:
        assert len(set(labels[group].tolist())) > 1
    apart = [j for j in range(G) if not any(j in group for group in together)]
    sums = [sum(Fraction(s.count(t), len(s)) for t in bumps.tokens) for s in distinct]
    if not together:
        for i in apart:
            for j in apart:
                assert labels[i] == labels[j] or sums[i] != sums[j]


def test_a_split_that_finds_no_coefficient_changes_nothing():
    # one token of two: frequencies 1/2 and 1/4 of token 0 and a third multiset without it at sum 0
    multisets = multisets_from_tokens(*flat([[0, 1], [0, 1, 1, 1], [1]]))
    partition = _Partition(multisets, np.array([0, 1, 2]))
    before = {total: dict(labels) for total, labels in partition.labels_at.items()}
    assert partition.split(0, 1, 0) is None
    assert {total: dict(labels) for total, labels in partition.labels_at.items()} == before
    assert partition.mixed_pair() is not None
    assert partition.split(0, 1, 1) == 1
    assert partition.mixed_pair() is None


def test_the_smallest_coefficient_that_gives_no_two_labels_one_sum_is_taken():
    """Token 0 gives the sums 1/2, 0 and 0; then token 1 once gives 1/2, 1/2 and 0, and twice 1/2, 1 and 0."""
    multisets, labels, sizes = multisets_from_tokens(*flat([[0, 2], [1, 2], [2]])), np.arange(3), np.ones(3, dtype=int)
    chosen, together = separating_coefficients(multisets, labels, sizes, np.array([5, 5, 1]))
    assert (chosen.tokens, chosen.heights, together) == ([0, 1], [1, 2], [])
    chosen, together = separating_coefficients(multisets, labels, sizes, np.array([1, 1, 0]))
    assert (chosen.tokens, chosen.heights, together) == ([0], [1], [[1, 2]])


@pytest.mark.parametrize(("sizes", "tokens"), [([1, 5, 1], []), ([5, 1, 1], [2])])
def test_multisets_that_stay_together_count_under_the_label_of_most_of_their_sequences(sizes, tokens):
    """Tokens 0 and 1 are excluded, so that {0} and {1} stay together: under label 1, which {2} has too, or under label 0."""
    multisets = multisets_from_tokens(*flat([[0], [1], [2]]))
    chosen, together = separating_coefficients(multisets, np.array([0, 1, 1]), np.array(sizes), np.array([0, 0, 9]))
    assert (chosen.tokens, chosen.heights, together) == (tokens, [1] * len(tokens), [[0, 1]])
