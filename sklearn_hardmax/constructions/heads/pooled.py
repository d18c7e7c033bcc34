"""Pooled features of a sequence ("heads"), computed in integer arithmetic so that every sum is exact.

Tokens are standardised, then rounded to a grid of integers. A *score* S is a linear form of these integers with integer
coefficients; S_i is the score of token i. A *head* pools one score over the n tokens of a sequence. Some kinds of head have
an integer bias b. ppv is the proportion of positive values, Rocket's term:

    kind   formula                 attention that computes it
    max    max_i S_i               leader attention: hardmax attention of rank one, with a constant query, key S and value S
    ppv    mean_i 1[S_i > b]       hidden units relu(S_i - b) - relu(S_i - b - 1), then uniform attention (rank zero)
    mean   mean_i relu(S_i - b)    a hidden unit relu(S_i - b), then uniform attention (rank zero)

Scores and biases are integers, so the ramp of width one, relu(S - b) - relu(S - b - 1), equals the step 1[S > b]: a
transformer computes a ppv exactly. Sums of integers are exact in any order, so pooled sums are the same bits for a sequence
alone and in any batch, chunk or order, on any number of workers, computed by matrix products or by single additions.

`PooledHeads` is the base of all families of heads: `SeriesHeads` (series.py), whose scores are kernels on dilated windows of
ordered sequences, `DifferenceHeads` (differences.py), the same on differences of tokens, and `SetHeads` (sets.py), whose
scores compare a token with training tokens. `HeadFamilies` (families.py) are several of them side by side.

To add a family: write a subclass of `PooledHeads` and a function that samples it in a module of this folder, name it in
families.py, and add it to the tests of tests/constructions/heads/test_pooled.py that run for all families. `head_windows`
in estimators/inspection.py asks families with `windows_of`; plotting/leader_marks.py parses the names of SetHeads. To add a
kind: extend `KINDS` and `PooledHeads.features_of` here, the layers in scoring/network.py, and the exact sums in
scoring/readout.py.
"""

from collections import Counter
from dataclasses import dataclass
from functools import partial

import numpy as np
from sklearn.utils import gen_even_slices

from sklearn_hardmax.constructions.common.batches import count_jobs, in_batches, in_rounds
from sklearn_hardmax.constructions.common.exact_sums import exact_sum
from sklearn_hardmax.constructions.heads.reductions import HEAD_CHUNK_TOKENS, BufferPool, chunks_by_length
from sklearn_hardmax.encoding import TokenScale, ranges

KINDS = ("max", "ppv", "mean")
MAX, PPV, MEAN = range(len(KINDS))
_SAMPLE = 1024  # training tokens, at most, whose scores determine biases
_GOLDEN = (5**0.5 - 1) / 2
_BLOCK_NUMBERS = 2**18  # numbers (tokens times features) that are held at once while fitting
_BLOCK_SUMS = 2**22  # numbers (heads times sequences) in the pooled sums of a chunk


