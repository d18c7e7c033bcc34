"""Sums of floats that are the same bits in any order: terms are rounded to a grid on which every partial sum is exact.

A float sum depends on the order of its additions, hence on how the terms are cut into blocks, on the number of workers and on
the processor. Multiples of one step whose moduli add up to at most 2^53 steps are added without any rounding, so that order
and cuts cannot show. The price is the rounding of the terms, by at most 2^-52 times a power of two that is at most twice the
number of terms times the largest modulus.
"""

import numpy as np


def exact_sum(terms, largest, n_terms):
    """Sum over the last axis of terms that are rounded first; such sums of parts may be added exactly.

    Parameters
    ----------
    terms : ndarray of float64, shape (..., n)
        Overwritten.
    largest : float or ndarray of shape (..., 1)
        Bound on the moduli of all terms that are added up, also of those in other arrays; each sum may have its own.
    n_terms : int
        How many terms are added up, in all arrays together.

    Returns
    -------
    ndarray of shape (...)
        The sums of the terms, each rounded to a multiple of 2^(e - 52), where 2^e > n_terms * largest.

    Examples
    --------
    With 2^50 - 1 terms up to 1 the step is 1/4: 0.7 counts as 0.75, and 0.2 as 0.25.

    >>> import numpy as np
    >>> from sklearn_hardmax.constructions.common.exact_sums import exact_sum
    >>> exact_sum(np.array([1.0, 0.7, 0.2]), 1.0, 2**50 - 1).item()
    2.0
    """
    exponent = np.frexp(np.asarray(largest, dtype=np.float64) * n_terms)[1]
    # steps stay normal numbers, and so do their inverses
    step = np.ldexp(1.0, np.clip(exponent - 52, -1022, 1000))
    terms *= 1 / step
    np.rint(terms, out=terms)
    return terms.sum(axis=-1) * step.reshape(step.shape[:-1])
