"""Sequences as normalised multisets, and how few tokens tell them apart; all in exact arithmetic.

A network without positions computes a function of the empirical multiset of a sequence: the distinct tokens and their
frequencies count / length. Two sequences can be told apart exactly when their multisets differ.

Lemma (splitting). At most min(G, T) - 1 tokens tell G distinct multisets on T distinct tokens apart: while two multisets share
a part of the partition they differ in some token's frequency; that token splits the part, and a partition of G elements is
refined at most G - 1 times. Among T frequencies, which add up to 1, T - 1 determine the last. We stop as soon as every part
carries one label.

Lemma (coefficients). With integer coefficients a_k the sums S_j = sum_k a_k mu_j(token_k) keep apart what the frequencies
do: choose a_1, a_2, ... in turn; two multisets i, j with other frequencies of token k forbid one value of a_k at most,
namely (S_i - S_j) / (mu_j - mu_i), so that one of the first G(G - 1)/2 + 1 values does. We ask it of multisets with different
labels only, and take the first value that does.
"""

from collections import Counter, defaultdict
from fractions import Fraction
from itertools import chain
from typing import NamedTuple

import numpy as np

from sklearn_hardmax.sequences.segments import sequence_of_each_token


class Multisets(NamedTuple):
    """Multisets of G sequences: entries starts[j]:starts[j+1] are token classes (ascending) and counts, prime together."""

    starts: np.ndarray
    tokens: np.ndarray
    counts: np.ndarray
    totals: np.ndarray

    def key(self, j):
        """Equal for equal multisets, as bytes."""
        span = slice(self.starts[j], self.starts[j + 1])
        return self.tokens[span].tobytes() + self.counts[span].tobytes()

    def frequencies(self, j):
        """Token classes of multiset j, and their counts."""
        span = slice(self.starts[j], self.starts[j + 1])
        return self.tokens[span], self.counts[span]


def distinct_rows(rows):
    """Index of the distinct row that each row equals, shape (n,); 0.0 and -0.0 are equal."""
    rows = rows + 0.0
    order = np.lexsort(rows.T)
    new = np.concatenate([[False], (rows[order][1:] != rows[order][:-1]).any(axis=1)])
    ids = np.empty(len(rows), dtype=np.int64)
    ids[order] = np.cumsum(new)
    return ids


