"""Write out the classifier with heads as the layers of a transformer.

The residual stream, C classes; `encode` writes the first three groups, all others start at 0:

    coordinates      number            content
    z0, z1, ..       0, or m           the scaled token (and its position, where order matters): input of the code
    tokens           n_coordinates     integers on which the heads are linear forms
    one              1                 the constant 1
    token score c    C                 t_c, the ppv and mean terms of this token in the score of class c
    score c          C                 score_c; the same for all tokens of a sequence after the last layer
    registers        0, 3 or 9         of the code: s, bumps, code; or s0..s3, t0..t3, code. See codes/sequence_code.py and
                                       codes/random_code.py; neither z nor registers without corrections

Layers, all residual (eta = rho = 1), S_f the linear form of head f and b_f its bias:

    feed-forward   beta_c to score_c
    feed-forward   omega_fc (relu(S_f - b_f) - relu(S_f - b_f - 1)) of ppv, omega_fc relu(S_f - b_f) of means, to t_c
    attention      of rank 0: the mean of t_c to score_c
    attention      of rank 1, one per max head: query 1, key S_f, omega_fc times the largest S_f to score_c; hardmax, or
                   softmax at a temperature at which the weights of smaller integers S_f are 0 in float64
    code           s_r and ramps by feed-forward layers, then attentions into the code
    feed-forward   the corrections, as functions of the code, to score_c
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
    """Positions and names of the coordinates of the residual stream; the module's docstring has the table.

    Attributes
    ----------
    width : int
        Number of coordinates, D.
    code_input, tokens, partial, score, registers : ndarray of int
        Coordinates of z, of the integer tokens, of t_c (n_classes,), of score_c (n_classes,) and of the code's registers.
    one : int
        Coordinate of the constant 1.
    temperature : float
        Of the attentions of max heads; 0 for hardmax.
    """

    def __init__(self, projection, heads, corrections, n_classes, temperature=0.0):
        self._heads = heads
        self._code = None if corrections is None else corrections.code
        self.temperature = temperature
        self.width = 0
        # the order of these calls is the order of the coordinates
        self.code_input = self._add(0 if corrections is None else projection.n_coordinates)
        self.tokens = self._add(heads.n_coordinates)
        self.one = self._add(1)[0]
        self.partial = self._add(n_classes)
        self.score = self._add(n_classes)
        self.registers = self._add(len(_registers(self._code)))

    def _add(self, n):
        """Indices of n coordinates more."""
        self.width += n
        return np.arange(self.width - n, self.width)

    @property
    def names(self):
        """Names of all coordinates."""
        names = [f"z{j}" for j in range(len(self.code_input))] + self._heads.coordinates + ["one"]
        names += [f"{name} {c}" for name in ("token score", "score") for c in range(len(self.score))]
        return names + _registers(self._code)

    def row(self, coordinate):
        """The row (1, D) that selects one coordinate."""
        return unit_row(self.width, coordinate)


def _registers(code):
    if code is None:
        return []
    if isinstance(code, SequenceCode):
        return ["s", "bumps", "code"]
    return [*(f"s{r}" for r in range(len(code.leaders))), *(f"t{r}" for r in range(len(code.ramps))), "code"]


def network_plan(heads, readout, corrections, stream, max_width):
    """Specifications of all layers, in order: list of PlannedLayer."""
    plan = [_intercept(readout, stream), *_pooled_heads(heads, readout, stream, max_width)]
    if corrections is not None:
        make = _bump_code_layers if isinstance(corrections.code, SequenceCode) else _random_code_layers
        plan += make(corrections.code, stream, max_width)
        plan += _correction_layers(corrections, stream, max_width)
    return plan


def _intercept(readout, stream):
    values = np.zeros(stream.width)
    values[stream.score] = readout.intercept
    return planned_layer(constant_unit(stream.width, values))


def _pooled_heads(heads, readout, stream, max_width):
    """Hidden units of ppv and mean heads, the attention that averages them, and one attention per max head."""
    ppv, means, maxima = (np.flatnonzero(heads.kinds == kind) for kind in (PPV, MEAN, MAX))

    @cache
    def weights():
        """Forms, the form and the bias of each head, coefficients of sums; not computed where layers are only counted."""
        forms, form_of_head, biases = heads.forms()
        return forms, form_of_head, biases, readout.coefficients(heads) * heads.scales[:, None]

    def units(indices, steps):
        """For planned_groups: hidden units relu(S - b - step) of these heads, with the coefficients times 1, -1."""

        def make(first, last):
            forms, form_of_head, biases, coefficients = weights()
            # one row per hidden unit: the steps of a head follow each other
            chosen = np.repeat(indices[first:last], len(steps))
            U = np.zeros((len(chosen), stream.width))
            U[:, stream.tokens] = forms[form_of_head[chosen]].toarray()
            b = -biases[chosen] - np.tile(steps, last - first)
            W = np.zeros((stream.width, len(chosen)))
            W[stream.partial] = coefficients[chosen].T * np.tile([1.0, -1.0][: len(steps)], last - first)
            return Units(U, b, W, len(steps))

        return make

    # S and b are integers, so that the difference of two ramps is the step [S > b]
    plan = planned_groups(units(ppv, [0.0, 1.0]), len(ppv), 2, max_width)
    plan += planned_groups(units(means, [0.0]), len(means), 1, max_width)
    plan.append(_uniform_attention(stream, stream.partial[:, None], stream.score, 1.0))
    return plan + [PlannedLayer(None, (1, 1), partial(_max_head, stream, weights, head)) for head in maxima.tolist()]


def _uniform_attention(stream, sources, targets, weight):
    """Attention of rank 0 that adds weight times the summed means of sources (k, s) to targets (k,)."""
    value = np.zeros((len(sources), stream.width))
    np.put_along_axis(value, np.asarray(sources), 1.0, axis=1)
    output = np.zeros((stream.width, len(sources)))
    output[targets, np.arange(len(sources))] = weight
    return planned_attention(np.zeros((0, stream.width)), np.zeros((0, stream.width)), value, output)


def _max_head(stream, weights, head):
    """Attention of rank 1 to the token of largest score S, which adds coefficients times S to the classes."""
    forms, form_of_head, _, coefficients = weights()
    key = np.zeros((1, stream.width))
    key[0, stream.tokens] = forms[[form_of_head[head]]].toarray().ravel()
    output = np.zeros((stream.width, 1))
    output[stream.score, 0] = coefficients[head]
    # the value is the key: the largest score itself is added
    return Attention(stream.row(stream.one), key, key, output, temperature=stream.temperature)


# -- codes and corrections --------------------------------------------------------------------------------------------------


def _random_code_layers(code, stream, max_width):
    """Layers that leave 1/2 + sum_r max s_r / 8 + sum_r mean t_r / 16 in the register of the code."""
    n = len(code.leaders)
    s = stream.registers[:n]
    ramps = stream.registers[n:-1]
    register = stream.registers[-1]
    # two hidden units for each s_r, then two for each t_r: relu(x) - relu(x - 1) with x = <u, z> + 1/2, or + bias
    U = np.zeros((4 * n, stream.width))
    U[:, stream.code_input] = np.repeat(np.concatenate([code.leaders, code.ramps]), 2, axis=0)
    b = np.concatenate([np.tile([0.5, -0.5], n), np.stack([code.biases, code.biases - 1.0], axis=1).ravel()])
    W = np.zeros((stream.width, 4 * n))
    W[np.repeat([*s, *ramps], 2), np.arange(4 * n)] = np.tile([1.0, -1.0], 2 * n)
    units = Units(U, b, W, 2)
    # s_r is that plus 1, and the sum of the code starts at 1/2
    constants = np.zeros(stream.width)
    constants[s] = 1.0
    constants[register] = 0.5
    plan = [*planned_stack(units, max_width), planned_layer(constant_unit(stream.width, constants))]
    query = stream.row(stream.one)
    output = LEADER_WEIGHT * stream.row(register).T
    for r in s:
        s_row = stream.row(r)
        plan.append(planned_attention(query, s_row, s_row, output, temperature=code.temperature))
    plan.append(_uniform_attention(stream, ramps[None], [register], MEAN_WEIGHT))
    return plan


def _bump_code_layers(code, stream, max_width):
    """Layers that leave the mean of 1 + bumps of s in the register of the code."""
    s, bumps, register = stream.registers.tolist()
    # s = relu(x) - relu(x - 1) + 1 with x = <u, z> + 1/2; the register `bumps` starts at 1
    U = np.zeros((2, stream.width))
    U[:, stream.code_input] = code.direction
    W = np.zeros((stream.width, 2))
    W[s] = 1.0, -1.0
    ramp = Units(U, np.array([0.5, -0.5]), W, 2)
    constants = np.zeros(stream.width)
    constants[[s, bumps]] = 1.0

    def units(first, last):
        return bump_units(stream.width, s, bumps, *code.bumps.part(first, last))

    return [
        planned_layer(ramp),
        planned_layer(constant_unit(stream.width, constants)),
        *planned_groups(units, code.n_bumps, 4, max_width),
        _uniform_attention(stream, [[bumps]], [register], 1.0),
    ]


def _correction_layers(corrections, stream, max_width):
    targets = stream.score[corrections.labels]

    def units(first, last):
        parts = [part[first:last] for part in (targets, corrections.low, corrections.high, corrections.widths)]
        return bump_units_between(stream.width, stream.registers[-1], *parts, corrections.height)

    return planned_groups(units, len(corrections.labels), 4, max_width)
