"""Third-order attention: every token attends to pairs of tokens of its sequence, out of all n^2 of them.

The score of pair (l, m) for token i is sum_r a_r k_r k'_r, r = 1..R, of three inner products a, k, k' (layers.py). With
at most p, p' and p'' non-zero terms in these, its rounding error is below (p + p' + p'' + R + 2) eps sum_r |a_r k_r k'_r|,
where each inner product in the sum is replaced by its sum of moduli: each product of three rounds twice, their sum R - 1
times (ties.py). It is exact, with bound 0, when all tokens and factors that enter are integers and that sum stays below 2^53.

Scores are compared for one token only, so that the factors and each sequence may first be scaled by a power of two: no
product of three leaves the range of float64.
"""

import numpy as np

from sklearn_hardmax.forward.ties import EPS, inner_products, integral, leaders, scale_to_unit
from sklearn_hardmax.sequences.segments import Segments

_BLOCK_SCORES = 2**15  # scores that are held at once: they stay in the cache


def attend(layer, stream, segments):
    """Mean value of the pairs that each token attends to, (value_rank, n)."""
    first_values, _ = inner_products(layer.value, stream)
    second_values, _ = inner_products(layer.second_value, stream)
    means = np.empty_like(first_values)
    for start, length in zip(segments.starts.tolist(), segments.lengths.tolist()):
        span = slice(start, start + length)
        pair_values = _outer(first_values[:, span], second_values[:, span])
        for rows, is_attended, _ in _attended_pairs(layer, stream[:, span]):
            counts = is_attended.sum(axis=1)
            for values, out in zip(pair_values, means[:, span]):
                # v + mean(value - v) with v the smallest attended value, so that equal values give themselves
                smallest = np.where(is_attended, values, np.inf).min(axis=1)
                above = np.where(is_attended, values - smallest[:, None], 0.0)
                out[rows] = smallest + above.sum(axis=1) / counts
    return means


def attended_sets(layer, stream, segments):
    """For every sequence the list of the pairs (k, 2) that each of its tokens attends to, and the smallest margin."""
    sets = []
    smallest_margin = np.inf
    for start, length in zip(segments.starts.tolist(), segments.lengths.tolist()):
        sets.append([])
        for _, is_attended, margin in _attended_pairs(layer, stream[:, start : start + length]):
            sets[-1] += [np.argwhere(pairs.reshape(length, length)) for pairs in is_attended]
            smallest_margin = min(smallest_margin, margin)
    return sets, smallest_margin


def _attended_pairs(layer, tokens):
    """Pairs that the tokens (D, n) of one sequence attend to, in blocks of n_rows tokens.

    Yields (rows, is_attended, margin): a slice of tokens, bool (n_rows, n^2) with pair (l, m) in column l n + m, and the
    margin of the tie rule.
    """
    length = tokens.shape[1]
    scaled_tokens, token_exponent = scale_to_unit(tokens)
    factors = (layer.query, layer.key, layer.second_key)
    # Each of the three is a pair (values, moduli) of arrays (R, n).
    scaled_factors, exponents = zip(*(scale_to_unit(factor) for factor in factors))
    queries, keys, second_keys = (inner_products(factor, scaled_tokens) for factor in scaled_factors)
    query_values, query_moduli = queries
    pair_values, pair_moduli = (_outer(first, second) for first, second in zip(keys, second_keys))
    terms = sum(np.count_nonzero(f, axis=1).max(initial=0) for f in factors) + layer.rank + 2
    # A score of the original numbers is 2^exponent times the scaled one, and exact while its moduli sum to less than 2^53:
    # in scaled numbers, less than 2^(53 - exponent). Counting a negative exponent as 0 only lowers that limit.
    all_integer = bool(integral(np.concatenate(factors), tokens).all())
    exponent = 3 * token_exponent + sum(exponents)
    exact_below = np.ldexp(2.0**53, -max(0, exponent)) if all_integer else 0.0
    n_rows = max(1, _BLOCK_SCORES // length**2)
    for start in range(0, length, n_rows):
        rows = slice(start, min(start + n_rows, length))
        shape = (rows.stop - rows.start, length**2)
        scores = np.zeros(shape)
        moduli = np.zeros(shape)
        for r in range(layer.rank):
            scores += query_values[r, rows, None] * pair_values[r]
            moduli += query_moduli[r, rows, None] * pair_moduli[r]
        bounds = np.where(moduli < exact_below, 0.0, terms * EPS * moduli)
        # The tie rule takes one segment per query: the n^2 scores of a row.
        segments = Segments(np.arange(shape[0]) * length**2, np.full(shape[0], length**2))
        is_attended, margin = leaders(scores.ravel(), bounds.ravel(), segments)
        yield rows, is_attended.reshape(shape), margin


def _outer(first, second):
    """All products of (r, n) with (r, n): (r, n^2)."""
    return (first[:, :, None] * second[:, None, :]).reshape(len(first), first.shape[1] ** 2)
