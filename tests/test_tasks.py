"""The task functions against their definitions, word for word in loops over exact integers."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_hardmax import RaggedSequences, tasks
from sklearn_hardmax.datasets import make_sparse_averaging


def pairs(x):
    return [(i, (j,)) for i in range(len(x)) for j in range(len(x))]


def triples(x):
    return [(i, (j, k)) for i in range(len(x)) for j in range(len(x)) for k in range(len(x))]


def neighbours(x):
    return [(i, (j, j + 1)) for i in range(len(x)) for j in range(len(x) - 1)]


def nearby(window):
    return lambda x: [(i, p) for i, p in triples(x) if all(abs(i - j) <= window for j in p)]


DEFINITIONS = {
    "match2": (tasks.match2, pairs, ()),
    "match3": (tasks.match3, triples, ()),
    "match3_bigram": (tasks.match3_bigram, neighbours, ()),
    **{f"match3_local {w}": (tasks.match3_local, nearby(w), (w,)) for w in (0, 1, 2, 9)},
}
every_task = pytest.mark.parametrize("name", DEFINITIONS)
MATCHES = [tasks.match2, tasks.match3, tasks.match3_bigram, lambda x, M: tasks.match3_local(x, M, 1)]
every_function = pytest.mark.parametrize("function", MATCHES, ids=["match2", "match3", "bigram", "local"])


def by_definition(name, x, modulus):
    _, partners, _ = DEFINITIONS[name]
    out = [0] * len(x)
    for i, others in partners(x):
        if (x[i] + sum(x[j] for j in others)) % modulus == 0:
            out[i] = 1
    return out


@every_task
def test_all_small_sequences_are_answered_by_the_definition(name):
    function, _, arguments = DEFINITIONS[name]
    for modulus, n in itertools.product((2, 3, 5), (1, 2, 3, 4)):
        for x in itertools.islice(itertools.product(range(modulus), repeat=n), 0, None, 1 + modulus**n // 300):
            assert function(x, modulus, *arguments).tolist() == by_definition(name, x, modulus)


@every_task
@given(st.data())
def test_integers_and_moduli_of_any_size_are_answered_by_the_definition(name, data):
    function, _, arguments = DEFINITIONS[name]
    modulus = data.draw(st.integers(2, 2**62) | st.just(2**62))
    x = data.draw(st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=6))
    for i in data.draw(st.lists(st.integers(0, 5), max_size=2)):  # plant a match, or a near miss
        a, b = data.draw(st.sampled_from(x)), data.draw(st.sampled_from(x))
        x[i % len(x)] = (data.draw(st.integers(-1, 1)) - a - b) % modulus
    answers = function(x, modulus, *arguments)
    assert answers.dtype == np.int64
    assert answers.tolist() == by_definition(name, x, modulus)


@every_function
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint64, np.float32, np.float64])
def test_the_type_of_the_integers_does_not_matter(function, dtype):
    x = [3, 7, 250, 0, 127]
    assert function(np.array(x, dtype=dtype), 257).tolist() == function(x, 257).tolist()


@every_function
@pytest.mark.parametrize("kind", [np.int16, np.uint64])
def test_the_type_of_the_modulus_does_not_matter(function, kind):
    assert function([3, 7, 250, 0], kind(257)).tolist() == function([3, 7, 250, 0], 257).tolist()


@every_function
def test_a_sequence_of_tokens_is_read_as_a_list_of_integers(function):
    assert function([[3.0], [7.0], [250.0]], 257).tolist() == function([3, 7, 250], 257).tolist()


def test_triples_are_found_in_blocks_as_at_once(monkeypatch):
    x = np.random.default_rng(0).integers(10**6, size=200)
    whole = tasks.match3(x, 10**6)
    assert 0 < whole.sum() < 200
    monkeypatch.setattr(tasks, "_BLOCK_NUMBERS", 1000)
    assert (tasks.match3(x, 10**6) == whole).all()


@every_function
@pytest.mark.parametrize(
    ("x", "modulus", "message"),
    [
        ([1.5, 2.0], 7, r"non-negative integers \(as floats: below 2\^53\), got float64 with entries \[1.5, 2.0\]"),
        ([1, -2], 7, r"non-negative integers .*, got int64 with entries \[1, -2\]\.$"),
        ([2.0**53], 7, "below 2"),
        ([np.nan], 7, "non-negative integers"),
        (["a"], 7, "non-negative integers"),
        ([True], 7, "non-negative integers"),
        ([[1, 2]], 7, r"one sequence of shape \(n,\) or \(n, 1\) with n >= 1, got shape \(1, 2\)"),
        (RaggedSequences.from_series([[1, 2]]), 7, r"one sequence at a time, such as X\[i\], got RaggedSequences"),
        ([], 7, r"got shape \(0,\)"),
        ([1], 1, r"modulus must be an integer from 2 to 4611686018427387904, got 1\."),
        ([1], 2**62 + 1, "modulus must be an integer from 2 to"),
        ([1], 7.0, "modulus must be an integer from 2 to .*, got 7.0"),
    ],
)
def test_what_is_no_sequence_of_integers_is_refused(function, x, modulus, message):
    with pytest.raises(ValueError, match=message):
        function(x, modulus)


@pytest.mark.parametrize("window", [-1, 1.0, True, None])
def test_a_window_that_is_no_distance_is_refused(window):
    with pytest.raises(ValueError, match=r"window must be an integer of at least 0, got"):
        tasks.match3_local([1, 2], 7, window)


# -- sparse averaging --------------------------------------------------------------------------------------------------


@given(st.integers(0, 2**31), st.integers(1, 9), st.integers(1, 3))
def test_means_are_those_of_exact_fractions_up_to_rounding(seed, length, token_dim):
    q = 1 + seed % length
    X, Y = make_sparse_averaging(2, length=length, q=q, token_dim=token_dim, random_state=seed)
    for tokens, means in zip(X, Y):
        for row, mean in zip(tokens, means):
            members = tokens[row[token_dim:-1].astype(int), :token_dim]
            for c in range(token_dim):
                exact = sum(map(Fraction, members[:, c].tolist()), Fraction(0)) / q
                # q - 1 sums and differences of numbers up to 2, a division and a sum
                assert abs(Fraction(float(mean[c])) - exact) <= (q + 2) * Fraction(2, 2**52)


def test_the_mean_of_equal_values_is_that_value():
    X = [[[0.1, 0.0, 1.0, 2.0, 0.0], [0.1, 0.0, 1.0, 2.0, 1.0], [0.1, 0.0, 1.0, 2.0, 2.0]]]
    assert tasks.sparse_averages(X, q=3).tokens.ravel().tolist() == [0.1] * 3


def test_tokens_may_come_in_any_order():
    X, Y = make_sparse_averaging(1, length=20, q=3, random_state=0)
    order = np.random.default_rng(0).permutation(20)
    assert (tasks.sparse_averages([X[0][order]], q=3)[0] == Y[0][order]).all()


def test_sequences_may_have_unequal_lengths():
    X = RaggedSequences.from_list([[[5.0, 0.0, 0.0]], [[1.0, 1.0, 0.0], [2.0, 0.0, 1.0]]])
    assert tasks.sparse_averages(X, q=1).tokens.ravel().tolist() == [5.0, 2.0, 1.0]


GOOD = [[[1.0, 0.0, 1.0, 0.0], [2.0, 0.0, 1.0, 1.0]]]


@pytest.mark.parametrize(
    ("change", "q", "message"),
    [
        ({}, 0, "q must be an integer of at least 1, got 0"),
        ({}, 3, r"a value of at least one coordinate, q = 3 positions .*: at least 5 numbers; got token_dim 4"),
        ({(0, 2): 2.0}, 2, "Tokens of sequences 1 hold a position that is no integer from 0 to their length - 1"),
        ({(0, 2): -1.0}, 2, "Tokens of sequences 1 hold a position that is no integer"),
        ({(1, 2): 0.5}, 2, "Tokens of sequences 1 hold a position that is no integer"),
        ({(1, 1): 1.0}, 2, "Tokens of sequences 1 name one position twice in a set of q = 2 positions"),
        ({(1, 3): 0.0}, 2, "Tokens of sequences 1 hold one position twice as their own"),
    ],
)
def test_what_is_no_set_of_positions_is_refused_and_named(change, q, message):
    X = np.array([GOOD[0], GOOD[0]])
    for (token, c), value in change.items():
        X[1, token, c] = value
    with pytest.raises(ValueError, match=message):
        tasks.sparse_averages(X, q)
