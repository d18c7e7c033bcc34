"""The leader flow: one attention layer, repeated, moves every token towards the tokens that it attends to.

    z_i <- z_i / (1 + alpha) + alpha / (1 + alpha) mean_{l in C_i} z_l,      C_i = argmax_l <A z_i, z_l>,

A symmetric positive definite, alpha > 0: one attention layer with rho = 1 / (1 + alpha), V = alpha / (1 + alpha) I, B = A.
Alcalde, Fantuzzi and Zuazua (arXiv 2407.01602) show that tokens converge to a clustered equilibrium that is determined by
special tokens, the leaders. A *leader* attends to itself and to its copies only. With |z|^2 = <A z, z>, m the mean over C_i:

1. No norm decreases. z_i is a candidate, so |z_i|^2 <= <A z_i, m> <= |z_i| |m|, and |z_i + alpha m| >= (1 + alpha) |z_i|.
2. Every token stays in the convex hull: the step is a convex combination.
3. A leader remains a leader. It stays where it is, and <A z_i, z_l> < |z_i|^2 for every other value z_l; the next
   tokens are convex combinations of these and of z_i, and reach |z_i|^2 only where they equal z_i.
4. A token whose C_i has a fixed mean m approaches it by the factor 1 / (1 + alpha): after a step of length s its distance to
   m is s / alpha. So `converge` stops on s / alpha, not on s.
5. With A = L L^T the scores are those of the tokens z L under the identity: run(Z, A) = run(Z L, I) L^-1. Scaling and
   maps that keep the norm commute with the flow; a translation does not, so that nothing is centred here.

A zero token scores 0 with all and attends to all tokens. In float64 a step errs by about 2 ulp, and the contraction keeps the
error below 2 (1 + 1 / alpha) ulp over any number of layers. A token that ties between leaders stays between them while that
error is less than the rounding bound of its scores (forward/ties.py); with small alpha the tie may break.
"""

from __future__ import annotations

import numbers
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from sklearn_hardmax.constructions.common.construction import Construction, as_network_output
from sklearn_hardmax.forward.run import attend_with_leaders
from sklearn_hardmax.forward.ties import EPS, inner_products
from sklearn_hardmax.layers import Attention
from sklearn_hardmax.sequences import RaggedSequences
from sklearn_hardmax.sequences.checks import check_integer
from sklearn_hardmax.sequences.segments import Segments, chunks
from sklearn_hardmax.transformer import Transformer


class FlowRun(NamedTuple):
    """The result of the flow on N sequences.

    Attributes
    ----------
    tokens : RaggedSequences
        The tokens after the last layer, float64, same offsets.
    leader_layers : ndarray of shape (n_tokens,), int64
        First layer at which each token was a leader, -1 for none.
    n_iter : ndarray of shape (N,), int64
        Number of layers that moved each sequence.
    distance_to_limit : ndarray of shape (N,), float64
        Largest distance of a token of the sequence from its limit, over the largest norm in the sequence; nan after
        `Flow.run`, which does not compute it.
    """

    tokens: RaggedSequences
    leader_layers: np.ndarray
    n_iter: np.ndarray
    distance_to_limit: np.ndarray


