"""The lemmas of splitting and of coefficients, in exact arithmetic."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from cases.multisets import SEQUENCES, flat, frequencies
from hypothesis import given
from hypothesis import strategies as st

from sklearn_hardmax.constructions.codes.coefficients import draw_coefficients, separating_tokens
from sklearn_hardmax.constructions.codes.multisets import multisets_from_tokens

# few tokens in many sequences, and many tokens in few: the splitting lemma takes the smaller number
MANY_TOKENS = st.lists(st.lists(st.integers(0, 40), min_size=1, max_size=6), min_size=1, max_size=9)


def drawn_labels(data, n):
    return np.array(data.draw(st.lists(st.integers(0, 3), min_size=n, max_size=n)))


def distinct_of(sequences):
    """One sequence for each multiset, and their Multisets."""
    distinct = list({frequencies(s): s for s in sequences}.values())
    return distinct, multisets_from_tokens(*flat(distinct))


def on(tokens, sequence):
    """The frequencies of some tokens in a sequence."""
    return tuple(Fraction(sequence.count(token), len(sequence)) for token in tokens)


@given(st.one_of(SEQUENCES, MANY_TOKENS), st.integers(0, 3), st.data())
def test_few_tokens_tell_different_labels_apart(sequences, seed, data):
    """Splitting lemma: at most min(G, T) - 1 tokens; here T counts all numbers up to the largest one."""
    distinct, multisets = distinct_of(sequences)
    labels = drawn_labels(data, len(distinct))
    n_tokens = max(map(max, distinct)) + 1
    tokens = separating_tokens(multisets, labels, np.full(n_tokens, 9), seed).tolist()
    assert len(tokens) <= min(len(distinct), n_tokens) - 1
    assert tokens == sorted(set(tokens))
    for i, j in product(range(len(distinct)), repeat=2):
        assert labels[i] == labels[j] or on(tokens, distinct[i]) != on(tokens, distinct[j])


@given(SEQUENCES, st.data())
def test_tokens_without_room_are_not_chosen_and_the_others_tell_apart_what_they_can(sequences, data):
    distinct, multisets = distinct_of(sequences)
    labels = drawn_labels(data, len(distinct))
    limits = np.array(data.draw(st.lists(st.integers(0, 1), min_size=5, max_size=5)))
    tokens = separating_tokens(multisets, labels, limits).tolist()
    assert all(limits[token] for token in tokens)
    # one token with room may be left out only where all have room
    usable = [k for k in range(5) if limits[k] and not (limits.all() and k == limits.argmin())]
    for i, j in product(range(len(distinct)), repeat=2):
        if labels[i] != labels[j] and on(usable, distinct[i]) != on(usable, distinct[j]):
            assert on(tokens, distinct[i]) != on(tokens, distinct[j])


@given(st.one_of(SEQUENCES, MANY_TOKENS), st.data())
def test_a_token_is_chosen_only_where_those_with_more_room_do_not_tell_labels_apart(sequences, data):
    distinct, multisets = distinct_of(sequences)
    labels = drawn_labels(data, len(distinct))
    n_tokens = max(map(max, distinct)) + 1
    limits = np.array(data.draw(st.lists(st.integers(1, 4), min_size=n_tokens, max_size=n_tokens)))
    for token in separating_tokens(multisets, labels, limits).tolist():
        more_room = np.flatnonzero(limits > limits[token]).tolist()
        together = {}
        for sequence, label in zip(distinct, labels.tolist()):
            together.setdefault(on(more_room, sequence), set()).add(label)
        assert max(map(len, together.values())) > 1


def test_multisets_of_one_label_need_no_token():
    _, multisets = distinct_of([[k] for k in range(9)])
    assert len(separating_tokens(multisets, np.zeros(9, dtype=int), np.full(9, 9))) == 0
    labels = np.arange(9) == 4
    assert separating_tokens(multisets, labels.astype(int), np.full(9, 9)).tolist() == [4]


def test_of_few_tokens_and_many_multisets_all_tokens_but_one_are_taken():
    """32 multisets of three tokens: the one with the smallest limit is left out, whatever the labels are."""
    sequences = [[0] * a + [1] * b + [2] for a in range(1, 9) for b in range(1, 5)]
    _, multisets = distinct_of(
        [s for s in sequences if len(s) == len(set(s)) or np.gcd.reduce([s.count(k) for k in s]) == 1]
    )
    assert separating_tokens(multisets, np.zeros(32, dtype=int), np.array([5, 3, 4])).tolist() == [0, 2]


def test_frequencies_are_compared_and_not_counts():
    """Token 0 makes up a half of both sequences; token 1 a half and a quarter."""
    _, multisets = distinct_of([[0, 1], [0, 0, 1, 2]])
    tokens = separating_tokens(multisets, np.array([0, 1]), np.array([9, 9, 9]))
    assert tokens.tolist() in ([1], [2])


@pytest.mark.parametrize(("largest", "n_bits"), [(1, 5), (6, 2), (3, 2)])
def test_coefficients_are_all_integers_up_to_the_power_of_two_and_the_limit(largest, n_bits):
    coefficients = draw_coefficients(np.full(500, largest), n_bits, np.random.RandomState(0))
    assert set(coefficients.tolist()) == set(range(1, min(largest, 2**n_bits) + 1))


def test_a_single_coefficient_is_one():
    assert draw_coefficients(np.array([9]), 5, np.random.RandomState(0)).tolist() == [1]


@given(SEQUENCES)
def test_at_most_one_in_h_choices_of_coefficients_gives_two_multisets_one_sum(sequences):
    """Coefficients lemma with h = 3, by all 3^5 choices."""
    distinct, _ = distinct_of(sequences[:2])
    if len(distinct) == 2:
        one, other = (on(range(5), s) for s in distinct)
        choices = list(product((1, 2, 3), repeat=5))
        n_equal = sum(sum(a * (p - q) for a, p, q in zip(choice, one, other)) == 0 for choice in choices)
        assert 3 * n_equal <= len(choices)
