"""Sums that are the same bits in any order, against fractions."""

from fractions import Fraction

import numpy as np
import pytest

from sklearn_hardmax.constructions.common.exact_sums import exact_sum, rounded_for_sums


def terms_of(n, size=1.0, seed=0):
    return np.random.default_rng(seed).standard_normal((3, n)) * size


@pytest.mark.parametrize("size", [1e-300, 1.0, 1e200])
@pytest.mark.parametrize("n", [1, 2, 1000, 1025])
def test_the_sum_of_the_rounded_terms_is_exact_in_any_order_and_cut(n, size):
    terms = terms_of(n, size)
    largest = np.abs(terms).max(axis=1, keepdims=True)
    rounded = rounded_for_sums(terms.copy(), largest, n)
    found = exact_sum(terms.copy(), largest, n)
    assert [Fraction(x) for x in found] == [sum(map(Fraction, row)) for row in rounded]
    order = np.random.default_rng(1).permutation(n)
    cuts = np.array_split(terms[:, order], 3, axis=1)
    assert np.array_equal(sum(exact_sum(part.copy(), largest, n) for part in cuts), found)


@pytest.mark.parametrize("n", [2, 1000])
def test_a_term_moves_by_half_a_step_at_most(n):
    """2^e > n largest >= 2^(e - 1), and the step is 2^(e - 52): half of it is at most 2^-52 n largest."""
    terms = terms_of(n)
    rounded = rounded_for_sums(terms.copy(), 8.0, n)
    assert 0 < np.abs(rounded - terms).max() <= 2.0**-52 * 8 * n


def test_zeros_stay():
    assert exact_sum(np.zeros((2, 3)), np.zeros((2, 1)), 3).tolist() == [0, 0]
