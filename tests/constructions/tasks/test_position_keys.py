"""Keys on the moment curve and random keys: scores are exact, and bounds are counted."""

import math
from fractions import Fraction

import numpy as np
import pytest
from cases.sparse_averaging import asking
from hypothesis import given
from hypothesis import strategies as st

from sklearn_hardmax import ConstructionError
from sklearn_hardmax.constructions import build_sparse_averaging, moment_keys, query_gaps, random_keys
from sklearn_hardmax.constructions.tasks import position_keys
from sklearn_hardmax.constructions.tasks.position_keys import moment_queries, random_queries


def test_sets_at_the_very_ends_are_the_worst_that_the_moment_curve_carries():
    """A bound that counts: one position more on each side, and integers leave float64."""
    X = asking([[0, 1], [0, 4095], [4094, 4095]], 4096)
    encoded = build_sparse_averaging(4096, 2, method="moment").encode(X)
    queries, keys = encoded.tokens[:3, 1:6], encoded.tokens[:, 6:11]
    assert (np.abs(queries) @ np.abs(keys).T).max() < 2**53
    exact = [[sum(int(a) * int(b) for a, b in zip(w, u)) for u in keys[:3]] for w in queries]
    assert (queries @ keys[:3].T).tolist() == exact
    assert exact[0] == [0, 0, -((2 * 1) ** 2)]  # -(t - t_0)^2 (t - t_1)^2 at t_2


def test_the_bound_of_the_moment_curve_is_counted_in_integers_of_any_size():
    for kind in (np.int16, np.int64):  # 4096^6 = 2^72 is 0 in 64 bits
        with pytest.raises(ConstructionError, match="not below 2"):
            build_sparse_averaging(kind(4096), kind(3), method="moment")


@pytest.mark.parametrize(("n", "q", "named"), [(4096, 3, "0, 1, 4095"), (20, 7, "0, 1, 2, 3, 17, 18, 19")])
def test_beyond_integers_the_moment_curve_is_refused_with_the_set(n, q, named):
    with pytest.raises(ConstructionError, match=rf"the score of the positions {named} of n = {n} .* not below 2\^53"):
        build_sparse_averaging(n, q, method="moment")
    assert moment_keys(n, q - 1).shape == (n, 2 * q - 1)


@given(st.integers(0, 2**31), st.integers(1, 6), st.integers(1, 60))
def test_scores_of_queries_are_exact_in_any_order_of_summation(seed, q, key_dim):
    """The grid: a product of BLAS, a sum in any order and exact fractions are one number."""
    keys = random_keys(q + 5, q, key_dim, seed % 1000)
    queries = random_queries(keys, np.arange(q)[None])
    exact = [sum((Fraction(float(w)) * int(u) for w, u in zip(queries[0], key)), Fraction(0)) for key in keys]
    for order in (slice(None), slice(None, None, -1)):
        found = queries[:, order] @ keys[:, order].T
        assert [Fraction(float(s)) for s in found[0]] == exact
    if key_dim >= 4 * q + 20:  # keys are independent, and scores 1 up to the grid
        assert max(abs(s - 1) for s in exact[:q]) < 1e-13


def test_gaps_are_the_scores_of_the_set_above_the_others():
    keys = np.array([[1.0, 1.0, 1.0, 1.0], [1.0, -1.0, 1.0, -1.0], [1.0, 1.0, 1.0, -1.0], [-1.0, -1.0, -1.0, -1.0]])
    # w = key 0 / 4: scores 1, 0, 1/2, -1; w = (keys 0 + 1) / 4, orthogonal: 1, 1, 1/2 + 1/2, -1
    gaps, spreads = query_gaps(keys, [[0], [3]])
    assert gaps.tolist() == [0.5, 1.0]
    assert spreads.tolist() == [0.0, 0.0]
    gaps, spreads = query_gaps(keys, [[0, 1]])
    assert (gaps.tolist(), spreads.tolist()) == ([0.0], [0.0])
    assert query_gaps(keys[:2], [[0, 1]])[0].tolist() == [np.inf]


def test_keys_are_those_of_the_random_state():
    one, same, other = (build_sparse_averaging(30, 2, random_state=s) for s in (1, np.random.RandomState(1), 2))
    X = asking([[0, 1]], 30)
    assert one.encode(X) == same.encode(X)
    assert one.encode(X) != other.encode(X)
    assert (one.encode(X).tokens[:, 1 + 55 : 1 + 2 * 55] == random_keys(30, 2, random_state=1)).all()


@given(st.integers(1, 40), st.integers(1, 4), st.integers(0, 2**31))
def test_on_the_moment_curve_scores_are_products_of_squared_distances_to_the_set(n, q, seed):
    """-prod (l - j)^2 over the positions j of the set, in Python's integers."""
    sets = np.array([np.random.default_rng(seed + k).permutation(max(n, q))[:q] for k in range(3)])
    for subset, query in zip(sets.tolist(), moment_queries(n, sets).tolist()):
        for position, key in enumerate([[t**r for r in range(2 * q + 1)] for t in range(-(n // 2), n - n // 2)]):
            assert sum(int(w) * u for w, u in zip(query, key)) == -math.prod((position - j) ** 2 for j in subset)


def test_random_keys_are_signs_of_eight_q_log_n_coordinates():
    # 8 log 16 = 22.2 for up to 16 positions; 8 * 2 log 4096 = 133.1
    for n, q, key_dim in ((2, 1, 23), (16, 1, 23), (4096, 2, 134)):
        assert random_keys(n, q, random_state=0).shape == (n, key_dim)
    assert set(random_keys(100, 1, random_state=0).ravel().tolist()) == {-1.0, 1.0}


@pytest.mark.parametrize(("numbers", "rows"), [(1, 1), (139, 1), (140, 2), (10**6, 13)])
def test_blocks_of_sets_hold_each_set_once_and_no_more_numbers_than_allowed(numbers, rows, monkeypatch):
    """A set of 3 positions has 20 scores, and 3 keys of 17 numbers: 71 numbers, so that 142 hold two."""
    monkeypatch.setattr(position_keys, "_BLOCK_NUMBERS", numbers + 2)
    blocks = position_keys.row_blocks(np.zeros((13, 3), dtype=int), np.zeros((20, 17)))
    assert [k for block in blocks for k in range(13)[block]] == list(range(13))
    assert max(len(range(13)[block]) for block in blocks) == rows
