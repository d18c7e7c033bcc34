"""The tie rule by itself: which products are exact, how far others may err, and which scores tie."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_hardmax.forward.ties import EPS, inner_products, integral, leaders, rounding_bound
from sklearn_hardmax.sequences.segments import Segments


def columns(*tokens):
    return np.array(tokens, dtype=float).T


def test_tokens_are_integral_where_every_coordinate_that_a_factor_reads_is():
    stream = columns([1, 2, 0.5], [1, 2.5, 0], [-0.5, 2, 0], [-3, 2.0**60, 1])
    assert integral(np.array([[2.0, 0.0, 0.0], [0.0, -1.0, 0.0]]), stream).tolist() == [True, False, False, True]
    assert integral(np.array([[0.0, 3.0, 0.0]]), stream).tolist() == [True, False, True, True]
    assert integral(np.array([[2.0, 0.5, 0.0]]), stream).tolist() == [False] * 4
    assert integral(np.array([[0.5, 0.5, 0.5]]), stream).tolist() == [False] * 4
    assert integral(np.zeros((1, 3)), stream).tolist() == [True] * 4


def test_a_product_of_one_term_and_integers_below_two_to_the_53_have_no_rounding_bound():
    big = 2.0**52
    stream = columns([0.1, 0.2], [100, -7], [big, 1 - big], [big, big], [big, 3 - 2 * big])
    factor = np.array([1.0, 1.0])
    _, (moduli,) = inner_products(factor[None], stream)
    eps = 2.0**-52
    assert rounding_bound(factor, stream, moduli).tolist() == [2 * eps * (0.1 + 0.2), 0, 0, 4, 2 * eps * (3 * big - 3)]
    for single in ([0.3, 0.0], [0.0, 0.0]):
        assert rounding_bound(np.array(single), stream, moduli).tolist() == [0] * 5


@given(st.lists(st.tuples(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9)), min_size=1, max_size=6))
def test_products_err_by_no_more_than_their_bound(pairs):
    # products below 1e-290 would underflow
    weights, numbers = (np.array([x if abs(x) > 1e-140 else 0.0 for x in side]) for side in zip(*pairs))
    (value,), (modulus,) = inner_products(weights[None], numbers[:, None])
    exact = sum((Fraction(w) * Fraction(x) for w, x in zip(weights.tolist(), numbers.tolist())), Fraction(0))
    terms = max(1, np.count_nonzero(weights))
    assert abs(Fraction(value[0]) - exact) <= terms * Fraction(EPS) * Fraction(modulus[0])


@pytest.mark.parametrize("first", [0, 3])
def test_scores_tie_with_the_largest_within_the_sum_of_both_bounds(first):
    """The bound of the largest counts, at the sum itself too; sequences do not see each other."""
    scores, bounds = np.array([8.0, 7.0, 6.0, 5.0]), np.array([1.0, 0.0, 1.0, 1.0])
    elsewhere = np.array([100.0, 1.0, 0.0])
    both = [(elsewhere, np.zeros(3)), (scores, bounds)] if first else [(scores, bounds), (elsewhere, np.zeros(3))]
    lengths = [len(s) for s, _ in both]
    member, margin = leaders(*map(np.concatenate, zip(*both)), Segments.from_offsets(np.cumsum([0, *lengths])))
    assert member[first : first + 4].tolist() == [True, True, True, False]
    assert member.sum() == 4
    assert margin == 3 / 2  # 8 - 5 over 1 + 1; the other gaps are many ulps


def test_the_largest_bound_of_equal_scores_counts():
    segments = Segments.from_offsets(np.array([0, 3]))
    for bounds in ([0.0, 1.0, 0.0], [1.0, 0.0, 0.0]):
        member, margin = leaders(np.array([2.0, 2.0, 1.0]), np.array(bounds), segments)
        assert (member.all(), margin) == (True, np.inf)
    member, _ = leaders(np.array([2.0, 2.0, 1.0]), np.array([0.0, 0.0, 0.5]), segments)
    assert member.tolist() == [True, True, False]


@pytest.mark.parametrize(("scores", "ulp"), [([4.0, 1.0], 2.0**-50), ([-1.0, -4.0], 2.0**-50), ([0.0, -1.0], 2.0**-52)])
def test_without_bounds_a_gap_counts_in_ulps_of_the_larger_modulus(scores, ulp):
    _, margin = leaders(np.array(scores), np.zeros(2), Segments.from_offsets(np.array([0, 2])))
    assert margin == (scores[0] - scores[1]) / ulp
