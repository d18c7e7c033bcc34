"""One number a sequence: the code that tells sequences of different label apart.

First layer (eta = 0): x = <u, z> + 1/2, s = (relu(x) - relu(x - 1)) + 1. Encoded training tokens lie in [-1, 1] and
sum |u_j| <= 7/16, so that s - 1 lies in [1/16, 15/16] on them; s >= 1 for every token, and s <= 2 up to the rounding of x.
One attention layer (rho = 0) then replaces every token by the code A in [1, 2] of its sequence, times a power of two:

    leader   A = max s or min s, bitwise independent of the order and the number of tokens
    mean     A = mean of s, stable under permutation up to 2 n eps
    bumps     A = mean of 1 + unit * sum_k a_k bump_k(s): a sum of frequencies, exact on training tokens

The cheapest read that is safe is taken, and among those of its kind the one with the fewest runs of equal label along the
line. A read is safe when neighbours of different label are at least 2^-46 apart, so that the ramps between them stand on
the grid of the codes and every sum of the decode is exact; a mean must leave 16 n eps besides.

All codes lie in the binade [1, 2). With more than two classes they are rounded to its even grid points by adding and
subtracting 2: then a border can stand between any two neighbouring codes, and no code ever meets a border.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sklearn_hardmax.constructions.codes.projection import Projection, clipped_ramp, even_grid, project
from sklearn_hardmax.constructions.common.batches import in_batches
from sklearn_hardmax.constructions.common.temperatures import max_temperature
from sklearn_hardmax.forward.ties import EPS
from sklearn_hardmax.sequences.segments import changes

SAFE_GAP = 2.0**-46


class Bumps(NamedTuple):
    """TokenCoefficients on the line of s, by ascending centre: all arrays (K,) float64; unit a power of two."""

    centers: np.ndarray
    widths: np.ndarray
    heights: np.ndarray
    unit: float

    def part(self, first, last):
        """TokenCoefficients first to last (exclusive)."""
        return Bumps(*(values[first:last] for values in self[:3]), self.unit)


@dataclass(frozen=True)
class SequenceCode:
    """A read: everything that turns a sequence into its number A in [1, 2].

    direction : (n_coordinates,); kind : "max", "min", "mean" or "bumps"; bumps : Bumps or None;
    coarse : whether A is rounded to the even grid points of [1, 2); temperature : of a leader read, 0 the hardmax.
    """

    projection: Projection
    direction: np.ndarray
    kind: str
    coarse: bool
    bumps: Bumps | None = None
    temperature: float = 0.0

    @property
    def sign(self):
        """1 where the largest s is read, -1 where the smallest is, 0 where the mean is."""
        return {"max": 1.0, "min": -1.0}.get(self.kind, 0.0)

    @property
    def is_leader_read(self):
        """Whether A is the value of one token."""
        return self.kind in ("max", "min")

    def token_values(self, columns):
        """S of every token, (n,)."""
        return clipped_ramp(project(self.direction, columns))

    def evaluate(self, sequences, n_jobs=None):
        """A of every sequence, shape (N,); the same bits for any batch, chunk and n_jobs."""
        return in_batches(self._evaluate, sequences, n_jobs)[:, 0]

    def evaluate_training(self, sequences, n_jobs=None):
        """A of every sequence, and the smallest gap in ulps between a leader and the next value of s in its sequence.

        The gap is inf without leaders.
        """
        found = in_batches(self._with_gaps, sequences, n_jobs)
        return found[:, 0], float(found[:, 1].min())

    def separations(self, sequences, n_jobs=None):
        """Distance of the leader that is read of each sequence to the next value of s, (N,); inf where there is none."""
        return in_batches(self._separations, sequences, n_jobs)

    def max_temperature(self, sequences, clearances, n_jobs=None):
        """Largest temperature at which no code of the sequences errs further than half of its clearance (N,)."""
        if not self.is_leader_read:
            return np.inf
        return max_temperature(self.separations(sequences, n_jobs), sequences.lengths, clearances / 2)

    def _with_gaps(self, sequences):
        return self._evaluate(sequences, gaps=True)

    def _evaluate(self, sequences, gaps=False):
        out = np.full((len(sequences), 1 + gaps), np.inf)
        for i, j, segments, columns in self.projection.encoded(sequences):
            s = self.token_values(columns)
            out[i:j, 0] = self.pool(s, segments)
            if gaps and self.is_leader_read:
                out[i:j, 1] = _leader_gaps(self.sign * s, segments)
        out[:, 0] = self.rounded(out[:, 0])
        return out

    def _separations(self, sequences):
        out = np.empty(len(sequences))
        for i, j, segments, columns in self.projection.encoded(sequences):
            out[i:j] = separations(self.sign * self.token_values(columns), segments)
        return out

    def pool(self, s, segments):
        """A of each segment, (n_segments,), from the values s of its tokens; not yet rounded."""
        if self.is_leader_read and self.temperature:
            return segments.soft_means(s, self.sign * s, self.temperature)
        if self.kind == "max":
            return segments.maxima(s)
        if self.kind == "min":
            return np.minimum.reduceat(s, segments.starts)
        return segments.means(s if self.kind == "mean" else 1.0 + bump_values(self.bumps, s)[0])

    def rounded(self, values):
        """The values on the even grid points of [1, 2) where the code is coarse."""
        return even_grid(values) if self.coarse else values

    def error_bound(self, lengths):
        """The largest of `bounds`."""
        return self.error_bounds(lengths).max()

    def error_bounds(self, lengths):
        """How far the code of a training sequence of each length may move under a permutation of its tokens."""
        return 2.0 * EPS * lengths if self.kind == "mean" else np.zeros(len(lengths))


def separations(keys, segments):
    """Distance of the largest key of each segment to the next one, (n_segments,); inf where all are equal."""
    gaps = segments.per_token(segments.maxima(keys)) - keys
    return np.minimum.reduceat(np.where(gaps > 0, gaps, np.inf), segments.starts)


def _leader_gaps(keys, segments):
    """Gap in ulps between the largest key of each sequence and the next one, inf where all are equal."""
    best = segments.per_token(segments.maxima(keys))
    gaps = (best - keys) / np.spacing(np.maximum(np.abs(best), np.abs(keys)))
    return np.minimum.reduceat(np.where(gaps > 0, gaps, np.inf), segments.starts)


def bump_values(bumps, s):
    """Unit times the one bump at every s, in the engine's order of sums, and its index; the others are exactly 0 there."""
    if len(bumps.centers) == 0:
        return np.zeros_like(s), np.zeros(len(s), dtype=np.int64)
    middles = (bumps.centers[1:] + bumps.centers[:-1]) / 2
    k = np.searchsorted(middles, s)
    line, height = s * (1.0 / bumps.widths)[k], bumps.heights[k]
    shift = (bumps.centers / bumps.widths)[k]
    total = np.zeros_like(s)
    for sign, corner in ((1, 1 + height), (-1, 1.0), (-1, -1.0), (1, -1 - height)):
        total += (sign * bumps.unit) * np.maximum(line + (corner - shift), 0.0)
    return total, k


def label_runs(values, labels):
    """Number of runs of equal label along the line, and the smallest gap between neighbours of different label.

    values : (N,) float64 in [1, 2). With equal values and different labels the gap is 0.
    """
    bits = int(labels.max()).bit_length()
    if bits <= 11:  # 52 bits of the value and the label in one integer: one sort of numbers
        keys = (values.view(np.int64) - np.float64(1.0).view(np.int64) << bits) | labels
        keys.sort()
        steps, labels = keys >> bits, keys & ((1 << bits) - 1)
    else:
        order = np.argsort(values)
        steps, labels = values.view(np.int64)[order], labels[order]
    change = changes(labels)
    if len(change) == 0:
        return 1, np.inf
    return len(change) + 1, float(np.min(steps[change + 1] - steps[change]) * EPS)
