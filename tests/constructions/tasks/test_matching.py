"""Networks for match2 and match3 give the answers of the plain functions."""

import itertools

import numpy as np
import oracle
import pytest
from cases.matching import TASKS
from hypothesis import given
from hypothesis import strategies as st

from sklearn_hardmax import ConstructionError, RaggedSequences, ThirdOrderAttention
from sklearn_hardmax.constructions import build_match2, build_match3, build_match3_bigram, build_match3_local
from sklearn_hardmax.constructions.tasks.matching import LARGEST_ANGLE_MODULUS
from sklearn_hardmax.constructions.tasks.matching_variants import LARGEST_BIGRAM_MODULUS, LARGEST_LOCAL_MODULUS
from sklearn_hardmax.forward import apply, trace

each = pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)


def run(built, X):
    return built.decode(apply(built.transformer, built.encode(X)))


def wrong(task, built, X, modulus):
    """How many tokens the network answers differently from the function."""
    answers = np.concatenate([task.answers(x.ravel(), modulus) for x in X])
    return int((run(built, X).tokens.ravel() != answers).sum())


@each
@pytest.mark.parametrize("modulus", [2, 3, 4, 5, 7])
def test_all_small_sequences_are_answered_without_error(task, modulus):
    sequences = [x for n in (1, 2, 3) for x in itertools.product(range(modulus), repeat=n)]
    assert wrong(task, task.build(modulus), RaggedSequences.from_series(sequences), modulus) == 0


@each
@pytest.mark.parametrize("below", [0, 1, 9])
def test_planted_matches_and_near_misses_are_told_apart_at_the_largest_modulus(task, below):
    modulus = task.largest - below
    X, Y = task.data(3, 30, modulus, seed=below)
    assert 0.4 < Y.tokens.mean() < 0.6
    assert run(task.build(modulus), X) == Y