@dataclass(frozen=True)
class Standardisation:
    """Map tokens to features of mean 0 and variance 1, clipped at the range of the training tokens.

    Attributes
    ----------
    scale : TokenScale
        Shift and power of two, applied first, so that no finite token overflows.
    mean, deviation : ndarray of shape (token_dim,)
        Mean and standard deviation of the scaled training tokens. A constant feature has deviation 1.
    largest : ndarray of shape (token_dim,)
        Largest modulus of each standardised feature; larger values are clipped.
    """

    scale: TokenScale
    mean: np.ndarray
    deviation: np.ndarray
    largest: np.ndarray

    @classmethod
    def fit(cls, tokens, max_deviations, n_jobs=None):
        """From training tokens (n_tokens, token_dim), clipped at most at max_deviations; three passes in bounded memory.

        Sums over tokens are exact (common/exact_sums.py): the result is the same bits for any order and n_jobs.
        """
        n_tokens = len(tokens)
        parts = [tokens[rows] for rows in gen_even_slices(n_tokens, min(n_tokens, count_jobs(n_jobs)))]

        def passed(function, *arguments):
            tasks = ((part, *arguments) for part in parts)
            return zip(*in_rounds(function, tasks, n_jobs, prefer="threads"))

        lows, highs = passed(ranges)
        scale = TokenScale.from_ranges(np.min(lows, axis=0), np.max(highs, axis=0))
        # one pass for the means, a second one for the variances and the largest moduli about these means
        sums, _ = passed(cls._sums, n_tokens, scale, None)
        mean = np.sum(sums, axis=0) / n_tokens
        squares, reach = passed(cls._sums, n_tokens, scale, mean)
        deviation = np.sqrt(np.sum(squares, axis=0) / n_tokens)
        # a constant feature encodes as 0 up to rounding
        deviation = np.where(deviation > 2.0**-40, deviation, 1.0)
        return cls(scale, mean, deviation, np.minimum(np.max(reach, axis=0) / deviation, max_deviations))

    @classmethod
    def _sums(cls, tokens, n_tokens, scale, mean):
        """Exact sums over some of n_tokens tokens, and largest moduli, (token_dim,) each.

        Without a mean the sum of the scaled tokens; with it that of their squared differences from it.
        """
        token_dim = tokens.shape[1]
        sums, reach = np.zeros((2, token_dim))
        step = max(1, _BLOCK_NUMBERS // token_dim)
        for start in range(0, len(tokens), step):
            z = cls._scaled(scale, tokens[start : start + step])
            if mean is not None:
                z -= mean[:, None]
                reach = np.maximum(reach, np.maximum(z.max(axis=1), -z.min(axis=1)))
                z *= z
            # scaled training tokens lie in [-1, 1]: their difference from a mean is at most 2, its square 4
            sums += exact_sum(z, 4.0, n_tokens)
        return sums, reach

    @staticmethod
    def _scaled(scale, tokens):
        return scale.columns(tokens, np.empty((tokens.shape[1], len(tokens))))

    def columns(self, tokens):
        """Standardised tokens, one contiguous row per feature: (token_dim, n) float64. Every operation is elementwise."""
        z = self._scaled(self.scale, tokens)
        z -= self.mean[:, None]
        z /= self.deviation[:, None]
        return np.clip(z, -self.largest[:, None], self.largest[:, None], out=z)

    def integers(self, z, feature, levels):
        """One feature of standardised tokens z (token_dim, n) in [-levels, levels], (n,) float64; a constant is 0."""
        largest = self.largest[feature]
        return np.rint(z[feature] * (levels / largest if largest > 0 else 0.0))

    @property
    def log_deviations(self):
        """Decimal logarithms of the standard deviations of the features in user units, (token_dim,)."""
        return np.log10(self.deviation) + self.scale.exponent * np.log10(2.0)

    def raw(self, z):
        """A standardised token (token_dim,) in user units, up to rounding."""
        return np.ldexp(z * self.deviation + self.mean, self.scale.exponent) + self.scale.center


class PooledHeads:
    """Base of all families of heads: pools integer scores over chunks of sequences and turns them into features.

    A subclass gives the following. The two families are frozen dataclasses, whose fields and properties provide these.

    Attributes
    ----------
    standardisation : Standardisation
    n_heads : int
        Number of heads, F.
    n_columns : int
        Number of heads that `_pool` evaluates, at least n_heads; the first n_heads are returned.
    kinds : ndarray of int, shape (n_heads,)
        MAX, PPV or MEAN.
    unit : float or ndarray of shape (n_heads,)
        Power of two by which the score of each head is divided in features.
    largest_score : int
        Bound on the moduli of scores minus biases.
    scale_floor : float
        Smallest scale of a feature in the ridge regression, as a multiple of the median scale of its kind (`floor` in
        scoring/ridge.py).
    chunk_tokens : int, optional
        About how many tokens a chunk has.
    is_ordered : bool, optional
        Whether heads depend on the order of tokens; False if it is not given.
    n_coordinates : int
        Number of integers per token in the input of the explicit network.
    coordinates : list of str, length n_coordinates
        Names of these integers.

    Methods to implement
    --------------------
    _pool(chunk, z, out, scratch)
        Write the integer sums of all heads to out (n_columns, B). chunk : Chunk of L rows and B columns; z : (token_dim, L B)
        standardised tokens, 0 where there is none; scratch : BufferPool. A sum is max_i S_i, the count of S_i > b, or
        sum_i relu(S_i - b).
    tokens(sequences)
        The integers of every token, (n_tokens, n_coordinates) float64: the input of the explicit network.
    forms()
        Scores as linear forms of these integers, (n_scores, n_coordinates) CSR; the score and the bias of each head,
        (n_heads,) each.
    names(features=None)
        A unique description of every head.
    """

    chunk_tokens = HEAD_CHUNK_TOKENS
    is_ordered = False

    @property
    def parts(self):
        """The families of heads."""
        return (self,)

    def sums(self, sequences):
        """Yield (chunk, block): a Chunk of sequences and the integer sums of all heads over their tokens, (n_heads, B).

        The block is float64 and overwritten by the next one; its entries are exact below 2^53.
        """
        block = np.empty(0)
        scratch = BufferPool()
        for chunk in self._chunks(sequences.lengths):
            n_sequences = len(chunk.indices)
            size = self.n_columns * n_sequences
            if block.size < size:
                block = np.empty(size)
            out = block[:size].reshape(self.n_columns, n_sequences)
            self._pool_chunk(sequences, chunk, out, scratch)
            yield chunk, out[: self.n_heads]

    def _pool_chunk(self, sequences, chunk, out, scratch):
        """Write the integer sums of all heads over the sequences of a chunk to out (n_columns, B)."""
        self._pool(chunk, self._arranged(sequences, chunk), out, scratch)

    def _chunks(self, lengths):
        return chunks_by_length(lengths, max(1, _BLOCK_SUMS // self.n_columns), self.chunk_tokens)

    def _arranged(self, sequences, chunk):
        """Standardised tokens in the flattened layout of a chunk, (token_dim, L B) float64, 0 where there is no token."""
        z = self.standardisation.columns(sequences[_as_slice(chunk.indices)].tokens)
        token_dim = len(z)
        length, width = chunk.shape
        # tokens come sequence after sequence; with one sequence that is already the layout of the chunk
        if width == 1:
            return z
        arranged = np.zeros((token_dim, length * width))
        if chunk.is_ragged:
            arranged[:, chunk.places()] = z
        else:
            # equal lengths: a transposition from (sequence, time) to (time, sequence)
            arranged.reshape(token_dim, length, width)[:] = z.reshape(token_dim, width, length).transpose(0, 2, 1)
        return arranged

    def feature_names(self, features=None):
        """Names for the features of a token: those given, or x0, x1, ..."""
        return [f"x{j}" for j in range(len(self.standardisation.mean))] if features is None else features

    def largest_sum(self, chunk):
        """Bound on the moduli of the sums of a chunk."""
        # a count is at most L; only means add up scores of several tokens
        n_added = chunk.n_rows if (self.kinds == MEAN).any() else 1
        return max(chunk.n_rows, self.largest_score * n_added)

    @property
    def scales(self):
        """Powers of two, (n_heads,), that sums are multiplied by in features, apart from the division by the length."""
        return np.where(self.kinds == PPV, 1.0, 1.0 / self.unit)

    def features_of(self, chunk, sums):
        """Feature values (n_heads, B) float64 from integer sums, in place."""
        # for equal lengths one column of divisors serves all sequences
        lengths = chunk.lengths if chunk.is_ragged else chunk.lengths[:1]
        # products with powers of two round nothing, so a feature is rounded once, in the division
        divisors = np.where(self.kinds[:, None] == MAX, 1, lengths) / self.scales[:, None]
        return np.divide(sums, divisors, out=sums)

    def features(self, sequences, dtype, n_jobs=None):
        """Features of all sequences, (n_sequences, n_heads)."""
        return in_batches(partial(self._features, dtype=dtype), sequences, n_jobs)

    def features_by_head(self, sequences, dtype, n_jobs=None):
        """Features (n_heads, N), one contiguous row per head, and the index of the sequence in each column, (N,)."""
        # Columns are in the order of the chunks for any n_jobs, for two reasons: writing to scattered columns costs as much
        # as pooling, and numbers that are computed from the columns later are rounded in this order.
        order = np.concatenate([chunk.indices for chunk in self._chunks(sequences.lengths)])
        if count_jobs(n_jobs) > 1:
            return np.ascontiguousarray(self.features(sequences, dtype, n_jobs)[order].T), order
        out = np.empty((self.n_heads, len(sequences)), dtype)
        first = 0
        for chunk, sums in self.sums(sequences):
            out[:, first : first + len(chunk.indices)] = self.features_of(chunk, sums)
            first += len(chunk.indices)
        return out, order

    def _features(self, sequences, dtype):
        out = np.empty((len(sequences), self.n_heads), dtype)
        for chunk, sums in self.sums(sequences):
            out[_as_slice(chunk.indices)] = self.features_of(chunk, sums).T
        return out


def _as_slice(indices):
    """The same indices as a slice if they are consecutive: a slice selects without a copy."""
    return slice(int(indices[0]), int(indices[-1]) + 1) if (np.diff(indices) == 1).all() else indices


def sample_tokens(n_tokens, rng):
    """Indices of the training tokens whose scores determine biases, ascending: all, or 1,024 at random."""
    return np.arange(n_tokens) if n_tokens <= _SAMPLE else np.sort(rng.randint(n_tokens, size=_SAMPLE))


def quantile_biases(ordered, n_biases):
    """Biases near quantiles of training scores: integers midway between neighbouring scores.

    Parameters
    ----------
    ordered : ndarray of int, shape (k, n)
        Scores of n training tokens, each row ascending.
    n_biases : int

    Returns
    -------
    ndarray of int64, shape (k, n_biases)
        The k * n_biases quantiles fill the interval from .05 to .95 evenly.
    """
    k, n = ordered.shape
    # the fractional parts of multiples of the golden ratio: a sequence of low discrepancy
    fractions = (np.arange(1, k * n_biases + 1) * _GOLDEN) % 1
    quantiles = 0.05 + 0.9 * fractions.reshape(k, n_biases)
    row = np.arange(k)[:, None]
    lower = np.minimum((quantiles * (n - 1)).astype(int), max(0, n - 2))
    upper = np.minimum(lower + 1, n - 1)
    # the sum of two int16 scores may need more than 16 bits; the shift rounds the midpoint down
    return (ordered[row, lower].astype(np.int64) + ordered[row, upper]) >> 1


def unique_names(names):
    """The names, with a number appended to the second and later ones of equal names, as in "name (2)"."""
    seen = Counter()
    out = []
    for name in names:
        seen[name] += 1
        out.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return out
