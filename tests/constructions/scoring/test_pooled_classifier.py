"""Scores do not depend on batches, jobs, files or pickles."""

import pickle
import tracemalloc

import numpy as np
import pytest
from cases.families import family
from cases.scoring import classifier, shifted_walks
from effort import slow
from joblib import parallel_config

from sklearn_hardmax import (
    RaggedSequences,
)


def test_jobs_and_batches_change_nothing():
    X, y = shifted_walks(60, n_classes=3)
    for ordered in (False, True):
        one = classifier(ordered=ordered).fit(X, y)
        with parallel_config("threading"):
            two = classifier(ordered=ordered, n_jobs=2).fit(X, y)
            assert np.array_equal(two.decision_function(X), one.decision_function(X))
        assert (two.margin_, two.n_corrections_) == (one.margin_, one.n_corrections_)


@pytest.mark.slow
@pytest.mark.parametrize("ordered", [False, True])
def test_two_processes_give_the_fit_and_the_predictions_of_one(ordered):
    X, y = family("labelled_sequences", n_classes=3)
    one = classifier(400, ordered=ordered, alphas=[1e3]).fit(X, y)
    assert one.n_corrections_ > 0
    with parallel_config("loky"):
        two = classifier(400, ordered=ordered, alphas=[1e3], n_jobs=2).fit(X, y)
        decisions = two.decision_function(X)
    assert np.array_equal(decisions, one.decision_function(X))
    ours, theirs = one._built.readout, two._built.readout
    assert np.array_equal(theirs.integers, ours.integers)
    assert np.array_equal(theirs.steps, ours.steps)
    assert np.array_equal(theirs.intercept, ours.intercept)
    assert np.array_equal(two._built.corrections.low, one._built.corrections.low)
    assert two.margin_ == one.margin_


@pytest.mark.parametrize("ordered", [False, True])
def test_mapped_tokens_give_the_fit_and_the_predictions_of_tokens_in_memory(ordered, tmp_path):
    X, y = family("labelled_sequences", 50, n_classes=3)
    X.save(tmp_path / "X")
    mapped = RaggedSequences.load(tmp_path / "X", mmap_mode="r")
    one, two = classifier(ordered=ordered).fit(X, y), classifier(ordered=ordered).fit(mapped, y)
    decisions = one.decision_function(X)
    assert np.array_equal(two.decision_function(mapped), decisions)
    assert np.array_equal(two.decision_function(X), decisions)
    assert np.array_equal(two.predict(mapped), y)
    assert two.to_transformer() == one.to_transformer()


@pytest.fixture(scope="module")
def long_file(tmp_path_factory):
    """3000 sequences of 400 tokens of 5 features, 48 MB, and the file that maps them."""
    X = RaggedSequences.from_flat(np.random.default_rng(0).normal(size=(1_200_000, 5)), np.full(3000, 400))
    path = tmp_path_factory.mktemp("long") / "X"
    X.save(path)
    return X, path


@pytest.mark.parametrize("ordered", [False, *slow(True)])
def test_mapped_tokens_are_not_read_into_memory_as_a_whole(ordered, long_file):
    """What is held while predicting is chunks: here a third of what stands in the file at most."""
    X, path = long_file
    y = np.arange(30) % 2
    fitted = classifier(4, ordered=ordered).fit(X[:30], y)
    assert fitted.n_corrections_ > 0
    mapped = RaggedSequences.load(path, mmap_mode="r")
    tracemalloc.start()
    try:
        found = fitted.predict(mapped)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < X.tokens.nbytes / 3
    assert np.array_equal(found[:30], y)
    assert np.array_equal(found[-200:], fitted.predict(X[-200:]))


@pytest.mark.parametrize("ordered", [False, True])
def test_pickles_keep_every_bit(ordered):
    X, y = family("labelled_sequences", n_classes=3)
    fitted = classifier(ordered=ordered).fit(X, y)
    again = pickle.loads(pickle.dumps(fitted))
    assert np.array_equal(again.decision_function(X), fitted.decision_function(X))
    assert again.to_transformer() == fitted.to_transformer()


def test_extreme_unseen_tokens_get_finite_scores():
    X, y = family("labelled_sequences", 30)
    new = RaggedSequences.from_list(
        [[[1.7e308, -1.7e308]] * 3, [[5e-324, 0.0]], np.zeros((1, 2)), np.full((500, 2), -1e300)]
    )
    for ordered in (True, False):
        assert np.isfinite(classifier(ordered=ordered).fit(X, y).decision_function(new)).all()
