"""Heads of ordered sequences: kernels of nine taps on dilated windows, in fixed point.

A *virtual channel* is a sum of a few features with signs; it is rounded to the integers of [-1365, 1365]. Kernels are the 84
of MiniRocket (Dempster, Schmidt, Webb, KDD 2021): nine taps, three of weight 2, six of weight -1, at a dilation; so S = 3
(x_a + x_b + x_c) - (sum of the nine), |S| <= 12 * 1365 = 16380, with zeros beyond the ends of a sequence. A *tilted* kernel
adds tilt * rint(255 t / (n - 1)), |tilt| <= 64, which tells when (half of the tilts are 0): |S| <= 16380 + 16320 < 2^15, so
nothing overflows int16. Where the scores of a group of kernels hardly move on that grid (amplitudes that differ by orders of
magnitude, small quick changes beside large slow ones), its constants are 2^16 times larger, and its integers have 32 bits.

Plain kernels give shares, tilted ones the maximum. Biases stand midway between neighbouring scores of 1,024 training tokens
at quantiles of a low-discrepancy sequence.

Kernels come in *groups* of one virtual channel at one dilation, all of one size, ordered by dilation. With one feature there
is one virtual channel, and a group a dilation; with more, many groups of few kernels.
"""

from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.lib.stride_tricks import as_strided
from scipy.sparse import csr_array

from sklearn_hardmax.constructions.folds import counts_above, maxima_over_rows
from sklearn_hardmax.constructions.heads import MAX, SHARE, PooledHeads, Standardisation, mid_gaps, unique_names
from sklearn_hardmax.encoding import relative_positions, window_shifts, windows

N_TAPS = 9
TRIPLES = np.array(list(combinations(range(N_TAPS), 3)))
_LEVELS = 1365
_POSITIONS = 255
_SMALLEST_TILT, _LARGEST_TILT = 8, 64
_WIDE = 2**16  # times finer, where 16 bits are too few
_FEW_STEPS = 16  # interquartile range of scores, in steps, below which they are
_FINE = 2.0**32  # grid points for a unit of a standardised feature: sums of nine are exact in float64
_DILATIONS = 12
_TILTED_SHARE = 0.06  # of the heads
_KERNELS_A_CHANNEL = 8  # of more than one feature
_BIASES_A_KERNEL = 4  # there
_SAMPLE = 1024  # tokens that biases are taken from
_MOST_FEATURES = 9  # in one virtual channel
_BLOCK = 2**20  # comparisons that are held together
_FEW_TOKENS = 2**13  # in a chunk: groups together, taps are gathered


