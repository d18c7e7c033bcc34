"""Several families of heads in one classifier: exact, in weights, explained, and the weighted mean of single regressions."""

import numpy as np
import pytest
from joblib import parallel_config
from sklearn.base import clone

from sklearn_hardmax import HardmaxPooling, HardmaxTransformerClassifier, datasets
from sklearn_hardmax.constructions.scoring import regression
from sklearn_hardmax.forward import apply

X, Y = datasets.make_labelled_sequences(70, n_classes=3, token_dim=2, random_state=0)
BOTH = ["kernels", "difference_kernels"]
ALL = [*BOTH, "windows", "intervals"]


def model(**options):
    return HardmaxTransformerClassifier(**{"n_heads": 80, "families": BOTH, "random_state": 0} | options)


@pytest.mark.parametrize("families", [BOTH, ALL, ["windows"]], ids=len)
@pytest.mark.parametrize("y", [Y, Y > 0, np.zeros(70, int)], ids=["three", "two", "one"])
def test_training_labels_are_exact_and_certified_and_the_network_computes_them(y, families):
    clf = model(families=families).fit(X, y)
    assert clf.score(X, y) == 1.0
    assert clf.margin_ > 1
    assert clf.family_names_ == tuple(families)
    assert clf.family_weights_.shape == clf.family_alphas_.shape == (len(families),)
    assert clf.family_weights_.sum() == pytest.approx(1.0)
    out = apply(clf.to_transformer(), clf.encode(X))
    assert np.array_equal(clf.decode(out), clf.predict(X))
    new, _ = datasets.make_labelled_sequences(30, n_classes=3, token_dim=2, random_state=1)
    assert np.array_equal(clf.decode(apply(clf.to_transformer(), clf.encode(new))), clf.predict(new))


def test_scores_are_the_weighted_mean_of_the_families():
    clf = model(exact=False).fit(X, Y)
    alone = []
    for part in clf._built.heads.parts:
        fit = regression._fit_family(
            part,
            X,
            np.where(Y[:, None] == np.arange(3), 1.0, -1.0),
            np.ones(70),
            clf._penalties(),
            None,
            lambda text: None,
        )
        features = part.features(X, np.float64)
        alone.append(features @ fit.ridge.coefficients + fit.ridge.intercept)
    wanted = sum(w * s for w, s in zip(clf.family_weights_, alone))
    np.testing.assert_allclose(clf.decision_function(X), wanted, atol=1e-5)


def test_more_sequences_than_heads_are_streamed_with_the_same_left_out_ones(monkeypatch):
    monkeypatch.setattr(regression, "LEFT_OUT", 30)
    clf = model(n_heads=61).fit(X, Y)  # 31 and 30 heads
    assert clf.score(X, Y) == 1.0
    assert clf.n_heads_ == 61
    uneven = model(n_heads=141).fit(X[:70], Y)  # 71 heads hold all sequences, 70 do too; 71 of 69 are streamed
    assert uneven.score(X, Y) == 1.0


def test_one_family_held_and_one_streamed(monkeypatch):
    monkeypatch.setattr(regression, "LEFT_OUT", 30)
    clf = model(n_heads=139).fit(X, Y)  # 70 heads for 70 sequences are held, 69 are streamed
    assert [part.n_heads for part in clf._built.heads.parts] == [70, 69]
    assert clf.score(X, Y) == 1.0
    assert np.isfinite(clf.predict_log_proba(X)).all()


def test_explanations_add_up_and_name_the_families():
    clf = model().fit(X, Y)
    table = clf.explain(X[:1], top=None)[0]
    for c, score in zip(clf.classes_, clf.decision_function(X[:1])[0]):
        assert table["contribution"][table["class"] == c].sum() == pytest.approx(score, abs=1e-6)
    names = table["name"][table["head"] >= 0]
    assert any("change of x" in name for name in names)
    windows = clf.head_windows([0, 79])
    assert windows.channels.shape == (2, 2)


def test_batches_orders_and_jobs_change_no_bit():
    clf = model(families=ALL).fit(X, Y)
    scores = clf.decision_function(X)
    assert np.array_equal(clf.decision_function(X[::-1])[::-1], scores)
    assert all(np.array_equal(clf.decision_function(X[i : i + 1])[0], scores[i]) for i in range(5))
    with parallel_config("threading"):
        two = model(families=ALL, n_jobs=2).fit(X, Y)
        assert np.array_equal(two.decision_function(X), scores)


def test_pooling_gives_the_same_columns():
    clf = model(families=ALL, exact=False).fit(X, Y)
    pooling = HardmaxPooling(n_heads=80, families=ALL, random_state=0).fit(X, Y)
    assert np.array_equal(pooling.transform(X), clf._built.heads.features(X, np.float64))
    assert pooling.family_names_ == clf.family_names_
    assert len(set(pooling.get_feature_names_out())) == 80


def test_softmax_and_sets():
    soft = model(attention="softmax").fit(X, Y)
    assert np.array_equal(soft.decode(apply(soft.to_transformer(), soft.encode(X))), Y)
    sets = model(ordered=False).fit(X, Y)
    assert sets.family_names_ == ("tokens",)
    assert sets.family_weights_.tolist() == [1.0]


@pytest.mark.parametrize("families", ["kernels", [], ["kernels", "kernels"], ["shapelets"], None, 3, ["kernels", 1]])
@pytest.mark.parametrize("estimator", [HardmaxTransformerClassifier(n_heads=5), HardmaxPooling(n_heads=5)])
def test_unknown_families_are_refused_by_name(estimator, families):
    with pytest.raises(
        ValueError, match=r"families must be 'auto' or a list of different names among 'kernels', 'diff"
    ):
        clone(estimator).set_params(families=families).fit(X, Y)


@pytest.mark.parametrize("n_heads", [1, 2, 3])
def test_few_heads_take_the_first_families(n_heads):
    clf = model(n_heads=n_heads).fit(X, Y)
    assert clf.family_names_ == tuple(BOTH[:n_heads])
    assert clf.score(X, Y) == 1.0
