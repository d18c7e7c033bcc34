"""Heads on the differences of neighbouring tokens, x_t - x_(t-1), and 0 at the first token of a sequence.

`DifferenceHeads` are heads of series of another kind of tokens: everything but the tokens is done by `SeriesHeads`. Half of
the difference is taken, x_t / 2 - x_(t-1) / 2, which no finite tokens overflow; standardisation undoes the factor.
"""

from dataclasses import dataclass

import numpy as np

from sklearn_hardmax.constructions.heads.pooled import PooledHeads
from sklearn_hardmax.constructions.heads.series import SeriesHeads
from sklearn_hardmax.constructions.heads.series_sampling import sample_series_heads
from sklearn_hardmax.sequences import RaggedSequences


def differences(sequences):
    """Sequences of halves of the differences of neighbouring tokens, float64; of the same lengths."""
    halves = sequences.tokens * np.float64(0.5)
    out = np.zeros_like(halves)
    np.subtract(halves[1:], halves[:-1], out=out[1:])
    out[sequences.offsets[:-1]] = 0.0
    return RaggedSequences._trusted(out, sequences.offsets)


@dataclass(frozen=True)
class DifferenceHeads(PooledHeads):
    """Heads of series on the differences of neighbouring tokens.

    Attributes
    ----------
    inner : SeriesHeads
        The heads of the differences.
    """

    inner: SeriesHeads

    scale_floor = SeriesHeads.scale_floor
    is_ordered = True

    @property
    def standardisation(self):
        """Of the differences."""
        return self.inner.standardisation

    @property
    def n_heads(self):
        """Number of heads."""
        return self.inner.n_heads

    @property
    def n_columns(self):
        """Number of heads that are evaluated."""
        return self.inner.n_columns

    @property
    def kinds(self):
        """MAX, PPV or MEAN of every head, (n_heads,)."""
        return self.inner.kinds

    @property
    def unit(self):
        """Power of two that the scores of each head are divided by in features, (n_heads,)."""
        return self.inner.unit

    @property
    def largest_score(self):
        """Bound on the moduli of scores."""
        return self.inner.largest_score

    def _arranged(self, sequences, chunk):
        taken = differences(sequences[chunk.indices])
        return self.inner._arranged(taken, chunk._replace(indices=np.arange(len(taken))))

    def _pool(self, chunk, z, out, scratch):
        self.inner._pool(chunk, z, out, scratch)

    @property
    def n_coordinates(self):
        """Number of integers per token in the input of the explicit network."""
        return self.inner.n_coordinates

    @property
    def coordinates(self):
        """Names of the integers of a token in the input of the explicit network."""
        return [f"difference of {name}" for name in self.inner.coordinates]

    def tokens(self, sequences):
        """The integers of every token, input of the explicit network, (n_tokens, n_coordinates) float64."""
        return self.inner.tokens(differences(sequences))

    def forms(self):
        """Scores as linear forms of these integers; see `PooledHeads`."""
        return self.inner.forms()

    def names(self, features=None):
        """Descriptions of all heads, unique, (n_heads,) list of str; a channel is the "change of" a feature."""
        return self.inner.names([f"change of {name}" for name in self.feature_names(features)])

    def windows_of(self, heads):
        """Kernels and dilations (n,), and features in use (n, token_dim) bool, of the heads of these indices (n,)."""
        return self.inner.windows_of(heads)


def sample_difference_heads(sequences, n_heads, rng, n_jobs=None):
    """Sample n_heads heads of differences for training sequences; see `sample_series_heads`."""
    return DifferenceHeads(sample_series_heads(differences(sequences), n_heads, rng, n_jobs))
