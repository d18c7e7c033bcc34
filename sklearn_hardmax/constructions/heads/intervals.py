"""Heads that count large values within parts of a sequence.

An *interval* is a part of a sequence of relative length 1, 1/2, 1/4, ..., 1/32, in steps of half its length: 120 in all. With
k the level (length 2^-k) and j the step, it holds of n tokens those from floor(j n / 2^(k+1)) up to, but without,
ceil((j + 2) n / 2^(k+1)), and one token at least. A head is the share, of all n tokens, of those that lie in the interval and
have a feature above a bias; the biases of an interval are quantiles of the values of training tokens in it (after QUANT:
Dempster, Schmidt, Webb, Data Mining and Knowledge Discovery 2024, which takes the quantiles themselves).

As a score for the network, S is the value less 4 * 1365 outside the interval, where it is below every bias.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from sklearn_hardmax.constructions.heads.pooled import PPV, PooledHeads, Standardisation, quantile_biases, unique_names
from sklearn_hardmax.constructions.heads.reductions import counts_above
from sklearn_hardmax.constructions.heads.series import LEVELS
from sklearn_hardmax.sequences.segments import sequence_of_each_token

_MAX_DEVIATIONS = 10.0  # at which features are clipped, so that single extreme values leave levels for the others
_OUTSIDE = 4 * LEVELS  # what is subtracted from the values outside an interval
_SEQUENCES = 256  # training sequences, at most, whose values determine biases
# (level, step) of all intervals, the longest first
INTERVALS = np.array([(level, step) for level in range(6) for step in range(2 ** (level + 1) - 1)])


def bounds(lengths, level, step):
    """First token of an interval and the one behind its last, of sequences of these lengths; two int64 arrays."""
    start = step * lengths >> level + 1
    stop = -(-(step + 2) * lengths >> level + 1)
    return start, np.maximum(stop, start + 1)


@dataclass(frozen=True)
class IntervalHeads(PooledHeads):
    """Heads of intervals, ordered by interval; q biases for each of the I intervals.

    Attributes
    ----------
    standardisation : Standardisation
    intervals : ndarray of int, shape (I, 2)
        Level and step.
    channels : ndarray of int, shape (I,)
        Feature of the token that each interval is of.
    biases : ndarray of int64, shape (I, q)
    n_heads : int
    """

    standardisation: Standardisation
    intervals: np.ndarray
    channels: np.ndarray
    biases: np.ndarray
    n_heads: int

    is_ordered = True
    scale_floor = 2.0
    largest_score = 2**14
    unit = 1.0

    @property
    def n_columns(self):
        """Number of heads that are evaluated."""
        return self.biases.size

    @property
    def kinds(self):
        """PPV for every head, (n_heads,)."""
        return np.full(self.n_heads, PPV)

    def _pool(self, chunk, z, out, scratch):
        length, width = chunk.shape
        q = self.biases.shape[1]
        values = {
            feature: self.standardisation.integers(z, feature, LEVELS).astype(np.int16)
            for feature in {*self.channels.tolist()}
        }
        time = np.arange(length)[:, None]
        for i, ((level, step), feature) in enumerate(zip(self.intervals.tolist(), self.channels.tolist())):
            starts, stops = bounds(chunk.lengths, level, step)
            first, last = int(starts.min()), int(stops.max())
            part = values[feature].reshape(length, width)[first:last]
            if chunk.is_ragged:
                inside = (time[first:last] >= starts) & (time[first:last] < stops)
                part = np.where(inside, part, np.int16(-_OUTSIDE))
            scores = np.ascontiguousarray(part).reshape(1, -1)
            counts = out[q * i : q * (i + 1)].reshape(1, q, width)
            counts_above(scores, self.biases[i : i + 1].astype(np.int16), part.shape, scratch, counts)

    # -- input of the explicit network -------------------------------------------------------------------------------------

    @property
    def n_coordinates(self):
        """Number of integers per token in the input of the explicit network: all features, and a flag for each interval."""
        return len(self.standardisation.mean) + len(self.intervals)

    @property
    def coordinates(self):
        """Names of these integers."""
        names = [f"value of {name}" for name in self.feature_names()]
        return names + [f"outside of {_text(*interval)}" for interval in self.intervals.tolist()]

    def tokens(self, sequences):
        """The integers of every token, input of the explicit network, (n_tokens, n_coordinates) float64."""
        z = self.standardisation.columns(sequences.tokens)
        out = np.empty((sequences.n_tokens, self.n_coordinates))
        for feature in range(len(z)):
            out[:, feature] = self.standardisation.integers(z, feature, LEVELS)
        owners = sequence_of_each_token(sequences.lengths)
        time = np.arange(sequences.n_tokens) - sequences.offsets[owners]
        for i, (level, step) in enumerate(self.intervals.tolist()):
            starts, stops = bounds(sequences.lengths, level, step)
            out[:, len(z) + i] = (time < starts[owners]) | (time >= stops[owners])
        return out

    def forms(self):
        """Scores as linear forms of these integers; see `PooledHeads`."""
        n = len(self.intervals)
        columns = np.stack([self.channels, len(self.standardisation.mean) + np.arange(n)], axis=1)
        weights = np.tile([1.0, -_OUTSIDE], n)
        forms = csr_array((weights, (np.repeat(np.arange(n), 2), columns.ravel())), shape=(n, self.n_coordinates))
        index = np.repeat(np.arange(n), self.biases.shape[1])
        return forms, index[: self.n_heads], self.biases.ravel()[: self.n_heads]

    # -- descriptions ------------------------------------------------------------------------------------------------------

    def names(self, features=None):
        """Descriptions of all heads, unique, (n_heads,) list of str; biases are in steps of the grid."""
        features = self.feature_names(features)
        names = [
            f"ppv of channels {features[feature]} within {_text(*interval)}, above {bias}"
            for interval, feature, biases in zip(self.intervals.tolist(), self.channels.tolist(), self.biases.tolist())
            for bias in biases
        ]
        return unique_names(names[: self.n_heads])

    def windows_of(self, heads):
        """Kernels (-1: none) and dilations (0: none) (n,), and features in use (n, token_dim) bool, of these heads."""
        intervals = np.asarray(heads, dtype=np.int64) // self.biases.shape[1]
        used = self.channels[intervals][:, None] == np.arange(len(self.standardisation.mean))
        return np.full(len(intervals), -1), np.zeros(len(intervals), np.int64), used


def _text(level, step):
    """An interval in words."""
    return f"{step}/{2 ** (level + 1)} to {step + 2}/{2 ** (level + 1)} of the sequence"


# -- sampling ------------------------------------------------------------------------------------------------------------


def sample_interval_heads(sequences, n_heads, rng, n_jobs=None):
    """Sample n_heads heads of intervals for training sequences; labels are not used.

    Parameters
    ----------
    sequences : RaggedSequences
    n_heads : int
    rng : RandomState
    n_jobs : int or None

    Returns
    -------
    IntervalHeads
    """
    standardisation = Standardisation.fit(sequences.tokens, _MAX_DEVIATIONS, n_jobs)
    intervals = INTERVALS[:n_heads]
    q = -(-n_heads // len(intervals))
    channels = rng.randint(sequences.token_dim, size=len(intervals))
    heads = IntervalHeads(standardisation, intervals, channels, np.zeros((len(intervals), q), np.int64), n_heads)
    chosen = np.arange(len(sequences))
    if len(sequences) > _SEQUENCES:
        chosen = np.sort(rng.choice(len(sequences), _SEQUENCES, replace=False))
    sample = sequences[chosen]
    z = standardisation.columns(np.asarray(sample.tokens))
    values = {feature: heads.standardisation.integers(z, feature, LEVELS) for feature in {*channels.tolist()}}
    for i, ((level, step), feature) in enumerate(zip(intervals.tolist(), channels.tolist())):
        starts, stops = bounds(sample.lengths, level, step)
        inside = [slice(o + a, o + b) for o, a, b in zip(sample.offsets.tolist(), starts.tolist(), stops.tolist())]
        found = np.sort(np.concatenate([values[feature][rows] for rows in inside])).astype(np.int64)
        heads.biases[i] = quantile_biases(found[None], q)[0]
    return heads
