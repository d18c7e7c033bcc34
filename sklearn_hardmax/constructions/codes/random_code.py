"""A code along random directions."""

from dataclasses import dataclass

import numpy as np

from sklearn_hardmax.constructions.codes.projection import Projection, clipped_ramp, normalise_directions, project
from sklearn_hardmax.constructions.codes.sequence_code import separations
from sklearn_hardmax.constructions.common.batches import in_batches
from sklearn_hardmax.constructions.common.temperatures import max_temperature
from sklearn_hardmax.forward.ties import EPS

_READS = 4

LEADER_WEIGHT, MEAN_WEIGHT = 2.0**-3, 2.0**-4


@dataclass(frozen=True)
class RandomCode:
    """A code that differs between any two sequences but for special data, such as 1 and -1 that swap sequences.

    leaders : (4, n_coordinates) directions of s_r; ramps : (4, n_coordinates) directions of t_r; biases : (4,);
    temperature : of the leader reads, 0 the hardmax.
    """

    projection: Projection
    leaders: np.ndarray
    ramps: np.ndarray
    biases: np.ndarray
    temperature: float = 0.0

    @classmethod
    def sample(cls, projection, rng):
        """Random directions and biases."""
        directions = normalise_directions(rng.normal(size=(2 * _READS, projection.n_coordinates)))
        return cls(projection, directions[:_READS], 4 * directions[_READS:], rng.uniform(-0.5, 0.5, _READS))

    def evaluate(self, sequences, n_jobs=None):
        """SequenceCode of every sequence, (N,); the same bits for any batch, chunk and n_jobs."""
        return in_batches(self._evaluate, sequences, n_jobs)

    def _evaluate(self, sequences):
        out = np.empty(len(sequences))
        for i, j, segments, columns in self.projection.encoded(sequences):
            code = np.full(j - i, 0.5)
            for direction in self.leaders:
                code += LEADER_WEIGHT * self._read(clipped_ramp(project(direction, columns)), segments)
            means = np.zeros(j - i)
            for direction, bias in zip(self.ramps, self.biases):
                line = project(direction, columns)
                rise = np.maximum(line + bias, 0.0)
                rise -= np.maximum(line + (bias - 1.0), 0.0)
                means += segments.means(rise)
            out[i:j] = code + MEAN_WEIGHT * means
        return out

    def _read(self, s, segments):
        return segments.soft_means(s, s, self.temperature) if self.temperature else segments.maxima(s)

    def max_temperature(self, sequences, clearances, n_jobs=None):
        """Largest temperature at which no code of the sequences errs further than half of its clearance (N,)."""
        gaps = in_batches(self._separations, sequences, n_jobs)
        # four reads of weight 1/8 may error_bound by the clearance each
        return min(max_temperature(gap, sequences.lengths, clearances) for gap in gaps.T)

    def _separations(self, sequences):
        out = np.empty((len(sequences), _READS))
        for i, j, segments, columns in self.projection.encoded(sequences):
            for r, direction in enumerate(self.leaders):
                out[i:j, r] = separations(clipped_ramp(project(direction, columns)), segments)
        return out

    @staticmethod
    def error_bound(lengths):
        """How far a code may move under a permutation of tokens: 2 n eps of four means of at most 1, and last additions."""
        return (8 * MEAN_WEIGHT * lengths.max() + 4) * EPS
