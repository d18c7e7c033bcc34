"""CodeClassifier finds the label of a sequence by a binary search for one number, and writes out the same as layers.

A token is first reduced to one number s in [1, 2], a clipped projection. The code A in [1, 2] of a sequence is the maximum,
the minimum or the mean of s over its tokens, or the mean of 1 + a sum of bumps of s (constructions/codes/sequence_code.py).
`code_scale` is a power of two that spreads the codes, and `build.py` proves that the layers give the right labels:

    layer          residual   hidden units or rank   result, in the residual stream                          method
    ------------   --------   --------------------   -----------------------------------------------------   --------------
    feed-forward   eta = 0    3                      s in coordinate 0, 1 in coordinate 1 (and in            _first_units
                                                     coordinate 2 where the code is rounded)
    feed-forward   eta = 1    4 per bump             bumps of s, added to coordinate 1; only where the       _bumps
                                                     code needs bumps
    attention      rho = 0    1 for max and min,     code_scale A in coordinate 0 of every token, 0 in       _attention
                              else 0                 all others
    feed-forward   eta = 1    1, then 2 per          the binary digits of the class index in coordinates     _first_digits,
                              boundary               1, 2, ..: those of the first interval, and a ramp       _ramps
                                                     per boundary, added to every digit that changes there

At `max_width` = 4 every bump and every two ramps are a layer of their own. With one label the whole network is one layer that
writes the digits of the label.
"""

from dataclasses import dataclass

import numpy as np

from sklearn_hardmax.constructions.classification.intervals import DecisionIntervals, LabelRuns, adjacent_codes
from sklearn_hardmax.constructions.codes.projection import Projection
from sklearn_hardmax.constructions.codes.sequence_code import SequenceCode
from sklearn_hardmax.constructions.common import plans
from sklearn_hardmax.constructions.common.built_network import BuiltNetwork
from sklearn_hardmax.constructions.common.construction import (
    ConstructionError,
    label_per_sequence,
)
from sklearn_hardmax.constructions.common.units import (
    binary_digits,
    bump_units,
    constant_unit,
    projection_units,
    ramp_units,
)


