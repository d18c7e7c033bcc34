"""Heads of differences are heads of series of differenced sequences, whatever the size of the tokens."""

import numpy as np
import pytest
from cases.heads import drawn, extreme, series, sums_of

from sklearn_hardmax import RaggedSequences
from sklearn_hardmax.constructions.heads.differences import differences
from sklearn_hardmax.constructions.heads.series_sampling import sample_series_heads


def test_a_difference_is_half_of_the_step_and_0_at_the_first_token():
    X = RaggedSequences([[1.0], [4.0], [2.0], [7.0], [7.0]], [0, 3, 5])
    out = differences(X)
    assert out.tokens.ravel().tolist() == [0.0, 1.5, -1.0, 0.0, 0.0]
    assert out.offsets is not None and np.array_equal(out.offsets, X.offsets)


def test_no_finite_token_overflows():
    X = RaggedSequences([[1.7e308], [-1.7e308], [5e-324]], [0, 3])
    assert differences(X).tokens.ravel().tolist() == [0.0, -1.7e308, 0.85e308]
    assert np.isfinite(sums_of(drawn("differences", series(20), 50), extreme(5, 1))).all()


@pytest.mark.parametrize("token_dim", [1, 3])
def test_they_are_heads_of_series_of_the_differences(token_dim):
    X = series(20, token_dim)
    heads = drawn("differences", X, 80)
    inner = sample_series_heads(differences(X), 80, np.random.RandomState(0))
    assert np.array_equal(sums_of(heads, X), sums_of(inner, differences(X)))
    assert np.array_equal(heads.tokens(X), inner.tokens(differences(X)))
    assert all("change of x" in name for name in heads.names())
    assert heads.names(["u", "v", "w"][:token_dim]) != heads.names()


def test_a_constant_added_to_a_series_changes_nothing():
    rng = np.random.default_rng(0)
    X = RaggedSequences(rng.integers(-50, 50, (300, 1)).astype(float), np.arange(0, 301, 30))
    heads = drawn("differences", X, 60)
    moved = RaggedSequences(X.tokens + np.repeat(np.arange(10.0) * 64, 30)[:, None], X.offsets)
    assert np.array_equal(sums_of(heads, X), sums_of(heads, moved))
