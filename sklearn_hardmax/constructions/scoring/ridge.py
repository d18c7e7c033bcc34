"""Weighted ridge regression on many features, with an unpenalised intercept and a penalty alpha chosen by leave-one-out.

Two solvers give the same fit, each from one Gram matrix and its eigendecomposition: the dual one (`ridge_from_features`)
needs all features in memory and N x N numbers, the primal one (`ridge_from_chunks`) takes features in chunks and needs F x F.

Features x (F, N), targets y (N, C), weights w (N,), W = sum w. With weighted means and scales s, in rescaled units

    Z = sqrt(w) (x - mean) / s,   Y = sqrt(w) (y - mean),   u = sqrt(w / W),   Z u = 0,   Y^T u = 0,

ridge regression minimises |Y - Z^T b|^2 + alpha |b|^2; the intercept is mean of y - b^T (mean of x) / s. Two solutions are

    primal, F x F   b = (Z Z^T + alpha I)^-1 Z Y,
    dual,   N x N   b = Z c,   c = (K + alpha I)^-1 Y,   K = Z^T Z,

and one eigendecomposition of either Gram matrix serves every alpha and every class.

Leave-one-out. The fit with intercept is H Y for H = u u^T + Z^T (Z Z^T + alpha I)^-1 Z. Leaving out sequence i takes one
row off a least squares problem, so by Sherman and Morrison its residual becomes e_i = (Y - H Y)_i / (1 - H_ii). As K u = 0,
I - H is alpha (K + alpha I)^-1 on the complement of u and 0 on u; alpha cancels, and with K = Q diag(l) Q^T

    e_i = c_i / d_i,   d = diag(Q diag(g) Q^T),   g = 1 / (l + alpha), but 0 for the eigenvector u.

The criterion is sum e^2 = sum_i w_i |y_i - prediction without i|^2 (Rifkin and Lippert, Notes on Regularized Least Squares,
2007): means and intercept are fitted again without i, scales are kept. Of equally good alphas the largest is chosen. A
sequence that has all the weight cannot be predicted from the others, and has no e.

Scales are weighted standard deviations, but at least `floor` times the median in their kind, so that no rare feature can
get a large weight. The mean of a constant a errs by (N + 2) eps |a| at most: a deviation up to that counts as 0, and such a
feature has scale 1 and coefficient 0.

Gram matrices are summed in float64: their eigenvalues err by some eps times the largest one, so alpha must be larger than
that.
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg import blas, eigh
from sklearn.utils import gen_batches

from sklearn_hardmax.forward.ties import EPS

LEFT_OUT = 4096  # the primal solver computes the criterion on at most this many sequences
_BLOCK_ROWS = 512  # rows or columns of features that are converted to float64 at a time
_RIGHT_SIDES = 256  # columns (an alpha and a class) of a product with all eigenvectors
_EQUAL = 1 + EPS**0.5  # criteria within this factor count as equal: rounding differs between the two solvers by less


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
    """

    coefficients: np.ndarray
    intercept: np.ndarray
    alpha: float
    scales: np.ndarray
    means: np.ndarray


