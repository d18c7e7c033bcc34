"""Sample the heads of series: kernels, dilations and features at random, biases from scores of training tokens.

A kernel weights nine tokens (its taps) of a window, whose distance in time is the dilation; its input is a signed sum of
features; its scores are pooled by ppv (plain kernel), or by the maximum after a tilt was added (tilted kernel): see
series.py. There are at most 12 dilations, evenly spaced in the logarithm, up to an eighth of the median length.

    one feature      a group of kernels for each dilation: up to 84 plain kernels, with as many biases for each of them as
                     the number of heads requires
    more features    many groups, each with a signed sum of up to nine random features with random signs, eight plain
                     kernels, and four biases for each of them

About 6 % of the heads are maxima of tilted kernels. These numbers, and the scales that the regression uses, were measured by
leave-one-out on training data.
"""

from dataclasses import replace

import numpy as np

from sklearn_hardmax.constructions.heads.pooled import Standardisation, quantile_biases, sample_tokens
from sklearn_hardmax.constructions.heads.series import LEVELS, WIDE, SeriesHeads
from sklearn_hardmax.constructions.heads.series_convolution import N_TAPS, TRIPLES
from sklearn_hardmax.encoding import window_shifts

# moduli of tilts that are not 0: score that a step of 1/255 of the length adds
_SMALLEST_TILT = 8
_LARGEST_TILT = 64
_FEW_STEPS = 16  # grid steps: a smaller interquartile range of scores means that the coarse grid is too coarse
_DILATIONS = 12  # distinct dilations, at most
_TILTED_FRACTION = 0.06  # of the heads
_KERNELS_PER_GROUP = 8  # plain kernels, for tokens of more than one feature
_BIASES_PER_KERNEL = 4  # likewise
_MOST_FEATURES = 9  # features in a signed sum


def sample_series_heads(sequences, n_heads, rng, n_jobs=None):
    """Sample n_heads heads for training sequences; labels are not used.

    Parameters
    ----------
    sequences : RaggedSequences
    n_heads : int
    rng : RandomState
    n_jobs : int or None

    Returns
    -------
    SeriesHeads
    """
    # no limit in deviations: the range of the training tokens alone determines the grid
    standardisation = Standardisation.fit(sequences.tokens, np.inf, n_jobs)
    dilations, k, q, t = _plan(sequences.lengths, sequences.token_dim, n_heads)
    n_groups = len(dilations)
    # the order of these draws belongs to the result
    signs = _random_signs(sequences.token_dim, n_groups, rng)
    # k different kernels for each group, but tilted kernels may repeat; ascending, so that scores share sums of two taps
    plain = np.sort(rng.uniform(size=(n_groups, len(TRIPLES))).argsort(axis=1)[:, :k], axis=1)
    tilted = np.sort(rng.randint(len(TRIPLES), size=(n_groups, t)), axis=1)
    tilts = rng.randint(_SMALLEST_TILT, _LARGEST_TILT + 1, size=(n_groups, t))
    tilts = tilts * rng.choice([-1, 0, 0, 1], (n_groups, t))
    heads = SeriesHeads(
        standardisation,
        signs,
        levels=_levels(signs, standardisation),
        refinement=np.ones(n_groups, np.int64),
        dilations=dilations,
        channels=np.arange(n_groups) % len(signs),
        plain=plain,
        biases=np.zeros((n_groups, k, q), np.int64),
        tilted=tilted,
        tilts=tilts,
        n_heads=n_heads,
    )
    sample = _Sample(sequences, standardisation, rng)
    heads, ranges = _with_biases(heads, sample)
    # groups in which a tenth of the kernels have scores that hardly move
    too_coarse = np.quantile(ranges, 0.1, axis=1) < _FEW_STEPS
    if too_coarse.any():
        heads, _ = _with_biases(replace(heads, refinement=np.where(too_coarse, WIDE, 1)), sample)
    return _ordered_by_refinement(heads)


def _ordered_by_refinement(heads):
    """The heads with the groups on the coarse grid first; the sort is stable, so dilations still ascend on each grid."""
    order = np.argsort(heads.refinement, kind="stable")
    by_group = ("refinement", "dilations", "channels", "plain", "biases", "tilted", "tilts")
    return replace(heads, **{name: getattr(heads, name)[order] for name in by_group})


def dilations_for(lengths):
    """At most 12 dilations, evenly spaced in the logarithm, up to an eighth of the median length; ascending."""
    # nine taps span 8 dilations
    largest = max(1.0, (np.median(lengths) - 1) / (N_TAPS - 1))
    return np.unique(np.geomspace(1, largest, _DILATIONS).astype(int))