@dataclass(frozen=True)
class SeriesHeads(PooledHeads):
    """Heads of ordered sequences, G groups.

    signs : (V, token_dim) int8, the virtual channels; levels : (V,) grid points for a unit of each; refinement : (G,) of 1
    (16 bits) or 2^16 (32 bits), ascending; dilations : (G,), ascending where the refinement is equal; channels : (G,);
    plain : (G, k) kernels that give shares, biases : (G, k, q); tilted : (G, t) kernels that give maxima, tilts : (G, t).
    """

    standardisation: Standardisation
    signs: np.ndarray
    levels: np.ndarray
    refinement: np.ndarray
    dilations: np.ndarray
    channels: np.ndarray
    plain: np.ndarray
    biases: np.ndarray
    tilted: np.ndarray
    tilts: np.ndarray
    n_heads: int

    scale_floor = 2.0  # measured by leave-one-out: shares of rare events carry little

    @property
    def unit(self):
        """Of the scores of every head in features, (n_heads,)."""
        _, k, q, t = self._shape
        return np.repeat(2.0**14 * self.refinement, k * q + t)[: self.n_heads]

    @property
    def largest_score(self):
        """Bound on the moduli of scores."""
        return 2**15 * int(self.refinement[-1])

    @property
    def _shape(self):
        """Groups, plain kernels, biases and tilted kernels of each."""
        return *self.biases.shape, self.tilted.shape[1]

    @property
    def n_columns(self):
        """Heads that are evaluated."""
        n_groups, k, q, t = self._shape
        return n_groups * (k * q + t)

    @property
    def kinds(self):
        """MAX, SHARE or MEAN of every head, (n_heads,)."""
        n_groups, k, q, t = self._shape
        return np.tile(np.repeat([SHARE, MAX], [k * q, t]), n_groups)[: self.n_heads]

    # -- evaluation --------------------------------------------------------------------------------------------------------

    def _virtual(self, z, channels, refinement):
        """Integers of virtual channels from standardised tokens (token_dim, n), (len(channels), n) float64."""
        signs = self.signs[channels]
        used = np.flatnonzero(signs.any(axis=0))
        # integers below 2^53: exact in any order, so a product may add them
        u = signs[:, used].astype(np.float64) @ np.rint(z[used] * _FINE)
        u *= (self.levels[channels] * (refinement / _FINE))[:, None]
        np.rint(u, out=u)
        return np.clip(u, -_LEVELS * refinement, _LEVELS * refinement, out=u)

    def _pool(self, chunk, z, out, scratch):
        n_groups, k, q, t = self._shape
        out = out.reshape(n_groups, k * q + t, -1)
        n_fine = int(np.searchsorted(self.refinement, _WIDE))
        step = max(1, _BLOCK // (z.shape[1] * max(1, k * q))) if z.shape[1] <= _FEW_TOKENS else 1
        for first, last, refinement in ((0, n_fine, 1), (n_fine, n_groups, _WIDE)):
            grid = _Grid(refinement, chunk) if first < last else None
            for g in range(first, last, step):
                groups = slice(g, min(last, g + step))
                taps = _Taps(self, groups, z, grid, scratch)
                if k:
                    self._pool_plain(taps, groups, out[groups, : k * q])
                if t:
                    self._pool_tilted(taps, groups, out[groups, k * q :])

    def _pool_plain(self, taps, groups, out):
        """Counts of S > b, heads in the order (group, kernel, bias)."""
        q, width = self.biases.shape[2], out.shape[-1]
        biases = self.biases[groups].astype(taps.grid.dtype)
        for kernels, scores in taps.scores(self.plain[groups], q):
            m = scores.shape[0] * scores.shape[1]
            counts = taps.scratch("counts", (m, q, width), np.float64)
            flat = scores.reshape(m, -1), biases[:, kernels].reshape(m, q)
            counts_above(*flat, taps.grid.shape, taps.scratch, counts)
            out[:, q * kernels.start : q * kernels.stop] = counts.reshape(len(scores), -1, width)

    def _pool_tilted(self, taps, groups, out):
        """Largest S + tilt * position of every kernel."""
        grid, tilts = taps.grid, self.tilts[groups].astype(taps.grid.dtype)
        for kernels, scores in taps.scores(self.tilted[groups], 2, limited=False):
            tilt = taps.scratch("tilt", scores.shape, grid.dtype)
            scores += np.multiply(tilts[:, kernels, None], grid.position, out=tilt)
            if grid.limit is not None:
                np.minimum(scores, grid.limit, out=scores)
            best = taps.scratch("best", (*scores.shape[:2], out.shape[-1]), np.float64)
            maxima_over_rows(scores.reshape(*scores.shape[:2], *grid.shape), best)
            out[:, kernels] = best

    # -- what a network reads ----------------------------------------------------------------------------------------------

    def _layout(self):
        """Distinct triples of channel, dilation and refinement (P, 3), and the triple of each group."""
        triples = np.stack([self.channels, self.dilations, self.refinement], axis=1)
        distinct, place = np.unique(triples, axis=0, return_inverse=True)
        return distinct, place.ravel()

    @property
    def n_coordinates(self):
        """Integers that a network reads of a token."""
        return N_TAPS * len(self._layout()[0]) + 1

    @property
    def coordinates(self):
        """Names of the integers that a network reads of a token."""
        names = [
            f"{self._channel_name(channel)}[{shift:+d}] at dilation {dilation}" + ("" if refinement == 1 else ", fine")
            for channel, dilation, refinement in self._layout()[0].tolist()
            for shift in window_shifts(N_TAPS, dilation).tolist()
        ]
        return [*names, "position"]

    def tokens(self, sequences):
        """The integers that a network reads of every token, (n_tokens, n_coordinates) float64."""
        windowed, _ = self._layout()
        out = np.empty((sequences.n_tokens, N_TAPS * len(windowed) + 1))
        z = self.standardisation.columns(sequences.tokens)
        for k, (channel, dilation, refinement) in enumerate(windowed.tolist()):
            virtual = self._virtual(z, [channel], refinement)[0, :, None]
            out[:, N_TAPS * k : N_TAPS * (k + 1)] = windows(virtual, sequences.offsets, N_TAPS, dilation)
        out[:, -1] = _positions(relative_positions(sequences.offsets))
        return out

    def forms(self):
        """Scores as linear forms: (n_scores, n_coordinates) CSR of integers; and for every head its score and bias."""
        n_groups, k, q, t = self._shape
        windowed, place = self._layout()
        kernels = np.concatenate([self.plain, self.tilted], axis=1)
        weights = np.full((n_groups, k + t, N_TAPS + 1), -1.0)
        np.put_along_axis(weights, TRIPLES[kernels], 2.0, axis=2)
        weights[:, :, -1] = np.concatenate([np.zeros((n_groups, k)), self.tilts * self.refinement[:, None]], axis=1)
        columns = np.empty(weights.shape, np.int64)
        columns[:, :, :-1] = N_TAPS * place[:, None, None] + np.arange(N_TAPS)
        columns[:, :, -1] = N_TAPS * len(windowed)
        n = n_groups * (k + t)
        rows = np.repeat(np.arange(n), N_TAPS + 1)
        forms = csr_array((weights.ravel(), (rows, columns.ravel())), shape=(n, N_TAPS * len(windowed) + 1))
        forms.eliminate_zeros()
        within = np.concatenate([np.repeat(np.arange(k), q), np.arange(k, k + t)])
        index = (np.arange(n_groups)[:, None] * (k + t) + within).ravel()
        biases = np.concatenate([self.biases.reshape(n_groups, -1), np.zeros((n_groups, t), np.int64)], axis=1).ravel()
        return forms, index[: self.n_heads], biases[: self.n_heads]

    def reads(self, heads):
        """Kernel and dilation (n,), and the features (n, token_dim) bool, that these heads (n,) read."""
        _, k, q, t = self._shape
        group, column = np.divmod(np.asarray(heads, dtype=np.int64), k * q + t)
        kernels = np.concatenate([np.repeat(self.plain, q, axis=1), self.tilted], axis=1)
        return kernels[group, column], self.dilations[group], self.signs[self.channels[group]] != 0

    def names(self, features=None):
        """What each head reads, unique, (n_heads,) list of str; `features` are names for the features of a token."""
        names = []
        for g, (channel, dilation) in enumerate(zip(self.channels.tolist(), self.dilations.tolist())):
            where = f"dilation {dilation}, channels {self._channel_name(channel, features)}"
            for kernel, biases in zip(self.plain[g].tolist(), self.biases[g].tolist()):
                names += [f"share of kernel {kernel}, {where}, above {bias}" for bias in biases]
            for kernel, tilt in zip(self.tilted[g].tolist(), self.tilts[g].tolist()):
                names.append(f"max of kernel {kernel}, {where}, tilt {tilt}")
        return unique_names(names[: self.n_heads])

    def _channel_name(self, channel, features=None):
        used = np.flatnonzero(self.signs[channel]).tolist()
        signs = ["-" if self.signs[channel, j] < 0 else "" for j in used]
        return " ".join(sign + (str(j) if features is None else features[j]) for sign, j in zip(signs, used))


def _positions(relative):
    return np.rint(_POSITIONS * relative)


class _Grid:
    """The integers of a chunk: their dtype, where tokens are, and what tilts multiply."""

    def __init__(self, refinement, chunk):
        self.refinement, self.shape = refinement, chunk.shape
        self.dtype = np.dtype(np.int16 if refinement == 1 else np.int32)
        self.position = (_positions(chunk.relative_positions().ravel()) * refinement).astype(self.dtype)
        ends = np.iinfo(self.dtype)
        is_token = chunk.is_token().ravel() if chunk.is_ragged else None
        self.limit = None if is_token is None else np.where(is_token, ends.max, ends.min).astype(self.dtype)


class _Taps:
    """Virtual channels of a chunk between zeros, for some groups, and the scores of their kernels."""

    def __init__(self, heads, groups, z, grid, scratch):
        self.grid, self.scratch, self.size = grid, scratch, z.shape[1]
        dilations, channels = heads.dilations[groups], heads.channels[groups]
        halo = int(-window_shifts(N_TAPS, dilations[-1])[0]) * grid.shape[1]
        once = scratch("once", (len(channels), self.size + 2 * halo), grid.dtype)
        once[:, :halo] = once[:, halo + self.size :] = 0
        once[:, halo : halo + self.size] = heads._virtual(z, channels, grid.refinement)
        thrice = np.multiply(once, 3, out=scratch("thrice", once.shape, grid.dtype))
        self.rest = scratch("rest", (len(channels), self.size), grid.dtype)
        self.gathered = None
        if self.size <= _FEW_TOKENS:
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
        step = max(1, _BLOCK // (copies * self.size * len(kernels)))
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


# -- drawing -----------------------------------------------------------------------------------------------------------


def draw_series_heads(sequences, n_heads, rng):
    """n_heads heads for the lengths and tokens of these sequences; labels are not looked at."""
    standardisation = Standardisation.fit(sequences.tokens, np.inf)
    dilations, k, q, t = _plan(sequences.lengths, sequences.token_dim, n_heads)
    n_groups = len(dilations)
    signs = _virtual_channels(sequences.token_dim, n_groups, rng)
    heads = SeriesHeads(
        standardisation,
        signs,
        levels=_levels(signs, standardisation),
        refinement=np.ones(n_groups, np.int64),
        dilations=dilations,
        channels=np.arange(n_groups) % len(signs),
        plain=np.sort(rng.uniform(size=(n_groups, len(TRIPLES))).argsort(axis=1)[:, :k], axis=1),
        biases=np.zeros((n_groups, k, q), np.int64),
        tilted=np.sort(rng.randint(len(TRIPLES), size=(n_groups, t)), axis=1),
        tilts=rng.randint(_SMALLEST_TILT, _LARGEST_TILT + 1, size=(n_groups, t))
        * rng.choice([-1, 0, 0, 1], (n_groups, t)),
        n_heads=n_heads,
    )
    sample = _Sample(sequences, standardisation, rng)
    heads, ranges = _with_biases(heads, sample)
    coarse = np.quantile(ranges, 0.1, axis=1) < _FEW_STEPS
    if coarse.any():
        heads, _ = _with_biases(replace(heads, refinement=np.where(coarse, _WIDE, 1)), sample)
    order = np.argsort(heads.refinement, kind="stable")
    by_group = ("refinement", "dilations", "channels", "plain", "biases", "tilted", "tilts")
    return replace(heads, **{name: getattr(heads, name)[order] for name in by_group})


def dilations_for(lengths):
    """At most 12 dilations, evenly spaced in the logarithm, up to an eighth of the median length; ascending."""
    largest = max(1.0, (np.median(lengths) - 1) / (N_TAPS - 1))
    return np.unique(np.geomspace(1, largest, _DILATIONS).astype(int))


def _plan(lengths, token_dim, n_heads):
    """Dilations of the groups, and plain kernels, biases of each, tilted kernels of a group; at least n_heads heads."""
    dilations = dilations_for(lengths)
    if token_dim == 1:
        dilations = dilations[:n_heads]
        share = -(-n_heads // len(dilations))
        n_tilted = round(_TILTED_SHARE * share)
        n_plain = min(len(TRIPLES), share - n_tilted)
        return dilations, n_plain, -(-(share - n_tilted) // n_plain), n_tilted
    plain, biases = _KERNELS_A_CHANNEL, _BIASES_A_KERNEL
    n_tilted = round(plain * biases * _TILTED_SHARE / (1 - _TILTED_SHARE))
    n_groups = -(-n_heads // (plain * biases + n_tilted))
    return dilations[np.arange(n_groups) * len(dilations) // n_groups], plain, biases, n_tilted


def _virtual_channels(token_dim, n_groups, rng):
    """Signs of the features that are added, (V, token_dim) int8: one channel of one feature, or one a group."""
    if token_dim == 1:
        return np.ones((1, 1), np.int8)
    most = np.log2(min(token_dim, _MOST_FEATURES) + 1)
    signs = np.zeros((n_groups, token_dim), np.int8)
    for row, size in zip(signs, (2 ** rng.uniform(0, most, size=n_groups)).astype(int).tolist()):
        row[rng.choice(token_dim, size, replace=False)] = rng.choice([-1, 1], size)
    return signs


class _Sample:
    """Some training tokens with their windows: what biases are taken from."""

    def __init__(self, sequences, standardisation, rng):
        n = sequences.n_tokens
        self.index = np.arange(n) if n <= _SAMPLE else np.sort(rng.randint(n, size=_SAMPLE))
        sequence = np.searchsorted(sequences.offsets, self.index, side="right") - 1
        self.low, self.high = sequences.offsets[sequence], sequences.offsets[sequence + 1]
        self.sequences, self.standardisation = sequences, standardisation

    def window(self, dilation):
        """Standardised windows, (token_dim, 9 n), 0 beyond the ends of a sequence."""
        at = self.index + window_shifts(N_TAPS, dilation)[:, None]
        inside = ((at >= self.low) & (at < self.high)).ravel()
        rows = np.where(inside, at.ravel(), np.tile(self.index, N_TAPS))
        return self.standardisation.columns(np.asarray(self.sequences.tokens[rows])) * inside


def _levels(signs, standardisation):
    """Grid points for a unit of each virtual channel; 0 for a constant one."""
    largest = np.abs(signs) @ standardisation.largest
    return np.divide(_LEVELS, largest, out=np.zeros(len(largest)), where=largest > 0)


def _with_biases(heads, sample):
    """The heads with biases, and the interquartile ranges (G, k) of the scores of plain kernels on the sample."""
    biases, ranges = np.empty_like(heads.biases), np.empty(heads.plain.shape)
    for dilation, refinement in {*zip(heads.dilations.tolist(), heads.refinement.tolist())}:
        mine = np.flatnonzero((heads.dilations == dilation) & (heads.refinement == refinement))
        virtual = heads._virtual(sample.window(dilation), heads.channels[mine], refinement)
        dtype = np.int16 if refinement == 1 else np.int32
        for g, taps in zip(mine.tolist(), virtual.reshape(len(mine), N_TAPS, -1).astype(dtype)):
            scores = 3 * taps[TRIPLES[heads.plain[g]]].sum(axis=1, dtype=dtype) - taps.sum(axis=0, dtype=dtype)
            scores.sort(axis=1)
            n = scores.shape[1]
            ranges[g] = scores[:, 3 * (n - 1) // 4].astype(np.int64) - scores[:, (n - 1) // 4]
            biases[g] = mid_gaps(scores, biases.shape[2])
    return replace(heads, biases=biases), ranges