def ridge_from_features(features, targets, sample_weight, alphas, kinds, floor=0.0625):
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

    Returns
    -------
    Ridge

    Notes
    -----
    About F N^2 + 9 N^3 operations; N^2 float64 for the Gram matrix and 2 N^2 for its eigendecomposition.

    Examples
    --------
    Two points (0, 1) and (2, 3), so mean 1 and scale 1: the slope 1 shrinks by 2 / (2 + alpha).

    >>> import numpy as np
    >>> features = np.array([[0.0, 2.0]])
    >>> targets = np.array([[1.0], [3.0]])
    >>> fit = ridge_from_features(features, targets, np.ones(2), np.array([2.0]), np.array([0]))
    >>> fit.coefficients.round(12), fit.intercept.round(12)
    (array([[0.5]]), array([1.5]))
    """
    root = np.sqrt(sample_weight)
    target_means, rescaled = _rescaled_targets(targets, sample_weight)
    means, deviations = _moments(features, sample_weight)
    scales, inverse = _scales(deviations, means, kinds, features.shape[1], floor)
    values, vectors = _dual_eigen(_dual_gram(features, means, inverse, root), root)
    shrinks = 1 / (values[:, None] + alphas)
    shrinks[-1] = 0  # the eigenvector u, by which the intercept is fitted
    projected = vectors.T @ rescaled
    best = _best(_dual_criteria(vectors, shrinks, projected), alphas)
    # b = Z c in units of the raw features: one factor 1 / s from Z, one from the units
    dual = root[:, None] * (vectors @ (shrinks[:, best, None] * projected))
    coefficients = np.empty((len(features), targets.shape[1]))
    for rows, block in _blocks(features):
        block -= means[rows, None]
        coefficients[rows] = (inverse[rows] ** 2)[:, None] * (block @ dual)
    return Ridge(coefficients, target_means - means @ coefficients, float(alphas[best]), scales, means)


def ridge_from_chunks(chunks, n_sequences, targets, sample_weight, alphas, kinds, floor=0.0625):
    """Primal ridge regression on features that are given in chunks of sequences and never all in memory, for N > F.

    Parameters
    ----------
    chunks : callable
        Returns an iterator over (rows, block): indices (b,) of sequences and their features (F, b), b > 0, float32 or
        float64; every sequence once. It is called once.
    n_sequences : int
    targets, sample_weight, alphas, kinds, floor
        As in `ridge_from_features`.

    Returns
    -------
    Ridge
        Up to rounding that of `ridge_from_features`, while n_sequences <= 4096; with more, the criterion is summed over 4096
        sequences at even distances.

    Notes
    -----
    About N F^2 + 9 F^3 + 8192 F^2 operations; F^2 float64 for the Gram matrix, 2 F^2 for its eigendecomposition, and the
    features of the sequences that are left out.
    """
    target_means, rescaled = _rescaled_targets(targets, sample_weight)
    left_out = np.arange(n_sequences)
    if n_sequences > LEFT_OUT:
        left_out = np.linspace(0, n_sequences - 1, LEFT_OUT).astype(np.intp)
    means, gram, products, kept = _streamed(chunks, left_out, rescaled, sample_weight, len(kinds))
    # the diagonal holds the weighted sums of squares about the mean
    deviations = np.sqrt(np.maximum(np.diagonal(gram), 0) / sample_weight.sum())
    scales, inverse = _scales(deviations, means, kinds, n_sequences, floor)
    gram *= inverse[:, None]
    gram *= inverse
    values, vectors = eigh(gram, lower=True, overwrite_a=True, driver="evd", check_finite=False)
    shrinks = 1 / (np.maximum(values, 0)[:, None] + alphas)
    projected = vectors.T @ (inverse[:, None] * products)
    sample = _Sample(kept, sample_weight[left_out], sample_weight.sum(), rescaled[left_out])
    best = _best(_primal_criteria(sample, means, inverse, vectors, shrinks, projected), alphas)
    coefficients = inverse[:, None] * (vectors @ (shrinks[:, best, None] * projected))
    return Ridge(coefficients, target_means - means @ coefficients, float(alphas[best]), scales, means)


def _rescaled_targets(targets, weight):
    """Weighted means (C,) and Y (N, C); differences from the first target are averaged: a constant target gives exactly 0."""
    centred = targets - targets[0]
    shift = weight @ centred / weight.sum()
    centred -= shift
    centred *= np.sqrt(weight)[:, None]
    return targets[0] + shift, centred


def _scales(deviations, means, kinds, n_sequences, floor):
    """Floored scales and their inverses, which are 0 for constant features; both (F,)."""
    varies = deviations > (n_sequences + 2) * EPS * np.abs(means)
    scales = np.ones(len(means))
    for kind in np.unique(kinds[varies]):
        of_kind = varies & (kinds == kind)
        scales[of_kind] = np.maximum(deviations[of_kind], np.median(deviations[of_kind]) * floor)
    return scales, varies / scales


def _best(criteria, alphas):
    """Index of the largest alpha among those of least criterion."""
    return np.argmax(np.where(criteria <= _EQUAL * criteria.min(), alphas, 0))


def _shrunk(basis, shrinks, projected):
    """Yield (classes, basis diag(shrinks_a) projected for every alpha): slices of C and (n, A, classes), float64."""
    # all alphas of a few classes in one product
    n_classes = max(1, _RIGHT_SIDES // shrinks.shape[1])
    for classes in gen_batches(projected.shape[1], n_classes):
        sides = shrinks[:, :, None] * projected[:, None, classes]
        yield classes, (basis @ sides.reshape(len(sides), -1)).reshape(-1, *sides.shape[1:])


def _squared_sum(residuals, remains):
    """Sums (A,) of squares of residuals (n, A, C) over `remains` (n, A), 1 - H_ii or d_i; 0 / 0 counts as 0."""
    errors = np.zeros_like(residuals)
    np.divide(residuals, remains[:, :, None], out=errors, where=remains[:, :, None] > 0)
    return np.einsum("iac,iac->a", errors, errors)


# --- dual -----------------------------------------------------------------------------------------------------------------


def _blocks(features):
    """Yield (rows, features in float64) in blocks; the next block overwrites the last one."""
    buffer = np.empty((min(_BLOCK_ROWS, len(features)), features.shape[1]))
    for rows in gen_batches(len(features), _BLOCK_ROWS):
        block = buffer[: rows.stop - rows.start]
        block[:] = features[rows]
        yield rows, block


def _moments(features, weight):
    """Weighted means and standard deviations, (F,) each."""
    fraction = weight / weight.sum()
    means = np.empty(len(features))
    variances = np.empty(len(features))
    for rows, block in _blocks(features):
        means[rows] = block @ fraction
        block -= means[rows, None]
        variances[rows] = np.square(block, out=block) @ fraction
    return means, np.sqrt(variances)


def _dual_gram(features, means, inverse, root):
    """Lower half of K, (N, N) in Fortran order."""
    n = features.shape[1]
    # dsyrk adds one triangle of block.T @ block in place
    gram = np.zeros((n, n), order="F")
    for rows, block in _blocks(features):
        block -= means[rows, None]
        block *= inverse[rows, None]
        gram = blas.dsyrk(1.0, block.T, beta=1.0, c=gram, lower=True, overwrite_c=True)
    gram *= root[:, None]
    gram *= root
    return gram


def _dual_eigen(gram, root):
    """Eigenvalues (N,) and eigenvectors (N, N) of K, with u as the last eigenvector, whatever the rank of K.

    Adding t u u^T makes t the eigenvalue of u, the largest one. The lower half of a symmetric matrix has at least half its
    squared Frobenius norm, so t is at least sqrt(2) times the largest eigenvalue of K: a gap that separates u from the rest.
    """
    unit = root / np.linalg.norm(root)
    added = 2 * np.linalg.norm(gram) or 1.0
    gram = blas.dsyr(added, unit, lower=True, a=gram, overwrite_a=True)
    values, vectors = eigh(gram, lower=True, overwrite_a=True, driver="evd", check_finite=False)
    return np.maximum(values, 0), vectors


def _dual_criteria(vectors, shrinks, projected):
    """Sum of (c / d)^2 for every alpha, (A,)."""
    remains = np.concatenate([np.square(vectors[i]) @ shrinks for i in gen_batches(len(vectors), _BLOCK_ROWS)])
    return sum(_squared_sum(dual, remains) for _, dual in _shrunk(vectors, shrinks, projected))


# --- primal ---------------------------------------------------------------------------------------------------------------


class _Sample(NamedTuple):
    """The n sequences on which the primal solver computes the criterion.

    Attributes
    ----------
    features : ndarray of shape (F, n)
        Raw features.
    weight : ndarray of shape (n,)
    total : float
        Weight of all training sequences, W.
    targets : ndarray of shape (n, C)
        Rows of Y.
    """

    features: np.ndarray
    weight: np.ndarray
    total: float
    targets: np.ndarray


def _streamed(chunks, left_out, rescaled, weight, n_features):
    """Weighted means (F,), lower half of s Z Z^T s (F, F), s Z Y (F, C), and the raw features of the sequences left out.

    Sums are taken about the mean of the first chunk. That lies within sqrt(W / weight of the chunk) standard deviations of
    the mean, so that the correction loses no more than a factor of W / weight of the chunk in precision.
    """
    place = np.full(len(weight), -1)  # column of a sequence in `kept`
    place[left_out] = np.arange(len(left_out))
    gram = np.zeros((n_features, n_features), order="F")
    weighted_sums = np.zeros(n_features)
    products = np.zeros((n_features, rescaled.shape[1]))
    kept = None
    center = None
    seen = 0
    for rows, block in chunks():
        if center is None:
            center = np.mean(block, axis=1, dtype=np.float64)
            kept = np.empty((n_features, len(left_out)), block.dtype)
        inside = place[rows] >= 0
        kept[:, place[rows[inside]]] = block[:, inside]
        seen += len(rows)
        for columns in gen_batches(len(rows), _BLOCK_ROWS):
            root = np.sqrt(weight[rows[columns]])
            part = np.ascontiguousarray(block[:, columns] - center[:, None])
            part *= root
            gram = blas.dsyrk(1.0, part.T, beta=1.0, c=gram, trans=True, lower=True, overwrite_c=True)
            weighted_sums += part @ root
            products += part @ rescaled[rows[columns]]
    assert seen == len(weight), f"chunks held {seen} sequences of {len(weight)}"
    # from sums about the center to sums about the mean; Y^T sqrt(w) = 0, so the products need no correction
    shift = weighted_sums / weight.sum()
    gram = blas.dsyr(-weight.sum(), shift, lower=True, a=gram, overwrite_a=True)
    return center + shift, gram, products, kept


def _primal_criteria(sample, means, inverse, vectors, shrinks, projected):
    """Sum of ((Y - H Y)_i / (1 - H_ii))^2 over the sample, for every alpha, (A,)."""
    criteria = np.zeros(shrinks.shape[1])
    for columns in gen_batches(len(sample.weight), _BLOCK_ROWS):
        weight = sample.weight[columns]
        part = sample.features[:, columns] - means[:, None]
        part *= inverse[:, None]
        part *= np.sqrt(weight)
        basis = part.T @ vectors
        # 1 - H_ii, with H = u u^T + basis diag(shrinks) basis^T
        remains = 1 - (weight / sample.total)[:, None] - np.square(basis) @ shrinks
        for classes, fitted in _shrunk(basis, shrinks, projected):
            criteria += _squared_sum(sample.targets[columns, None, classes] - fitted, remains)
    return criteria
