"""apply and trace against the exact oracle, hand computations and themselves in other batches."""

from fractions import Fraction

import numpy as np
import oracle
import pytest
from cases.forward import lattice_problems, random_transformer
from hypothesis import given
from hypothesis import strategies as st

from sklearn_hardmax import Attention, FeedForward, RaggedSequences, Transformer
from sklearn_hardmax.forward.run import apply, attend_with_leaders, trace
from sklearn_hardmax.sequences.segments import Segments


@given(lattice_problems())
def test_one_layer_on_an_integer_lattice_is_the_exact_layer(problem):
    """Sums of small integers are exact in float64; a mean is one division away from exact."""
    (layer, *_), sequences = problem
    out = apply(Transformer([layer]), sequences)
    for sequence, tokens in zip(sequences, out):
        exact = oracle.run(Transformer([layer]), sequence)[-1]
        # a mean of at most 5 integers below 4 errs by 2 ulp(3); V has entries up to 9 in at most 3 columns
        error = max(
            abs(Fraction(x) - e) for row, exact_row in zip(tokens.tolist(), exact) for x, e in zip(row, exact_row)
        )
        assert error <= Fraction(2 * 9 * 3 * 3 * 2, 2**51)


@given(lattice_problems())
def test_attended_sets_on_an_integer_lattice_are_the_exact_ones(problem):
    (layer, *_), sequences = problem
    if isinstance(layer, FeedForward):
        return
    (step,) = trace(Transformer([layer]), sequences)
    for sequence, found in zip(sequences, step.attended):
        exact = oracle.attended(layer, oracle.fractions_of(sequence))
        assert [f.tolist() for f in found] == exact


@given(lattice_problems(), st.integers(-300, 300))
def test_attended_sets_do_not_change_when_a_sequence_is_scaled_by_a_power_of_two(problem, exponent):
    (layer, *_), sequences = problem
    if isinstance(layer, FeedForward):
        return
    (step,) = trace(Transformer([layer]), sequences)
    attended = trace(
        Transformer([Attention(layer.query, layer.key, [[0.0] * layer.token_dim], [[0.0]] * layer.token_dim)]),
        RaggedSequences(np.ldexp(sequences.tokens, exponent), sequences.offsets),
    )[0].attended
    for a, b in zip(step.attended, attended):
        assert [x.tolist() for x in a] == [x.tolist() for x in b]


@given(lattice_problems())
def test_trace_ends_where_apply_ends(problem):
    stack, sequences = problem
    transformer = Transformer(stack)
    steps = trace(transformer, sequences)
    assert len(steps) == len(stack)
    assert steps[-1].tokens == apply(transformer, sequences)


@pytest.mark.parametrize("temperature", [0.0, 0.5])
@pytest.mark.parametrize("token_dim", [1, 4, 17])
def test_every_sequence_gets_the_same_bits_alone_and_in_any_batch(token_dim, temperature):
    rng = np.random.default_rng(0)
    transformer = random_transformer(rng, token_dim, temperature)
    X = RaggedSequences.from_list([rng.normal(size=(n, token_dim)) for n in rng.integers(1, 40, size=60)])
    whole = apply(transformer, X)
    order = rng.permutation(len(X))
    assert apply(transformer, X[order]) == whole[order]
    for i in range(len(X)):
        assert apply(transformer, X[i : i + 1]) == whole[i : i + 1]


def test_more_tokens_than_a_chunk_change_nothing():
    rng = np.random.default_rng(1)
    transformer = Transformer(random_transformer(rng, 2).layers[:3])
    X = RaggedSequences.from_flat(rng.normal(size=(150_000, 2)), lengths=np.full(1500, 100))
    assert apply(transformer, X[700:710]) == apply(transformer, X)[700:710]


def uniform(token_dim, **options):
    return Attention(
        np.zeros((0, token_dim)), np.zeros((0, token_dim)), np.eye(token_dim), np.eye(token_dim), **options
    )


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=1), st.integers(1, 50))
def test_the_mean_of_equal_values_is_that_value_bit_for_bit(value, n):
    """v + mean(v_l - v) returns v, where (n * v) / n need not."""
    out = apply(Transformer([uniform(1, rho=0.0)]), [np.full((n, 1), value[0])])
    assert (out.tokens == value[0]).all()


def test_the_mean_of_one_third_and_two_thirds_is_a_hand_computed_half():
    out = apply(Transformer([uniform(1, rho=0.0)]), [[[0.25], [0.75]]])
    assert out.tokens.tolist() == [[0.5], [0.5]]


def test_positive_zero_and_negative_queries_attend_to_leader_all_and_last():
    # score of l for i is z_i1 * z_l2
    layer = Attention([[1.0, 0.0]], [[0.0, 1.0]], [[0.0, 1.0]], [[0.0], [1.0]], rho=0.0)
    tokens = [[1.0, 5.0], [0.0, -1.0], [-1.0, 2.0]]
    (step,) = trace(Transformer([layer]), [tokens])
    assert [a.tolist() for a in step.attended[0]] == [[0], [0, 1, 2], [1]]
    assert step.tokens[0].tolist() == [[0.0, 5.0], [0.0, 2.0], [0.0, -1.0]]


