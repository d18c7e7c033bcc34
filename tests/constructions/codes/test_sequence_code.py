"""Codes do not depend on batch, order, repetition or jobs; label runs equal those of a loop."""

import numpy as np
import pytest
from cases.classification import build, check_exact
from cases.families import FAMILIES, family
from hypothesis import given
from hypothesis import strategies as st
from joblib import parallel_config

from sklearn_hardmax import RaggedSequences
from sklearn_hardmax.constructions.codes.sequence_code import label_runs


@pytest.mark.parametrize("name", FAMILIES)
def test_codes_do_not_depend_on_batch_order_or_jobs(name):
    X, y = family(name, 60, n_classes=4)
    built, _ = build(X, y)
    codes = built.codes(X)
    order = np.random.default_rng(0).permutation(len(X))
    assert np.array_equal(built.codes(X[order]), codes[order])
    assert np.array_equal(np.concatenate([built.codes(X[i : i + 7]) for i in range(0, len(X), 7)]), codes)
    with parallel_config("threading"):
        assert np.array_equal(built.codes(X, n_jobs=2), codes)


@pytest.mark.parametrize("name", ["labelled_sequences", "swaps", "large_offsets"])
def test_leader_and_bump_codes_of_training_sequences_are_bitwise_stable_under_permutation_and_repetition(name):
    X, y = family(name, 30, n_classes=30)
    built, _ = build(X, y)
    assert built.code.kind != "mean"
    rng = np.random.default_rng(0)
    shuffled = RaggedSequences.from_list([rng.permutation(np.tile(x, (3, 1))) for x in X])
    assert np.array_equal(built.codes(shuffled), built.codes(X))


def test_tokens_too_near_for_a_leader_code_are_told_apart_by_bumps():
    # 2^-45 becomes a gap of 2^-48 in s, below the safe 2^-46
    X = RaggedSequences.from_list([[[-1.0]], [[1.0]], [[0.0]], [[2.0**-45]]])
    built = check_exact(X, np.array([0, 1, 0, 1]))
    assert built.code.kind == "bumps"


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3)), min_size=1, max_size=12))
def test_runs_of_labels_and_the_smallest_gap_are_those_of_a_loop_for_few_and_for_many_classes(pairs):
    values, labels = 1 + np.array([v for v, _ in pairs]) / 16, np.array([label for _, label in pairs])
    labels = dict(zip(values, labels))  # equal values with one label: no order among them
    values, labels = np.array(list(labels)), np.array(list(labels.values()))
    order = np.argsort(values)
    steps = [b - a for a, b, s, t in zip(*(x[order][i:] for x in (values, labels) for i in (0, 1))) if s != t]
    for factor in (1, 700):  # 2,100 classes and their values do not fit into one integer
        assert label_runs(values, factor * labels) == (1 + len(steps), min(steps, default=np.inf))
    assert label_runs(np.array([1.5, 1.5]), np.array([0, 2100]))[1] == 0
