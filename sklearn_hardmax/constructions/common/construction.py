"""The result of every construction, its errors and warnings, and checks of the tokens that a network has returned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from sklearn_hardmax._typing import AnyArray, IntArray
from sklearn_hardmax.sequences import RaggedSequences, SequencesLike
from sklearn_hardmax.sequences.messages import format_indices
from sklearn_hardmax.sequences.parsing import read_sequences
from sklearn_hardmax.transformer import Transformer


class ConstructionError(ValueError):
    """The data do not meet the hypotheses of a construction, or float64 is not precise enough for it.

    The message names the sequences, tokens or parameters concerned.
    """


class SequenceConflictWarning(UserWarning):
    """The training data contain sequences with different labels that the network cannot tell apart.

    Each group of such sequences was given its majority label.
    """


class Construction(NamedTuple):
    """A constructed transformer, with functions that encode user input for it and decode its output.

    Attributes
    ----------
    transformer : Transformer
        The explicit weights.
    encode : callable
        Takes user input, returns the RaggedSequences that the transformer takes.
    decode : callable
        Takes the RaggedSequences that `apply` returns, returns the answer: labels, targets or moved tokens.
    margin : float
        Smallest ratio of slack to rounding-error bound among the certified inequalities; above 1 the answers on the training
        data are exact.
    """

    transformer: Transformer
    encode: Callable[[SequencesLike], RaggedSequences]
    decode: Callable[[SequencesLike], Any]
    margin: float


class Conflict(NamedTuple):
    """A group of training sequences with different labels that no code tells apart.

    Attributes
    ----------
    indices : ndarray of shape (n,)
        The sequences.
    kind : {"equal", "order", "close"}
        "equal": they are equal as sequences. "order": their tokens have equal frequencies, only the order or the length
        differs (`ordered=True` makes that difference visible). "close": they differ by less than float64 resolves.
    """

    indices: IntArray
    kind: Literal["equal", "order", "close"]


# the end of the sentence "sequences ... " in the message, for each kind of conflict
_REASONS = {
    "equal": "are equal as floats",
    "order": "have equal frequencies of tokens (ordered=True tells them apart where their order or length differs)",
    "close": "are closer than float64 resolves",
}


def conflict_message(conflicts: Sequence[Conflict]) -> str:
    """One sentence that names the groups of sequences with different labels that cannot be told apart."""
    parts = []
    for kind, reason in _REASONS.items():
        groups = [conflict.indices for conflict in conflicts if conflict.kind == kind]
        if groups:
            named = "; ".join(format_indices(group) for group in groups[:3])
            n_more = len(groups) - 3
            more = f" and {n_more} more group{'s' * (n_more > 1)}" if n_more > 0 else ""
            parts.append(f"sequences {named}{more} {reason}")
    return "Sequences with different labels cannot be told apart: " + ", and ".join(parts)


def as_network_output(tokens: SequencesLike, token_dim: int) -> RaggedSequences:
    """Tokens as RaggedSequences; ValueError unless they have as many coordinates as the residual stream of the network."""
    sequences = read_sequences(tokens)
    if sequences.token_dim != token_dim:
        raise ValueError(f"The network has {token_dim} coordinates, these tokens have {sequences.token_dim}.")
    return sequences


def label_per_sequence(tokens: RaggedSequences, labels: AnyArray) -> AnyArray:
    """Label of each sequence, (n_sequences,), from the labels of its tokens, (n_tokens,), which must all be equal."""
    first = labels[tokens.offsets[:-1]]
    different = np.flatnonzero(labels != np.repeat(first, tokens.lengths))
    if len(different):
        raise ValueError(
            f"Token {different[0]} has another label than its sequence: these tokens are not an output of the network."
        )
    return first