@each
@given(st.data())
def test_sequences_of_any_integers_and_lengths_are_answered_as_by_the_function(task, data):
    modulus = data.draw(st.integers(2, 12) | st.integers(2, task.largest))
    near = st.sampled_from([0, 1, 2, modulus // 3, modulus // 2, modulus - 2, modulus - 1, 2 * modulus, 2**53 - 1])
    X = data.draw(st.lists(st.lists(near, min_size=1, max_size=7), min_size=1, max_size=3))
    assert wrong(task, task.build(modulus), RaggedSequences.from_series(X), modulus) == 0


@each
def test_beyond_the_largest_modulus_there_is_an_error_and_no_network(task):
    assert task.build(task.largest).margin > 10
    with pytest.raises(
        ConstructionError, match=f"modulus must be at most {task.largest}, .*, got {task.largest + 1}; the"
    ):
        task.build(task.largest + 1)
    with pytest.raises(ConstructionError, match="modulus must be at most"):
        task.build(2**200)


def test_the_documented_moduli_are_the_largest():
    assert TASKS["match2"].largest == TASKS["match3"].largest == LARGEST_ANGLE_MODULUS
    assert TASKS["bigram"].largest == LARGEST_BIGRAM_MODULUS
    assert TASKS["local 5"].largest == LARGEST_LOCAL_MODULUS


@each
@pytest.mark.parametrize("small", [True, False])
def test_the_margin_is_not_above_what_the_engine_meets(task, small):
    modulus = 5 if small else task.largest
    built = task.build(modulus)
    X, _ = task.data(4, 12, modulus, seed=0)
    met = min(step.margin for step in trace(built.transformer, built.encode(X)))
    assert 1 < built.margin <= met


@each
def test_answers_are_the_same_alone_in_a_batch_and_reordered(task):
    X, _ = task.data(6, 20, 1000, seed=0)
    X = RaggedSequences.from_list([x[: 20 - 3 * i] for i, x in enumerate(X)])
    built = task.build(1000)
    whole = run(built, X)
    assert run(built, X[[4, 0, 5]]) == whole[[4, 0, 5]]
    for i in range(len(X)):
        assert run(built, X[i : i + 1]) == whole[i : i + 1]


@pytest.mark.parametrize("task", [TASKS["match2"], TASKS["match3"]], ids=["match2", "match3"])
def test_permuting_integers_permutes_answers(task):
    X, Y = task.data(1, 40, 5000, seed=1)
    order = np.random.default_rng(0).permutation(40)
    assert (run(task.build(5000), [X[0][order]])[0] == Y[0][order]).all()


@pytest.mark.parametrize("task", [TASKS["match2"], TASKS["match3"]], ids=["match2", "match3"])
def test_the_networks_of_angles_attend_as_in_exact_arithmetic_to_the_blank_or_to_none_of_it(task):
    """Computed sines are rational numbers near the circle: exact ties break, but who beats the blank does not change."""
    built = task.build(1000)
    X, Y = task.data(2, 6, 1000, seed=3)
    for sequence, answers in zip(built.encode(X), Y):
        tokens = oracle.fractions_of(sequence)
        layer = built.transformer.layers[0]
        attended = oracle.attended_pairs if isinstance(layer, ThirdOrderAttention) else oracle.attended
        blank = len(tokens) - 1
        for members, answer in zip(attended(layer, tokens), answers.ravel()):
            assert all((blank in np.atleast_1d(m)) == (answer == 0) for m in members)


def test_sizes_are_those_of_the_documentation():
    assert build_match2(10).transformer.n_parameters == 41
    assert build_match3(10).transformer.n_parameters == 91
    for modulus, n_digits in ((2, 1), (3, 2), (4, 2), (5, 3), (2**40, 40)):
        network = build_match3_bigram(10, modulus).transformer
        assert (network.n_blocks, network.width, network.token_dim) == (n_digits + 3, 5, 12 + 2 * n_digits)
    for window in (0, 1, 4):
        network = build_match3_local(10, 50, window).transformer
        assert network.token_dim == 5 + 2 * window
        assert network.width == 9 * (window + 1) * (2 * window + 1)
        assert len(network.layers) == 2 * window + 2


@pytest.mark.parametrize("kind", [np.int64, np.uint64, np.int32])
@each
def test_numbers_of_numpy_are_integers_too(task, kind):
    X, Y = task.data(2, 9, kind(1000), seed=0)
    built = task._replace(window=None if task.window is None else kind(task.window)).build(kind(1000), n=kind(50))
    assert run(built, X) == Y == task.data(2, 9, 1000, seed=0)[1]
    assert built.transformer == task.build(1000).transformer


@pytest.mark.parametrize("modulus", [1, 0, -5, 7.0, True, "7", None])
@each
def test_a_modulus_that_is_no_integer_of_at_least_two_is_refused(task, modulus):
    with pytest.raises(ValueError, match=r"modulus must be an integer of at least 2, got"):
        task.build(modulus)


@each
@pytest.mark.parametrize(
    ("X", "message"),
    [
        ([[[1.0], [2.0]], [[0.5]]], "Tokens of sequences 1 are no integers, or negative"),
        ([[[1.0], [-2.0]], [[1.0]]], "Tokens of sequences 0 are no integers, or negative"),
        ([[[1.0], [2.0**53]]], "Tokens of sequences 0 are 2\\^53 or more"),
        (
            [[1, 2, 3], [4, 5, 6]],
            r"single integers \(token_dim 1\), got token_dim 3; .* use RaggedSequences.from_series",
        ),
        ([[1, 2, 3], [4, 5]], "RaggedSequences.from_series"),
    ],
)
def test_tokens_that_are_no_integers_are_refused_and_named(task, X, message):
    with pytest.raises(ValueError, match=message):
        task.build(10).encode(X)


@each
def test_tokens_that_are_no_output_of_the_network_are_refused(task):
    with pytest.raises(ValueError, match=r"The network has \d+ coordinates, these tokens have 2"):
        task.build(10).decode([[[1.0, 2.0], [1.0, 2.0]]])


@each
def test_answers_that_are_neither_0_nor_1_are_refused(task):
    built = task.build(10)
    tokens = np.zeros((2, 3, built.transformer.token_dim))
    assert built.decode(tokens).tokens.max() == 0
    tokens[1, 0, -1] = 0.5
    with pytest.raises(ValueError, match="no output of the network: an answer is neither 0 nor 1, or missing"):
        built.decode(tokens)


def test_sequences_without_a_blank_are_no_output():
    with pytest.raises(ValueError, match="no output of the network: an answer is neither 0 nor 1, or missing"):
        build_match2(10).decode([np.zeros((2, 5)), np.zeros((1, 5))])


@pytest.mark.slow
@each
@pytest.mark.parametrize("modulus", [2, 3, 4, 5, 6])
def test_all_sequences_of_four_and_five_are_answered_without_error(task, modulus):
    for n in (4, 5):
        X = RaggedSequences.from_series(np.array(list(itertools.product(range(modulus), repeat=n))))
        assert wrong(task, task.build(modulus), X, modulus) == 0


@pytest.mark.slow
@each
def test_no_error_in_a_hundred_thousand_random_tokens_at_the_largest_modulus(task):
    X, Y = task.data(-(-100_000 // task.longest), task.longest, task.largest, seed=4)
    assert X.n_tokens >= 100_000
    assert 0.4 < Y.tokens.mean() < 0.6
    assert run(task.build(task.largest), X) == Y