def _plan(lengths, token_dim, n_heads):
    """Dilation of each group (G,), and numbers in a group, which give n_heads heads at least.

    The numbers are: plain kernels k, biases q per plain kernel, tilted kernels t.
    """
    dilations = dilations_for(lengths)
    if token_dim == 1:
        # one group per dilation; fewer dilations where there are fewer heads
        dilations = dilations[:n_heads]
        per_dilation = -(-n_heads // len(dilations))
        n_tilted = round(_TILTED_FRACTION * per_dilation)
        n_ppv = per_dilation - n_tilted
        n_plain = min(len(TRIPLES), n_ppv)
        n_biases = -(-n_ppv // n_plain)
        return dilations, n_plain, n_biases, n_tilted
    n_ppv = _KERNELS_PER_GROUP * _BIASES_PER_KERNEL
    n_tilted = round(n_ppv * _TILTED_FRACTION / (1 - _TILTED_FRACTION))
    n_groups = -(-n_heads // (n_ppv + n_tilted))
    # groups are dealt evenly to the dilations, in ascending order
    dilations = dilations[np.arange(n_groups) * len(dilations) // n_groups]
    return dilations, _KERNELS_PER_GROUP, _BIASES_PER_KERNEL, n_tilted


def _random_signs(token_dim, n_groups, rng):
    """Signs of the features in each signed sum, (V, token_dim) int8: one feature alone, or one signed sum per group."""
    if token_dim == 1:
        return np.ones((1, 1), np.int8)
    # numbers of features are uniform in the logarithm
    most = np.log2(min(token_dim, _MOST_FEATURES) + 1)
    sizes = (2 ** rng.uniform(0, most, size=n_groups)).astype(int)
    signs = np.zeros((n_groups, token_dim), np.int8)
    for row, size in zip(signs, sizes.tolist()):
        row[rng.choice(token_dim, size, replace=False)] = rng.choice([-1, 1], size)
    return signs


class _Sample:
    """The training tokens whose scores determine biases, at most 1,024, and their windows."""

    def __init__(self, sequences, standardisation, rng):
        self.sequences = sequences
        self.standardisation = standardisation
        self.index = sample_tokens(sequences.n_tokens, rng)
        # first and last (exclusive) token of the sequence of each of these tokens
        sequence = np.searchsorted(sequences.offsets, self.index, side="right") - 1
        self.low = sequences.offsets[sequence]
        self.high = sequences.offsets[sequence + 1]

    def window(self, dilation):
        """Standardised tokens at the nine taps, (token_dim, 9 n), 0 beyond the ends of a sequence; taps vary slowest."""
        at = self.index + window_shifts(N_TAPS, dilation)[:, None]
        inside = ((at >= self.low) & (at < self.high)).ravel()
        # beyond the ends any token serves, since it is multiplied by 0
        rows = np.where(inside, at.ravel(), np.tile(self.index, N_TAPS))
        return self.standardisation.columns(np.asarray(self.sequences.tokens[rows])) * inside


def _levels(signs, standardisation):
    """Grid points per unit of each signed sum, (V,); 0 for a constant one."""
    # the largest value that the sum can take within the range of the training tokens falls on LEVELS
    largest = np.abs(signs) @ standardisation.largest
    return np.divide(LEVELS, largest, out=np.zeros(len(largest)), where=largest > 0)


def _with_biases(heads, sample):
    """The heads with biases, and the interquartile ranges (G, k) of the scores of plain kernels on the sample."""
    biases = np.empty_like(heads.biases)
    ranges = np.empty(heads.plain.shape)
    # groups of one dilation share the windows
    for dilation, refinement in {*zip(heads.dilations.tolist(), heads.refinement.tolist())}:
        groups = np.flatnonzero((heads.dilations == dilation) & (heads.refinement == refinement))
        inputs = heads.signed_sums(sample.window(dilation), heads.channels[groups], refinement)
        dtype = np.int16 if refinement == 1 else np.int32
        for g, taps in zip(groups.tolist(), inputs.reshape(len(groups), N_TAPS, -1).astype(dtype)):
            # taps (9, n) in steps of the grid of the group, as in series_convolution.py
            scores = 3 * taps[TRIPLES[heads.plain[g]]].sum(axis=1, dtype=dtype) - taps.sum(axis=0, dtype=dtype)
            scores.sort(axis=1)
            n = scores.shape[1]
            # the difference of two int16 may need more than 16 bits
            ranges[g] = scores[:, 3 * (n - 1) // 4].astype(np.int64) - scores[:, (n - 1) // 4]
            biases[g] = quantile_biases(scores, biases.shape[2])
    return replace(heads, biases=biases), ranges
