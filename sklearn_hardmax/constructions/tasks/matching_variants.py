r"""Find integers whose sum with two adjacent integers, or with two nearby ones, is a multiple of a given number M.

match3_bigram finds the integers x_i with x_i + x_j + x_(j+1) = 0 (mod M) for some j, match3_local those with x_i + x_j + x_k
= 0 (mod M) for some j, k at most `window` positions from i. The angles of matching.py are no use here: cos(t_j + t_(j+1)) is
a product, which no attention layer forms. So residues are added and compared as integers. Everything is an integer below
2^53 at every step: no score, no hidden unit and no sum is rounded, and scores tie only when equal.

*Fetch.* Token i attends to the token at position i + k: the score 2 (i + k) l - l^2 = (i + k)^2 - (i + k - l)^2 of position l
is largest at l = i + k, and where there is no such position, at the nearest end.

*Indicator.* For integers s, [s >= a] = relu(s - a + 1) - relu(s - a), and [s = a] = relu(s - a + 1) - 2 relu(s - a) +
relu(s - a - 1):

      1               _________       1            /\
                    /                            /    \
      0  _________/                   0  ______/        \______
               a - 1  a                     a - 1  a   a + 1

*match3_bigram.* (i) Fetch x_(i+1), and the position from which it comes. (ii) The residue of the pair, r = s - M [s >= M],
s = x_i + x_(i+1), and that of the number that i lacks, y = M [x_i >= 1] - x_i: indicators in one layer, M times them in the
next. (iii) One layer per binary digit, the highest first: d = [r >= 2^k], r <- r - 2^k d, and d is kept as +-1; the same for
y. (iv) One attention compares the L digits of y_i with those of r_l: they score L when all agree and at most L - 2 otherwise.
A blank, one more token at the end of the sequence, scores L - 1 and has value 0. The last token, which has fetched itself,
has no pair and scores 2 L less. In feed-forward layers no bias acts on the blank, so that its digits stay 0: constants are
weights on a coordinate that is 1 for every other token.

*match3_local.* (i) Fetch x_(i+k) for k = -window..window, one attention each; where there is no such position, the end that
is fetched instead is within the window too, so that it adds no wrong partner. (ii) For every two of these 2 window + 1
numbers an indicator that their sum with x_i is 0, M or 2 M, and (iii) the number of hits is cut off at 1.

(The tasks: Sanford, Hsu, Telgarsky, arXiv 2306.02896; the digits are ours.)
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np

from sklearn_hardmax.constructions.common import plans
from sklearn_hardmax.constructions.common.construction import Construction, ConstructionError
from sklearn_hardmax.constructions.tasks.matching import check_lengths, decode_answers, with_blank
from sklearn_hardmax.encoding import positions
from sklearn_hardmax.layers import Attention, FeedForward
from sklearn_hardmax.sequences import RaggedSequences
from sklearn_hardmax.sequences.checks import check_integer
from sklearn_hardmax.tasks import integer_tokens
from sklearn_hardmax.transformer import Transformer

LONGEST = 2**25  # tokens per sequence: scores of fetches, up to 3 n^2 in modulus, stay below 2^53
LARGEST_BIGRAM_MODULUS = 2**51  # sums of two residues, and 1 more, stay below 2^53
LARGEST_LOCAL_MODULUS = 2**50  # sums of three residues, and twice these, stay below 2^53

_INTEGER = ["x", "position", "square", "one"]  # the coordinates of an encoded integer, first in the stream


def build_match3_bigram(n: int, modulus: int) -> Construction:
    """Build a transformer that finds the integers x_i with neighbours x_j, x_(j+1) such that their sum is a multiple of M.

    The neighbours may be anywhere in the sequence, the integer itself among them.

    Parameters
    ----------
    n : int
        Largest length of a sequence, from 1 to 2^25; it does not change the size of the network.
    modulus : int
        M, from 2 to 2^51.

    Returns
    -------
    Construction
        `encode` takes sequences of non-negative integers, one per token, of up to n tokens; `decode` returns 1.0 or 0.0 for
        every token, RaggedSequences of one coordinate, equal to `tasks.match3_bigram`. `margin`: the gap of integer scores,
        1, in ulps.

    Raises
    ------
    ConstructionError
        A modulus above 2^51, for which sums are not exact.
    ValueError
        n or a modulus that is no integer or out of range. From `encode`: tokens that are no non-negative integers below 2^53,
        sequences longer than n. From `decode`: tokens that are no output of the network.

    Notes
    -----
    The task: Sanford, Hsu, Telgarsky, arXiv 2306.02896. L + 3 blocks of width at most 5 on 12 + 2 L coordinates, L =
    ceil(log2 M) digits; two attention layers.

    Examples
    --------
    >>> from sklearn_hardmax import RaggedSequences
    >>> from sklearn_hardmax.constructions import build_match3_bigram
    >>> from sklearn_hardmax.forward import apply
    >>> built = build_match3_bigram(4, 10)
    >>> X = RaggedSequences.from_series([[1, 3, 6, 9], [5, 5]])  # 1 + (3 + 6) and 6 + (1 + 3) are 10
    >>> built.decode(apply(built.transformer, built.encode(X))).tokens.ravel()
    array([1., 0., 1., 0., 0., 0.])
    """
    check_integer(n, "n", 1, LONGEST)
    _check_modulus(modulus, LARGEST_BIGRAM_MODULUS)
    task = _Bigram(int(n), int(modulus))
    return Construction(task.transformer(), task.encode, task.decode, _margin(task.n))


def build_match3_local(n: int, modulus: int, window: int) -> Construction:
    """Build a transformer that finds the integers x_i with two partners nearby such that their sum is a multiple of M.

    Partners may coincide with the integer and with each other.

    Parameters
    ----------
    n : int
        Largest length of a sequence, from 1 to 2^25; it does not change the size of the network.
    modulus : int
        M, from 2 to 2^50.
    window : int
        Largest distance of a partner in positions, from 0 to n - 1.

    Returns
    -------
    Construction
        `encode` takes sequences of non-negative integers, one per token, of up to n tokens; `decode` returns 1.0 or 0.0 for
        every token, RaggedSequences of one coordinate, equal to `tasks.match3_local`. `margin`: the gap of integer scores, 1,
        in ulps.

    Raises
    ------
    ConstructionError
        A modulus above 2^50, for which sums are not exact.
    ValueError
        n, a modulus or a window that is no integer or out of range. From `encode`: tokens that are no non-negative integers
        below 2^53, sequences longer than n. From `decode`: tokens that are no output of the network.
    MemoryError
        A window whose pairs need more than 2 GiB of weights.

    Notes
    -----
    The task: Sanford, Hsu, Telgarsky, arXiv 2306.02896. 2 window attention layers of rank 2, then feed-forward layers of
    9 (window + 1) (2 window + 1) units and of 1 unit, on 5 + 2 window coordinates.

    Examples
    --------
    >>> from sklearn_hardmax import RaggedSequences
    >>> from sklearn_hardmax.constructions import build_match3_local
    >>> from sklearn_hardmax.forward import apply
    >>> built = build_match3_local(4, 10, window=1)
    >>> X = RaggedSequences.from_series([[1, 3, 6, 4], [0]])  # 3 is between 1 and 6; 0 is its own partner, twice
    >>> built.decode(apply(built.transformer, built.encode(X))).tokens.ravel()
    array([0., 1., 0., 0., 1.])
    """
    check_integer(n, "n", 1, LONGEST)
    check_integer(window, "window", 0, n - 1)
    _check_modulus(modulus, LARGEST_LOCAL_MODULUS)
    task = _Local(int(n), int(modulus), int(window))
    return Construction(task.transformer(), task.encode, task.decode, _margin(task.n))


def _check_modulus(modulus, largest):
    check_integer(modulus, "modulus", 2)
    if modulus > largest:
        raise ConstructionError(
            f"modulus must be at most {largest}, where all sums are integers that float64 holds, got {modulus}; the "
            "functions of sklearn_hardmax.tasks go further."
        )


def _margin(n):
    """The smallest gap of integer scores, 1, in ulps of the largest score, that of a fetch or that of up to 51 digits."""
    return float(1 / np.spacing(max(3.0 * n * n, 64.0)))


class _StreamLayout:
    """The named coordinates of the residual stream, and layers whose weights are given by name."""

    def __init__(self, names):
        self.names = names
        self._index = {name: c for c, name in enumerate(names)}

    def row(self, **weights):
        """A row of weights (D,), 0 on all coordinates that are not named."""
        out = np.zeros(len(self.names))
        for name, weight in weights.items():
            out[self._index[name]] = weight
        return out

    def attention(self, query, key, copies):
        """Attention with these rows, which adds the mean of each coordinate in the dict `copies` to its target there."""
        value = [self.row(**{source: 1.0}) for source in copies]
        output = [self.row(**{target: 1.0}) for target in copies.values()]
        return Attention(query, key, value, np.transpose(output))

    def fetch(self, k, copies):
        """Attention to the token k positions further on: the products (2 (position + k)) l and -l^2 add up to its score."""
        query = [self.row(position=2, one=2 * k), self.row(one=-1)]
        key = [self.row(position=1), self.row(square=1)]
        return self.attention(query, key, copies)

    def feed_forward(self, units):
        """Residual layer of hidden units (input weights, bias, output weights), the weights by name."""
        U, b, W = zip(*((self.row(**inputs), bias, self.row(**outputs)) for inputs, bias, outputs in units))
        return FeedForward(U, b, np.transpose(W))


class _Bigram(NamedTuple):
    """The network of match3_bigram for sequences of up to n integers."""

    n: int
    modulus: int

    @property
    def n_digits(self):
        """Binary digits of a residue, L."""
        return (self.modulus - 1).bit_length()

    def stream(self):
        digits = [f"{side}{k}" for side in ("pair_digit", "lack_digit") for k in range(self.n_digits)]
        registers = ["next", "next_position", "carry", "positive", "pair", "lack"]
        return _StreamLayout([*_INTEGER, "blank", *registers, *digits, "match"])

    def transformer(self):
        """Steps (i) to (iv) of the module's docstring."""
        stream = self.stream()
        digits = [self._digit(stream, k) for k in reversed(range(self.n_digits))]
        return Transformer([self._fetch(stream), *self._residues(stream), *digits, self._compare(stream)], stream.names)

    def _fetch(self, stream):
        # two products per score: (2 (position + 1)) l and -l^2. The blank, at position -1 and without `one`, scores -2 l: it
        # attends to the lowest position, its own
        return stream.fetch(1, {"x": "next", "position": "next_position"})

    def _residues(self, stream):
        M = self.modulus
        s = {"x": 1, "next": 1}
        # carry = [s >= M] and positive = [x >= 1], two hidden units each
        indicators = [
            ({**s, "one": 1 - M}, 0, {"carry": 1}),
            ({**s, "one": -M}, 0, {"carry": -1}),
            ({"x": 1}, 0, {"positive": 1}),
            ({"x": 1, "one": -1}, 0, {"positive": -1}),
        ]
        # pair = s - M carry and lack = M positive - x; all of these are at least 0, so that relu changes nothing
        sums = [
            (s, 0, {"pair": 1}),
            ({"carry": 1}, 0, {"pair": -M}),
            ({"positive": 1}, 0, {"lack": M}),
            ({"x": 1}, 0, {"lack": -1}),
        ]
        return stream.feed_forward(indicators), stream.feed_forward(sums)

    def _digit(self, stream, k):
        """One layer that writes 2 d - 1 for digit d = [number >= 2^k] of `pair` and of `lack`, and subtracts 2^k d."""
        # -1 for both, then 2 [number >= 2^k] by two hidden units each; powers of two times integers up to 2^k: exact
        units = [({"one": 1}, 0, {f"pair_digit{k}": -1, f"lack_digit{k}": -1})]
        for number in ("pair", "lack"):
            for start, sign in ((2**k - 1, 1), (2**k, -1)):
                units.append(({number: 1, "one": -start}, 0, {number: -sign * 2**k, f"{number}_digit{k}": 2 * sign}))
        return stream.feed_forward(units)

    def _compare(self, stream):
        L = self.n_digits
        query = [stream.row(**{f"lack_digit{k}": 1}) for k in range(L)]
        key = [stream.row(**{f"pair_digit{k}": 1}) for k in range(L)]
        # one more product per score: 0 for tokens with a next one, -2 L for the last (it fetched its own position), L - 1 for
        # the blank
        extra = stream.row(next_position=2 * L, position=-2 * L, one=-2 * L, blank=L - 1)
        return stream.attention([*query, stream.row(one=1)], [*key, extra], {"one": "match"})

    def encode(self, X):
        """Every integer as (residue, position, its square, 1, 0, ..), and the blank at position -1, last."""
        stream = self.stream()
        sequences, tokens = _encode_residues(X, self.n, self.modulus, len(stream.names))
        return with_blank(sequences, tokens, stream.row(position=-1, square=1, blank=1))

    def decode(self, tokens):
        """1.0 or 0.0 for every integer."""
        return decode_answers(tokens, len(self.stream().names), has_blank=True)


