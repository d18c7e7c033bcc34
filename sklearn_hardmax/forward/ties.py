"""The tie rule: when two attention scores count as equal although both were computed with rounding errors.

With u = 2^-53, a computed inner product of k non-zero terms t_1..t_k errs by at most k u (1 + o(1)) sum |t_j| <
k eps sum |t_j| =: its rounding bound (eps = 2u; Higham, Accuracy and Stability of Numerical Algorithms, section 3.1). The
bound is 0 where the product is exact or a monotone function of one number: for k = 1, and for integer terms with
sum |t_j| < 2^53. Two scores tie when they differ by no more than the sum of their bounds.

All sums are elementwise and in a fixed order (coordinates in order), and a zero weight is never multiplied. So a score has
the same bits alone, in any batch and for any order of sequences.
"""

import numpy as np

EPS = np.finfo(np.float64).eps


def scale_to_unit(values):
    """Values divided by the power of two that brings them between -1 and 1, and its exponent."""
    exponent = int(np.frexp(np.abs(values).max(initial=0.0))[1])
    return np.ldexp(values, -exponent), exponent


def inner_products(factors, stream):
    """Inner products of each factor (r, D) with each token (D, n), in fixed order, and the sums of moduli: two (r, n)."""
    values = np.zeros((len(factors), stream.shape[1]))
    moduli = np.zeros_like(values)
    for r, factor in enumerate(factors):
        for c in np.flatnonzero(factor).tolist():
            term = factor[c] * stream[c]
            values[r] += term
            moduli[r] += np.abs(term)
    return values, moduli


def integral(factors, stream):
    """Which tokens have integer products only: integer factors (r, D), integer coordinates where a factor is not 0; (n,)."""
    used = factors.any(axis=0)
    if (factors != np.rint(factors)).any():
        return np.zeros(stream.shape[1], dtype=bool)
    return (stream[used] == np.rint(stream[used])).all(axis=0)


def rounding_bound(factor, stream, moduli):
    """Rounding bound of <factor, z> for every token; 0 where the product is exact or monotone in one number."""
    terms = np.count_nonzero(factor)
    # One product is rounded monotonely: of two tokens, the larger exact product never becomes the smaller one.
    if terms <= 1:
        return np.zeros(stream.shape[1])
    # All partial sums of integers are integers below 2^53, which float64 represents.
    exact = integral(factor[None], stream) & (moduli < 2**53)
    return np.where(exact, 0.0, terms * EPS * moduli)


def leaders(scores, bounds, segments):
    """Which scores (n,) tie with the largest of their segment, bool (n,), and the margin to those that do not.

    The margin is the smallest gap between the largest score and one that does not tie with it, over the sum of their bounds;
    a sum of 0 counts as one ulp; inf where all tie.
    """
    best = segments.per_token(segments.maxima(scores))
    # Several scores may equal the largest one bit for bit; the widest of their bounds counts.
    best_bounds = segments.per_token(segments.maxima(np.where(scores == best, bounds, 0.0)))
    gaps = best - scores
    allowed = best_bounds + bounds
    is_tied = gaps <= allowed
    if is_tied.all():
        return is_tied, np.inf
    ulps = np.spacing(np.maximum(np.abs(best), np.abs(scores)))
    units = np.where(allowed > 0, allowed, ulps)
    return is_tied, float((gaps / units)[~is_tied].min())
