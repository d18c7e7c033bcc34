"""The ridge regressions: left-out scores are of left-out sequences; held or in shares, in any jobs, it is one regression."""

import re

import numpy as np
import pytest
from cases.families import family
from cases.heads import drawn
from cases.scoring import classifier
from effort import slow
from joblib import parallel_config
from sklearn.linear_model import Ridge

from sklearn_hardmax import HardmaxTransformerClassifier
from sklearn_hardmax.constructions.scoring import regression


@pytest.mark.parametrize("n", [60, 61])
@pytest.mark.parametrize("ordered", [False, True])
def test_dual_and_primal_ridge_give_close_decisions_at_the_boundary(ordered, n, monkeypatch):
    """60 sequences and 60 heads are solved among sequences, 61 sequences among heads; here each by the other way too."""
    X, y = family("labelled_sequences", n, n_classes=3)
    new, _ = family("labelled_sequences", 50, seed=1)
    fitted = classifier(60, ordered=ordered, exact=False, alphas=[0.1, 1.0])
    decisions, asked = fitted.fit(X, y).decision_function(new), []
    dual, primal = regression.ridge_from_features, regression.ridge_from_chunks

    def by_chunks(features, *others, n_jobs):
        asked.append("dual")
        return primal(np.arange(n), features, tuple, *others)

    def from_features(left_out, features, others, *more, n_jobs, log):
        asked.append("primal")
        assert sorted(left_out.tolist()) == list(range(n))
        return dual(features[:, np.argsort(left_out)], *more)

    monkeypatch.setattr(regression, "ridge_from_features", by_chunks)
    monkeypatch.setattr(regression, "ridge_from_chunks", from_features)
    others = fitted.fit(X, y).decision_function(new)
    assert asked == ["dual" if n == 60 else "primal"]
    # up to the grids, of 2^-20 standard deviations or finer
    np.testing.assert_allclose(others, decisions, rtol=0, atol=1e-5 * np.abs(decisions).max())


# the regression among heads and among sequences
@pytest.mark.parametrize(
    ("backend", "n_heads"), [("threading", 20), ("threading", 200), ("loky", 20), *slow(("loky", 200))]
)
def test_jobs_and_backends_show_in_no_bit(backend, n_heads, monkeypatch):
    """With 16 sequences left out and 20 heads, 60 sequences come in three shares, or in two for each of two jobs."""
    monkeypatch.setattr(regression, "LEFT_OUT", 16)
    X, y = family("labelled_sequences", 60, n_classes=3)
    new, _ = family("labelled_sequences", 50, seed=1)
    for ordered in (False, True) if backend == "threading" else (True,):
        wanted = classifier(n_heads, ordered=ordered).fit(X, y)
        with parallel_config(backend):
            fitted = classifier(n_heads, ordered=ordered, n_jobs=2).fit(X, y)
            assert np.array_equal(fitted.decision_function(new), wanted.decision_function(new))
        assert np.array_equal(fitted.decision_function(X), wanted.decision_function(X))
        assert fitted.margin_ == wanted.margin_


def test_passes_over_many_sequences_report_on_their_way(capsys, monkeypatch):
    """200 sequences, of which 40 are left out: the others come in shares of about 40, the scores in five of 40."""
    monkeypatch.setattr(regression, "LEFT_OUT", 40)
    X, y = family("labelled_sequences", 200)
    classifier(20, verbose=1).fit(X, y)
    said = capsys.readouterr().out
    added = [int(n) for n in re.findall(r"added (\d+) of 200 sequences to the Gram matrix", said)]
    scored = [int(n) for n in re.findall(r"scored (\d+) of 200 training sequences", said)]
    assert len(added) == 4
    assert len(scored) == 5
    for counts in (added, scored):
        assert counts == sorted(set(counts))
        assert counts[-1] == 200


@pytest.mark.parametrize("n_heads", [20, 200])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_left_out_scores_belong_to_the_sequences_that_were_left_out(n_heads, n_classes, monkeypatch):
    """They are the predictions of scikit-learn's regression without that sequence, on the same standardised features."""
    monkeypatch.setattr(regression, "LEFT_OUT", 15)
    X, y = family("labelled_sequences", 60, n_classes=n_classes)
    heads = drawn("series", X, n_heads)
    targets = np.where(y[:, None] == np.arange(n_classes), 1.0, -1.0)
    fitted = targets[:, 1:] if n_classes == 2 else targets
    fits = [regression._fit_family(heads, X, fitted, np.ones(60), np.ones(1), None, lambda text: None)]
    left_out, scores = regression._common_scores(fits, n_classes == 2)
    features = np.ascontiguousarray(heads.features(X, np.float64).T)
    fit = regression.ridge_from_features(features, targets, np.ones(60), np.ones(1), heads.kinds, heads.scale_floor)
    rows = ((features - fit.means[:, None]) / fit.scales[:, None]).T
    assert left_out.tolist() == (list(range(60)) if n_heads == 200 else np.linspace(0, 59, 15).astype(int).tolist())
    for i, k in enumerate(left_out[:4]):
        rest = np.arange(60) != k
        wanted = Ridge(1.0, solver="cholesky").fit(rows[rest], targets[rest]).predict(rows[k : k + 1])[0]
        np.testing.assert_allclose(scores[0][:, i], wanted, rtol=0, atol=1e-5)


@pytest.mark.parametrize("ordered", [False, True])
def test_the_penalties_of_auto_are_those_of_the_docstring(ordered, monkeypatch):
    (documented,) = re.findall(r'"auto" is (np\.logspace\(.*?\))', HardmaxTransformerClassifier.__doc__)
    offered = []

    def solve(features, targets, sample_weight, alphas, *others, n_jobs):
        offered.append(alphas)
        return ridge_from_features(features, targets, sample_weight, alphas, *others, n_jobs=n_jobs)

    ridge_from_features = regression.ridge_from_features
    monkeypatch.setattr(regression, "ridge_from_features", solve)
    X, y = family("labelled_sequences", n_classes=3)
    classifier(ordered=ordered, alphas="auto").fit(X, y)
    assert len(offered) == 1
    assert np.array_equal(offered[0], eval(documented))


@pytest.mark.parametrize("lengths", [[5], [1] * 9, [1, 1, 10**6, 1, 1], [10**6, 1], [1, 10**6]])
@pytest.mark.parametrize("n_jobs", [None, 3])
def test_shares_hold_every_sequence_once_and_none_is_empty(lengths, n_jobs, monkeypatch):
    """With at most two sequences per job and round, also where one of them has nearly all tokens."""
    monkeypatch.setattr(regression, "LEFT_OUT", 2)
    shares = list(regression._shares(np.array(lengths), 1, n_jobs))
    assert [i for share in shares for i in range(share.start, share.stop)] == list(range(len(lengths)))
    assert all(share.start < share.stop for share in shares)