class _Local(NamedTuple):
    """The network of match3_local for sequences of up to n integers."""

    n: int
    modulus: int
    window: int

    @property
    def shifts(self):
        """Distances of the partners that are fetched; the token itself is there already."""
        return [k for k in range(-self.window, self.window + 1) if k]

    def stream(self):
        return _StreamLayout([*_INTEGER, *(f"x{k:+}" for k in self.shifts), "match"])

    def transformer(self):
        """Steps (i) to (iii) of the module's docstring."""
        stream = self.stream()
        n_units = 9 * (self.window + 1) * (2 * self.window + 1)
        plans.check_memory(n_units * (2 * len(stream.names) + 1))
        fetches = [self._fetch(stream, k) for k in self.shifts]
        # hits - relu(hits - 1) = min(hits, 1)
        cut_off = stream.feed_forward([({"match": 1}, -1, {"match": -1})])
        return Transformer([*fetches, self._sums(stream), cut_off], stream.names)

    def _fetch(self, stream, k):
        return stream.fetch(k, {"x": f"x{k:+}"})

    def _sums(self, stream):
        """One layer that counts the pairs of partners, three hidden units for each pair and each of the sums 0, M, 2 M."""
        M = self.modulus
        units = []
        numbers = ["x", *(f"x{k:+}" for k in self.shifts)]
        for pair in itertools.combinations_with_replacement(numbers, 2):
            # weight 2 or 3 where the partners are equal to each other or to the token
            triple = ("x", *pair)
            inputs = {name: float(triple.count(name)) for name in triple}
            for wanted in (0, M, 2 * M):
                # relu(s - wanted + 1) - 2 relu(s - wanted) + relu(s - wanted - 1)
                units += [(inputs, 1 - wanted + shift, {"match": sign}) for shift, sign in ((0, 1), (-1, -2), (-2, 1))]
        return stream.feed_forward(units)

    def encode(self, X):
        """Every integer as (residue, position, its square, 1, 0, ..)."""
        sequences, tokens = _encode_residues(X, self.n, self.modulus, len(self.stream().names))
        return RaggedSequences.from_flat(tokens, sequences.lengths)

    def decode(self, tokens):
        """1.0 or 0.0 for every integer."""
        return decode_answers(tokens, len(self.stream().names), has_blank=False)


def _encode_residues(X, n, modulus, width):
    """User integers as sequences, and tokens (residue, position, square of the position, 1, 0, ..) of this width."""
    sequences, x = integer_tokens(X)
    check_lengths(sequences, n)
    index, _ = positions(sequences.offsets)
    tokens = np.zeros((len(x), width))
    tokens[:, :4] = np.stack([x % modulus, index, index**2, np.ones(len(x))], axis=1)
    return sequences, tokens
