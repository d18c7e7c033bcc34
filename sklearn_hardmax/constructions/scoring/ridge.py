"""Weighted ridge regression on many features, with an unpenalised intercept and a penalty alpha chosen by leave-one-out.

Two solvers give the same fit, each from one Gram matrix and a few of its Cholesky factors: the dual one
(`ridge_from_features`) needs all features in memory and N x N numbers, the primal one (`ridge_from_chunks`) takes features in
chunks and needs F x F.

Features x (F, N), targets y (N, C), weights w (N,), W = sum w. With weighted means and scales s, in rescaled units

    Z = sqrt(w) (x - mean) / s,   Y = sqrt(w) (y - mean),   u = sqrt(w / W),   Z u = 0,   Y^T u = 0,

ridge regression minimises |Y - Z^T b|^2 + alpha |b|^2; the intercept is mean of y - b^T (mean of x) / s. Two solutions are

    primal, F x F   b = (Z Z^T + alpha I)^-1 Z Y,
    dual,   N x N   b = Z c,   c = (K + alpha I)^-1 Y,   K = Z^T Z.

Leave-one-out. The fit with intercept is H Y for H = u u^T + Z^T (Z Z^T + alpha I)^-1 Z. Leaving out sequence i takes one
row off a least squares problem, so by Sherman and Morrison its residual becomes e_i = (Y - H Y)_i / (1 - H_ii). As K u = 0,
I - H is alpha (K + alpha I)^-1 on the complement of u and 0 on u; alpha cancels, and e_i = c_i / d_i, where d is the diagonal
of (K + alpha I)^-1 - u u^T / alpha. The prediction for sequence i without it is the score s_i = y_i - e_i / sqrt(w_i).

The criterion is sum e^2 = sum_i w_i |y_i - s_i|^2 (Rifkin and Lippert, Notes on Regularized Least Squares, 2007): means and
intercept are fitted again without i, scales are kept. Of equally good alphas the largest is chosen. A sequence that has all
the weight cannot be predicted from the others; its e counts as 0. penalty.py says which alphas are computed, systems.py how.

Scales are weighted standard deviations, but at least `floor` times the median in their kind, so that no rare feature can
get a large weight. The mean of a constant a errs by (N + 2) eps |a| at most: a deviation up to that counts as 0, and such a
feature has scale 1 and coefficient 0.

Features are rounded to integers on a grid of about 2^-18 standard deviations (grid.py), finer for fewer sequences, and all of
the above holds for the rounded ones. So Gram matrices, products, means and scales are the same bits for any order, chunks
and workers. What follows is in float64: alpha must be larger than some eps times the largest eigenvalue.
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg import blas

from sklearn_hardmax.constructions.common.batches import in_rounds
from sklearn_hardmax.constructions.common.exact_sums import exact_sum
from sklearn_hardmax.constructions.scoring.gram import inner_products, products_in_memory, products_of_chunks
from sklearn_hardmax.constructions.scoring.grid import Grid, blocks, floored, grid_factors, moments, precise_means
from sklearn_hardmax.constructions.scoring.penalty import choose_penalty
from sklearn_hardmax.constructions.scoring.systems import DualSystem, PrimalSystem
from sklearn_hardmax.forward.ties import EPS

LEFT_OUT = 4096  # the primal solver computes the criterion on at most this many sequences
_LIGHT = 2.0**10  # steps: a root weight of fewer is too small for its sequence to be rounded where it is left out


class Ridge(NamedTuple):
    """A fitted ridge regression: the prediction is features.T @ coefficients + intercept.

    Attributes
    ----------
    coefficients : ndarray of shape (F, C)
        In units of the raw features; exactly 0 for constant ones.
    intercept : ndarray of shape (C,)
    alpha : float
        Chosen penalty, on features divided by `scales`.
    scales, means : ndarray of shape (F,)
        Floored weighted standard deviations (1 for constant features) and weighted means.
    left_out : ndarray of int, shape (n,)
        The sequences that were left out, one at a time, to choose alpha.
    left_out_scores : ndarray of shape (n, C)
        The prediction for each of them by the fit without it, at the chosen alpha and the same scales; with many features
        from errors in float32, which are precise to about 1e-5.
    """

    coefficients: np.ndarray
    intercept: np.ndarray
    alpha: float
    scales: np.ndarray
    means: np.ndarray
    left_out: np.ndarray
    left_out_scores: np.ndarray


def ridge_from_features(features, targets, sample_weight, alphas, kinds, floor=0.0625, n_jobs=None):
    """Dual ridge regression on features in memory, for N <= F.

    Parameters
    ----------
    features : ndarray of shape (F, N), float32 or float64, C-contiguous
    targets : ndarray of shape (N, C), float64
    sample_weight : ndarray of shape (N,)
        Positive.
    alphas : ndarray of shape (A,)
        Positive penalties to choose from.
    kinds : ndarray of shape (F,), small integers
        Features of one kind share a unit.
    floor : float
        Smallest scale, in medians of the kind.
    n_jobs : int or None
        Jobs that add up the Gram matrix.

    Returns
    -------
    Ridge
        Every sequence was left out.

    Raises
    ------
    ValueError
        Every alpha is too small for float64.

    Notes
    -----
    About F N^2 operations for the Gram matrix and 2/3 N^3 for each alpha that is computed: all of them up to N = 128, beyond
    that three to five, and as much as a fifth of one for a quarter of the sequences. 2 N^2 float64, and N^2 more for each
    job beyond the first.

    Examples
    --------
    Two points (0, 1) and (2, 3), so mean 1 and scale 1: the slope 1 shrinks by 2 / (2 + alpha).

    >>> import numpy as np
    >>> features = np.array([[0.0, 2.0]])
    >>> targets = np.array([[1.0], [3.0]])
    >>> fit = ridge_from_features(features, targets, np.ones(2), np.array([2.0]), np.array([0]))
    >>> fit.coefficients.round(12), fit.intercept.round(12)
    (array([[0.5]]), array([1.5]))

    Each point alone predicts its own target for the other one.

    >>> fit.left_out_scores.round(12)
    array([[3.],
           [1.]])
    """
    root = np.sqrt(sample_weight)
    target_means = precise_means(targets.T, sample_weight)
    means, deviations, reach = moments(features, sample_weight)
    scales, inverse = _scales(deviations, means, kinds, len(root), floor)
    # standardised features of a sequence are at most reach / scale; one bit is room for rounding
    unit = grid_factors(np.sum(np.square(reach * inverse)), 1)
    grid = Grid(means, inverse * unit)
    gram = inner_products(features, grid, n_jobs)
    gram *= root[:, None] / unit
    gram *= root / unit
    chosen = _chosen(DualSystem(gram, root, root[:, None] * (targets - target_means)), alphas)
    # b = Z c in units of the raw features: one factor 1 / s from Z, one from the units; and the means of the rounded features
    sides = np.column_stack([root[:, None] * chosen.solution, sample_weight / sample_weight.sum()])
    sums = np.empty((len(features), sides.shape[1]))
    for rows, block in blocks(features):
        np.matmul(grid[rows].integers(block, out=block), sides, out=sums[rows])
    coefficients = (inverse / unit)[:, None] * sums[:, :-1]
    means += (scales / unit) * sums[:, -1]
    scores = targets - chosen.errors / root[:, None]
    intercept = target_means - means @ coefficients
    return Ridge(coefficients, intercept, chosen.alpha, scales, means, np.arange(len(root)), scores)


def ridge_from_chunks(
    left_out, features, others, targets, sample_weight, alphas, kinds, floor=0.0625, n_jobs=None, log=lambda text: None
):
    """Primal ridge regression on features that are given in chunks of sequences and never all in memory, for N > F.

    Parameters
    ----------
    left_out : ndarray of int, shape (n,)
        The sequences on which the criterion is computed.
    features : ndarray of shape (F, n), float32 or float64
        Their features.
    others : callable
        Returns an iterable over (indices, chunks) of the other sequences: the indices (m,) of some, and a callable that
        returns an iterator over (columns, block), some of the m sequences, each once, and their features (F, b). `chunks` is
        called in the process of a job. `others` is called once, and once more for every coarser grid.
    targets, sample_weight, alphas, kinds, floor
        As in `ridge_from_features`, in the order of all sequences.
    n_jobs : int or None
        Jobs that add up the Gram matrix.
    log : callable
        Receives one line of text for each of the others, and for every coarser grid.

    Returns
    -------
    Ridge
        With all sequences left out that of `ridge_from_features` up to the rounding of features.

    Raises
    ------
    ValueError
        Every alpha is too small for float64.

    Notes
    -----
    About N F^2 operations for the Gram matrix, and F^3 / 3 + n F^2 for each alpha: all of them up to F = 128. Beyond that
    there are one or two of these, two or more at F^3 / 3 + n F^2 / 4, and half of that for a quarter of the features. 2 F^2
    float64, 2 F^2 more for each job beyond the first, and twice the features.
    """
    root = np.sqrt(sample_weight)
    total = exact_sum(sample_weight.copy(), sample_weight.max(), len(root))
    side_grid = _side_grid(targets, sample_weight, total, floor)
    values = np.vstack([targets.T, np.ones(len(root))])
    side = side_grid.integers(values, root)
    grid = Grid.fit(features, sample_weight[left_out], total, kinds, floor)
    while not (sums := _all_products(left_out, features, others, grid, root, side, n_jobs, log)).is_exact:
        log(
            "features reach beyond the grid that a sample of the sequences gave; the sums begin again on a coarser grid"
        )
        grid = grid.coarser()
    # from sums about the centers to sums about the means
    constant = side[-1]
    steady = constant @ constant
    shift = sums.side[:, -1] / steady
    target_shift = side[:-1] @ constant / steady
    gram = blas.dsyr(-steady, shift, lower=True, a=sums.gram, overwrite_a=True)
    products = sums.side[:, :-1] - np.outer(sums.side[:, -1], target_shift)
    # and from integers to the units of the features
    step = side_grid.factors[-1] / grid.factors
    means = grid.centers + shift * step
    deviations = np.sqrt(np.maximum(np.diagonal(gram), 0) / steady) * step
    scales, inverse = _scales(deviations, means, kinds, len(root), floor)
    unit = inverse / grid.factors
    gram *= unit[:, None]
    gram *= unit
    products *= unit[:, None] / side_grid.factors[:-1]
    # the sequences that are left out, likewise; light ones would round to nothing, and hardly take part in the sums
    root_out = root[left_out]
    rounded = root_out * side_grid.factors[-1] >= _LIGHT
    side_out = side_grid.integers(values[:, left_out], root_out, rounded)
    standard = np.empty(features.shape)
    for rows, part in blocks(features):
        part = grid[rows].integers(part, root_out, rounded, out=standard[rows])
        part -= shift[rows, None] * side_out[-1]
        part *= unit[rows, None]
    targets_out = (side_out[:-1] - target_shift[:, None] * side_out[-1]).T / side_grid.factors[:-1]
    # rounding to integers adds a variance of 1 / 12 per sequence
    noise = len(root) * np.mean(np.square(unit)) / 12
    sample = standard, np.square(side_out[-1]) / steady, targets_out
    chosen = _chosen(PrimalSystem(gram, products, *sample, noise), alphas)
    coefficients = inverse[:, None] * chosen.solution
    scores = targets[left_out] - chosen.errors / root_out[:, None]
    intercept = side_grid.centers[:-1] - means @ coefficients
    return Ridge(coefficients, intercept, chosen.alpha, scales, means, left_out, scores)


def _scales(deviations, means, kinds, n_sequences, floor):
    """Floored scales and their inverses, which are 0 for constant features; both (F,)."""
    varies = deviations > (n_sequences + 2) * EPS * np.abs(means)
    scales = np.where(varies, floored(deviations, varies, kinds, floor), 1.0)
    return scales, varies / scales


def _chosen(system, alphas):
    """The choice of alpha, or a ValueError."""
    chosen = choose_penalty(system, alphas)
    if chosen is None:
        # Cholesky's method succeeds where the smallest eigenvalue is above this (Higham, Accuracy and Stability of
        # Numerical Algorithms, 2002, theorem 10.7)
        enough = system.order * (system.order + 2) * EPS * system.diagonal.max()
        raise ValueError(
            f"No penalty among alphas={np.asarray(alphas).tolist()} is large enough for float64 to solve the ridge "
            f"regression of {system.order} equations; penalties of {enough:.1g} and more are."
        )
    return chosen


def _side_grid(targets, weight, total, floor):
    """The Grid of targets (N, C) and, behind them, of the constant 1."""
    grid = Grid.fit(targets.T, weight, total, np.zeros(targets.shape[1], int), floor)
    # the constant has the mean square that a deviation of 1 has
    constant = Grid.fit(np.zeros((1, len(weight))), weight, total, np.zeros(1, int), floor)
    centers = np.append(precise_means(targets.T, weight), 0.0)
    return Grid(centers, np.append(grid.factors, constant.factors))


def _all_products(left_out, features, others, grid, root, side, n_jobs, log):
    """The Products of all sequences."""
    sums = products_in_memory(features, grid, root[left_out], side[:, left_out], n_jobs)
    tasks = ((chunks, grid, root[indices], side[:, indices]) for indices, chunks in others())
    for part in in_rounds(products_of_chunks, tasks, n_jobs):
        sums += part
        log(f"added {sums.n_sequences:,} of {len(root):,} sequences to the Gram matrix")
    assert sums.n_sequences == len(root), f"chunks held {sums.n_sequences} sequences of {len(root)}"
    return sums
