"""What scikit-learn's checks cannot ask of an estimator with ragged targets, by hand."""

import pickle

import numpy as np
import pandas as pd
import pytest
from cases.targets import first_rows, random_targets
from joblib import parallel_config
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, KFold, cross_val_predict, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline

from sklearn_hardmax import (
    ConstructionError,
    HardmaxTransformerInterpolator,
    RaggedSequences,
    RaggedSequenceTransformer,
    datasets,
)
from sklearn_hardmax.forward import apply


@pytest.fixture(scope="module")
def ragged():
    X, _ = datasets.make_labelled_sequences(40, random_state=0)
    return X, random_targets(X, 2)


def as_container(X):
    return X


def as_list(X):
    return X.to_list()


FORMS = pytest.mark.parametrize("form", [as_container, as_list])


def model(**options):
    return HardmaxTransformerInterpolator(random_state=0, **options)


@FORMS
@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("attention", ["hardmax", "softmax"])
def test_targets_are_given_bit_for_bit_by_both_paths(ragged, form, ordered, attention):
    X, Y = map(form, ragged)
    fitted = model(ordered=ordered, attention=attention).fit(X, Y)
    wanted = ragged[1].tokens
    out = fitted.predict(X)
    assert isinstance(out, RaggedSequences)
    assert out.lengths.tolist() == ragged[0].lengths.tolist()
    assert np.array_equal(first_rows(out, Y), wanted)
    transformer = fitted.to_transformer()
    assert fitted.decode(apply(transformer, fitted.encode(X))) == out
    assert fitted.score(X, Y) == 1.0
    assert (fitted.n_outputs_, fitted.n_targets_) == (2, len(wanted))
    assert (fitted.n_blocks_, fitted.n_parameters_) == (transformer.n_blocks, transformer.n_parameters)
    assert fitted.n_blocks_ <= len(wanted) + len(X)
    assert fitted.margin_ >= 1
    assert (fitted.temperature_ > 0) == (attention == "softmax")


@pytest.mark.parametrize("shape", [(40,), (40, 1), (40, 3)])
@pytest.mark.parametrize("kind", [np.asarray, np.ndarray.tolist, pd.DataFrame])
def test_one_target_per_sequence_comes_back_in_the_shape_of_y(ragged, shape, kind):
    X, _ = ragged
    y = np.random.default_rng(0).normal(size=shape)
    if kind is pd.DataFrame and len(shape) == 1:
        kind = pd.Series
    fitted = model().fit(X, kind(y))
    out = fitted.predict(X)
    assert isinstance(out, np.ndarray)
    assert np.array_equal(out, y)
    assert np.array_equal(fitted.decode(apply(fitted.to_transformer(), fitted.encode(X))), y)
    assert fitted.score(X, kind(y)) == 1.0
    y = y.copy()
    y[0] += 1
    assert fitted.score(X, y) == 39 / 40


def test_equal_numbers_of_targets_may_come_in_one_array(ragged):
    X, rng = [x[:3] if len(x) >= 3 else np.tile(x, (3, 1)) for x in ragged[0]], np.random.default_rng(0)
    Y = rng.normal(size=(40, 2, 5))
    out = model().fit(X, Y).predict(X)
    assert np.array_equal(first_rows(out, Y).reshape(Y.shape), Y)


def test_score_counts_sequences_whose_targets_are_all_reproduced(ragged):
    X, Y = ragged
    fitted = model().fit(X, Y)
    rows = Y.to_list()
    rows[3] = rows[3] + 1e-15
    rows[5] = np.concatenate([rows[5][:-1], rows[5][-1:] * 2])
    assert fitted.score(X, rows) == 38 / 40
    assert fitted.score(X[:3], rows[:3]) == 1.0


@FORMS
def test_search_and_cross_validation_take_ragged_targets(ragged, form):
    X, Y = map(form, ragged)
    pipeline = make_pipeline(RaggedSequenceTransformer(), model())
    assert cross_val_score(pipeline, X, Y, cv=3).shape == (3,)
    grid = {"hardmaxtransformerinterpolator__ordered": [True, False], "raggedsequencetransformer__window": [1, 2]}
    search = GridSearchCV(pipeline, grid, cv=KFold(2), error_score="raise").fit(X, Y)
    assert search.score(X, Y) == 1.0
    first, second, *_ = train_test_split(X, Y, random_state=0)
    assert len(first) + len(second) == 40


