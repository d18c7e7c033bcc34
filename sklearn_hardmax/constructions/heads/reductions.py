"""Add, count and maximise integers over the tokens of many sequences at once, exactly.

Sequences of similar length form a *chunk* of L rows and B columns. Rows are time, columns are sequences, and zeros fill the
column of a shorter sequence behind its end. Three sequences a, b, c of lengths 5, 4, 4 give L = 5, B = 3:

             a   b   c
    t = 0    a0  b0  c0
    t = 1    a1  b1  c1         flattened, (L B,):
    t = 2    a2  b2  c2             a0 b0 c0  a1 b1 c1  a2 b2 c2  a3 b3 c3  a4  0  0
    t = 3    a3  b3  c3
    t = 4    a4   0   0

A shift by s in time is an offset of s B numbers in memory, the same for all sequences: here a1, b1, c1 lie 3 numbers behind
a0, b0, c0. So the tokens of a window, for the whole chunk, are shifted views of one array, and inner loops run over all
tokens of the chunk (see series_convolution.py).

Reductions over rows add integers in the type in which they are given, the narrowest that holds them, so that the least memory
is moved. As many rows are added in that type as cannot overflow it; sums of these sums are added in float64:

    uint8    comparisons (0 or 1): 255 rows; counts up to c: 255 // c rows
    int16    scores of series on the coarse grid, below 2^15: only their maximum is taken, never their sum
    int32    scores of series on the fine grid, below 2^31: likewise; scores of sets, at most 2^24: 127 rows
    float64  everything beyond, exact below 2^53

All numbers are integers, so no result depends on the order of additions, or on which sequences share a chunk.
"""

import math
from typing import NamedTuple

import numpy as np

from sklearn_hardmax.sequences.segments import sequence_of_each_token

HEAD_CHUNK_TOKENS = 2**17  # tokens of a chunk, about: places L B that a chunk of several sequences has at most
_SIMILAR = 0.8  # ratio of lengths: a chunk ends before a sequence shorter than this part of its longest
_FEW_TOKENS = 2**12  # tokens: a chunk with fewer than these accepts shorter sequences too
_LARGEST = {np.dtype(name): int(np.iinfo(name).max) for name in ("u1", "i2", "i4", "i8")}
_MANY = 4  # spans of rows: up to so many are added one after another, more in one call
_LONG = 512  # numbers in a row of a reduction, about, from which the overhead per row is small
_TILE = 2**14  # scores of a tile, about, that are compared with all biases before those of the next tile


class BufferPool:
    """Reusable memory for temporary arrays: allocating fresh arrays of this size costs more than the work on them."""

    def __init__(self):
        self._held = {}

    def __call__(self, name, shape, dtype):
        """An uninitialised array of this shape, valid until an array of the same name is requested again."""
        dtype = np.dtype(dtype)
        size = math.prod(shape) * dtype.itemsize
        held = self._held.get(name)
        if held is None or len(held) < size:
            held = self._held[name] = np.empty(size, np.uint8)
        return held[:size].view(dtype).reshape(shape)


class Chunk(NamedTuple):
    """Sequences that are pooled together, the columns of an array of L rows (time) and B columns.

    Attributes
    ----------
    indices : ndarray of int, shape (B,)
        Which sequence each column holds, the longest first.
    lengths : ndarray of int, shape (B,)
        Numbers of tokens, descending.
    """

    indices: np.ndarray
    lengths: np.ndarray

    @property
    def n_rows(self):
        """L, the longest length."""
        return int(self.lengths[0])

    @property
    def shape(self):
        """(L, B)."""
        return self.n_rows, len(self.indices)

    @property
    def is_ragged(self):
        """Whether some sequence ends before the longest."""
        return bool(self.lengths[-1] != self.lengths[0])

    def is_token(self):
        """(L, B) bool: which places hold a token."""
        return np.arange(self.n_rows)[:, None] < self.lengths

    def limit(self, dtype):
        """Upper limits that hide the places without a token: (L B,) integers, or None if every place holds a token.

        The minimum of scores and limits leaves the score of a token as it is. Elsewhere it is the smallest integer of the
        dtype, which exceeds no bias and is no maximum.
        """
        if not self.is_ragged:
            return None
        ends = np.iinfo(dtype)
        return np.where(self.is_token(), ends.max, ends.min).astype(dtype).ravel()

    def places(self):
        """Place t B + column of every token in the flattened chunk, sequence after sequence; (n_tokens,) int64."""
        starts = np.cumsum(self.lengths) - self.lengths
        column = sequence_of_each_token(self.lengths)
        time = np.arange(len(column)) - np.repeat(starts, self.lengths)
        return time * len(self.indices) + column

    def relative_positions(self):
        """(L, B) float64: t / (n - 1) for token t of n, 0 for n = 1; 0 behind the end."""
        position = np.arange(self.n_rows)[:, None] / np.maximum(self.lengths - 1, 1)
        return np.where(self.is_token(), position, 0.0)


