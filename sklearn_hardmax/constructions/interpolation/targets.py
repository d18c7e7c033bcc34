"""Who carries which target: targets ride on the first tokens of their sequence, or one on all of them.

A network of this kind computes a function of a token and of the normalised multiset of its sequence (multisets.py). So targets
can be interpolated exactly when equal tokens in equal multisets carry equal targets, and one target a sequence when equal
multisets carry equal ones; this module says so of the training data, in exact arithmetic on the raw tokens.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.utils import check_array, check_consistent_length

from sklearn_hardmax.constructions.codes.multisets import distinct_rows, group_equal_multisets, multisets_from_tokens
from sklearn_hardmax.constructions.common.construction import ConstructionError
from sklearn_hardmax.encoding import relative_positions
from sklearn_hardmax.sequences import RaggedSequences, as_sequences
from sklearn_hardmax.sequences.arrays import format_indices
from sklearn_hardmax.sequences.segments import sequence_of_each_token

_SHOWN = 5  # conflicts that a message names


@dataclass(frozen=True)
class TargetAssignment:
    """Targets and their carriers.

    targets : (n_targets, q) the distinct ones; by_token : (n_tokens,) the target that rides on each token, -1 for none;
    by_sequence : (N,) the target of each sequence, -1 where it has several; labels : (N,) ints that differ where the codes
    of two sequences must; n_multisets : distinct ones; one_target : whether targets are those of sequences.
    """

    targets: np.ndarray
    by_token: np.ndarray
    by_sequence: np.ndarray
    labels: np.ndarray
    n_multisets: int
    one_target: bool

    @property
    def by_code(self):
        """The target at each number of the line of codes: one a token, or with one target a sequence one a sequence."""
        return self.by_sequence if self.one_target else self.by_token


def as_targets(Y, sequences):
    """Targets as RaggedSequences of (m_j, q) and False, or as an array (N, q) and True where there is one a sequence.

    Ragged: RaggedSequences, a list of 2-D arrays, a 3-D array. One a sequence: 1-D and 2-D arrays of numbers. ValueError for
    anything else, other numbers of sequences, more targets than tokens.
    """
    if _is_flat(Y):
        _check_rectangular(Y)
        targets = check_array(Y, ensure_2d=False, dtype=np.float64, input_name="Y")
        check_consistent_length(sequences, targets)
        return targets.reshape(len(targets), -1), True
    try:
        targets = as_sequences(Y)
    except (TypeError, ValueError) as error:
        raise ValueError(f"The targets Y cannot be read as sequences of targets: {error}") from error
    if len(targets) != len(sequences):
        raise ValueError(f"Y must hold targets for {len(sequences)} sequences, got {len(targets)}.")
    over = np.flatnonzero(targets.lengths > sequences.lengths)
    if len(over):
        raise ValueError(
            f"Sequences {format_indices(over)} have fewer tokens than targets; targets ride on the first tokens."
        )
    return targets, False


def _is_flat(Y):
    """Whether Y is one number or one row a sequence, and not ragged."""
    if isinstance(Y, RaggedSequences):
        return False
    if isinstance(Y, (list, tuple)):
        return len(Y) > 0 and np.ndim(Y[0]) < 2
    if getattr(Y, "ndim", 0) == 1 and len(Y) > 0:  # an array of objects may hold an array a sequence
        return np.ndim(np.asarray(Y)[0]) == 0
    return getattr(Y, "ndim", 0) == 2


def _check_rectangular(Y):
    """ValueError for a list of rows of unequal length: most likely scalar targets of tokens that want a second axis."""
    if not isinstance(Y, (list, tuple)):
        return
    shapes = [np.shape(row) for row in Y]
    other = np.flatnonzero([shape != shapes[0] for shape in shapes])
    if len(other):
        raise ValueError(
            f"Y holds rows of shapes {shapes[0]} and {shapes[other[0]]} (sequences 0 and {other[0]}): targets of tokens are "
            "2-D arrays (m_j, q), so row[:, None] for numbers; one target a sequence is a number or a row of q numbers each."
        )


def carrier_indices(sequences, targets):
    """Index of the token that carries each of the ragged targets, (M,): the first ones of every sequence."""
    return np.repeat(sequences.offsets[:-1] - targets.offsets[:-1], targets.lengths) + np.arange(targets.n_tokens)


def assign_targets(sequences, targets, one_target, with_position):
    """TargetAssignment for RaggedSequences of targets (m_j, q), or an array (N, q); ConstructionError on conflicts."""
    rows = np.asarray(sequences.tokens, dtype=np.float64)
    if with_position:
        rows = np.concatenate([rows, relative_positions(sequences.offsets)[:, None]], axis=1)
    tokens = distinct_rows(rows)
    groups = group_equal_multisets(multisets_from_tokens(tokens, sequences.offsets), range(len(sequences)))
    multiset = np.empty(len(sequences), dtype=np.int64)
    for g, members in enumerate(groups):
        multiset[members] = g
    if one_target:
        return _assign_to_sequences(sequences, targets, multiset)
    return _assign_to_tokens(sequences, targets, tokens, multiset)


def _assign_to_sequences(sequences, targets, multiset):
    """For one target a sequence; multiset (N,) ints tells equal multisets."""
    distinct, ids = _distinct(targets)
    _check_conflicts(multiset, ids, lambda j: f"sequence {j}", "sequences with equal frequencies of tokens")
    return TargetAssignment(distinct, np.repeat(ids, sequences.lengths), ids, ids.copy(), int(multiset.max()) + 1, True)


def _assign_to_tokens(sequences, targets, tokens, multiset):
    """For targets of tokens; tokens (n_tokens,) ints tell equal tokens, multiset (N,) equal multisets."""
    owner, n_multisets = sequence_of_each_token(sequences.lengths), int(multiset.max()) + 1
    distinct, ids = _distinct(targets.tokens)
    carriers = carrier_indices(sequences, targets)
    by_token = np.full(sequences.n_tokens, -1)
    by_token[carriers] = ids
    key = multiset[owner[carriers]] * (tokens.max() + 1) + tokens[carriers]

    def named(i):
        j = owner[carriers[i]]
        return f"token {carriers[i] - sequences.offsets[j]} of sequence {j}"

    _check_conflicts(key, ids, named, "equal tokens in sequences with equal frequencies of tokens")
    low, high = np.full(n_multisets, len(distinct)), np.full(n_multisets, -1)
    np.minimum.at(low, multiset[owner[carriers]], ids)
    np.maximum.at(high, multiset[owner[carriers]], ids)
    # multisets all of whose carriers have one target need no code of their own
    by_multiset = np.where(low == high, low, -1)
    labels = np.where(by_multiset >= 0, by_multiset, len(distinct) + np.arange(n_multisets))
    labels = np.unique(labels[multiset], return_inverse=True)[1]
    return TargetAssignment(distinct, by_token, by_multiset[multiset], labels, n_multisets, False)


def _distinct(targets):
    """Distinct rows, and the index of each row among them; 0.0 for -0.0."""
    rows, ids = np.unique(np.asarray(targets, dtype=np.float64) + 0.0, axis=0, return_inverse=True)
    return rows, ids.reshape(-1)


def _check_conflicts(keys, targets, named, what):
    """ConstructionError where equal keys have different targets; named(i) tells what entry i is."""
    order = np.lexsort((targets, keys))
    clash = np.flatnonzero((np.diff(keys[order]) == 0) & (np.diff(targets[order]) != 0))
    if len(clash) == 0:
        return
    pairs = [
        f"{named(min(pair))} and {named(max(pair))}" for pair in zip(order[clash[:_SHOWN]], order[clash[:_SHOWN] + 1])
    ]
    more = f", and {len(clash) - _SHOWN} more" if len(clash) > _SHOWN else ""
    raise ConstructionError(f"Different targets cannot be given to {what}: {'; '.join(pairs)}{more}.")
