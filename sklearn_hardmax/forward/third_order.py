"""Attention to pairs of tokens: every token asks all n^2 pairs of its sequence, in blocks of queries.

The score of pair (l, m) for token i is sum_r a_r k_r k'_r, r = 1..R, of three inner products a, k, k' (layers.py). With
at most p, p' and p'' non-zero terms in these, its rounding error is below (p + p' + p'' + R + 2) eps sum_r |a_r k_r k'_r|,
the inner products counted by their sums of moduli: each product of three rounds twice, their sum R - 1 times (ties.py). It
is exact, with bound 0, when all that enters is an integer and that sum stays below 2^53.

Scores are compared for one token only, so that the factors and each sequence are first scaled by a power of two: no cube
leaves the range of float64.
"""

import numpy as np

from sklearn_hardmax.forward.ties import EPS, inner_products, integral, leaders
from sklearn_hardmax.sequences.segments import Segments

_BLOCK_SCORES = 2**15  # scores that are held at once: they stay in the cache


def attend(layer, stream, segments):
    """Mean value of the pairs that each token attends to, (value_rank, n)."""
    values, _ = inner_products(layer.value, stream)
    second, _ = inner_products(layer.second_value, stream)
    means = np.empty_like(values)
    for start, length in zip(segments.starts.tolist(), segments.lengths.tolist()):
        span = slice(start, start + length)
        products = (values[:, span, None] * second[:, None, span]).reshape(len(values), length**2)
        for rows, member, _ in _members(layer, stream[:, span]):
            counts = member.sum(axis=1)
            for product, out in zip(products, means[:, span]):
                smallest = np.where(member, product, np.inf).min(axis=1)
                above = np.where(member, product - smallest[:, None], 0.0)
                out[rows] = smallest + above.sum(axis=1) / counts
    return means


def attended_sets(layer, stream, segments):
    """For every sequence the list of the pairs (k, 2) that each of its tokens attends to, and the margin."""
    sets, smallest = [], np.inf
    for start, length in zip(segments.starts.tolist(), segments.lengths.tolist()):
        sets.append([])
        for _, member, margin in _members(layer, stream[:, start : start + length]):
            sets[-1] += [np.argwhere(pairs.reshape(length, length)) for pairs in member]
            smallest = min(smallest, margin)
    return sets, smallest


def _members(layer, tokens):
    """Which pairs each token of one sequence (D, n) attends to: yields (rows, member (n_rows, n^2), margin)."""
    length = tokens.shape[1]
    exponent = _exponent(tokens)
    scaled = np.ldexp(tokens, -exponent)
    factors = (layer.query, layer.key, layer.second_key)
    asks, keys, second = (inner_products(np.ldexp(f, -_exponent(f)), scaled) for f in factors)
    pairs, pair_moduli = ((a[:, :, None] * b[:, None, :]).reshape(layer.rank, length**2) for a, b in zip(keys, second))
    terms = sum(np.count_nonzero(f, axis=1).max(initial=0) for f in factors) + layer.rank + 2
    whole = bool(integral(np.concatenate(factors), tokens).all())
    largest = np.ldexp(2.0**53, -max(0, 3 * exponent + sum(map(_exponent, factors)))) if whole else 0.0
    step = max(1, _BLOCK_SCORES // length**2)
    for start in range(0, length, step):
        rows = slice(start, min(start + step, length))
        scores, moduli = np.zeros((2, rows.stop - start, length**2))
        for r in range(layer.rank):
            scores += asks[0][r, rows, None] * pairs[r]
            moduli += asks[1][r, rows, None] * pair_moduli[r]
        bounds = np.where(moduli < largest, 0.0, terms * EPS * moduli)
        n_rows = len(scores)
        each = Segments(np.arange(n_rows) * length**2, np.full(n_rows, length**2))
        member, margin = leaders(scores.ravel(), bounds.ravel(), each)
        yield rows, member.reshape(scores.shape), margin


def _exponent(values):
    """The power of two just above these values."""
    return int(np.frexp(np.abs(values).max(initial=0.0))[1])
