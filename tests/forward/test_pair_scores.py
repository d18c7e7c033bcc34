"""Scores of pairs of tokens of any size: products and sums in fixed order err by no more than their bounds."""

import itertools
from fractions import Fraction

import numpy as np
import oracle
import pytest
from cases.pairwise import exact_sets, head, one, same
from hypothesis import given
from hypothesis import strategies as st

from sklearn_hardmax import Attention, Transformer
from sklearn_hardmax.forward import apply, trace
from sklearn_hardmax.forward.pair_scores import PairScores
from sklearn_hardmax.sequences.segments import Segments

EPS = 2.0**-52
SIZES = pytest.mark.parametrize("size", [1.0, 1e-250, 1e250])


def drawn(rng, rank, token_dim, size):
    """Attention and the stream of sequences of 3, 1 and 4 tokens, whose sizes differ by powers of ten."""
    layer = Attention(*rng.normal(size=(2, rank, token_dim)), np.eye(token_dim), np.eye(token_dim))
    stream = rng.normal(size=(token_dim, 8)) * size * 10.0 ** rng.integers(-6, 7, size=8)
    return layer, stream, Segments.from_offsets(np.array([0, 3, 4, 8]))


def pairs_of(segments):
    """Every pair of tokens of one sequence."""
    for start, n in zip(segments.starts.tolist(), segments.lengths.tolist()):
        yield from itertools.product(range(start, start + n), repeat=2)


def exact_score(layer, query, key):
    """sum_r <query_r, z_i> <key_r, z_l> in fractions."""
    factors, tokens = [oracle.fractions_of(f) for f in (layer.query, layer.key)], map(oracle.fractions_of, (query, key))
    products = [[oracle.dot(row, token) for row in factor] for factor, token in zip(factors, tokens)]
    return oracle.dot(*products)


@SIZES
@pytest.mark.parametrize(("rank", "token_dim"), [(1, 1), (2, 3), (3, 2)])
def test_a_matrix_product_errs_by_no_more_than_a_quarter_of_its_slack(rank, token_dim, size):
    """Two products, the best and another one, and the rounding bounds of a tie have a quarter each or less."""
    rng = np.random.default_rng(rank)
    for _ in range(5):
        layer, stream, segments = drawn(rng, rank, token_dim, size)
        scores = PairScores.from_stream(layer, stream, segments)
        assert np.array_equal(np.ldexp(scores.scaled, scores.exponents), stream)
        assert np.abs(scores.scaled).max() < 2.0**256
        products = scores.query_values @ scores.key_values
        unit = Fraction(2) ** sum(int(np.frexp(np.abs(f).max())[1]) for f in (layer.query, layer.key))
        for i, j in pairs_of(segments):
            exact = exact_score(layer, scores.scaled[:, i], scores.scaled[:, j]) / unit
            assert abs(Fraction(products[i, j]) - exact) <= Fraction(scores.slack[i]) / 4


@SIZES
@pytest.mark.parametrize(("rank", "token_dim"), [(1, 1), (2, 3), (3, 2)])
def test_a_score_in_fixed_order_errs_by_no_more_than_its_bound(rank, token_dim, size):
    """For tokens in any order, at the scale of each query."""
    rng = np.random.default_rng(rank)
    for _ in range(5):
        layer, stream, segments = drawn(rng, rank, token_dim, size)
        tokens = rng.permutation(8)
        factors = PairScores.from_stream(layer, stream, segments).in_fixed_order(tokens)
        place = np.argsort(tokens)
        queries, keys = np.array(list(pairs_of(segments))).T
        found, bounds = factors.scores(place[queries], place[keys])
        for i, j, score, bound in zip(queries, keys, found.tolist(), bounds.tolist()):
            unit = Fraction(2) ** int(factors.exponents[place[i]])
            assert abs(unit * Fraction(score) - exact_score(layer, stream[:, i], stream[:, j])) <= unit * Fraction(
                bound
            )


@pytest.mark.parametrize(("largest", "is_exact"), [(2.0**26 - 1, True), (2.0**26, False)])
def test_scores_of_integers_have_no_bound_below_two_to_the_53(largest, is_exact):
    """Both factors are the identity of two coordinates: the moduli of a token with itself add up to 2 largest^2."""
    stream = np.array([[largest, 1.0, 0.5], [largest, -2.0, 0.0]])
    scores = PairScores.from_stream(same(2), stream, Segments.from_offsets(np.array([0, 3])))
    factors = scores.in_fixed_order(np.arange(3))
    found, bounds = factors.scores(np.array([0, 1, 2]), np.array([0, 0, 2]))
    assert np.ldexp(found, factors.exponents).tolist() == [2 * largest**2, -largest, 0.25]
    assert (bounds == 0).tolist() == [is_exact, True, False]


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
