"""Keys of positions and queries for sets of positions, such that attention with the query of a set averages over this set.

Sparse averaging (sparse_averaging.py) needs one key u_l per position l and one query w per set y of q positions: the scores
<w, u_l> of all l in y must tie, and all others must be less. Two kinds of keys do so:

*random.* Keys of m random signs. w is the shortest solution of <w, u_j> = 1 for j in y: with G the Gram matrix of the q keys,
w = sum_j a_j u_j, G a = 1. With m of order q log n all other scores are below 1 for almost all sets; m = 8 q log n is the
default. Queries are rounded to a grid of 2^-k with sum |w_r| < 2^53 2^-k. Then every sum of +-w_r, in any order, is exact:
the scores that `encode` checks, by one product, are those that the network computes. The rounding moves two scores apart by
at most 2 m 2^-(k + 1) <= 2 m eps |w|_1, where scores of m + 3 terms tie up to (m + 3) eps |w|_1 for each of the two; a set
whose scores are further apart than that is refused.

*moment.* Keys (1, t, .., t^(2q)) on the moment curve, t = l - n // 2, and the query holds the coefficients of
p(t) = - prod_(j in y) (t - t_j)^2: 0 on the set and at most -1 elsewhere, for every set. Scores are exact, with tie bound 0,
as long as the moduli of the terms add up to less than 2^53. They add up to prod (|t| + |t_j|)^2 at most, which `moment_keys`
checks for the worst set: n = 4096 admits q = 2, n = 20 admits q = 6.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state

from sklearn_hardmax._typing import Auto, FloatArray, RandomStateLike
from sklearn_hardmax.constructions.common.construction import ConstructionError
from sklearn_hardmax.sequences.messages import format_indices

_BLOCK_NUMBERS = 2**20  # numbers (8 bytes each) that one step holds


def random_keys(n: int, q: int, key_dim: int | Auto = "auto", random_state: RandomStateLike = None) -> FloatArray:
    """Draw keys of random signs for n positions, as `build_sparse_averaging` does.

    Parameters
    ----------
    n : int
        Number of positions.
    q : int
        Size of the sets that the keys must keep apart; it only determines the default of key_dim.
    key_dim : "auto" or int, default="auto"
        Number of coordinates m of a key; "auto" is ceil(8 q log max(n, 16)).
    random_state : int, RandomState or None, default=None
        Draws the signs. An int gives the keys of ``build_sparse_averaging(n, q, random_state=random_state)``.

    Returns
    -------
    ndarray of shape (n, key_dim), float64
        Row l is the key of position l, of entries 1 and -1.

    Raises
    ------
    ValueError
        A random_state that is none; a negative n or key_dim.

    See Also
    --------
    query_gaps : How well keys separate sets of positions from all others.
    moment_keys : Shorter keys, without randomness, for small n and q.

    Notes
    -----
    Source: Sanford, Hsu, Telgarsky, arXiv 2306.02896. With m of order q log n almost all sets of q positions are separated.
    Cost: n m random numbers.

    Examples
    --------
    >>> from sklearn_hardmax.constructions import random_keys
    >>> random_keys(4096, 8, random_state=0).shape  # ceil(8 * 8 * log(4096))
    (4096, 533)
    >>> random_keys(2, 1, key_dim=4, random_state=0)
    array([[-1.,  1.,  1., -1.],
           [ 1.,  1.,  1.,  1.]])
    """
    m = math.ceil(8 * q * math.log(max(n, 16))) if key_dim == "auto" else key_dim
    keys: FloatArray = 2.0 * check_random_state(random_state).randint(2, size=(n, m)) - 1.0
    return keys


def moment_keys(n: int, q: int) -> FloatArray:
    """Compute keys on the moment curve, (1, t, .., t^(2q)) with t = l - n // 2 for position l.

    A polynomial in t of degree 2 q is linear in such a key, so that - prod (t - t_j)^2 over the positions j of a set of q is
    a score: 0 on the set, at most -1 elsewhere, for every set.

    Parameters
    ----------
    n : int
        Number of positions.
    q : int
        Size of the sets.

    Returns
    -------
    ndarray of shape (n, 2 q + 1), float64
        Row l is the key of position l, of integers.

    Raises
    ------
    ConstructionError
        Scores of some set of q positions have terms that add up to 2^53 or more; the message names the set.

    See Also
    --------
    random_keys : Keys for larger n and q.

    Notes
    -----
    The task: Sanford, Hsu, Telgarsky, arXiv 2306.02896. Cost: O(n q) integers, and a sort of the positions.

    Examples
    --------
    >>> from sklearn_hardmax.constructions import moment_keys
    >>> moment_keys(3, 1)
    array([[ 1., -1.,  1.],
           [ 1.,  0.,  0.],
           [ 1.,  1.,  1.]])

    The score of the set {2} has the coefficients of -(t - 1)^2 = -1 + 2 t - t^2.

    >>> moment_keys(3, 1) @ [-1., 2., -1.]
    array([-4., -1.,  0.])
    """
    n = int(n)  # integers of any size from here on
    q = int(q)
    t = [j - n // 2 for j in range(n)]
    # terms of prod (t - t_j)^2 have moduli that add up to prod (|t| + |t_j|)^2: worst at the end furthest from the middle,
    # for the set of the q positions with the largest |t_j|
    worst = sorted(sorted(range(n), key=lambda j: -abs(t[j]))[:q])
    total = math.prod((n // 2 + abs(t[j])) ** 2 for j in worst)
    if total >= 2**53:
        raise ConstructionError(
            f"On the moment curve the score of the positions {format_indices(worst)} of n = {n} has terms that add up to "
            f"{total:.3g}, which is not below 2^53: float64 does not hold q = {q} here; use method='random'."
        )
    return np.array([[value**r for r in range(2 * q + 1)] for value in t], dtype=np.float64)


def random_queries(keys, subsets):
    """The shortest w with score 1 on the keys of each set, rounded to a grid on which all scores are exact; (N, m).

    Sets whose keys are linearly dependent get w = 0, or scores that are not 1.
    """
    members = keys[subsets]  # (N, q, m)
    gram = members @ members.transpose(0, 2, 1)  # integers: exact
    weights = _solve_ones(gram)
    # without a grid that holds the scores: weights are too large, or nan where keys are dependent
    weights[~(np.abs(weights).sum(axis=1) < 2**52 / keys.shape[1])] = 0.0
    # elementwise sums in fixed order: the same bits for any number of sets
    queries = np.zeros((len(subsets), keys.shape[1]))
    for j in range(subsets.shape[1]):
        queries += weights[:, j, None] * members[:, j]
    # the grid 2^-k with sum |w| < 2^52 steps, to which rounding adds half a step per coordinate
    _, exponent = np.frexp(np.abs(queries).sum(axis=1))
    exponent = (52 - exponent)[:, None]
    return np.ldexp(np.rint(np.ldexp(queries, exponent)), -exponent)


def _solve_ones(matrices):
    """Solutions (N, q) of G a = 1 for positive definite G (N, q, q), by elimination in fixed order; nan where singular."""
    q = matrices.shape[1]
    rows = np.concatenate([matrices, np.ones((len(matrices), q, 1))], axis=2)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        # Gauss and Jordan without pivots, all systems together: after step k column k is that of the identity
        for k in range(q):
            rows[:, k] /= rows[:, k, k, None]
            for other in range(q):
                if other != k:
                    rows[:, other] -= rows[:, other, k, None] * rows[:, k]
    return rows[:, :, -1]


def moment_queries(n, subsets):
    """Coefficients of p(t) = - prod (t - t_j)^2 for each set, lowest power first; (N, 2 q + 1), integers."""
    roots = np.repeat(subsets - n // 2, 2, axis=1)
    queries = np.zeros((len(subsets), roots.shape[1] + 1), dtype=np.int64)
    queries[:, 0] = -1
    for root in roots.T:
        # p <- t p - root p; t p is a shift by one power, as the highest coefficient is still 0
        shifted = np.roll(queries, 1, axis=1)
        queries = shifted - root[:, None] * queries
    return queries.astype(np.float64)


def query_gaps(keys: FloatArray, subsets: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Measure how well random keys separate sets of positions from all other positions.

    Each set has a query, the shortest vector that scores 1 with the keys of its positions, as in `build_sparse_averaging`.
    Attention averages over exactly this set if its scores tie and all others are less.

    Parameters
    ----------
    keys : ndarray of shape (n, key_dim), float64
        From `random_keys`: entries 1 and -1.
    subsets : array-like of shape (n_subsets, q), int
        Sets of q different positions, from 0 to n - 1.

    Returns
    -------
    gaps : ndarray of shape (n_subsets,), float64
        Smallest score in the set (1 up to rounding) minus the largest outside, inf where nothing is outside.
    spreads : ndarray of shape (n_subsets,), float64
        Largest score in the set minus the smallest.

    Raises
    ------
    IndexError
        A position that is no integer, or beyond n - 1.

    See Also
    --------
    random_keys : Draws the keys.

    Notes
    -----
    Source: Sanford, Hsu, Telgarsky, arXiv 2306.02896. A set whose keys are linearly dependent has the query 0, or scores
    other than 1. Cost: O(n_subsets (n key_dim + q^2 key_dim + q^3)) operations, in bounded memory.

    Examples
    --------
    >>> from sklearn_hardmax.constructions import query_gaps, random_keys
    >>> gaps, spreads = query_gaps(random_keys(1024, 2, random_state=0), [[0, 1], [5, 700]])
    >>> bool((gaps > 0.25).all()), bool((spreads < 1e-12).all())
    (True, True)
    """
    subsets = np.asarray(subsets)
    gaps = np.empty(len(subsets))
    spreads = np.empty(len(subsets))
    for rows in row_blocks(subsets, keys):
        queries = random_queries(keys, subsets[rows])
        gaps[rows], spreads[rows], _ = score_gaps(queries, keys, subsets[rows])
    return gaps, spreads


def row_blocks(subsets, keys):
    """Slices of subsets (N, q) whose scores, and the keys of whose members, are at most _BLOCK_NUMBERS numbers."""
    step = max(1, _BLOCK_NUMBERS // (len(keys) + subsets.shape[1] * keys.shape[1]))
    return [slice(start, start + step) for start in range(0, len(subsets), step)]


def score_gaps(queries, keys, subsets):
    """Gaps, spreads and the best position outside each set, (N,) each."""
    # exact in any order of summation, as queries are on a grid (or integers on the moment curve)
    scores = queries @ keys.T
    inside = np.take_along_axis(scores, subsets, axis=1)
    # mask the set to find the best of all others
    np.put_along_axis(scores, subsets, -np.inf, axis=1)
    rivals = scores.argmax(axis=1)
    best = np.take_along_axis(scores, rivals[:, None], axis=1)[:, 0]
    return inside.min(axis=1) - best, np.ptp(inside, axis=1), rivals
