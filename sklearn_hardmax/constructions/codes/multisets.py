"""Sequences as multisets: the distinct tokens of a sequence and the frequency count / length of each, in exact arithmetic.

A network without positions computes a function of the multiset of a sequence, so two sequences can be told apart exactly if
their multisets differ. How few tokens tell multisets apart, and how, is the subject of coefficients.py.
"""

from collections import defaultdict
from typing import NamedTuple

import numpy as np

from sklearn_hardmax.encoding import relative_positions
from sklearn_hardmax.sequences.segments import sequence_of_each_token


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

    def key(self, j):
        """Bytes that are equal for equal multisets."""
        tokens, counts = self.frequencies(j)
        return tokens.tobytes() + counts.tobytes()

    def frequencies(self, j):
        """Token classes of multiset j, and their counts."""
        span = slice(self.starts[j], self.starts[j + 1])
        return self.tokens[span], self.counts[span]

    def selected(self, indices):
        """The Multisets at these indices."""
        spans = [np.arange(self.starts[j], self.starts[j + 1]) for j in indices]
        entries = np.concatenate(spans)
        starts = np.concatenate([[0], np.cumsum([len(span) for span in spans])])
        return Multisets(starts, self.tokens[entries], self.counts[entries], self.totals[indices])


def distinct_rows(rows):
    """Number the distinct rows of a matrix (n, d): an index for each row, (n,), equal for equal rows; 0.0 equals -0.0."""
    rows = rows + 0.0  # -0.0 + 0.0 is 0.0
    # np.unique(rows, axis=0) gives the same groups, but compares rows as records: with 200,000 rows of three columns it takes
    # two to eight times as long as this sort column by column. (With 20,000 rows of 64 columns either may be faster.)
    order = np.lexsort(rows.T)
    sorted_rows = rows[order]
    differs = np.concatenate([[False], (sorted_rows[1:] != sorted_rows[:-1]).any(axis=1)])
    ids = np.empty(len(rows), dtype=np.int64)
    ids[order] = np.cumsum(differs)
    return ids


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
    owner = sequence_of_each_token(lengths)
    # sort by sequence, then by class: equal tokens of a sequence become a run
    order = np.lexsort((token_classes, owner))
    tokens = token_classes[order]
    owner = owner[order]
    begins_run = np.concatenate([[True], (tokens[1:] != tokens[:-1]) | (owner[1:] != owner[:-1])])
    first = np.flatnonzero(begins_run)
    counts = np.diff(np.append(first, len(tokens)))
    tokens = tokens[first]
    owner = owner[first]
    starts = np.searchsorted(owner, np.arange(len(lengths) + 1))
    # frequencies in lowest terms: divide by the greatest common divisor of the counts, which divides the length too
    divisors = np.gcd.reduceat(counts, starts[:-1])
    return Multisets(starts, tokens, counts // divisors[owner], lengths // divisors)


def group_equal_multisets(multisets, indices):
    """Groups of `indices` whose multisets are equal, in the order of their first members; list of index arrays."""
    groups = defaultdict(list)
    for j in indices:
        groups[multisets.key(j)].append(j)
    return [np.array(group) for group in groups.values()]


def equal_multisets(sequences, with_position):
    """Class of every raw token, (n_tokens,), and the groups of sequences with equal multisets, a list of index arrays.

    With positions a token counts as equal to another one only where their relative positions are equal too.
    """
    rows = np.asarray(sequences.tokens, dtype=np.float64)
    if with_position:
        rows = np.concatenate([rows, relative_positions(sequences.offsets)[:, None]], axis=1)
    classes = distinct_rows(rows)
    return classes, group_equal_multisets(multisets_from_tokens(classes, sequences.offsets), range(len(sequences)))
