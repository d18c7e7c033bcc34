"""What all built networks do alike: count their blocks and parameters, write out their weights, and read user input."""

from abc import ABC, abstractmethod

from sklearn_hardmax.constructions.common import plans
from sklearn_hardmax.constructions.common.construction import check_network_output
from sklearn_hardmax.sequences import as_sequences


class BuiltNetwork(ABC):
    """A network that a construction has found, as numbers; its weights are written out when they are asked for.

    A subclass gives the layer specifications (`_plan`), the width of the residual stream (`token_dim`), the names of its
    coordinates (`_coordinate_names`) and `decode`; those that read tokens through a `projection` need no `encode` of their own.
    """

    @property
    @abstractmethod
    def token_dim(self):
        """Width D of the residual stream."""

    @abstractmethod
    def _plan(self, max_width):
        """Layer specifications (plans.py), hidden layers at most max_width units wide."""

    @abstractmethod
    def _coordinate_names(self):
        """Names of the first coordinates of the residual stream; the others are called z and their index."""

    @abstractmethod
    def decode(self, tokens):
        """Answers from the tokens that `apply` returns."""

    def n_blocks(self, max_width=plans.DEFAULT_WIDTH):
        """Blocks of `transformer(max_width)`, counted without its weights."""
        return plans.n_blocks(self._plan(max_width))

    def n_parameters(self, max_width=plans.DEFAULT_WIDTH):
        """Parameters of `transformer(max_width)`, counted without its weights."""
        return plans.n_parameters(self._plan(max_width), self.token_dim)

    def transformer(self, max_width=plans.DEFAULT_WIDTH):
        """The explicit weights; MemoryError where they would take too much."""
        plan, names = self._plan(max_width), self._coordinate_names()
        plans.check_memory(plans.n_parameters(plan, self.token_dim))
        return plans.build_transformer(plan, [*names, *(f"z{j}" for j in range(len(names), self.token_dim))])

    def encode(self, X):
        """User input as the RaggedSequences that the transformer takes, (n_tokens, token_dim)."""
        return self.projection.encode(as_sequences(X), self.token_dim)

    def _checked_output(self, tokens):
        """Tokens that `apply` returned, as RaggedSequences of the width of the network."""
        tokens = as_sequences(tokens)
        check_network_output(tokens, self.token_dim)
        return tokens
