"""The interpolating network as an object."""

from dataclasses import dataclass

import numpy as np

from sklearn_hardmax.constructions.common import plans
from sklearn_hardmax.constructions.common.built_network import BuiltNetwork
from sklearn_hardmax.constructions.common.units import constant_unit
from sklearn_hardmax.constructions.interpolation import selectors
from sklearn_hardmax.constructions.interpolation.plateaus import StepFunction, outputs
from sklearn_hardmax.constructions.interpolation.token_code import TokenCode
from sklearn_hardmax.sequences import RaggedSequences


@dataclass(frozen=True)
class TokenInterpolator(BuiltNetwork):
    """The interpolating transformer as numbers.

    token_code : TokenCode; plateaus : StepFunction; targets : (n_targets, q) distinct ones; one_target : whether there is one a
    sequence; margin : how many times over the inequalities behind the outputs hold; temperature : of softmax, 0 for hardmax.
    """

    token_code: TokenCode
    plateaus: StepFunction
    targets: np.ndarray
    one_target: bool
    margin: float = np.inf
    temperature: float = 0.0

    # -- the fast path: one code and one search ----------------------------------------------------------------------------

    def outputs(self, sequences, n_jobs=None):
        """What the network writes on every token, (n_tokens, q); with one target a sequence (N, q)."""
        return outputs(self.plateaus, self.targets, self.token_code.evaluate(sequences, n_jobs))

    # -- the network -------------------------------------------------------------------------------------------------------

    @property
    def token_dim(self):
        """Width D of the residual stream: the encoded token, or code, two registers and the targets."""
        return max(self.projection.n_coordinates, selectors.TARGETS + self.targets.shape[1])

    def _plan(self, max_width):
        width, code, own = self.token_dim, self.token_code, self.targets[self.plateaus.targets]
        if len(own) == 1:
            written = np.zeros(width)
            written[selectors.TARGETS : selectors.TARGETS + own.shape[1]] = own[0]
            return [plans.planned_layer(constant_unit(width, written), eta=0.0)]
        ones = [selectors.ON_PLATEAU] + [selectors.TARGETS] * bool(code.n_bumps)
        return [
            selectors.first_layer(code, width, ones),
            *selectors.bump_layers(code, width, selectors.TARGETS),
            *selectors.code_attention(code, width, selectors.TARGETS, selectors.PREVIOUS_STEP, selectors.ON_PLATEAU),
            *selectors.rank_layers(code, width, selectors.TARGETS, selectors.PREVIOUS_STEP),
            *selectors.selector_layers(code, self.plateaus.thresholds, own, width),
        ]

    def _coordinate_names(self):
        return ["code", "previous_step", "on_plateau", *(f"target {j}" for j in range(self.targets.shape[1]))]

    @property
    def projection(self):
        """The Projection that tokens are encoded for."""
        return self.token_code.projection

    def decode(self, tokens):
        """Targets from the tokens that `apply` returns: RaggedSequences of (n_j, q), or (N, q) with one a sequence."""
        tokens = self._checked_output(tokens)
        q = self.targets.shape[1]
        written = np.ascontiguousarray(tokens.tokens[:, selectors.TARGETS : selectors.TARGETS + q])
        return written[tokens.offsets[:-1]] if self.one_target else RaggedSequences(written, tokens.offsets)
