"""Interpolation inside R^d, without registers for the targets: tokens are moved to their targets one plateau after another.

After the code (token_code.py, without offset, and scaled) coordinate 0 of every token holds c in (0, 1) and the others 0. The
carriers of targets are peeled off from the highest code down: for the k-th, with code l_k, target y_k and

    x = (c - l_k) / delta_k + 1,      delta_k a power of two, at most the distance to the next carrier below,

a block of two hidden units adds w1 relu(x) + w2 relu(x - 1), w1 = (y_k1 - H - l_k, y_k2, ..), w2 = -w1 - delta_k e1. It is 0
below l_k - delta_k, and moves c = l_k + r, r >= 0, to y_k - H e1 whatever r is. With H = 2^ceil(log2(2 |y| + c_max + 4)) what
was moved stands below all codes and never moves again; the last block adds H e1. l_k is the code of a carrier less what it
may error_bound, hence x is 1 or little more, and every block is exactly 0 on all carriers but its own: the form is exact as real
numbers but for the rounding of w1, and in float64 to 8 ulp(H). (Statement: Alcalde, Fantuzzi, Zuazua, arXiv 2502.02270v3.)

The stream has max(d, q, 1 + registers) coordinates: bumps need a register and ranks need one; other data need none.
"""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from sklearn_hardmax.constructions.codes.projection import Projection
from sklearn_hardmax.constructions.common import plans
from sklearn_hardmax.constructions.common.built_network import BuiltNetwork
from sklearn_hardmax.constructions.common.construction import ConstructionError
from sklearn_hardmax.constructions.common.units import Units, clearing_unit, constant_unit
from sklearn_hardmax.constructions.interpolation import selectors
from sklearn_hardmax.forward import apply
from sklearn_hardmax.forward.ties import EPS
from sklearn_hardmax.sequences import RaggedSequences
from sklearn_hardmax.sequences.segments import sequence_of_each_token

_ROUNDING = 4 * EPS  # of codes below 1


@dataclass(frozen=True)
class InPlaceInterpolation(BuiltNetwork):
    """An interpolating transformer inside R^d.

    plan : layer specifications; width : width D of the residual stream; projection : Projection; n_outputs : q; one_target :
    whether there is one a sequence; height : H, errors are at most 8 ulps of it; margin : how many times over the inequalities
    behind the order of carriers hold.
    """

    plan: list
    width: int
    projection: Projection
    n_outputs: int
    one_target: bool
    height: float
    margin: float

    @property
    def token_dim(self):
        """Width D of the residual stream."""
        return self.width

    def _plan(self, max_width):
        return self.plan

    def _coordinate_names(self):
        return []

    def decode(self, tokens):
        """Targets from the tokens that `apply` returns: RaggedSequences of (n_j, q), or (N, q) with one a sequence."""
        tokens = self._checked_output(tokens)
        written = np.ascontiguousarray(tokens.tokens[:, : self.n_outputs])
        return written[tokens.offsets[:-1]] if self.one_target else RaggedSequences(written, tokens.offsets)


def build_in_place(token_code, sequences, assignment):
    """InPlaceInterpolation for TargetAssignment; the codes of the carriers are those that the first layers give when they run."""
    scale = token_code.offset  # all codes are below 1, so that H does not grow with them
    code = replace(
        token_code, token_scale=token_code.token_scale / scale, code_scale=token_code.code_scale / scale, offset=0.0
    )
    q, ranked = assignment.targets.shape[1], code.boundaries is not None
    n_registers = bool(code.n_bumps) + ranked
    width = max(code.projection.n_coordinates, q, 1 + n_registers)
    bumps, rank = 1, 1 + bool(code.n_bumps)
    plan = [
        selectors.first_layer(code, width, [bumps] if code.n_bumps else []),
        *selectors.bump_layers(code, width, bumps),
        *selectors.code_attention(code, width, bumps, rank, None),
        *selectors.rank_layers(code, width, bumps, rank),
    ]
    coded = apply(plans.build_transformer(plan, None), code.projection.encode(sequences, width)).tokens[:, 0]
    low, gaps, targets, margin = _carriers(code, sequences, assignment, coded)
    y = assignment.targets[targets]
    height = 2.0 ** np.ceil(np.log2(2 * np.abs(y).max() + coded.max() + 4))
    # an attention that replaces tokens empties the register of bumps, and so do ranks
    left = code.n_bumps and not ranked and code.token_scale != 0
    lead = clearing_unit(width, bumps) if left else None
    for k in range(len(low) - 1, -1, -1):
        plan.append(plans.PlannedLayer(2, (), partial(_block, low[k], gaps[k], y[k], height, width, lead, k == 0)))
        lead = None
    return InPlaceInterpolation(plan, width, token_code.projection, q, assignment.one_target, float(height), margin)


def _carriers(code, sequences, assignment, coded):
    """Codes of the carriers, lowered by what they may error_bound, ascending; delta, target of each; and the margin."""
    owner = sequence_of_each_token(sequences.lengths)
    carrying = sequences.offsets[:-1] if assignment.one_target else np.flatnonzero(assignment.by_token >= 0)
    error_bound = np.zeros(len(sequences))
    if code.code is not None:
        steps = np.ceil(4 * code.code_scale * code.code.error_bounds(sequences.lengths) / _ROUNDING)
        error_bound = steps * _ROUNDING  # on the grid of c
    line, order = np.unique(coded[carrying], return_index=True)
    targets = assignment.by_token[carrying]
    reach = (
        error_bound[owner[carrying[order]]] + _ROUNDING
    )  # as real numbers the codes are no further from these either
    low, high = line - reach, line + reach
    distances = low - np.append(low[0] / 2, high[:-1])
    if not np.array_equal(targets[order][np.searchsorted(line, coded[carrying])], targets) or (distances <= 0).any():
        raise ConstructionError("Codes of carriers coincide inside R^d; use registers=True.")
    deltas = 2.0 ** np.floor(np.log2(distances))
    bounds = np.maximum(error_bound.max(), _ROUNDING)
    return low, deltas, targets[order], float((distances / bounds)[1:].min(initial=np.inf))


def _block(low, delta, target, height, width, lead, is_last):
    """The layer that moves one carrier; `lead`, Units, stands in front, and the last layer lifts all tokens by H."""
    first, last = np.zeros((2, width))
    first[: len(target)] = target
    first[0] = target[0] - height - low
    last[:] = -first
    last[0] -= delta
    U = np.zeros((2, width))
    U[:, 0] = 1.0 / delta
    units = Units(U, np.array([1.0 - low / delta, -low / delta]), np.stack([first, last], axis=1), 2)
    if lead is not None:
        units = lead.followed_by(units)
    if is_last:
        offset = np.zeros(width)
        offset[0] = height
        units = units.followed_by(constant_unit(width, offset))
    return units.layer()