def test_scores_that_differ_by_rounding_only_tie():
    """0.1 + 0.2 and 0.3 are one number to a score of two terms, and two numbers to a score of one term."""
    tokens = [[0.1, 0.2], [0.3, 0.0]]
    two_terms = Attention([[1.0, 1.0]], [[1.0, 1.0]], np.eye(2), np.eye(2))
    assert 0.1 + 0.2 != 0.3
    (step,) = trace(Transformer([two_terms]), [tokens])
    assert [a.tolist() for a in step.attended[0]] == [[0, 1], [0, 1]]
    one_term = Attention([[1.0, 0.0]], [[1.0, 0.0]], np.eye(2), np.eye(2))
    (step,) = trace(Transformer([one_term]), [[[0.1 + 0.2, 0.0], [0.3, 0.0]]])
    assert [a.tolist() for a in step.attended[0]] == [[0], [0]]
    assert step.margin == 1.0  # they are neighbouring floats: one ulp apart


def test_the_margin_counts_gaps_in_rounding_bounds():
    # keys 4 and 1 from one term each: bound 0, so one ulp of 4 = 2^-50
    layer = Attention([[1.0]], [[1.0]], [[1.0]], [[1.0]])
    (step,) = trace(Transformer([layer]), [[[4.0], [1.0]]])
    assert step.margin == 3 * 2.0**50


HALF_AND_EPS = [0.5 + 2.0**-52, 0.5 - 2.0**-52]  # they differ by 2 eps, the bound of a sum of two terms of 1 together


def test_a_query_within_its_rounding_bound_has_no_sign_and_attends_to_all():
    """At the bound itself too; where the query is exact, the smallest difference gives a sign."""
    key, rest = [[0.0, 0.0, 1.0]], ([[0.0, 0.0, 1.0]], [[0.0], [0.0], [1.0]])
    up, down = HALF_AND_EPS
    tokens = [[up, -down, 1.0], [2 * up, -down, 0.0], [0.0, 0.0, -1.0]]
    (step,) = trace(Transformer([Attention([[1.0, 1.0, 0.0]], key, *rest)]), [tokens])
    assert [a.tolist() for a in step.attended[0]] == [[0, 1, 2], [0], [0, 1, 2]]
    (step,) = trace(
        Transformer([Attention([[1.0, 1.0, 0.0]], key, *rest)]), [[[up, 2.0**-53 - up, 1.0], [0.0, 0.0, 2.0]]]
    )
    assert [a.tolist() for a in step.attended[0]] == [[0, 1], [0, 1]]
    one_term = Attention([[1.0, 0.0, 0.0]], key, *rest)
    (step,) = trace(Transformer([one_term]), [[[2.0**-80, 0.0, 1.0], [-(2.0**-80), 0.0, 0.0], [0.0, 1.0, 2.0]]])
    assert [a.tolist() for a in step.attended[0]] == [[2], [1], [0, 1, 2]]


def test_keys_tie_by_their_own_bound_whatever_the_query():
    """0.1 + 0.2 and 0.3 are one key of two terms; the query has one."""
    layer = Attention([[0.0, 0.0, 1.0]], [[1.0, 1.0, 0.0]], np.eye(3), np.eye(3))
    (step,) = trace(Transformer([layer]), [[[0.1, 0.2, 1.0], [0.3, 0.0, -1.0], [0.2, 0.1, 0.0]]])
    assert [a.tolist() for a in step.attended[0]] == [[0, 1, 2]] * 3


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_margin_of_inexact_keys_is_their_gap_over_the_sum_of_their_bounds(sign):
    # keys 0.75 and 0.25 of two terms: bounds 2 eps 0.75 and 2 eps 0.25, so (1/2) / (2 eps) = 2^50 for either sign
    layer = Attention([[0.0, 0.0, 1.0]], [[1.0, 1.0, 0.0]], np.eye(3), np.eye(3))
    (step,) = trace(Transformer([layer]), [[[0.5, 0.25, sign], [0.125, 0.125, sign]]])
    assert step.margin == 2.0**50


def test_the_margin_is_the_smallest_over_the_signs_that_ask():
    # keys 4, 1 and the float above 1: 3 - eps below the best for a positive query, one ulp for a negative one
    layer = Attention([[1.0, 0.0]], [[0.0, 1.0]], np.eye(2), np.eye(2))
    keys = [4.0, 1.0, 1.0 + 2.0**-52]
    positive = (3 - 2.0**-52) * 2.0**50
    for asks, margin in ([[1, 1, 1], positive], [[-1, -1, -1], 1.0], [[1, -1, 0], 1.0], [[1, 0, 1], positive]):
        assert trace(Transformer([layer]), [list(zip(asks, keys))])[0].margin == margin
    (step,) = trace(Transformer([layer]), [list(zip([0, 0, 0], keys))])
    assert step.margin == np.inf
    assert [a.tolist() for a in step.attended[0]] == [[0, 1, 2]] * 3