def chunks_by_length(lengths, most_sequences, n_tokens=HEAD_CHUNK_TOKENS):
    """Yield chunks that together hold every sequence once, from the longest to the shortest.

    A chunk has at least one sequence, at most most_sequences, and beyond the first at most n_tokens places.
    """
    order = np.argsort(-lengths, kind="stable")
    sorted_lengths = lengths[order]
    first = 0
    while first < len(order):
        longest = int(sorted_lengths[first])
        # as many sequences as memory allows
        stop = first + max(1, min(most_sequences, n_tokens // longest))
        # those of similar length, so that few places hold no token; but more of them while the chunk is small
        similar = int(np.searchsorted(-sorted_lengths, -_SIMILAR * longest, side="right"))
        stop = min(stop, max(similar, first + 1 + _FEW_TOKENS // longest))
        yield Chunk(order[first:stop], sorted_lengths[first:stop])
        first = stop


def counts_above(scores, biases, shape, scratch, out):
    """Count the tokens of each sequence whose score exceeds a bias.

    Parameters
    ----------
    scores : ndarray of int, shape (m, L B)
    biases : ndarray of int, shape (m, q)
        Each row of scores is compared with q biases.
    shape : (L, B)
    scratch : BufferPool
    out : ndarray of float64, shape (m, q, B)
        Receives the counts.
    """
    length, width = shape
    # A tile is a number of whole rows. At most 255 tiles, so that a count over tiles fits into uint8. In a chunk with fewer
    # rows than tiles, the tiles are empty and the remainder below is everything.
    n_tiles = min(_LARGEST[np.dtype(np.uint8)], max(1, length * width // _TILE))
    n_tiled = length // n_tiles * n_tiles * width
    by_place = _counts_by_place(scores[:, :n_tiled], biases, n_tiles, scratch)
    sums_over_rows(by_place.reshape(*biases.shape, -1, width), n_tiles, out)
    # fewer rows than there are tiles remain
    if n_tiled < length * width:
        above = np.greater(scores[:, None, n_tiled:], biases[:, :, None]).view(np.uint8)
        counts = np.empty_like(out)
        sums_over_rows(above.reshape(*biases.shape, -1, width), 1, counts)
        out += counts


def _counts_by_place(scores, biases, n_tiles, scratch):
    """In how many of n_tiles tiles each place has a score above each bias: (m, q * size of a tile) uint8.

    Comparing writes one byte per score and bias. Adding whole tiles of these bytes takes long contiguous additions of 8 bits
    and leaves the rows of a single tile for the sum over rows. With two tiles of two rows each, and B = 3:

        tile 0   t = 0    1 0 1                            tile 0 + tile 1   t = 0 or 2    1 1 2
                 t = 1    0 0 1                                              t = 1 or 3    1 0 1
        tile 1   t = 2    0 1 1
                 t = 3    1 0 0
    """
    m, q = biases.shape
    size = scores.shape[1] // n_tiles
    # a tile of scores stays in the first cache while all biases are compared with it
    tiles = scores.reshape(m, n_tiles, 1, size)
    above = np.greater(tiles, biases[:, None, :, None], out=scratch("above", (m, n_tiles, q, size), bool))
    # True and False are the bytes 1 and 0
    ones = above.view(np.uint8).reshape(m, n_tiles, q * size)
    return np.add.reduce(ones, axis=1, dtype=np.uint8) if n_tiles > 1 else ones


def sums_over_rows(values, largest, out, less=0.0):
    """Sum integers over the rows of a chunk, exactly.

    Parameters
    ----------
    values : ndarray of int, shape (..., L, B)
    largest : int
        Bound on the moduli of the integers.
    out : ndarray of float64, shape (..., B)
        Receives the sums, minus `less`.
    less : float or ndarray of shape (..., 1)
    """
    # a span of so many rows cannot overflow the dtype of the values
    span = max(1, int(_LARGEST[values.dtype] // largest))
    *outer, length, width = values.shape
    n_spans = length // span
    if n_spans > _MANY:
        # long sequences: sum within every span in the narrow dtype, then over all spans in float64
        spans = values[..., : n_spans * span, :].reshape(*outer, n_spans, span, width)
        np.add.reduce(_over_rows(np.add, spans), axis=-2, dtype=np.float64, out=out)
        out -= less
        done = n_spans * span
    else:
        np.subtract(_over_rows(np.add, values[..., :span, :]), less, out=out)
        done = span
    # the other spans, of which the last may be shorter
    for first in range(done, length, span):
        out += _over_rows(np.add, values[..., first : first + span, :])


def maxima_over_rows(values, out):
    """Largest of integers (..., L, B) over their rows into out (..., B) float64."""
    out[:] = _over_rows(np.maximum, values)


def _over_rows(operation, values):
    """Reduce values (..., L, B) over rows in their own dtype, (..., B).

    NumPy reduces row by row. Short rows are therefore taken several at a time, as one long row, and the long row that results
    is reduced in turn. With two rows at a time, B = 3, and L = 5:

        t = 0, 1    a0 b0 c0 a1 b1 c1
        t = 2, 3    a2 b2 c2 a3 b3 c3
                    -----------------    added: a0+a2 b0+b2 c0+c2 a1+a3 b1+b3 c1+c3, which is a chunk of two rows
        t = 4       a4 b4 c4             the remainder, reduced by itself and added last
    """
    *outer, length, width = values.shape
    # at least eight long rows; a chunk of one column is contiguous along time, and reduced as it is
    together = 1 if width == 1 else max(1, min(length // 8, _LONG // width))
    if together == 1:
        return operation.reduce(values, axis=-2, dtype=values.dtype)
    whole = length - length % together
    long_rows = values[..., :whole, :].reshape(*outer, whole // together, together * width)
    long_row = operation.reduce(long_rows, axis=-2, dtype=values.dtype)
    total = _over_rows(operation, long_row.reshape(*outer, together, width))
    if whole < length:
        total = operation(total, _over_rows(operation, values[..., whole:, :]), dtype=values.dtype)
    return total
