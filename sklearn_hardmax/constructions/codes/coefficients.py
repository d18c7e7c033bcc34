"""Choose few tokens, each with an integer coefficient, whose weighted frequencies differ wherever labels differ.

The *multiset* of a sequence is its distinct tokens with their frequencies (multisets.py). For multisets with labels this
module chooses tokens k and integers a_k such that the sums of frequencies

    S_j = sum_k a_k mu_j(token_k),      mu_j(token) the frequency of the token in multiset j,

differ wherever labels differ. bump_placement.py turns each chosen token into a bump whose height is a_k.

Lemma (splitting). At most min(G, T) - 1 tokens tell G distinct multisets on T distinct tokens apart.
Proof. Keep a partition of the multisets; the multisets of a part agree in the frequencies of all tokens chosen so far. At the
beginning there is one part. While a part holds two multisets, these differ in the frequency of some token. Choose it: the
part splits. A partition of G elements can be refined at most G - 1 times. Besides, the T frequencies of a multiset add up to
1, so that T - 1 of them determine the last one. Here the splitting ends as soon as every part carries one label.

Lemma (coefficients). For suitable integers a_k the sums S_j tell apart whatever the frequencies of the chosen tokens do.
Proof. Choose a_1, a_2, ... in turn. Two multisets i, j with different frequencies of token k forbid at most one value of a_k,
namely (S_i - S_j) / (mu_j - mu_i), with the sums over the tokens before k. There are at most G (G - 1) / 2 pairs, so one of
the first G (G - 1) / 2 + 1 values is allowed. Here only multisets with different labels need different sums, and the first
value that gives them is taken.
"""

from collections import Counter, defaultdict
from fractions import Fraction
from itertools import chain
from typing import NamedTuple

import numpy as np

from sklearn_hardmax.sequences.segments import sequence_of_each_token


class TokenCoefficients(NamedTuple):
    """The tokens whose frequencies are added up, and the coefficient of each.

    Attributes
    ----------
    tokens : list of int
        Token classes.
    heights : list of int
        The coefficients a_k of the lemma, positive.
    """

    tokens: list
    heights: list


def separating_coefficients(multisets, labels, sizes, limits):
    """Choose tokens and coefficients whose sums S_j differ wherever labels differ.

    Parameters
    ----------
    multisets : Multisets
        G multisets, pairwise different.
    labels : ndarray of shape (G,), int
    sizes : ndarray of shape (G,), int
        How many sequences share each multiset.
    limits : ndarray of shape (T,), int
        The largest coefficient that each token class can have; 0 excludes the token.

    Returns
    -------
    chosen : TokenCoefficients
    together : list of lists of int
        Groups of multisets with different labels that the allowed coefficients cannot tell apart. Each group was treated as
        if it had the label that most of its sequences carry.

    Notes
    -----
    If `together` is empty, all sums of different labels differ. Otherwise equal sums may remain: a group that gets its label
    late may put several labels into a part that is done with. So the caller checks the codes too (`bump_code`, selection.py).
    """
    partition = _Partition(multisets, labels)
    chosen = TokenCoefficients([], [])
    last_coefficient = 1
    group_of = {}  # multiset -> its group, one list object for all its members, if it could not be told apart
    while (pair := partition.mixed_pair()) is not None:
        token = _separating_token(multisets, *pair, limits)
        coefficient = None
        if token is not None:
            coefficient = partition.split(token, last_coefficient, int(limits[token]))
        if coefficient is not None:
            chosen.tokens.append(token)
            chosen.heights.append(coefficient)
            last_coefficient = coefficient
            continue
        # the pair stays together: join the groups of both, and give all members the majority label
        group = sorted({j for i in pair for j in group_of.get(i, [i])})
        group_of.update(dict.fromkeys(group, group))
        majority = np.bincount(labels[group], weights=sizes[group]).argmax()
        for j in group:
            partition.relabel(j, int(majority))
    together = list({id(group): group for group in group_of.values()}.values())
    return chosen, together


def _separating_token(multisets, i, j, limits):
    """The token of largest limit among those whose frequencies differ in multisets i and j; None if there is none."""
    tokens_i, counts_i = multisets.frequencies(i)
    tokens_j, counts_j = multisets.frequencies(j)
    tokens = np.union1d(tokens_i, tokens_j)
    # compare count_i / total_i with count_j / total_j in integers, multiplied by both totals
    scaled_i, scaled_j = np.zeros((2, len(tokens)), dtype=np.int64)
    scaled_i[np.searchsorted(tokens, tokens_i)] = counts_i * multisets.totals[j]
    scaled_j[np.searchsorted(tokens, tokens_j)] = counts_j * multisets.totals[i]
    separating = tokens[(scaled_i != scaled_j) & (limits[tokens] > 0)]
    return int(separating[np.argmax(limits[separating])]) if len(separating) else None


# -- the partition of the lemmas -----------------------------------------------------------------------------------------


class _Part:
    """A part of the partition: multisets whose frequencies agree for all tokens chosen so far, hence also their sums S.

    Attributes
    ----------
    total : Fraction or None
        The sum S of its multisets; None for a new part whose coefficient is not yet found.
    by_label : dict of int to set of int
        Its multisets, by their label; no empty sets.
    """

    def __init__(self, total=None):
        self.total = total
        self.by_label = defaultdict(set)

    def add(self, j, label):
        """Take in multiset j, which has this label."""
        self.by_label[label].add(j)

    def remove(self, j, label):
        """Give away multiset j, which has this label."""
        self.by_label[label].discard(j)
        if not self.by_label[label]:
            del self.by_label[label]

    @property
    def label(self):
        """The label that all its multisets carry; None if they carry several (or if there are none)."""
        return next(iter(self.by_label)) if len(self.by_label) == 1 else None