def test_cross_val_predict_takes_one_target_per_sequence(ragged):
    X, _ = ragged
    y = np.arange(40.0)
    assert set(cross_val_predict(model(), X, y, cv=4)) <= set(y)


def test_fitting_twice_cloning_and_pickling_give_the_same_bits(ragged):
    X, Y = ragged
    fitted = model().fit(X, Y)
    out = fitted.predict(X)
    for other in (fitted.fit(X, Y), clone(fitted).fit(X, Y), pickle.loads(pickle.dumps(fitted))):
        assert other.predict(X) == out


def test_inputs_are_not_changed(ragged):
    X, Y = ragged
    before = X.tokens.copy(), Y.tokens.copy()
    model().fit(X, Y).predict(X)
    assert np.array_equal(X.tokens, before[0])
    assert np.array_equal(Y.tokens, before[1])


def test_jobs_and_order_of_sequences_change_nothing(ragged):
    X, Y = ragged
    one = model().fit(X, Y)
    with parallel_config("threading"):
        assert model(n_jobs=2).fit(X, Y).predict(X) == one.predict(X)
    assert one.predict(X[::-1]) == one.predict(X)[::-1]


def test_float32_tokens_and_targets_are_read_as_they_are(ragged):
    X, Y = (RaggedSequences(part.tokens.astype(np.float32), part.offsets) for part in ragged)
    out = model().fit(X, Y).predict(X)
    assert out.dtype == np.float64
    assert np.array_equal(first_rows(out, Y), Y.tokens.astype(np.float64))


def test_one_column_names_the_features_of_a_frame():
    frame = pd.DataFrame({"height": [0.0, 1.0, 2.0], "width": [1.0, 0.0, 1.0]})
    fitted = model().fit(frame, [0.5, 1.5, 2.5])
    assert fitted.feature_names_in_.tolist() == ["height", "width"]
    assert fitted.predict(frame).tolist() == [0.5, 1.5, 2.5]


def test_what_is_not_fitted_says_so():
    for ask in ("predict", "encode", "decode"):
        with pytest.raises(NotFittedError):
            getattr(model(), ask)([[[0.0]]])
    for ask in (lambda m: m.n_blocks_, lambda m: m.to_transformer(), lambda m: m.score([[[0.0]]], [1.0])):
        with pytest.raises(NotFittedError):
            ask(model())


def test_a_fit_that_fails_leaves_the_estimator_as_it_was(ragged):
    X, Y = ragged
    fitted = model(ordered=False).fit(X, Y)
    before = dict(vars(fitted))
    with pytest.raises(ConstructionError, match="equal tokens in sequences with equal frequencies"):
        fitted.fit([[[0.0], [1.0]], [[1.0], [0.0]]], [[[1.0]], [[2.0], [3.0]]])
    assert vars(fitted) == before
    assert np.array_equal(first_rows(fitted.predict(X), Y), Y.tokens)


def test_verbose_prints_a_line_per_stage(ragged, capsys):
    model(verbose=1, attention="softmax").fit(*ragged)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 6
    assert all(line.startswith("[HardmaxTransformerInterpolator] ") and line.endswith(" s)") for line in lines)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ordered": 1}, "ordered must be True or False, got 1"),
        ({"attention": "linear"}, "attention must be 'hardmax' or 'softmax', got 'linear'"),
        ({"temperature": 0}, "temperature must be 'auto' or a positive finite number, got 0"),
        ({"verbose": -1}, "verbose must be an integer of at least 0"),
    ],
)
def test_parameters_out_of_range_are_refused(ragged, options, message):
    with pytest.raises(ValueError, match=message):
        model(**options).fit(*ragged)


def test_targets_and_tokens_of_another_kind_than_at_fit_are_refused(ragged):
    X, Y = ragged
    fitted = model().fit(X, Y)
    with pytest.raises(ValueError, match="y must hold ragged targets of dimension 2, as at fit"):
        fitted.score(X, np.zeros(40))
    with pytest.raises(ValueError, match="y must hold one target per sequence of dimension 1, as at fit"):
        model().fit(X, np.arange(40.0)).score(X, Y)
    with pytest.raises(ValueError, match="X has 1 features, but HardmaxTransformerInterpolator is expecting 2"):
        fitted.predict([[[0.0]]])
    with pytest.raises(ValueError, match="requires y to be passed"):
        model().fit(X, None)
