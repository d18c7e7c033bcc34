"""Heads of ordered sequences: kernels of nine taps on dilated windows, in fixed point.

A *virtual channel* is a sum of a few features with signs; it is rounded to the integers of [-1365, 1365]. Kernels are the 84
of MiniRocket (Dempster, Schmidt, Webb, KDD 2021): nine taps, three of weight 2, six of weight -1, at a dilation; so S = 3
(x_a + x_b + x_c) - (sum of the nine), |S| <= 12 * 1365 = 16380, with zeros beyond the ends of a sequence. A *tilted* kernel
adds tilt * rint(255 t / (n - 1)), |tilt| <= 64, which tells when (half of the tilts are 0): |S| <= 16380 + 16320 < 2^15, so
nothing overflows int16. Where the scores of a group of kernels hardly move on that grid (amplitudes that differ by orders of
magnitude, small quick changes beside large slow ones), its constants are 2^16 times larger, and its integers have 32 bits.

Plain kernels give ppv, tilted ones the maximum. Biases stand midway between neighbouring scores of 1,024 training tokens
at quantiles of a low-discrepancy sequence.

Kernels come in *groups* of one virtual channel at one dilation, all of one size, ordered by dilation. With one feature there
is one virtual channel, and a group a dilation; with more, many groups of few kernels.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from sklearn_hardmax.constructions.heads.pooled import MAX, PPV, PooledHeads, Standardisation, unique_names
from sklearn_hardmax.constructions.heads.reductions import counts_above, maxima_over_rows
from sklearn_hardmax.constructions.heads.series_convolution import (
    BLOCK_COMPARISONS,
    FEW_TOKENS,
    N_TAPS,
    TRIPLES,
    DilatedConvolution,
    FixedPointGrid,
    positions,
)
from sklearn_hardmax.encoding import relative_positions, window_shifts, windows

LEVELS = 1365
WIDE = 2**16  # times finer, where 16 bits are too few
_FINE = 2.0**32  # grid points for a unit of a standardised feature: sums of nine are exact in float64


@dataclass(frozen=True)
class SeriesHeads(PooledHeads):
    """Heads of ordered sequences, G groups.

    signs : (V, token_dim) int8, the virtual channels; levels : (V,) grid points for a unit of each; refinement : (G,) of 1
    (16 bits) or 2^16 (32 bits), ascending; dilations : (G,), ascending where the refinement is equal; channels : (G,);
    plain : (G, k) kernels that give ppv, biases : (G, k, q); tilted : (G, t) kernels that give maxima, tilts : (G, t).
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

    scale_floor = 2.0  # measured by leave-one-out: ppv of rare events carry little

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
        """MAX, PPV or MEAN of every head, (n_heads,)."""
        n_groups, k, q, t = self._shape
        return np.tile(np.repeat([PPV, MAX], [k * q, t]), n_groups)[: self.n_heads]

    # -- evaluation --------------------------------------------------------------------------------------------------------

    def virtual(self, z, channels, refinement):
        """Integers of virtual channels from standardised tokens (token_dim, n), (len(channels), n) float64."""
        signs = self.signs[channels]
        used = np.flatnonzero(signs.any(axis=0))
        # integers below 2^53: exact in any order, so a product may add them
        u = signs[:, used].astype(np.float64) @ np.rint(z[used] * _FINE)
        u *= (self.levels[channels] * (refinement / _FINE))[:, None]
        np.rint(u, out=u)
        return np.clip(u, -LEVELS * refinement, LEVELS * refinement, out=u)

    def _pool(self, chunk, z, out, scratch):
        n_groups, k, q, t = self._shape
        out = out.reshape(n_groups, k * q + t, -1)
        n_fine = int(np.searchsorted(self.refinement, WIDE))
        step = max(1, BLOCK_COMPARISONS // (z.shape[1] * k * q)) if z.shape[1] <= FEW_TOKENS else 1
        for first, last, refinement in ((0, n_fine, 1), (n_fine, n_groups, WIDE)):
            grid = FixedPointGrid(refinement, chunk) if first < last else None
            for g in range(first, last, step):
                groups = slice(g, min(last, g + step))
                taps = DilatedConvolution(self, groups, z, grid, scratch)
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
        features = self.feature_names()
        names = [
            f"{self._channel_name(channel, features)}[{shift:+d}] at dilation {dilation}"
            + ("" if refinement == 1 else ", fine")
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
            virtual = self.virtual(z, [channel], refinement)[0, :, None]
            out[:, N_TAPS * k : N_TAPS * (k + 1)] = windows(virtual, sequences.offsets, N_TAPS, dilation)
        out[:, -1] = positions(relative_positions(sequences.offsets))
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
        features, names = self.feature_names(features), []
        for g, (channel, dilation) in enumerate(zip(self.channels.tolist(), self.dilations.tolist())):
            where = f"dilation {dilation}, channels {self._channel_name(channel, features)}"
            for kernel, biases in zip(self.plain[g].tolist(), self.biases[g].tolist()):
                names += [f"ppv of kernel {kernel}, {where}, above {bias}" for bias in biases]
            for kernel, tilt in zip(self.tilted[g].tolist(), self.tilts[g].tolist()):
                names.append(f"max of kernel {kernel}, {where}, tilt {tilt}")
        return unique_names(names[: self.n_heads])

    def _channel_name(self, channel, features):
        used = np.flatnonzero(self.signs[channel]).tolist()
        signs = ["-" if self.signs[channel, j] < 0 else "" for j in used]
        return " ".join(sign + features[j] for sign, j in zip(signs, used))
