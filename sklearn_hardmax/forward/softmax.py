"""Softmax attention: every token attends to all tokens of its sequence, with weights exp(score / temperature).

A mean is computed as v + sum w_l (z_l - v) / sum w_l, where v is the value of the token with the best score: at a small
temperature the sum vanishes and the mean is v bit for bit. Where all tokens of a sequence have the same query, they share one
mean, computed in one pass over the tokens. Elsewhere each row of the n x n scores gives one mean; blocks of rows keep the
memory at O(block + n) numbers.
"""

import numpy as np

from sklearn_hardmax.forward.ties import inner_products

_BLOCK_SCORES = 2**20  # scores that are held at once


def attend(layer, stream, segments, coordinates):
    """Softmax mean of the tokens for each token (D, n), filled at these coordinates."""
    query_values, _ = inner_products(layer.query, stream)
    key_values, _ = inner_products(layer.key, stream)
    # A sequence has one query for all its tokens where the largest and the smallest query value agree, for every factor.
    smallest_queries = np.minimum.reduceat(query_values, segments.starts, axis=1)
    one_query = (segments.maxima(query_values) == smallest_queries).all(axis=0)
    first_queries = segments.per_token(query_values[:, segments.starts])
    scores = _pair_sums(first_queries, key_values)
    means = np.zeros_like(stream)
    with np.errstate(over="ignore"):  # a gap beyond the range of float64 has weight 0
        # The mean for the query of the first token. Sequences with several queries are overwritten below.
        for c in coordinates:
            means[c] = segments.per_token(segments.soft_means(stream[c], scores, layer.temperature))
        for start, length in zip(segments.starts[~one_query].tolist(), segments.lengths[~one_query].tolist()):
            stop = start + length
            n_rows = max(1, _BLOCK_SCORES // length)
            for first in range(start, stop, n_rows):
                rows = slice(first, min(first + n_rows, stop))
                pair_scores = _pair_sums(query_values[:, rows, None], key_values[:, None, start:stop])
                for c in coordinates:
                    means[c, rows] = _row_means(stream[c, start:stop], pair_scores, layer.temperature)
    return means


def _pair_sums(query_values, key_values):
    """Sum over the rank of query value times key value, in order."""
    scores = np.zeros(np.broadcast_shapes(query_values.shape, key_values.shape)[1:])
    for query_value, key_value in zip(query_values, key_values):
        scores += query_value * key_value
    return scores


def _row_means(values, scores, temperature):
    """Mean of the values (n,) for each row of scores (m, n)."""
    best_values = values[scores.argmax(axis=1)]
    weights = np.exp((scores - scores.max(axis=1, keepdims=True)) / temperature)
    return best_values + (weights * (values - best_values[:, None])).sum(axis=1) / weights.sum(axis=1)