@dataclass(frozen=True)
class Flow:
    """The leader flow of tokens in R^token_dim.

    Attributes
    ----------
    alpha : float
        Step size.
    layer : Attention
        One step.
    factor : ndarray of shape (token_dim, token_dim)
        L with A = L L^T up to a power of four, which changes no comparison. |z| is the Euclidean norm of z L.
    margin : float
        Smallest eigenvalue of A, balanced to a diagonal near 1, over the bound of its rounding error: above 1, A is certified
        to be positive definite. inf without A.
    """

    alpha: float
    layer: Attention
    factor: np.ndarray = field(repr=False)
    margin: float

    @classmethod
    def from_parameters(cls, token_dim, alpha, A=None):
        """With these parameters; ValueError unless alpha > 0 and A is symmetric positive definite."""
        if not isinstance(alpha, numbers.Real) or isinstance(alpha, bool) or not 0 < alpha < np.inf:
            raise ValueError(f"alpha must be a positive finite number, got {alpha!r}.")
        alpha = float(alpha)
        identity = np.eye(token_dim)
        if A is None:
            A = factor = identity
            margin = np.inf
        else:
            A, factor, margin = _positive_definite(A, token_dim)
        rho = 1 / (1 + alpha)
        step = 1 - rho  # not alpha / (1 + alpha): so the two add up to 1 within half an ulp
        if step == 0:
            raise ValueError(f"alpha must be at least 2^-53, smaller steps vanish in float64; got {alpha!r}.")
        return cls(alpha, Attention(A, identity, step * identity, identity, rho), factor, margin)

    def transformer(self, depth):
        """`depth` steps as weights."""
        return Transformer([self.layer] * depth)

    def run(self, sequences, depth):
        """FlowRun through `depth` layers, without distances to the limit."""

        def advance(stream, segments, leader_layers):
            for layer in range(depth):
                _mark_leaders(attend_with_leaders(self.layer, stream, segments), layer, leader_layers)
            n_sequences = len(segments.starts)
            return np.full(n_sequences, depth), np.full(n_sequences, np.nan)

        return _run(sequences, advance)

    def converge(self, sequences, tol, max_iter):
        """FlowRun in which every sequence stops when it is within tol of its limit, or after max_iter layers."""

        def advance(stream, segments, leader_layers):
            sizes = segments.maxima(self._norms(stream))
            moving = np.arange(len(sizes))  # sequences
            n_iter = np.zeros(len(sizes), dtype=np.int64)
            distance_to_limit = np.zeros(len(sizes))
            # sequences that go on have passed the same number of layers, n_iter.max()
            while len(moving) and n_iter.max() < max_iter:
                columns, moving_segments = _select_sequences(segments, moving)
                moved = stream[:, columns]
                moved_leader_layers = leader_layers[columns]
                leaders = attend_with_leaders(self.layer, moved, moving_segments)
                _mark_leaders(leaders, n_iter.max(), moved_leader_layers)
                leader_layers[columns] = moved_leader_layers
                # property 4 in the module's docstring: a step of length s ends s / alpha from the limit
                distances = moving_segments.maxima(self._norms(moved - stream[:, columns])) / self.alpha
                distance_to_limit[moving] = np.divide(
                    distances, sizes[moving], out=np.zeros(len(moving)), where=sizes[moving] > 0
                )
                n_iter[moving] += 1
                stream[:, columns] = moved
                moving = moving[distance_to_limit[moving] > tol]
            return n_iter, distance_to_limit

        return _run(sequences, advance)

    def _norms(self, stream):
        """|z| of the tokens in the columns of a stream (D, n), up to a common factor; (n,)."""
        values, _ = inner_products(self.factor.T, stream)
        return np.sqrt(np.square(values).sum(axis=0))

    def clusters(self, tokens, radius):
        """Group tokens (n, token_dim) that share a limit, if each is within radius times the largest norm of its own.

        Cluster indices (n,), numbered by first appearance. A group of tokens is split where the values of one coordinate of
        z L, sorted, have a gap of more than twice that distance; this is repeated until no group is split.
        """
        # a power of two, so that norms stay in the range of float64
        scaled = np.ldexp(tokens.T, -np.frexp(np.abs(tokens).max())[1])
        gap = 2 * radius * self._norms(scaled).max()
        labels = np.zeros(len(tokens), dtype=np.int64)
        n_labels = 0
        values, _ = inner_products(self.factor.T, scaled)
        while labels.max() + 1 > n_labels:
            n_labels = labels.max() + 1
            for coordinate in values:
                order = np.lexsort([coordinate, labels])
                is_new = (np.diff(labels[order]) > 0) | (np.diff(coordinate[order]) > gap)
                labels[order] = np.concatenate([[0], np.cumsum(is_new)])
        _, first, labels = np.unique(labels, return_index=True, return_inverse=True)
        return np.argsort(np.argsort(first))[labels]

    @staticmethod
    def centers(run, labels):
        """Limit of each cluster of one sequence: its first leader, or the mean of its tokens; (n_clusters, token_dim)."""
        tokens = run.tokens.tokens
        _, first = np.unique(labels, return_index=True)
        # means as v + mean(z - v), v the first token of the cluster: equal tokens return themselves
        out = tokens[first]
        sums = np.zeros_like(out)
        np.add.at(sums, labels, tokens - out[labels])
        out += sums / np.bincount(labels)[:, None]
        # from the last leader to the first: of several in a cluster the first is kept
        leaders = np.flatnonzero(run.leader_layers >= 0)[::-1]
        out[labels[leaders]] = tokens[leaders]
        return out


def _run(sequences, advance):
    """FlowRun chunk by chunk.

    `advance(stream, segments, leader_layers)` moves a stream (D, n) in place, marks leaders in place, and returns n_iter and
    distance_to_limit of its sequences.
    """
    offsets = sequences.offsets
    tokens = np.empty(sequences.tokens.shape)
    leader_layers = np.full(len(tokens), -1)
    results = []
    for i, j in chunks(offsets):
        span = slice(offsets[i], offsets[j])
        segments = Segments.from_offsets(offsets[i : j + 1])
        chunk = sequences.tokens[span].T
        # a power of two brings the largest modulus of each sequence into [1/2, 1): squares stay in the range of float64
        scale = segments.per_token(np.frexp(segments.maxima(np.abs(chunk).max(axis=0)))[1])
        stream = np.ldexp(chunk.astype(np.float64, order="C"), -scale)
        results.append(advance(stream, segments, leader_layers[span]))
        tokens[span] = np.ldexp(stream, scale).T
    n_iter, distance_to_limit = map(np.concatenate, zip(*results))
    return FlowRun(RaggedSequences._trusted(tokens, offsets), leader_layers, n_iter, distance_to_limit)


