"""Gram matrices of integers, exact in any order, added up by several jobs.

Each job adds up products of some of the integers (grid.py); sums of the jobs are added as they come. All of these sums are
exact, so neither the number of jobs nor the cut between them shows.
"""

from itertools import pairwise

import numpy as np
from scipy.linalg import blas

from sklearn_hardmax.constructions.common.batches import count_jobs, in_rounds
from sklearn_hardmax.constructions.scoring.grid import EXACT, blocks

_BLOCK_COLUMNS = 2048  # sequences whose integers are held at a time


def inner_products(features, grid, n_jobs):
    """Inner products of the integers of N sequences, lower half (N, N) in Fortran order, from features (F, N)."""
    tasks = ((features[rows], grid[rows]) for rows in _shares(len(features), n_jobs))
    return sum_in_place(in_rounds(_inner_products, tasks, n_jobs, prefer="threads"))


def _inner_products(features, grid):
    n = features.shape[1]
    gram = np.zeros((n, n), order="F")
    for rows, block in blocks(features):
        block = grid[rows].integers(block, out=block)
        # adds one triangle of block.T @ block in place
        gram = blas.dsyrk(1.0, block.T, beta=1.0, c=gram, lower=True, overwrite_c=True)
    return gram


class Products:
    """Sums over sequences: the integers of features with each other, and with those of targets and of the constant.

    Attributes
    ----------
    gram : ndarray of shape (F, F), Fortran order
        Lower half.
    side : ndarray of shape (F, C)
    n_sequences : int
        How many sequences were added.
    """

    def __init__(self, n_features, n_sides):
        self.gram = np.zeros((n_features, n_features), order="F")
        self.side = np.zeros((n_features, n_sides))
        self.n_sequences = 0

    @property
    def is_exact(self):
        """Whether no sum of squares of a feature has passed 2^53; the grid leaves room for those of `side`."""
        return bool((np.diagonal(self.gram) < EXACT).all())

    def add(self, integers, side):
        """Add the integers of features (F, b), C order, and of sides (C, b)."""
        self.gram = blas.dsyrk(1.0, integers.T, beta=1.0, c=self.gram, trans=True, lower=True, overwrite_c=True)
        self.side += integers @ side.T
        self.n_sequences += len(integers.T)

    def __iadd__(self, other):
        self.gram += other.gram
        self.side += other.side
        self.n_sequences += other.n_sequences
        return self


def products_in_memory(features, grid, root, side, n_jobs):
    """Products of features (F, n) of sequences of root weights (n,) with integers `side` (C, n)."""
    tasks = ((features[:, at], grid, root[at], side[:, at]) for at in _shares(len(root), n_jobs))
    return sum_in_place(in_rounds(_products_of_columns, tasks, n_jobs, prefer="threads"))


def _products_of_columns(features, grid, root, side):
    return products_of_chunks(lambda: [(np.arange(len(root)), features)], grid, root, side)


def products_of_chunks(chunks, grid, root, side):
    """Products of the features that chunks() gives, as (columns (b,), block (F, b)); columns count within root and side."""
    products = Products(len(grid.centers), len(side))
    # chunks may be narrow, and a product of few columns takes longer per column
    width = min(_BLOCK_COLUMNS, len(root))
    buffer = np.empty((len(grid.centers), width))
    held = np.empty(0, dtype=np.intp)
    for columns, block in chunks():
        start = 0
        while start < len(columns):
            batch = slice(start, start + width - len(held))
            at = columns[batch]
            grid.integers(block[:, batch], root[at], out=buffer[:, len(held) : len(held) + len(at)])
            held = np.append(held, at)
            start += len(at)
            if len(held) == width:
                products.add(buffer, side[:, held])
                held = held[:0]
    if len(held):
        products.add(np.ascontiguousarray(buffer[:, : len(held)]), side[:, held])
    return products


def sum_in_place(parts):
    """The sum of some arrays, or Products, that are added to the first one."""
    total = next(parts)
    for part in parts:
        total += part
    return total


def _shares(n, n_jobs):
    """Slices of range(n), one for each job."""
    ends = np.linspace(0, n, min(n, count_jobs(n_jobs)) + 1).astype(np.intp).tolist()
    return [slice(start, stop) for start, stop in pairwise(ends)]
