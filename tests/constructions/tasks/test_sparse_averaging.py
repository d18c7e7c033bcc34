"""Sparse averaging by one attention layer: exact sets, exact scores, and no silent failure."""

import itertools
import math
import re

import numpy as np
import pytest
from cases.sparse_averaging import asking
from hypothesis import given
from hypothesis import strategies as st

from sklearn_hardmax import ConstructionError, RaggedSequences, tasks
from sklearn_hardmax.constructions import build_sparse_averaging, query_gaps, random_keys
from sklearn_hardmax.constructions.tasks import position_keys, sparse_averaging
from sklearn_hardmax.constructions.tasks.position_keys import random_queries
from sklearn_hardmax.constructions.tasks.sparse_averaging import SparseAveraging
from sklearn_hardmax.datasets import make_sparse_averaging
from sklearn_hardmax.forward import apply, trace

EPS = 2.0**-52


def run(built, X):
    return built.decode(apply(built.transformer, built.encode(X)))


def all_subsets(n, q):
    """Sequences of n tokens that together name every set of q of n positions."""
    subsets = list(itertools.combinations(range(n), q))
    return [asking(subsets[i : i + n], n, seed=i)[0] for i in range(0, len(subsets), n)]


def largest_error(built, X, q):
    return np.abs(run(built, X).tokens - tasks.sparse_averages(X, q).tokens).max()


def check_every_row(n, q, n_sequences):
    X, Y = make_sparse_averaging(n_sequences, length=n, q=q, token_dim=2, random_state=q)
    built = build_sparse_averaging(n, q, 2, random_state=0)
    assert np.abs(run(built, X).tokens - Y.tokens).max() <= 1e-12


@pytest.mark.parametrize("q", [2, 4, 8])
@pytest.mark.parametrize("n", [64, 256])
def test_every_row_is_the_mean_at_the_default_key_dimension(n, q):
    check_every_row(n, q, 1)


