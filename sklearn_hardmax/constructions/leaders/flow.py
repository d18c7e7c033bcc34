"""The leader flow: attention alone moves tokens towards leaders.

    z_i <- z_i / (1 + alpha) + alpha / (1 + alpha) mean_{l in C_i} z_l,      C_i = argmax_l <A z_i, z_l>,

A symmetric positive definite, alpha > 0: one attention layer with rho = 1 / (1 + alpha), V = alpha / (1 + alpha) I, B = A.
Alcalde, Fantuzzi and Zuazua (arXiv 2407.01602) show that tokens converge to a clustered equilibrium that is determined by
special tokens, the leaders. A leader attends to itself and to its copies only. With |z|^2 = <A z, z>, m the mean over C_i:

1. No norm decreases. z_i is a candidate, so |z_i|^2 <= <A z_i, m> <= |z_i| |m|, and |z_i + alpha m| >= (1 + alpha) |z_i|.
2. Every token stays in the convex hull: the step is a convex combination.
3. A leader once is a leader for ever. It stays where it is, and <A z_i, z_l> < |z_i|^2 for every other value z_l; the next
   tokens are convex combinations of these and of z_i, and reach |z_i|^2 only where they equal z_i.
4. A token whose C_i has a fixed mean m approaches it by the factor 1 / (1 + alpha): after a step of length s it is s / alpha
   distance_to_limit. So `converge` stops on s / alpha, not on s.
5. With A = L L^T the scores are those of the tokens z L under the identity: run(Z, A) = run(Z L, I) L^-1. Scaling and
   maps that keep the norm commute with the flow; a translation does not, so that nothing is centred here.

A zero token scores 0 with all and attends to all tokens. In float64 a step errs by about 2 ulp, which the contraction keeps
below 2 (1 + 1 / alpha) ulp over any number of layers; a token that a tie holds between leaders stays there while that is less
than the rounding bound of its scores (ties.py), and small alpha may let it go.
"""

import numbers
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from sklearn_hardmax.constructions.common.construction import Construction, check_network_output
from sklearn_hardmax.forward.run import attend_with_leaders
from sklearn_hardmax.forward.ties import EPS, inner_products
from sklearn_hardmax.layers import Attention
from sklearn_hardmax.sequences import RaggedSequences, as_sequences
from sklearn_hardmax.sequences.arrays import check_integer
from sklearn_hardmax.sequences.segments import Segments, chunks
from sklearn_hardmax.transformer import Transformer


class FlowRun(NamedTuple):
    """Where the flow took sequences.

    tokens : RaggedSequences, after the last layer; leader_layers : (n_tokens,) ints, the first layer at which a token was a
    leader, -1 for none; n_iter : (N,) ints, layers that each sequence went through; distance_to_limit : (N,) floats, how far the tokens
    of a sequence are from their limits at most, over the largest norm in the sequence; nan where nobody asked.
    """

    tokens: RaggedSequences
    leader_layers: np.ndarray
    n_iter: np.ndarray
    distance_to_limit: np.ndarray


