"""Scores of pairs of tokens, computed twice: as matrix products for pre-selection, and in fixed order for the tie rule.

The score of token l for token i is sum_r <query_r, z_i> <key_r, z_l>. With k terms in a score in fixed order (ties.py), r
factors, D coordinates and M_i = sum_r |query_r|.|z_i| max_l |key_r|.|z_l|, a matrix product, summed in any order, differs
from it by at most (k + r + 2 D) eps M_i, and two scores of row i tie only within 2 k eps M_i.

*Powers of two.* Scores are compared within a row only, for one query. So each query may be scaled by its own power of two,
and all keys of a sequence by a common one. That changes exponents only, and neither squares of 1e-200 nor of 1e200 leave the
range of float64.
"""

from typing import NamedTuple

import numpy as np

from sklearn_hardmax.forward.ties import EPS, inner_products, integral, scale_to_unit
from sklearn_hardmax.layers import Attention
from sklearn_hardmax.sequences.segments import Segments

_UNSCALED_EXPONENT = 256  # tokens between 2^-256 and 2^256 need no scaling: products of two of them are in range
_UNDERFLOW = 2.0**-1000  # more than underflow takes from a score


class PairScores(NamedTuple):
    """Tokens of a chunk of n tokens, scaled, and the factors of their scores for matrix products.

    Attributes
    ----------
    layer : Attention
    segments : Segments
    query_values : ndarray of shape (n, r)
        <query_r, z_i> by matrix products, of unknown order of summation.
    key_values : ndarray of shape (r, n)
        <key_r, z_l> likewise.
    slack : ndarray of shape (n,)
        For each query: a matrix product that lies further than this below the largest of its row belongs to a token that is
        not attended to.
    exponents : ndarray of shape (n,)
        The sequence of each token was multiplied by 2^-exponent.
    scaled : ndarray of shape (D, n)
        The tokens after that.
    """

    layer: Attention
    segments: Segments
    query_values: np.ndarray
    key_values: np.ndarray
    slack: np.ndarray
    exponents: np.ndarray
    scaled: np.ndarray

    @classmethod
    def from_stream(cls, layer, stream, segments):
        """For all tokens (D, n) of a chunk."""
        sizes = np.abs(stream)
        exponents = np.frexp(segments.maxima(sizes.max(axis=0)))[1]
        exponents[np.abs(exponents) <= _UNSCALED_EXPONENT] = 0
        exponents = segments.per_token(exponents)
        if exponents.any():
            stream = np.ldexp(stream, -exponents)
            sizes = np.ldexp(sizes, -exponents)
        query, _ = scale_to_unit(layer.query)
        key, _ = scale_to_unit(layer.key)
        # A bound of M_i that needs no inner products. With m the largest coordinate of the sequence that enters a key,
        # |key_r|.|z_l| <= m sum_c' |key_rc'|. So M_i <= m sum_c |z_ic| w_c with w_c = sum_r |query_rc| sum_c' |key_rc'|.
        largest_weight = (np.abs(query) * np.abs(key).sum(axis=1)[:, None]).sum(axis=0).max()
        query_sizes = sizes[query.any(axis=0)].sum(axis=0)
        key_sizes = segments.per_token(segments.maxima(sizes[key.any(axis=0)].max(axis=0, initial=0.0)))
        # Twice the error of a product, for the product and for the largest one, and 2 k eps M_i for a tie: less than 4 times
        # (k + r + 2 D) eps M_i together.
        terms = _score_terms(layer) + layer.rank + 2 * len(stream)
        slack = 4 * terms * EPS * largest_weight * key_sizes * query_sizes + _UNDERFLOW
        return cls(layer, segments, stream.T @ query.T, key @ stream, slack, exponents, stream)

    def in_fixed_order(self, tokens):
        """FixedOrderFactors of these tokens (m,) of the chunk."""
        scaled = self.scaled[:, tokens]
        query, query_exponent = scale_to_unit(self.layer.query)
        key, key_exponent = scale_to_unit(self.layer.key)
        query_values, query_moduli = inner_products(query, scaled)
        key_values, key_moduli = inner_products(key, scaled)
        # Each query has a power of two of its own; the keys of a sequence, which are compared with each other, have one.
        query_shifts = np.frexp(query_moduli.max(axis=0))[1]
        largest = self.segments.maxima(np.abs(self.scaled).max(axis=0))
        key_shifts = self.segments.per_token(np.frexp(largest)[1])[tokens]
        exponents = 2 * self.exponents[tokens] + query_shifts + query_exponent + key_shifts + key_exponent
        unscaled = np.ldexp(scaled, self.exponents[tokens])
        return FixedOrderFactors(
            _score_terms(self.layer),
            np.ldexp(query_values, -query_shifts),
            np.ldexp(query_moduli, -query_shifts),
            np.ldexp(key_values, -key_shifts),
            np.ldexp(key_moduli, -key_shifts),
            integral(np.concatenate([self.layer.query, self.layer.key]), unscaled),
            exponents,
        )


class FixedOrderFactors(NamedTuple):
    """The factors of scores in fixed order, for m tokens and r factors of the layer.

    Attributes
    ----------
    terms : int
        k, the number of terms of a score.
    query_values, query_moduli : ndarray of shape (r, m)
        <query_r, z_i> scaled, and the sums of the moduli of their terms.
    key_values, key_moduli : ndarray of shape (r, m)
        <key_r, z_l> scaled, and the sums of the moduli of their terms.
    is_integral : ndarray of shape (m,), bool
        Whether integers only enter the values of a token.
    exponents : ndarray of shape (m,)
        The score of query i is 2^exponents[i] times the product of the scaled values.
    """

    terms: int
    query_values: np.ndarray
    query_moduli: np.ndarray
    key_values: np.ndarray
    key_moduli: np.ndarray
    is_integral: np.ndarray
    exponents: np.ndarray

    def scores(self, queries, keys):
        """Scaled scores of the pairs (queries[p], keys[p]) in fixed order, and their rounding bounds: two (n_pairs,)."""
        scores = np.zeros(len(queries))
        moduli = np.zeros(len(queries))
        for r in range(len(self.query_values)):
            scores += self.query_values[r, queries] * self.key_values[r, keys]
            moduli += self.query_moduli[r, queries] * self.key_moduli[r, keys]
        bounds = self.terms * EPS * moduli
        # A score of integers is exact while its moduli sum to less than 2^53: in scaled numbers, less than 2^(53 - exponent).
        # Counting a negative exponent as 0 only lowers that limit.
        is_exact = self.is_integral[queries] & self.is_integral[keys]
        if is_exact.any():
            limits = np.ldexp(2.0**53, -np.maximum(self.exponents[queries], 0))
            bounds[is_exact & (moduli < limits)] = 0.0
        return scores, bounds


def _score_terms(layer):
    """k, the number of terms of a score in fixed order that enters its rounding bound."""
    return sum(np.count_nonzero(f, axis=1).max() for f in (layer.query, layer.key)) + layer.rank + 1
