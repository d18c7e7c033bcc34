"""Exactness at no cost to what was learned: corrections on a generic code.

A smooth score errs on a few training sequences. The *random_code* of a sequence is one number, which differs between
any two sequences but for special data:

    c = 1/2 + (sum_r max_i s_r(z_i)) / 8 + (sum_r mean_i t_r(z_i)) / 16,

four leader reads of s_r in [1, 2], the first layer of codes.py, and the means of four ramps t_r in [0, 1], all along random
directions; c lies in [1, 7/4]. A *correction* is a bump on the line of c around the code of a misfit, that adds a height H to
the score of its class,

    H (relu((c - low) / w + 1) - relu((c - low) / w) - relu((c - high) / w) + relu((c - high) / w - 1)).

Its plateau holds the code and all that permutations of the tokens make of it (n eps), and it is 0 beyond half the gap to the
next code of another label, 2^-35 at most for short sequences: unseen sequences do not meet it. Its slopes are powers of two
and so is H; preactivations are exact on the grid 2^-52 of the codes, and corrections are exactly 0 or H on training codes,
whatever other corrections stand in the same layer.

Where no random_code leaves such gaps, the code of codes.py takes its place, which tells apart whatever can be.
"""

from dataclasses import dataclass

import numpy as np

from sklearn_hardmax.constructions.codes.random_code import RandomCode
from sklearn_hardmax.constructions.codes.sequence_code import SequenceCode

_WIDEST = 2.0**-36
_NARROWEST = 2.0**-48  # then preactivations reach 2^49 on a grid of 2^-4
_NEAR = 2.0**-40


@dataclass(frozen=True)
class Corrections:
    """Bumps on the line of a code; correction k adds `height` to the score of class labels[k].

    low, high : (K,), ends of the plateaus, ascending; widths : (K,) of the slopes on both sides, powers of two; height : a
    power of two; labels : (K,); margin : smallest distance of a training code from the end of a plateau or slope, over what
    it may move.
    """

    code: RandomCode | SequenceCode
    low: np.ndarray
    high: np.ndarray
    widths: np.ndarray
    height: float
    labels: np.ndarray
    margin: float

    def values(self, codes):
        """Height of the one correction at every code (B,), in the engine's order of sums, and its index; the others are 0."""
        k = np.searchsorted((self.high[:-1] + self.low[1:]) / 2, codes)
        line, total = codes * (1.0 / self.widths)[k], np.zeros_like(codes)
        for sign, edge, corner in ((1, self.low, 1.0), (-1, self.low, 0.0), (-1, self.high, 0.0), (1, self.high, -1.0)):
            total += (sign * self.height) * np.maximum(line + (corner - (edge / self.widths)[k]), 0.0)
        return total, k

    def clearances(self, codes):
        """Distance of every code (B,) to the nearest slope; negative on a slope."""
        k = np.searchsorted((self.high[:-1] + self.low[1:]) / 2, codes)
        inside = np.minimum(codes - self.low[k], self.high[k] - codes)
        outside = np.maximum(self.low[k] - codes, codes - self.high[k]) - self.widths[k]
        return np.where(inside >= 0, inside, outside)

    def add_to(self, scores, codes):
        """Add the corrections to scores (C, B), in place, for codes (B,)."""
        added, correction = self.values(codes)
        scores[self.labels[correction], np.arange(len(codes))] += added


def widest(error_bound):
    """Width that no correction exceeds, however much clearance there is: 2^-36, or 8 to 16 error_bounds where that is more."""
    return max(_WIDEST, 2.0 ** np.ceil(np.log2(8 * error_bound))) if error_bound > 0 else _WIDEST


def place_corrections(code, codes, error_bound, labels, needed, height):
    """Corrections for the sequences that are `needed` (N,) bool, or None where the code leaves too little clearance.

    codes : (N,) of all training sequences; error_bound : how far one of them may move; labels : (N,); height : power of two.
    Codes nearer than 2 error_bound, and near codes of one label, share a correction.
    """
    order = np.argsort(codes, kind="stable")
    codes, labels, needed = codes[order], labels[order], needed[order]
    steps = np.diff(codes)
    joined = (steps <= 2 * error_bound) | ((steps <= _NEAR) & (labels[1:] == labels[:-1]))
    first = np.flatnonzero(np.append(True, ~joined))
    last = np.append(first[1:], len(codes)) - 1
    gaps = np.concatenate([[np.inf], codes[first[1:]] - codes[last[:-1]], [np.inf]])
    mine = np.flatnonzero(np.logical_or.reduceat(needed, first))
    gap = np.minimum(gaps[:-1], gaps[1:])[mine]
    one_label = np.minimum.reduceat(labels, first)[mine] == np.maximum.reduceat(labels, first)[mine]
    widths = np.minimum(widest(error_bound), 2.0 ** np.floor(np.log2(np.minimum(gap, 1.0))) / 4)
    if not (one_label & (widths >= _NARROWEST) & (widths >= error_bound)).all():
        return None
    # ends of plateaus and thresholds of slopes stay on the grid of the codes
    low, high = codes[first][mine] - widths, codes[last][mine] + widths
    # a code stands a width from the ends of its plateau, and no less from the slopes of others: gaps are 4 widths and more
    margin = float(np.min(widths / max(error_bound, 2.0**-52), initial=np.inf))
    return Corrections(code, low, high, widths, height, labels[first][mine], margin)
