"""Sums of floats that are the same bits in any order: terms are rounded to a grid on which every partial sum is exact.

A float sum depends on the order of its additions, hence on how the terms are cut into blocks, on the number of workers and on
the processor. Multiples of one step whose moduli add up to at most 2^53 steps are added without any rounding, so that order
and cuts cannot show. The price is the rounding of the terms, by at most 2^-52 times a power of two that is at most twice the
number of terms times the largest modulus.
"""

import numpy as np


def rounded_for_sums(terms, largest, n_terms):
    """Round terms, in place, so that sums of up to n_terms of them are exact.

    Parameters
    ----------
    terms : ndarray of float64, shape (..., n)
    largest : float or ndarray of shape (..., 1)
        Bound on the moduli of all terms that are added up, also of those in other arrays; each sum may have its own.
    n_terms : int
        How many terms are added up, in all arrays together.

    Returns
    -------
    ndarray
        The terms, rounded to multiples of 2^(e - 52), where 2^e > n_terms * largest.

    Examples
    --------
    Ones and numbers below half a step: 2^50 terms leave a step of 1/2.

    >>> import numpy as np
    >>> from sklearn_hardmax.constructions.common.exact_sums import rounded_for_sums
    >>> rounded_for_sums(np.array([1.0, 0.7, 0.2]), 1.0, 2**50)
    array([1. , 0.5, 0. ])
    """
    exponent = np.frexp(np.asarray(largest, dtype=np.float64) * n_terms)[1]
    # steps stay normal numbers, and so do their inverses
    step = np.ldexp(1.0, np.clip(exponent - 52, -1022, 1000))
    terms *= 1 / step
    np.rint(terms, out=terms)
    terms *= step
    return terms


def exact_sum(terms, largest, n_terms):
    """Sum over the last axis of terms that are rounded in place by `rounded_for_sums`; partial sums may be added exactly."""
    return rounded_for_sums(terms, largest, n_terms).sum(axis=-1)
