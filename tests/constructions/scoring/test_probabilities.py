"""Probabilities: the minimum of a convex criterion, and the largest one at the label, whatever rounding does."""

import numpy as np
import pytest
from effort import examples
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from sklearn_hardmax.constructions.scoring.probabilities import log_probabilities, probabilities, weights_of_families


def inverse_temperature(scores, labels, weights):
    """The weight of a single family."""
    (weight,) = weights_of_families(scores[None], labels, weights)
    return weight


SCORES = st.integers(1, 5).flatmap(
    lambda c: st.lists(
        st.lists(st.floats(-1e6, 1e6), min_size=c, max_size=c), min_size=1, max_size=6
    ).map(np.array)
)  # fmt: skip


def criterion(a, scores, labels, weights):
    """The criterion in plain Python, up to a common factor."""
    total = 0.0
    for column, label, weight in zip(scores.T.tolist(), labels, weights):
        largest = max(a * s for s in column)
        total += weight * (largest + np.log(sum(np.exp(a * s - largest) for s in column)) - a * column[label])
    return total / sum(weights) + 0.01 * a


@examples(50)
@given(st.integers(2, 4), st.integers(1, 12), st.integers(0, 10**6))
def test_the_scale_is_the_minimum_of_the_criterion(n_classes, n, seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(n_classes, size=n)
    scores = rng.normal(size=(n_classes, n)) + 2 * (labels == np.arange(n_classes)[:, None])
    weights = rng.uniform(0.5, 2, n)
    a = inverse_temperature(scores, labels, weights)
    best = criterion(a, scores, labels, weights)
    if np.exp(-7.9) < a < np.exp(5.9):
        assert all(best <= criterion(a * f, scores, labels, weights) + 1e-12 for f in (0.99, 1.01, 0.5, 2.0))
    # scores twice as large have half the scale, but for the pull
    assert inverse_temperature(2 * scores, labels, weights) < a + 1e-6


def test_scores_that_are_all_right_have_the_scale_that_the_docstring_says():
    labels = np.array([0, 1, 1])
    scores = np.where(labels == np.arange(2)[:, None], 1.0, -1.0)
    # the derivative of log(1 + exp(-2 a)) + a / 100 is 0 where exp(2 a) = 199
    assert inverse_temperature(scores, labels, np.ones(3)) == pytest.approx(np.log(199) / 2, rel=1e-5)


def test_scores_that_are_all_wrong_have_nearly_equal_probabilities():
    scores = np.array([[1.0, 1.0], [-1.0, -1.0]])
    assert inverse_temperature(scores, np.array([1, 1]), np.ones(2)) < 1e-3


def together(w, scores, labels, weights):
    """The criterion of several families, by that of one."""
    v = np.log(w)
    mixed = np.tensordot(w, scores, axes=1)
    return (
        criterion(1.0, mixed, labels, weights) - 0.01 + 0.01 * w.sum() + 0.3 / len(labels) * ((v - v.mean()) ** 2).sum()
    )


@examples(50)
@given(st.integers(2, 3), st.integers(2, 4), st.integers(2, 12), st.integers(0, 10**6))
def test_the_weights_of_families_are_a_minimum_of_the_criterion(n_families, n_classes, n, seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(n_classes, size=n)
    right = 2.0 * (labels == np.arange(n_classes)[:, None])
    scores = rng.normal(size=(n_families, n_classes, n)) + rng.uniform(0, 1, (n_families, 1, 1)) * right
    weights = rng.uniform(0.5, 2, n)
    w = weights_of_families(scores, labels, weights)
    best = together(w, scores, labels, weights)
    inside = (w > np.exp(-7.9)) & (w < np.exp(5.9))
    for f in np.flatnonzero(inside):
        for factor in (0.97, 1.03):
            moved = np.where(np.arange(n_families) == f, w * factor, w)
            assert best <= together(moved, scores, labels, weights) + 1e-7


def test_a_family_that_knows_nothing_gets_a_small_weight():
    rng = np.random.default_rng(0)
    labels = rng.integers(2, size=200)
    right = np.where(labels == np.arange(2)[:, None], 1.0, -1.0)
    noise = rng.normal(size=(2, 200))
    w = weights_of_families(np.array([0.5 * right + 0.4 * rng.normal(size=(2, 200)), noise]), labels, np.ones(200))
    assert w[1] < 0.1 * w[0]
    # equal families share the weight
    twice = weights_of_families(np.array([right, right]), labels, np.ones(200))
    assert twice[0] == pytest.approx(twice[1])


def test_one_class_has_probability_one():
    assert inverse_temperature(np.array([[0.3, 0.2]]), np.array([0, 0]), np.ones(2)) == 1.0
    assert probabilities(np.array([[0.3], [-1.0]]), 1.0).tolist() == [[1.0], [1.0]]


@examples(100)
@given(SCORES, st.floats(1e-3, 400.0))
def test_the_largest_probability_is_at_the_label(scores, a):
    labels = scores.argmax(axis=1)
    for values in (probabilities(scores, a), log_probabilities(scores, a)):
        assert np.array_equal(values.argmax(axis=1), labels)
        assert np.isfinite(values).all()
    np.testing.assert_allclose(probabilities(scores, a).sum(axis=1), 1.0, rtol=1e-12)
    np.testing.assert_allclose(np.exp(log_probabilities(scores, a)), probabilities(scores, a), rtol=1e-9, atol=1e-300)


def test_scores_that_softmax_cannot_tell_apart_keep_their_order():
    one = 1.0
    scores = np.array([[one, np.nextafter(one, 2)], [np.nextafter(one, 2), one], [one, one]])
    for values in (probabilities(scores, 0.5), log_probabilities(scores, 0.5)):
        assert values.argmax(axis=1).tolist() == [1, 0, 0]
        assert values[0, 1] > values[0, 0]


def test_two_classes_are_the_logistic_function_of_their_difference():
    scores = np.array([[-0.3, 0.3], [2.0, -2.0]])
    np.testing.assert_allclose(probabilities(scores, 1.7)[:, 1], expit(2 * 1.7 * scores[:, 1]), rtol=1e-14)
