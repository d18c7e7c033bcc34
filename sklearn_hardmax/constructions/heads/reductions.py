"""Sequences side by side, and their tokens reduced in long strides.

Sequences of similar length form a *chunk* of L rows and B columns: row t holds token t of every sequence, zeros behind the
end of the shorter ones. Flattened, a step by t in time is an offset of t B numbers, so that windows need no copy, and
inner loops run over all tokens of the chunk. Reductions over the rows take several rows together, so that additions are
long, in the narrowest integers that cannot overflow. All numbers are integers, so that no result depends on which sequences
share a chunk.
"""

import math
from typing import NamedTuple

import numpy as np

HEAD_CHUNK_TOKENS = 2**17
_SIMILAR = 0.8  # a chunk ends before a sequence shorter than this part of its longest
_FEW_TOKENS = 2**12  # but not while it has fewer tokens than that
_LARGEST = {np.dtype(name): int(np.iinfo(name).max) for name in ("u1", "i2", "i4", "i8")}
_MANY = 4  # spans of rows that are added one after another
_LONG = 512  # numbers in a long addition
_TILE = 2**14  # scores that are compared with all biases before the next


class BufferPool:
    """Memory that is used again and again: fresh arrays of this size cost more than the work on them."""

    def __init__(self):
        self._held = {}

    def __call__(self, name, shape, dtype):
        """An array of this shape, whatever stands in it; it holds until the same name is asked for again."""
        dtype = np.dtype(dtype)
        size = math.prod(shape) * dtype.itemsize
        held = self._held.get(name)
        if held is None or len(held) < size:
            held = self._held[name] = np.empty(size, np.uint8)
        return held[:size].view(dtype).reshape(shape)


class Chunk(NamedTuple):
    """Sequences that are read together: their indices (B,), longest first, and their lengths (B,)."""

    rows: np.ndarray
    lengths: np.ndarray

    @property
    def n_rows(self):
        """L, the longest length."""
        return int(self.lengths[0])

    @property
    def shape(self):
        """(L, B)."""
        return self.n_rows, len(self.rows)

    @property
    def is_ragged(self):
        """Whether some sequence ends before the longest."""
        return bool(self.lengths[-1] != self.lengths[0])

    def is_token(self):
        """(L, B) bool: which places hold a token."""
        return np.arange(self.n_rows)[:, None] < self.lengths

    def limit(self, dtype):
        """(L B,) largest integer of the dtype where a token is, its smallest elsewhere; None if tokens are everywhere."""
        ends = np.iinfo(dtype)
        return np.where(self.is_token(), ends.max, ends.min).astype(dtype).ravel() if self.is_ragged else None

    def places(self):
        """Place in the flattened chunk of every token, sequence after sequence; (n_tokens,) int64."""
        starts = np.cumsum(self.lengths) - self.lengths
        column = np.repeat(np.arange(len(self.rows)), self.lengths)
        return (np.arange(len(column)) - np.repeat(starts, self.lengths)) * len(self.rows) + column

    def relative_positions(self):
        """(L, B) float64: t / (n - 1) for token t of n, 0 for n = 1; 0 behind the end."""
        position = np.arange(self.n_rows)[:, None] / np.maximum(self.lengths - 1, 1)
        return np.where(self.is_token(), position, 0.0)


def chunks_by_length(lengths, most_sequences, n_tokens=HEAD_CHUNK_TOKENS):
    """Chunks of about n_tokens tokens (one sequence at least), each of at most most_sequences; all sequences."""
    order = np.argsort(-lengths, kind="stable")
    sorted_lengths, first = lengths[order], 0
    while first < len(order):
        longest = int(sorted_lengths[first])
        stop = first + max(1, min(most_sequences, n_tokens // longest))
        similar = int(np.searchsorted(-sorted_lengths, -_SIMILAR * longest, side="right"))
        stop = min(stop, max(similar, first + 1 + _FEW_TOKENS // longest))
        yield Chunk(order[first:stop], sorted_lengths[first:stop])
        first = stop


def counts_above(scores, biases, shape, scratch, out):
    """How many tokens of each sequence score above each bias: scores (m, L B), biases (m, q), out (m, q, B) float64."""
    (m, q), (length, width) = biases.shape, shape
    n_tiles = min(_LARGEST[np.dtype(np.uint8)], max(1, length * width // _TILE))
    tile = length // n_tiles * width
    whole = n_tiles * tile
    # a tile of scores stays in the first cache while all biases are compared with it
    tiles = scores[:, :whole].reshape(m, n_tiles, 1, tile)
    above = np.greater(tiles, biases[:, None, :, None], out=scratch("above", (m, n_tiles, q, tile), bool))
    strips = above.view(np.uint8).reshape(m, n_tiles, q * tile)
    strips = np.add.reduce(strips, axis=1, dtype=np.uint8) if n_tiles > 1 else strips
    sums_over_rows(strips.reshape(m, q, -1, width), n_tiles, out)
    if whole < length * width:
        rest = np.greater(scores[:, None, whole:], biases[:, :, None]).view(np.uint8)
        rest_counts = np.empty_like(out)
        sums_over_rows(rest.reshape(m, q, -1, width), 1, rest_counts)
        out += rest_counts


def sums_over_rows(values, largest, out, less=0.0):
    """Sums of integers (..., L, B) over their rows, less `less`, into out (..., B) float64.

    largest : bound on the moduli of the integers; less : number or (..., 1) array.
    """
    most = max(1, int(_LARGEST[values.dtype] // largest))  # rows that cannot overflow
    *outer, length, width = values.shape
    n_whole = length // most
    if n_whole > _MANY:  # long sequences: spans of `most` rows side by side
        spans = values[..., : n_whole * most, :].reshape(*outer, n_whole, most, width)
        np.add.reduce(_over_rows(np.add, spans), axis=-2, dtype=np.float64, out=out)
        out -= less
        done = n_whole * most
    else:
        np.subtract(_over_rows(np.add, values[..., :most, :]), less, out=out)
        done = most
    for first in range(done, length, most):
        out += _over_rows(np.add, values[..., first : first + most, :])


def maxima_over_rows(values, out):
    """Largest of integers (..., L, B) over their rows into out (..., B) float64."""
    out[:] = _over_rows(np.maximum, values)


def _over_rows(operation, values):
    """values (..., L, B) reduced over rows in their own dtype, (..., B): first in strides of several rows, then the rest."""
    *outer, length, width = values.shape
    together = 1 if width == 1 else max(1, min(length // 8, _LONG // width))
    if together == 1:
        return operation.reduce(values, axis=-2, dtype=values.dtype)
    whole = length - length % together
    strips = values[..., :whole, :].reshape(*outer, whole // together, together * width)
    strip = operation.reduce(strips, axis=-2, dtype=values.dtype).reshape(*outer, together, width)
    total = _over_rows(operation, strip)
    if whole < length:
        total = operation(total, _over_rows(operation, values[..., whole:, :]), dtype=values.dtype)
    return total