@dataclass(frozen=True)
class Flow:
    """The flow of tokens in R^token_dim.

    layer : Attention, one step; factor : (token_dim, token_dim), L with A = L L^T up to a power of four, which changes no
    comparison; margin : how many times over A is certified to be positive definite.
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
        A, factor, margin = (identity, identity, np.inf) if A is None else _positive_definite(A, token_dim)
        rho = 1 / (1 + alpha)
        step = 1 - rho  # not alpha / (1 + alpha): so the two add up to 1 within half an ulp
        if step == 0:
            raise ValueError(f"alpha must be at least 2^-53, smaller steps vanish in float64; got {alpha!r}.")
        return cls(alpha, Attention(A, identity, step * identity, identity, rho), factor, margin)

    def transformer(self, depth):
        """`depth` steps as weights."""
        return Transformer([self.layer] * depth)

    def run(self, sequences, depth):
        """FlowRun through `depth` layers; it does not look how far distance_to_limit the limits are, and gives nan."""

        def through(stream, segments, leader_layers):
            for layer in range(depth):
                _note(attend_with_leaders(self.layer, stream, segments), layer, leader_layers)
            return np.full(len(segments.starts), depth), np.full(len(segments.starts), np.nan)

        return _run(sequences, through)

    def converge(self, sequences, tol, max_iter):
        """FlowRun in which every sequence stops when it is within tol of its limit, or after max_iter layers."""

        def through(stream, segments, leader_layers):
            sizes = segments.maxima(self._norms(stream))
            moving, n_iter, distance_to_limit = (
                np.arange(len(sizes)),
                np.zeros(len(sizes), dtype=np.int64),
                np.zeros(len(sizes)),
            )
            while len(moving) and n_iter.max() < max_iter:
                places, mine = _places(segments, moving)
                part, noted = stream[:, places], leader_layers[places]
                _note(attend_with_leaders(self.layer, part, mine), n_iter.max(), noted)
                leader_layers[places] = noted
                steps = mine.maxima(self._norms(part - stream[:, places])) / self.alpha
                distance_to_limit[moving] = np.divide(
                    steps, sizes[moving], out=np.zeros(len(moving)), where=sizes[moving] > 0
                )
                n_iter[moving] += 1
                stream[:, places] = part
                moving = moving[distance_to_limit[moving] > tol]
            return n_iter, distance_to_limit

        return _run(sequences, through)

    def _norms(self, stream):
        values, _ = inner_products(self.factor.T, stream)
        return np.sqrt(np.square(values).sum(axis=0))

    def clusters(self, tokens, radius):
        """Which tokens (n, token_dim) share a limit, if each is within radius times the largest norm of its own.

        Class indices (n,), numbered by first appearance. Tokens are apart where one coordinate of z L, from all tokens of
        their group, leaves a gap of more than twice that distance between them.
        """
        scaled = np.ldexp(tokens.T, -np.frexp(np.abs(tokens).max())[1])
        gap = 2 * radius * self._norms(scaled).max()
        labels, n_labels = np.zeros(len(tokens), dtype=np.int64), 0
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
        """Where each cluster of one sequence ends: at its first leader there, or at the mean of its tokens."""
        tokens = run.tokens.tokens
        _, first = np.unique(labels, return_index=True)
        out = tokens[first]  # v + mean(z - v)
        sums = np.zeros_like(out)
        np.add.at(sums, labels, tokens - out[labels])
        out += sums / np.bincount(labels)[:, None]
        leaders = np.flatnonzero(run.leader_layers >= 0)[::-1]
        out[labels[leaders]] = tokens[leaders]
        return out


def _run(sequences, through):
    """FlowRun chunk by chunk; `through` moves a stream (D, n) in place, marks leaders, and gives n_iter and distance_to_limit."""
    tokens, offsets = np.empty(sequences.tokens.shape), sequences.offsets
    leader_layers, parts = np.full(len(tokens), -1), []
    for i, j in chunks(offsets):
        span, segments = slice(offsets[i], offsets[j]), Segments.from_offsets(offsets[i : j + 1])
        part = sequences.tokens[span].T
        scale = segments.per_token(np.frexp(segments.maxima(np.abs(part).max(axis=0)))[1])
        stream = np.ldexp(part.astype(np.float64, order="C"), -scale)
        parts.append(through(stream, segments, leader_layers[span]))
        tokens[span] = np.ldexp(stream, scale).T
    n_iter, distance_to_limit = map(np.concatenate, zip(*parts))
    return FlowRun(RaggedSequences._trusted(tokens, offsets), leader_layers, n_iter, distance_to_limit)


def _note(leaders, layer, leader_layers):
    """Mark the leaders of a layer that were none before."""
    leader_layers[leaders & (leader_layers < 0)] = layer


def _places(segments, chosen):
    """The tokens of the chosen sequences one after another, and the Segments of these."""
    lengths = segments.lengths[chosen]
    starts = np.cumsum(lengths) - lengths
    mine = Segments(starts, lengths)
    return np.arange(lengths.sum()) + mine.per_token(segments.starts[chosen] - starts), mine


def _positive_definite(A, token_dim):
    """A in float64, L with A = L L^T up to a power of four, and by how much positive definiteness is certified."""
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
    # powers of two that bring the diagonal into [1/2, 2): eigenvalues then err by less than n^2 eps (n entries below 2 a row)
    half = np.frexp(diagonal)[1] // 2
    balanced = np.ldexp(np.ldexp(A, -half), -half[:, None])
    smallest = np.linalg.eigvalsh(balanced)[0]
    margin = float(smallest / (2 * token_dim**2 * EPS))
    if margin <= 1:
        raise ValueError(
            f"A must be positive definite; with a diagonal near 1 its smallest eigenvalue is {smallest:.3g}, and above "
            f"{2 * token_dim**2 * EPS:.3g} it is certified."
        )
    return A, np.ldexp(np.linalg.cholesky(balanced), (half - half.max())[:, None]), margin


def build_leader_flow(token_dim, *, alpha=1.0, depth=8, A=None):
    """Weights of the leader flow: tokens gather around leaders by attention alone.

    Parameters
    ----------
    token_dim : int
    alpha : float, default=1.0
        Step size, positive: a layer takes alpha / (1 + alpha) of the way to the mean of the attended tokens.
    depth : int, default=8
        Layers.
    A : array-like of shape (token_dim, token_dim), optional
        Symmetric positive definite; default the identity.

    Returns
    -------
    Construction
        `encode` reads sequences as they are, `decode` gives the moved tokens back; the margin is by how many times the
        smallest eigenvalue of A exceeds what rounding could fake (inf without A).

    Raises
    ------
    ValueError
        A parameter out of range; A is not symmetric positive definite.

    Notes
    -----
    Source: Alcalde, Fantuzzi, Zuazua, arXiv 2407.01602. A layer costs O(n^2 token_dim) a sequence of n distinct tokens.

    Examples
    --------
    Two leaders, and a token between them that the nearer one draws half of the way.

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
        sequences = as_sequences(tokens)
        check_network_output(sequences, token_dim)
        return sequences

    return Construction(flow.transformer(depth), checked, checked, flow.margin)
