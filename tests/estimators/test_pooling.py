"""HardmaxPooling as scikit-learn sees it: shape, names, set_output, pipelines; the heads are in tests/constructions/heads."""

import pickle

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_hardmax import HardmaxPooling, HardmaxTransformerClassifier, RaggedSequences, datasets


def problem(n=40, **options):
    return datasets.make_labelled_sequences(n, random_state=0, **options)


def pooling(**options):
    return HardmaxPooling(**{"n_heads": 50, "random_state": 0, **options})


ORDERS = pytest.mark.parametrize("ordered", [True, False])


def test_a_share_by_hand():
    """Two tokens 0 and 2 standardise to -1 and 1: each head of one of these sequences is pooled from one or both."""
    X = [[[0.0]], [[2.0]], [[0.0], [2.0]], [[2.0], [0.0], [2.0]]]
    step = pooling(ordered=False, n_heads=70).fit(X[:3])
    rows, names = step.transform(X), step.get_feature_names_out()
    low, high, both, three = rows
    maxima = np.array([name.startswith("max") for name in names])
    assert maxima.sum() == 10
    assert np.array_equal(both[maxima], np.maximum(low, high)[maxima])
    assert np.array_equal(three[maxima], both[maxima])
    np.testing.assert_allclose(both[~maxima], ((low + high) / 2)[~maxima], rtol=1e-15)
    np.testing.assert_allclose(three[~maxima], ((low + 2 * high) / 3)[~maxima], rtol=1e-15)
    shares = np.array([name.startswith("ppv") for name in names])
    assert set(np.concatenate([low[shares], high[shares]])) == {0.0, 1.0}


@ORDERS
def test_shape_names_and_attributes_agree(ordered):
    X, y = problem(token_dim=3)
    for n_heads in (1, 7, 50, "auto"):
        step = pooling(n_heads=n_heads, ordered=ordered).fit(X, y)
        out, names = step.transform(X), step.get_feature_names_out()
        assert out.shape == (40, step.n_heads_) == (40, len(names))
        assert step.n_heads_ == (64 * 40 if n_heads == "auto" else n_heads)
        assert len(set(names)) == len(names)
        assert names.dtype == object
        assert np.isfinite(out).all()
        assert step.n_features_in_ == 3


@ORDERS
def test_the_columns_are_the_heads_of_the_classifier(ordered):
    X, y = problem()
    step = pooling(ordered=ordered).fit(X, y)
    names = HardmaxTransformerClassifier(n_heads=50, ordered=ordered, random_state=0).fit(X, y)._built.heads.names()
    assert step.get_feature_names_out().tolist() == names


@ORDERS
def test_rows_do_not_depend_on_batch_order_or_jobs(ordered):
    X, _ = problem()
    step = pooling(ordered=ordered).fit(X)
    rows, order = step.transform(X), np.random.default_rng(0).permutation(len(X))
    assert np.array_equal(step.transform(X[order]), rows[order])
    assert all(np.array_equal(step.transform(X[i : i + 1])[0], rows[i]) for i in range(len(X)))
    assert np.array_equal(step.transform(X.to_list()), rows)
    assert np.array_equal(step.fit_transform(X), rows)
    with parallel_config("threading"):
        assert np.array_equal(pooling(ordered=ordered, n_jobs=2).fit_transform(X), rows)


@ORDERS
def test_float32_tokens_give_float32_columns(ordered):
    X, _ = problem()
    single = RaggedSequences(X.tokens.astype(np.float32), X.offsets)
    double = RaggedSequences(single.tokens.astype(np.float64), X.offsets)
    step = pooling(ordered=ordered).fit(single)
    assert step.transform(single).dtype == np.float32
    assert step.transform(double).dtype == np.float64
    assert np.array_equal(step.transform(double).astype(np.float32), step.transform(single))


@ORDERS
def test_clones_and_pickles_give_the_same_columns(ordered):
    X, y = problem()
    step = pooling(ordered=ordered).fit(X, y)
    rows = step.transform(X)
    assert np.array_equal(pickle.loads(pickle.dumps(step)).transform(X), rows)
    fresh = clone(step)
    assert fresh.get_params() == step.get_params()
    assert not [name for name in vars(fresh) if name.endswith("_") or name.startswith("_")]
    assert np.array_equal(fresh.fit(X, y).transform(X), rows)
    other = pooling(ordered=ordered, random_state=1).fit(X, y).transform(X)
    assert not np.array_equal(other, rows)


def test_a_pickle_of_another_version_says_so(monkeypatch):
    X, _ = problem()
    data = pickle.dumps(pooling().fit(X))
    monkeypatch.setattr("sklearn_hardmax._version.__version__", "9.9.9")
    with pytest.warns(UserWarning, match="This HardmaxPooling was pickled by sklearn-hardmax"):
        pickle.loads(data)


def test_labels_are_not_looked_at_when_ordered_and_choose_differences_when_not():
    X, y = problem()
    same = [pooling().fit(X, z).transform(X) for z in (None, y, 1 - y, np.linspace(0, 1, 40), ["a", "b"] * 20)]
    assert all(np.array_equal(rows, same[0]) for rows in same)
    rows = [pooling(ordered=False).fit(X, z).transform(X) for z in (None, y, np.linspace(0, 1, 40))]
    assert not np.array_equal(rows[0], rows[1])
    assert np.array_equal(rows[0], rows[2])  # targets that are no classes are not used
    assert np.array_equal(pooling(ordered=False).fit(X, np.array(["a", "b"])[y]).transform(X), rows[1])


