"""Sums of products of integers, against Python integers, for any number of jobs."""

import numpy as np
import pytest
from joblib import parallel_config

from sklearn_hardmax.constructions.scoring.gram import inner_products, products_in_memory, products_of_chunks
from sklearn_hardmax.constructions.scoring.grid import Grid

N, F = 1100, 5  # more than two blocks of sequences
GRID = Grid(np.arange(F) / 7, 2.0 ** np.arange(14, 14 + F))
RNG = np.random.default_rng(0)
FEATURES, ROOT = RNG.standard_normal((F, N)), RNG.uniform(0.5, 1, N)
SIDE = np.rint(RNG.standard_normal((3, N)) * 2.0**18)
JOBS = pytest.mark.parametrize("n_jobs", [None, 2, 3])


def exact(a, b):
    """a @ b.T in Python integers."""
    a, b = ([[int(x) for x in row] for row in matrix] for matrix in (a, b))
    return [[sum(x * y for x, y in zip(r, s)) for s in b] for r in a]


@JOBS
def test_products_are_those_of_python_integers(n_jobs):
    integers = GRID.integers(FEATURES, ROOT)
    with parallel_config("threading"):
        products = products_in_memory(FEATURES, GRID, ROOT, SIDE, n_jobs)
    assert np.array_equal(np.tril(products.gram), np.tril(np.array(exact(integers, integers), dtype=np.float64)))
    assert np.array_equal(products.side, np.array(exact(integers, SIDE), dtype=np.float64))
    assert products.n_sequences == N
    assert products.is_exact


@JOBS
def test_inner_products_are_those_of_python_integers(n_jobs):
    features = FEATURES[:, :40].T.repeat(30, axis=0)  # 1,200 features of five sequences
    grid = Grid(np.tile(np.arange(40) / 7, 30), np.full(1200, 2.0**15))
    integers = grid.integers(features)
    with parallel_config("threading"):
        gram = inner_products(features, grid, n_jobs)
    assert np.array_equal(np.tril(gram), np.tril(np.array(exact(integers.T, integers.T), dtype=np.float64)))


def test_chunks_in_any_order_give_the_same():
    wanted = products_in_memory(FEATURES, GRID, ROOT, SIDE, None)
    order = np.random.default_rng(1).permutation(N)
    chunks = [(part, FEATURES[:, part]) for part in np.array_split(order, 7)]
    found = products_of_chunks(lambda: chunks, GRID, ROOT, SIDE)
    assert np.array_equal(found.gram, wanted.gram)
    assert np.array_equal(found.side, wanted.side)


def test_a_sum_of_squares_that_passes_2_53_is_seen():
    """Two sequences of 2^26 add up to 2^53."""
    grid = Grid(np.zeros(1), np.ones(1))
    features = np.full((1, 2), 2.0**26)
    assert products_in_memory(features[:, :1], grid, np.ones(1), np.ones((1, 1)), None).is_exact
    assert not products_in_memory(features, grid, np.ones(2), np.ones((1, 2)), None).is_exact
