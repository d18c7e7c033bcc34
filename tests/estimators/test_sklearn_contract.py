"""scikit-learn's own checks, and its tools on ragged input."""

import pickle

import numpy as np
import pandas as pd
import pytest
from effort import slow
from sklearn import config_context
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier, StackingClassifier, VotingClassifier
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_hardmax import (
    HardmaxPooling,
    HardmaxTransformerClassifier,
    HardmaxTransformerInterpolator,
    LeaderClustering,
    LeaderFlow,
    RaggedSequences,
    RaggedSequenceTransformer,
    SequenceImputer,
    SequenceResampler,
    TokenwiseTransformer,
)
from sklearn_hardmax.datasets import make_labelled_sequences

ESTIMATORS = [
    HardmaxTransformerClassifier(),
    HardmaxTransformerClassifier(ordered=False, n_heads=0),
    HardmaxTransformerInterpolator(),
    HardmaxPooling(),
    RaggedSequenceTransformer(),
    TokenwiseTransformer(StandardScaler()),
    SequenceImputer(),
    SequenceResampler(time=0, step=0.5),
    LeaderFlow(),
    LeaderClustering(),
]
OTHER_OPTIONS = [
    HardmaxTransformerClassifier(ordered=False, n_heads=50),
    HardmaxTransformerClassifier(ordered=False, n_heads=0, attention="softmax"),
    HardmaxTransformerInterpolator(ordered=False, attention="softmax"),
    HardmaxPooling(n_heads=20, ordered=False),
    RaggedSequenceTransformer(scale="minmax", positions="relative", window=3),
    RaggedSequenceTransformer(scale=None, positions="sinusoidal"),
    LeaderFlow(depth=None, alpha=0.5),
    TokenwiseTransformer(OneHotEncoder(handle_unknown="ignore", sparse_output=True)),
    SequenceImputer(strategy="mean"),
]


@pytest.mark.usefixtures("seeded")
@parametrize_with_checks(ESTIMATORS)
def test_scikit_learn_check(estimator, check):
    check(estimator)


@pytest.mark.slow
@pytest.mark.usefixtures("seeded")
@parametrize_with_checks(OTHER_OPTIONS)
def test_scikit_learn_check_with_other_options(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def ragged():
    X, y = make_labelled_sequences(60, n_classes=3, random_state=0)
    return X, np.array(["a", "b", "c"])[y]


def as_container(X):
    return X


def as_list(X):
    return X.to_list()


FORMS = pytest.mark.parametrize("form", [as_container, as_list])
MOSTLY_ONE_FORM = pytest.mark.parametrize("form", [as_container, *slow(as_list)])


def pipeline():
    return make_pipeline(RaggedSequenceTransformer(positions="relative"), HardmaxTransformerClassifier(random_state=0))


@FORMS
def test_cross_validation_takes_ragged_input(ragged, form):
    X, y = ragged
    scores = cross_val_score(pipeline(), form(X), y, cv=3)
    assert scores.shape == (3,)
    assert np.isfinite(scores).all()
    assert set(cross_val_predict(pipeline(), form(X), y, cv=3)) <= set("abc")


@MOSTLY_ONE_FORM
def test_grid_search_over_a_pipeline_refits_an_exact_classifier(ragged, form):
    X, y = ragged
    grid = {"raggedsequencetransformer__window": [1, 2], "hardmaxtransformerclassifier__ordered": [True, False]}
    search = GridSearchCV(pipeline(), grid, cv=2, error_score="raise").fit(form(X), y)
    assert search.score(form(X), y) == 1.0
    assert len(search.cv_results_["params"]) == 4


@MOSTLY_ONE_FORM
def test_stacking_and_voting_take_ragged_input(ragged, form):
    X, y = ragged
    parts = [("one", HardmaxTransformerClassifier(random_state=0)), ("two", pipeline())]
    stack = StackingClassifier(parts, final_estimator=RandomForestClassifier(random_state=0), cv=2).fit(form(X), y)
    assert stack.predict(form(X)).shape == (60,)
    assert (VotingClassifier(parts).fit(form(X), y).predict(form(X)) == y).all()


@FORMS
def test_calibration_gives_probabilities(ragged, form):
    X, y = ragged
    calibrated = CalibratedClassifierCV(HardmaxTransformerClassifier(random_state=0), cv=2, ensemble=False)
    probabilities = calibrated.fit(form(X), y).predict_proba(form(X))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0)


@FORMS
def test_clone_and_pickle_keep_every_label(ragged, form):
    X, y = ragged
    fitted = HardmaxTransformerClassifier(random_state=0).fit(form(X), y)
    assert (pickle.loads(pickle.dumps(fitted)).predict(form(X)) == y).all()
    assert (clone(fitted).fit(form(X), y).predict(form(X)) == y).all()


@pytest.mark.slow
def test_jobs_in_other_processes_change_nothing(ragged):
    X, y = ragged
    one = HardmaxTransformerClassifier(random_state=0).fit(X, y)
    two = HardmaxTransformerClassifier(random_state=0, n_jobs=2).fit(X, y)
    assert np.array_equal(one.decision_function(X), two.decision_function(X))
    scores = [cross_val_score(pipeline(), X, y, cv=2, n_jobs=n).tolist() for n in (None, 2)]
    assert scores[0] == scores[1]


def test_train_test_split_keeps_the_container(ragged):
    X, y = ragged
    parts = train_test_split(X, y, stratify=y, random_state=0)
    assert isinstance(parts[0], RaggedSequences)
    assert len(parts[0]) + len(parts[1]) == 60


@pytest.mark.parametrize(
    "step",
    [
        RaggedSequenceTransformer(),
        TokenwiseTransformer(StandardScaler()),
        SequenceImputer(),
        SequenceResampler(time=0),
        LeaderFlow(),
    ],
    ids=lambda step: type(step).__name__,
)
def test_set_output_leaves_ragged_output_ragged(ragged, step):
    X, _ = ragged
    if isinstance(step, SequenceResampler):  # times increase within every sequence
        X = RaggedSequences(np.cumsum(np.abs(X.tokens) + 0.1, axis=0), X.offsets)
    expected = clone(step).fit_transform(X)
    for kind in ("default", "pandas"):
        out = make_pipeline(clone(step)).set_output(transform=kind).fit_transform(X)
        assert isinstance(out, RaggedSequences)
        assert out == expected


@pytest.mark.parametrize("scale", ["standard", "minmax"])
def test_the_configuration_of_outputs_leaves_ragged_output_as_it_is(ragged, scale):
    X, _ = ragged
    expected = RaggedSequenceTransformer(scale=scale).fit_transform(X)
    with config_context(transform_output="pandas"):
        assert RaggedSequenceTransformer(scale=scale).fit_transform(X) == expected
        assert isinstance(HardmaxPooling(n_heads=3, random_state=0).fit_transform(X), pd.DataFrame)


def test_a_data_frame_gives_its_column_names():
    frame = pd.DataFrame({"height": [0.0, 1.0, 2.0], "width": [1.0, 0.0, 1.0]})
    fitted = HardmaxTransformerClassifier(random_state=0).fit(frame, [0, 1, 0])
    assert fitted.feature_names_in_.tolist() == ["height", "width"]
    with pytest.raises(ValueError, match="feature names should match"):
        fitted.predict(frame.rename(columns={"width": "depth"}))
