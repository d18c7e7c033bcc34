"""Sequences side by side, and their tokens reduced by halving.

Sequences of similar length form a *chunk* of L rows and B columns: row t holds token t of every sequence, zeros behind the
end of the shorter ones. Flattened, a step by t in time is an offset of t B numbers, so that windows need no copy, and
inner loops run over all tokens of the chunk. Reductions over the rows add the lower half to the upper half, again and
again: long contiguous additions in the narrowest integers that cannot overflow. All numbers are integers, so that no
result depends on which sequences share a chunk.
"""

import math
from typing import NamedTuple

import numpy as np

CHUNK_TOKENS = 2**15
_SIMILAR = 0.8  # a chunk ends before a sequence shorter than this part of its longest
_FEW_TOKENS = 2**12  # but not while it has fewer tokens than that
_WIDER = {np.dtype(a): np.dtype(b) for a, b in (("u1", "u2"), ("u2", "u4"), ("i2", "i4"), ("u4", "u8"), ("i4", "i8"))}

_LARGEST = {dtype: int(np.iinfo(dtype).max) for pair in _WIDER.items() for dtype in pair}


class Scratch:
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

    def places(self):
        """Place in the flattened chunk of every token, sequence after sequence; (n_tokens,) int64."""
        starts = np.cumsum(self.lengths) - self.lengths
        column = np.repeat(np.arange(len(self.rows)), self.lengths)
        return (np.arange(len(column)) - np.repeat(starts, self.lengths)) * len(self.rows) + column

    def relative_positions(self):
        """(L, B) float64: t / (n - 1) for token t of n, 0 for n = 1; 0 behind the end."""
        position = np.arange(self.n_rows)[:, None] / np.maximum(self.lengths - 1, 1)
        return np.where(self.is_token(), position, 0.0)


def chunks_by_length(lengths, most_sequences):
    """Chunks of about CHUNK_TOKENS tokens (one sequence at least), each of at most most_sequences; all sequences."""
    order = np.argsort(-lengths, kind="stable")
    sorted_lengths, first = lengths[order], 0
    while first < len(order):
        longest = int(sorted_lengths[first])
        stop = first + max(1, min(most_sequences, CHUNK_TOKENS // longest))
        similar = int(np.searchsorted(-sorted_lengths, -_SIMILAR * longest, side="right"))
        stop = min(stop, max(similar, first + 1 + _FEW_TOKENS // longest))
        yield Chunk(order[first:stop], sorted_lengths[first:stop])
        first = stop


def folded(values, largest, n_rows=1):
    """Sums over axis -2 by halving, until at most n_rows rows are left.

    values : integers (..., L, B), overwritten; largest : bound on their moduli. Returns the values, wider where they must
    be, and the new bound.
    """
    while values.shape[-2] > n_rows:
        length = values.shape[-2]
        half = (length + 1) // 2
        upper, lower = values[..., : length - half, :], values[..., half:, :]
        largest *= 2
        if largest > _LARGEST[values.dtype]:
            values = values[..., :half, :].astype(_WIDER[values.dtype])
            upper = values[..., : length - half, :]
        np.add(upper, lower, out=upper)
        values = values[..., :half, :]
    return values, largest


def halved_maximum(values, n_rows=1):
    """Largest values over axis -2 by halving, until at most n_rows rows are left; `values` is overwritten."""
    while values.shape[-2] > n_rows:
        length = values.shape[-2]
        half = (length + 1) // 2
        upper = values[..., : length - half, :]
        np.maximum(upper, values[..., half:, :], out=upper)
        values = values[..., :half, :]
    return values
