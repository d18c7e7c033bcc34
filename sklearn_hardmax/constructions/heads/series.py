"""Heads (pooled features) of ordered sequences: kernels with nine weights on dilated windows, in fixed-point arithmetic.

The input of a kernel is one number per token, a *signed sum*: a few standardised features added with signs 1 or -1, and
rounded to the integers of [-1365, 1365]. Kernels are the 84 of MiniRocket (Dempster, Schmidt, Webb, KDD 2021). A kernel
weights nine tokens, its *taps*, whose distance in time is the dilation; three taps a, b, c have weight 2 and six have weight
-1. The score of a token is S = 3 (x_a + x_b + x_c) - (sum of the nine), |S| <= 12 * 1365 = 16380, with x = 0 beyond the ends
of a sequence.

Kernels are used in two ways:

    plain kernel     S, pooled by ppv, the proportion of tokens with S > b for a bias b
    tilted kernel    S + tilt * rint(255 t / (n - 1)) for token t of n, pooled by the maximum; |tilt| <= 64

The tilt makes the maximum depend on when a pattern occurs; half of the tilts are 0. As 16380 + 64 * 255 < 2^15, nothing
overflows int16. The scores of some kernels hardly move on this grid: those of features whose amplitudes differ by orders of
magnitude, or with small quick changes beside large slow ones. For them all constants are 2^16 times larger (the *fine* grid),
and integers have 32 bits.

Biases lie midway between neighbouring scores of 1,024 training tokens, at quantiles of a low-discrepancy sequence.

A *group* of kernels has one signed sum, one dilation, and as many kernels as every other group. Groups are ordered by
dilation on each grid. With one feature there is one signed sum, and a group for each dilation; with more, there are many
groups of few kernels.
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

LEVELS = 1365  # grid points from 0 to the largest training value of a signed sum
WIDE = 2**16  # refinement of the fine grid, for groups of kernels that 16 bits are too coarse for
# grid points per unit of a standardised feature, before features are added: sums of nine features are exact in float64
_FINE = 2.0**32


@dataclass(frozen=True)
class SeriesHeads(PooledHeads):
    """Heads of ordered sequences: G groups, each with k plain kernels, q biases for each of them, and t tilted kernels.

    Heads are ordered by group. Those of a group are the ppv of (plain kernel, bias), then the maxima of tilted kernels.

    Attributes
    ----------
    standardisation : Standardisation
    signs : ndarray of int8, shape (V, token_dim)
        The V signed sums: 1, -1 or 0 for each feature.
    levels : ndarray of shape (V,)
        Grid points per unit of each signed sum, on the coarse grid.
    refinement : ndarray of int, shape (G,)
        1 (coarse grid, 16 bits) or 2^16 (fine grid, 32 bits), ascending.
    dilations : ndarray of int, shape (G,)
        Distance between the taps; ascending where the refinement is equal.
    channels : ndarray of int, shape (G,)
        Signed sum that each group uses.
    plain : ndarray of int, shape (G, k)
        Kernels that are pooled by ppv, ascending.
    biases : ndarray of int, shape (G, k, q)
    tilted : ndarray of int, shape (G, t)
        Kernels that are pooled by the maximum, ascending.
    tilts : ndarray of int, shape (G, t)
    n_heads : int
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

    is_ordered = True
    scale_floor = 2.0  # measured by leave-one-out: ppv of rare events carry little

    @property
    def unit(self):
        """Power of two that the scores of each head are divided by in features, (n_heads,)."""
        _, k, q, t = self._shape
        return np.repeat(2.0**14 * self.refinement, k * q + t)[: self.n_heads]

    @property
    def largest_score(self):
        """Bound on the moduli of scores."""
        return 2**15 * int(self.refinement[-1])

    @property
    def _shape(self):
        """Number of groups G, and of plain kernels k, of biases q per plain kernel, and of tilted kernels t in a group."""
        return *self.biases.shape, self.tilted.shape[1]

    @property
    def n_columns(self):
        """Number of heads that are evaluated."""
        n_groups, k, q, t = self._shape
        return n_groups * (k * q + t)

    @property
    def kinds(self):
        """MAX, PPV or MEAN of every head, (n_heads,)."""
        n_groups, k, q, t = self._shape
        return np.tile(np.repeat([PPV, MAX], [k * q, t]), n_groups)[: self.n_heads]

    # -- evaluation --------------------------------------------------------------------------------------------------------

    def signed_sums(self, z, channels, refinement):
        """Integers of signed sums.

        Parameters
        ----------
        z : ndarray of shape (token_dim, n)
            Standardised tokens.
        channels : sequence of int
            Which signed sums.
        refinement : 1 or 2**16

        Returns
        -------
        ndarray of float64, shape (len(channels), n)
            Integers in [-1365, 1365] times the refinement.
        """
        signs = self.signs[channels]
        used = np.flatnonzero(signs.any(axis=0))
        # integers below 2^53: exact in any order, so a product may add them
        u = signs[:, used].astype(np.float64) @ np.rint(z[used] * _FINE)
        u *= (self.levels[channels] * (refinement / _FINE))[:, None]
        np.rint(u, out=u)
        return np.clip(u, -LEVELS * refinement, LEVELS * refinement, out=u)

    def _pool(self, chunk, z, out, scratch):
        n_groups, k, q, t = self._shape
        size = z.shape[1]
        out = out.reshape(n_groups, k * q + t, -1)
        # in a small chunk several groups at once, as many as their comparisons fit into a block
        step = max(1, BLOCK_COMPARISONS // (size * k * q)) if size <= FEW_TOKENS else 1
        # groups on the coarse grid come first
        n_coarse = int(np.searchsorted(self.refinement, WIDE))
        for first, last, refinement in ((0, n_coarse, 1), (n_coarse, n_groups, WIDE)):
            grid = FixedPointGrid(refinement, chunk) if first < last else None
            for g in range(first, last, step):
                groups = slice(g, min(last, g + step))
                convolution = DilatedConvolution(self, groups, z, grid, scratch)
                self._pool_plain(convolution, groups, out[groups, : k * q])
                if t:
                    self._pool_tilted(convolution, groups, out[groups, k * q :])

    def _pool_plain(self, convolution, groups, out):
        """Counts of S > b, heads in the order (group, kernel, bias)."""
        grid = convolution.grid
        scratch = convolution.scratch
        q = self.biases.shape[2]
        width = out.shape[-1]
        biases = self.biases[groups].astype(grid.dtype)
        for kernels, scores in convolution.scores(self.plain[groups], q):
            n_groups, n_kernels, _ = scores.shape
            m = n_groups * n_kernels
            counts = scratch("counts", (m, q, width), np.float64)
            counts_above(scores.reshape(m, -1), biases[:, kernels].reshape(m, q), grid.shape, scratch, counts)
            out[:, q * kernels.start : q * kernels.stop] = counts.reshape(n_groups, -1, width)

    def _pool_tilted(self, convolution, groups, out):
        """Largest S + tilt * position of every kernel."""
        grid = convolution.grid
        scratch = convolution.scratch
        tilts = self.tilts[groups].astype(grid.dtype)
        # Two numbers per score are held: the score and its tilt. Places without a token are limited after the tilt is added,
        # since a tilt added to the smallest integer could overflow.
        for kernels, scores in convolution.scores(self.tilted[groups], 2, limited=False):
            tilt = scratch("tilt", scores.shape, grid.dtype)
            scores += np.multiply(tilts[:, kernels, None], grid.position, out=tilt)
            if grid.limit is not None:
                np.minimum(scores, grid.limit, out=scores)
            best = scratch("best", (*scores.shape[:2], out.shape[-1]), np.float64)
            maxima_over_rows(scores.reshape(*scores.shape[:2], *grid.shape), best)
            out[:, kernels] = best

    # -- input of the explicit network -------------------------------------------------------------------------------------
    # A token holds the nine taps of every combination of signed sum, dilation and grid in use, and its position. On these
    # integers every score is a linear form.

    def _layout(self):
        """Distinct triples of signed sum, dilation and refinement (P, 3), and the place of each group's triple, (G,)."""
        triples = np.stack([self.channels, self.dilations, self.refinement], axis=1)
        distinct, place = np.unique(triples, axis=0, return_inverse=True)
        return distinct, place.ravel()

    @property
    def n_coordinates(self):
        """Number of integers per token in the input of the explicit network."""
        return N_TAPS * len(self._layout()[0]) + 1

    @property
    def coordinates(self):
        """Names of the integers of a token in the input of the explicit network."""
        features = self.feature_names()
        names = [
            f"{self._channel_name(channel, features)}[{shift:+d}] at dilation {dilation}"
            + ("" if refinement == 1 else ", fine")
            for channel, dilation, refinement in self._layout()[0].tolist()
            for shift in window_shifts(N_TAPS, dilation).tolist()
        ]
        return [*names, "position"]

    def tokens(self, sequences):
        """The integers of every token, input of the explicit network, (n_tokens, n_coordinates) float64."""
        windowed, _ = self._layout()
        out = np.empty((sequences.n_tokens, N_TAPS * len(windowed) + 1))
        z = self.standardisation.columns(sequences.tokens)
        for p, (channel, dilation, refinement) in enumerate(windowed.tolist()):
            signed_sum = self.signed_sums(z, [channel], refinement)[0, :, None]
            out[:, N_TAPS * p : N_TAPS * (p + 1)] = windows(signed_sum, sequences.offsets, N_TAPS, dilation)
        out[:, -1] = positions(relative_positions(sequences.offsets))
        return out

    def forms(self):
        """Scores as linear forms of the integers of a token.

        Returns
        -------
        csr_array of shape (n_scores, n_coordinates)
            Integer coefficients; one row per kernel of each group, plain kernels first.
        ndarray of int, shape (n_heads,)
            Score of each head.
        ndarray of int, shape (n_heads,)
            Bias of each head, 0 for maxima.
        """
        n_groups, k, q, t = self._shape
        windowed, place = self._layout()
        kernels = np.concatenate([self.plain, self.tilted], axis=1)
        n_scores = n_groups * (k + t)
        # ten coefficients per score: those of the nine taps, and the tilt
        weights = np.full((n_groups, k + t, N_TAPS + 1), -1.0)
        np.put_along_axis(weights, TRIPLES[kernels], 2.0, axis=2)
        weights[:, :k, -1] = 0
        weights[:, k:, -1] = self.tilts * self.refinement[:, None]
        # and the coordinates that they multiply
        columns = np.empty(weights.shape, np.int64)
        columns[:, :, :-1] = N_TAPS * place[:, None, None] + np.arange(N_TAPS)
        columns[:, :, -1] = N_TAPS * len(windowed)
        rows = np.repeat(np.arange(n_scores), N_TAPS + 1)
        shape = n_scores, N_TAPS * len(windowed) + 1
        forms = csr_array((weights.ravel(), (rows, columns.ravel())), shape=shape)
        forms.eliminate_zeros()
        # within a group, every plain kernel is the score of q heads, every tilted kernel that of one
        within = np.concatenate([np.repeat(np.arange(k), q), np.arange(k, k + t)])
        index = (np.arange(n_groups)[:, None] * (k + t) + within).ravel()
        biases = np.concatenate([self.biases.reshape(n_groups, -1), np.zeros((n_groups, t), np.int64)], axis=1).ravel()
        return forms, index[: self.n_heads], biases[: self.n_heads]

    # -- descriptions ------------------------------------------------------------------------------------------------------

    def windows_of(self, heads):
        """Kernels and dilations (n,), and features in use (n, token_dim) bool, of the heads of these indices (n,)."""
        _, k, q, t = self._shape
        group, column = np.divmod(np.asarray(heads, dtype=np.int64), k * q + t)
        kernels = np.concatenate([np.repeat(self.plain, q, axis=1), self.tilted], axis=1)
        return kernels[group, column], self.dilations[group], self.signs[self.channels[group]] != 0

    def names(self, features=None):
        """Descriptions of all heads, unique, (n_heads,) list of str; `features` are names for the features of a token."""
        features = self.feature_names(features)
        names = []
        for g, (channel, dilation) in enumerate(zip(self.channels.tolist(), self.dilations.tolist())):
            where = f"dilation {dilation}, channels {self._channel_name(channel, features)}"
            for kernel, biases in zip(self.plain[g].tolist(), self.biases[g].tolist()):
                names += [f"ppv of kernel {kernel}, {where}, above {bias}" for bias in biases]
            for kernel, tilt in zip(self.tilted[g].tolist(), self.tilts[g].tolist()):
                names.append(f"max of kernel {kernel}, {where}, tilt {tilt}")
        return unique_names(names[: self.n_heads])

    def _channel_name(self, channel, features):
        """The features of a signed sum, those with sign -1 behind a minus, like "x0 -x2"."""
        signs = self.signs[channel]
        return " ".join(("-" if signs[j] < 0 else "") + features[j] for j in np.flatnonzero(signs).tolist())
