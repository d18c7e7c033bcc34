"""Attention to pairs of tokens, against exact arithmetic and hand computations."""

from fractions import Fraction
from functools import reduce
from operator import add

import numpy as np
import oracle
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_hardmax import RaggedSequences, ThirdOrderAttention, Transformer
from sklearn_hardmax.forward import apply, third_order, trace

SMALL = st.integers(-3, 3).map(float)


@st.composite
def lattice_problems(draw):
    def matrix(rows, columns):
        return np.array([[draw(SMALL) for _ in range(columns)] for _ in range(rows)]).reshape(rows, columns)

    token_dim, rank, value_rank = draw(st.integers(1, 2)), draw(st.integers(0, 2)), draw(st.integers(0, 2))
    factors = [matrix(rank, token_dim) for _ in range(3)] + [matrix(value_rank, token_dim) for _ in range(2)]
    layer = ThirdOrderAttention(*factors, matrix(token_dim, value_rank), draw(SMALL))
    sequences = [matrix(draw(st.integers(1, 4)), token_dim) for _ in range(draw(st.integers(1, 2)))]
    return layer, RaggedSequences.from_list(sequences)


def ones(token_dim, first=(1.0,), **options):
    """One factor everywhere: the given one."""
    row = np.array([[*first, *[0.0] * (token_dim - len(first))]])
    return ThirdOrderAttention(row, row, row, row, row, np.eye(token_dim)[:, -1:], **options)


@given(lattice_problems())
def test_on_an_integer_lattice_it_is_the_exact_layer(problem):
    layer, sequences = problem
    (step,) = trace(Transformer([layer]), sequences)
    assert apply(Transformer([layer]), sequences) == step.tokens
    for sequence, tokens, found in zip(sequences, step.tokens, step.attended):
        exact = oracle.fractions_of(sequence)
        pairs = oracle.attended_pairs(layer, exact)
        assert [list(map(tuple, f.tolist())) for f in found] == pairs
        # products of values are integers up to 18^2; a mean of them errs by at most 2 ulp(648) = 2^-42, and 3 coordinates of
        # output add up 2 of these
        rows = oracle.third_order_attention(layer, exact)
        error = max(abs(Fraction(x) - e) for row, r in zip(tokens.tolist(), rows) for x, e in zip(row, r))
        assert error <= Fraction(3 * 2 * 2, 2**42)


@given(lattice_problems(), st.integers(-330, 330))
def test_attended_pairs_do_not_change_when_a_sequence_is_scaled_by_a_power_of_two(problem, exponent):
    layer, sequences = problem
    no_values = [np.zeros((1, layer.token_dim))] * 2 + [np.zeros((layer.token_dim, 1))]
    layer = Transformer([ThirdOrderAttention(layer.query, layer.key, layer.second_key, *no_values)])
    scaled = RaggedSequences(np.ldexp(sequences.tokens, exponent), sequences.offsets)
    for a, b in zip(trace(layer, sequences)[0].attended, trace(layer, scaled)[0].attended):
        assert [x.tolist() for x in a] == [x.tolist() for x in b]


def test_without_factors_every_token_attends_to_all_pairs():
    # the mean of the products of all pairs is the product of the means, 1.5 * 1.5
    none = np.zeros((0, 2))
    layer = ThirdOrderAttention(none, none, none, [[1.0, 0.0]], [[1.0, 0.0]], [[0.0], [1.0]])
    assert apply(Transformer([layer]), [[[1.0, 0.0], [2.0, 0.0]]])[0].tolist() == [[1.0, 2.25], [2.0, 2.25]]


def test_the_first_and_the_second_of_a_pair_have_their_own_keys_and_values():
    # l is the largest first coordinate, m the largest second one; the value is (first of l) * (second of m) = 3 * 5
    one, first, second = [[0.0, 0.0, 1.0, 0.0]] * 2, np.eye(4)[[0, 2]], np.eye(4)[[2, 1]]
    layer = ThirdOrderAttention(one, first, second, first[:1], second[1:], np.eye(4)[:, 3:])
    tokens = [[3.0, -1.0, 1.0, 0.0], [2.0, 5.0, 1.0, 0.0], [0.0, 0.0, 1.0, 0.0]]
    (step,) = trace(Transformer([layer]), [tokens])
    assert [pairs.tolist() for pairs in step.attended[0]] == [[[0, 1]]] * 3
    assert step.tokens[0][:, 3].tolist() == [15.0] * 3


def test_scores_that_differ_by_rounding_only_tie():
    """0.1 + 0.2 and 0.3 are one number to a score of two terms."""
    layer = ones(3, first=(1.0, 1.0))
    (step,) = trace(Transformer([layer]), [[[0.1, 0.2, 0.0], [0.3, 0.0, 0.0], [0.2, 0.0, 0.0]]])
    assert [len(pairs) for pairs in step.attended[0]] == [4, 4, 4]


