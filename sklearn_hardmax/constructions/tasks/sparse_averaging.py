"""Sparse averaging: one attention layer that gives every token the mean of the values at q positions which the token names.

Token i = (z_i, y_i, i) holds a value z_i, a set y_i of q positions and its own position i. `encode` makes it
(z_i, w_i, u_i, 0): a query w_i made from the set y_i, the key u_i of position i, and coordinates for the mean. The score of
token l for token i is <w_i, u_l>. Hardmax attention averages over the tokens that tie for the largest score: all l in y_i
must tie, and all others must score less. position_keys.py has two kinds of keys and queries for which this is so.

(The task: Sanford, Hsu, Telgarsky, arXiv 2306.02896, who show that an embedding of order d + q log n is enough, while a
feed-forward net needs a first layer of width n d / 2 and a recurrent one (n - 1) / 2 bits of memory.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from sklearn_hardmax._typing import Auto, RandomStateLike
from sklearn_hardmax.constructions.common.construction import Construction, ConstructionError, as_network_output
from sklearn_hardmax.constructions.tasks.matching import check_lengths
from sklearn_hardmax.constructions.tasks.position_keys import (
    moment_keys,
    moment_queries,
    random_keys,
    random_queries,
    row_blocks,
    score_gaps,
)
from sklearn_hardmax.forward.ties import EPS
from sklearn_hardmax.layers import Attention
from sklearn_hardmax.sequences import RaggedSequences
from sklearn_hardmax.sequences.checks import check_integer
from sklearn_hardmax.sequences.messages import format_indices
from sklearn_hardmax.sequences.parsing import read_sequences
from sklearn_hardmax.tasks import averaging_parts
from sklearn_hardmax.transformer import Transformer

_MARGIN = 2.0  # a gap between a set and all other positions must exceed this, in tie bounds


def build_sparse_averaging(
    n: int,
    q: int,
    token_dim: int = 1,
    *,
    method: Literal["random", "moment"] = "random",
    key_dim: int | Auto = "auto",
    random_state: RandomStateLike = None,
) -> Construction:
    """Build one attention layer that gives every token the mean of the values at the q positions that it names.

    Parameters
    ----------
    n : int
        Largest length of a sequence, at least 1.
    q : int
        Number of positions that a token names, from 1 to n.
    token_dim : int, default=1
        Number of coordinates d of a value z.
    method : {"random", "moment"}, default="random"
        Keys of random signs, or powers of the position. The latter work for all sets, with 2 q + 1 coordinates, but only
        while integers stay below 2^53 (q <= 2 for n = 4096).
    key_dim : "auto" or int, default="auto"
        Number of coordinates m of a key. "auto" is ceil(8 q log max(n, 16)) for random keys; for "moment" only 2 q + 1 is
        possible.
    random_state : int, RandomState or None, default=None
        Draws the random keys. Ignored if method="moment".

    Returns
    -------
    Construction
        `encode` takes sequences of tokens (z, y, i) as `tasks.sparse_averages` does; `decode` returns the means,
        RaggedSequences of d coordinates, float64. `margin`: gaps between the scores of a set and all others exceed this
        number, in tie bounds, for all sets that `encode` accepts.

    Raises
    ------
    ConstructionError
        "moment": a set of q positions whose scores exceed 2^53. From `encode`: a set whose positions do not tie, or whose
        gap does not exceed the tie bound `margin` times; the message names it. Draw other keys, or longer ones.
    ValueError
        Arguments out of range. From `encode`: tokens of another width, sets with a repeated or invalid position, sequences
        longer than n. From `decode`: tokens of another width.

    See Also
    --------
    query_gaps : Gaps of any sets under given random keys.
    sklearn_hardmax.tasks.sparse_averages : The same function without a network.

    Notes
    -----
    Source: Sanford, Hsu, Telgarsky, arXiv 2306.02896. One block, 2 (2 m + 2 d) (m + d) + 1 parameters. The mean is that of
    `tasks.sparse_averages` up to rounding, (q + 2) eps times the range of the values. `encode` computes all n^2 scores of a
    sequence by one product; `apply` computes them again, in its fixed order of sums.

    Examples
    --------
    >>> from sklearn_hardmax.constructions import build_sparse_averaging
    >>> from sklearn_hardmax.forward import apply
    >>> built = build_sparse_averaging(n=3, q=2, random_state=0)
    >>> X = [[[10., 1., 2., 0.], [20., 0., 1., 1.], [40., 0., 2., 2.]]]  # the first names positions 1 and 2
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
        margin = 2.0**52  # scores are integers: gaps of at least 1, in ulps
    else:
        if key_dim != "auto":
            check_integer(key_dim, "key_dim", 1)
        built = SparseAveraging(q, token_dim, random_keys(n, q, key_dim, random_state), False)
        margin = _MARGIN
    return Construction(built.transformer(), built.encode, built.decode, margin)


