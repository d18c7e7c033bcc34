"""Which kernels read which windows of ordered sequences: random channels, kernels and tilts, biases from training tokens.

Dilations are at most 12, evenly spaced in the logarithm, up to an eighth of the median length. With one feature every
dilation has up to 84 plain kernels, and as many biases of each as the number of heads asks for. With more, a group reads the
sum of up to nine random features with random signs through eight kernels with four biases each. About 6 % of the heads are
maxima of tilted kernels. How many, and which scales the regression uses, was measured by leave-one-out on training data.
"""

from dataclasses import replace

import numpy as np

from sklearn_hardmax.constructions.heads.pooled import Standardisation, quantile_biases, sample_tokens
from sklearn_hardmax.constructions.heads.series import LEVELS, WIDE, SeriesHeads
from sklearn_hardmax.constructions.heads.series_convolution import N_TAPS, TRIPLES
from sklearn_hardmax.encoding import window_shifts

_SMALLEST_TILT, _LARGEST_TILT = 8, 64
_FEW_STEPS = 16  # interquartile range of scores, in steps of the grid, below which it is too coarse
_DILATIONS = 12
_TILTED_FRACTION = 0.06  # of the heads
_KERNELS_A_CHANNEL = 8  # of more than one feature
_BIASES_A_KERNEL = 4  # there
_MOST_FEATURES = 9  # in one virtual channel


def sample_series_heads(sequences, n_heads, rng):
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
        heads, _ = _with_biases(replace(heads, refinement=np.where(coarse, WIDE, 1)), sample)
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
        per_dilation = -(-n_heads // len(dilations))
        n_tilted = round(_TILTED_FRACTION * per_dilation)
        n_plain = min(len(TRIPLES), per_dilation - n_tilted)
        return dilations, n_plain, -(-(per_dilation - n_tilted) // n_plain), n_tilted
    plain, biases = _KERNELS_A_CHANNEL, _BIASES_A_KERNEL
    n_tilted = round(plain * biases * _TILTED_FRACTION / (1 - _TILTED_FRACTION))
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
        self.index = sample_tokens(sequences.n_tokens, rng)
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
    """FixedPointGrid points for a unit of each virtual channel; 0 for a constant one."""
    largest = np.abs(signs) @ standardisation.largest
    return np.divide(LEVELS, largest, out=np.zeros(len(largest)), where=largest > 0)


def _with_biases(heads, sample):
    """The heads with biases, and the interquartile ranges (G, k) of the scores of plain kernels on the sample."""
    biases, ranges = np.empty_like(heads.biases), np.empty(heads.plain.shape)
    for dilation, refinement in {*zip(heads.dilations.tolist(), heads.refinement.tolist())}:
        mine = np.flatnonzero((heads.dilations == dilation) & (heads.refinement == refinement))
        virtual = heads.virtual(sample.window(dilation), heads.channels[mine], refinement)
        dtype = np.int16 if refinement == 1 else np.int32
        for g, taps in zip(mine.tolist(), virtual.reshape(len(mine), N_TAPS, -1).astype(dtype)):
            scores = 3 * taps[TRIPLES[heads.plain[g]]].sum(axis=1, dtype=dtype) - taps.sum(axis=0, dtype=dtype)
            scores.sort(axis=1)
            n = scores.shape[1]
            ranges[g] = scores[:, 3 * (n - 1) // 4].astype(np.int64) - scores[:, (n - 1) // 4]
            biases[g] = quantile_biases(scores, biases.shape[2])
    return replace(heads, biases=biases), ranges
