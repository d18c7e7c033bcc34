"""Parameters are checked, and texts are held out class by class."""

import pickle
import re
from types import SimpleNamespace

import numpy as np
import pytest
from cases.text import classifier, corpus
from hypothesis import given
from hypothesis import strategies as st

from sklearn_hardmax import LeaderTextClassifier
from sklearn_hardmax.estimators.text import training


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_components": 0}, "n_components must be an integer of at least 1"),
        ({"depth": -1}, "depth must be an integer of at least 0"),
        ({"max_length": 0}, "max_length must be an integer of at least 1"),
        ({"max_iter": 0}, "max_iter must be an integer of at least 1"),
        ({"batch_size": 1.5}, "batch_size must be an integer of at least 1"),
        ({"n_iter_no_change": 0}, "n_iter_no_change must be an integer of at least 1"),
        ({"learning_rate_init": 0}, "learning_rate_init must be a positive finite number"),
        ({"word_dropout": 1.0}, "word_dropout must be at least 0 and below 1, got 1.0"),
        ({"validation_fraction": -0.1}, "validation_fraction must be at least 0 and below 1, got -0.1"),
        ({"penalty": np.inf}, "penalty must be at least 0 and a finite number, got inf"),
        ({"verbose": -1}, "verbose must be an integer of at least 0"),
        ({"min_df": 100}, "No word occurs in at least min_df=100 of the 60 texts"),
        ({"min_df": -1}, "min_df must be an integer of at least 1 or a float from 0 to 1, got -1"),
        ({"min_df": "2"}, "min_df must be an integer of at least 1 or a float from 0 to 1, got '2'"),
        ({"min_df": 1.5}, "min_df must be .* got 1.5"),
        ({"min_df": True}, "min_df must be .* got True"),
    ],
)
def test_wrong_parameters_are_refused_and_leave_the_estimator_as_it_was(options, message, fitted):
    clf = pickle.loads(pickle.dumps(fitted))
    with pytest.raises(ValueError, match=message):
        clf.set_params(**options).fit(*corpus())
    assert np.array_equal(clf.embeddings_, fitted.embeddings_)
    assert clf.vocabulary_ == fitted.vocabulary_


def test_too_few_texts_to_hold_out_are_refused_and_zero_holds_out_none():
    X, y = ["great fun", "great film", "dull film"], [1, 1, 0]
    with pytest.raises(ValueError, match=r"two with known words of each class; there are fewer of \[0\]"):
        classifier(min_df=1).fit(X, y)
    assert classifier(min_df=1, validation_fraction=0).fit(X, y).predict(X).tolist() == y
    four = classifier(min_df=1).fit([*X, "dull plot"], [*y, 0])
    assert len(four.validation_scores_) == four.n_iter_


@given(
    st.lists(st.integers(2, 9), min_size=2, max_size=4),
    st.sampled_from([0.01, 0.1, 0.25, 0.5, 0.9]),
    st.integers(0, 999),
)
def test_of_every_class_its_share_is_held_out(sizes, fraction, seed):
    """Up to the next integers; as many in all as the fraction says, but one for each class at least, on both sides."""
    rng, k, n = np.random.RandomState(seed), len(sizes), sum(sizes)
    rows = np.sort(rng.permutation(n + 3)[:n])  # three texts have no known word
    labels = np.zeros(n + 3, dtype=np.int64)
    labels[rows] = rng.permutation(np.repeat(np.arange(k), sizes))
    estimator = SimpleNamespace(validation_fraction=fraction, classes_=np.arange(k))
    train, held_out = training.hold_out(estimator, rows, labels, rng)
    assert sorted([*train, *held_out]) == rows.tolist()
    assert len(held_out) == min(max(round(fraction * n), k), n - k)
    shares = np.array(sizes) * len(held_out) / n
    assert (np.abs(np.bincount(labels[held_out], minlength=k) - shares) < 1).all()


def test_zero_holds_out_no_text():
    estimator = SimpleNamespace(validation_fraction=0)
    train, held_out = training.hold_out(
        estimator, np.array([0, 2, 5]), np.zeros(6, dtype=int), np.random.RandomState(0)
    )
    assert (train.tolist(), held_out.tolist()) == ([0, 2, 5], [])


def test_the_penalty_of_the_mean_norm_is_shared_by_the_components():
    clf = LeaderTextClassifier(n_components=np.int64(4), penalty=1, depth=3, batch_size=np.int32(7), n_iter_no_change=2)
    found = training.settings(clf)
    assert (found.penalty, found.depth, found.batch_size, found.patience) == (0.25, 3, 7, 2)
    assert {type(found.depth), type(found.batch_size), type(found.penalty)} == {int, float}


@pytest.mark.parametrize("rate", [1000.0, 1e300])
def test_a_training_that_diverges_is_refused_and_names_the_learning_rate(rate, fitted):
    """Steps of Adam are about as long as the rate, and the step size of the flow is the exponential of a parameter."""
    clf = pickle.loads(pickle.dumps(fitted)).set_params(learning_rate_init=rate)
    with pytest.raises(
        ValueError,
        match=rf"The training diverged: .*; choose a smaller learning_rate_init than {re.escape(repr(rate))}\.",
    ):
        clf.fit(*corpus())
    assert np.array_equal(clf.embeddings_, fitted.embeddings_)