@dataclass(frozen=True)
class SparseAveraging:
    """The construction as a few numbers and the keys.

    Attributes
    ----------
    q : int
        Number of positions that a token names.
    token_dim : int
        Number of coordinates d of a value.
    keys : ndarray of shape (n, m)
        One key per position.
    on_curve : bool
        Whether keys are integers on the moment curve; else they are random signs.
    """

    q: int
    token_dim: int
    keys: np.ndarray
    on_curve: bool

    def transformer(self):
        """One attention layer on the stream (value, query, key, mean)."""
        d = self.token_dim
        m = self.keys.shape[1]
        # rows of the identity select the coordinates of each group
        value, query, key, mean = np.split(np.eye(2 * d + 2 * m), np.cumsum([d, m, m]))
        kinds = (("value", d), ("query", m), ("key", m), ("mean", d))
        names = [f"{kind} {r}" for kind, size in kinds for r in range(size)]
        return Transformer([Attention(query, key, value, mean.T)], names)

    def encode(self, X):
        """Tokens (z, y, i) as (z, w, u, 0); every query is checked against all keys of its sequence."""
        sequences = read_sequences(X)
        d = self.token_dim
        n, m = self.keys.shape
        if sequences.token_dim != d + self.q + 1:
            raise ValueError(
                f"Tokens hold a value of {d} coordinates, a set of q = {self.q} positions and their own position, so "
                f"{d + self.q + 1} numbers; got token_dim {sequences.token_dim}."
            )
        check_lengths(sequences, n)
        values, subsets, positions, _ = averaging_parts(sequences, self.q)
        tokens = np.zeros((sequences.n_tokens, 2 * (d + m)))
        tokens[:, :d] = values
        tokens[:, d + m : d + 2 * m] = self.keys[positions]
        # the coordinates of the mean stay 0; queries come sequence by sequence, as its own keys are the only rivals
        for i, (start, stop) in enumerate(zip(sequences.offsets[:-1], sequences.offsets[1:])):
            tokens[start:stop, d : d + m] = self._queries(i, subsets[start:stop])
        return RaggedSequences.from_flat(tokens, sequences.lengths)

    def _queries(self, sequence, subsets):
        """Certified queries (n_tokens, m) of the sequence with this index, from the sets of its tokens (n_tokens, q)."""
        # the positions of a sequence of n tokens are 0..n - 1: other keys do not occur in it
        keys = self.keys[: len(subsets)]
        out = np.empty((len(subsets), keys.shape[1]))
        for rows in row_blocks(subsets, keys):
            named = subsets[rows]
            queries = moment_queries(len(self.keys), named) if self.on_curve else random_queries(keys, named)
            self._certify(queries, keys, named, sequence, rows.start)
            out[rows] = queries
        return out

    def _certify(self, queries, keys, subsets, sequence, first):
        """ConstructionError unless each set ties and all other keys score less; `first` is the token of the first set."""
        gaps, spreads, rivals = score_gaps(queries, keys, subsets)
        m = keys.shape[1]
        # eps |w|_1: rounding explains 2 m of it within a set, and two scores tie up to 2 (m + 3) of it
        unit = np.zeros(len(gaps)) if self.on_curve else EPS * np.abs(queries).sum(axis=1)
        allowed = 2 * m * unit
        needed = 2 * _MARGIN * (m + 3) * unit
        bad = np.flatnonzero((spreads > allowed) | ~(gaps > needed))
        if len(bad) == 0:
            return
        # name the first refused set, and the position outside with the largest score
        k = bad[0]
        apart = f"{spreads[k]:.3g} apart, and " if spreads[k] > allowed[k] else ""
        raise ConstructionError(
            f"Keys of {m} coordinates do not single out the set {{{format_indices(subsets[k])}}} (sequence {sequence}, token "
            f"{first + k}): its scores are {apart}{gaps[k]:.3g} above that of position {rivals[k]}, where more than "
            f"{needed[k]:.3g} is needed; draw other keys (random_state), or longer ones (key_dim)."
        )

    def decode(self, tokens):
        """The means, from the tokens that `apply` returns."""
        tokens = as_network_output(tokens, 2 * (self.token_dim + self.keys.shape[1]))
        return RaggedSequences.from_flat(np.array(tokens.tokens[:, -self.token_dim :]), tokens.lengths)