def _mark_leaders(leaders, layer, leader_layers):
    """Enter the layer for those leaders, bool (n,), that were none before."""
    leader_layers[leaders & (leader_layers < 0)] = layer


def _select_sequences(segments, chosen):
    """The tokens of the chosen sequences one after another, (n,) indices, and their Segments."""
    lengths = segments.lengths[chosen]
    starts = np.cumsum(lengths) - lengths
    selected = Segments(starts, lengths)
    return np.arange(lengths.sum()) + selected.per_token(segments.starts[chosen] - starts), selected


def _positive_definite(A, token_dim):
    """A in float64, L with A = L L^T up to a power of four, and the margin of `Flow`."""
    A = np.asarray(A, dtype=np.float64)
    if A.shape != (token_dim, token_dim) or not np.isfinite(A).all():
        raise ValueError(f"A must be a finite matrix of shape {(token_dim, token_dim)}, got shape {A.shape}.")
    if not np.array_equal(A, A.T):
        raise ValueError(
            f"A must be symmetric; it differs from its transpose by up to {np.abs(A - A.T).max():.3g}. If that is rounding, "
            "pass (A + A.T) / 2."
        )
    diagonal = np.diag(A)
    if (diagonal <= 0).any():
        raise ValueError(f"A must be positive definite; its diagonal holds {diagonal.min():.3g}.")
    # powers of two that bring the diagonal into [1/2, 2): eigenvalues then err by less than n^2 eps, as each of the n rows
    # has n entries below 2
    half = np.frexp(diagonal)[1] // 2
    balanced = np.ldexp(np.ldexp(A, -half), -half[:, None])
    smallest = np.linalg.eigvalsh(balanced)[0]
    margin = float(smallest / (2 * token_dim**2 * EPS))
    if margin <= 1:
        raise ValueError(
            f"A must be positive definite; with a diagonal near 1 its smallest eigenvalue is {smallest:.3g}, and above "
            f"{2 * token_dim**2 * EPS:.3g} it is certified."
        )
    # rows of the balanced factor times 2^half give L; over the largest of these powers it stays in the range of float64
    return A, np.ldexp(np.linalg.cholesky(balanced), (half - half.max())[:, None]), margin


def build_leader_flow(
    token_dim: int, *, alpha: float = 1.0, depth: int = 8, A: ArrayLike | None = None
) -> Construction:
    """Build the weights of the leader flow, in which tokens gather around leaders by attention alone.

    Every layer moves each token by alpha / (1 + alpha) of the way to the mean of the tokens that it attends to, those with
    the largest <A z_i, z_l>. Tokens that attend to themselves only, the leaders, stay where they are.

    Parameters
    ----------
    token_dim : int
        Number of coordinates of a token, at least 1.
    alpha : float, default=1.0
        Step size, positive.
    depth : int, default=8
        Number of layers, at least 1.
    A : array-like of shape (token_dim, token_dim) or None, default=None
        Symmetric positive definite matrix of the scores; None is the identity.

    Returns
    -------
    Construction
        `encode` takes sequences and returns them as RaggedSequences, unchanged; `decode` returns the moved tokens. `margin`
        is how many times the smallest eigenvalue of A, balanced to a diagonal near 1, exceeds the bound of its rounding error
        (inf without A).

    Raises
    ------
    ValueError
        A parameter out of range; A is not symmetric positive definite. From `encode` and `decode`: tokens of another width.

    Notes
    -----
    Source: Alcalde, Fantuzzi, Zuazua, arXiv 2407.01602. One layer costs O(n^2 token_dim) for a sequence of n distinct tokens.

    Examples
    --------
    Two leaders, and a token between them that moves half of the way to the nearer one.

    >>> from sklearn_hardmax.constructions import build_leader_flow
    >>> from sklearn_hardmax.forward import apply
    >>> flow = build_leader_flow(2, alpha=1.0, depth=1)
    >>> flow.decode(apply(flow.transformer, flow.encode([[[2., 0.], [0., 2.], [1., 0.5]]])))[0]
    array([[2.  , 0.  ],
           [0.  , 2.  ],
           [1.5 , 0.25]])
    """
    check_integer(token_dim, "token_dim", 1)
    check_integer(depth, "depth", 1)
    flow = Flow.from_parameters(int(token_dim), alpha, A)

    def checked(tokens):
        return as_network_output(tokens, token_dim)

    return Construction(flow.transformer(depth), checked, checked, flow.margin)
