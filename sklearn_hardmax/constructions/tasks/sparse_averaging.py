"""Sparse averaging: one attention layer that gives every token the mean over the q positions that it asks for.

Token i = (z_i, y_i, i) becomes (z_i, w_i, u_i, 0): a query w_i made from the set y_i, the key u_i of position i, and room for
the answer. The one layer scores <w_i, u_l>, and its average over ties does the rest: all l in y_i must tie, and all others
stay below. (The task: Sanford, Hsu, Telgarsky, arXiv 2306.02896, who show that an embedding of order d + q log n is enough,
while a feed-forward net needs a first layer of width n d / 2 and a recurrent one (n - 1) / 2 bits of memory.)

*random.* Keys of m signs. w is the shortest solution of <w, u_j> = 1 for j in y: with G the Gram matrix of the q keys,
w = sum_j a_j u_j, G a = 1. With m of order q log n all other scores stay below 1 for almost all sets; m = 8 q log n is the
default. Queries are rounded to a grid of 2^-k with sum |w_r| < 2^53 2^-k. Then every sum of +-w_r, in any order, is exact:
what `encode` checks, by one product, is what the engine meets. The rounding moves two scores apart by at most
2 m 2^-(k + 1) <= 2 m eps |w|_1, where scores of m + 3 terms tie up to (m + 3) eps |w|_1 for each of the two; more than the
rounding explains is refused.

*moment.* Keys (1, t, .., t^(2q)) on the moment curve, t = l - n // 2, and the query holds the coefficients of
p(t) = - prod_(j in y) (t - t_j)^2: 0 on the set and at most -1 elsewhere, for every set. Exact, ties with bound 0, as long as
the moduli of the terms add up to less than 2^53. They add up to prod (|t| + |t_j|)^2 at most, which `build` checks for the
worst set: n = 4096 carries q = 2, n = 20 carries q = 6.
"""

import math
from dataclasses import dataclass

import numpy as np
from sklearn.utils import check_random_state

from sklearn_hardmax.constructions.common.construction import Construction, ConstructionError, check_network_output
from sklearn_hardmax.forward.ties import EPS
from sklearn_hardmax.layers import Attention
from sklearn_hardmax.sequences import RaggedSequences, as_sequences
from sklearn_hardmax.sequences.arrays import check_integer, format_indices
from sklearn_hardmax.tasks import averaging_parts
from sklearn_hardmax.transformer import Transformer

_BLOCK_NUMBERS = 2**20  # numbers that one step holds
_MARGIN = 2.0  # times the tie bound that every gap must be


