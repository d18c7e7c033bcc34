"""Scores of kernels with nine weights on all tokens of a chunk of series, by additions of shifted views of integers.

A *tap* is one of the nine tokens that a kernel weights: those at times t - 4 d, ..., t - d, t, t + d, ..., t + 4 d, where d
is the dilation. Three taps a, b, c have weight 2 and six have weight -1, so the score of token t is

    S_t = 3 (x_a + x_b + x_c) - (sum of x at all nine taps)

where x is a signed sum of features as an integer (see series.py), and 0 beyond the ends of a sequence.

A chunk has L rows (time) and B columns (sequences), see reductions.py. Here x is laid out as one line of L B integers between
two margins of zeros, the halo. With B = 3 sequences:

    0 0 0 ... 0 | a0 b0 c0  a1 b1 c1  a2 b2 c2  ...  | 0 ... 0 0 0
     4 d B zeros                L B integers            4 d B zeros

The tap at time t + s, for all t and all sequences at once, is this line from s B numbers further on. Nine taps are
therefore nine views of one array, each L B long and d B numbers behind the one before, and need no copy. Where a view runs
over the first or the last row it meets the halo, and where it runs over the end of a shorter sequence it meets the zeros that
fill its column; both are the zeros that the definition wants.

In a chunk of few tokens the number of calls costs most, so each call computes the kernels of many groups, whose taps are
gathered into one array. In a chunk of many tokens additions cost most, so kernels come one by one, and consecutive kernels
share the sum of two taps. The integers are the same either way.
"""

from itertools import combinations

import numpy as np
from numpy.lib.stride_tricks import as_strided

from sklearn_hardmax.encoding import window_shifts
from sklearn_hardmax.sequences.segments import changes

N_TAPS = 9
TRIPLES = np.array(list(combinations(range(N_TAPS), 3)))  # (84, 3): the taps of weight 2 of each kernel, in order
BLOCK_COMPARISONS = 2**20  # comparisons (score with bias) that are held at once, one byte each
FEW_TOKENS = 2**13  # tokens, as places L B of a chunk: up to so many, the taps of several groups are gathered
_POSITIONS = 255  # steps of the grid of positions: 0 is the first token of a sequence, 255 the last


def positions(relative):
    """Relative positions, from 0 to 1, as integers from 0 to 255 in float64."""
    return np.rint(_POSITIONS * relative)


class FixedPointGrid:
    """The integers that stand for the tokens of a chunk: how wide they are, and where there is none.

    Parameters
    ----------
    refinement : 1 or 2**16
        The coarse grid (int16) or the fine one (int32).
    chunk : Chunk

    Attributes
    ----------
    shape : (L, B)
    dtype : dtype
        int16 or int32.
    position : ndarray of dtype, shape (L B,)
        Position of every token, 0 to 255 times the refinement, which tilts multiply.
    limit : ndarray of dtype, shape (L B,), or None
        Hides the places without a token, see `Chunk.limit`.
    """

    def __init__(self, refinement, chunk):
        self.refinement = refinement
        self.shape = chunk.shape
        self.dtype = np.dtype(np.int16 if refinement == 1 else np.int32)
        self.position = (positions(chunk.relative_positions().ravel()) * refinement).astype(self.dtype)
        self.limit = chunk.limit(self.dtype)


