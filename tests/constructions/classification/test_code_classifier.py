"""Codes that are no training codes get one label by the search and by the network."""

from fractions import Fraction

import numpy as np
import pytest
from cases.classification import build, digits_of, labels_by_network, swept_codes
from cases.families import FAMILIES, family
from effort import slow

from sklearn_hardmax import RaggedSequences


@pytest.mark.parametrize("n_classes", [2, 3, 8, 30])
@pytest.mark.parametrize("name", ["labelled_sequences", "shared_tokens", "swaps"])
def test_on_all_codes_the_fast_path_is_the_network_and_only_neighbours_labels_appear(name, n_classes):
    X, y = family(name, 30, n_classes=n_classes)
    built, _ = build(X, y)
    codes = swept_codes(built)
    fast = built.labels_of(codes)
    for max_width in (4, None):
        assert np.array_equal(built.decode(digits_of(built, codes, max_width)), fast)
    k = np.searchsorted(built.runs.low, codes, side="right")
    below = built.runs.labels[np.maximum(k - 1, 0)]
    above = built.runs.labels[np.minimum(k, len(built.runs.labels) - 1)]
    inside = codes <= built.runs.high[np.maximum(k - 1, 0)]
    assert np.where(inside, fast == below, (fast == below) | (fast == above)).all()


@pytest.mark.parametrize("n_classes", [2, *slow(3, 8, 30)])
def test_an_unseen_code_gets_the_label_of_the_nearest_run_in_exact_arithmetic(n_classes):
    X, y = family("labelled_sequences", 30, n_classes=n_classes)
    built, _ = build(X, y)
    low, high = ([Fraction(c) for c in ends.tolist()] for ends in (built.runs.low, built.runs.high))
    codes = swept_codes(built)[:: max(1, n_classes // 3)]
    for code, label in zip(codes.tolist(), built.labels_of(codes).tolist()):
        distances = [max(a - Fraction(code), Fraction(code) - b, 0) for a, b in zip(low, high)]
        nearest = {int(c) for c, d in zip(built.runs.labels, distances) if d == min(distances)}
        assert label == min(nearest)


def test_labels_are_those_of_the_largest_decision_value():
    X, y = family("labelled_sequences", 40, n_classes=6)
    built, _ = build(X, y)
    codes = swept_codes(built)
    assert np.array_equal(np.argmin(built.distances(codes), axis=1), built.labels_of(codes))


@pytest.mark.parametrize("ordered", [False, *slow(True)])
@pytest.mark.parametrize("name", FAMILIES)
def test_unseen_sequences_get_one_label_by_both_paths(name, ordered):
    X, y = family(name, 40, n_classes=5)
    built, _ = build(X, y, ordered=ordered)
    rng = np.random.default_rng(3)
    spread = np.abs(X.tokens).max()
    new = [rng.normal(size=(rng.integers(1, 9), X.token_dim)) * s for s in (spread, 1e-9 * spread, 1e6 * spread, 1e300)]
    new += [np.zeros((3, X.token_dim)), np.full((1, X.token_dim), 1.7e308), X[0] + spread * 1e-7]
    new = RaggedSequences.from_list(new)
    fast = built.labels_of(built.codes(new))
    for max_width in (4, 9, None):
        assert np.array_equal(labels_by_network(built, new, max_width), fast)


def test_a_class_that_lost_its_sequences_to_a_conflict_stands_twice_the_line_away():
    X = RaggedSequences.from_list([[[0.0]], [[0.0]], [[0.0]], [[1.0]]])
    built, _ = build(X, [0, 1, 0, 2])
    assert built.distances(built.codes(X))[:, 1].tolist() == [2.0] * 4