def test_the_margin_counts_gaps_in_rounding_bounds():
    # for 4: 4 * (16, 4, 4, 1), a gap of 48 in ulps of 64, 2^-46; for 1: 12 in ulps of 16, the same
    assert trace(Transformer([ones(1)]), [[[4.0], [1.0]]])[0].margin == 48 * 2.0**46
    # beside it 4 and 3: 4 * (16, 12, 12, 9), a gap of 16 in ulps of 64; 3 * (16, 12, ..), 12 in ulps of 48, 2^-47
    for sequences in ([[4.0], [3.0]], [[4.0], [1.0]]), ([[4.0], [1.0]], [[4.0], [3.0]]):
        assert trace(Transformer([ones(1)]), sequences)[0].margin == 16 * 2.0**46


def test_integers_are_exact_below_two_to_the_53_only():
    # for 2^18: 2^54 is a sum of moduli beyond, with bound 6 eps 2^54 = 24; 2^36 has bound 0; for 1 the gap is larger
    assert trace(Transformer([ones(1)]), [[[2.0**18], [1.0]]])[0].margin == (2.0**54 - 2.0**36) / 24


def margin_of(query, key, second_key, tokens):
    no_values = [np.zeros((1, len(query[0])))] * 2 + [np.zeros((len(query[0]), 1))]
    return trace(Transformer([ThirdOrderAttention(query, key, second_key, *no_values)]), [tokens])[0].margin


def test_the_bound_counts_the_most_terms_of_a_factor_and_adds_up_all_moduli():
    eps = 2.0**-52
    # 2 + 1 + 1 terms, rank 2, and 2: 8. Scores of (1, 1): 3 and 3/2, of (1/2, 1/2): half of these
    keys = [[1.0, 0.0], [1.0, 0.0]]
    tokens = [[1.0, 1.0], [0.5, 0.5]]
    assert margin_of([[1.0, 1.0], [1.0, 0.0]], keys, keys, tokens) == 1.5 / (8 * eps * 4.5)
    # 2 + 1 + 1 + 1 + 2 = 7. For (1, -1/2) scores 1/2 and 1/4 have moduli 3/2 and 3/4
    assert margin_of([[1.0, 1.0]], keys[:1], keys[:1], [[1.0, -0.5], [0.5, 0.25]]) == 0.25 / (7 * eps * 2.25)
    # integers have no bound, whatever coordinates no factor reads: as for one coordinate above
    assert margin_of(keys[:1], keys[:1], keys[:1], [[4.0, 0.5], [1.0, 0.0]]) == 48 * 2.0**46


def test_integers_are_exact_up_to_but_not_at_two_to_the_53():
    one, tokens = [[1.0]], [[2.0**17], [1.0]]
    assert margin_of([[2.0]], one, one, tokens) == 2.0**52 - 2.0**35  # in ulps of 2^52, which are 1
    assert margin_of([[4.0]], one, one, tokens) == (2.0**53 - 2.0**36) / 12  # 6 eps 2^53


@pytest.mark.parametrize(("weight", "token"), [(2.0**400, 1.0), (1.0, -(2.0**400)), (1.0, 2.0**-400), (2.0**-400, 1.0)])
def test_no_cube_of_large_or_small_numbers_is_lost(weight, token):
    """Of the tokens t and t / 2 the larger product for a positive query, the smaller one for a negative one."""
    layer = ThirdOrderAttention(*[[[weight]]] * 3, [[1.0]], [[0.0]], [[1.0]])
    (step,) = trace(Transformer([layer]), [[[token], [token / 2]]])
    assert [pairs.tolist() for pairs in step.attended[0]] == [[[0, 0]] if token > 0 else [[1, 1]]] * 2


def test_the_mean_of_equal_products_is_that_product_bit_for_bit():
    none = np.zeros((0, 2))
    layer = ThirdOrderAttention(none, none, none, [[1.0, 0.0]], [[0.0, 1.0]], [[1.0], [0.0]], 0.0)
    assert reduce(add, [0.1] * 9) / 9 != 0.1  # sum makes good for rounding from Python 3.12 on
    assert apply(Transformer([layer]), [[[0.1, 1.0]] * 3])[0][:, 0].tolist() == [0.1] * 3


@pytest.mark.parametrize("block", [1, 1000])  # one query, 2 of 20 queries
def test_how_many_queries_are_asked_together_does_not_show(block, monkeypatch):
    rng = np.random.default_rng(0)
    layer = ThirdOrderAttention(*rng.normal(size=(5, 2, 3)), rng.normal(size=(3, 2)))
    X = RaggedSequences.from_list([rng.normal(size=(n, 3)) for n in (1, 7, 20, 3)])
    out, (step,) = apply(Transformer([layer]), X), trace(Transformer([layer]), X)
    monkeypatch.setattr(third_order, "_BLOCK_SCORES", block)
    assert apply(Transformer([layer]), X) == out
    (again,) = trace(Transformer([layer]), X)
    assert again.margin == step.margin
    for i in range(len(X)):
        assert apply(Transformer([layer]), X[i : i + 1]) == out[i : i + 1]
        assert [a.tolist() for a in again.attended[i]] == [a.tolist() for a in step.attended[i]]


def test_a_stream_that_left_float64_is_refused():
    X = [[[1e150, 1.0], [0.0, 1.0]]]
    with np.errstate(over="ignore"), pytest.raises(ValueError, match="left the range of float64"):
        apply(Transformer([ones(2, rho=1e200), ones(2)]), X)
