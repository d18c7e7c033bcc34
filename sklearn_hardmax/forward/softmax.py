"""Softmax attention: weights exp(score / temperature) on all tokens of a sequence.

A mean is v + sum w_l (z_l - v) / sum w_l with v the value of the best score: at a small temperature it is v bit for bit.
Where all tokens of a sequence ask alike they get one mean, in one pass over the tokens; elsewhere each row of the n x n
scores gives a mean, in blocks of rows, O(block + n) numbers at a time.
"""

import numpy as np

from sklearn_hardmax.forward.ties import inner_products

_BLOCK_SCORES = 2**20  # scores that are held at once


def attend(layer, stream, segments, coordinates):
    """Softmax mean of the tokens for each token (D, n), filled at these coordinates."""
    asks, _ = inner_products(layer.query, stream)
    keys, _ = inner_products(layer.key, stream)
    alike = (segments.maxima(asks) == np.minimum.reduceat(asks, segments.starts, axis=1)).all(axis=0)
    scores = _pair_sums(segments.per_token(asks[:, segments.starts]), keys)
    means = np.zeros_like(stream)
    with np.errstate(over="ignore"):  # a gap beyond the range of float64 has weight 0
        for c in coordinates:
            means[c] = segments.per_token(segments.soft_means(stream[c], scores, layer.temperature))
        for start, length in zip(segments.starts[~alike].tolist(), segments.lengths[~alike].tolist()):
            stop, step = start + length, max(1, _BLOCK_SCORES // length)
            for first in range(start, stop, step):
                rows = slice(first, min(first + step, stop))
                pairs = _pair_sums(asks[:, rows, None], keys[:, None, start:stop])
                for c in coordinates:
                    means[c, rows] = _row_means(stream[c, start:stop], pairs, layer.temperature)
    return means


def _pair_sums(asks, keys):
    """Sum over the rank of ask times key, in order."""
    scores = np.zeros(np.broadcast_shapes(asks.shape, keys.shape)[1:])
    for ask, key in zip(asks, keys):
        scores += ask * key
    return scores


def _row_means(values, scores, temperature):
    """Mean of the values (n,) for each row of scores (m, n)."""
    firsts = values[scores.argmax(axis=1)]
    weights = np.exp((scores - scores.max(axis=1, keepdims=True)) / temperature)
    return firsts + (weights * (values - firsts[:, None])).sum(axis=1) / weights.sum(axis=1)
