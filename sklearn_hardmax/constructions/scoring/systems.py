"""Ridge regressions that can be solved for one penalty alpha after another, in the primal and in the dual form.

Both are given by a positive semidefinite matrix A of order m, of which the lower half is held, with 0 above the diagonal.
`factor(alpha)` computes the Cholesky factor L of A + alpha I = L L^T into another array. What a system offers is described in
penalty.py, which chooses alpha.

Z (F, N), Y (N, C), u and K are those of ridge.py: standardised features and targets, with the roots of the weights.

    primal   A = Z Z^T         b = L^-T (L^-1 Z Y)          h_i = u_i^2 + |L^-1 z_i|^2
    dual     A = K + t u u^T   c = L^-T (L^-1 Y), b = Z c   d_i = |column i of L^-1|^2 - u_i^2 / (t + alpha)

The leave-one-out errors are e_i = (Y - Z^T b)_i / (1 - h_i) in the primal, and e_i = c_i / d_i in the dual form.
"""

import numpy as np
from scipy.linalg import blas, lapack

_EPS_SINGLE = 2.0**-24
_WHOLE = 1024  # sequences left out: up to so many are one part
_PARTS = 4  # parts of more sequences
_BLUR = 16.0
_PENALTY_POWER = 0.75  # of the number of features, in which the best penalty grows: measured on sixteen data sets


class _System:
    """A matrix that is factored for one alpha after another.

    `single_from` is the smallest alpha at which the factor may be computed in float32, inf where that is not offered. `blur`
    over alpha is about the relative change of the criterion by the rounding of features.

    Parameters
    ----------
    matrix : ndarray of shape (m, m), Fortran order
        0 above the diagonal.
    targets : ndarray of shape (n, C)
        Rows of Y of the sequences that are left out.
    """

    single_from = np.inf
    blur = 0.0

    def __init__(self, matrix, targets):
        self.matrix = matrix
        self.targets = targets
        self.diagonal = np.diagonal(matrix).copy()
        self._factor = np.empty_like(matrix)

    @property
    def order(self):
        """Order m of the matrix."""
        return len(self.matrix)

    def factor(self, alpha):
        """Compute the Cholesky factor for this alpha; False where float64 finds none."""
        self._factor[:] = self.matrix
        np.fill_diagonal(self._factor, self.diagonal + alpha)
        _, failed = lapack.dpotrf(self._factor, lower=1, clean=0, overwrite_a=1)
        return not failed

    def _thinned(self, step):
        """Every step-th row and column of the matrix."""
        return np.asfortranarray(self.matrix[::step, ::step])


