"""Units are the functions that they are named after: exact arithmetic on a lattice against their definitions."""

from fractions import Fraction
from functools import reduce
from itertools import pairwise

import numpy as np
import oracle
import pytest

from sklearn_hardmax.constructions.common.units import (
    Units,
    binary_digits,
    bump_units,
    bump_units_between,
    clearing_unit,
    constant_unit,
    projection_units,
    ramp_units,
)
from sklearn_hardmax.transformer import Transformer

D, SOURCE = 4, 2
LATTICE = np.arange(-40, 41) / 8  # s, in eighths; all corners below lie on it
WIDTHS, HEIGHTS = np.array([0.5, 0.25, 1.0]), np.array([1.0, 2.0, 3.0])
CENTERS, THRESHOLDS = np.array([-3.0, 0.0, 2.5]), np.array([-2.5, 0.0, 1.5])
LOW, HIGH, TARGETS = np.array([-3.0, 0.5, 1.0]), np.array([-2.0, 0.5, 3.0]), np.array([0, 3, 0])
CHANGES = np.array([[1.0, 0.0, 0.0, -2.0], [0.5, 0.0, 0.0, 4.0], [-3.0, 0.0, 0.0, 1.0]])

GROUPS = {
    "ramps": (lambda: ramp_units(D, SOURCE, THRESHOLDS, CHANGES), 3),
    "bumps": (lambda: bump_units(D, SOURCE, 1, CENTERS, WIDTHS, HEIGHTS, 0.25), 3),
    "bumps between": (lambda: bump_units_between(D, SOURCE, TARGETS, LOW, HIGH, WIDTHS, 8.0), 3),
    "first units": (lambda: projection_units(D, np.array([1.0, -2.0]), [1, 3], 4.0), 1),
    "constant": (lambda: constant_unit(D, np.array([1.0, -2.0, 0.0, 3.0])), 1),
    "cleared": (lambda: clearing_unit(D, SOURCE), 1),
}
EVERY_GROUP = pytest.mark.parametrize(("make", "n_groups"), GROUPS.values(), ids=GROUPS)


def made(name):
    return GROUPS[name][0]()


def added(units, tokens):
    """What the units add to each token, as fractions."""
    return oracle.run(Transformer([units.layer(eta=0.0)]), tokens)[0]


def along(numbers):
    """Tokens that hold these numbers in coordinate SOURCE."""
    tokens = np.zeros((len(numbers), D))
    tokens[:, SOURCE] = numbers
    return tokens


def clipped(number, low, high):
    return min(max(number, Fraction(low)), Fraction(high))


def test_a_ramp_is_0_below_its_threshold_1_above_its_end_and_straight_between():
    for s, got in zip(LATTICE, added(made("ramps"), along(LATTICE))):
        ramps = [clipped(Fraction(s) - Fraction(threshold), 0, 1) for threshold in THRESHOLDS]
        assert got == [sum(t * Fraction(c) for t, c in zip(ramps, column)) for column in CHANGES.T]


def test_a_bump_has_its_height_within_its_width_and_falls_with_slope_1_over_the_width():
    for s, got in zip(LATTICE, added(made("bumps"), along(LATTICE))):
        bumps = [
            clipped(1 + Fraction(a) - abs(Fraction(s) - Fraction(theta)) / Fraction(delta), 0, a)
            for theta, delta, a in zip(CENTERS, WIDTHS, HEIGHTS)
        ]
        assert got == [0, sum(bumps) / 4, 0, 0]


def test_a_flat_bump_has_its_height_between_low_and_high_and_falls_to_0_over_its_width():
    for s, got in zip(LATTICE, added(made("bumps between"), along(LATTICE))):
        expected = [Fraction(0)] * D
        for low, high, width, target in zip(LOW, HIGH, WIDTHS, TARGETS):
            beyond = max(Fraction(low) - Fraction(s), Fraction(s) - Fraction(high), Fraction(0))
            expected[target] += 8 * clipped(1 - beyond / Fraction(width), 0, 1)
        assert got == expected


def test_first_units_give_1_plus_the_clipped_product_and_ones():
    tokens = np.zeros((9, D))
    tokens[:, 0], tokens[:, 1] = np.arange(-4, 5) / 8, -np.arange(9) / 16
    for (x, y, *_), got in zip(tokens, added(made("first units"), tokens)):
        s = 1 + clipped(Fraction(x) - 2 * Fraction(y) + Fraction(1, 2), 0, 1)
        assert got == [4 * s, 1, 0, 1]
    assert {got[0] for got in added(made("first units"), tokens)} >= {4, 6, 8}


def test_a_constant_is_the_same_for_every_token():
    assert added(made("constant"), along(LATTICE)) == [[1, -2, 0, 3]] * len(LATTICE)


def test_clearing_leaves_0_where_no_negative_number_was_and_everything_else():
    tokens = along(np.arange(5) / 2)
    tokens[:, 0] = 7.0
    layer = clearing_unit(D, SOURCE).layer()
    assert oracle.run(Transformer([layer]), tokens)[0] == [[7, 0, 0, 0]] * 5


@EVERY_GROUP
def test_the_groups_one_behind_another_are_the_whole(make, n_groups):
    units = make()
    assert units.n_groups == n_groups
    for borders in ([*range(n_groups + 1)], [0, n_groups]):
        parts = [units.part(a, b) for a, b in pairwise(borders)]
        again = reduce(Units.followed_by, parts)
        for whole, back in zip(units, again):
            assert np.array_equal(whole, back)


@EVERY_GROUP
def test_a_group_alone_adds_nothing_where_its_own_function_is_flat_at_0(make, n_groups):
    units = make()
    """Ramps below their thresholds, bumps far away: no group is torn from the units that balance it."""
    if n_groups == 1:
        assert len(units.b) == units.group
        return
    far = -1e6 if units.group == 2 else 1e6
    for k in range(n_groups):
        assert added(units.part(k, k + 1), along([far])) == [[0] * D]


def test_units_before_others_are_both_layers_added_and_keep_the_groups_of_the_others():
    first, then = made("cleared"), made("bumps")
    both = first.followed_by(then)
    assert both.group == 4
    tokens = along(LATTICE)
    sums = [[a + b for a, b in zip(x, y)] for x, y in zip(added(first, tokens), added(then, tokens))]
    assert added(both, tokens) == sums


def test_binary_digits_add_up_to_the_index():
    digits = binary_digits(np.arange(37), 6)
    assert set(digits.ravel().tolist()) == {0, 1}
    assert (digits @ 2 ** np.arange(6)).tolist() == list(range(37))
