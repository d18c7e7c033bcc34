"""Counts of tokens are the frequencies of their sequences, in exact arithmetic; equal hashes alone decide nothing."""

from fractions import Fraction

import numpy as np
import pytest
from cases.multisets import SEQUENCES, flat, frequencies
from hypothesis import given
from hypothesis import strategies as st
from joblib import parallel_config

from sklearn_hardmax import RaggedSequences
from sklearn_hardmax.constructions.codes import multisets as module
from sklearn_hardmax.constructions.codes.multisets import (
    distinct_tokens,
    group_equal_multisets,
    has_several_labels,
    multisets_from_tokens,
    numbered,
)


def first_numbers(keys):
    """A number for each key, by first occurrence, and the first index of every number, by a loop."""
    numbers = {}
    for key in keys:
        numbers.setdefault(key, len(numbers))
    return [numbers[key] for key in keys], [list(keys).index(key) for key in numbers]


@given(SEQUENCES)
def test_groups_of_equal_multisets_are_those_of_equal_frequencies(sequences):
    groups, first = group_equal_multisets(multisets_from_tokens(*flat(sequences)))
    assert (groups.tolist(), first.tolist()) == first_numbers([frequencies(s) for s in sequences])


@given(SEQUENCES)
def test_counts_over_totals_are_the_frequencies(sequences):
    multisets = multisets_from_tokens(*flat(sequences))
    for j, s in enumerate(sequences):
        tokens, counts = multisets.frequencies(j)
        total = int(multisets.totals[j])
        assert frozenset((t, Fraction(c, total)) for t, c in zip(tokens.tolist(), counts.tolist())) == frequencies(s)
        assert np.gcd.reduce(counts) == 1
        assert (multisets.owners[multisets.starts[j] : multisets.starts[j + 1]] == j).all()


@given(SEQUENCES, st.data())
def test_selected_multisets_are_those_of_the_selected_sequences(sequences, data):
    chosen = data.draw(st.lists(st.integers(0, len(sequences) - 1), min_size=1))
    selected = multisets_from_tokens(*flat(sequences)).selected(np.array(chosen))
    expected = multisets_from_tokens(*flat([sequences[j] for j in chosen]))
    assert all(np.array_equal(one, other) for one, other in zip(selected, expected))


@given(st.lists(st.integers(0, 5), min_size=1))
def test_keys_are_numbered_by_first_occurrence(keys):
    numbers, first = numbered(np.array(keys))
    assert (numbers.tolist(), first.tolist()) == first_numbers(keys)


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_tokens_are_distinct_as_numbers(n_jobs):
    X = RaggedSequences.from_list([[[0.0, 1.0], [-0.0, 1.0]], [[0.0, np.nextafter(1.0, 2)], [0.0, 1.0], [1.0, 0.0]]])
    with parallel_config("threading"):
        tokens = distinct_tokens(X, with_position=False, n_jobs=n_jobs)
    assert (tokens.ids.tolist(), tokens.first.tolist()) == ([0, 0, 1, 0, 2], [0, 2, 4])


def test_with_positions_a_token_equals_another_at_an_equal_relative_position_alone():
    """The middle of three tokens is at 1/2, as the third of five is; 1/3 is no other position here, nor is 1/4."""
    X = RaggedSequences.from_list([[[7.0]] * n for n in (1, 3, 4, 5)])
    positions = [0, 0, Fraction(1, 2), 1, 0, Fraction(1, 3), Fraction(2, 3), 1, *(Fraction(k, 4) for k in range(5))]
    assert distinct_tokens(X, with_position=True).ids.tolist() == first_numbers(positions)[0]
    assert distinct_tokens(X, with_position=False).ids.tolist() == [0] * 13


def test_tokens_of_many_features_and_of_float32_are_compared_in_blocks():
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 2, (300, 300)).astype(np.float32)
    chosen = rng.integers(0, 300, 1000)
    X = RaggedSequences(rows[chosen], [0, 400, 1000])
    assert distinct_tokens(X, with_position=False).ids.tolist() == first_numbers(chosen.tolist())[0]


def test_different_things_of_one_hash_are_hashed_again(monkeypatch):
    """The mixing function loses the low 32 bits at first, which the tokens 0 and 1 are told apart by."""
    honest, calls = module.mixed, []

    def lossy(numbers):
        calls.append(numbers)
        return honest(numbers) & np.uint64(0) if len(calls) <= 2 else honest(numbers)

    monkeypatch.setattr(module, "mixed", lossy)
    X = RaggedSequences.from_list([[[0.0], [1.0]], [[0.0]]])
    assert distinct_tokens(X, with_position=False).ids.tolist() == [0, 1, 0]
    calls.clear()
    groups, _ = group_equal_multisets(multisets_from_tokens(np.array([0, 1, 0]), X.offsets))
    assert groups.tolist() == [0, 1]
    assert len(calls) > 2


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2))))
def test_groups_have_several_labels_where_two_of_their_members_differ(pairs):
    groups, labels = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    expected = [len({label for other, label in pairs if other == group}) > 1 for group, _ in pairs]
    assert has_several_labels(groups, labels).tolist() == expected
