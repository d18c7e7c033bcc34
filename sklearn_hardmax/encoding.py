"""What turns the tokens of a user into the tokens of a network: scale, positions, windows.

Scaling is by a shift and a power of two. The shift is the only rounding, at most half an ulp of the result, and it happens
here rather than inside the weights, where an offset of 1e8 would cost eight digits. Positions and neighbours make order
visible to a network that sees a sequence as a multiset of tokens.
"""

from dataclasses import dataclass

import numpy as np

_BLOCK_TOKENS = 512  # tokens
_SATURATION = 2.0**20  # encoded features of unseen tokens end here: a million training half-ranges


@dataclass(frozen=True)
class TokenScale:
    """Shift and power of two for each feature, so that the training tokens fill [-1, 1].

    center : (token_dim,), middle of the range of each feature.
    exponent : (token_dim,) int, the largest distance from the centre lies in [2^(exponent - 1), 2^exponent).

    A feature f becomes (f - center) / 2^exponent, ended at +-2^20: tokens further than a million half-ranges from the
    training tokens are read as if they stood there, so that no finite input overflows.
    """

    center: np.ndarray
    exponent: np.ndarray

    @classmethod
    def fit(cls, tokens):
        """From the tokens (n_tokens, token_dim); one pass in bounded memory."""
        low, high = np.full((2, tokens.shape[1]), [[np.inf], [-np.inf]])
        step = max(_BLOCK_TOKENS, 2**15 // tokens.shape[1])
        for start in range(0, len(tokens), step):
            columns = np.array(tokens[start : start + step].T, dtype=np.float64, order="C")
            np.minimum(low, columns.min(axis=1), out=low)
            np.maximum(high, columns.max(axis=1), out=high)
        center = low / 2 + high / 2
        half_range = np.maximum(high - center, center - low)
        _, exponent = np.frexp(np.where(half_range > 0, half_range, np.abs(center)))
        return cls(center, exponent.astype(np.int64))

    def columns(self, tokens, out):
        """Encode tokens (n, token_dim) into the rows of out (token_dim or more, n), one contiguous row a feature."""
        # two factors, since one power of two above 2^1023 or below 2^-1022 is no float
        first = np.ldexp(1.0, -self.exponent // 2)
        second = np.ldexp(1.0, -self.exponent - (-self.exponent // 2))
        if (np.abs(self.exponent) < 1000).all():
            first, second = first * second, None
        shift = self.center * first if second is None else self.center * first * second
        rows = out[: tokens.shape[1], : len(tokens)]
        for start in range(0, len(tokens), _BLOCK_TOKENS):  # rows turn into columns inside the cache
            rows[:, start : start + _BLOCK_TOKENS] = tokens[start : start + _BLOCK_TOKENS].T
        with np.errstate(over="ignore"):  # an overflow saturates
            rows *= first[:, None]
            if second is not None:
                rows *= second[:, None]
            rows -= shift[:, None]
            np.clip(rows, -_SATURATION, _SATURATION, out=rows)
        return out


def relative_positions(offsets):
    """Position i / (n - 1) of every token in its sequence of n tokens, 0 for n = 1; shape (n_tokens,).

    Parameters
    ----------
    offsets : ndarray of shape (n_sequences + 1,)

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_hardmax.encoding import relative_positions
    >>> relative_positions(np.array([0, 3, 4]))
    array([0. , 0.5, 1. , 0. ])
    """
    index, lengths = positions(offsets)
    return index / np.maximum(lengths - 1, 1)


def positions(offsets):
    """Index of every token in its sequence, and the length of that sequence; two int64 arrays of shape (n_tokens,)."""
    lengths = np.diff(offsets)
    return np.arange(offsets[-1] - offsets[0]) - np.repeat(offsets[:-1] - offsets[0], lengths), np.repeat(
        lengths, lengths
    )


def sinusoidal_positions(offsets, n_features):
    """Sines and cosines of the index at geometric wavelengths from 2 pi to 2 pi 10000; shape (n_tokens, n_features).

    Feature 2k is sin(i / 10000^(2k / n_features)), feature 2k + 1 the cosine (Vaswani et al., Attention is all you need,
    2017, section 3.5). n_features is even.
    """
    index, _ = positions(offsets)
    rates = 10000.0 ** (-np.arange(0, n_features, 2) / n_features)
    angles = index[:, None] * rates
    return np.stack([np.sin(angles), np.cos(angles)], axis=2).reshape(len(index), n_features)


def window_shifts(window, dilation):
    """Index differences of the neighbours in a window: `window` of them, `dilation` apart, centred; int64."""
    return (np.arange(window) - (window - 1) // 2) * dilation


def windows(tokens, offsets, window, dilation=1):
    """Every token with its neighbours, zeros beyond the ends of its sequence; shape (n_tokens, window * token_dim).

    Parameters
    ----------
    tokens : ndarray of shape (n_tokens, token_dim)
    offsets : ndarray of shape (n_sequences + 1,)
    window : int
        Number of tokens in a window, the token itself among them; the neighbours in time order.
    dilation : int
        Distance between the tokens of a window.

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
    wide = np.zeros((len(tokens), window, tokens.shape[1]), dtype=tokens.dtype)
    for k, shift in enumerate(window_shifts(window, dilation).tolist()):
        inside = np.flatnonzero((index + shift >= 0) & (index + shift < lengths))
        wide[inside, k] = tokens[inside + shift]
    return wide.reshape(len(tokens), window * tokens.shape[1])
