"""TokenInterpolator finds the target of a token by a binary search for one number, and writes out the same as layers.

Every token gets a code c (token_code.py), a weighted sum of its own value s and of the code A of its sequence, and a step
function of c gives its target (plateaus.py). The residual stream:

    coordinate   name            content
    ----------   -------------   ---------------------------------------------------------------------------------------------
    0            CODE            token_scale s, later the code c
    1            PREVIOUS_STEP   with ranks 2^52 A for a while; later the height of the last ramp
    2            ON_PLATEAU      1 in every token; later whether the token lies on the last plateau
    3, 4, ..     TARGETS         the targets; coordinate 3 holds the bumps before that

The layers, made by functions of selectors.py:

    layer          residual   hidden units or rank     result, in the residual stream                          function
    ------------   --------   ----------------------   -----------------------------------------------------   ---------------
    feed-forward   eta = 0    3                        token_scale s in CODE, 1 in ON_PLATEAU; with bumps 1    first_layer
                                                       in the first target coordinate
    feed-forward   eta = 1    4, one layer per bump    bumps of s, added to the first target coordinate        bump_layers
    attention      rho = 1    1 for max and min,       code_scale A + offset added to CODE; with ranks         code_attention
                              else 0                   offset alone, and 2^52 A to PREVIOUS_STEP
    feed-forward   eta = 1    up to 4                  with ranks: 2 token_scale for each boundary below A,    rank_layers
                                                       added to CODE; PREVIOUS_STEP is set back to 0
    feed-forward   eta = 1    2 to 4, one layer per    the target of the plateau that c lies on                selector_layers
                              plateau

With one target per sequence token_scale is 0 and nothing remains of a token: CODE holds s before the attention, which has
rho = 0 and leaves only the code. With one plateau the whole network is one layer that writes its target.
"""

from dataclasses import dataclass

import numpy as np

from sklearn_hardmax.constructions.common import plans
from sklearn_hardmax.constructions.common.built_network import BuiltNetwork
from sklearn_hardmax.constructions.common.units import constant_unit
from sklearn_hardmax.constructions.interpolation import selectors
from sklearn_hardmax.constructions.interpolation.plateaus import StepFunction
from sklearn_hardmax.constructions.interpolation.targets import decode_targets
from sklearn_hardmax.constructions.interpolation.token_code import TokenCode


@dataclass(frozen=True)
class TokenInterpolator(BuiltNetwork):
    """An interpolating transformer: one code per token, or per sequence, and a step function from codes to targets.

    Attributes
    ----------
    token_code : TokenCode
        The map from tokens to codes.
    plateaus : StepFunction
        The index of the target on every plateau of the line of codes.
    targets : ndarray of shape (n_targets, q)
        Distinct targets.
    one_target : bool
        Whether there is one target per sequence rather than per token.
    margin : float
        Smallest ratio of slack to rounding-error bound among the inequalities that guarantee the training targets.
    temperature : float
        Temperature of the softmax; 0 is hardmax.
    """

    token_code: TokenCode
    plateaus: StepFunction
    targets: np.ndarray
    one_target: bool
    margin: float = np.inf
    temperature: float = 0.0

    # -- fast path: one code and one search --------------------------------------------------------------------------------

    def outputs(self, sequences, n_jobs=None):
        """Output of the network on every token, (n_tokens, q), or (N, q) with one target per sequence."""
        return self.plateaus.evaluate(self.targets, self.token_code.evaluate(sequences, n_jobs))

    # -- the network -------------------------------------------------------------------------------------------------------

    @property
    def token_dim(self):
        """Width D of the residual stream: the encoded token, or code, two registers and the targets."""
        return max(self.projection.n_coordinates, selectors.TARGETS + self.targets.shape[1])

    def _plan(self, max_width):
        """Layer specifications; hidden layers are at most 4 units wide whatever max_width is."""
        width = self.token_dim
        code = self.token_code
        plateau_targets = self.targets[self.plateaus.target_indices]
        if len(plateau_targets) == 1:
            written = np.zeros(width)
            written[selectors.TARGETS : selectors.TARGETS + plateau_targets.shape[1]] = plateau_targets[0]
            return [plans.planned_layer(constant_unit(width, written), eta=0.0)]
        # coordinates serve twice: bumps and ranks are done with before the selectors come
        bumps = selectors.TARGETS
        rank = selectors.PREVIOUS_STEP
        one = selectors.ON_PLATEAU
        return [
            selectors.first_layer(code, width, [one, bumps] if code.n_bumps else [one]),
            *selectors.bump_layers(code, width, bumps),
            *selectors.code_attention(code, width, bumps, rank, one),
            *selectors.rank_layers(code, width, bumps, rank),
            *selectors.selector_layers(code, self.plateaus.thresholds, plateau_targets, width),
        ]

    def _coordinate_names(self):
        return ["code", "previous_step", "on_plateau", *(f"target {j}" for j in range(self.targets.shape[1]))]

    @property
    def projection(self):
        """The Projection that tokens are encoded for."""
        return self.token_code.projection

    def decode(self, tokens):
        """Targets from the tokens that `apply` returns: RaggedSequences of (n_j, q), or (N, q) with one per sequence."""
        return decode_targets(self._checked_output(tokens), selectors.TARGETS, self.targets.shape[1], self.one_target)
