"""Heads: numbers pooled from the tokens of a sequence that generalise, in integers.

A *score* S is a linear form with integer coefficients on integer tokens (tokens standardised, then rounded to a grid). A
*head* pools one score over the n tokens of a sequence:

    max     max_i S_i                                                     a leader read: hardmax attention of rank one
    ppv     mean_i 1[S_i > b] = mean_i (relu(S_i - b) - relu(S_i - b - 1))    a ramp of width one and uniform attention
    mean    mean_i relu(S_i - b)                                          a hidden unit and uniform attention

Since scores and biases are integers, the ramp of width one is a step, so that a proportion of positive values is exactly a
transformer's doing. And since sums of integers are exact in any order, pooled sums are the same bits alone, in any batch,
chunk or order, on any number of workers, whether a product or single additions made them.

Scores of ordered sequences are kernels on dilated windows (series_heads.py), those of multisets random directions
(set_heads.py).
"""

from collections import Counter
from dataclasses import dataclass
from functools import partial

import joblib
import numpy as np

from sklearn_hardmax.constructions.common.batches import in_batches
from sklearn_hardmax.constructions.heads.reductions import HEAD_CHUNK_TOKENS, BufferPool, chunks_by_length
from sklearn_hardmax.encoding import TokenScale

MAX, PPV, MEAN = 0, 1, 2
KINDS = ("max", "ppv", "mean")
_SAMPLE = 1024
_GOLDEN = (5**0.5 - 1) / 2
_BLOCK_NUMBERS = 2**18  # numbers of tokens that are held together while fitting
_BLOCK_SUMS = 2**22  # and of pooled sums of a chunk


