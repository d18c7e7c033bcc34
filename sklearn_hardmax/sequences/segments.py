"""Where sequences lie that stand one after another: sums, extremes and means of each, and runs of whole sequences."""

from typing import NamedTuple

import numpy as np

LAYER_CHUNK_TOKENS = 2**16  # that go through all layers together


def chunks(offsets, n_tokens=LAYER_CHUNK_TOKENS):
    """LabelRuns [i, j) of whole sequences with at most n_tokens tokens, or one sequence; list of pairs."""
    runs, i, n = [], 0, len(offsets) - 1
    while i < n:
        j = int(np.searchsorted(offsets, offsets[i] + n_tokens, side="right")) - 1
        j = max(j, i + 1)
        runs.append((i, j))
        i = j
    return runs


def changes(values):
    """Indices k at which values[k] and values[k + 1] differ: where runs of equal values end, but for the last run."""
    return np.flatnonzero(values[1:] != values[:-1])


def sequence_of_each_token(lengths):
    """Index of the sequence that holds each token, (n_tokens,), from the lengths (n_sequences,) of the sequences."""
    return np.repeat(np.arange(len(lengths)), lengths)


class Segments(NamedTuple):
    """Where the sequences of a chunk lie: first token and number of tokens of each, int64."""

    starts: np.ndarray
    lengths: np.ndarray

    @classmethod
    def from_offsets(cls, offsets):
        """From offsets (n_sequences + 1,) that begin anywhere; starts are counted from the first."""
        return cls(offsets[:-1] - offsets[0], np.diff(offsets))

    def per_token(self, values):
        """One value a sequence to each of its tokens."""
        return np.repeat(values, self.lengths, axis=-1)

    def maxima(self, values):
        """Largest value of each sequence, along the last axis."""
        return np.maximum.reduceat(values, self.starts, axis=-1)

    def means(self, values, member=None):
        """Mean of the values (of those that are `member`) of each sequence, as v + mean(z - v), v the smallest."""
        inside = values if member is None else np.where(member, values, np.inf)
        smallest = np.minimum.reduceat(inside, self.starts)
        above = values - self.per_token(smallest)
        if member is None:
            return smallest + np.add.reduceat(above, self.starts) / self.lengths
        counts = np.add.reduceat(member, self.starts, dtype=np.int64)
        return smallest + np.add.reduceat(np.where(member, above, 0.0), self.starts) / counts

    def soft_means(self, values, scores, temperature):
        """Softmax mean of each sequence, as v + sum w (z - v) / sum w, v the value of its (first) best score."""
        best = self.maxima(scores)
        leading = np.flatnonzero(scores == self.per_token(best))
        firsts = values[leading[np.searchsorted(leading, self.starts)]]
        weights = np.exp((scores - self.per_token(best)) / temperature)
        apart = np.add.reduceat(weights * (values - self.per_token(firsts)), self.starts)
        return firsts + apart / np.add.reduceat(weights, self.starts)
