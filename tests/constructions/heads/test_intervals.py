"""Heads of intervals count the tokens of a part of the sequence that are above a bias, by a plain loop."""

from fractions import Fraction
from math import ceil, floor

import numpy as np
import pytest
from cases.heads import drawn, series, sums_of

from sklearn_hardmax import RaggedSequences
from sklearn_hardmax.constructions.heads.intervals import INTERVALS, bounds


def test_the_intervals_are_dyadic_with_half_steps():
    assert len(INTERVALS) == 120
    parts = {(Fraction(j, 2 ** (k + 1)), Fraction(j + 2, 2 ** (k + 1))) for k, j in INTERVALS.tolist()}
    assert len(parts) == 120
    assert min(a for a, _ in parts) == 0
    assert max(b for _, b in parts) == 1


@pytest.mark.parametrize("n", [1, 2, 3, 31, 32, 33, 100])
def test_bounds_are_those_of_fractions_and_never_empty(n):
    for level, step in INTERVALS.tolist():
        start, stop = (int(side[0]) for side in bounds(np.array([n]), level, step))
        a, b = Fraction(step * n, 2 ** (level + 1)), Fraction((step + 2) * n, 2 ** (level + 1))
        assert start == floor(a)
        assert stop == max(ceil(b), start + 1)
        assert 0 <= start < stop <= n


@pytest.mark.parametrize("token_dim", [1, 3])
def test_sums_are_counts_by_a_plain_loop(token_dim):
    X = series(12, token_dim, lengths=(1, 50))
    heads = drawn("intervals", X, 300)
    sums = sums_of(heads, X)
    q = heads.biases.shape[1]
    for i, Z in enumerate(X):
        z = heads.standardisation.columns(Z)
        for h in range(0, 300, 11):
            level, step = heads.intervals[h // q].tolist()
            values = heads.standardisation.integers(z, heads.channels[h // q], 1365).tolist()
            a, b = Fraction(step, 2 ** (level + 1)), Fraction(step + 2, 2 ** (level + 1))
            first = floor(a * len(Z))
            inside = values[first : max(ceil(b * len(Z)), first + 1)]
            assert sums[i, h] == sum(v > heads.biases.ravel()[h] for v in inside)


def test_few_heads_are_of_long_intervals_and_more_have_more_biases():
    X = series(20)
    assert drawn("intervals", X, 4).intervals.tolist() == [[0, 0], [1, 0], [1, 1], [1, 2]]
    assert drawn("intervals", X, 120).biases.shape == (120, 1)
    assert drawn("intervals", X, 121).biases.shape == (120, 2)


def test_many_sequences_are_sampled_and_constant_features_have_heads():
    X = series(400, lengths=(1, 9))
    assert np.isfinite(sums_of(drawn("intervals", X, 50), X)).all()
    constant = RaggedSequences(np.ones((30, 2)), np.arange(0, 31, 3))
    heads = drawn("intervals", constant, 30)
    assert not sums_of(heads, constant).any()
    assert "ppv of channels x" in heads.names()[0]
    assert heads.windows_of([0, 29])[2].sum() == 2
