"""What docs/scikit_learn.md says about each tool is what the tool does: every row of its table is tried."""

import io
import pickle
import re
import warnings
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn import calibration, ensemble, feature_selection, inspection, metrics, multiclass, multioutput, utils
from sklearn import model_selection as selection
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier

from sklearn_hardmax import HardmaxPooling, HardmaxTransformerClassifier, RaggedSequences, RaggedSequenceTransformer

PAGE = Path(__file__).parents[1].joinpath("docs", "scikit_learn.md").read_text(encoding="utf-8")
ROWS = {
    tool: (sequences, matrix) for tool, sequences, matrix in re.findall(r"^\| (.*`.*) \| (.*) \| (.*) \|$", PAGE, re.M)
}
GRID = {"n_heads": [5, 10]}
SHORT = {"cv": 2, "train_sizes": [0.5, 1.0], "shuffle": True, "random_state": 0}
HALVING = {"cv": 2, "min_resources": 18, "random_state": 0}
Y = np.arange(36) % 3
rng = np.random.default_rng(0)
SEQUENCES = RaggedSequences.from_list([rng.normal(size=(rng.integers(3, 9), 2)) + 4 * label for label in Y])
MATRIX = np.array([sequence.mean(axis=0) for sequence in SEQUENCES])


def ours(n_heads=10):
    return HardmaxTransformerClassifier(n_heads=n_heads, ordered=False, random_state=0)


def pooling(n_heads=10):
    return HardmaxPooling(n_heads=n_heads, ordered=False, random_state=0)


def grows(model, X, y=Y):
    """Whether a model learns the labels of training data that are easy to tell apart."""
    return model.fit(X, y).score(X, y) > 0.9


def column_transformer(model, X):
    frame, walk, age = pd.DataFrame({"walk": list(X), "age": np.arange(36)}), "walk", ["age"]
    if X is MATRIX:
        frame, walk = pd.DataFrame(X, columns=["east", "north"]).assign(age=np.arange(36)), ["east", "north"]
    columns = ColumnTransformer([("walk", pooling(), walk), ("age", StandardScaler(), age)]).set_output(
        transform="pandas"
    )
    assert columns.fit_transform(frame).shape == (36, 11)
    return grows(make_pipeline(columns, LogisticRegression(max_iter=1000)), frame)


