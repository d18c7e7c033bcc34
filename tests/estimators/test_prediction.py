"""predict_proba of the classifier: consistent with predict, with its docstring, and better than scores in folds."""

import numpy as np
import pytest
from scipy.special import expit, log_softmax
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import VotingClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import cross_val_score

from sklearn_hardmax import HardmaxTransformerClassifier, datasets
from sklearn_hardmax.constructions.scoring import regression

X, Y = datasets.make_labelled_sequences(60, n_classes=3, token_dim=2, random_state=0)
DIGITS, KINDS = datasets.load_digit_points()


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("y", [Y, Y > 0, np.zeros(60, int)], ids=["three", "two", "one"])
def test_probabilities_are_the_softmax_of_the_scores(ordered, y):
    clf = HardmaxTransformerClassifier(n_heads=40, ordered=ordered, random_state=0).fit(X, y)
    values = clf.predict_proba(X)
    assert values.shape == (60, len(clf.classes_))
    scores = clf.decision_function(X)
    if len(clf.classes_) == 3:
        np.testing.assert_allclose(np.log(values), log_softmax(clf.proba_scale_ * scores, axis=1), atol=1e-9)
    elif len(clf.classes_) == 2:
        np.testing.assert_allclose(values[:, 1], expit(2 * clf.proba_scale_ * scores), rtol=1e-9)
    assert np.array_equal(clf.classes_[values.argmax(axis=1)], clf.predict(X))
    np.testing.assert_allclose(clf.predict_log_proba(X), np.log(values), atol=1e-9)
    # corrected training sequences too
    assert np.array_equal(clf.classes_[values.argmax(axis=1)], y)
    assert clf.predict_proba(X[::-1])[::-1].tobytes() == values.tobytes()


def test_more_sequences_than_heads_have_probabilities_too(monkeypatch):
    monkeypatch.setattr(regression, "LEFT_OUT", 30)  # the others are streamed
    clf = HardmaxTransformerClassifier(n_heads=20, random_state=0).fit(X, Y)
    assert np.isfinite(clf.proba_scale_)
    assert np.array_equal(clf.classes_[clf.predict_proba(X).argmax(axis=1)], Y)


@pytest.mark.parametrize("n_heads", [0])
def test_without_heads_there_are_none(n_heads):
    clf = HardmaxTransformerClassifier(n_heads=n_heads, random_state=0)
    for method in ("predict_proba", "predict_log_proba"):
        assert not hasattr(clf, method)
        with pytest.raises(AttributeError, match="has no attribute") as error:
            getattr(clf, method)
        assert "CalibratedClassifierCV" in str(error.value.__cause__)
    assert not hasattr(clf.fit(X, Y), "proba_scale_")
    assert hasattr(HardmaxTransformerClassifier(), "predict_proba")


def test_a_refit_without_heads_leaves_no_scale_behind():
    clf = HardmaxTransformerClassifier(n_heads=10, random_state=0).fit(X, Y)
    assert clf.proba_scale_ > 0
    assert not hasattr(clf.set_params(n_heads=0).fit(X, Y), "proba_scale_")


def test_unseen_digits_have_better_probabilities_than_a_calibration_in_folds_gives():
    clf = HardmaxTransformerClassifier(n_heads=300, ordered=False, random_state=0)
    train, test = slice(0, 600, 2), slice(1, 600, 2)
    ours = log_loss(KINDS[test], clf.fit(DIGITS[train], KINDS[train]).predict_proba(DIGITS[test]))
    folds = CalibratedClassifierCV(clf, cv=3).fit(DIGITS[train], KINDS[train])
    assert ours < log_loss(KINDS[test], folds.predict_proba(DIGITS[test]))


def test_scikit_learn_uses_the_probabilities():
    clf = HardmaxTransformerClassifier(n_heads=20, random_state=0)
    assert np.isfinite(cross_val_score(clf, X, Y, cv=3, scoring="neg_log_loss", error_score="raise")).all()
    voting = VotingClassifier(
        [("a", clf), ("b", HardmaxTransformerClassifier(n_heads=30, random_state=1))], voting="soft"
    )
    assert voting.fit(X, Y).score(X, Y) == 1.0
