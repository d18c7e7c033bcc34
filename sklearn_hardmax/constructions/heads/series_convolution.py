"""Scores of kernels on all tokens of a chunk, by shifted additions of integers.

A virtual channel of a chunk of L rows and B columns is one line of L B integers between zeros, so that a tap at time t + s is
the line shifted by s B: nine views, and no windows. Three times the sum of three taps less the sum of all nine is a score.
Where a chunk has few tokens, the taps of many groups are gathered and all their kernels are added together, since then the
number of calls counts; else kernels come one by one, and share the sums of two taps. The integers are the same.
"""

from itertools import combinations

import numpy as np
from numpy.lib.stride_tricks import as_strided

from sklearn_hardmax.encoding import window_shifts

N_TAPS = 9
TRIPLES = np.array(list(combinations(range(N_TAPS), 3)))
BLOCK_COMPARISONS = 2**20  # comparisons that are held together
FEW_TOKENS = 2**13  # in a chunk: groups together, taps are gathered
_POSITIONS = 255


def positions(relative):
    """Integers of relative positions, 0 to 255."""
    return np.rint(_POSITIONS * relative)


class FixedPointGrid:
    """The integers of a chunk: their dtype, where tokens are, and what tilts multiply."""

    def __init__(self, refinement, chunk):
        self.refinement, self.shape = refinement, chunk.shape
        self.dtype = np.dtype(np.int16 if refinement == 1 else np.int32)
        self.position = (positions(chunk.relative_positions().ravel()) * refinement).astype(self.dtype)
        self.limit = chunk.limit(self.dtype)


class DilatedConvolution:
    """Virtual channels of a chunk between zeros, for some groups, and the scores of their kernels."""

    def __init__(self, heads, groups, z, grid, scratch):
        self.grid, self.scratch, self.size = grid, scratch, z.shape[1]
        dilations, channels = heads.dilations[groups], heads.channels[groups]
        halo = int(-window_shifts(N_TAPS, dilations[-1])[0]) * grid.shape[1]
        once = scratch("once", (len(channels), self.size + 2 * halo), grid.dtype)
        once[:, :halo] = once[:, halo + self.size :] = 0
        once[:, halo : halo + self.size] = heads.virtual(z, channels, grid.refinement)
        thrice = np.multiply(once, 3, out=scratch("thrice", once.shape, grid.dtype))
        self.rest = scratch("rest", (len(channels), self.size), grid.dtype)
        self.gathered = None
        if self.size <= FEW_TOKENS:
            self.gathered = scratch("taps", (len(channels), N_TAPS, self.size), grid.dtype)
        for first, last, dilation in _runs(dilations):
            step = dilation * grid.shape[1]
            shifted = self._shifted(once[first:last], halo, step)
            self.x3 = self._shifted(thrice[first:last], halo, step)
            np.negative(
                np.add.reduce(shifted, axis=1, out=self.rest[first:last], dtype=grid.dtype), out=self.rest[first:last]
            )
            if self.gathered is not None:
                self.gathered[first:last] = self.x3
        self.pair = None  # taps whose sum with the rest is at hand

    def _shifted(self, rows, halo, step):
        """The nine shifted views of each row, (groups, 9, L B)."""
        strides = rows.strides[0], step * rows.itemsize, rows.itemsize
        return as_strided(
            rows[:, halo - N_TAPS // 2 * step :], (len(rows), N_TAPS, self.size), strides, writeable=False
        )

    def scores(self, kernels, copies, limited=True):
        """Yield slices of kernels (groups, k) and their scores (groups, k, L B), `copies` times within a block."""
        step = max(1, BLOCK_COMPARISONS // (copies * self.size * len(kernels)))
        for k in range(0, kernels.shape[1], step):
            some = kernels[:, k : k + step]
            out = self.scratch("scores", (*some.shape, self.size), self.rest.dtype)
            if self.gathered is None:
                self._one_by_one(some[0], out[0])
            else:
                self._together(some, out)
            if limited and self.grid.limit is not None:
                np.minimum(out, self.grid.limit, out=out)
            yield slice(k, k + some.shape[1]), out

    def _one_by_one(self, kernels, out):
        """Scores of the kernels of one group; sums of two taps are kept while kernels share them."""
        sums = self.scratch("pair", (self.size,), out.dtype)
        for row, (a, b, c) in zip(out, TRIPLES[kernels].tolist()):
            if self.pair != (a, b):
                self.pair = a, b
                np.add(self.rest[0], self.x3[0][a], out=sums)
                np.add(sums, self.x3[0][b], out=sums)
            np.add(sums, self.x3[0][c], out=row)

    def _together(self, kernels, out):
        """Scores of the kernels of several groups."""
        taps, group = self.gathered, np.arange(len(kernels))[:, None]
        a, b, c = np.moveaxis(TRIPLES[kernels], 2, 0)
        np.add(taps[group, a], self.rest[:, None], out=out)
        out += taps[group, b]
        out += taps[group, c]


def _runs(values):
    """First and last (exclusive) place of every run of equal values, and the value."""
    cuts = np.flatnonzero(np.diff(values)) + 1
    first = np.append(0, cuts)
    return zip(first.tolist(), np.append(cuts, len(values)).tolist(), values[first].tolist())
