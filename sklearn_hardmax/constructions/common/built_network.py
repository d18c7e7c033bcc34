"""Base class of all constructed networks: count blocks and parameters, write out the weights, encode user input."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Protocol

from sklearn_hardmax._typing import AnyArray
from sklearn_hardmax.constructions.common import plans
from sklearn_hardmax.constructions.common.construction import as_network_output
from sklearn_hardmax.sequences import RaggedSequences, SequencesLike
from sklearn_hardmax.sequences.parsing import read_sequences
from sklearn_hardmax.transformer import Transformer


class TokenEncoder(Protocol):
    """Turns sequences into the input tokens of a network, as `Projection` in constructions/codes does."""

    def encode(self, sequences: RaggedSequences, width: int) -> RaggedSequences:
        """Tokens of `width` coordinates."""


class BuiltNetwork(ABC):
    """A network that a construction has found, kept as the few numbers that determine its weights.

    The weights themselves are written out by `transformer`. A subclass gives the layer specifications (`_plan`), the width of
    the residual stream (`token_dim`), the names of its coordinates (`_coordinate_names`) and `decode`. A subclass with an
    attribute `projection` inherits `encode`; others define their own.
    """

    projection: TokenEncoder

    @property
    @abstractmethod
    def token_dim(self) -> int:
        """Width D of the residual stream."""

    @abstractmethod
    def _plan(self, max_width: int | None) -> list[plans.PlannedLayer]:
        """Layer specifications (plans.py), hidden layers at most max_width units wide."""

    @abstractmethod
    def _coordinate_names(self) -> list[str]:
        """Names of the first coordinates of the residual stream; coordinate j of the others is called z{j}."""

    @abstractmethod
    def decode(self, tokens: SequencesLike) -> AnyArray | RaggedSequences:
        """Labels or targets, from the tokens that `apply` returns."""

    def n_blocks(self, max_width: int | None = plans.DEFAULT_WIDTH) -> int:
        """Blocks of `transformer(max_width)`, counted without its weights."""
        return plans.n_blocks(self._plan(max_width))

    def n_parameters(self, max_width: int | None = plans.DEFAULT_WIDTH) -> int:
        """Parameters of `transformer(max_width)`, counted without its weights."""
        return plans.n_parameters(self._plan(max_width), self.token_dim)

    def transformer(self, max_width: int | None = plans.DEFAULT_WIDTH) -> Transformer:
        """The explicit weights, feed-forward layers at most max_width units wide (None: no limit).

        Raises MemoryError if the weights would take more than `plans.MEMORY_LIMIT` bytes.
        """
        plan = self._plan(max_width)
        names = self._coordinate_names()
        plans.check_memory(plans.n_parameters(plan, self.token_dim))
        return plans.build_transformer(plan, [*names, *(f"z{j}" for j in range(len(names), self.token_dim))])

    def encode(self, X: SequencesLike) -> RaggedSequences:
        """User input as the RaggedSequences that the transformer takes, tokens of shape (n_tokens, token_dim)."""
        return self.projection.encode(read_sequences(X), self.token_dim)

    def _checked_output(self, tokens: SequencesLike) -> RaggedSequences:
        """Tokens that `apply` returned, as RaggedSequences; ValueError if they are not of the width of the network."""
        return as_network_output(tokens, self.token_dim)
