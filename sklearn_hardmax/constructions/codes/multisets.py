"""Sequences as multisets: the distinct tokens of a sequence and the frequency count / length of each, in exact arithmetic.

A network without positions computes a function of the multiset of a sequence, so two sequences can be told apart exactly if
their multisets differ. How few tokens tell multisets apart, and how, is the subject of coefficients.py.

Equal tokens and equal multisets are found by hashes of 64 bits: a sort brings equal hashes together, in time linear in the
tokens but for the sorts. A hash decides nothing alone: every token, and every multiset, is compared with the first one of its
hash. Where they differ (a chance of about 2^-64 per pair), all are hashed again by another function.
"""

from functools import partial
from itertools import count
from typing import NamedTuple

import numpy as np
from sklearn.utils import gen_batches

from sklearn_hardmax.constructions.common.batches import in_batches
from sklearn_hardmax.encoding import relative_positions
from sklearn_hardmax.sequences.segments import changes, sequence_of_each_token

_BLOCK_NUMBERS = 2**16  # numbers that are hashed at a time
_MULTIPLIERS = np.array(
    [0xBF58476D1CE4E5B9, 0x94D049BB133111EB], dtype=np.uint64
)  # odd, of SplitMix64 (Steele et al., 2014)


class DistinctTokens(NamedTuple):
    """The distinct ones among n_tokens tokens, numbered from 0 to T - 1.

    Attributes
    ----------
    ids : ndarray of shape (n_tokens,), int64
        The number of each token; equal tokens have one number.
    first : ndarray of shape (T,), int64
        Index of the first token of each number.
    """

    ids: np.ndarray
    first: np.ndarray


class Multisets(NamedTuple):
    """Multisets of G sequences, as counts of token classes (equal tokens are one class, a number from 0).

    Entries starts[j]:starts[j + 1] of `tokens` and `counts` belong to multiset j. Its counts have no common divisor, so that
    multisets with equal frequencies have equal entries: (a, b) and (a, a, b, b) both have the counts 1, 1 and the total 2.

    Attributes
    ----------
    starts : ndarray of shape (G + 1,)
        First entry of each multiset, then the number of entries.
    tokens : ndarray of shape (n_entries,)
        Token classes, ascending in each multiset.
    counts : ndarray of shape (n_entries,)
        How often each occurs.
    totals : ndarray of shape (G,)
        Sum of the counts of each multiset; a frequency is count / total.
    """

    starts: np.ndarray
    tokens: np.ndarray
    counts: np.ndarray
    totals: np.ndarray

    @property
    def owners(self):
        """The multiset that each entry belongs to, (n_entries,)."""
        return sequence_of_each_token(np.diff(self.starts))

    def frequencies(self, j):
        """Token classes of multiset j, and their counts."""
        span = slice(self.starts[j], self.starts[j + 1])
        return self.tokens[span], self.counts[span]

    def selected(self, indices):
        """The Multisets at these indices (k,)."""
        sizes = np.diff(self.starts)[indices]
        starts = np.append(0, np.cumsum(sizes))
        entries = np.arange(starts[-1]) + np.repeat(self.starts[indices] - starts[:-1], sizes)
        return Multisets(starts, self.tokens[entries], self.counts[entries], self.totals[indices])


def distinct_tokens(sequences, with_position, n_jobs=None):
    """The DistinctTokens of sequences, by raw features; 0.0 equals -0.0.

    With positions a token equals another one only where their relative positions are equal too.
    """
    rows = _TokenRows(sequences.tokens, relative_positions(sequences.offsets) if with_position else None)

    def hashes(seed):
        return in_batches(partial(_hashes_of_tokens, with_position, seed), sequences, n_jobs)

    return DistinctTokens(*_numbered_by_hash(hashes, rows.are_equal_to))