def build_sparse_averaging(n, q, token_dim=1, *, method="random", key_dim="auto", random_state=None):
    """One attention layer that gives every token the mean of the values at the q positions that it names.

    Parameters
    ----------
    n : int
        Longest sequence.
    q : int
        How many positions a token names, from 1 to n.
    token_dim : int, default=1
        Coordinates d of a value z.
    method : {"random", "moment"}, default="random"
        Keys of random signs, or powers of the position, which serve every set with 2 q + 1 coordinates but only while
        integers stay below 2^53 (q <= 2 for n = 4096).
    key_dim : "auto" or int, default="auto"
        Coordinates m of a key. "auto" is ceil(8 q log max(n, 16)) for random keys; "moment" has 2 q + 1 and no choice.
    random_state : int, RandomState or None, default=None
        Draws the random keys.

    Returns
    -------
    Construction
        `encode` takes sequences of tokens (z, y, i) as `tasks.sparse_averages` does; `decode` gives the means,
        RaggedSequences of d coordinates. `margin` is the least gap between the positions of a set and all others, in tie
        bounds, that `encode` lets pass.

    Raises
    ------
    ConstructionError
        "moment": a set of q positions whose scores exceed 2^53. From `encode`: a set whose positions do not tie, or whose
        gap does not exceed the tie bound `margin` times, named; draw other keys, or longer ones.
    ValueError
        Arguments out of range; from `encode`: tokens of another width, sets that are none, sequences longer than n.

    Notes
    -----
    Source: Sanford, Hsu, Telgarsky, arXiv 2306.02896. One block, 2 (2 m + 2 d) (m + d) + 1 parameters. The mean is that of
    `tasks.sparse_averages` up to rounding, (q + 2) eps times the range of the values. `encode` computes all n^2 scores of a
    sequence by one product, running the network by the engine's sums. `query_gaps` tells the gaps of any sets.

    Examples
    --------
    >>> from sklearn_hardmax.constructions import build_sparse_averaging
    >>> from sklearn_hardmax.forward import apply
    >>> built = build_sparse_averaging(n=3, q=2, random_state=0)
    >>> X = [[[10., 1., 2., 0.], [20., 0., 1., 1.], [40., 0., 2., 2.]]]  # the first asks for positions 1 and 2
    >>> built.decode(apply(built.transformer, built.encode(X)))[0].ravel()
    array([30., 15., 25.])
    """
    check_integer(n, "n", 1)
    check_integer(q, "q", 1, n)
    check_integer(token_dim, "token_dim", 1)
    if method not in ("random", "moment"):
        raise ValueError(f"method must be 'random' or 'moment', got {method!r}.")
    if method == "moment":
        if key_dim not in ("auto", 2 * q + 1):
            raise ValueError(f"method='moment' has keys of 2 q + 1 = {2 * q + 1} coordinates, got key_dim {key_dim!r}.")
        built = SparseAveraging(q, token_dim, moment_keys(n, q), True)
        margin = 2.0**52  # integers: gaps of at least 1 in ulps
    else:
        if key_dim != "auto":
            check_integer(key_dim, "key_dim", 1)
        built = SparseAveraging(q, token_dim, random_keys(n, q, key_dim, random_state), False)
        margin = _MARGIN
    return Construction(built.transformer(), built.encode, built.decode, margin)


def random_keys(n, q, key_dim="auto", random_state=None):
    """Keys of random signs for n positions and sets of q of them, those that `build_sparse_averaging` draws; (n, key_dim).

    Examples
    --------
    >>> from sklearn_hardmax.constructions.tasks.sparse_averaging import random_keys
    >>> random_keys(4096, 8, random_state=0).shape  # ceil(8 * 8 * log(4096))
    (4096, 533)
    """
    m = math.ceil(8 * q * math.log(max(n, 16))) if key_dim == "auto" else key_dim
    return 2.0 * check_random_state(random_state).randint(2, size=(n, m)) - 1.0


