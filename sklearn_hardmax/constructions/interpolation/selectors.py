"""Make the layers of an interpolating network: one number per token, then a lookup of its target.

The residual stream has four parts, in this order; token_interpolator.py lists the layers in a table.

    CODE            coordinate 0: at first s, the value of the token, times token_scale; then its code c
    PREVIOUS_STEP   a register, a coordinate for numbers in between: the height of the ramp that the layer before has computed
    ON_PLATEAU      a register: how much of the token lies on the plateau of the layer before
    TARGETS         the q targets, from coordinate 3 on

*Selectors.* P plateaus of the line of codes are separated by P - 1 ramps, which are 1 wide and begin at thresholds more than
1 apart:

    t_k = relu(c - threshold_k) - relu(c - threshold_k - 1),      k = 1, .., P - 1

For P = 3, on the line from left to right:

                  plateau 0    ramp 1    plateau 1    ramp 2    plateau 2
    t_1               0        rises         1           1          1
    t_2               0          0           0        rises         1

    1   - t_1         1        falls         0           0          0        how much of a token lies on plateau 0
    t_1 - t_2         0        rises         1        falls         0                                        on plateau 1
    t_2               0          0           0        rises         1                                        on plateau 2

So a token lies on plateau k by t_k - t_(k+1), with t_0 = 1 and t_P = 0: these are 0 or 1 except on a ramp, and they add up to
1. The output is the sum of the targets y_k with these factors. It is formed by one layer per plateau, from the highest
plateau down. Layer k finds t_(k+1) in PREVIOUS_STEP and t_(k+1) - t_(k+2) in ON_PLATEAU. With three hidden units it replaces
them,

    step            =   relu(c - threshold_k) - relu(c + PREVIOUS_STEP - threshold_k - 1)   =   t_k - t_(k+1)
    PREVIOUS_STEP  <-   PREVIOUS_STEP + step                                                =   t_k
    ON_PLATEAU     <-   ON_PLATEAU - relu(ON_PLATEAU) + step                                =   t_k - t_(k+1)
    TARGETS        <-   TARGETS + y_(k+1) relu(ON_PLATEAU)

and adds the target of plateau k + 1, whose factor the layer before has left in ON_PLATEAU. The step is as stated: where
t_(k+1) = 0, its two terms are those of t_k; where t_(k+1) > 0, c is more than 1 above threshold_k, so that both terms are
positive and their difference is 1 - t_(k+1). Layer P - 1 has no ramp before it, and the last layer adds
y_1 relu(ON_PLATEAU) + y_0 relu(1 - PREVIOUS_STEP). So P >= 2 plateaus take P layers.

All numbers but the targets lie on the grid of c and stay below the end of its binade, so that they are exact; ON_PLATEAU is 0
or 1 on a plateau, and TARGETS = y bit for bit.

*Registers serve twice.* Before the selectors, PREVIOUS_STEP holds 2^52 A where codes are ranked, and the first coordinate of
TARGETS holds the bumps. Both are cleared, by a unit that subtracts their content, in layers that write nothing else into
them, hence exactly.
"""

from functools import partial, reduce

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


# -- the code ------------------------------------------------------------------------------------------------------------


def _stretch(token_code):
    """The factor of s in CODE: token_scale; 1 where that is 0, as the code A is still pooled from s."""
    return token_code.token_scale or 1.0


def first_layer(token_code, width, ones):
    """The layer that writes stretch s to CODE and 1 to the coordinates `ones`; nothing remains of the token."""
    return planned_layer(projection_units(width, token_code.direction, ones, _stretch(token_code)), eta=0.0)


def bump_layers(token_code, width, target):
    """Layers that add the bumps of s to coordinate `target`, one layer per bump; none where there are no bumps."""

    def units(first, last):
        bumps = bump_units(width, CODE, target, *token_code.code.bumps.part(first, last))
        # bumps are made for s, and CODE holds stretch s
        return bumps._replace(U=bumps.U / _stretch(token_code))

    return planned_groups(units, token_code.n_bumps, 4, _WIDTH)


def code_attention(token_code, width, bumps, rank, one):
    """The attention that pools A from the tokens of a sequence; a list of one layer, or empty where there is nothing to add.

    Without ranks it adds code_scale A + offset to CODE; with ranks the offset alone, and 2^52 A to coordinate `rank`.

    bumps : coordinate that holds the bumps; one : coordinate that holds 1 in every token, or None to add no offset.
    """
    # Each summand is a row (1, width) and a column (width, 1): the row picks a number of every token, and its mean over the
    # attended tokens times the column is added to the stream.
    summands = []
    if token_code.code is not None:
        summands.append(_code_summand(token_code, width, bumps, rank))
    if one is not None:
        summands.append((unit_row(width, one), unit_row(width, CODE).T * token_code.offset))
    if not summands:
        return []
    rows, columns = zip(*summands)
    query, key, temperature = _leader_scores(token_code, width, one)
    # with one target per sequence the token itself is forgotten
    rho = 0.0 if token_code.token_scale == 0 else 1.0
    return [planned_attention(query, key, np.concatenate(rows), np.concatenate(columns, axis=1), rho, temperature)]