@ORDERS
def test_set_output_gives_frames_with_unique_columns(ordered):
    X, _ = problem()
    step = pooling(ordered=ordered).set_output(transform="pandas")
    frame = step.fit_transform(X)
    assert isinstance(frame, pd.DataFrame)
    assert frame.columns.tolist() == step.get_feature_names_out().tolist()
    assert frame.columns.is_unique
    assert np.array_equal(frame.to_numpy(), pooling(ordered=ordered).fit_transform(X))


def test_names_of_data_frames_and_given_names_stand_in_the_columns():
    X, _ = problem(token_dim=2)
    step = pooling(n_heads=400).fit(X)
    assert any("channels x1," in name or "channels -x1," in name for name in step.get_feature_names_out())
    named = step.get_feature_names_out(["height", "width"])
    assert len(set(named)) == 400
    assert any("channels width," in name or "channels -width," in name for name in named)
    with pytest.raises(ValueError, match="must name the 2 features of a token, got 1 names"):
        step.get_feature_names_out(["height"])
    frame = pd.DataFrame({"height": [0.0, 1.0, 4.0], "width": [1.0, 0.0, 2.0]})
    step = pooling().fit(frame)
    assert step.feature_names_in_.tolist() == ["height", "width"]
    assert step.transform(frame).shape == (3, 50)
    with pytest.raises(ValueError, match="input_features is not equal to feature_names_in_"):
        step.get_feature_names_out(["width", "height"])


def test_the_features_of_a_column_of_sequences_are_numbered_behind_its_name():
    X, _ = problem(token_dim=2)
    step = pooling(n_heads=400).fit(X.to_pandas().rename("walk"))
    names = step.get_feature_names_out(["walk"])
    assert any("channels walk[1]," in name or "channels -walk[1]," in name for name in names)
    with pytest.raises(ValueError, match="must name the 2 features of a token, got 1 names"):
        step.get_feature_names_out(["talk"])


def test_a_grid_search_over_a_pipeline_with_logistic_regression():
    """Class 1 has a token beyond 3 somewhere, which a maximum finds and the mean of a few tokens does not tell."""
    rng = np.random.default_rng(0)
    X, y = [], np.arange(60) % 2
    for label in y:
        x = rng.uniform(-1, 1, size=(rng.integers(3, 15), 2))
        x[rng.integers(len(x)), 0] += 4 * label
        X.append(x)
    steps = make_pipeline(HardmaxPooling(ordered=False, random_state=0), StandardScaler(), LogisticRegression())
    grid = {"hardmaxpooling__n_heads": [1, 100], "logisticregression__C": [0.1, 1.0]}
    search = GridSearchCV(steps, grid, cv=3, error_score="raise").fit(X[:40], y[:40])
    assert search.best_params_["hardmaxpooling__n_heads"] == 100
    assert search.score(X[40:], y[40:]) > 0.9
    assert len(search.best_estimator_[:-1].get_feature_names_out()) == 100


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_heads": 0}, "n_heads must be an integer of at least 1, got 0"),
        ({"n_heads": -3}, "n_heads must be an integer of at least 1, got -3"),
        ({"n_heads": 2.0}, "n_heads must be an integer of at least 1, got 2.0"),
        ({"n_heads": "many"}, "n_heads must be an integer of at least 1, got 'many'"),
        ({"ordered": "yes"}, "ordered must be True or False, got 'yes'"),
        ({"random_state": "seed"}, "random_state must be an integer from 0 to .* got 'seed'"),
    ],
)
def test_parameters_out_of_range_are_refused_and_leave_nothing_behind(parameters, message):
    X, _ = problem()
    step = pooling(**parameters)
    with pytest.raises(ValueError, match=message):
        step.fit(X)
    assert not [name for name in vars(step) if name.endswith("_")]


def test_wrong_input_is_refused():
    X, y = problem(token_dim=2)
    with pytest.raises(NotFittedError, match="is not fitted yet"):
        pooling().transform(X)
    with pytest.raises(NotFittedError, match="is not fitted yet"):
        pooling().get_feature_names_out()
    step = pooling().fit(X)
    with pytest.raises(ValueError, match="X has 3 features, but HardmaxPooling is expecting 2 features"):
        step.transform([[[1.0, 2.0, 3.0]] * 2])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        pooling(ordered=False).fit(X, y[:-1])


def test_where_all_sequences_have_one_token_there_is_no_order():
    X = np.random.default_rng(0).normal(size=(30, 3))
    one, other = (pooling(ordered=ordered).fit(X) for ordered in (True, False))
    assert one.get_feature_names_out().tolist() == other.get_feature_names_out().tolist()
    assert np.array_equal(one.transform(X), other.transform(X))


def test_transform_changes_no_attribute_and_no_input():
    X, _ = problem()
    step = pooling().fit(X)
    before, tokens = dict(vars(step)), X.tokens.copy()
    step.transform(X)
    step.get_feature_names_out()
    assert vars(step) == before
    assert np.array_equal(X.tokens, tokens)


@pytest.mark.parametrize("dtype", [object, np.int8])
def test_labels_of_any_dtype_guide_the_directions(dtype):
    X, y = problem()
    expected = pooling(ordered=False).fit(X, y.tolist()).transform(X)
    assert np.array_equal(pooling(ordered=False).fit(X, y.astype(dtype)).transform(X), expected)
    assert not np.array_equal(pooling(ordered=False).fit(X).transform(X), expected)


def test_missing_labels_are_refused_where_labels_are_used():
    X, y = problem(3)
    y = [*y[:-1].tolist(), None]
    with pytest.raises(ValueError, match="Input y contains NaN or None: labels 2 are missing"):
        pooling(ordered=False).fit(X, y)
    pooling(ordered=True).fit(X, y)
