"""Interpolate without extra coordinates for targets: the tokens themselves move to their targets.

The first layers write the code c of every token (token_code.py), without offset and scaled into (0, 1), to coordinate 0, and
0 to all others. A *carrier* is a token that carries a target. The distinct codes of the carriers are l_1 < l_2 < .. with
targets y_1, y_2, ..; one block of two hidden units per code moves its carriers to their target, from the highest code down:

    coordinate 0                                                               ---->
    at first                                              l_1     l_2     l_3
    after block 3          y_3 - H e1                     l_1     l_2
    after block 2          y_3 - H e1, y_2 - H e1         l_1
    after block 1          y_3, y_2, y_1: the last block adds H e1 to all

Block k adds

    w1 relu(x) + w2 relu(x - 1),   x = (c - l_k) / delta_k + 1,   w1 = (y_k1 - H - l_k, y_k2, ..),   w2 = -w1 - delta_k e1

with delta_k a power of two, at most the distance to the next carrier below. It is 0 below l_k - delta_k. For c = l_k + r,
r >= 0, it adds w1 - r e1, so that the token moves to y_k - H e1 whatever r is. With H = 2^ceil(log2(2 |y| + c_max + 4)) moved
tokens lie below all codes and never move again.

In the formulas l_k is the code of a carrier less a bound on its error, hence x is 1 or little more, and every block is
exactly 0 on all carriers but its own: the network is exact as a function of real numbers but for the rounding of w1, and in
float64 to 8 ulp(H). (Statement: Alcalde, Fantuzzi, Zuazua, arXiv 2502.02270v3.)

The stream has max(d, q, 1 + registers) coordinates. Bumps need one register, a coordinate for numbers in between, and ranks
need one; other data need none.
"""

from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np

from sklearn_hardmax.constructions.codes.projection import Projection
from sklearn_hardmax.constructions.common import plans
from sklearn_hardmax.constructions.common.built_network import BuiltNetwork
from sklearn_hardmax.constructions.common.construction import ConstructionError
from sklearn_hardmax.constructions.common.units import Units, clearing_unit, constant_unit
from sklearn_hardmax.constructions.interpolation import selectors
from sklearn_hardmax.constructions.interpolation.targets import decode_targets
from sklearn_hardmax.forward import apply
from sklearn_hardmax.forward.ties import EPS
from sklearn_hardmax.sequences.segments import sequence_of_each_token

_ROUNDING = 4 * EPS  # of codes below 1


