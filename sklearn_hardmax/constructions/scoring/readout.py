"""One score a class from the pooled sums of heads, exactly.

    score_c = beta_c + (sum over ppv and means of omega_fc sum_f) / n  +  sum over maxima of omega_fc max_f

Coefficients omega are rounded to integers times one power of two for each kind of head, so that the integers of a class add
up to less than 2^32; sums are cut into limbs of 20 bits. Then every product and every partial sum of a matrix product is an
integer below 2^53, hence exact in float64 in whatever order it is added, and scores are the same bits in any batch.
"""

from dataclasses import dataclass

import numpy as np

from sklearn_hardmax.constructions.heads.pooled import MAX, MEAN, PPV

_COEFFICIENT_BITS = 32  # of the sum of moduli of a class
_LIMB = 2.0**20


@dataclass(frozen=True)
class Readout:
    """Coefficients of a linear function of pooled sums.

    integers : (K C, F), for each of K kinds of heads the integers of the classes, 0 for heads of other kinds; kinds : (K,),
    MAX last; steps : (K,) powers of two; intercept : (C,); means : (F,) mean features of the training sequences.
    """

    integers: np.ndarray
    kinds: tuple
    steps: np.ndarray
    intercept: np.ndarray
    means: np.ndarray

    @classmethod
    def from_coefficients(cls, coefficients, intercept, means, heads):
        """From coefficients (F, C) and intercept (C,) of features."""
        kinds = tuple(kind for kind in (PPV, MEAN, MAX) if (heads.kinds == kind).any())
        of_sums = coefficients.T * heads.scales
        parts = [np.where(heads.kinds == kind, of_sums, 0.0) for kind in kinds]
        most = np.array([max(np.abs(part).sum(axis=1).max(), np.finfo(np.float64).tiny * 2.0**64) for part in parts])
        # rounding adds 1/2 a head at most
        steps = 2.0 ** (np.frexp(most)[1] + 1 - _COEFFICIENT_BITS)
        integers = np.concatenate([np.rint(part / step) for part, step in zip(parts, steps)])
        return cls(integers, kinds, steps, intercept, means)

    def scores(self, lengths, sums, largest):
        """Score of every class, (C, B), from sums (F, B) of moduli up to `largest` of sequences of these lengths (B,)."""
        products = _exact_product(self.integers, sums, largest).reshape(len(self.kinds), len(self.intercept), -1)
        products *= self.steps[:, None, None]
        scores = np.zeros(products.shape[1:])
        for kind, product in zip(self.kinds, products):
            if kind != MAX:
                scores += product
        scores /= lengths
        scores += self.intercept[:, None]
        if self.kinds[-1] == MAX:
            scores += products[-1]
        return scores

    def coefficients(self, heads):
        """Coefficients of features as they are, (F, C): what the network holds."""
        parts = self.integers.reshape(len(self.kinds), len(self.intercept), -1) * self.steps[:, None, None]
        return parts.sum(axis=0).T / heads.scales[:, None]


def _exact_product(integers, sums, largest):
    """integers @ sums for integers in float64; limbs of the sums are multiplied exactly, and added from the highest."""
    if largest < _LIMB:
        return integers @ sums
    high = np.floor(sums * (1 / _LIMB))
    out = _LIMB * _exact_product(integers, high, largest / _LIMB)
    high *= -_LIMB
    high += sums
    out += integers @ high
    return out
