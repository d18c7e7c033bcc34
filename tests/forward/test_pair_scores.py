"""Scores of pairs of tokens of any size: products and sums in fixed order err by no more than their bounds."""

from fractions import Fraction

import numpy as np
import pytest
from cases.pairwise import exact_sets, head, one, same
from hypothesis import given
from hypothesis import strategies as st

from sklearn_hardmax import Transformer
from sklearn_hardmax.forward import apply, trace


@pytest.mark.parametrize(
    "tokens",
    [
        [[1e200, 0.0], [0.0, 1e-100]],
        [[1e-170, 0.0], [0.0, 1.0]],  # the first scores 1e-340 with itself
        [[1e-200, 2e-200], [2e-200, -1e-200], [1e-200, -1e-200]],
        [[1e300, -1e300], [3e299, 1e300], [1.0, 0.0]],
        [[5e-324, 0.0], [0.0, 5e-324], [0.0, -1e-323]],
        [[0.0, 0.0], [1.0, 0.0], [-0.0, 0.0]],
    ],
)
def test_large_and_small_numbers_attend_as_in_exact_arithmetic(tokens):
    layer = same(2)
    beside = [[1.0, 2.0], [3.0, 4.0], [0.5, 1e-30]]
    (step,) = trace(Transformer([layer]), [tokens, beside])
    assert [f.tolist() for f in step.attended[0]] == exact_sets(layer, np.array(tokens))
    moved = apply(Transformer([layer]), [tokens, beside])
    for i, members in enumerate(step.attended[0]):
        exact = [Fraction(0)] * 2
        for member in members:
            exact = [e + Fraction(z) / len(members) for e, z in zip(exact, tokens[member])]
        assert moved[0][i].tolist() == pytest.approx([float(e) for e in exact], rel=1e-15, abs=0)


def test_one_outlier_does_not_blur_the_scores_of_the_others():
    layer = same(2)
    X = [[[2.0**60, 0.0], [-1.0, 1.0], [-1.0, 1.0 + 2**-40], [-1.0, 1.0 - 2**-40]]]
    (step,) = trace(Transformer([layer]), X)
    assert [f.tolist() for f in step.attended[0]] == exact_sets(layer, np.array(X[0])) == [[0], [2], [2], [2]]


@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(1, 30))
def test_scores_that_the_preselection_drops_are_lost_in_every_order_of_summation(seed, token_dim, n):
    """The pre-selection against the sets without it, on tokens of all sizes."""
    rng = np.random.default_rng(seed)
    layer = head(token_dim, rank=int(rng.integers(2, 4)), seed=seed, integer=False)
    Z = rng.normal(size=(n, token_dim)) * 10.0 ** rng.integers(-12, 13, size=(n, 1))
    (step,) = trace(Transformer([layer]), one(Z))
    moved = apply(Transformer([layer]), one(Z))[0]
    for z, members in zip(moved, step.attended[0]):
        np.testing.assert_allclose(z, Z[members].mean(axis=0), rtol=1e-12, atol=1e-14 * np.abs(Z[members]).max())