class DilatedConvolution:
    """The inputs of some groups of kernels on a chunk, and the scores of these kernels.

    A group is a set of kernels with the same signed sum and dilation.

    Parameters
    ----------
    heads : SeriesHeads
    groups : slice
        Consecutive groups of one refinement, whose dilations ascend; a single group if the chunk has more than FEW_TOKENS
        tokens.
    z : ndarray of shape (token_dim, L B)
        Standardised tokens of the chunk, 0 where there is none.
    grid : FixedPointGrid
        Of the same refinement.
    scratch : BufferPool
        Holds all arrays, so only the latest convolution of a pool is valid.
    """

    def __init__(self, heads, groups, z, grid, scratch):
        self.grid = grid
        self.scratch = scratch
        self.size = z.shape[1]
        dilations = heads.dilations[groups]
        # the last dilation is the largest, and the halo is as wide as its first tap reaches back
        self._halo = int(-window_shifts(N_TAPS, dilations[-1])[0]) * grid.shape[1]
        lines = self._lines(heads.signed_sums(z, heads.channels[groups], grid.refinement))
        # three times every line is computed once, not once per kernel
        tripled = np.multiply(lines, 3, out=scratch("tripled", lines.shape, grid.dtype))
        self._minus_sums = scratch("minus sums", (len(lines), self.size), grid.dtype)
        self._gathered = None
        if self.size <= FEW_TOKENS:
            self._gathered = scratch("taps", (len(lines), N_TAPS, self.size), grid.dtype)
        for first, last, dilation in _runs(dilations):
            # All kernels of a group share this sum, at most 9 * 1365 in modulus. Each addition of a tripled tap turns a
            # weight from -1 into 2, so partial sums are at most 12 * 1365 = 16380: int16 cannot overflow, nor can int32 on
            # the fine grid, where all these numbers are 2^16 times larger.
            minus_sums = self._minus_sums[first:last]
            np.add.reduce(self._taps(lines[first:last], dilation), axis=1, out=minus_sums, dtype=grid.dtype)
            np.negative(minus_sums, out=minus_sums)
            # views, which serve as they are where there is a single group
            self._tripled_taps = self._taps(tripled[first:last], dilation)
            if self._gathered is not None:
                self._gathered[first:last] = self._tripled_taps
        # the two taps whose sum is in the buffer "pair", see _one_by_one
        self._pair = None

    def _lines(self, signed_sums):
        """The integers (groups, L B) between margins of zeros, (groups, halo + L B + halo)."""
        n_groups, size = signed_sums.shape
        halo = self._halo
        lines = self.scratch("lines", (n_groups, size + 2 * halo), self.grid.dtype)
        lines[:, :halo] = 0
        lines[:, halo + size :] = 0
        lines[:, halo : halo + size] = signed_sums
        return lines

    def _taps(self, lines, dilation):
        """The nine shifted views of each line, (groups, 9, L B), without a copy."""
        # one dilation in time is so many numbers in memory
        step = dilation * self.grid.shape[1]
        # the first tap lies 4 steps before the token, each other tap a step behind the one before
        first_tap = lines[:, self._halo - N_TAPS // 2 * step :]
        strides = lines.strides[0], step * lines.itemsize, lines.itemsize
        return as_strided(first_tap, (len(lines), N_TAPS, self.size), strides, writeable=False)

    def scores(self, kernels, copies, limited=True):
        """Yield scores of kernels in blocks of bounded size.

        Parameters
        ----------
        kernels : ndarray of int, shape (groups, k)
            Indices into TRIPLES.
        copies : int
            Numbers that the caller holds per score; a block has at most about BLOCK_COMPARISONS of them.
        limited : bool
            Whether places without a token get the smallest integer.

        Yields
        ------
        slice
            Of the k kernels.
        ndarray of shape (groups, kernels of the slice, L B)
            Their scores, valid until the next block.
        """
        step = max(1, BLOCK_COMPARISONS // (copies * self.size * len(kernels)))
        for k in range(0, kernels.shape[1], step):
            block = kernels[:, k : k + step]
            out = self.scratch("scores", (*block.shape, self.size), self._minus_sums.dtype)
            if self._gathered is None:
                self._one_by_one(block[0], out[0])
            else:
                self._together(block, out)
            if limited and self.grid.limit is not None:
                np.minimum(out, self.grid.limit, out=out)
            yield slice(k, k + block.shape[1]), out

    def _one_by_one(self, kernels, out):
        """Scores of the kernels of one group, (k, L B).

        Kernels of a group ascend and TRIPLES are in lexicographic order, so consecutive kernels often share their first two
        taps: the sum of these is kept while it serves.
        """
        minus_sum = self._minus_sums[0]
        tripled = self._tripled_taps[0]
        pair_sum = self.scratch("pair", (self.size,), out.dtype)
        for row, (a, b, c) in zip(out, TRIPLES[kernels].tolist()):
            if self._pair != (a, b):
                self._pair = a, b
                np.add(minus_sum, tripled[a], out=pair_sum)
                np.add(pair_sum, tripled[b], out=pair_sum)
            np.add(pair_sum, tripled[c], out=row)

    def _together(self, kernels, out):
        """Scores of the kernels of several groups, (groups, k, L B), three additions for all of them."""
        group = np.arange(len(kernels))[:, None]
        a, b, c = np.moveaxis(TRIPLES[kernels], 2, 0)
        np.add(self._gathered[group, a], self._minus_sums[:, None], out=out)
        out += self._gathered[group, b]
        out += self._gathered[group, c]


def _runs(values):
    """First and last (exclusive) place of every run of equal values, and the value."""
    starts = np.append(0, changes(values) + 1)
    ends = np.append(starts[1:], len(values))
    return zip(starts.tolist(), ends.tolist(), values[starts].tolist())
