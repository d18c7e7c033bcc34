"""The classifier with heads as explicit layers.

Coordinates of the residual stream: the scaled token (for codes), the integers that heads read, a constant 1, for each class
c a register t_c of the token and score_c, registers of the code. Layers, all residual:

    feed-forward   beta_c to score_c
    feed-forward   omega_fc (relu(S - b) - relu(S - b - 1)) of ppv, omega_fc relu(S - b) of means, to t_c
    attention      of rank 0: the mean of t_c to score_c
    attention      of rank 1, one a leader read: query 1, key S, omega_fc times the largest S to score_c; hardmax, or softmax
                   at a temperature at which the weights of smaller integers S are 0 in float64
    code           see corrections.py, codes.py: s_r and ramps by feed-forward layers, then attentions into the code
    feed-forward   the corrections, on the code, to score_c
"""

from functools import cache, partial

import numpy as np

from sklearn_hardmax.constructions.codes.random_code import LEADER_WEIGHT, MEAN_WEIGHT
from sklearn_hardmax.constructions.codes.sequence_code import SequenceCode
from sklearn_hardmax.constructions.common.plans import (
    PlannedLayer,
    planned_attention,
    planned_groups,
    planned_layer,
    planned_stack,
)
from sklearn_hardmax.constructions.common.units import Units, bump_units, bump_units_between, constant_unit, unit_row
from sklearn_hardmax.constructions.heads.pooled import MAX, MEAN, PPV
from sklearn_hardmax.layers import Attention


class StreamLayout:
    """Where things stand in the residual stream of a classifier with heads."""

    def __init__(self, projection, heads, corrections, n_classes, temperature=0.0):
        self._heads, self._code = heads, None if corrections is None else corrections.code
        self.temperature = temperature
        self.width = 0
        self.code_input = self._add(0 if corrections is None else projection.n_coordinates)
        self.tokens = self._add(heads.n_coordinates)
        self.one = self._add(1)[0]
        self.partial, self.score = self._add(n_classes), self._add(n_classes)
        self.registers = self._add(len(_registers(self._code)))

    def _add(self, n):
        self.width += n
        return np.arange(self.width - n, self.width)

    @property
    def names(self):
        """Names of all coordinates."""
        names = [f"z{j}" for j in range(len(self.code_input))] + self._heads.coordinates + ["one"]
        names += [f"{name} {c}" for name in ("token score", "score") for c in range(len(self.score))]
        return names + _registers(self._code)

    def row(self, coordinate):
        """The row (1, D) that reads one coordinate."""
        return unit_row(self.width, coordinate)


def _registers(code):
    if code is None:
        return []
    if isinstance(code, SequenceCode):
        return ["s", "bumps", "code"]
    return [*(f"s{r}" for r in range(len(code.leaders))), *(f"t{r}" for r in range(len(code.ramps))), "code"]


def network_plan(heads, readout, corrections, stream, max_width):
    """All layers."""
    plan = [_intercept(readout, stream), *_pooled_heads(heads, readout, stream, max_width)]
    if corrections is not None:
        make = _code_layers if isinstance(corrections.code, SequenceCode) else _random_code_layers
        plan += make(corrections.code, stream, max_width)
        plan += _correction_layers(corrections, stream, max_width)
    return plan


def _intercept(readout, stream):
    values = np.zeros(stream.width)
    values[stream.score] = readout.intercept
    return planned_layer(constant_unit(stream.width, values))


def _pooled_heads(heads, readout, stream, max_width):
    ppv, means, maxima = (np.flatnonzero(heads.kinds == kind) for kind in (PPV, MEAN, MAX))

    @cache
    def weights():
        """Forms, the form and the bias of each head, coefficients of sums; found when a layer is made, not counted."""
        return *heads.forms(), readout.coefficients(heads) * heads.scales[:, None]

    def units(of, steps):
        """Hidden units relu(S - b - step) of the heads `of`, with the coefficients times 1, -1."""

        def make(first, last):
            forms, index, biases, coefficients = weights()
            chosen = np.repeat(of[first:last], len(steps))
            U, W = np.zeros((len(chosen), stream.width)), np.zeros((stream.width, len(chosen)))
            U[:, stream.tokens] = forms[index[chosen]].toarray()
            b = -biases[chosen] - np.tile(steps, last - first)
            W[stream.partial] = coefficients[chosen].T * np.tile([1.0, -1.0][: len(steps)], last - first)
            return Units(U, b, W, len(steps))

        return make

    plan = planned_groups(units(ppv, [0.0, 1.0]), len(ppv), 2, max_width)
    plan += planned_groups(units(means, [0.0]), len(means), 1, max_width)
    plan.append(_uniform(stream, stream.partial[:, None], stream.score, 1.0))
    return plan + [PlannedLayer(None, (1, 1), partial(_leader, stream, weights, head)) for head in maxima.tolist()]


