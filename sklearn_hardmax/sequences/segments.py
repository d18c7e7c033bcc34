"""Per-sequence reductions over concatenated tokens (maximum, mean, softmax mean); splitting into chunks of whole sequences.

The tokens of all sequences are stored one after another. `offsets`, shape (n_sequences + 1,), holds the index of the first
token of each sequence and, at its end, the number of tokens: sequence i is tokens[offsets[i]:offsets[i + 1]].
"""

from typing import NamedTuple

import numpy as np

LAYER_CHUNK_TOKENS = 2**16  # tokens that go through all layers together


def chunks(offsets, n_tokens=LAYER_CHUNK_TOKENS):
    """Split the sequences into chunks of at most n_tokens tokens; a longer sequence becomes a chunk of its own.

    Returns a list of pairs (i, j): the chunk holds the sequences i to j - 1.
    """
    pairs = []
    n_sequences = len(offsets) - 1
    i = 0
    while i < n_sequences:
        # the last sequence boundary that is at most n_tokens behind the beginning of the chunk
        j = int(np.searchsorted(offsets, offsets[i] + n_tokens, side="right")) - 1
        j = max(j, i + 1)
        pairs.append((i, j))
        i = j
    return pairs


def changes(values):
    """Indices k at which values[k] and values[k + 1] differ: the last index of each run of equal values but the final run."""
    return np.flatnonzero(values[1:] != values[:-1])


def sequence_of_each_token(lengths):
    """Index of the sequence that holds each token, (n_tokens,), from the lengths (n_sequences,) of the sequences."""
    return np.repeat(np.arange(len(lengths)), lengths)


class Segments(NamedTuple):
    """Position of every sequence within the concatenated tokens of a chunk.

    Attributes
    ----------
    starts : ndarray of shape (n_sequences,), int64
        Index of the first token of each sequence.
    lengths : ndarray of shape (n_sequences,), int64
        Number of tokens of each sequence.
    """

    starts: np.ndarray
    lengths: np.ndarray

    @classmethod
    def from_offsets(cls, offsets):
        """Segments from offsets (n_sequences + 1,); the first offset need not be 0, starts are relative to it."""
        return cls(offsets[:-1] - offsets[0], np.diff(offsets))

    def per_token(self, values):
        """Repeat the value of each sequence for each of its tokens."""
        return np.repeat(values, self.lengths, axis=-1)

    def maxima(self, values):
        """Largest value of each sequence, along the last axis."""
        return np.maximum.reduceat(values, self.starts, axis=-1)

    def means(self, values, member=None):
        """Mean of the values of each sequence, computed as v + mean(z - v) with v the smallest value.

        With a boolean array `member`, the mean is taken over the tokens where it is True.
        """
        inside = values if member is None else np.where(member, values, np.inf)
        smallest = np.minimum.reduceat(inside, self.starts)
        # differences to the smallest value are exactly 0 where all values are equal, and their mean is that value
        above = values - self.per_token(smallest)
        if member is None:
            return smallest + np.add.reduceat(above, self.starts) / self.lengths
        counts = np.add.reduceat(member, self.starts, dtype=np.int64)
        return smallest + np.add.reduceat(np.where(member, above, 0.0), self.starts) / counts

    def soft_means(self, values, scores, temperature):
        """Softmax mean of each sequence, computed as v + sum w (z - v) / sum w, v the value of its first best token.

        The weights are w = exp((score - best score) / temperature).
        """
        best = self.per_token(self.maxima(scores))
        leaders = np.flatnonzero(scores == best)
        # the first leader of a sequence is the first one that does not lie before the start of the sequence
        first_leaders = leaders[np.searchsorted(leaders, self.starts)]
        leader_values = values[first_leaders]
        weights = np.exp((scores - best) / temperature)
        weighted_differences = np.add.reduceat(weights * (values - self.per_token(leader_values)), self.starts)
        return leader_values + weighted_differences / np.add.reduceat(weights, self.starts)


def similar_length_runs(lengths, n_scores, max_scores, max_ratio, small=0):
    """Cut sorted lengths into runs of similar length, each of which is padded to its longest one.

    Parameters
    ----------
    lengths : list of int
        In ascending order.
    n_scores : callable
        Number of scores that one sequence of a given length needs. A run of k sequences, the longest of length n, needs
        k n_scores(n).
    max_scores : int
        Largest number of scores of a run of several sequences.
    max_ratio : float
        Largest ratio of two lengths in a run.
    small : int, default=0
        Runs of at most this many scores may have any lengths.

    Yields
    ------
    slice
        Of `lengths`; all of them together, in order.
    """
    start = 0
    for stop in range(1, len(lengths) + 1):
        if stop < len(lengths):
            total = (stop + 1 - start) * n_scores(lengths[stop])
            is_similar = lengths[stop] <= max_ratio * lengths[start]
            if total <= small or (total <= max_scores and is_similar):
                continue
        yield slice(start, stop)
        start = stop