def routed_groups(model, X):
    with sklearn.config_context(enable_metadata_routing=True):
        search = selection.GridSearchCV(model, {"random_state": [0]}, cv=selection.GroupKFold(2))
        return search.fit(X, Y, groups=np.arange(36) // 6).best_score_ > 0.9


def curves(model, X):
    return selection.learning_curve(model, X, Y, **SHORT)[
        2
    ].mean() > 0.9 and selection.LearningCurveDisplay.from_estimator(model, X, Y, **SHORT)


def frozen(model, X):
    held = FrozenEstimator(model.fit(X, Y))
    return grows(held, X) and calibration.CalibratedClassifierCV(held).fit(X, Y).predict_proba(X).shape == (36, 3)


def displays(model, X):
    fitted = model.fit(X, Y > 0)
    return metrics.RocCurveDisplay.from_estimator(fitted, X, Y > 0) and metrics.PrecisionRecallDisplay.from_estimator(
        fitted, X, Y > 0
    )


def in_threads(model, X):
    # threads of scikit-learn swap the warning filters of the process, and may leave those of another thread
    with warnings.catch_warnings(), joblib.parallel_config("threading", n_jobs=2):
        return selection.cross_val_score(model, X, Y, cv=2).mean() > 0.9


def stored(model, X):
    file = io.BytesIO()
    joblib.dump(model.fit(X, Y), file)
    file.seek(0)
    labels = model.predict(X)
    return all((read.predict(X) == labels).all() for read in (pickle.loads(pickle.dumps(model)), joblib.load(file)))


def unlabelled(model, X):
    y = np.where(np.arange(36) % 4, Y, -1)
    semi = SelfTrainingClassifier(calibration.CalibratedClassifierCV(model, cv=2), threshold=0.5)
    return semi.fit(X, y).score(X, Y) > 0.6


def twice(model, X):
    return selection.cross_val_score(model, X, Y, cv=2).mean() > 0.9 and selection.cross_validate(model, X, Y, cv=2)


def from_model(model, X):
    feature_selection.RFE(model, n_features_to_select=1).fit(X, Y)
    return feature_selection.SelectFromModel(model).fit(X, Y).transform(X).shape[0] == 36


TRIES = {
    "`clone`": lambda model, X: grows(clone(model), X),
    "`Pipeline`": lambda model, X: grows(make_pipeline(RaggedSequenceTransformer(), model), X),
    "`Pipeline` with `memory`": lambda model, X: grows(
        Pipeline([("tokens", RaggedSequenceTransformer()), ("model", model)], memory=joblib.Memory(None)), X
    ),
    "`ColumnTransformer`, a data frame with a column of sequences": column_transformer,
    "`FeatureUnion` of `HardmaxPooling`": lambda model, X: (
        FeatureUnion([("a", pooling()), ("b", pooling(5))]).fit_transform(X, Y).shape == (36, 15)
    ),
    "`FeatureUnion` of `RaggedSequenceTransformer`": lambda model, X: FeatureUnion(
        [("a", RaggedSequenceTransformer()), ("b", RaggedSequenceTransformer(window=3))]
    ).fit_transform(X, Y),
    "`FunctionTransformer`": lambda model, X: grows(make_pipeline(FunctionTransformer(lambda Z: Z[:]), model), X),
    "`set_output` of `HardmaxPooling`": lambda model, X: (
        pooling().set_output(transform="pandas").fit_transform(X).columns.is_unique
    ),
    "`train_test_split`": lambda model, X: (
        len(selection.train_test_split(X, Y, stratify=Y, test_size=9, random_state=0)[0]) == 27
    ),
    "`shuffle`, `resample`": lambda model, X: (
        len(utils.shuffle(X, random_state=0)) == 36 and len(utils.resample(X, n_samples=9, random_state=0)) == 9
    ),
    "`cross_val_score`, `cross_validate`": twice,
    "`cross_val_predict`": lambda model, X: (selection.cross_val_predict(model, X, Y, cv=2) == Y).mean() > 0.9,
    "`GridSearchCV`": lambda model, X: grows(selection.GridSearchCV(model, GRID, cv=2), X),
    "`RandomizedSearchCV`": lambda model, X: grows(selection.RandomizedSearchCV(model, GRID, n_iter=2, cv=2), X),
    "`HalvingGridSearchCV`": lambda model, X: grows(selection.HalvingGridSearchCV(model, GRID, **HALVING), X),
    "`HalvingRandomSearchCV`": lambda model, X: grows(
        selection.HalvingRandomSearchCV(model, GRID, n_candidates=2, **HALVING), X
    ),
    "`learning_curve`, `LearningCurveDisplay`": curves,
    "`validation_curve`": lambda model, X: (
        selection.validation_curve(model, X, Y, param_name="n_heads", param_range=[5, 10], cv=2)[1].mean() > 0.9
    ),
    "`permutation_test_score`": lambda model, X: (
        selection.permutation_test_score(model, X, Y, cv=2, n_permutations=2)[0] > 0.9
    ),
    "metadata routing of `groups`": routed_groups,
    "`sample_weight`": lambda model, X: model.fit(X, Y, sample_weight=np.ones(36)),
    "`StackingClassifier`": lambda model, X: grows(
        ensemble.StackingClassifier([("a", model), ("b", clone(model))], LogisticRegression(), cv=2), X
    ),
    "`StackingClassifier` with `passthrough`": lambda model, X: grows(
        ensemble.StackingClassifier([("a", model)], LogisticRegression(max_iter=1000), cv=2, passthrough=True), X
    ),
    "`VotingClassifier`": lambda model, X: grows(ensemble.VotingClassifier([("a", model), ("b", clone(model))]), X),
    "`BaggingClassifier`": lambda model, X: grows(ensemble.BaggingClassifier(model, n_estimators=5, random_state=0), X),
    "`AdaBoostClassifier`": lambda model, X: grows(
        ensemble.AdaBoostClassifier(model, n_estimators=2, random_state=0), X
    ),
    "`OneVsRestClassifier`": lambda model, X: grows(multiclass.OneVsRestClassifier(model), X),
    "`OneVsOneClassifier`": lambda model, X: grows(multiclass.OneVsOneClassifier(model), X),
    "`OutputCodeClassifier`": lambda model, X: grows(multiclass.OutputCodeClassifier(model, random_state=0), X),
    "`MultiOutputClassifier`": lambda model, X: grows(
        multioutput.MultiOutputClassifier(model), X, np.column_stack([Y, Y > 0])
    ),
    "`ClassifierChain`": lambda model, X: grows(
        multioutput.ClassifierChain(model), X, np.column_stack([Y > 0, Y > 1]).astype(int)
    ),
    "`SelfTrainingClassifier`": unlabelled,
    "`CalibratedClassifierCV`": lambda model, X: (
        calibration.CalibratedClassifierCV(model, cv=2).fit(X, Y).predict_proba(X).shape == (36, 3)
    ),
    "`FrozenEstimator`": frozen,
    "`TunedThresholdClassifierCV`": lambda model, X: grows(
        selection.TunedThresholdClassifierCV(model, cv=2, thresholds=9), X, Y > 0
    ),
    "`FixedThresholdClassifier`": lambda model, X: grows(
        selection.FixedThresholdClassifier(model, threshold=0.5), X, Y > 0
    ),
    "`SequentialFeatureSelector`": lambda model, X: (
        feature_selection.SequentialFeatureSelector(model, n_features_to_select=1, cv=2).fit(X, Y).transform(X).shape
        == (36, 1)
    ),
    "`SelectFromModel`, `RFE`": from_model,
    "`permutation_importance`": lambda model, X: (
        inspection.permutation_importance(model.fit(X, Y), X, Y, n_repeats=2, random_state=0).importances_mean.max() > 0
    ),
    "`partial_dependence`": lambda model, X: inspection.partial_dependence(model.fit(X, Y), X, [0], grid_resolution=3),
    "`DecisionBoundaryDisplay`": lambda model, X: inspection.DecisionBoundaryDisplay.from_estimator(
        model.fit(X, Y), X, grid_resolution=5
    ),
    "`ConfusionMatrixDisplay`": lambda model, X: metrics.ConfusionMatrixDisplay.from_estimator(model.fit(X, Y), X, Y),
    "`RocCurveDisplay`, `PrecisionRecallDisplay`": displays,
    "`CalibrationDisplay`": lambda model, X: calibration.CalibrationDisplay.from_estimator(
        calibration.CalibratedClassifierCV(model, cv=2).fit(X, Y > 0), X, Y > 0
    ),
    "`joblib.parallel_config`": in_threads,
    "`pickle`, `joblib.dump`": stored,
    "`estimator_html_repr`": lambda model, X: (
        "HardmaxTransformerClassifier" in utils.estimator_html_repr(model.fit(X, Y))
    ),
}
# what a tool says where it does not take something; else that sequences are no matrix
REFUSALS = {
    "`FeatureUnion` of `RaggedSequenceTransformer`": "expected 2 dimensions",
    "`sample_weight`": "unexpected keyword argument 'sample_weight'",
    "`AdaBoostClassifier`": "are no matrix|doesn't support sample_weight",
    "`SelectFromModel`, `RFE`": "are no matrix|should have `coef_`",
    "`partial_dependence`": "tuple index out of range",
    "`DecisionBoundaryDisplay`": "Unable to find the number of features",
}


def refuses(tool, X):
    with pytest.raises((IndexError, TypeError, ValueError), match=REFUSALS.get(tool, "are no matrix")):
        TRIES[tool](ours(), X)


def test_every_row_of_the_page_is_tried():
    assert list(ROWS) == list(TRIES)
    assert {answer for row in ROWS.values() for answer in row} == {"yes", "no", "after `HardmaxPooling`"}


@pytest.mark.parametrize("tool", TRIES)
def test_the_tool_takes_sequences_as_the_page_says(tool):
    if ROWS[tool][0] == "yes":
        assert TRIES[tool](ours(), SEQUENCES)
        assert TRIES[tool](ours(), SEQUENCES.to_list())
    else:
        refuses(tool, SEQUENCES)
    if ROWS[tool][0].startswith("after"):
        assert TRIES[tool](LogisticRegression(max_iter=1000), pooling().fit_transform(SEQUENCES, Y))


@pytest.mark.parametrize("tool", TRIES)
def test_the_tool_takes_a_matrix_as_the_page_says(tool):
    if ROWS[tool][1] == "yes":
        assert TRIES[tool](ours(), MATRIX)
    else:
        refuses(tool, MATRIX)
