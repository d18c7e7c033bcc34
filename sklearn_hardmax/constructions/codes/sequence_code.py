"""Compute the code of a sequence: one number, pooled from its tokens, that tells sequences with different labels apart.

First layer. A feed-forward layer (eta = 0) projects every token z on a direction u:

    s = (relu(x) - relu(x - 1)) + 1,      x = <u, z> + 1/2.

Encoded training tokens lie in [-1, 1] and sum |u_j| <= 7/16, so s - 1 lies in [1/16, 15/16] on them. For every token s >= 1,
and s <= 2 up to the rounding of x.

Pooling. One attention layer (rho = 0) then replaces every token by the code A in [1, 2] of its sequence, times a power of
two. There are three ways to pool the numbers s of the tokens:

    max, min   A = max s or min s (leader attention); bitwise independent of the order and the number of tokens
    mean       A = mean of s (uniform attention); a permutation of the tokens moves it by at most 2 n eps
    bumps      A = mean of 1 + unit * sum_k a_k bump_k(s): a weighted sum of token frequencies, exact on training tokens

selection.py takes the cheapest way that is safe, and among the codes of this kind the one with the fewest label runs (runs of
equal label along the sorted codes). A code is safe if neighbouring codes of different label are at least SAFE_GAP = 2^-46
apart. Then the ramps between them have their thresholds on the grid of the codes, and every sum of the decoding layers is
exact. For a mean the distance must be 16 n eps besides.

Grid. All codes lie in the binade [1, 2), where floats are 2^-52 apart. With more than two classes the codes are *coarse*:
they are rounded to the even points of this grid by adding and subtracting 2. So there is an odd grid point, for a decision
boundary, between any two codes, and no code is equal to a boundary.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sklearn_hardmax.constructions.codes.projection import Projection, clipped_ramp, even_grid, project
from sklearn_hardmax.constructions.common.batches import in_batches
from sklearn_hardmax.constructions.common.temperatures import max_temperature
from sklearn_hardmax.forward.ties import EPS
from sklearn_hardmax.sequences.segments import changes

SAFE_GAP = 2.0**-46  # smallest distance of neighbouring codes of different label

_MANTISSA_BITS = 52  # of a float64
_LABEL_BITS = 63 - _MANTISSA_BITS  # left for a label beside a mantissa, in an int64 without sign


class Bumps(NamedTuple):
    """Bumps along the line of s, by ascending centre; none overlaps another.

    Attributes
    ----------
    centers, widths, heights : ndarray of shape (K,), float64
        A bump is flat within width of its centre, and 0 beyond (1 + height) width.
    unit : float
        A power of two; every bump adds unit * height.
    """

    centers: np.ndarray
    widths: np.ndarray
    heights: np.ndarray
    unit: float

    def part(self, first, last):
        """Bumps first to last (exclusive)."""
        return Bumps(*(values[first:last] for values in self[:3]), self.unit)


@dataclass(frozen=True)
class SequenceCode:
    """A code: everything that turns a sequence into its number A in [1, 2].

    Attributes
    ----------
    projection : Projection
        Encodes the tokens.
    direction : ndarray of shape (n_coordinates,)
        The tokens are projected on it.
    kind : {"max", "min", "mean", "bumps"}
        How the projected tokens are pooled.
    coarse : bool
        Whether A is rounded to the even grid points of [1, 2).
    bumps : Bumps or None
        For kind "bumps".
    temperature : float
        Softmax temperature of leader attention; 0 is the hardmax.
    """

    projection: Projection
    direction: np.ndarray
    kind: str
    coarse: bool
    bumps: Bumps | None = None
    temperature: float = 0.0

    @property
    def sign(self):
        """1 for the maximum of s, -1 for the minimum (the maximum of -s), 0 for a mean."""
        return {"max": 1.0, "min": -1.0}.get(self.kind, 0.0)

    @property
    def n_bumps(self):
        """Number of bumps."""
        return 0 if self.bumps is None else len(self.bumps.centers)

    @property
    def uses_leader_attention(self):
        """Whether A is the value of one token, the leader of its sequence (without softmax)."""
        return self.kind in ("max", "min")

    def token_values(self, columns):
        """Projected value s in [1, 2] of every token, (n,), from encoded tokens (n_coordinates, n)."""
        return clipped_ramp(project(self.direction, columns))

    def evaluate(self, sequences, n_jobs=None):
        """Code A of every sequence, (n_sequences,); the same bits for any batch, chunk and n_jobs."""
        return in_batches(self._evaluate, sequences, n_jobs)[:, 0]

    def evaluate_training(self, sequences, n_jobs=None):
        """Code A of every sequence, and the margin of the leaders.

        The margin is the smallest gap, in ulps, between the leader of a sequence and the next value of s in it; inf for means
        and if all tokens of each sequence are equal.
        """
        results = in_batches(self._evaluate_with_gaps, sequences, n_jobs)
        return results[:, 0], float(results[:, 1].min())

    def separations(self, sequences, n_jobs=None):
        """Distance between the leader of each sequence and the next value of s, (n_sequences,); inf if there is no other."""
        return in_batches(self._separations, sequences, n_jobs)

    def max_temperature(self, sequences, clearances, n_jobs=None):
        """Largest temperature at which the code of each sequence errs by at most half of its clearance (n_sequences,)."""
        if not self.uses_leader_attention:
            return np.inf
        return max_temperature(self.separations(sequences, n_jobs), sequences.lengths, clearances / 2)

    def _evaluate_with_gaps(self, sequences):
        return self._evaluate(sequences, gaps=True)

    def _evaluate(self, sequences, gaps=False):
        """Codes in column 0; with `gaps` the gaps of the leaders in ulps in column 1."""
        out = np.full((len(sequences), 1 + gaps), np.inf)
        for i, j, segments, columns in self.projection.encoded(sequences):
            s = self.token_values(columns)
            out[i:j, 0] = self.pool(s, segments)
            if gaps and self.uses_leader_attention:
                out[i:j, 1] = _leader_gaps(self.sign * s, segments)
        out[:, 0] = self.rounded(out[:, 0])
        return out

    def _separations(self, sequences):
        out = np.empty(len(sequences))
        for i, j, segments, columns in self.projection.encoded(sequences):
            out[i:j] = separations(self.sign * self.token_values(columns), segments)
        return out

    def pool(self, s, segments):
        """Code A of each segment, (n_segments,), from the values s of its tokens; not yet rounded."""
        if self.uses_leader_attention and self.temperature:
            return segments.soft_means(s, self.sign * s, self.temperature)
        if self.kind == "max":
            return segments.maxima(s)
        if self.kind == "min":
            return np.minimum.reduceat(s, segments.starts)
        return segments.means(s if self.kind == "mean" else 1.0 + bump_values(self.bumps, s)[0])

    def rounded(self, values):
        """The values, rounded to the even grid points of [1, 2) if the code is coarse."""
        return even_grid(values) if self.coarse else values

    def error_bound(self, lengths):
        """Largest of the `error_bounds`."""
        return self.error_bounds(lengths).max()

    def error_bounds(self, lengths):
        """How far a permutation of its tokens may move the code of a training sequence, for each of the lengths."""
        return 2.0 * EPS * lengths if self.kind == "mean" else np.zeros(len(lengths))


def separations(keys, segments):
    """Distance of the largest key of each segment to the next smaller one, (n_segments,); inf if all are equal."""
    return _smallest_positive(segments.per_token(segments.maxima(keys)) - keys, segments)


def _leader_gaps(keys, segments):
    """Gap, in ulps, between the largest key of each segment and the next smaller one, (n_segments,); inf if all are equal."""
    best = segments.per_token(segments.maxima(keys))
    return _smallest_positive((best - keys) / np.spacing(np.maximum(np.abs(best), np.abs(keys))), segments)


def _smallest_positive(gaps, segments):
    """Smallest positive gap of each segment, (n_segments,); inf if there is none."""
    return np.minimum.reduceat(np.where(gaps > 0, gaps, np.inf), segments.starts)


def bump_values(bumps, s):
    """Evaluate the sum of all bumps, times the unit, at every s.

    Parameters
    ----------
    bumps : Bumps
    s : ndarray of shape (n,)

    Returns
    -------
    total : ndarray of shape (n,)
        The same bits as the feed-forward layers give.
    k : ndarray of shape (n,), int64
        The bump whose centre is nearest. All others are exactly 0 at s.
    """
    if len(bumps.centers) == 0:
        return np.zeros_like(s), np.zeros(len(s), dtype=np.int64)
    # bumps do not overlap, so that only the nearest one can differ from 0
    middles = (bumps.centers[1:] + bumps.centers[:-1]) / 2
    k = np.searchsorted(middles, s)
    height = bumps.heights[k]
    # weights, biases and order of sums of `bump_units`: y = line - shift
    line = s * (1.0 / bumps.widths)[k]
    shift = (bumps.centers / bumps.widths)[k]
    total = np.zeros_like(s)
    for sign, corner in ((1, 1 + height), (-1, 1.0), (-1, -1.0), (1, -1 - height)):
        total += (sign * bumps.unit) * np.maximum(line + (corner - shift), 0.0)
    return total, k


def label_runs(values, labels):
    """Number of runs of equal label along the sorted codes, and the smallest gap between neighbours of different label.

    Parameters
    ----------
    values : ndarray of shape (N,), float64
        Codes in [1, 2).
    labels : ndarray of shape (N,), int64
        Class indices.

    Returns
    -------
    n_runs : int
    gap : float
        inf with one run; 0 if equal codes have different labels.
    """
    steps, sorted_labels = _sort_by_value(values, labels)
    change = changes(sorted_labels)
    if len(change) == 0:
        return 1, np.inf
    return len(change) + 1, float(np.min(steps[change + 1] - steps[change]) * EPS)


def _sort_by_value(values, labels):
    """Sort codes in [1, 2): their places on the grid of 2^-52, ascending, up to a constant, and the labels in this order."""
    # The bits of a float64 in [1, 2), taken as an integer, count grid points: bits(1 + k 2^-52) = bits(1) + k, 0 <= k < 2^52.
    grid_points = values.view(np.int64)
    n_bits = int(labels.max()).bit_length()
    if n_bits > _LABEL_BITS:
        order = np.argsort(values)
        return grid_points[order], labels[order]
    # Otherwise k (52 bits) and the label fit into one non-negative int64: key = k 2^n_bits + label. Sorting the keys sorts by
    # k, equal k by label, and no index array is needed to carry the labels along.
    keys = grid_points - np.float64(1.0).view(np.int64)
    keys <<= n_bits
    keys |= labels
    keys.sort()
    # the upper bits of a key are k again, the lower n_bits bits the label
    return keys >> n_bits, keys & ((1 << n_bits) - 1)
