"""Turn input tokens into tokens of a network: scale the features, append positions and neighbouring tokens.

Features are scaled by a shift and a power of two. The shift is the only rounding, at most half an ulp of the result, and it
happens here rather than inside the weights, where an offset of 1e8 would cost eight digits. Positions and neighbours make
the order of tokens visible to a network that depends only on the multiset (token frequencies) of a sequence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from sklearn_hardmax._typing import AnyArray, FloatArray, IntArray

_BLOCK_TOKENS = 512  # tokens that are transposed at once
_BLOCK_NUMBERS = 2**15  # numbers whose ranges are computed at once
_SATURATION = 2.0**20  # largest absolute value of an encoded feature: a million training half-ranges


@dataclass(frozen=True)
class TokenScale:
    """Shift and power of two for each feature, so that the training tokens fill [-1, 1].

    A feature f becomes (f - center) / 2^exponent, clipped to +-2^20, so that no finite input overflows: tokens further than
    a million half-ranges from the training tokens are encoded as if they were at that distance.

    Attributes
    ----------
    center : ndarray of shape (token_dim,), float64
        Middle of the range of each feature.
    exponent : ndarray of shape (token_dim,), int64
        The largest distance of a training token from the center lies in [2^(exponent - 1), 2^exponent).
    """

    center: FloatArray
    exponent: IntArray

    @classmethod
    def fit(cls, tokens: AnyArray) -> Self:
        """Compute the scale of training tokens (n_tokens, token_dim); one pass in bounded memory."""
        return cls.from_ranges(*ranges(tokens))

    @classmethod
    def from_ranges(cls, low: FloatArray, high: FloatArray) -> Self:
        """The scale of training tokens with these smallest and largest features, (token_dim,) each."""
        # halved before they are added, since the sum of two large floats may overflow
        center = low / 2 + high / 2
        half_range = np.maximum(high - center, center - low)
        # frexp: half_range = mantissa 2^exponent with a mantissa in [1/2, 1); a constant feature is scaled by its own size
        _, exponent = np.frexp(np.where(half_range > 0, half_range, np.abs(center)))
        return cls(center, exponent.astype(np.int64))

    def columns(self, tokens: AnyArray, out: FloatArray) -> FloatArray:
        """Encode tokens (n, token_dim) into the first rows of out (token_dim or more, n), one contiguous row per feature."""
        # 2^-exponent as a product of two factors, since a power of two above 2^1023 or below 2^-1022 is not a normal float
        half = -self.exponent // 2
        first = np.ldexp(1.0, half)
        second = np.ldexp(1.0, -self.exponent - half)
        if (np.abs(self.exponent) < 1000).all():
            first = first * second
            second = None
        shift = self.center * first if second is None else self.center * first * second
        rows = out[: tokens.shape[1], : len(tokens)]
        # transposed block by block, so that a block stays in the cache
        for start in range(0, len(tokens), _BLOCK_TOKENS):
            rows[:, start : start + _BLOCK_TOKENS] = tokens[start : start + _BLOCK_TOKENS].T
        with np.errstate(over="ignore"):  # an overflow to infinity is clipped
            rows *= first[:, None]
            if second is not None:
                rows *= second[:, None]
            rows -= shift[:, None]
            np.clip(rows, -_SATURATION, _SATURATION, out=rows)
        return out


def ranges(tokens: AnyArray) -> tuple[FloatArray, FloatArray]:
    """Smallest and largest value of each feature of tokens (n_tokens, token_dim); one pass in bounded memory.

    Parameters
    ----------
    tokens : ndarray of shape (n_tokens, token_dim)

    Returns
    -------
    low, high : ndarray of shape (token_dim,), float64
        inf and -inf without tokens.
    """
    token_dim = tokens.shape[1]
    low = np.full(token_dim, np.inf)
    high = np.full(token_dim, -np.inf)
    step = max(_BLOCK_TOKENS, _BLOCK_NUMBERS // token_dim)
    for start in range(0, len(tokens), step):
        columns = np.array(tokens[start : start + step].T, dtype=np.float64, order="C")
        np.minimum(low, columns.min(axis=1), out=low)
        np.maximum(high, columns.max(axis=1), out=high)
    return low, high


def relative_positions(offsets: IntArray) -> FloatArray:
    """Position i / (n - 1) of every token in its sequence of n tokens, 0 for n = 1; shape (n_tokens,).

    Parameters
    ----------
    offsets : ndarray of shape (n_sequences + 1,), int64
        Sequence i holds the tokens offsets[i] to offsets[i + 1] - 1.

    Returns
    -------
    ndarray of shape (n_tokens,), float64

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_hardmax.encoding import relative_positions
    >>> relative_positions(np.array([0, 3, 4]))
    array([0. , 0.5, 1. , 0. ])
    """
    index, lengths = positions(offsets)
    return index / np.maximum(lengths - 1, 1)


def positions(offsets: IntArray) -> tuple[IntArray, IntArray]:
    """Index of every token in its sequence, and the length of that sequence; two int64 arrays of shape (n_tokens,)."""
    lengths = np.diff(offsets)
    first_tokens = offsets[:-1] - offsets[0]
    index = np.arange(offsets[-1] - offsets[0]) - np.repeat(first_tokens, lengths)
    return index, np.repeat(lengths, lengths)


def sinusoidal_positions(offsets: IntArray, n_features: int) -> FloatArray:
    """Sines and cosines of the position i of each token, at geometric wavelengths from 2 pi to 2 pi 10000.

    Feature 2k is sin(i / 10000^(2k / n_features)), feature 2k + 1 the cosine (Vaswani et al., Attention is all you need,
    2017, section 3.5).

    Parameters
    ----------
    offsets : ndarray of shape (n_sequences + 1,), int64
    n_features : int
        Even.

    Returns
    -------
    ndarray of shape (n_tokens, n_features), float64
    """
    index, _ = positions(offsets)
    rates = 10000.0 ** (-np.arange(0, n_features, 2) / n_features)
    angles = index[:, None] * rates
    return np.stack([np.sin(angles), np.cos(angles)], axis=2).reshape(len(index), n_features)


def window_shifts(window: int, dilation: int) -> IntArray:
    """Index differences between a token and the tokens of its window: `window` of them, `dilation` apart, centred; int64."""
    return (np.arange(window) - (window - 1) // 2) * dilation


def windows(tokens: AnyArray, offsets: IntArray, window: int, dilation: int = 1) -> AnyArray:
    """Concatenate every token with its neighbours; zeros replace neighbours beyond the ends of its sequence.

    Parameters
    ----------
    tokens : ndarray of shape (n_tokens, token_dim)
    offsets : ndarray of shape (n_sequences + 1,), int64
    window : int
        Number of tokens in a window, the token itself included; they are concatenated in time order.
    dilation : int, default=1
        Distance between the tokens of a window.

    Returns
    -------
    ndarray of shape (n_tokens, window * token_dim), of the dtype of the tokens

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_hardmax.encoding import windows
    >>> windows(np.array([[1.], [2.], [3.], [4.]]), np.array([0, 3, 4]), window=3)
    array([[0., 1., 2.],
           [1., 2., 3.],
           [2., 3., 0.],
           [0., 4., 0.]])
    """
    index, lengths = positions(offsets)
    joined = np.zeros((len(tokens), window, tokens.shape[1]), dtype=tokens.dtype)
    for k, shift in enumerate(window_shifts(window, dilation).tolist()):
        # tokens whose neighbour at this shift lies in the same sequence
        inside = np.flatnonzero((index + shift >= 0) & (index + shift < lengths))
        joined[inside, k] = tokens[inside + shift]
    return joined.reshape(len(tokens), window * tokens.shape[1])
