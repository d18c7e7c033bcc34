"""Exactness at no cost to what was learned: spikes on a generic code.

A smooth score errs on a few training sequences. The *fingerprint* of a sequence is one number in which any two sequences
almost surely differ:

    c = 1/2 + sum_r max_i s_r(z_i) / 8 + mean_i (sum_r t_r(z_i)) / 16,

four leader reads of s_r in [1, 2], the first layer of codes.py, and the mean of four ramps t_r in [0, 1], all along random
directions; c lies in [1, 7/4]. A *spike* is a hat on the line of c around the code of a misfit, that adds a height H to the
score of its class. It is 1 within a distance of its code that permutations of the tokens do not leave (n eps), and 0 beyond
a quarter of the gap to the next code of another sequence, at 2^-30 at most: unseen sequences do not meet it. Its slopes
are powers of two and so is H; preactivations are exact on the grid 2^-52 of the codes, and hats are exactly 0 or H on
training codes, whatever other hats stand in the same layer.

Where no fingerprint leaves such gaps, the code of codes.py takes its place, which tells apart whatever can be.
"""

from dataclasses import dataclass

import numpy as np

from sklearn_hardmax.constructions.codes import (
    Code,
    Projection,
    TokenHats,
    hat_values,
    in_batches,
    placed,
    project,
    squash,
)
from sklearn_hardmax.forward import EPS

_READS = 4
LEADER_WEIGHT, MEAN_WEIGHT = 2.0**-3, 2.0**-4
_WIDEST = 2.0**-30
_NARROWEST = 2.0**-48  # then preactivations reach 2^49 on a grid of 2^-4
_NEAR = 2.0**-40


@dataclass(frozen=True)
class Fingerprint:
    """A code in which any two sequences almost surely differ.

    leaders : (4, n_coordinates) directions of s_r; ramps : (4, n_coordinates) directions of t_r; biases : (4,).
    """

    projection: Projection
    leaders: np.ndarray
    ramps: np.ndarray
    biases: np.ndarray

    @classmethod
    def draw(cls, projection, rng):
        """Random directions and biases."""
        directions = placed(rng.normal(size=(2 * _READS, projection.n_coordinates)))
        return cls(projection, directions[:_READS], 4 * directions[_READS:], rng.uniform(-0.5, 0.5, _READS))

    def of(self, sequences, n_jobs=None):
        """Code of every sequence, (N,); the same bits for any batch, chunk and n_jobs."""
        return in_batches(self._of, sequences, n_jobs)

    def _of(self, sequences):
        out = np.empty(len(sequences))
        for i, j, segments, columns in self.projection.encoded(sequences):
            code = np.full(j - i, 0.5)
            for direction in self.leaders:
                code += LEADER_WEIGHT * segments.maxima(squash(project(direction, columns)))
            ramps = np.zeros(columns.shape[1])
            for direction, bias in zip(self.ramps, self.biases):
                line = project(direction, columns)
                rise = np.maximum(line + bias, 0.0)
                rise -= np.maximum(line + (bias - 1.0), 0.0)
                ramps += rise
            out[i:j] = code + MEAN_WEIGHT * segments.means(ramps)
        return out

    @staticmethod
    def tolerance(lengths):
        """How far a code may move under a permutation of tokens: 2 n eps of a mean of at most 4, and its last addition."""
        return (8 * MEAN_WEIGHT * lengths.max() + 2) * EPS


@dataclass(frozen=True)
class Spikes:
    """Hats on the line of a code; spike k adds hats.unit to the score of class labels[k]."""

    code: Fingerprint | Code
    hats: TokenHats
    labels: np.ndarray
    margin: float

    def add_to(self, scores, codes):
        """Add the spikes to scores (C, B), in place, for codes (B,)."""
        lift, spike = hat_values(self.hats, codes)
        scores[self.labels[spike], np.arange(len(codes))] += lift


def place_spikes(code, codes, tolerance, labels, needed, height):
    """Spikes for the sequences that are `needed` (N,) bool, or None where the code leaves too little room.

    codes : (N,) of all training sequences; tolerance : how far one of them may move; labels : (N,); height : power of two.
    Codes nearer than 2 tolerance, and near codes of one label, share a spike.
    """
    order = np.argsort(codes, kind="stable")
    codes, labels, needed = codes[order], labels[order], needed[order]
    steps = np.diff(codes)
    joined = (steps <= 2 * tolerance) | ((steps <= _NEAR) & (labels[1:] == labels[:-1]))
    first = np.flatnonzero(np.append(True, ~joined))
    last = np.append(first[1:], len(codes)) - 1
    low, high = codes[first], codes[last]
    gaps = np.concatenate([[np.inf], low[1:] - high[:-1], [np.inf]])
    mine = np.flatnonzero(np.logical_or.reduceat(needed, first))
    low, high, gap = low[mine], high[mine], np.minimum(gaps[:-1], gaps[1:])[mine]
    one_label = np.minimum.reduceat(labels, first)[mine] == np.maximum.reduceat(labels, first)[mine]
    widths = np.minimum(_WIDEST, 2.0 ** np.floor(np.log2(np.minimum(gap, 1.0))) / 4)
    centers = np.ldexp(np.rint(np.ldexp((low + high) / 2, 52)), -52)
    extent = np.maximum(high - centers, centers - low)
    if not (one_label & (widths >= _NARROWEST) & (widths >= extent + tolerance)).all():
        return None
    hats = TokenHats(centers, widths, np.ones(len(mine)), height)
    # both ends of the plateau, and the foot of the hat against the next code
    room = np.minimum(widths - extent, gap - 2 * widths)
    margin = float(np.min(room / max(tolerance, 2.0**-52), initial=np.inf))
    return Spikes(code, hats, labels[first][mine], margin)
