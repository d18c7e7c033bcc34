"""The layers of an interpolating network.

Coordinates of the residual stream, in this order: the *code* c of the token; *passed*, the height t of the last ramp; *here*,
how much of the token lies on the last plateau; the targets.

    feed-forward   eta = 0: s (times spread) to code, 1 to here; 1 to the first target register where hats are added
    feed-forward   hats on s, added in the first target register, which serves until the targets come
    attention      reads A; kappa A + lift, or the lift alone, is added to code; 2^52 A to passed where codes are ranked
    feed-forward   ranks: 2 spread for each border below A, added to code; the registers are cleared
    feed-forward   selectors, a plateau each, from the highest down

*Selectors.* Plateaus are separated by ramps t_k = relu(c - foot_k) - relu(c - foot_k - 1), and feet are more than 1 apart.
A token lies on plateau k by t_k - t_(k+1), t of the lowest being 1: ones and zeros but on a ramp, and they add up to 1. The
layer of plateau k, three hidden units wide, is

    here   <-  here - relu(here) + relu(c - foot_k) - relu(c + passed - foot_k - 1)          = t_k - t_(k+1)
    passed <-  passed            + relu(c - foot_k) - relu(c + passed - foot_k - 1)          = t_k
    target <-  target + y_(k+1) relu(here)                                                   what the layer before found

for relu(c - foot_k) - relu(c + t_(k+1) - foot_k - 1) is t_k where t_(k+1) = 0, and 1 - t_(k+1) behind it. The last layer
writes y_1 relu(here) + y_0 relu(1 - passed). So P >= 2 plateaus take P layers. All numbers but the targets lie on the grid of
c and stay below its binade, so that they are exact; here is 0 or 1 on a plateau, and target = y bit for bit.

Registers are cleared in layers that write nothing else into them, hence exactly.
"""

from functools import partial

import numpy as np

from sklearn_hardmax.constructions.common import units as gadgets
from sklearn_hardmax.constructions.common.plans import PlannedLayer, planned_attention, planned_groups, planned_layer
from sklearn_hardmax.constructions.common.units import Units, cleared, first_units, unit_row
from sklearn_hardmax.constructions.interpolation.token_code import RANK_SCALE

CODE, PASSED, HERE, TARGETS = range(4)
_WIDTH = 4  # hidden units that a layer of hats or ranks may have


def first_layer(token_code, width, ones):
    """Spread times s to coordinate 0, and 1 to the coordinates `ones`; nothing stays of the token."""
    return planned_layer(first_units(width, token_code.direction, ones, token_code.spread or 1.0), eta=0.0)


def hat_layers(token_code, width, target):
    """Hats on s, added to coordinate `target`."""
    scale = token_code.spread or 1.0

    def made(a, b):
        hats = gadgets.hats(width, CODE, target, *token_code.code.hats.part(a, b))
        return hats._replace(U=hats.U / scale)

    return planned_groups(made, token_code.n_hats, 4, _WIDTH)


def code_attention(token_code, width, hats, rank, one):
    """A and the lift, added to the code; 2^52 A to coordinate `rank` where codes are ranked. A list of one layer, or none.

    hats : where hats were added; one : a coordinate that holds 1 in every token, None for no lift and queries by the code.
    """
    code, scale = token_code.code, token_code.spread or 1.0
    leader = code is not None and code.is_leader_read
    query, key = np.zeros((2, int(leader), width))
    if leader:
        query[:, CODE if one is None else one], key[:, CODE] = 1.0, code.sign
    values, outputs = [], []
    if code is not None:
        weight = token_code.kappa if token_code.borders is None else RANK_SCALE
        values.append(unit_row(width, CODE if code.hats is None else hats))
        to = unit_row(width, CODE if token_code.borders is None else rank)
        outputs.append(to.T * (weight / (scale if code.hats is None else 1.0)))
    if one is not None:
        values.append(unit_row(width, one))
        outputs.append(unit_row(width, CODE).T * token_code.lift)
    if not values:
        return []
    temperature = scale * code.temperature if leader else 0.0
    rho = 0.0 if token_code.spread == 0 else 1.0
    return [planned_attention(query, key, np.concatenate(values), np.concatenate(outputs, axis=1), rho, temperature)]


def rank_layers(token_code, width, hats, rank):
    """2 spread to the code for every border below A, which coordinate `rank` holds; both registers are cleared."""
    if token_code.borders is None:
        return []
    step = 2 * token_code.spread * unit_row(width, CODE)

    def made(a, b):
        return gadgets.ramps(width, rank, RANK_SCALE * token_code.borders[a:b], np.repeat(step, b - a, axis=0))

    n = len(token_code.borders)
    lead = cleared(width, hats) if token_code.n_hats else None
    if n == 1 and lead is not None:
        return [planned_layer(lead.before(made(0, 1))), planned_layer(cleared(width, rank))]
    plan = planned_groups(made, n - 1, 2, _WIDTH, lead)
    return [*plan, planned_layer(cleared(width, rank).before(made(n - 1, n)))]


def selector_layers(token_code, feet, targets, width):
    """The plateaus between ramps at `feet` (P - 1,), P >= 2, and their targets (P, q)."""
    tops = range(len(feet) - 1, -1, -1)
    kept = token_code.spread != 0
    clear = [cleared(width, HERE)] if kept else []
    if kept and token_code.borders is None and token_code.n_hats:
        clear.append(cleared(width, TARGETS))
    plan = [planned_layer(_stacked([_ramp(feet[-1], width, after=False), *clear]))]
    for k in tops[1:]:
        plan.append(PlannedLayer(3, (), partial(_selector, feet[k], targets[k + 2], width)))
    last = Units(
        np.concatenate([unit_row(width, HERE), -unit_row(width, PASSED)]),
        np.array([0.0, 1.0]),
        np.zeros((width, 2)),
        1,
    )
    last.W[TARGETS : TARGETS + targets.shape[1]] = targets[1::-1].T
    return [*plan, planned_layer(last)]


def _stacked(parts):
    first, *rest = parts
    for units in rest:
        first = first.before(units)
    return first


def _ramp(foot, width, after):
    """t_k - passed to here and passed; `after`, whether a ramp was passed before."""
    U, W = np.zeros((2, width)), np.zeros((width, 2))
    U[:, CODE] = 1.0
    U[1, PASSED] = float(after)
    W[[PASSED, HERE]] = 1.0, -1.0
    return Units(U, np.array([-foot, -foot - 1.0]), W, 2)


def _selector(foot, target, width):
    """The layer of one plateau; the target is that of the plateau above."""
    here = cleared(width, HERE)
    here.W[TARGETS : TARGETS + len(target), 0] = target
    return _ramp(foot, width, after=True).before(here).layer()
