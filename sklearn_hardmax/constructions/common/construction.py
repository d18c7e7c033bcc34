"""What every construction returns, and how it says no."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from sklearn_hardmax.sequences.arrays import format_indices
from sklearn_hardmax.transformer import Transformer


class ConstructionError(ValueError):
    """The hypothesis of a construction fails on these data, or float64 cannot carry it; the message names the offenders."""


class SequenceConflictWarning(UserWarning):
    """Sequences that the network cannot tell apart carry different labels; each group was given its majority label."""


class Construction(NamedTuple):
    """A constructed network between an encoding of user input and a reading of its output.

    Attributes
    ----------
    transformer : Transformer
        The explicit weights.
    encode : callable
        User input to the RaggedSequences that the transformer takes.
    decode : callable
        The RaggedSequences that `apply` returns to the answer.
    margin : float
        How many times over the certified inequalities hold; above 1 the answers on the training data are exact.
    """

    transformer: Transformer
    encode: Callable
    decode: Callable
    margin: float


class Conflict(NamedTuple):
    """Sequences with different labels that no code tells apart.

    indices : (n,) ints, the sequences.
    kind : "equal" (as sequences), "order" (as normalised multisets of tokens; with ordered=True they differ) or "close"
    (nearer than the code resolves).
    """

    indices: np.ndarray
    kind: str


_KINDS = {
    "equal": "are equal",
    "order": "have equal frequencies of tokens (ordered=True tells them apart where their order or length differs)",
    "close": "are closer than float64 resolves",
}


def conflict_message(conflicts):
    """One sentence that names the groups of sequences with different labels that cannot be told apart."""
    parts = []
    for kind, what in _KINDS.items():
        groups = [c.indices for c in conflicts if c.kind == kind]
        if groups:
            named = "; ".join(format_indices(group) for group in groups[:3])
            more = f" and {len(groups) - 3} more groups" if len(groups) > 3 else ""
            parts.append(f"sequences {named}{more} {what}")
    return "Sequences with different labels cannot be told apart: " + ", and ".join(parts)


def check_network_output(tokens, token_dim):
    """ValueError unless these RaggedSequences have the width of the network."""
    if tokens.token_dim != token_dim:
        raise ValueError(f"The network has {token_dim} coordinates, these tokens have {tokens.token_dim}.")


def label_per_sequence(tokens, labels):
    """The label of each sequence from those of its tokens (n_tokens,), which must all be equal."""
    first = labels[tokens.offsets[:-1]]
    apart = np.flatnonzero(labels != np.repeat(first, tokens.lengths))
    if len(apart):
        raise ValueError(
            f"Token {apart[0]} reads another label than its sequence: these tokens are no output of the network."
        )
    return first
