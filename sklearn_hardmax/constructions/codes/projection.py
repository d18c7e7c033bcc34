"""Encode tokens and project them on directions: the first step of every code, from a token to one number.

Encoding. Each feature of a token is shifted, and scaled by a power of two, so that the training tokens lie in [-1, 1]
(`TokenScale`). If the order of tokens counts, the relative position i / (n - 1) of the token in its sequence is added as last
coordinate. Encoded tokens are held as columns, shape (n_coordinates, n): each coordinate is contiguous.

Projection. A direction u gives each token z the number p = sum_j u_j z_j, and the first layer of a network makes of it

    s = (relu(x) - relu(x - 1)) + 1,      x = p + 1/2,

which lies in [1, 2]. Directions are scaled by powers of two such that sum_j |u_j| <= 7/16: training tokens are not clipped.

Order of sums. A code computed here must be the number that the transformer computes, bit for bit, in any batch: codes of
different labels may be only 2^-46 apart, and the labels are certified for these very numbers. A sum of floats depends on the
order of its terms. Therefore `project` adds the terms in the order of the coordinates and leaves out those of weight 0, as
`forward` does (forward/ties.py).

Fast product. A matrix product computes many projections at once, but in an order of sums that is not specified. It is used
for pre-selection only (`extremes` with exact=False, for the directions that selection.py compares). Its distance to the sum
in order is at most `product_noise`; decisions that lie within this distance are repeated with sums in order.
"""

from dataclasses import dataclass

import numpy as np

from sklearn_hardmax.encoding import TokenScale, relative_positions
from sklearn_hardmax.forward.ties import EPS
from sklearn_hardmax.sequences import RaggedSequences
from sklearn_hardmax.sequences.segments import Segments, chunks

# encoded tokens that are held at a time: at most so many numbers, and so many tokens
_CHUNK_NUMBERS = 2**18
_CHUNK_TOKENS = 2**14

_LARGEST_EXPONENT = 900  # of a feature's scale; beyond it the fast product may overflow or underflow


