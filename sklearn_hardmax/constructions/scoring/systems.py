"""Ridge regressions that can be solved for one penalty alpha after another, in the primal and in the dual form.

Both are given by a positive semidefinite matrix A of order m, whose lower half is held in Fortran order. `factor(alpha)`
writes the Cholesky factor U of A + alpha I = U^T U into the upper half of the same array: nothing else of that size is held.
The diagonal of A is kept aside. What a system offers is described in penalty.py, which chooses alpha.

Z (F, N), Y (N, C), u and K are those of ridge.py: standardised features and targets, with the roots of the weights.

    primal   A = Z Z^T      b = U^-1 (U^-T Z Y)                    h_i = u_i^2 + |U^-T z_i|^2
    dual     A = K + t u u^T   c = U^-1 (U^-T Y), b = Z c          d_i = |row i of U^-1|^2 - u_i^2 / (t + alpha)

The leave-one-out errors are e_i = (Y - Z^T b)_i / (1 - h_i) in the primal, and e_i = c_i / d_i in the dual form.
"""

import numpy as np
from scipy.linalg import blas, lapack
from sklearn.utils import gen_batches

from sklearn_hardmax.constructions.scoring.grid import BLOCK

_EPS_SINGLE = 2.0**-24
_WHOLE = 1024  # sequences left out: up to so many are one part
_PARTS = 4  # parts of more sequences
_PENALTY_POWER = 0.75  # of the number of features, in which the best penalty grows: measured on sixteen data sets


class _System:
    """A matrix that is factored for one alpha after another.

    `single_from` is the smallest alpha at which the factor may be computed in float32, inf where that is not offered.

    Parameters
    ----------
    matrix : ndarray of shape (m, m), Fortran order
        Its lower half is read, its upper half is overwritten.
    targets : ndarray of shape (n, C)
        Rows of Y of the sequences that are left out.
    """

    single_from = np.inf

    def __init__(self, matrix, targets):
        self.matrix = matrix
        self.targets = targets
        self.diagonal = np.diagonal(matrix).copy()

    @property
    def order(self):
        """Order m of the matrix."""
        return len(self.matrix)

    def factor(self, alpha):
        """Write the Cholesky factor for this alpha into the upper half; False where float64 finds none."""
        matrix = self.matrix
        for block in gen_batches(self.order, BLOCK):
            # the lower half below the diagonal is never overwritten
            corner = matrix[block, block]
            corner[:] = np.tril(corner, -1) + np.tril(corner, -1).T
            matrix[block, block.stop :] = matrix[block.stop :, block].T
        np.fill_diagonal(matrix, self.diagonal + alpha)
        _, failed = lapack.dpotrf(matrix, lower=0, clean=0, overwrite_a=1)
        return not failed

    def _thinned(self, step):
        """Every step-th row and column of the matrix, Fortran order; only the lower half is valid."""
        thinned = np.asfortranarray(self.matrix[::step, ::step])
        np.fill_diagonal(thinned, self.diagonal[::step])
        return thinned


class PrimalSystem(_System):
    """Ridge regression among F features.

    Parameters
    ----------
    matrix : ndarray of shape (F, F), Fortran order
        Z Z^T, lower half.
    products : ndarray of shape (F, C)
        Z Y.
    features : ndarray of shape (F, n)
        Columns of Z of the sequences that are left out.
    leverages : ndarray of shape (n,)
        Their u^2.
    targets : ndarray of shape (n, C)
        Their rows of Y.
    """

    def __init__(self, matrix, products, features, leverages, targets):
        super().__init__(matrix, targets)
        self.products = products
        self.features = features
        self.leverages = leverages
        # the trace bounds the largest eigenvalue, and float32 rounds the matrix by some 2^-24 of that
        self.single_from = _EPS_SINGLE * self.diagonal.sum()
        self.single = None

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
        smaller = PrimalSystem(matrix, self.products[::4], features, self.leverages[part], self.targets[part])
        return smaller, (smaller.order / self.order) ** _PENALTY_POWER

    def factor(self, alpha, single=False):
        """Write the factor into the upper half, or hold one in float32; False where float64, or float32, finds none."""
        self.single = None
        if not single:
            return super().factor(alpha)
        self.single = self.matrix.astype(np.float32, order="F")
        np.fill_diagonal(self.single, self.diagonal + alpha)
        _, failed = lapack.spotrf(self.single, lower=1, clean=0, overwrite_a=1)
        return not failed

    def _solved(self, sides):
        """U^-T sides, (F, n), with the last factor."""
        if self.single is None:
            return blas.dtrsm(1.0, self.matrix, np.array(sides, order="F"), lower=0, trans_a=1, overwrite_b=1)
        return blas.strsm(1.0, self.single, np.array(sides, np.float32, order="F"), lower=1, overwrite_b=1)

    def solution(self):
        """Coefficients b, (F, C), from a factor in float64."""
        return lapack.dpotrs(self.matrix, self.products, lower=0)[0]

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
        Inner products of features under root weights, lower half; about any center, since they are centred here.
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
        """Write the inverse of the Cholesky factor for this alpha into the upper half; False where float64 finds none."""
        if not super().factor(alpha):
            return False
        self.dual = lapack.dpotrs(self.matrix, self.targets, lower=0)[0]
        lapack.dtrtri(self.matrix, lower=0, overwrite_c=1)
        self.remains = self._inverse_diagonal() - np.square(self.unit) / (self.lifted + alpha)
        return True

    def _inverse_diagonal(self):
        """Sums of squares of the rows of the upper half, (N,)."""
        sums = np.zeros(self.order)
        for block in gen_batches(self.order, BLOCK):
            columns = self.matrix[: block.stop, block]
            sums[: block.start] += np.einsum("ij,ij->i", columns[: block.start], columns[: block.start])
            corner = np.triu(columns[block.start :])
            sums[block] += np.einsum("ij,ij->i", corner, corner)
        return sums

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
