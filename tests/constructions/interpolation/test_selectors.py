"""A selector layer is the difference of two ramps."""

from fractions import Fraction

import numpy as np
import oracle

from sklearn_hardmax import FeedForward
from sklearn_hardmax.constructions.interpolation import selectors
from sklearn_hardmax.constructions.interpolation.plateaus import StepFunction


def test_between_plateaus_outputs_are_linear_and_on_them_constant_in_exact_arithmetic():
    # three plateaus with targets 0, 1 and 5, ramps from 8 to 9 and from 20 to 21: at 8.25 a quarter of the way to 1
    plateaus = StepFunction(np.array([8.0, 20.0]), np.array([0, 1, 2]))
    targets = np.array([[0.0], [1.0], [5.0]])
    line = np.array([0.0, 8.0, 8.25, 9.0, 14.0, 20.0, 20.5, 21.0, 100.0])
    assert plateaus.evaluate(targets, line)[:, 0].tolist() == [0.0, 0.0, 0.25, 1.0, 1.0, 1.0, 3.0, 5.0, 5.0]


def test_the_layer_of_a_plateau_is_the_difference_of_two_ramps_as_real_numbers():
    layer = selectors._selector(4.0, np.array([7.0]), 4)
    assert (layer.width, isinstance(layer, FeedForward)) == (3, True)
    for c, passed, here in [
        (2.0, 0, 0),
        (4.5, 0, 0),
        (9.0, 0, 0),
        (20.0, Fraction(1, 3), Fraction(1, 3)),
        (30.0, 1, 0),
    ]:
        ramp = min(max(Fraction(c) - 4, Fraction(0)), Fraction(1))
        (row,) = oracle.feed_forward(layer, [[Fraction(c), Fraction(passed), Fraction(here), Fraction(2)]])
        assert row == [Fraction(c), ramp, ramp - Fraction(passed), 2 + 7 * Fraction(here)]