def _code_summand(token_code, width, bumps, rank):
    """Row and column of A: added code_scale times to CODE, or with ranks 2^52 times to coordinate `rank`."""
    if token_code.boundaries is None:
        target = CODE
        factor = token_code.code_scale
    else:
        target = rank
        factor = RANK_SCALE
    if token_code.code.bumps is not None:
        # the mean of 1 and the bumps is A itself
        return unit_row(width, bumps), unit_row(width, target).T * factor
    # the maximum, minimum or mean of CODE is stretch A
    return unit_row(width, CODE), unit_row(width, target).T * (factor / _stretch(token_code))


def _leader_scores(token_code, width, one):
    """Query, key (r, width) and temperature: r = 1 where A is a maximum or minimum, 0 where all tokens are attended to."""
    code = token_code.code
    if code is None or not code.uses_leader_attention:
        query, key = np.zeros((2, 0, width))
        return query, key, 0.0
    query, key = np.zeros((2, 1, width))
    # The factor of the query is 1; or, without a coordinate of ones, CODE: it is positive, and leaders are the same.
    query[:, CODE if one is None else one] = 1.0
    key[:, CODE] = code.sign
    # scores are +- stretch s, and temperatures are those of s
    return query, key, _stretch(token_code) * code.temperature


def rank_layers(token_code, width, bumps, rank):
    """Layers that add 2 token_scale to CODE for each boundary below A; none without ranks.

    Coordinate `rank` holds 2^52 A. It is cleared in the last of these layers, and `bumps`, where there are any, in the first.
    """
    if token_code.boundaries is None:
        return []
    step = 2 * token_code.token_scale * unit_row(width, CODE)

    def ramps(first, last):
        thresholds = RANK_SCALE * token_code.boundaries[first:last]
        return ramp_units(width, rank, thresholds, np.repeat(step, last - first, axis=0))

    n = len(token_code.boundaries)
    clear_rank = clearing_unit(width, rank)
    clear_bumps = clearing_unit(width, bumps) if token_code.n_bumps else None
    if n == 1 and clear_bumps is not None:
        # the only ramp joins the first layer, and `rank` is cleared in a layer of its own
        return [planned_layer(clear_bumps.followed_by(ramps(0, 1))), planned_layer(clear_rank)]
    # two ramps per layer; the last ramp shares its layer with the unit that clears `rank`: all units of a layer see its input
    plan = planned_groups(ramps, n - 1, 2, _WIDTH, clear_bumps)
    return [*plan, planned_layer(clear_rank.followed_by(ramps(n - 1, n)))]


# -- selectors -----------------------------------------------------------------------------------------------------------


def selector_layers(token_code, thresholds, targets, width):
    """The layers that write targets (P, q) of P >= 2 plateaus; `thresholds` (P - 1,) are those of the ramps between them.

    thresholds[k - 1] is threshold_k at the head of this module.
    """
    top = len(targets) - 1
    plan = [_top_selector(token_code, thresholds[top - 1], width)]
    for k in range(top - 1, 0, -1):
        plan.append(PlannedLayer(3, (), partial(_selector, thresholds[k - 1], targets[k + 1], width)))
    return [*plan, _last_selector(targets, width)]


def _top_selector(token_code, threshold, width):
    """The layer of the highest plateau: its ramp, added to both registers, and units that clear their old content."""
    parts = [_ramp(threshold, width, after_ramp=False)]
    if token_code.token_scale != 0:
        # ON_PLATEAU has held 1 so far; with token_scale 0 the attention has left 0 in all coordinates but CODE
        parts.append(clearing_unit(width, ON_PLATEAU))
        # with ranks the bumps are cleared by the layers of ranks
        if token_code.boundaries is None and token_code.n_bumps:
            parts.append(clearing_unit(width, TARGETS))
    return planned_layer(reduce(Units.followed_by, parts))


def _selector(threshold, target, width):
    """The layer of plateau k, as at the head of this module; `target` is that of plateau k + 1."""
    on_plateau = clearing_unit(width, ON_PLATEAU)
    on_plateau.W[TARGETS : TARGETS + len(target), 0] = target
    return _ramp(threshold, width, after_ramp=True).followed_by(on_plateau).layer()


def _last_selector(targets, width):
    """The layer of plateau 0: it adds y_1 relu(ON_PLATEAU) + y_0 relu(1 - PREVIOUS_STEP)."""
    U = np.concatenate([unit_row(width, ON_PLATEAU), -unit_row(width, PREVIOUS_STEP)])
    W = np.zeros((width, 2))
    W[TARGETS : TARGETS + targets.shape[1]] = targets[1::-1].T  # y_1, then y_0
    return planned_layer(Units(U, np.array([0.0, 1.0]), W, 1))


def _ramp(threshold, width, after_ramp):
    """The two units of a step, added to both registers; `after_ramp`: PREVIOUS_STEP holds the ramp of the layer before."""
    U = np.zeros((2, width))
    U[:, CODE] = 1.0
    U[1, PREVIOUS_STEP] = float(after_ramp)
    W = np.zeros((width, 2))
    W[[PREVIOUS_STEP, ON_PLATEAU]] = 1.0, -1.0
    return Units(U, np.array([-threshold, -threshold - 1.0]), W, 2)