@pytest.mark.parametrize("rank", [0, 1, 2])
@pytest.mark.parametrize("integer", [True, False])
def test_a_step_that_tells_the_leaders_is_the_step_of_apply_and_tells_those_of_the_attended_sets(rank, integer):
    """A leader attends to itself and to its copies, and to no other token."""
    rng = np.random.default_rng(rank)
    for _ in range(10):
        draw = (lambda *shape: rng.integers(-2, 3, shape).astype(float)) if integer else (lambda *s: rng.normal(size=s))
        layer = Attention(draw(rank, 3), draw(rank, 3), draw(2, 3), draw(3, 2), 0.5)
        sequences = [draw(n, 3) for n in (1, 2, 7, 4)]
        sequences[2][3:5], sequences[3][1:] = sequences[2][0], sequences[3][0]  # copies
        X = RaggedSequences.from_list(sequences)
        stream = np.array(X.tokens.T, order="C")
        told = attend_with_leaders(layer, stream, Segments.from_offsets(X.offsets))
        (step,) = trace(Transformer([layer]), X)
        assert np.array_equal(stream.T, step.tokens.tokens)
        expected = [
            i in members and (tokens[members] == tokens[i]).all()
            for tokens, sets in zip(X, step.attended)
            for i, members in enumerate(sets)
        ]
        assert told.tolist() == expected


def test_of_two_neighbouring_floats_the_larger_leads():
    stream = np.array([[1.0, 1.0 + 2.0**-52]])
    told = attend_with_leaders(
        Attention([[1.0]], [[1.0]], [[1.0]], [[1.0]], 0.0), stream, Segments.from_offsets(np.array([0, 2]))
    )
    assert (told.tolist(), stream.tolist()) == ([False, True], [[1.0 + 2.0**-52] * 2])


def test_trace_reads_float32_as_apply_does():
    rng = np.random.default_rng(4)
    transformer = random_transformer(rng, 3)
    X = RaggedSequences(rng.normal(size=(9, 3)).astype(np.float32), [0, 4, 9])
    steps = trace(transformer, X)
    assert {step.tokens.dtype for step in steps} == {np.dtype(np.float64)}
    assert all(step.tokens.tokens.flags.c_contiguous for step in steps)
    assert steps[-1].tokens == apply(transformer, X)
    assert [step.layer for step in steps] == list(transformer.layers)


def test_softmax_and_feed_forward_layers_have_no_attended_sets_and_no_margin():
    for step in trace(random_transformer(np.random.default_rng(5), 2, 0.5), [[[1.0, 2.0], [0.0, 1.0]]]):
        is_hard = isinstance(step.layer, Attention) and step.layer.temperature == 0
        assert (step.attended is None, step.margin == np.inf) == (not is_hard, not is_hard or step.layer.rank == 0)


def test_softmax_at_temperature_zero_is_the_limit_of_small_temperatures():
    rng = np.random.default_rng(2)
    X = [rng.normal(size=(6, 3)) for _ in range(4)]
    hard, soft = random_transformer(np.random.default_rng(3), 3), random_transformer(np.random.default_rng(3), 3, 1e-9)
    np.testing.assert_allclose(apply(soft, X).tokens, apply(hard, X).tokens, rtol=1e-12, atol=1e-12)


def test_softmax_weights_are_those_of_a_hand_computation():
    # scores of both tokens for token (1,) are 0 and log 3 at temperature 1: weights 1/4 and 3/4
    layer = Attention([[1.0, 0.0]], [[0.0, 1.0]], [[0.0, 1.0]], [[0.0], [1.0]], rho=0.0, temperature=1.0)
    tokens = [[1.0, 0.0], [1.0, np.log(3.0)]]
    expected = 0.75 * np.log(3.0)
    np.testing.assert_allclose(apply(Transformer([layer]), [tokens])[0][:, 1], expected, rtol=1e-15)


def test_another_token_dim_is_refused():
    with pytest.raises(ValueError, match="acts on tokens of 2 coordinates, the sequences have token_dim 1"):
        apply(Transformer([uniform(2)]), [[[1.0]]])


@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")  # the overflow is what is asked for
def test_a_stream_that_leaves_float64_is_refused():
    layer = FeedForward([[1e300]], [0.0], [[1e300]])
    for run in (apply, trace):
        with pytest.raises(ValueError, match="left the range of float64"):
            run(Transformer([layer]), [[[1.0]]])


@pytest.mark.parametrize("tokens", [[[3.0], [1.0]], [[3.0, 1.0]], [[2.0]]])
def test_the_tokens_of_a_layer_stay_what_they_were_when_later_layers_run(tokens):
    """One coordinate, or one token: a transposed array is contiguous as it is, and would be a view of the stream."""
    width = len(tokens[0])
    double = FeedForward(np.eye(width), np.zeros(width), np.eye(width))  # z + relu(z) = 2 z for z > 0
    steps = trace(Transformer([double, double]), RaggedSequences(tokens, [0, len(tokens)]))
    assert [step.tokens.tokens.max() for step in steps] == [2 * np.max(tokens), 4 * np.max(tokens)]