@dataclass(frozen=True)
class Projection:
    """How the tokens of a user become the coordinates that a direction is applied to.

    Attributes
    ----------
    scale : TokenScale
        Shift and power of two of each feature.
    with_position : bool
        Whether the relative position is the last coordinate.
    """

    scale: TokenScale
    with_position: bool

    @classmethod
    def fit(cls, sequences, ordered):
        """For training sequences; with positions if `ordered`, unless all have one token, whose relative position is 0."""
        return cls(TokenScale.fit(sequences.tokens), bool(ordered) and sequences.n_tokens > len(sequences))

    @property
    def n_coordinates(self):
        """Number of coordinates of an encoded token."""
        return len(self.scale.center) + self.with_position

    def _chunks(self, sequences):
        """Yield (i, j, offsets): sequences i to j (exclusive) go through together, offsets (j - i + 1,) of their tokens."""
        for i, j in chunks(sequences.offsets, min(_CHUNK_TOKENS, _CHUNK_NUMBERS // self.n_coordinates)):
            yield i, j, sequences.offsets[i : j + 1]

    def encoded(self, sequences):
        """Encode the tokens of all sequences, chunk by chunk.

        Yields
        ------
        i, j : int
            The chunk holds sequences i to j (exclusive).
        segments : Segments
            Where these sequences lie in `columns`.
        columns : ndarray of shape (n_coordinates, n)
            Their encoded tokens. Valid until the next chunk, which overwrites it.
        """
        buffer = np.empty(0)
        for i, j, offsets in self._chunks(sequences):
            n = int(offsets[-1] - offsets[0])
            if buffer.size < self.n_coordinates * n:
                buffer = np.empty(self.n_coordinates * n)
            columns = buffer[: self.n_coordinates * n].reshape(self.n_coordinates, n)
            self.scale.columns(sequences.tokens[offsets[0] : offsets[-1]], columns)
            if self.with_position:
                columns[-1] = relative_positions(offsets)
            yield i, j, Segments.from_offsets(offsets), columns

    def encoded_tokens(self, sequences, indices):
        """Yield encoded tokens (n_coordinates, k) of the tokens at these indices, chunk by chunk."""
        positions = relative_positions(sequences.offsets)[indices] if self.with_position else None
        step = max(1, min(_CHUNK_TOKENS, _CHUNK_NUMBERS // self.n_coordinates))
        for start in range(0, len(indices), step):
            chunk = indices[start : start + step]
            columns = np.empty((self.n_coordinates, len(chunk)))
            self.scale.columns(sequences.tokens[chunk], columns)
            if self.with_position:
                columns[-1] = positions[start : start + step]
            yield columns

    def extremes(self, directions, exact, sequences):
        """Largest and smallest projection of each sequence on each direction.

        Parameters
        ----------
        directions : ndarray of shape (k, n_coordinates)
        exact : bool
            True: sums in the order of the coordinates, as `forward` forms them. False: a matrix product of the raw tokens,
            which differs by at most `product_noise`, and may differ between batches.
        sequences : RaggedSequences

        Returns
        -------
        ndarray of shape (n_sequences, 2, k)
            The largest, then the smallest projection. All nan with exact=False if `product_noise` is infinite.
        """
        out = np.empty((len(sequences), 2, len(directions)))
        if not exact and np.isinf(self.product_noise(directions)).any():
            out.fill(np.nan)
            return out
        projections = self._exact_projections if exact else self._products
        for i, j, segments, lines in projections(directions, sequences):
            for k, line in enumerate(lines):
                out[i:j, 0, k] = segments.maxima(line)
                out[i:j, 1, k] = np.minimum.reduceat(line, segments.starts)
        return out

    def _exact_projections(self, directions, sequences):
        """Yield (i, j, segments, lines), an iterator over the projections (n,) of the tokens on each direction."""
        for i, j, segments, columns in self.encoded(sequences):
            yield i, j, segments, (project(u, columns) for u in directions)

    def _products(self, directions, sequences):
        """Yield (i, j, segments, lines) by a matrix product: lines (k, n)."""
        # <u, (f - center) / 2^exponent> = <u / 2^exponent, f> - <u / 2^exponent, center>: raw tokens f need no encoding
        scaled = np.ldexp(directions[:, : len(self.scale.center)], -self.scale.exponent)
        shift = (scaled @ self.scale.center)[:, None]
        for i, j, offsets in self._chunks(sequences):
            lines = scaled @ np.asarray(sequences.tokens[offsets[0] : offsets[-1]].T, dtype=np.float64)
            lines -= shift
            if self.with_position:
                lines += directions[:, -1:] * relative_positions(offsets)
            yield i, j, Segments.from_offsets(offsets), lines

    def product_noise(self, directions):
        """Bound on the difference between product and exact sum, for one training token and each direction (k,).

        A feature of a training token is at most |center| + 2^exponent in absolute value. So the moduli of the terms add up to
        at most m = sum_j |u_j| (2 |center_j| / 2^exponent_j + 1). Each of the two sums of d terms errs by at most d eps / 2
        times m, and encoding by eps. Infinite where powers of two leave the range of float64.
        """
        if (np.abs(self.scale.exponent) > _LARGEST_EXPONENT).any():
            return np.full(len(directions), np.inf)
        sizes = np.ones(self.n_coordinates)
        sizes[: len(self.scale.center)] += 2 * np.abs(np.ldexp(self.scale.center, -self.scale.exponent))
        return (self.n_coordinates + 4) * EPS * (np.abs(directions) @ sizes)

    def mean_tokens(self, sequences):
        """Mean encoded token of each sequence, (n_sequences, n_coordinates)."""
        out = np.empty((len(sequences), self.n_coordinates))
        for i, j, segments, columns in self.encoded(sequences):
            for c, column in enumerate(columns):
                out[i:j, c] = segments.means(column)
        return out

    def encode(self, sequences, width):
        """The tokens that the first layer of a network takes: encoded tokens, with zeros up to `width` coordinates.

        Parameters
        ----------
        sequences : RaggedSequences
        width : int

        Returns
        -------
        RaggedSequences
            Tokens of shape (n_tokens, width).
        """
        tokens = np.zeros((sequences.n_tokens, width))
        for i, j, _, columns in self.encoded(sequences):
            tokens[sequences.offsets[i] : sequences.offsets[j], : len(columns)] = columns.T
        return RaggedSequences._trusted(tokens, sequences.offsets, sequences.ids)


def project(direction, columns):
    """Inner products (n,) of a direction with encoded tokens (n_coordinates, n), summed in the order of the coordinates."""
    line, term = np.zeros((2, columns.shape[1]))
    # terms of weight 0 are left out: `forward` does so too
    for c in np.flatnonzero(direction).tolist():
        line += np.multiply(columns[c], direction[c], out=term)
    return line


def clipped_ramp(projections):
    """The output s of the first layer, (relu(x) - relu(x - 1)) + 1 with x = p + 1/2, for projections p of any shape."""
    # in place, in the order of sums of `projection_units`, whose biases are 1/2 and -1/2
    rise = projections + 0.5
    np.maximum(rise, 0.0, out=rise)
    fall = projections - 0.5
    np.maximum(fall, 0.0, out=fall)
    rise -= fall
    rise += 1.0
    return rise


def even_grid(values):
    """Values in [1, 2) rounded to multiples of 2^-51, every other float64 there."""
    # values + 2 lies in [3, 4), where neighbouring floats are 2^-51 apart
    return (values + 2.0) - 2.0


def normalise_directions(directions):
    """Directions (k, n_coordinates), each times the power of two for which sum_j |u_j| lies in (7/32, 7/16]."""
    sums = np.abs(directions).sum(axis=1, keepdims=True)
    return directions * 2.0 ** np.floor(np.log2((7 / 16) / sums))