def moment_keys(n, q):
    """Keys (1, t, .., t^(2q)), t = l - n // 2, of positions l = 0..n - 1; (n, 2 q + 1).

    Raises
    ------
    ConstructionError
        Scores of some set of q positions exceed 2^53; the set is named.

    Examples
    --------
    >>> from sklearn_hardmax.constructions.tasks.sparse_averaging import moment_keys
    >>> moment_keys(3, 1)
    array([[ 1., -1.,  1.],
           [ 1.,  0.,  0.],
           [ 1.,  1.,  1.]])
    """
    n, q = int(n), int(q)  # integers of any size from here on
    t = [j - n // 2 for j in range(n)]
    # terms of prod (t - t_j)^2 have moduli that add up to prod (|t| + |t_j|)^2: worst at the end furthest from the middle
    worst = sorted(sorted(range(n), key=lambda j: -abs(t[j]))[:q])
    total = math.prod((n // 2 + abs(t[j])) ** 2 for j in worst)
    if total >= 2**53:
        raise ConstructionError(
            f"On the moment curve the score of the positions {format_indices(worst)} of n = {n} has terms that add up to "
            f"{total:.3g}, which is not below 2^53: float64 does not hold q = {q} here; use method='random'."
        )
    return np.array([[value**r for r in range(2 * q + 1)] for value in t], dtype=np.float64)


def random_queries(keys, subsets):
    """The shortest w with score 1 on the keys of each set, rounded to a grid on which all scores are exact; (N, m).

    Sets whose keys are linearly dependent get w = 0, or scores that are not 1.
    """
    members = keys[subsets]  # (N, q, m)
    gram = members @ members.transpose(0, 2, 1)  # integers: exact
    weights = _solve_ones(gram)
    weights[~(np.abs(weights).sum(axis=1) < 2**52 / keys.shape[1])] = 0.0  # no grid would hold the scores
    queries = np.zeros((len(subsets), keys.shape[1]))
    for j in range(subsets.shape[1]):
        queries += weights[:, j, None] * members[:, j]
    _, exponent = np.frexp(np.abs(queries).sum(axis=1))
    exponent = (52 - exponent)[:, None]  # sum |w| < 2^52 steps, and rounding adds half a step a coordinate
    return np.ldexp(np.rint(np.ldexp(queries, exponent)), -exponent)


def _solve_ones(matrices):
    """Solutions (N, q) of G a = 1 for positive definite G (N, q, q), by elimination in fixed order; nan where singular."""
    q = matrices.shape[1]
    rows = np.concatenate([matrices, np.ones((len(matrices), q, 1))], axis=2)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for k in range(q):
            rows[:, k] /= rows[:, k, k, None]
            for other in range(q):
                if other != k:
                    rows[:, other] -= rows[:, other, k, None] * rows[:, k]
    return rows[:, :, -1]


def moment_queries(n, subsets):
    """Coefficients of p(t) = - prod (t - t_j)^2 for each set, lowest power first; (N, 2 q + 1), integers."""
    roots = np.repeat(subsets - n // 2, 2, axis=1)
    queries = np.zeros((len(subsets), roots.shape[1] + 1), dtype=np.int64)
    queries[:, 0] = -1
    for root in roots.T:
        shifted = np.roll(queries, 1, axis=1)  # t p - root p; the highest coefficient is still 0
        queries = shifted - root[:, None] * queries
    return queries.astype(np.float64)


def query_gaps(keys, subsets):
    """By how much random keys keep each set above all other positions, and how far its own positions lie apart.

    Parameters
    ----------
    keys : ndarray of shape (n, key_dim)
        From `random_keys`.
    subsets : array-like of int, shape (n_subsets, q)

    Returns
    -------
    gaps : ndarray of shape (n_subsets,)
        Smallest score in the set (1 up to rounding) minus the largest outside, inf where nothing is outside.
    spreads : ndarray of shape (n_subsets,)
        Largest score in the set minus the smallest.

    Examples
    --------
    >>> from sklearn_hardmax.constructions.tasks.sparse_averaging import query_gaps, random_keys
    >>> gaps, spreads = query_gaps(random_keys(1024, 2, random_state=0), [[0, 1], [5, 700]])
    >>> bool((gaps > 0.25).all()), bool((spreads < 1e-12).all())
    (True, True)
    """
    subsets = np.asarray(subsets)
    found = [_gaps(random_queries(keys, subsets[rows]), keys, subsets[rows])[:2] for rows in _row_blocks(subsets, keys)]
    return tuple(np.concatenate(part) for part in zip(*found))


def _row_blocks(subsets, keys):
    """Blocks of rows for which neither the scores nor the keys of the members exceed a block."""
    step = max(1, _BLOCK_NUMBERS // (len(keys) + subsets.shape[1] * keys.shape[1]))
    return [slice(start, start + step) for start in range(0, len(subsets), step)]


def _gaps(queries, keys, subsets):
    """Gaps, spreads and the best position outside each set; the product is exact, see the head of the module."""
    scores = queries @ keys.T
    inside = np.take_along_axis(scores, subsets, axis=1)
    np.put_along_axis(scores, subsets, -np.inf, axis=1)
    rivals = scores.argmax(axis=1)
    best = np.take_along_axis(scores, rivals[:, None], axis=1)[:, 0]
    return inside.min(axis=1) - best, np.ptp(inside, axis=1), rivals


@dataclass(frozen=True)
class SparseAveraging:
    """The construction as numbers: q, d, the keys (n, m), and whether they are integers on the moment curve."""

    q: int
    token_dim: int
    keys: np.ndarray
    on_curve: bool

    def transformer(self):
        """One attention layer on the stream (value, query, key, mean)."""
        d, m = self.token_dim, self.keys.shape[1]
        value, query, key, mean = np.split(np.eye(2 * d + 2 * m), np.cumsum([d, m, m]))
        kinds = (("value", d), ("query", m), ("key", m), ("mean", d))
        names = [f"{kind} {r}" for kind, size in kinds for r in range(size)]
        return Transformer([Attention(query, key, value, mean.T)], names)

    def encode(self, X):
        """Tokens (z, y, i) as (z, w, u, 0); every query is checked against all keys of its sequence."""
        sequences = as_sequences(X)
        d, m, n = self.token_dim, self.keys.shape[1], len(self.keys)
        if sequences.token_dim != d + self.q + 1:
            raise ValueError(
                f"Tokens hold a value of {d} coordinates, a set of q = {self.q} positions and their own position, so "
                f"{d + self.q + 1} numbers; got token_dim {sequences.token_dim}."
            )
        too_long = np.flatnonzero(sequences.lengths > n)
        if len(too_long):
            raise ValueError(f"Sequences {format_indices(too_long)} have more than n = {n} tokens.")
        values, subsets, positions, _ = averaging_parts(sequences, self.q)
        tokens = np.zeros((sequences.n_tokens, 2 * (d + m)))
        tokens[:, :d] = values
        tokens[:, d + m : d + 2 * m] = self.keys[positions]
        for i, (start, stop) in enumerate(zip(sequences.offsets[:-1], sequences.offsets[1:])):
            tokens[start:stop, d : d + m] = self._queries(i, subsets[start:stop])
        return RaggedSequences.from_flat(tokens, sequences.lengths)

    def _queries(self, sequence, subsets):
        keys = self.keys[: len(subsets)]
        out = np.empty((len(subsets), keys.shape[1]))
        for rows in _row_blocks(subsets, keys):
            asked = subsets[rows]
            queries = moment_queries(len(self.keys), asked) if self.on_curve else random_queries(keys, asked)
            self._certify(queries, keys, asked, sequence, rows.start)
            out[rows] = queries
        return out

    def _certify(self, queries, keys, subsets, sequence, first):
        """ConstructionError unless each set ties and stands clear of all other keys; `first` is the token of the first."""
        gaps, spreads, rivals = _gaps(queries, keys, subsets)
        m = keys.shape[1]
        unit = np.zeros(len(gaps)) if self.on_curve else EPS * np.abs(queries).sum(axis=1)
        allowed, needed = 2 * m * unit, 2 * _MARGIN * (m + 3) * unit
        bad = np.flatnonzero((spreads > allowed) | ~(gaps > needed))
        if len(bad) == 0:
            return
        k = bad[0]
        apart = f"{spreads[k]:.3g} apart, and " if spreads[k] > allowed[k] else ""
        raise ConstructionError(
            f"Keys of {m} coordinates do not single out the set {{{format_indices(subsets[k])}}} (sequence {sequence}, token "
            f"{first + k}): its scores stand {apart}{gaps[k]:.3g} above that of position {rivals[k]}, where more than "
            f"{needed[k]:.3g} is needed; draw other keys (random_state), or longer ones (key_dim)."
        )

    def decode(self, tokens):
        """The means, from the tokens that `apply` returns."""
        tokens = as_sequences(tokens)
        check_network_output(tokens, 2 * (self.token_dim + self.keys.shape[1]))
        return RaggedSequences.from_flat(np.array(tokens.tokens[:, -self.token_dim :]), tokens.lengths)
