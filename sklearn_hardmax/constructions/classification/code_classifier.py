"""The exact classifier of classification.py as an object: one code and a search, and the same as layers.

feed-forward   eta = 0: s to coordinate 0, 1 to coordinate 1 (and to 2 where the code is rounded)
feed-forward   bumps on s, added in coordinate 1, where the code needs them
attention      rho = 0: code_scale A to coordinate 0 of every token, 0 elsewhere
feed-forward   the digits of the first run, and at each boundary a ramp, added to the digits that change there
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
    """The exact classifier as numbers: one code, and the intervals of one label along its line.

    projection : Projection; code : SequenceCode or None (one label: no code is needed); runs : LabelRuns of training codes; intervals : DecisionIntervals;
    code_scale : the power of two that separates codes; weights : (n_classes,); margin : the smaller of (a) the smallest gap
    between an attended and an unattended score over its tie bound (hardmax) and (b) `certified_margin`; temperature : of
    softmax, 0 for hardmax.
    """

    projection: Projection
    code: SequenceCode | None
    runs: LabelRuns
    intervals: DecisionIntervals
    code_scale: float
    weights: np.ndarray
    margin: float = np.inf
    temperature: float = 0.0

    # -- the fast path: one code and one search ----------------------------------------------------------------------------

    def codes(self, sequences, n_jobs=None):
        """SequenceCode A of every sequence (N,), in [1, 2]; with one run nothing is read and all are 1."""
        return np.ones(len(sequences)) if self.code is None else self.code.evaluate(sequences, n_jobs)

    def labels_of(self, codes):
        """Class index of every code (N,): what the decode layers give."""
        boundaries, labels = self.intervals
        k = np.searchsorted(boundaries, codes, side="left")
        if len(boundaries) == 0:
            return labels[k]
        met = boundaries[np.minimum(k, len(boundaries) - 1)] == codes
        # on a boundary every changing digit is 1/2 and reads 0
        return np.where(met, labels[k] & labels[np.minimum(k + 1, len(boundaries))], labels[k])

    def distances(self, codes):
        """Distance of every code to the nearest training run of each class over its weight, (N, n_classes).

        A class without a run stands at distance 2, twice the length of the line.
        """
        out = np.full((len(codes), len(self.weights)), 2.0)
        for label in range(len(self.weights)):
            mine = np.flatnonzero(self.runs.labels == label)
            if len(mine) == 0:
                continue
            low, high = self.runs.low[mine], self.runs.high[mine]
            above = np.searchsorted(low, codes, side="right")
            before = np.where(above > 0, codes - high[np.maximum(above - 1, 0)], 2.0)
            behind = np.where(above < len(mine), low[np.minimum(above, len(mine) - 1)] - codes, 2.0)
            out[:, label] = np.maximum(np.minimum(before, behind), 0.0)
        return out / self.weights

    def labels(self, sequences, n_jobs=None):
        """Class index of every sequence, (N,)."""
        return self.labels_of(self.codes(sequences, n_jobs))

    def scores(self, sequences, n_jobs=None):
        """Minus the distances, (N, n_classes)."""
        return -self.distances(self.codes(sequences, n_jobs))

    n_corrections = 0

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
        n_bumps = 0 if self.code.bumps is None else len(self.code.bumps.centers)
        bumps = plans.planned_groups(self._bumps, n_bumps, 4, max_width)
        decode = plans.planned_groups(
            self._ramps, len(self.intervals.boundaries), 2, max_width, prefix=self._first_digits()
        )
        return [plans.planned_layer(self._first_units(), eta=0.0), *bumps, self._attention(), *decode]

    def _coordinate_names(self):
        return ["code", *(f"digit {j}" for j in range(self.n_digits))]

    def transformer(self, max_width=plans.DEFAULT_WIDTH):
        """The explicit weights; checked on every run of the training codes."""
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
        """s to coordinate 0; 1 to coordinate 1, and to 2 where the coarse code reads it."""
        return projection_units(self.token_dim, self.code.direction, [1, 2] if self.code.coarse else [1])

    def _bumps(self, first, last):
        return bump_units(self.token_dim, 0, 1, *self.code.bumps.part(first, last))

    def _attention(self):
        """Every token becomes code_scale A at coordinate 0, and 0 elsewhere."""
        D, code = self.token_dim, self.code
        query, key = np.zeros((2, int(code.uses_leader_attention), D))
        query[:, 1], key[:, 0] = 1.0, code.sign  # coordinate 1 holds 1 in every token
        value = np.zeros((1 + code.coarse, D))
        value[0, 0 if code.bumps is None else 1] = 1.0
        output = np.zeros((D, 1 + code.coarse))
        output[0, 0] = self.code_scale
        if code.coarse:  # (A + 2) - 2: coordinate 2 holds 1 in every token
            value[0, 2], value[1, 2], output[0, 1] = 2.0, 1.0, -2.0 * self.code_scale
        return plans.planned_attention(query, key, value, output, 0.0, code.temperature)

    def _ramps(self, first, last):
        changes = np.diff(self._written_digits(self.intervals.labels[first : last + 1]), axis=0)
        return ramp_units(self.token_dim, 0, self.code_scale * self.intervals.boundaries[first:last] - 0.5, changes)

    def _first_digits(self):
        return constant_unit(self.token_dim, self._written_digits(self.intervals.labels[:1])[0])

    def _certify(self):
        """The weights themselves on the training codes: ramps are monotone, so both sides of each boundary decide."""
        ramps = self._ramps(0, len(self.intervals.boundaries))
        sides = self.code_scale * np.stack(adjacent_codes(self.runs, self.intervals.boundaries), axis=1)
        up, down = (np.maximum(sides + ramps.b[i::2, None], 0.0) for i in (0, 1))
        digits = self._written_digits(self.intervals.labels)
        ok = ((up - down) == [0.0, 1.0]).all() and np.array_equal(ramps.W[:, 0::2].T, np.diff(digits, axis=0))
        if not (ok and np.array_equal(self._first_digits().W[:, 0], digits[0])):
            raise ConstructionError("A ramp is not flat on the training codes; this is a fault of the construction.")

    def decode(self, tokens):
        """Class index of each sequence from the tokens that `apply` returns: a digit above 1/2 is 1."""
        tokens = self._checked_output(tokens)
        digits = tokens.tokens[:, 1 : 1 + self.n_digits] > 0.5
        return label_per_sequence(tokens, digits @ (1 << np.arange(self.n_digits)))
