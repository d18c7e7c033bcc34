"""Choose few tokens, each with an integer coefficient, whose weighted frequencies differ wherever labels differ.

The *multiset* of a sequence is its distinct tokens with their frequencies (multisets.py). For multisets with labels this
module chooses tokens k and draws integers a_k such that the sums of frequencies

    S_j = sum_k a_k mu_j(token_k),      mu_j(token) the frequency of the token in multiset j,

differ wherever labels differ. bump_placement.py turns each chosen token into a bump whose height is a_k.

Lemma (splitting). At most min(G, T) - 1 tokens tell G distinct multisets on T distinct tokens apart.
Proof. The T frequencies of a multiset add up to 1, so that T - 1 of them determine the last one, and one token is left out.
For G multisets that differ somewhere on a stretch of tokens, halve the stretch. On the left half the multisets fall into c
groups of g_1, ..., g_c members, which agree there. By induction c - 1 tokens of the left half tell the groups apart, and
g_i - 1 tokens of the right half the members of group i. Together (c - 1) + (G - c) = G - 1. A stretch of one token needs that
token where two multisets are left, and none otherwise.

`separating_tokens` is this proof: all groups of one depth are halved at once, and those of one label are left alone. Whether
two multisets agree on a stretch is told by the sums of hashes of their entries there, each the difference of two running
sums. Then one token after another is left out again, if labels stay apart without it.

Bumps at tokens with near neighbours can only be low, and sums of few small integers coincide. So the stretches are of tokens
in the order of their room, the largest limits first. On the left half of a stretch the proof takes every token that it can,
and those with the least room are the first to be left out again: a token is taken only if all tokens with more room together
do not tell labels apart.

Lemma (coefficients). Let integers a_k be drawn independently and uniformly from 1, ..., h. Then two multisets with different
frequencies of the chosen tokens have equal sums with a probability of at most 1 / h.
Proof. They differ in the frequency of some token k. Whatever the other coefficients are, S_i = S_j holds for at most one
value of a_k, namely for (S_i - S_j) / (mu_j - mu_i) with the sums over the other tokens.

So all G (G - 1) / 2 pairs differ with a probability of at least 1/2 once h >= G (G - 1). Whether they do is checked on the
codes themselves (`bump_code` in selection.py), and the integers are drawn again where they do not.
"""

from collections import Counter
from typing import NamedTuple

import numpy as np

from sklearn_hardmax.constructions.codes.multisets import has_several_labels, mixed, numbered

_FEW_TOKENS = 1 / 16  # tokens per multiset: up to so many all are taken, as a search would save few of them

_ALL_BITS = 2**64 - 1


def separating_tokens(multisets, labels, limits, seed=0):
    """Choose tokens whose frequencies differ wherever labels differ.

    Parameters
    ----------
    multisets : Multisets
        G multisets, pairwise different.
    labels : ndarray of shape (G,), int
    limits : ndarray of shape (T,), int
        The largest coefficient that each token class can have; tokens of limit 0 are not chosen.
    seed : int
        Another one hashes frequencies by another function.

    Returns
    -------
    ndarray of int64
        Token classes, ascending, at most min(G, T) - 1. Multisets of different labels that agree on all tokens which may be
        chosen are not told apart.

    Notes
    -----
    Cost: at most log2(T) + 2 rounds, each with a sort of at most 2 G numbers, and a sort of the entries of the multisets.
    """
    n_tokens = len(limits)
    usable = limits > 0
    # one token may be left out, as frequencies add up to 1: the one that leaves the least room
    usable[np.argmin(limits)] = False
    if usable.sum() <= len(labels) * _FEW_TOKENS:
        return np.flatnonzero(usable)
    # from here on, tokens are their places in the order of room
    by_room = np.argsort(-limits, kind="stable")
    sums = _RunningSums(multisets, usable, by_room, seed)
    chosen = np.zeros(n_tokens, dtype=bool)
    everyone = np.arange(len(labels))
    keys = sums.over(everyone, 0, n_tokens)
    members, labels, classes, _ = _merged(everyone, labels, keys)
    size = len(members)
    rows = _Rows(members, labels, np.zeros(size, np.int64), np.zeros(size, np.int64), np.full(size, n_tokens))
    while len((rows := rows.where(has_several_labels(rows.groups, rows.labels))).members):
        is_single = rows.last - rows.first == 1
        chosen[rows.first[is_single]] = True
        rows = rows.where(~is_single)
        rows = rows.halved(sums) if len(rows.members) else rows
    return np.sort(by_room[_without_superfluous(np.flatnonzero(chosen), sums, labels[classes])])