class _Move(NamedTuple):
    """The multisets of a part that contain a token with one frequency: they leave `source` and form the new part `target`."""

    members: list
    source: _Part
    target: _Part
    frequency: Fraction


class _Partition:
    """The partition of the splitting lemma, with the sums of the coefficients lemma.

    A split must not give equal sums to two parts, unless all their multisets carry one label. `labels_at` serves to check
    that: for each sum, how many parts of each label have it (label None for a part of several labels). Empty parts, and new
    parts whose coefficient is not yet found, are not counted.
    """

    def __init__(self, multisets, labels):
        self.labels = labels.tolist()
        self.totals = multisets.totals.tolist()
        # all entries of the multisets, sorted by token: the multisets that contain a token are a slice
        order = np.argsort(multisets.tokens, kind="stable")
        self.sorted_tokens = multisets.tokens[order]
        self.owner = sequence_of_each_token(np.diff(multisets.starts))[order]
        self.counts = multisets.counts[order]
        # before the first token there is one part, and all sums are 0
        whole = _Part(Fraction(0))
        for j, label in enumerate(self.labels):
            whole.add(j, label)
        self.part_of = [whole] * len(self.labels)
        self.unsettled = [whole]  # stack of the parts that may carry several labels
        self.labels_at = defaultdict(Counter)
        self._count(whole)

    def mixed_pair(self):
        """Two multisets of one part with different labels, or None if every part carries one label."""
        while self.unsettled:
            by_label = self.unsettled[-1].by_label
            if len(by_label) > 1:
                # the choice of the next token depends on the order in which labels and multisets came into the part
                first, second, *_ = by_label.values()
                return next(iter(first)), next(iter(second))
            self.unsettled.pop()
        return None

    def split(self, token, last_coefficient, limit):
        """Choose one more token: split all parts by its frequency, with a coefficient that keeps the sums apart.

        Parameters
        ----------
        token : int
        last_coefficient : int
            The coefficient of the token chosen before.
        limit : int
            The largest coefficient allowed.

        Returns
        -------
        int or None
            The coefficient; None, and the partition is the same as before, if no value up to `limit` is possible.
        """
        # Splitting lemma: the multisets that contain the token leave their parts. The others have frequency 0: they stay, and
        # keep their sum whatever the coefficient is.
        moves = self._moves(token)
        self._move(moves)
        # Coefficients lemma: try one value after the other. 1 first, then the last coefficient and above, then those between.
        between = range(2, min(last_coefficient, limit + 1))
        candidates = chain([1], range(last_coefficient, limit + 1), between) if limit > 0 else ()
        for coefficient in candidates:
            sums = [move.source.total + coefficient * move.frequency for move in moves]
            if self._are_possible(moves, sums):
                for move, total in zip(moves, sums):
                    move.target.total = total
                    self._count(move.target)
                    self.unsettled.append(move.target)
                return coefficient
        self._move(moves, back=True)
        return None

    def relabel(self, j, label):
        """Treat multiset j as one of another label."""
        part = self.part_of[j]
        self._discount(part)
        part.remove(j, self.labels[j])
        part.add(j, label)
        self.labels[j] = label
        self._count(part)

    def _moves(self, token):
        """How the token splits the parts: the multisets that contain it, grouped by their part and by its frequency."""
        span = slice(*np.searchsorted(self.sorted_tokens, [token, token + 1]))
        groups = defaultdict(list)
        for j, count in zip(self.owner[span].tolist(), self.counts[span].tolist()):
            groups[id(self.part_of[j]), Fraction(count, self.totals[j])].append(j)
        return [
            _Move(members, self.part_of[members[0]], _Part(), frequency) for (_, frequency), members in groups.items()
        ]

    def _move(self, moves, back=False):
        """Move the members of each move from its source to its target, or back; targets have no sum and are not counted."""
        sources = {id(move.source): move.source for move in moves}.values()
        # a source may lose or gain labels, and may be empty: it is counted anew
        for source in sources:
            self._discount(source)
        for move in moves:
            old, new = (move.target, move.source) if back else (move.source, move.target)
            for j in move.members:
                old.remove(j, self.labels[j])
                new.add(j, self.labels[j])
                self.part_of[j] = new
        for source in sources:
            self._count(source)

    def _are_possible(self, moves, sums):
        """Whether the new parts can have these sums: parts with equal sums must all carry one and the same label."""
        new_labels_at = defaultdict(Counter)
        for move, total in zip(moves, sums):
            new_labels_at[total][move.target.label] += 1
        for total, new_labels in new_labels_at.items():
            n_parts = new_labels + self.labels_at.get(total, Counter())  # by label
            is_shared = sum(n_parts.values()) > 1
            if is_shared and (len(n_parts) > 1 or None in n_parts):
                return False
        return True

    def _count(self, part):
        """Count a part at its sum."""
        if part.by_label:
            self.labels_at[part.total][part.label] += 1

    def _discount(self, part):
        """Undo `_count`, before the part or its sum changes."""
        if not part.by_label:
            return
        labels = self.labels_at[part.total]
        labels[part.label] -= 1
        if not labels[part.label]:
            del labels[part.label]
        if not labels:
            del self.labels_at[part.total]
