r"""Correct the training errors of a regression in intervals so narrow that other sequences hardly ever meet them.

The ridge regression misclassifies a few training sequences. Each of them gets a *correction*, which is located by the *code*
of the sequence: one number, pooled from its encoded tokens. The random code (codes/random_code.py) is

    c = 1/2 + (sum_r max_i s_r(z_i)) / 8 + (sum_r mean_i t_r(z_i)) / 16,

the maxima over the tokens of four ramps s_r in [1, 2], each one leader attention (hardmax attention of rank one), and the
means of four ramps t_r in [0, 1], all along random directions. It lies in [1, 7/4], and differs between any two sequences
except for special data. A correction is a bump on the line of c that adds a height H to the score of one class:

      H               ___________________
                     /                   \
                   /                       \
      0  ________/                           \__________ c
                |     |     |     |     |     |
              low-w  low  first last   high  high+w

    H (relu((c - low) / w + 1) - relu((c - low) / w) - relu((c - high) / w) + relu((c - high) / w - 1))

`first` and `last` are the smallest and the largest code of the training sequences that share the correction: one sequence, or
a few of one label with nearly equal codes. The plateau ends one width w beyond them, low = first - w and high = last + w: it
holds each code and all that permutations of the tokens make of it (n eps). Each slope is one width more. With g the distance
to the next training code outside, w <= g / 4: the bump is 0 from a distance of 2 w <= g / 2 on, at most half way to that
code. Also w <= 2^-36 while the error bound of the codes is at most 2^-39, which is so for up to 16,376 tokens per sequence.

Predictions on unseen sequences change only by coincidence, because a bump adds exactly 0 beyond its slopes, and these end
2 w <= 2^-35 from the corrected training codes: to be affected, an unseen sequence needs a code within 3e-11 of a corrected
one. Sequences with the same encoded tokens in the same proportions have such codes, and get the same label.

Widths are powers of two, so slopes are, and so is H. Preactivations are exact on the grid 2^-52 of the codes, and corrections
are exactly 0 or H on training codes, whatever other corrections the same layer holds.

Where no random code leaves such gaps, the code by bumps of codes/selection.py is used. It tells training sequences apart by
the frequencies of a few of their tokens; an unseen sequence in which each of these tokens is as
frequent as in a corrected one is corrected too.
"""

from dataclasses import dataclass

import numpy as np

from sklearn_hardmax.constructions.codes.random_code import RandomCode
from sklearn_hardmax.constructions.codes.sequence_code import SequenceCode

_WIDEST = 2.0**-36  # width that is enough
_NARROWEST = 2.0**-48  # preactivations then reach 2^49 on a grid of 2^-4: 53 bits
_NEAR = 2.0**-40  # codes of one label at most this far apart share a correction


@dataclass(frozen=True)
class Corrections:
    """K bumps on the line of a code; correction k adds `height` to the score of class labels[k] and nothing to others.

    Attributes
    ----------
    code : RandomCode or SequenceCode
        Computes the code of a sequence.
    low, high : ndarray of shape (K,)
        Ends of the plateaus, ascending.
    widths : ndarray of shape (K,)
        Widths of the slopes on both sides, powers of two.
    height : float
        A power of two.
    labels : ndarray of shape (K,), int
        Class indices.
    margin : float
        Smallest clearance of a training code (its distance from the next slope) over the error bound of codes.
    """

    code: RandomCode | SequenceCode
    low: np.ndarray
    high: np.ndarray
    widths: np.ndarray
    height: float
    labels: np.ndarray
    margin: float

    def values(self, codes):
        """Height of the nearest correction at every code (B,), and its index (B,); all other corrections are 0 there."""
        k = self._nearest(codes)
        line = codes * (1.0 / self.widths)[k]
        total = np.zeros_like(codes)
        # the hidden units of common.units.bump_units_between, one after another: the same roundings as in the network
        for sign, edge, corner in ((1, self.low, 1.0), (-1, self.low, 0.0), (-1, self.high, 0.0), (1, self.high, -1.0)):
            total += (sign * self.height) * np.maximum(line + (corner - (edge / self.widths)[k]), 0.0)
        return total, k

    def clearances(self, codes):
        """Distance of every code (B,) to the nearest slope; negative on a slope."""
        k = self._nearest(codes)
        inside = np.minimum(codes - self.low[k], self.high[k] - codes)
        outside = np.maximum(self.low[k] - codes, codes - self.high[k]) - self.widths[k]
        return np.where(inside >= 0, inside, outside)

    def _nearest(self, codes):
        """Index of the plateau nearest to each code, (B,)."""
        # midpoints of the gaps between neighbouring plateaus
        return np.searchsorted((self.high[:-1] + self.low[1:]) / 2, codes)

    def add_to(self, scores, codes):
        """Add the corrections to scores (C, B), in place, for codes (B,)."""
        added, correction = self.values(codes)
        scores[self.labels[correction], np.arange(len(codes))] += added


def widest(error_bound):
    """Largest width of a correction, at any distance of codes: 2^-36, or 8 to 16 error bounds where that is more."""
    return max(_WIDEST, 2.0 ** np.ceil(np.log2(8 * error_bound))) if error_bound > 0 else _WIDEST


def place_corrections(code, codes, error_bound, labels, needs_correction, height):
    """Place one correction per group of nearly equal codes that holds a sequence which needs one.

    Parameters
    ----------
    code : RandomCode or SequenceCode
    codes : ndarray of shape (N,)
        Its values on all training sequences.
    error_bound : float
        How far a permutation of the tokens may move a code.
    labels : ndarray of shape (N,), int
    needs_correction : ndarray of shape (N,), bool
    height : float
        A power of two.

    Returns
    -------
    Corrections or None
        None where a group holds two labels, or the gaps between codes are too small for the narrowest admissible width.
    """
    order = np.argsort(codes, kind="stable")
    codes = codes[order]
    labels = labels[order]
    needs_correction = needs_correction[order]
    # neighbours share a correction where they may be confused (2 error bounds), or have one label and are near
    steps = np.diff(codes)
    joined = (steps <= 2 * error_bound) | ((steps <= _NEAR) & (labels[1:] == labels[:-1]))
    # groups are runs of sorted codes, from index `first` to `last`; the gaps before and after each of them
    first = np.flatnonzero(np.append(True, ~joined))
    last = np.append(first[1:], len(codes)) - 1
    gaps = np.concatenate([[np.inf], codes[first[1:]] - codes[last[:-1]], [np.inf]])
    corrected = np.flatnonzero(np.logical_or.reduceat(needs_correction, first))  # indices of groups
    nearest = np.minimum(gaps[:-1], gaps[1:])[corrected]
    has_one_label = np.minimum.reduceat(labels, first)[corrected] == np.maximum.reduceat(labels, first)[corrected]
    # a power of two, at most a quarter of the distance to the next group
    widths = np.minimum(widest(error_bound), 2.0 ** np.floor(np.log2(np.minimum(nearest, 1.0))) / 4)
    if not (has_one_label & (widths >= _NARROWEST) & (widths >= error_bound)).all():
        return None
    # ends of plateaus and of slopes stay on the grid of the codes
    low = codes[first][corrected] - widths
    high = codes[last][corrected] + widths
    # a code is one width from the ends of its plateau, and no less from the slopes of others: gaps are 4 widths and more
    margin = float(np.min(widths / max(error_bound, 2.0**-52), initial=np.inf))
    return Corrections(code, low, high, widths, height, labels[first][corrected], margin)
