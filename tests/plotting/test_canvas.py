"""What no display can draw is refused by all of them: other estimators, an index without a sequence, no matplotlib."""

import sys

import numpy as np
import pytest
from cases.plotting import fitted, problem, with_heads
from cases.token_flow import TEXTS, TRIANGLE
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression

from sklearn_hardmax import HardmaxTransformerClassifier, LeaderFlow
from sklearn_hardmax.plotting import CodeLineDisplay, LeaderBarDisplay, LeaderDisplay, TokenFlowDisplay, canvas


def test_an_unfitted_classifier_is_refused():
    X, y = problem(2)
    with pytest.raises(NotFittedError, match="is not fitted yet"):
        CodeLineDisplay.from_estimator(HardmaxTransformerClassifier(), X, y)


def test_another_estimator_is_refused():
    X, y = problem(2)
    with pytest.raises(TypeError, match=r"shows a HardmaxTransformerClassifier .* got LogisticRegression"):
        CodeLineDisplay.from_estimator(LogisticRegression(), X, y)


def test_without_matplotlib_the_error_names_the_extra(monkeypatch):
    X, y = problem(2)
    clf = fitted(X, y)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r'pip install "sklearn-hardmax\[plot\]"'):
        CodeLineDisplay.from_estimator(clf, X, y)


def test_other_estimators_and_unfitted_ones_are_refused():
    several = r"shows a LeaderFlow or LeaderClustering or LeaderTextClassifier \(of a pipeline: .*\), got Hardmax"
    with pytest.raises(TypeError, match=several):
        TokenFlowDisplay.from_estimator(HardmaxTransformerClassifier(), [TRIANGLE])
    with pytest.raises(TypeError, match=r"shows a LeaderTextClassifier \(of .*\), got LeaderFlow"):
        LeaderBarDisplay.from_estimator(LeaderFlow(), TEXTS)
    with pytest.raises(NotFittedError, match="is not fitted yet"):
        TokenFlowDisplay.from_estimator(LeaderFlow(), [TRIANGLE])
    with pytest.raises(TypeError, match="draws a Transformer, got LeaderFlow"):
        TokenFlowDisplay.from_transformer(LeaderFlow(), [TRIANGLE])


@pytest.mark.parametrize("index", [-1, 1, 0.5, True])
def test_an_index_without_a_sequence_is_refused(index, fitted):
    for estimator, X in ((LeaderFlow().fit([TRIANGLE]), [TRIANGLE]), (fitted, TEXTS[:1])):
        with pytest.raises(ValueError, match="index must be an integer from 0 to 0, got"):
            TokenFlowDisplay.from_estimator(estimator, X, index)


def test_without_matplotlib_the_extra_is_named(fitted, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    for draw in (TokenFlowDisplay, LeaderBarDisplay):
        with pytest.raises(ImportError, match=r"pip install \"sklearn-hardmax\[plot\]\""):
            draw.from_estimator(fitted, TEXTS)


def test_leaders_need_matplotlib_and_say_so(monkeypatch):
    X, clf = with_heads()
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r'^matplotlib is not installed; .* pip install "sklearn-hardmax\[plot\]"'):
        LeaderDisplay.from_estimator(clf, X)


@pytest.mark.parametrize("index", [0, 2, np.int32(2), np.uint8(1)])
def test_an_index_is_any_integer_below_the_number_of_sequences(index):
    assert canvas.check_index(index, 3) is None
    with pytest.raises(ValueError, match="index must be an integer from 0 to 1, got 2"):
        canvas.check_index(2, 2)


def test_of_many_classes_ten_are_named():
    classes = [f"class {k}" for k in range(12)]
    assert canvas.check_class_label("class 11", classes) is None
    named = ", ".join(classes[:10])
    with pytest.raises(ValueError, match=rf"^class_label must be one of {named}, got 'class 12'\.$"):
        canvas.check_class_label("class 12", classes)
