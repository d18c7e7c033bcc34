"""One score a class from the pooled sums of heads, exactly.

    score_c = beta_c + (sum over shares and means of omega_fc sum_f) / n  +  sum over maxima of omega_fc max_f

Coefficients omega are rounded to integers times one power of two for each kind of head, so that the integers of a class add
up to less than 2^32; sums are cut into limbs of 20 bits. Then every product and every partial sum of a matrix product is an
integer below 2^53, hence exact in float64 in whatever order it is added, and scores are the same bits in any batch.
"""

from dataclasses import dataclass

import numpy as np

from sklearn_hardmax.constructions.heads import MAX, MEAN, SHARE

_COEFFICIENT_BITS = 32  # of the sum of moduli of a class
_LIMB = 2.0**20


@dataclass(frozen=True)
class Readout:
    """Coefficients of a linear function of pooled sums.

    integers : for SHARE, MEAN and MAX the integers (C, F), 0 for heads of other kinds, or None without heads of the kind;
    steps : their powers of two; intercept : (C,); means : (F,) mean features of the training sequences.
    """

    integers: dict
    steps: dict
    intercept: np.ndarray
    means: np.ndarray

    @classmethod
    def of(cls, coefficients, intercept, means, heads):
        """From coefficients (F, C) and intercept (C,) of features."""
        integers, steps, kinds = {}, {}, heads.kinds
        of_sums = coefficients.T * heads.scales
        for kind in (SHARE, MEAN, MAX):
            mine = np.where(kinds == kind, of_sums, 0.0)
            most = np.abs(mine).sum(axis=1).max(initial=0.0)
            if most > 0:
                # rounding adds 1/2 a head at most
                steps[kind] = 2.0 ** (np.frexp(most)[1] + 1 - _COEFFICIENT_BITS)
                integers[kind] = np.rint(mine / steps[kind])
        return cls(integers, steps, intercept, means)

    def scores(self, lengths, sums):
        """Score of every class, (C, B), from sums (F, B) of sequences of these lengths (B,)."""
        pooled = np.zeros((len(self.intercept), len(lengths)))
        for kind in (SHARE, MEAN):
            if kind in self.integers:
                pooled += self.steps[kind] * _exact_product(self.integers[kind], sums)
        pooled /= lengths
        pooled += self.intercept[:, None]
        if MAX in self.integers:
            pooled += self.steps[MAX] * _exact_product(self.integers[MAX], sums)
        return pooled

    def coefficients(self, heads):
        """Coefficients of features as they are, (F, C): what the network holds."""
        out = np.zeros((heads.n_heads, len(self.intercept)))
        for kind, integers in self.integers.items():
            out += (self.steps[kind] * integers).T
        return out / heads.scales[:, None]


def _exact_product(integers, sums):
    """integers @ sums for integers in float64; limbs of the sums are multiplied exactly, and added from the highest."""
    if np.abs(sums).max(initial=0.0) < _LIMB:
        return integers @ sums
    high = np.floor(sums / _LIMB)
    out = _LIMB * _exact_product(integers, high)
    out += integers @ (sums - _LIMB * high)
    return out