@dataclass(frozen=True)
class InPlaceInterpolation(BuiltNetwork):
    """An interpolating transformer whose outputs take the place of the tokens.

    Attributes
    ----------
    plan : list of PlannedLayer
        Layer specifications.
    width : int
        Width D of the residual stream.
    projection : Projection
        How tokens are encoded before the first layer.
    n_outputs : int
        Dimension q of a target.
    one_target : bool
        Whether there is one target per sequence rather than per token.
    height : float
        The height H by which tokens are moved; errors are at most 8 ulps of it.
    margin : float
        Smallest ratio of the distance of neighbouring carriers to the error bound of their codes.
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
        """Layer specifications; hidden layers are at most 4 units wide whatever max_width is."""
        return self.plan

    def _coordinate_names(self):
        return []

    def decode(self, tokens):
        """Targets from the tokens that `apply` returns: RaggedSequences of (n_j, q), or (N, q) with one per sequence."""
        return decode_targets(self._checked_output(tokens), 0, self.n_outputs, self.one_target)


def build_in_place(token_code, sequences, assignment):
    """Find the InPlaceInterpolation for a TokenCode and a TargetAssignment of training sequences."""
    # divided by the offset all codes are below 1, so that H does not grow with them
    scale = token_code.offset
    code = replace(
        token_code, token_scale=token_code.token_scale / scale, code_scale=token_code.code_scale / scale, offset=0.0
    )
    q = assignment.targets.shape[1]
    ranked = code.boundaries is not None
    has_bumps = bool(code.n_bumps)
    width = max(code.projection.n_coordinates, q, 1 + has_bumps + ranked)
    bumps = 1
    rank = 1 + has_bumps
    plan = [
        selectors.first_layer(code, width, [bumps] if has_bumps else []),
        *selectors.bump_layers(code, width, bumps),
        *selectors.code_attention(code, width, bumps, rank, None),
        *selectors.rank_layers(code, width, bumps, rank),
    ]
    # the codes of the carriers are those that these layers give when they run
    codes = apply(plans.build_transformer(plan, None), code.projection.encode(sequences, width)).tokens[:, 0]
    carriers = _carriers(code, sequences, assignment, codes)
    targets = assignment.targets[carriers.target_indices]
    height = 2.0 ** np.ceil(np.log2(2 * np.abs(targets).max() + codes.max() + 4))
    # the first block clears the register of bumps, unless the layers of ranks or an attention that forgets tokens did so
    bumps_remain = has_bumps and not ranked and code.token_scale != 0
    prefix = clearing_unit(width, bumps) if bumps_remain else None
    for k in range(len(targets) - 1, -1, -1):
        block = partial(_block, carriers.low[k], carriers.deltas[k], targets[k], height, width, prefix, k == 0)
        # two units per block, one more to clear the register in the first block, one more to lift all tokens in the last
        n_units = 2 + (prefix is not None) + (k == 0)
        plan.append(plans.PlannedLayer(n_units, (), block))
        prefix = None
    return InPlaceInterpolation(
        plan, width, token_code.projection, q, assignment.one_target, float(height), carriers.margin
    )


class _Carriers(NamedTuple):
    """The K distinct codes of tokens that carry a target, in ascending order.

    Attributes
    ----------
    low : ndarray of shape (K,)
        l_k: codes less the bounds on their errors.
    deltas : ndarray of shape (K,)
        delta_k: powers of two, at most the distance to the next code below plus its error bound.
    target_indices : ndarray of shape (K,), int
    margin : float
        Smallest distance of neighbours, over the largest error bound.
    """

    low: np.ndarray
    deltas: np.ndarray
    target_indices: np.ndarray
    margin: float


def _carriers(code, sequences, assignment, codes):
    """The _Carriers among tokens with `codes` (n_tokens,); ConstructionError where codes of different targets coincide."""
    owner = sequence_of_each_token(sequences.lengths)
    carrying = sequences.offsets[:-1] if assignment.one_target else np.flatnonzero(assignment.by_token >= 0)
    target_indices = assignment.by_token[carrying]
    error_bounds = np.zeros(len(sequences))
    if code.code is not None:
        # four times the bound of A, in units of c, rounded up to the grid of c
        steps = np.ceil(4 * code.code_scale * code.code.error_bounds(sequences.lengths) / _ROUNDING)
        error_bounds = steps * _ROUNDING
    distinct, first = np.unique(codes[carrying], return_index=True)
    # the codes as real numbers, without rounding, are no farther from these either
    reach = error_bounds[owner[carrying[first]]] + _ROUNDING
    low = distinct - reach
    high = distinct + reach
    # below the lowest code there are only moved tokens
    distances = low - np.append(low[0] / 2, high[:-1])
    place = np.searchsorted(distinct, codes[carrying])
    one_target_per_code = np.array_equal(target_indices[first][place], target_indices)
    if not one_target_per_code or (distances <= 0).any():
        raise ConstructionError("Codes of carriers coincide inside R^d; use registers=True.")
    deltas = 2.0 ** np.floor(np.log2(distances))
    bound = np.maximum(error_bounds.max(), _ROUNDING)
    margin = float((distances / bound)[1:].min(initial=np.inf))
    return _Carriers(low, deltas, target_indices[first], margin)


def _block(low, delta, target, height, width, prefix, is_last):
    """The layer that moves one carrier.

    `prefix`, Units or None, comes before its two units; the last layer lifts all tokens by H.
    """
    w1 = np.zeros(width)
    w1[: len(target)] = target
    w1[0] = target[0] - height - low
    w2 = -w1
    w2[0] -= delta
    # x = (c - low) / delta + 1, and x - 1
    U = np.zeros((2, width))
    U[:, 0] = 1.0 / delta
    biases = np.array([1.0 - low / delta, -low / delta])
    units = Units(U, biases, np.stack([w1, w2], axis=1), 2)
    if prefix is not None:
        units = prefix.followed_by(units)
    if is_last:
        lift = np.zeros(width)
        lift[0] = height
        units = units.followed_by(constant_unit(width, lift))
    return units.layer()
