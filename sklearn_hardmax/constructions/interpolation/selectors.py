"""The layers of an interpolating network.

Coordinates of the residual stream, in this order: the *code* c of the token; *previous_step*, the height t of the last ramp; *on_plateau*,
how much of the token lies on the last plateau; the targets.

    feed-forward   eta = 0: s (times token_scale) to code, 1 to on_plateau; 1 to the first target register where bumps are added
    feed-forward   bumps on s, added in the first target register, which serves until the targets come
    attention      reads A; code_scale A + offset, or the offset alone, is added to code; 2^52 A to previous_step where codes are ranked
    feed-forward   ranks: 2 token_scale for each boundary below A, added to code; the registers are clearing_unit
    feed-forward   selectors, a plateau each, from the highest down

*Selectors.* Plateaus are separated by ramps t_k = relu(c - threshold_k) - relu(c - threshold_k - 1), and thresholds are more than 1 apart.
A token lies on plateau k by t_k - t_(k+1), t of the lowest being 1: ones and zeros but on a ramp, and they add up to 1. The
layer of plateau k, three hidden units wide, is

    on_plateau   <-  on_plateau - relu(on_plateau) + relu(c - threshold_k) - relu(c + previous_step - threshold_k - 1)          = t_k - t_(k+1)
    previous_step <-  previous_step            + relu(c - threshold_k) - relu(c + previous_step - threshold_k - 1)          = t_k
    target <-  target + y_(k+1) relu(on_plateau)                                                   what the layer before found

for relu(c - threshold_k) - relu(c + t_(k+1) - threshold_k - 1) is t_k where t_(k+1) = 0, and 1 - t_(k+1) behind it. The last layer
writes y_1 relu(on_plateau) + y_0 relu(1 - previous_step). So P >= 2 plateaus take P layers. All numbers but the targets lie on the grid of
c and stay below its binade, so that they are exact; on_plateau is 0 or 1 on a plateau, and target = y bit for bit.

Registers are clearing_unit in layers that write nothing else into them, hence exactly.
"""

from functools import partial

import numpy as np

from sklearn_hardmax.constructions.common.plans import PlannedLayer, planned_attention, planned_groups, planned_layer
from sklearn_hardmax.constructions.common.units import (
    Units,
    bump_units,
    clearing_unit,
    projection_units,
    ramp_units,
    unit_row,
)
from sklearn_hardmax.constructions.interpolation.token_code import RANK_SCALE

CODE, PREVIOUS_STEP, ON_PLATEAU, TARGETS = range(4)
_WIDTH = 4  # hidden units that a layer of bumps or ranks may have


def first_layer(token_code, width, ones):
    """Spread times s to coordinate 0, and 1 to the coordinates `ones`; nothing stays of the token."""
    return planned_layer(projection_units(width, token_code.direction, ones, token_code.token_scale or 1.0), eta=0.0)


def bump_layers(token_code, width, target):
    """TokenCoefficients on s, added to coordinate `target`."""
    scale = token_code.token_scale or 1.0

    def made(a, b):
        bumps = bump_units(width, CODE, target, *token_code.code.bumps.part(a, b))
        return bumps._replace(U=bumps.U / scale)

    return planned_groups(made, token_code.n_bumps, 4, _WIDTH)


def code_attention(token_code, width, bumps, rank, one):
    """A and the offset, added to the code; 2^52 A to coordinate `rank` where codes are ranked. A list of one layer, or none.

    bumps : where bumps were added; one : a coordinate that holds 1 in every token, None for no offset and queries by the code.
    """
    code, scale = token_code.code, token_code.token_scale or 1.0
    leader = code is not None and code.uses_leader_attention
    query, key = np.zeros((2, int(leader), width))
    if leader:
        query[:, CODE if one is None else one], key[:, CODE] = 1.0, code.sign
    values, outputs = [], []
    if code is not None:
        weight = token_code.code_scale if token_code.boundaries is None else RANK_SCALE
        values.append(unit_row(width, CODE if code.bumps is None else bumps))
        to = unit_row(width, CODE if token_code.boundaries is None else rank)
        outputs.append(to.T * (weight / (scale if code.bumps is None else 1.0)))
    if one is not None:
        values.append(unit_row(width, one))
        outputs.append(unit_row(width, CODE).T * token_code.offset)
    if not values:
        return []
    temperature = scale * code.temperature if leader else 0.0
    rho = 0.0 if token_code.token_scale == 0 else 1.0
    return [planned_attention(query, key, np.concatenate(values), np.concatenate(outputs, axis=1), rho, temperature)]


def rank_layers(token_code, width, bumps, rank):
    """2 token_scale to the code for every boundary below A, which coordinate `rank` holds; both registers are clearing_unit."""
    if token_code.boundaries is None:
        return []
    step = 2 * token_code.token_scale * unit_row(width, CODE)

    def made(a, b):
        return ramp_units(width, rank, RANK_SCALE * token_code.boundaries[a:b], np.repeat(step, b - a, axis=0))

    n = len(token_code.boundaries)
    lead = clearing_unit(width, bumps) if token_code.n_bumps else None
    if n == 1 and lead is not None:
        return [planned_layer(lead.followed_by(made(0, 1))), planned_layer(clearing_unit(width, rank))]
    plan = planned_groups(made, n - 1, 2, _WIDTH, lead)
    return [*plan, planned_layer(clearing_unit(width, rank).followed_by(made(n - 1, n)))]


def selector_layers(token_code, thresholds, targets, width):
    """The plateaus between ramps at `thresholds` (P - 1,), P >= 2, and their targets (P, q)."""
    tops = range(len(thresholds) - 1, -1, -1)
    kept = token_code.token_scale != 0
    clear = [clearing_unit(width, ON_PLATEAU)] if kept else []
    if kept and token_code.boundaries is None and token_code.n_bumps:
        clear.append(clearing_unit(width, TARGETS))
    plan = [planned_layer(_stacked([_ramp(thresholds[-1], width, after=False), *clear]))]
    for k in tops[1:]:
        plan.append(PlannedLayer(3, (), partial(_selector, thresholds[k], targets[k + 2], width)))
    last = Units(
        np.concatenate([unit_row(width, ON_PLATEAU), -unit_row(width, PREVIOUS_STEP)]),
        np.array([0.0, 1.0]),
        np.zeros((width, 2)),
        1,
    )
    last.W[TARGETS : TARGETS + targets.shape[1]] = targets[1::-1].T
    return [*plan, planned_layer(last)]


def _stacked(parts):
    first, *rest = parts
    for units in rest:
        first = first.followed_by(units)
    return first


def _ramp(threshold, width, after):
    """t_k - previous_step to on_plateau and previous_step; `after`, whether a ramp was previous_step before."""
    U, W = np.zeros((2, width)), np.zeros((width, 2))
    U[:, CODE] = 1.0
    U[1, PREVIOUS_STEP] = float(after)
    W[[PREVIOUS_STEP, ON_PLATEAU]] = 1.0, -1.0
    return Units(U, np.array([-threshold, -threshold - 1.0]), W, 2)


def _selector(threshold, target, width):
    """The layer of one plateau; the target is that of the plateau above."""
    on_plateau = clearing_unit(width, ON_PLATEAU)
    on_plateau.W[TARGETS : TARGETS + len(target), 0] = target
    return _ramp(threshold, width, after=True).followed_by(on_plateau).layer()