def _uniform(stream, sources, targets, weight):
    """Attention of rank 0 that adds weight times the summed means of sources (k, s) to targets (k,)."""
    value, output = np.zeros((len(sources), stream.width)), np.zeros((stream.width, len(sources)))
    np.put_along_axis(value, np.asarray(sources), 1.0, axis=1)
    output[targets, np.arange(len(sources))] = weight
    return planned_attention(np.zeros((0, stream.width)), np.zeros((0, stream.width)), value, output)


def _leader(stream, weights, head):
    """Attention of rank 1 to the token of largest score, which adds coefficients times the score to the classes."""
    forms, index, _, coefficients = weights()
    key, output = np.zeros((1, stream.width)), np.zeros((stream.width, 1))
    key[0, stream.tokens] = forms[[index[head]]].toarray().ravel()
    output[stream.score, 0] = coefficients[head]
    return Attention(stream.row(stream.one), key, key, output, temperature=stream.temperature)


# -- codes and corrections --------------------------------------------------------------------------------------------------


def _random_code_layers(code, stream, max_width):
    n = len(code.leaders)
    s, ramps, register = stream.registers[:n], stream.registers[n:-1], stream.registers[-1]
    U, W = np.zeros((4 * n, stream.width)), np.zeros((stream.width, 4 * n))
    U[:, stream.code_input] = np.repeat(np.concatenate([code.leaders, code.ramps]), 2, axis=0)
    b = np.concatenate([np.tile([0.5, -0.5], n), np.stack([code.biases, code.biases - 1.0], axis=1).ravel()])
    W[np.repeat([*s, *ramps], 2), np.arange(4 * n)] = np.tile([1.0, -1.0], 2 * n)
    units = Units(U, b, W, 2)
    ones = np.zeros(stream.width)
    ones[s], ones[register] = 1.0, 0.5
    plan = [*planned_stack(units, max_width), planned_layer(constant_unit(stream.width, ones))]
    for r in s:
        read, output = stream.row(r), LEADER_WEIGHT * stream.row(register).T
        plan.append(planned_attention(stream.row(stream.one), read, read, output, temperature=code.temperature))
    plan.append(_uniform(stream, ramps[None], [register], MEAN_WEIGHT))
    return plan


def _code_layers(code, stream, max_width):
    s, bumps, register = stream.registers.tolist()
    U, W = np.zeros((2, stream.width)), np.zeros((stream.width, 2))
    U[:, stream.code_input] = code.direction
    W[s] = 1.0, -1.0
    ones = np.zeros(stream.width)
    ones[[s, bumps]] = 1.0
    rise = Units(U, np.array([0.5, -0.5]), W, 2)
    plan = [planned_layer(rise), planned_layer(constant_unit(stream.width, ones))]
    if code.bumps is not None:

        def made(a, b):
            return bump_units(stream.width, s, bumps, *code.bumps.part(a, b))

        plan += planned_groups(made, len(code.bumps.centers), 4, max_width)
    if not code.uses_leader_attention:
        return [*plan, _uniform(stream, [[s if code.bumps is None else bumps]], [register], 1.0)]
    read, to_code = stream.row(s), stream.row(register).T
    ask = stream.row(stream.one)
    return [*plan, planned_attention(ask, code.sign * read, read, to_code, temperature=code.temperature)]


def _correction_layers(corrections, stream, max_width):
    targets = stream.score[corrections.labels]

    def units(first, last):
        parts = [part[first:last] for part in (targets, corrections.low, corrections.high, corrections.widths)]
        return bump_units_between(stream.width, stream.registers[-1], *parts, corrections.height)

    return planned_groups(units, len(corrections.labels), 4, max_width)
