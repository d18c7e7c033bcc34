"""Input that cannot be read is refused in one sentence by every estimator."""

import numpy as np
import pandas as pd
import pytest
from cases.classifier import GOOD, classifier
from scipy import sparse
from sklearn.exceptions import NotFittedError

from sklearn_hardmax import (
    HardmaxTransformerClassifier,
    RaggedSequences,
    RaggedSequenceTransformer,
)

pytestmark = pytest.mark.usefixtures("n_heads")  # every test runs without heads and with some


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        ([*GOOD, np.zeros((0, 2))], ValueError, "Sequences 3 are empty; every sequence needs at least one token"),
        ([*GOOD, [[np.nan, 0.0]]], ValueError, "contains NaN or infinity in sequences 3"),
        ([*GOOD, [[0.0, np.inf]]], ValueError, "contains NaN or infinity in sequences 3"),
        (sparse.eye(4).tocsr(), TypeError, "Sparse input is not supported; pass X.toarray()"),
        ([*GOOD, [[1.0]]], ValueError, r"token_dim 2, but sequences 3 differ \(sequence 3 has 1\)"),
        ([np.zeros((2, n)) for n in (5, 6, 7, 8)], ValueError, "looks channels-first; use RaggedSequences.from_aeon"),
        ([np.zeros(3), np.zeros(4), np.zeros(5), np.zeros(6)], ValueError, "use RaggedSequences.from_series"),
        ([*GOOD, [[1j, 0.0]]], ValueError, "Complex data not supported"),
        ([*GOOD, [["a", "b"]]], ValueError, "must be real numbers, but hold texts"),
        ([*GOOD, [[object(), 0.0]]], TypeError, "must be real numbers, but hold an object of type object"),
        ([], ValueError, r"Found array with 0 sample\(s\)"),
    ],
)
@pytest.mark.parametrize("estimator", [HardmaxTransformerClassifier(), RaggedSequenceTransformer()])
def test_unreadable_sequences_are_refused_in_one_sentence(estimator, X, error, message):
    n = X.shape[0] if sparse.issparse(X) else len(X)
    with pytest.raises(error, match=message):
        estimator.fit(X, np.arange(n) % 2)
    assert not [name for name in vars(estimator) if name.endswith("_")]


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([0, 1], "inconsistent numbers of samples"),
        (None, "requires y to be passed, but the target y is None"),
        ([0.5, 1.2, 2.7], "Unknown label type: continuous"),
        ([0.0, np.nan, 1.0], "Input y contains NaN"),
        ([[0, 1], [1, 0], [0, 1]], "y should be a 1d array"),
    ],
)
def test_unreadable_labels_are_refused(y, message):
    with pytest.raises(ValueError, match=message):
        classifier().fit(GOOD, y)


def test_another_token_dim_than_at_fit_is_refused():
    fitted = classifier().fit(GOOD, [0, 1, 0])
    for method in (fitted.predict, fitted.decision_function, fitted.encode):
        with pytest.raises(
            ValueError, match="X has 3 features, but HardmaxTransformerClassifier is expecting 2 features"
        ):
            method([[[1.0, 2.0, 3.0]] * 2])


def test_nothing_answers_before_fit():
    fresh = classifier()
    for call in (
        lambda: fresh.predict(GOOD),
        lambda: fresh.decision_function(GOOD),
        lambda: fresh.encode(GOOD),
        fresh.to_transformer,
        lambda: fresh.code_line(GOOD),
        lambda: fresh.head_windows([0]),
        lambda: fresh.explain(GOOD),
        lambda: fresh.decode(GOOD),
        lambda: RaggedSequenceTransformer().transform(GOOD),
        lambda: RaggedSequenceTransformer().get_feature_names_out(),
    ):
        with pytest.raises(NotFittedError, match="is not fitted yet"):
            call()


# -- labels that NumPy would change or merge ---------------------------------------------------------------------------

NAT = np.datetime64("NaT", "s")


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([np.nan, "p", "q"], "Input y contains NaN or None: labels 0 are missing"),
        (["p", None, "q"], "labels 1 are missing"),
        (pd.Series(["p", pd.NA, "q"], dtype="string"), "labels 1 are missing"),
        (pd.Series(["p", "q", None], dtype=object), "labels 2 are missing"),
        (np.array(["2020", NAT, "2021"], dtype="datetime64[Y]"), "labels 1 are missing"),
        ([1, "1", 2], r"y mixes numbers and texts: labels 0 and 1 are 1 and '1'; make all of them texts"),
        (np.array([1, "a", 2], dtype=object), "y mixes numbers and texts"),
        (["a\0", "a", "b"], r"labels 0 of y have no exact counterpart in NumPy, the first is 'a\\x00'"),
        ([2**63, 2**63 + 1, -1], "labels 1 of y have no exact counterpart"),
        ([10**30, 10**30 + 1, 1], "labels 0, 1, 2 of y have no exact counterpart"),
        ((label for label in "abc"), r"list or an array of labels, got generator; write list\(y\)"),
        ({0: "a"}.values(), r"got dict_values; write list\(y\)"),
        (np.ma.array([1, 2, 1], mask=[0, 1, 0]), "labels 1 are missing"),
        (
            [np.zeros((1, 1)), np.zeros((2, 1)), np.zeros((1, 1))],
            "y must hold one label per sequence, but is no array of",
        ),
        (RaggedSequences.from_list(GOOD), "y must hold one label per sequence, but is no array of labels"),
    ],
)
def test_labels_that_would_be_merged_or_are_missing_are_refused(y, message):
    with pytest.raises(ValueError, match=message):
        classifier().fit(GOOD, y)


@pytest.mark.parametrize(
    "y",
    [
        [True, 2, 0],
        np.array([5, 7, 5], dtype=object),
        np.array([2**63, 2**63 + 1, 2**63], dtype=np.uint64),
        pd.Series(["b", "a", "b"], dtype="category"),
        pd.Index(["b", "a", "b"]),
        np.array(["a\0", "a", "a\0"], dtype=object),
        ["a b", "\0a", "é"],
    ],
    ids=["booleans among numbers", "objects", "uint64", "categories", "index", "NUL in objects", "texts"],
)
def test_other_labels_come_back_as_they_are(y):
    assert classifier().fit(GOOD, y).predict(GOOD).tolist() == list(y)


def test_the_state_of_a_generator_of_numpy_is_no_random_state():
    with pytest.raises(ValueError, match=r"random_state must be .*RandomState or None, got Generator"):
        classifier(random_state=np.random.default_rng(0)).fit(GOOD, [0, 1, 0])