@dataclass(frozen=True)
class CodeClassifier(BuiltNetwork):
    """An exact classifier of sequences: one code per sequence, and decision intervals of codes.

    Attributes
    ----------
    projection : Projection
        How tokens are encoded before the first layer.
    code : SequenceCode or None
        The map from a sequence to its code; None where all training sequences have one label.
    runs : LabelRuns
        Runs of one label among the training codes.
    intervals : DecisionIntervals
        The class of every code in [1, 2].
    code_scale : float
        Power of two that codes are multiplied by, so that a ramp of width 1 fits between codes of different label.
    weights : ndarray of shape (n_classes,)
        Positive class weights.
    margin : float
        The smaller of `build.certified_margin` and, with hardmax, the smallest gap between the score of a leader and that of
        another token, in units of its rounding bound.
    temperature : float
        Temperature of the softmax; 0 is hardmax.
    """

    projection: Projection
    code: SequenceCode | None
    runs: LabelRuns
    intervals: DecisionIntervals
    code_scale: float
    weights: np.ndarray
    margin: float = np.inf
    temperature: float = 0.0

    # -- fast path: one code and one search --------------------------------------------------------------------------------

    def codes(self, sequences, n_jobs=None):
        """Code A of every sequence (N,), in [1, 2]; 1 for all of them where no code is needed."""
        return np.ones(len(sequences)) if self.code is None else self.code.evaluate(sequences, n_jobs)

    def labels_of(self, codes):
        """Class index of every code (N,), equal to the one that the layers give."""
        boundaries, labels = self.intervals
        k = np.searchsorted(boundaries, codes, side="left")
        if len(boundaries) == 0:
            return labels[k]
        # On a boundary the network has 1/2 in every digit that changes there and decodes it as 0. The digits that remain are
        # those that both neighbours have: the bitwise and of their class indices.
        on_boundary = boundaries[np.minimum(k, len(boundaries) - 1)] == codes
        both = labels[k] & labels[np.minimum(k + 1, len(boundaries))]
        return np.where(on_boundary, both, labels[k])

    def distances(self, codes):
        """Distance of every code to the nearest training run of each class, over the weight of the class; (N, n_classes).

        A class without a run is at distance 2, twice the length of the line, before division by its weight.
        """
        out = np.full((len(codes), len(self.weights)), 2.0)
        for label in range(len(self.weights)):
            of_class = self.runs.labels == label
            low = self.runs.low[of_class]
            high = self.runs.high[of_class]
            if len(low) == 0:
                continue
            # runs that begin at or before the code; the last of them is the nearest from below, and may contain the code
            n_before = np.searchsorted(low, codes, side="right")
            to_before = np.where(n_before > 0, codes - high[np.maximum(n_before - 1, 0)], 2.0)
            to_behind = np.where(n_before < len(low), low[np.minimum(n_before, len(low) - 1)] - codes, 2.0)
            out[:, label] = np.maximum(np.minimum(to_before, to_behind), 0.0)  # negative inside a run
        return out / self.weights

    def labels(self, sequences, n_jobs=None):
        """Class index of every sequence, (N,)."""
        return self.labels_of(self.codes(sequences, n_jobs))

    def scores(self, sequences, n_jobs=None):
        """Minus the distances, (N, n_classes)."""
        return -self.distances(self.codes(sequences, n_jobs))

    n_corrections = 0  # as PooledClassifier has them; here no label needs one

    # -- the network -------------------------------------------------------------------------------------------------------

    @property
    def n_digits(self):
        """Binary digits of a class index, at least one."""
        return max(1, (len(self.weights) - 1).bit_length())

    @property
    def token_dim(self):
        """Width D of the residual stream: the encoded token, or code and digits."""
        return max(self.projection.n_coordinates, 1 + self.n_digits)

    def _plan(self, max_width):
        plans.check_width(max_width)
        if self.code is None:
            return [plans.planned_layer(self._first_digits(), eta=0.0)]
        bumps = plans.planned_groups(self._bumps, self.code.n_bumps, 4, max_width)
        decode = plans.planned_groups(
            self._ramps, len(self.intervals.boundaries), 2, max_width, prefix=self._first_digits()
        )
        return [plans.planned_layer(self._first_units(), eta=0.0), *bumps, self._attention(), *decode]

    def _coordinate_names(self):
        return ["code", *(f"digit {j}" for j in range(self.n_digits))]

    def transformer(self, max_width=plans.DEFAULT_WIDTH):
        """The explicit weights, after a check of the ramps on every run of the training codes."""
        transformer = super().transformer(max_width)
        if self.code is not None:
            self._certify()
        return transformer

    def _written_digits(self, labels):
        """Binary digits at their coordinates, (len(labels), D)."""
        out = np.zeros((len(labels), self.token_dim))
        out[:, 1 : 1 + self.n_digits] = binary_digits(labels, self.n_digits)
        return out

    def _first_units(self):
        """s to coordinate 0; 1 to coordinate 1, and to coordinate 2 where the rounding of a coarse code needs it."""
        return projection_units(self.token_dim, self.code.direction, [1, 2] if self.code.coarse else [1])

    def _bumps(self, first, last):
        return bump_units(self.token_dim, 0, 1, *self.code.bumps.part(first, last))

    def _attention(self):
        """Every token becomes code_scale A in coordinate 0, and 0 elsewhere."""
        D = self.token_dim
        code = self.code
        # Max and min have rank 1 and scores 1 * (+-s), as coordinate 1 holds 1 in every token. Means have rank 0: every token
        # attends to all.
        query, key = np.zeros((2, int(code.uses_leader_attention), D))
        query[:, 1] = 1.0
        key[:, 0] = code.sign
        # the pooled number is s, or with bumps 1 plus their sum, which coordinate 1 holds
        value = np.zeros((1 + code.coarse, D))
        value[0, 0 if code.bumps is None else 1] = 1.0
        output = np.zeros((D, 1 + code.coarse))
        output[0, 0] = self.code_scale
        if code.coarse:
            # A is rounded to even grid points as (A + 2) - 2, where coordinate 2 holds the 1 of every token: the first value
            # is A + 2, the second is 1
            value[0, 2] = 2.0
            value[1, 2] = 1.0
            output[0, 1] = -2.0 * self.code_scale
        return plans.planned_attention(query, key, value, output, 0.0, code.temperature)

    def _ramps(self, first, last):
        """Ramps at the boundaries first to last (exclusive), from boundary - 1/2 to boundary + 1/2 in scaled codes."""
        changes = np.diff(self._written_digits(self.intervals.labels[first : last + 1]), axis=0)
        return ramp_units(self.token_dim, 0, self.code_scale * self.intervals.boundaries[first:last] - 0.5, changes)

    def _first_digits(self):
        """The digits of the first interval, added to every token."""
        return constant_unit(self.token_dim, self._written_digits(self.intervals.labels[:1])[0])

    def _certify(self):
        """Check the weights themselves on the training codes; ConstructionError where a ramp is not flat there.

        A ramp is monotone. So it is 0 or 1 on all training codes if it is 0 on the largest one below its boundary and 1 on
        the smallest one above.
        """
        ramps = self._ramps(0, len(self.intervals.boundaries))
        sides = self.code_scale * np.stack(adjacent_codes(self.runs, self.intervals.boundaries), axis=1)
        # the two units of each ramp, by their biases, on both sides of its boundary: (S - 1, 2) each
        first, second = (np.maximum(sides + ramps.b[i::2, None], 0.0) for i in (0, 1))
        flat = ((first - second) == [0.0, 1.0]).all()
        # the first interval's digits and the changes at the boundaries add up to the digits of every interval
        digits = self._written_digits(self.intervals.labels)
        right_changes = np.array_equal(ramps.W[:, 0::2].T, np.diff(digits, axis=0))
        right_start = np.array_equal(self._first_digits().W[:, 0], digits[0])
        if not (flat and right_changes and right_start):
            raise ConstructionError("A ramp is not flat on the training codes; this is a fault of the construction.")

    def decode(self, tokens):
        """Class index of each sequence from the tokens that `apply` returns; a digit above 1/2 counts as 1."""
        tokens = self._checked_output(tokens)
        digits = tokens.tokens[:, 1 : 1 + self.n_digits] > 0.5
        return label_per_sequence(tokens, digits @ (1 << np.arange(self.n_digits)))