@dataclass(frozen=True)
class Standardisation:
    """What makes user tokens comparable: shift, power of two, then mean 0 and variance 1, ended at the training extremes.

    scale : TokenScale; mean, deviation : (token_dim,) of the scaled training tokens, a constant feature has deviation 1;
    largest : (token_dim,) moduli that standardised features end at.
    """

    scale: TokenScale
    mean: np.ndarray
    deviation: np.ndarray
    largest: np.ndarray

    @classmethod
    def fit(cls, tokens, most):
        """From the tokens (n_tokens, token_dim), at most `most` deviations; three passes in bounded memory."""
        scale = TokenScale.fit(tokens)
        step = max(1, _BLOCK_NUMBERS // tokens.shape[1])
        moments, reach = np.zeros((2, tokens.shape[1])), np.zeros(tokens.shape[1])
        for power in (0, 1):
            for start in range(0, len(tokens), step):
                z = cls._scaled(scale, tokens[start : start + step])
                if power == 1:
                    z -= moments[0][:, None]
                    reach = np.maximum(reach, np.maximum(z.max(axis=1), -z.min(axis=1)))
                    z *= z
                moments[power] += z.sum(axis=1)
            moments[power] /= len(tokens)
        deviation = np.sqrt(moments[1])
        # a constant feature encodes as 0 up to rounding
        deviation = np.where(deviation > 2.0**-40, deviation, 1.0)
        return cls(scale, moments[0], deviation, np.minimum(reach / deviation, most))

    @staticmethod
    def _scaled(scale, tokens):
        return scale.columns(tokens, np.empty((tokens.shape[1], len(tokens))))

    def columns(self, tokens):
        """Standardised tokens, one contiguous row a feature, (token_dim, n) float64; elementwise."""
        z = self._scaled(self.scale, tokens)
        z -= self.mean[:, None]
        z /= self.deviation[:, None]
        return np.clip(z, -self.largest[:, None], self.largest[:, None], out=z)

    @property
    def log_deviations(self):
        """Decimal logarithms of the standard deviations of the features, (token_dim,)."""
        return np.log10(self.deviation) + self.scale.exponent * np.log10(2.0)

    def raw(self, z):
        """A standardised token (token_dim,) in the units of the user, up to rounding."""
        return np.ldexp(z * self.deviation + self.mean, self.scale.exponent) + self.scale.center


class PooledHeads:
    """What the heads of series and of sets have in common; `_pool(chunk, z, out, scratch)` is theirs.

    Attributes: standardisation, n_heads, kinds (F,) of MAX, PPV, MEAN, and `unit`, the power of two that a score, or that
    of each head, is divided by in features; largest_score, a bound on scores less biases; scale_floor of ridge.py. They
    evaluate n_columns >= n_heads heads, the first n_heads of which count.
    """

    chunk_tokens = HEAD_CHUNK_TOKENS

    def sums(self, sequences):
        """Yield (chunk, block): a Chunk of sequences and the integer sums of all heads over their tokens (n_heads, B).

        The block is float64 and overwritten by the next; entries are exact below 2^53.
        """
        block, scratch = np.empty(0), BufferPool()
        for chunk in self._chunks(sequences.lengths):
            size = self.n_columns * len(chunk.rows)
            if block.size < size:
                block = np.empty(size)
            out = block[:size].reshape(self.n_columns, len(chunk.rows))
            self._pool(chunk, self._side_by_side(sequences, chunk), out, scratch)
            yield chunk, out[: self.n_heads]

    def _chunks(self, lengths):
        return chunks_by_length(lengths, max(1, _BLOCK_SUMS // self.n_columns), self.chunk_tokens)

    def _side_by_side(self, sequences, chunk):
        """Standardised tokens of a chunk, (token_dim, L B) float64, 0 where there is none."""
        z = self.standardisation.columns(sequences[_as_slice(chunk.rows)].tokens)
        if len(chunk.rows) == 1:
            return z
        side = np.zeros((len(z), chunk.n_rows * len(chunk.rows)))
        if chunk.is_ragged:
            side[:, chunk.places()] = z
        else:
            side.reshape(len(z), *chunk.shape)[:] = z.reshape(len(z), *chunk.shape[::-1]).transpose(0, 2, 1)
        return side

    def feature_names(self, features=None):
        """Names for the features of a token: those given, or x0, x1, ..."""
        return [f"x{j}" for j in range(len(self.standardisation.mean))] if features is None else features

    def largest_sum(self, chunk):
        """Bound on the moduli of the sums of a chunk."""
        return max(chunk.n_rows, self.largest_score * (chunk.n_rows if (self.kinds == MEAN).any() else 1))

    @property
    def scales(self):
        """What turns sums into features, beside the length: (n_heads,) powers of two."""
        return np.where(self.kinds == PPV, 1.0, 1.0 / self.unit)

    def features_of(self, chunk, sums):
        """Feature values (n_heads, B) float64 from integer sums, in place."""
        lengths = chunk.lengths if chunk.is_ragged else chunk.lengths[:1]
        # products with powers of two round nothing
        return np.divide(sums, np.where(self.kinds[:, None] == MAX, 1, lengths) / self.scales[:, None], out=sums)

    def features(self, sequences, dtype, n_jobs=None):
        """Features of all sequences, (N, n_heads)."""
        return in_batches(partial(self._features, dtype=dtype), sequences, n_jobs)

    def features_by_head(self, sequences, dtype, n_jobs=None):
        """Features (n_heads, N), one contiguous row a head, and the sequence that each column holds, (N,)."""
        # in the order of the chunks for any n_jobs: columns that are deviation cost as much as pooling, and what is computed
        # from them later is rounded in this order
        order = np.concatenate([chunk.rows for chunk in self._chunks(sequences.lengths)])
        if joblib.effective_n_jobs(n_jobs) > 1:
            return np.ascontiguousarray(self.features(sequences, dtype, n_jobs)[order].T), order
        out, first = np.empty((self.n_heads, len(sequences)), dtype), 0
        for chunk, sums in self.sums(sequences):
            out[:, first : first + len(chunk.rows)] = self.features_of(chunk, sums)
            first += len(chunk.rows)
        return out, order

    def _features(self, sequences, dtype):
        out = np.empty((len(sequences), self.n_heads), dtype)
        for chunk, sums in self.sums(sequences):
            out[_as_slice(chunk.rows)] = self.features_of(chunk, sums).T
        return out


def _as_slice(rows):
    """The same rows as a slice where they follow each other."""
    return slice(int(rows[0]), int(rows[-1]) + 1) if (np.diff(rows) == 1).all() else rows


def sample_tokens(n_tokens, rng):
    """Indices of the tokens that biases are taken from, ascending: all, or 1,024 at random."""
    return np.arange(n_tokens) if n_tokens <= _SAMPLE else np.sort(rng.randint(n_tokens, size=_SAMPLE))


def quantile_biases(ordered, n_biases):
    """Integers between neighbouring scores (k, n) at quantiles .05 to .95 that fill the interval evenly; (k, n_biases)."""
    k, n = ordered.shape
    quantiles = 0.05 + 0.9 * ((np.arange(1, k * n_biases + 1) * _GOLDEN) % 1).reshape(k, n_biases)
    at = np.minimum((quantiles * (n - 1)).astype(int), max(0, n - 2))
    row = np.arange(k)[:, None]
    return (ordered[row, at].astype(np.int64) + ordered[row, np.minimum(at + 1, n - 1)]) >> 1


def unique_names(names):
    """The names, the second and later of equal ones with their count."""
    seen, out = Counter(), []
    for name in names:
        seen[name] += 1
        out.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return out