class _TokenRows(NamedTuple):
    """Tokens as rows of numbers, which are compared and hashed block by block.

    Attributes
    ----------
    tokens : ndarray of shape (n_tokens, token_dim)
    positions : ndarray of shape (n_tokens,) or None
        One more number of each row.
    """

    tokens: np.ndarray
    positions: np.ndarray | None

    def blocks(self):
        """Slices of the rows, each of a bounded number of features."""
        return gen_batches(len(self.tokens), max(1, _BLOCK_NUMBERS // self.tokens.shape[1]))

    def columns(self, indices):
        """The numbers of some rows, column by column, float64 without negative zeros."""
        block = self.tokens[indices].T.astype(np.float64)
        block += 0.0  # -0.0 + 0.0 is 0.0
        return [*block, *([] if self.positions is None else [self.positions[indices]])]

    def hashes(self, seed):
        """A hash of each row, (n_tokens,) uint64."""
        out = np.full(len(self.tokens), seed, dtype=np.uint64)
        for block in self.blocks():
            for column in self.columns(block):
                out[block] = mixed(out[block] ^ column.view(np.uint64))
        return out

    def are_equal_to(self, representatives):
        """Whether every row equals the one at the index `representatives` (n_tokens,)."""
        return all(
            np.array_equal(one, other)
            for block in self.blocks()
            for one, other in zip(self.columns(block), self.columns(representatives[block]))
        )


def _hashes_of_tokens(with_position, seed, sequences):
    positions = relative_positions(sequences.offsets) if with_position else None
    return _TokenRows(sequences.tokens, positions).hashes(seed)


def _numbered_by_hash(hashes_of, are_equal_to):
    """Number distinct things: a number for each, equal for equal ones, and the first index of every number, ascending.

    hashes_of : callable, from a seed to hashes (n,) that are equal for equal things.
    are_equal_to : callable, whether each thing equals the one at the index representatives (n,).
    """
    for seed in count():  # pragma: no branch
        ids, first = numbered(hashes_of(seed))
        if are_equal_to(first[ids]):
            break
    return ids, first


def numbered(keys):
    """Number keys (n,) by first occurrence: a number for each, equal for equal ones, and the first index of every number."""
    order = np.argsort(keys)
    starts = np.append(0, changes(keys[order]) + 1)
    first = np.minimum.reduceat(order, starts)
    by_occurrence = np.argsort(first)
    number = np.empty(len(first), dtype=np.int64)
    number[by_occurrence] = np.arange(len(first))
    numbers = np.empty(len(keys), dtype=np.int64)
    numbers[order] = np.repeat(number, np.diff(np.append(starts, len(keys))))
    return numbers, first[by_occurrence]


def mixed(numbers):
    """Numbers (uint64, any shape) mapped one to one to numbers whose bits look random: the last steps of SplitMix64."""
    numbers = (numbers ^ (numbers >> np.uint64(30))) * _MULTIPLIERS[0]
    numbers = (numbers ^ (numbers >> np.uint64(27))) * _MULTIPLIERS[1]
    return numbers ^ (numbers >> np.uint64(31))


def has_several_labels(groups, labels):
    """Whether the group of each index (n,) has members of different labels, (n,) bool; groups are integers from 0."""
    n_groups = int(groups.max(initial=-1)) + 1
    first = np.empty(n_groups, dtype=labels.dtype)
    first[groups] = labels  # the label of some member
    differs = np.zeros(n_groups, dtype=bool)
    differs[groups[labels != first[groups]]] = True
    return differs[groups]


def multisets_from_tokens(token_classes, offsets):
    """Count the token classes of every sequence.

    Parameters
    ----------
    token_classes : ndarray of shape (n_tokens,), int
        The class of every token.
    offsets : ndarray of shape (n_sequences + 1,)

    Returns
    -------
    Multisets
        One per sequence.
    """
    lengths = np.diff(offsets)
    # sorted by sequence, then by class, equal tokens of a sequence become a run; both numbers fit into one integer
    n_classes = int(token_classes.max()) + 1
    keys = sequence_of_each_token(lengths) * n_classes + token_classes
    keys.sort()
    first = np.flatnonzero(np.append(True, keys[1:] != keys[:-1]))
    counts = np.diff(np.append(first, len(keys)))
    owner, tokens = np.divmod(keys[first], n_classes)
    starts = np.searchsorted(owner, np.arange(len(lengths) + 1))
    # frequencies in lowest terms: divide by the greatest common divisor of the counts, which divides the length too
    divisors = np.gcd.reduceat(counts, starts[:-1])
    return Multisets(starts, tokens, counts // divisors[owner], lengths // divisors)


def group_equal_multisets(multisets):
    """Number the distinct multisets: a number for each, (G,), equal for equal ones, and the first index of every number."""

    def hashes(seed):
        keys = mixed(multisets.tokens.astype(np.uint64) ^ np.uint64(seed)) + multisets.counts.astype(np.uint64)
        return np.add.reduceat(mixed(keys), multisets.starts[:-1])

    return _numbered_by_hash(hashes, lambda representatives: _are_equal(multisets, representatives))


def _are_equal(multisets, representatives):
    """Whether every multiset equals the one at the index `representatives` (G,)."""
    others = multisets.selected(representatives)
    return all(np.array_equal(one, other) for one, other in zip(multisets, others))
