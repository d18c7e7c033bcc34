"""Projections of encoded tokens on directions."""

from dataclasses import dataclass

import numpy as np

from sklearn_hardmax.encoding import TokenScale, relative_positions
from sklearn_hardmax.forward.ties import EPS
from sklearn_hardmax.sequences import RaggedSequences
from sklearn_hardmax.sequences.segments import Segments, chunks

_CHUNK_NUMBERS = 2**18  # numbers of encoded tokens that are held together

_CHUNK_TOKENS = 2**14  # and tokens


@dataclass(frozen=True)
class Projection:
    """Tokens to numbers: the encoding and a direction; p = sum_j direction_j z_j in the order of the coordinates."""

    scale: TokenScale
    with_position: bool

    @property
    def n_coordinates(self):
        """Coordinates of an encoded token."""
        return len(self.scale.center) + self.with_position

    def encoded(self, sequences):
        """Yield (i, j, segments, columns): runs of sequences and their encoded tokens, (n_coordinates, n)."""
        buffer = np.empty(0)
        for i, j in chunks(sequences.offsets, min(_CHUNK_TOKENS, _CHUNK_NUMBERS // self.n_coordinates)):
            offsets = sequences.offsets[i : j + 1]
            n = int(offsets[-1] - offsets[0])
            if buffer.size < self.n_coordinates * n:
                buffer = np.empty(self.n_coordinates * n)
            columns = buffer[: self.n_coordinates * n].reshape(self.n_coordinates, n)
            self.scale.columns(sequences.tokens[offsets[0] : offsets[-1]], columns)
            if self.with_position:
                columns[-1] = relative_positions(offsets)
            yield i, j, Segments.from_offsets(offsets), columns

    def extremes(self, directions, exact, sequences):
        """Largest and smallest projection of each sequence on each direction (k, n_coordinates): (N, 2, k).

        Exact in the sense of the engine's order of sums, or by a product of the raw tokens, which errs by `product_noise`,
        may differ between batches, and is not computed, but nan, where that is infinite.
        """
        out = np.empty((len(sequences), 2, len(directions)))
        if not exact and np.isinf(self.product_noise(directions)).any():
            out.fill(np.nan)
            return out
        for i, j, segments, lines in (self._lines if exact else self._products)(directions, sequences):
            for k, line in enumerate(lines):
                out[i:j, 0, k] = segments.maxima(line)
                out[i:j, 1, k] = np.minimum.reduceat(line, segments.starts)
        return out

    def _lines(self, directions, sequences):
        for i, j, segments, columns in self.encoded(sequences):
            yield i, j, segments, (project(u, columns) for u in directions)

    def _products(self, directions, sequences):
        scaled = np.ldexp(directions[:, : len(self.scale.center)], -self.scale.exponent)
        shift = (scaled @ self.scale.center)[:, None]
        for i, j in chunks(sequences.offsets, min(_CHUNK_TOKENS, _CHUNK_NUMBERS // self.n_coordinates)):
            offsets = sequences.offsets[i : j + 1]
            lines = scaled @ np.asarray(sequences.tokens[offsets[0] : offsets[-1]].T, dtype=np.float64)
            lines -= shift
            if self.with_position:
                lines += directions[:, -1:] * relative_positions(offsets)
            yield i, j, Segments.from_offsets(offsets), lines

    def product_noise(self, directions):
        """Bound on the difference of the two kinds of projection of one training token, for each direction (k,).

        A token is at most |center| + 2^exponent: terms add up to sum |u_j| (2 |center_j| / 2^exponent_j + 1), each sum of d
        of them errs by d eps / 2 times that, encoding by eps. Infinite where powers of two leave the range of float64.
        """
        if (np.abs(self.scale.exponent) > 900).any():
            return np.full(len(directions), np.inf)
        sizes = np.ones(self.n_coordinates)
        sizes[: len(self.scale.center)] += 2 * np.abs(np.ldexp(self.scale.center, -self.scale.exponent))
        return (self.n_coordinates + 4) * EPS * (np.abs(directions) @ sizes)

    def mean_tokens(self, sequences):
        """Mean encoded token of each sequence, (N, n_coordinates)."""
        out = np.empty((len(sequences), self.n_coordinates))
        for i, j, segments, columns in self.encoded(sequences):
            for c, column in enumerate(columns):
                out[i:j, c] = segments.means(column)
        return out

    def encode(self, sequences, width):
        """The tokens that the first layer takes: encoded features, position if any, zeros up to `width` coordinates."""
        tokens = np.zeros((sequences.n_tokens, width))
        for i, j, _, columns in self.encoded(sequences):
            tokens[sequences.offsets[i] : sequences.offsets[j], : len(columns)] = columns.T
        return RaggedSequences._trusted(tokens, sequences.offsets)


def project(direction, columns):
    """Inner products of one direction with the tokens in columns, summed in the order of the coordinates; (n,)."""
    line, term = np.zeros((2, columns.shape[1]))
    for c in np.flatnonzero(direction).tolist():
        line += np.multiply(columns[c], direction[c], out=term)
    return line


def clipped_ramp(projections):
    """S of the first layer: (relu(x) - relu(x - 1)) + 1 with x = <u, z> + 1/2."""
    rise = projections + 0.5
    np.maximum(rise, 0.0, out=rise)
    fall = projections - 0.5
    np.maximum(fall, 0.0, out=fall)
    rise -= fall
    rise += 1.0
    return rise


def even_grid(values):
    """Values in [1, 2) rounded to the multiples of 2^-51."""
    return (values + 2.0) - 2.0


def normalise_directions(directions):
    """Directions (k, n_coordinates), each times the power of two that brings the sum of its moduli into (7/32, 7/16]."""
    sums = np.abs(directions).sum(axis=1, keepdims=True)
    return directions * 2.0 ** np.floor(np.log2((7 / 16) / sums))
