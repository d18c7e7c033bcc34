"""Assign targets to tokens: one for each of the first m tokens, or one for the whole sequence; reject contradictions.

A *carrier* is a token that carries a target. Given m targets for a sequence, its first m tokens are the carriers; given one
target for the whole sequence, all its tokens are.

A network without positions computes a function of a token and of the normalised multiset of its sequence: its distinct tokens
and how often each occurs relative to the length (codes/multisets.py). So targets of tokens can be interpolated exactly when
equal tokens in equal multisets carry equal targets, and targets of sequences when equal multisets carry equal ones. This
module checks that on the training data, in exact arithmetic on the raw tokens.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.utils import check_array, check_consistent_length

from sklearn_hardmax.constructions.codes.multisets import (
    distinct_tokens,
    group_equal_multisets,
    multisets_from_tokens,
)
from sklearn_hardmax.constructions.common.construction import ConstructionError
from sklearn_hardmax.sequences import RaggedSequences
from sklearn_hardmax.sequences.libraries import parse_container
from sklearn_hardmax.sequences.messages import format_indices
from sklearn_hardmax.sequences.parsing import read_sequences
from sklearn_hardmax.sequences.segments import sequence_of_each_token
from sklearn_hardmax.sequences.values import as_numbers, columns_of, holds_plain_numbers

_SHOWN = 5  # contradictions that a message names


@dataclass(frozen=True)
class TargetAssignment:
    """Distinct targets, and which token or sequence carries which of them.

    Attributes
    ----------
    targets : ndarray of shape (n_targets, q)
        The distinct targets; the other attributes refer to them by index.
    by_token : ndarray of shape (n_tokens,), int
        Index of the target of each token, -1 for none.
    by_sequence : ndarray of shape (N,), int
        Index of the one target of each sequence, -1 where its tokens carry several.
    labels : ndarray of shape (N,), int
        Equal for two sequences only where the network need not tell them apart.
    n_multisets : int
        Number of distinct multisets among the sequences.
    one_target : bool
        Whether there is one target per sequence rather than per token.
    """

    targets: np.ndarray
    by_token: np.ndarray
    by_sequence: np.ndarray
    labels: np.ndarray
    n_multisets: int
    one_target: bool

    @property
    def by_code(self):
        """Index of the target of each code, -1 for none: one code per sequence if one_target, else one per token."""
        return self.by_sequence if self.one_target else self.by_token


def as_targets(Y, sequences):
    """Read targets, and find out whether there is one per sequence: (targets, one_target).

    RaggedSequences, a list of 2-D arrays and a 3-D array hold targets of tokens; these return RaggedSequences of (m_j, q) and
    False. 1-D and 2-D arrays of numbers hold one target per sequence; these return an array (N, q) and True. Raises
    ValueError for anything else, for another number of sequences and for more targets than tokens.
    """
    if _has_one_target_per_sequence(Y):
        _check_rectangular(Y)
        # as_numbers refuses texts and dates, which check_array would read as numbers
        targets = check_array(as_numbers(Y, "targets Y"), ensure_2d=False, dtype=np.float64, input_name="Y")
        check_consistent_length(sequences, targets)
        return targets.reshape(len(targets), -1), True
    try:
        targets = read_sequences(Y)
    except (TypeError, ValueError) as error:
        reason = str(error).replace("Input X", "Input Y").replace("tokens", "targets")
        raise ValueError(f"The targets Y cannot be read as sequences of targets: {reason}") from error
    if len(targets) != len(sequences):
        raise ValueError(f"Y must hold targets for {len(sequences)} sequences, got {len(targets)}.")
    too_many = np.flatnonzero(targets.lengths > sequences.lengths)
    if len(too_many):
        raise ValueError(
            f"Sequences {format_indices(too_many)} have fewer tokens than targets; each target belongs to one of the first "
            "tokens."
        )
    return targets, False


def _has_one_target_per_sequence(Y):
    """Whether Y holds one number or one row per sequence, and not an array per sequence."""
    if isinstance(Y, RaggedSequences):
        return False
    if columns_of(Y) is not None:
        return parse_container(Y) is None  # no column of lists
    if holds_plain_numbers(Y):
        return np.ndim(Y) < 3
    if isinstance(Y, (list, tuple)):
        return len(Y) > 0 and np.ndim(Y[0]) < 2
    if getattr(Y, "ndim", 0) == 1 and len(Y) > 0:  # an array of objects may hold one array per sequence
        return np.ndim(np.asarray(Y)[0]) == 0
    return getattr(Y, "ndim", 0) == 2


def _check_rectangular(Y):
    """ValueError for a list of rows of unequal length: most likely scalar targets of tokens that lack a second axis."""
    if not isinstance(Y, (list, tuple)):
        return
    shapes = [np.shape(row) for row in Y]
    other = np.flatnonzero([shape != shapes[0] for shape in shapes])
    if len(other):
        raise ValueError(
            f"Y holds rows of shapes {shapes[0]} and {shapes[other[0]]} (sequences 0 and {other[0]}): targets of tokens are "
            "2-D arrays (m_j, q), so use row[:, None] for numbers; one target per sequence is a number or a row of q numbers."
        )


def carrier_indices(sequences, targets):
    """Index of the token that carries each of the M ragged targets, (M,): the first m_j tokens of sequence j."""
    # target i of sequence j belongs to token offsets_j + i, and is number target_offsets_j + i among all targets
    return np.repeat(sequences.offsets[:-1] - targets.offsets[:-1], targets.lengths) + np.arange(targets.n_tokens)


def decode_targets(tokens, first, q, one_target):
    """Targets in coordinates first to first + q of tokens: RaggedSequences of (n_j, q), or (N, q) with one per sequence."""
    targets = np.ascontiguousarray(tokens.tokens[:, first : first + q])
    return targets[tokens.offsets[:-1]] if one_target else RaggedSequences(targets, tokens.offsets)


def assign_targets(sequences, targets, one_target, with_position):
    """TargetAssignment for RaggedSequences of targets (m_j, q), or an array (N, q) if one_target.

    Raises ConstructionError for contradictions.
    """
    tokens = distinct_tokens(sequences, with_position).ids
    multiset, _ = group_equal_multisets(multisets_from_tokens(tokens, sequences.offsets))
    if one_target:
        return _assign_to_sequences(sequences, targets, multiset)
    return _assign_to_tokens(sequences, targets, tokens, multiset)


def _assign_to_sequences(sequences, targets, multiset):
    """Assign targets (N, q) of sequences; multiset (N,) ints are equal for sequences with equal multisets."""
    distinct, indices = _distinct(targets)
    _check_conflicts(multiset, indices, lambda j: f"sequence {j}", "sequences with equal frequencies of tokens")
    by_token = np.repeat(indices, sequences.lengths)
    # sequences with one target need not be told apart, so that targets serve as labels
    return TargetAssignment(distinct, by_token, indices, indices.copy(), int(multiset.max()) + 1, True)


def _assign_to_tokens(sequences, targets, tokens, multiset):
    """Assign ragged targets of tokens.

    tokens : (n_tokens,) ints, equal for equal tokens; multiset : (N,) ints, equal for sequences with equal multisets.
    """
    owner = sequence_of_each_token(sequences.lengths)
    n_multisets = int(multiset.max()) + 1
    distinct, indices = _distinct(targets.tokens)
    carriers = carrier_indices(sequences, targets)
    carrier_multiset = multiset[owner[carriers]]
    by_token = np.full(sequences.n_tokens, -1)
    by_token[carriers] = indices

    def named(i):
        j = owner[carriers[i]]
        return f"token {carriers[i] - sequences.offsets[j]} of sequence {j}"

    # one integer per pair of a multiset and a token
    keys = carrier_multiset * (tokens.max() + 1) + tokens[carriers]
    _check_conflicts(keys, indices, named, "equal tokens in sequences with equal frequencies of tokens")
    # the smallest and the largest target index in each multiset: equal where all its carriers have one target
    low = np.full(n_multisets, len(distinct))
    high = np.full(n_multisets, -1)
    np.minimum.at(low, carrier_multiset, indices)
    np.maximum.at(high, carrier_multiset, indices)
    by_multiset = np.where(low == high, low, -1)
    # Multisets with one and the same target need not be told apart: the target is their label. Every other multiset gets a
    # label of its own, above all target indices.
    labels = np.where(by_multiset >= 0, by_multiset, len(distinct) + np.arange(n_multisets))
    labels = np.unique(labels[multiset], return_inverse=True)[1]
    return TargetAssignment(distinct, by_token, by_multiset[multiset], labels, n_multisets, False)


def _distinct(targets):
    """Distinct rows, and the index of each row among them; -0.0 becomes 0.0."""
    rows, indices = np.unique(np.asarray(targets, dtype=np.float64) + 0.0, axis=0, return_inverse=True)
    return rows, indices.reshape(-1)


def _check_conflicts(keys, targets, named, what):
    """ConstructionError where equal keys have different targets; `what` names such keys, named(i) entry i in the message."""
    # sorted by key and then by target, contradicting entries are neighbours
    order = np.lexsort((targets, keys))
    contradicting = np.flatnonzero((np.diff(keys[order]) == 0) & (np.diff(targets[order]) != 0))
    if len(contradicting) == 0:
        return
    shown = contradicting[:_SHOWN]
    pairs = [f"{named(min(pair))} and {named(max(pair))}" for pair in zip(order[shown], order[shown + 1])]
    more = f", and {len(contradicting) - _SHOWN} more" if len(contradicting) > _SHOWN else ""
    raise ConstructionError(f"Different targets cannot be given to {what}: {'; '.join(pairs)}{more}.")