class _Rows(NamedTuple):
    """Groups of multisets, each with a stretch of tokens on which they differ; one row per member of a group.

    Attributes
    ----------
    members, labels, groups : ndarray of shape (n,), int
        The multiset of a row, its label and its group.
    first, last : ndarray of shape (n,), int
        The stretch of the group: tokens first to last (exclusive).
    """

    members: np.ndarray
    labels: np.ndarray
    groups: np.ndarray
    first: np.ndarray
    last: np.ndarray

    def where(self, mask):
        """The rows where the mask (n,) is True."""
        return _Rows(*(column[mask] for column in self))

    def halved(self, sums):
        """The groups of the proof of the lemma: classes of members that agree on the left half, and each class itself."""
        middle = (self.first + self.last) // 2
        keys = mixed(sums.over(self.members, self.first, middle) + mixed(self.groups.astype(np.uint64)))
        members, labels, classes, at = _merged(self.members, self.labels, keys)
        # groups of classes go on with the left half, each class with the right half
        return _Rows(
            np.concatenate([members, self.members]),
            np.concatenate([labels, self.labels]),
            np.concatenate([len(members) + self.groups[at], classes]),
            np.concatenate([self.first[at], middle]),
            np.concatenate([middle[at], self.last]),
        )


class _RunningSums:
    """Hashes of the entries of multisets (token and frequency), added up: differences are hashes of stretches of tokens.

    order : (T,) the tokens, in the order in which stretches take them; afterwards a token is its place there.
    """

    def __init__(self, multisets, usable, order, seed):
        self.n_tokens = len(order)
        places_of = np.empty(self.n_tokens, dtype=np.int64)
        places_of[order] = np.arange(self.n_tokens)
        places = multisets.owners * self.n_tokens + places_of[multisets.tokens]
        entries = np.argsort(places)
        self.places = places[entries]
        self.owners, self.tokens = np.divmod(self.places, self.n_tokens)
        frequencies = multisets.counts[entries] / multisets.totals[self.owners]
        self.hashes = mixed(mixed(self.tokens.astype(np.uint64) ^ np.uint64(seed)) + frequencies.view(np.uint64))
        self.hashes[~usable[order][self.tokens]] = 0
        self.sums = np.append(np.uint64(0), np.cumsum(self.hashes, dtype=np.uint64))

    def over(self, members, first, last):
        """Hash of the frequencies of tokens first to last (exclusive) in each of these multisets, (k,) uint64."""
        ends = (np.searchsorted(self.places, members * self.n_tokens + end) for end in (first, last))
        before, through = (self.sums[end] for end in ends)
        return through - before


def _merged(members, labels, keys):
    """One member for each distinct key, and its label; the class of every row, (k,), and the first row of every class.

    A class of several labels gets a new label, since it must be told from all others.
    """
    classes, at = numbered(keys)
    merged = labels[at]
    differs = has_several_labels(classes, labels)[at]
    merged[differs] = labels.max(initial=0) + 1 + np.arange(differs.sum())
    return members[at], merged, classes, at


def _without_superfluous(tokens, sums, labels):
    """Those of the tokens (ascending) that are left when one after another, from the last to the first, is left out.

    A token is left out if labels stay apart without it.

    labels : (G,) of all multisets; those that no token tells apart have one label.
    """
    entries = np.flatnonzero(np.isin(sums.tokens, tokens))
    entries = entries[np.argsort(sums.tokens[entries], kind="stable")]
    ends = np.searchsorted(sums.tokens[entries], tokens, side="right").tolist()
    owners = sums.owners[entries].tolist()
    hashes = sums.hashes[entries].tolist()
    labels = labels.tolist()
    # the hash of each multiset on the tokens that are left; how many multisets have a hash, and the label of these
    key_of = [0] * len(labels)
    for j, hash_ in zip(owners, hashes):
        key_of[j] = (key_of[j] + hash_) & _ALL_BITS
    counts = dict(Counter(key_of))
    label_of = dict(zip(key_of, labels))
    kept = []
    for token, start, end in reversed([*zip(tokens.tolist(), [0, *ends], ends)]):
        moved = {}  # hash without this token -> label
        for j, hash_ in zip(owners[start:end], hashes[start:end]):
            key = (key_of[j] - hash_) & _ALL_BITS
            label = label_of[key] if counts.get(key) else moved.setdefault(key, labels[j])
            if label != labels[j]:
                kept.append(token)
                break
        else:
            label_of.update(moved)
            for j, hash_ in zip(owners[start:end], hashes[start:end]):
                counts[key_of[j]] -= 1
                key_of[j] = (key_of[j] - hash_) & _ALL_BITS
                counts[key_of[j]] = counts.get(key_of[j], 0) + 1
    return np.array(kept, dtype=np.int64)


def draw_coefficients(limits, n_bits, rng):
    """Random integers from 1 to 2^n_bits, each at most its limit (k,), int64; a single one is 1, which is enough."""
    if len(limits) == 1:
        return np.ones(1, dtype=np.int64)
    return rng.randint(1, np.minimum(limits, 2**n_bits) + 1, dtype=np.int64)
