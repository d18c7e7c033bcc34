"""Lengths, labels and tokens are drawn within their bounds."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_hardmax import datasets as families
from sklearn_hardmax.datasets.sampling import check_integers, check_lengths, sample_labels, sample_lengths


@pytest.mark.parametrize(("shortest", "longest"), [(1, 1), (1, 4), (7, 7), (3, 9)])
def test_lengths_are_uniform_from_the_shortest_to_the_longest(shortest, longest):
    """Each of k lengths is as likely as the others: 1000 / k of them within five standard deviations."""
    lengths = sample_lengths(1000, shortest, longest, np.random.RandomState(0))
    k = longest - shortest + 1
    assert (lengths.dtype, lengths.shape) == (np.int64, (1000,))
    assert set(lengths.tolist()) == set(range(shortest, longest + 1))
    assert all(abs(n - 1000 / k) <= 5 * np.sqrt(1000 / k * (1 - 1 / k)) for n in Counter(lengths.tolist()).values())


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_no_class_comes_twice_before_every_class_has_come_once(n_sequences, n_classes, seed):
    labels = sample_labels(n_sequences, n_classes, np.random.RandomState(seed))
    assert (labels.dtype, labels.shape) == (np.int64, (n_sequences,))
    assert set(labels.tolist()) <= set(range(n_classes))
    assert len(set(labels.tolist())) == min(n_sequences, n_classes)


def test_further_labels_and_their_places_are_random():
    draws = np.array([sample_labels(3, 2, np.random.RandomState(seed)) for seed in range(60)])
    assert {tuple(row) for row in draws.tolist()} == {(0, 0, 1), (0, 1, 0), (1, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 0)}


def test_integers_below_the_least_are_named():
    assert check_integers(2, one=2, other=np.int32(3)) is None
    for value in (1, 2.0, True, None):
        with pytest.raises(ValueError, match=rf"^other must be an integer of at least 2, got {value!r}\.$"):
            check_integers(2, one=2, other=value)


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        ((0, 4), "min_length must be an integer of at least 1, got 0"),
        ((2, 4.0), "max_length must be an integer of at least 1, got 4.0"),
        ((5, 4), "max_length must be at least min_length = 5, got 4"),
    ],
)
def test_lengths_that_are_no_interval_of_positive_integers_are_refused(bounds, message):
    assert check_lengths(4, 4) is None
    with pytest.raises(ValueError, match=message):
        check_lengths(*bounds)


def test_gaussian_tokens_that_coincide_are_drawn_again():
    class Repeating(np.random.RandomState):
        calls = 0

        def standard_normal(self, size=None):
            self.calls += 1
            return np.zeros(size) if self.calls == 1 else super().standard_normal(size)

    rng = Repeating(0)
    X, _ = families.make_nested_prefixes(5, random_state=rng)
    assert rng.calls == 2
    assert len(np.unique(X[4], axis=0)) == 5