class PrimalSystem(_System):
    """Ridge regression among F features.

    Parameters
    ----------
    matrix : ndarray of shape (F, F), Fortran order
        Z Z^T, 0 above the diagonal.
    products : ndarray of shape (F, C)
        Z Y.
    features : ndarray of shape (F, n)
        Columns of Z of the sequences that are left out.
    leverages : ndarray of shape (n,)
        Their u^2.
    targets : ndarray of shape (n, C)
        Their rows of Y.
    noise : float, default=0.0
        How much the rounding of features adds to the eigenvalues of Z Z^T. Where features are linearly dependent, that is all
        there is: faint directions that fit noise, or not, as alpha is small or large. It must not decide which.
    """

    def __init__(self, matrix, products, features, leverages, targets, noise=0.0):
        super().__init__(matrix, targets)
        self.noise = noise
        # each direction fits noise / (noise + alpha) of one of n numbers; measured: a few times that
        self.blur = _BLUR * noise * len(matrix) / len(targets)
        self.products = products
        self.features = features
        self.leverages = leverages
        # the trace bounds the largest eigenvalue, and float32 rounds the matrix by some 2^-24 of that
        self.single_from = _EPS_SINGLE * self.diagonal.sum()
        self._single = None

    @property
    def parts(self):
        """One part, or four that take turns: every fourth sequence each."""
        n_parts = _PARTS if len(self.targets) > _WHOLE else 1
        return [slice(k, None, n_parts) for k in range(n_parts)]

    def quarter(self):
        """A quarter of the features, on one part of the sequences; penalties are smaller, by the factor that is returned."""
        part = self.parts[0]
        matrix = self._thinned(4)
        features = self.features[::4, part]
        sample = features, self.leverages[part], self.targets[part]
        smaller = PrimalSystem(matrix, self.products[::4], *sample, self.noise)
        return smaller, (smaller.order / self.order) ** _PENALTY_POWER

    def factor(self, alpha, single=False):
        """Compute the Cholesky factor for this alpha; False where float64, or float32 if `single`, finds none."""
        self._single = None
        if not single:
            return super().factor(alpha)
        self._single = self.matrix.astype(np.float32, order="F")
        np.fill_diagonal(self._single, self.diagonal + alpha)
        _, failed = lapack.spotrf(self._single, lower=1, clean=0, overwrite_a=1)
        return not failed

    def _solved(self, sides):
        """L^-1 sides, (F, n) in C order, with the last factor."""
        # the transposed system X L^T = sides^T takes rows as they lie in memory
        solve, factor = (blas.dtrsm, self._factor) if self._single is None else (blas.strsm, self._single)
        sides = np.array(sides, factor.dtype, order="C").T
        return solve(1.0, factor, sides, side=1, lower=1, trans_a=1, overwrite_b=1).T

    def solution(self):
        """Coefficients b, (F, C), from a factor in float64."""
        return lapack.dpotrs(self._factor, self.products, lower=1)[0]

    def errors(self, part):
        """Leave-one-out errors e of a part, (n of the part, C)."""
        solved = self._solved(self.features[:, part])
        fitted = solved.T @ self._solved(self.products)
        remains = 1 - self.leverages[part] - np.einsum("fi,fi->i", solved, solved, dtype=np.float64)
        return _quotients(self.targets[part] - fitted, remains)


class DualSystem(_System):
    """Ridge regression among N sequences.

    Parameters
    ----------
    matrix : ndarray of shape (N, N), Fortran order
        Inner products of features under root weights, 0 above the diagonal; about any center, since they are centred here.
    root : ndarray of shape (N,)
        Roots of the weights.
    targets : ndarray of shape (N, C)
        Y, likewise centred here.
    """

    parts = (slice(None),)

    def __init__(self, matrix, root, targets):
        unit = root / np.linalg.norm(root)
        # K = (I - u u^T) matrix (I - u u^T), as matrix - u k^T - k u^T
        k = blas.dsymv(1.0, matrix, unit, lower=1)
        k -= (unit @ k / 2) * unit
        matrix = blas.dsyr2(-1.0, unit, k, lower=1, a=matrix, overwrite_a=1)
        # Adding t u u^T makes t the eigenvalue of u, whatever the rank of K. t is the trace, so at least the largest one.
        self.lifted = np.trace(matrix) or 1.0
        matrix = blas.dsyr(self.lifted, unit, lower=1, a=matrix, overwrite_a=1)
        super().__init__(matrix, targets - np.outer(unit, unit @ targets))
        self.root = root
        self.unit = unit

    def quarter(self):
        """A quarter of the sequences, where the same penalties are as good: they are ratios of variances."""
        return DualSystem(self._thinned(4), self.root[::4], self.targets[::4]), 1.0

    def factor(self, alpha):
        """Compute the inverse of the Cholesky factor for this alpha; False where float64 finds none."""
        if not super().factor(alpha):
            return False
        self.dual = lapack.dpotrs(self._factor, self.targets, lower=1)[0]
        lapack.dtrtri(self._factor, lower=1, overwrite_c=1)
        self.remains = np.einsum("ij,ij->j", self._factor, self._factor)
        self.remains -= np.square(self.unit) / (self.lifted + alpha)
        return True

    def solution(self):
        """Dual coefficients c, (N, C)."""
        return self.dual

    def errors(self, part):
        """Leave-one-out errors e, (N, C)."""
        return _quotients(self.dual, self.remains)[part]


def _quotients(residuals, remains):
    """Residuals (n, C) over what remains of each sequence (n,); 0 / 0 counts as 0."""
    remains = remains[:, None]
    return np.divide(residuals, remains, out=np.zeros_like(residuals), where=remains > 0)
