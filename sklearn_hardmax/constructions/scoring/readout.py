"""Class scores from the pooled sums of heads, by products whose additions are exact in any order.

A head pools a linear form with integer coefficients over the n tokens of a sequence: `sum_f` is its sum over the tokens for
ppv and mean heads, `max_f` its maximum for max heads, both integers. With regression coefficients omega in the units of these
integers, the score of class c is

    score_c = beta_c + (sum over ppv and mean heads of omega_fc sum_f) / n + sum over max heads of omega_fc max_f

Coefficients omega are rounded to integers times one power of two per kind of head, such that the moduli of the integers of a
class add up to less than 2^32; pooled sums are split into limbs of 20 bits. Then every product and every partial sum of a
matrix product is an integer below 2^53, hence exact in float64 in whatever order it is added, and scores are the same bits
in any batch.
"""

from dataclasses import dataclass

import numpy as np

from sklearn_hardmax.constructions.heads.pooled import MAX, MEAN, PPV

_COEFFICIENT_BITS = 32  # of the sum of moduli of a class
_LIMB = 2.0**20  # pooled sums are numbers in this base


@dataclass(frozen=True)
class Readout:
    """Coefficients of C scores that are linear in F pooled sums.

    Attributes
    ----------
    integers : ndarray of shape (K C, F)
        Coefficients over their step: C rows for each of K kinds of heads, 0 for heads of other kinds.
    kinds : tuple of int
        The K kinds that occur, in the order PPV, MEAN, MAX.
    steps : ndarray of shape (K,)
        The power of two by which the integers of a kind are multiplied.
    intercept : ndarray of shape (C,)
    means : ndarray of shape (F,)
        Mean features of the training sequences.
    """

    integers: np.ndarray
    kinds: tuple
    steps: np.ndarray
    intercept: np.ndarray
    means: np.ndarray

    @classmethod
    def from_coefficients(cls, coefficients, intercept, means, heads):
        """From coefficients (F, C) and intercept (C,) of the features, which are pooled sums times heads.scales."""
        kinds = tuple(kind for kind in (PPV, MEAN, MAX) if (heads.kinds == kind).any())
        of_sums = coefficients.T * heads.scales
        parts = [np.where(heads.kinds == kind, of_sums, 0.0) for kind in kinds]
        # the lower bound keeps the steps normal numbers where all coefficients of a kind are 0
        most = np.array([max(np.abs(part).sum(axis=1).max(), np.finfo(np.float64).tiny * 2.0**64) for part in parts])
        # most over step is in [2^30, 2^31), and rounding adds at most 1/2 per head: below 2^32
        steps = 2.0 ** (np.frexp(most)[1] + 1 - _COEFFICIENT_BITS)
        integers = np.concatenate([np.rint(part / step) for part, step in zip(parts, steps)])
        return cls(integers, kinds, steps, intercept, means)

    def scores(self, lengths, sums, largest):
        """Score of every class, (C, B), from sums (F, B) of moduli up to `largest` of sequences of these lengths (B,)."""
        products = _exact_product(self.integers, sums, largest).reshape(len(self.kinds), len(self.intercept), -1)
        products *= self.steps[:, None, None]
        # the order of these additions is part of the result: ppv, mean, over n, intercept, max
        scores = np.zeros(products.shape[1:])
        for kind, product in zip(self.kinds, products):
            if kind != MAX:
                scores += product
        scores /= lengths
        scores += self.intercept[:, None]
        if self.kinds[-1] == MAX:
            scores += products[-1]
        return scores

    def scores_of(self, heads, sequences):
        """Score of every class, (C, N), by pooling the heads of all sequences."""
        out = np.empty((len(self.intercept), len(sequences)))
        for chunk, sums in heads.sums(sequences):
            out[:, chunk.indices] = self.scores(chunk.lengths, sums, heads.largest_sum(chunk))
        return out

    def coefficients(self, heads):
        """Coefficients of the features, (F, C), on the grid; the network has the same ones."""
        parts = self.integers.reshape(len(self.kinds), len(self.intercept), -1) * self.steps[:, None, None]
        return parts.sum(axis=0).T / heads.scales[:, None]


def _exact_product(integers, sums, largest):
    """integers @ sums for integers in float64; limbs of the sums are multiplied exactly, and added from the highest."""
    if largest < _LIMB:
        return integers @ sums
    # sums = 2^20 high + low with 0 <= low < 2^20; high may have several limbs itself
    high = np.floor(sums * (1 / _LIMB))
    out = _LIMB * _exact_product(integers, high, largest / _LIMB)
    high *= -_LIMB
    high += sums  # now the low limb, without another array
    out += integers @ high
    return out