def multisets_from_tokens(token_classes, offsets):
    """Multisets from the class of every token (n_tokens,) and the offsets (N + 1,) of the sequences."""
    lengths = np.diff(offsets)
    owner = sequence_of_each_token(lengths)
    order = np.lexsort((token_classes, owner))
    tokens, owner = token_classes[order], owner[order]
    new = np.concatenate([[True], (tokens[1:] != tokens[:-1]) | (owner[1:] != owner[:-1])])
    first = np.flatnonzero(new)
    counts = np.diff(np.append(first, len(tokens)))
    tokens, owner = tokens[first], owner[first]
    starts = np.searchsorted(owner, np.arange(len(lengths) + 1))
    common = np.gcd.reduceat(counts, starts[:-1])
    return Multisets(starts, tokens, counts // common[owner], lengths // common)


def group_equal_multisets(multisets, indices):
    """Groups of `indices` whose multisets are equal, in the order of their first members; list of index arrays."""
    groups = defaultdict(list)
    for j in indices:
        groups[multisets.key(j)].append(j)
    return [np.array(group) for group in groups.values()]


class TokenCoefficients(NamedTuple):
    """Token classes whose frequencies are read, and the integer coefficient of each."""

    tokens: list
    heights: list


def separating_coefficients(multisets, labels, sizes, limits):
    """Tokens and coefficients whose sums S_j differ wherever labels differ.

    multisets : Multisets, pairwise different. labels : (G,) ints. sizes : (G,) ints, how many sequences share each multiset.
    limits : (T,) ints, the largest coefficient that each token class can carry, 0 for none.

    Returns (TokenCoefficients, together): together lists groups of multisets (index lists) that the allowed coefficients cannot tell
    apart; each was read under the label that most of its sequences carry.
    """
    partition = _Partition(multisets, labels)
    bumps, last, group_of = TokenCoefficients([], []), 1, {}
    while (pair := partition.mixed_pair()) is not None:
        token = _telling_token(multisets, *pair, limits)
        coefficient = None if token is None else partition.split(token, last, int(limits[token]))
        if coefficient is None:
            group = sorted({j for i in pair for j in group_of.get(i, [i])})
            group_of.update(dict.fromkeys(group, group))
            majority = np.bincount(labels[group], weights=sizes[group]).argmax()
            for j in group:
                partition.relabel(j, int(majority))
        else:
            bumps.tokens.append(token)
            bumps.heights.append(coefficient)
            last = coefficient
    return bumps, list({id(group): group for group in group_of.values()}.values())


def _telling_token(multisets, i, j, limits):
    """A token whose frequencies differ in multisets i and j: the one that carries the largest coefficient; None if none."""
    (ti, ci), (tj, cj) = multisets.frequencies(i), multisets.frequencies(j)
    both = np.union1d(ti, tj)
    fi, fj = np.zeros((2, len(both)), dtype=np.int64)
    fi[np.searchsorted(both, ti)] = ci * multisets.totals[j]
    fj[np.searchsorted(both, tj)] = cj * multisets.totals[i]
    telling = both[(fi != fj) & (limits[both] > 0)]
    return int(telling[np.argmax(limits[telling])]) if len(telling) else None


class _Part:
    """Multisets that agree in all frequencies read so far, by label, and their common sum."""

    def __init__(self, total):
        self.total = total
        self.by_label = defaultdict(set)

    @property
    def label(self):
        """The label of all its multisets, or None."""
        return next(iter(self.by_label)) if len(self.by_label) == 1 else None


class _Partition:
    """The partition of the lemmas. Parts with equal sums exist only where all their multisets carry one label."""

    def __init__(self, multisets, labels):
        self.labels = labels.tolist()
        self.totals = multisets.totals.tolist()
        self.order = np.argsort(multisets.tokens, kind="stable")
        self.owner = sequence_of_each_token(np.diff(multisets.starts))[self.order]
        self.counts = multisets.counts[self.order]
        self.sorted_tokens = multisets.tokens[self.order]
        whole = _Part(Fraction(0))
        for j, label in enumerate(self.labels):
            whole.by_label[label].add(j)
        self.part_of = [whole] * len(self.labels)
        self.mixed = [whole]
        self.at = defaultdict(Counter)  # sum -> how many parts of each label (None: several labels) have it
        self.at[whole.total][whole.label] += 1

    def mixed_pair(self):
        """Two multisets of one part with different labels, or None."""
        while self.mixed:
            labels = list(self.mixed[-1].by_label)
            if len(labels) > 1:
                return tuple(next(iter(self.mixed[-1].by_label[label])) for label in labels[:2])
            self.mixed.pop()
        return None

    def split(self, token, first, limit):
        """Read one more token; its coefficient, or None, and nothing changes, if no value up to limit serves."""
        moved = self._moved(token)
        self._regroup([(old, new, members) for old, new, _, members in moved])
        for a in chain([1], range(first, limit + 1), range(2, min(first, limit + 1))):
            if a <= limit and self._place([(old.total + a * frequency, new) for old, new, frequency, _ in moved]):
                self.mixed.extend(new for _, new, _, _ in moved)
                return a
        self._regroup([(new, old, members) for old, new, _, members in moved])
        return None

    def _regroup(self, moves):
        """Move members (from, to, members) between parts, with the table of sums; a part without a sum is in no table."""
        counted = list({id(part): part for move in moves for part in move[:2] if part.total is not None}.values())
        for part in counted:
            self._count(part, -1)
        for old, new, members in moves:
            self._move(members, old, new)
        for part in counted:
            self._count(part, 1)

    def relabel(self, j, label):
        """Read multiset j under another label."""
        part = self.part_of[j]
        self._count(part, -1)
        self._move([j], part, None)
        self.labels[j] = label
        self._move([j], None, part)
        self._count(part, 1)

    def _move(self, members, old, new):
        for j in members:
            label = self.labels[j]
            if old is not None:
                old.by_label[label].discard(j)
                if not old.by_label[label]:
                    del old.by_label[label]
            if new is not None:
                new.by_label[label].add(j)
                self.part_of[j] = new

    def _moved(self, token):
        """(part that its holders leave, part that they form, frequency, the holders) of a token."""
        span = slice(*np.searchsorted(self.sorted_tokens, [token, token + 1]))
        groups = defaultdict(list)
        for j, count in zip(self.owner[span].tolist(), self.counts[span].tolist()):
            groups[id(self.part_of[j]), Fraction(count, self.totals[j])].append(j)
        return [(self.part_of[g[0]], _Part(None), frequency, g) for (_, frequency), g in groups.items()]

    def _count(self, part, change):
        """Enter a part into the table of sums, or take it out; an empty part is in no table."""
        if not part.by_label:
            return
        labels = self.at[part.total]
        labels[part.label] += change
        if not labels[part.label]:
            del labels[part.label]
        if not labels:
            del self.at[part.total]

    def _place(self, sums):
        """Give the new parts these sums if no two parts then share one that differ in label."""
        wanted = defaultdict(Counter)
        for total, part in sums:
            wanted[total][part.label] += 1
        for total, counts in wanted.items():
            together = counts + self.at.get(total, Counter())
            if sum(together.values()) > 1 and (len(together) > 1 or None in together):
                return False
        for total, part in sums:
            part.total = total
            self.at[total][part.label] += 1
        return True
