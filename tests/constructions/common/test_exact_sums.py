"""Sums that are the same bits in any order, against fractions."""

from fractions import Fraction

import numpy as np
import pytest

from sklearn_hardmax.constructions.common.exact_sums import exact_sum


def terms_of(n, size=1.0, seed=0):
    return np.random.default_rng(seed).standard_normal((3, n)) * size


@pytest.mark.parametrize("size", [1e-280, 1.0, 1e200])
@pytest.mark.parametrize("n", [1, 2, 1000, 1025])
def test_sums_are_the_same_bits_in_any_order_and_cut_and_near_the_exact_ones(n, size):
    """2^e > n largest >= 2^(e - 1), the step is 2^(e - 52), and half of it at most 2^-52 n largest."""
    terms = terms_of(n, size)
    largest = np.abs(terms).max(axis=1, keepdims=True)
    found = exact_sum(terms.copy(), largest, n)
    order = np.random.default_rng(1).permutation(n)
    cuts = np.array_split(terms[:, order], 3, axis=1)
    assert np.array_equal(sum(exact_sum(part.copy(), largest, n) for part in cuts), found)
    for row, bound, total in zip(terms, largest[:, 0], found):
        error = abs(sum(map(Fraction, row)) - Fraction(total))
        assert error <= n * Fraction(1, 2**52) * n * Fraction(bound)


def test_one_bound_serves_all_sums():
    terms = terms_of(10)
    assert np.array_equal(exact_sum(terms.copy(), 4.0, 10), [exact_sum(row.copy(), 4.0, 10) for row in terms])


def test_zeros_stay():
    assert exact_sum(np.zeros((2, 3)), np.zeros((2, 1)), 3).tolist() == [0, 0]