@pytest.mark.slow
@pytest.mark.parametrize("q", [2, 4, 8])
@pytest.mark.parametrize("n", [64, 256, 1024, 4096])
def test_every_row_of_a_thousand_sets_is_the_mean_at_the_default_key_dimension(n, q):
    check_every_row(n, q, -(-1000 // n))


@pytest.mark.parametrize("method", ["random", "moment"])
def test_tokens_attend_to_their_set_and_to_nothing_else(method):
    X, _ = make_sparse_averaging(3, length=20, q=3, random_state=0)
    built = build_sparse_averaging(20, 3, 2, method=method, random_state=0)
    (step,) = trace(built.transformer, built.encode(X))
    for sequence, found in zip(X, step.attended):
        assert [f.tolist() for f in found] == sequence[:, 2:5].astype(int).tolist()
    assert 1 < built.margin <= step.margin


@pytest.mark.parametrize("q", [1, 2, 3])
def test_the_moment_curve_serves_every_set_of_twenty_positions(q):
    X = all_subsets(20, q)
    assert sum(len(x) for x in X) >= math.comb(20, q)
    # means of at most 3 numbers up to 1: ties are exact, so the engine averages the same numbers in another order
    assert largest_error(build_sparse_averaging(20, q, method="moment"), X, q) <= (q + 2) * EPS


@pytest.mark.slow
@pytest.mark.parametrize("q", [1, 2])
def test_the_moment_curve_serves_all_runs_of_neighbours_in_4096_positions(q):
    X = asking([range(i, i + q) for i in range(4096 - q + 1)], 4096)
    assert largest_error(build_sparse_averaging(4096, q, method="moment"), X, q) <= (q + 2) * EPS


@given(st.integers(0, 2**31))
def test_the_moment_curve_serves_any_set_that_it_was_built_for(seed):
    rng = np.random.default_rng(seed)
    n, q = [(4096, 2), (64, 4), (20, 6), (7, 7), (1, 1)][seed % 5]
    built = build_sparse_averaging(n, q, method="moment")
    length = int(rng.integers(q, min(n, 30) + 1))
    X = asking([np.sort(rng.choice(length, q, replace=False)) for _ in range(length)], length)
    assert largest_error(built, X, q) <= (q + 2) * EPS


# -- random keys -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key_dim", [1, 2, 3, 5, 8, 13, 21, 34, 55])
def test_at_any_key_dimension_the_answer_is_right_or_there_is_an_error_with_the_set(key_dim):
    n_refused = 0
    for seed in range(5):
        built = build_sparse_averaging(12, 3, key_dim=key_dim, random_state=seed)
        X = asking(list(itertools.combinations(range(12), 3))[seed::19], 12)
        try:
            encoded = built.encode(X)
        except ConstructionError as error:
            n_refused += 1
            keys = random_keys(12, 3, key_dim, seed)
            subset = [int(i) for i in str(error).split("{")[1].split("}")[0].split(", ")]
            assert subset in X[0][:, 1:4].tolist()
            gaps, spreads = query_gaps(keys, [subset])
            assert gaps[0] < 1e-12 or spreads[0] > 1e-14
            continue
        out = built.decode(apply(built.transformer, encoded))
        assert np.abs(out.tokens - tasks.sparse_averages(X, 3).tokens).max() <= 1e-12
    assert (n_refused == 5) if key_dim <= 3 else (key_dim < 30 or n_refused == 0)


def test_the_refused_set_is_named_with_its_rival():
    # with 2 coordinates there are 4 keys: position j shares its key with some other one, which scores as much
    built = build_sparse_averaging(20, 1, key_dim=2, random_state=0)
    keys = random_keys(20, 1, 2, 0)
    rival = next(j for j in range(1, 20) if (keys[j] == keys[0]).all())
    message = rf"the set \{{0\}} \(sequence 0, token 0\): its scores are 0 above that of position {rival}, where more"
    with pytest.raises(ConstructionError, match=message):
        built.encode(asking([[0]], 20))


@pytest.mark.parametrize("block", [1, 2**20])
def test_the_refused_set_is_that_of_the_named_token(monkeypatch, block):
    monkeypatch.setattr(position_keys, "_BLOCK_NUMBERS", block)
    X, _ = make_sparse_averaging(3, length=40, q=3, token_dim=1, random_state=0)
    with pytest.raises(ConstructionError, match=r"the set \{") as error:
        build_sparse_averaging(40, 3, key_dim=42, random_state=1).encode(X)
    subset, sequence, token = re.search(r"\{(.*)\} \(sequence (\d+), token (\d+)\)", str(error.value)).groups()
    assert (int(sequence), int(token)) > (0, 0)
    assert X[int(sequence)][int(token), 1:4].tolist() == [int(i) for i in subset.split(", ")]


def test_sets_with_opposite_keys_are_refused():
    # no query scores 1 on a key and on its negative
    opposite = SparseAveraging(2, 1, np.array([[1.0, 1.0], [-1.0, -1.0], [1.0, -1.0]]), False)
    with pytest.raises(ConstructionError, match=r"Keys of 2 coordinates do not single out the set \{0, 1\}"):
        opposite.encode(asking([[0, 1]], 3))


def test_a_set_whose_own_scores_lie_apart_is_refused_with_the_distance(monkeypatch):
    built = build_sparse_averaging(30, 2, random_state=0)
    off = lambda keys, subsets: random_queries(keys, subsets) + 2.0**-30 * keys[subsets[:, 0]]  # noqa: E731
    monkeypatch.setattr(sparse_averaging, "random_queries", off)
    with pytest.raises(ConstructionError, match=r"its scores are .*e-08 apart, and 0\.\d+ above that of position"):
        built.encode(asking([[3, 8]], 30))


@pytest.mark.parametrize(("n", "q"), [(4, 2), (64, 2), (4096, 8)])
def test_sizes_are_those_of_the_documentation(n, q):
    m, d = math.ceil(8 * q * math.log(max(n, 16))), 3
    network = build_sparse_averaging(n, q, d, random_state=0).transformer
    assert network.token_dim == 2 * m + 2 * d
    assert (network.n_blocks, network.n_parameters) == (1, 2 * (2 * m + 2 * d) * (m + d) + 1)


@pytest.mark.parametrize("method", ["random", "moment"])
def test_sequences_of_any_lengths_up_to_n_in_any_order_of_tokens_are_served(method):
    X = [make_sparse_averaging(1, length=n, q=2, token_dim=1, random_state=n)[0][0] for n in (2, 9, 30)]
    order = np.random.default_rng(0).permutation(9)
    X[1] = X[1][order]
    built = build_sparse_averaging(30, 2, method=method, random_state=0)
    X = RaggedSequences.from_list(X)
    whole = run(built, X)
    assert np.abs(whole.tokens - tasks.sparse_averages(X, 2).tokens).max() <= 4 * EPS
    for i in range(3):
        assert run(built, X[i : i + 1]) == whole[i : i + 1]


def test_values_of_any_size_come_back():
    for size in (1e-300, 1e300):
        X = asking([[0, 1]], 8, scale=size)
        got, want = run(build_sparse_averaging(8, 2, random_state=0), X), tasks.sparse_averages(X, 2)
        assert np.abs(got.tokens - want.tokens).max() <= 4 * EPS * size


# -- bad input ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": 0}, "n must be an integer of at least 1, got 0"),
        ({"q": 0}, "q must be an integer from 1 to 10, got 0"),
        ({"q": 11}, "q must be an integer from 1 to 10, got 11"),
        ({"q": 2.0}, "q must be an integer from 1 to 10, got 2.0"),
        ({"token_dim": 0}, "token_dim must be an integer of at least 1, got 0"),
        ({"key_dim": 0}, "key_dim must be an integer of at least 1, got 0"),
        ({"key_dim": "small"}, "key_dim must be an integer of at least 1, got 'small'"),
        ({"method": "moments"}, "method must be 'random' or 'moment', got 'moments'"),
        ({"method": "moment", "key_dim": 7}, r"keys of 2 q \+ 1 = 5 coordinates, got key_dim 7"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        build_sparse_averaging(**{"n": 10, "q": 2, **arguments})


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[1.0, 0.0, 0.0, 0.0]], "Tokens of sequences 1 hold a position that is no integer|name one position twice"),
        (
            [[1.0, 0.0, 1.0, 0.0], [1.0, 1.0, 1.0, 1.0]],
            "Tokens of sequences 1 name one position twice in a set of q = 2",
        ),
        (
            [[1.0, 0.0, 2.0, 0.0], [1.0, 0.0, 1.0, 1.0]],
            "Tokens of sequences 1 hold a position that is no integer from 0",
        ),
        (
            [[1.0, 0.0, 0.5, 0.0], [1.0, 0.0, 1.0, 1.0]],
            "Tokens of sequences 1 hold a position that is no integer from 0",
        ),
        ([[1.0, 0.0, 1.0, 0.0], [1.0, 0.0, 1.0, 0.0]], "Tokens of sequences 1 hold one position twice as their own"),
        ([[1.0, 0.0, 1.0, i] for i in range(5)], "Sequences 1 have more than n = 4 tokens"),
    ],
)
def test_sets_that_are_none_are_refused_and_named(rows, message):
    good = [[1.0, 0.0, 1.0, 0.0], [2.0, 0.0, 1.0, 1.0]]
    with pytest.raises(ValueError, match=message):
        build_sparse_averaging(4, 2, random_state=0).encode([good, rows])


def test_sets_of_another_size_are_refused():
    X, _ = make_sparse_averaging(1, length=8, q=3, token_dim=1, random_state=0)
    message = (
        r"a value of 1 coordinates, a set of q = 2 positions and their own position, so 4 numbers; got token_dim 5"
    )
    with pytest.raises(ValueError, match=message):
        build_sparse_averaging(8, 2, random_state=0).encode(X)


def test_tokens_that_are_no_output_of_the_network_are_refused():
    with pytest.raises(ValueError, match="The network has 12 coordinates, these tokens have 2"):
        build_sparse_averaging(8, 2, method="moment").decode([np.ones((2, 2))])
