"""Compute one number per sequence from projections of its tokens on directions drawn without regard to labels.

A classifier with heads makes errors on a few training sequences. Each is corrected by a bump around its code, which must not
reach the codes of sequences with other labels (scoring/corrections.py). The random code of a sequence is

    c = 1/2 + (sum_r max_i s_r(z_i)) / 8 + (sum_r mean_i t_r(z_i)) / 16,      r = 1, ..., 4,

over the tokens z_i of the sequence, with eight random directions u_r and v_r and four random biases b_r:

    s_r = (relu(x) - relu(x - 1)) + 1 in [1, 2],   x = <u_r, z> + 1/2    the first layer of a SequenceCode
    t_r = relu(x) - relu(x - 1) in [0, 1],         x = <v_r, z> + b_r    a ramp, whose mean counts tokens nonlinearly

The four maxima are leader attention, the four means one uniform attention. Together c lies in [1, 7/4].

Sequences with different token frequencies have different codes, but for special data. An example are the sequences
(-1, 1, a, -a) with different a (`datasets.make_swaps`): their maxima agree, and their means agree too if a and -a lie on the
slopes of all four ramps; other examples are tokens on a lattice, where (0, 0) and (1, 1) add up to the same as (0, 1) and
(1, 0). Where no random code leaves enough room for the corrections, the SequenceCode of `bump_code` (selection.py) takes its
place.
"""

from dataclasses import dataclass

import numpy as np

from sklearn_hardmax.constructions.codes.projection import Projection, clipped_ramp, normalise_directions, project
from sklearn_hardmax.constructions.codes.sequence_code import separations
from sklearn_hardmax.constructions.common.batches import in_batches
from sklearn_hardmax.constructions.common.temperatures import max_temperature
from sklearn_hardmax.forward.ties import EPS

_N_TERMS = 4  # maxima, and as many means

LEADER_WEIGHT = 2.0**-3  # of each maximum
MEAN_WEIGHT = 2.0**-4  # of each mean


@dataclass(frozen=True)
class RandomCode:
    """A code that differs between any two sequences with different token frequencies, but for special data.

    Attributes
    ----------
    projection : Projection
        Encodes the tokens.
    leaders : ndarray of shape (4, n_coordinates)
        Directions u_r of s_r.
    ramps : ndarray of shape (4, n_coordinates)
        Directions v_r of t_r.
    biases : ndarray of shape (4,)
        Biases b_r of t_r.
    temperature : float
        Softmax temperature of leader attention; 0 is the hardmax.
    """

    projection: Projection
    leaders: np.ndarray
    ramps: np.ndarray
    biases: np.ndarray
    temperature: float = 0.0

    @classmethod
    def sample(cls, projection, rng):
        """Draw normally distributed directions, and biases in [-1/2, 1/2)."""
        directions = normalise_directions(rng.normal(size=(2 * _N_TERMS, projection.n_coordinates)))
        # ramps are four times as steep as s_r: |<v_r, z>| <= 7/4, training tokens may lie beyond either end of a ramp
        return cls(projection, directions[:_N_TERMS], 4 * directions[_N_TERMS:], rng.uniform(-0.5, 0.5, _N_TERMS))

    def evaluate(self, sequences, n_jobs=None):
        """Code of every sequence, (n_sequences,); the same bits for any batch, chunk and n_jobs."""
        return in_batches(self._evaluate, sequences, n_jobs)

    def _evaluate(self, sequences):
        out = np.empty(len(sequences))
        for i, j, segments, columns in self.projection.encoded(sequences):
            # sums in the order in which the layers of the network add to the code
            code = np.full(j - i, 0.5)
            for direction in self.leaders:
                code += LEADER_WEIGHT * self._leader_values(clipped_ramp(project(direction, columns)), segments)
            means = np.zeros(j - i)
            for direction, bias in zip(self.ramps, self.biases):
                line = project(direction, columns)
                rise = np.maximum(line + bias, 0.0)
                rise -= np.maximum(line + (bias - 1.0), 0.0)
                means += segments.means(rise)
            out[i:j] = code + MEAN_WEIGHT * means
        return out

    def _leader_values(self, s, segments):
        """Largest s of each segment, by hardmax or softmax."""
        return segments.soft_means(s, s, self.temperature) if self.temperature else segments.maxima(s)

    def max_temperature(self, sequences, clearances, n_jobs=None):
        """Largest temperature at which the code of each sequence errs by at most half of its clearance (n_sequences,)."""
        gaps = in_batches(self._separations, sequences, n_jobs)
        # each of the four maxima has weight 1/8: if each errs by the clearance, the code errs by half of it
        return min(max_temperature(gap, sequences.lengths, clearances) for gap in gaps.T)

    def _separations(self, sequences):
        """Distance between the leader and the next value for each maximum, (n_sequences, 4)."""
        out = np.empty((len(sequences), _N_TERMS))
        for i, j, segments, columns in self.projection.encoded(sequences):
            for r, direction in enumerate(self.leaders):
                out[i:j, r] = separations(clipped_ramp(project(direction, columns)), segments)
        return out

    @staticmethod
    def error_bound(lengths):
        """How far a permutation of tokens may move a code: 2 n eps for each of four means of at most 1, and the last sums."""
        return (8 * MEAN_WEIGHT * lengths.max() + 4) * EPS
