"""The grid on which features become integers: moments in any order, steps, and room for exact sums."""

import numpy as np
import pytest

from sklearn_hardmax.constructions.scoring.grid import Grid, floored, grid_factors, moments


def sample(n=50, n_features=7, seed=0):
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((n_features, n)) * 2.0 ** rng.integers(-9, 9, (n_features, 1)) + 5
    return features, rng.uniform(0.1, 2, n)


@pytest.mark.parametrize("is_weighted", [False, True])
def test_moments_are_those_of_numpy_for_features_of_2_to_the_23_steps(is_weighted):
    """Fifty numbers leave (52 - 6) / 2 bits for each; one that is rounded to the nearest step errs by half of one."""
    features, weight = sample()
    weight = weight if is_weighted else np.ones(50)
    means, deviations, reach = moments(features, weight)
    error = 2.0**-24 * np.ptp(features, axis=1)
    wanted = np.average(features, axis=1, weights=weight)
    assert (np.abs(means - wanted) <= error).all()
    variances = np.average((features - wanted[:, None]) ** 2, axis=1, weights=weight)
    assert (np.abs(deviations - np.sqrt(variances)) <= error).all()
    assert (np.abs(reach - np.abs(features - wanted[:, None]).max(axis=1)) <= error * (1 + 1e-6)).all()


def test_equal_weights_of_any_size_are_none():
    features, _ = sample()
    for found, wanted in zip(moments(features, np.full(50, 0.5)), moments(features, np.ones(50))):
        assert np.array_equal(found, wanted)


def test_moments_are_the_same_bits_in_any_order():
    features, weight = sample(1000)
    order = np.random.default_rng(0).permutation(1000)
    for found, wanted in zip(moments(features[:, order], weight[order]), moments(features, weight)):
        assert np.array_equal(found, wanted)


@pytest.mark.parametrize("value", [0.1, -1e30, 2.0**-40])
def test_a_constant_has_its_own_value_as_mean_and_integers_of_0(value):
    features, weight = np.full((1, 13), value), np.linspace(0.1, 1, 13)
    assert [x.tolist() for x in moments(features, weight)] == [[value], [0.0], [0.0]]
    grid = Grid.fit(features, weight, weight.sum(), np.zeros(1, int), 0.5)
    assert not grid.integers(features, np.sqrt(weight)).any()


def test_integers_are_the_nearest_ones_and_their_squares_have_room():
    """Sums of squares below 2^50, but for rounding; a factor four times larger would pass it."""
    features, weight = sample()
    grid = Grid.fit(features, weight, weight.sum(), np.zeros(7, int), 2.0**-20)
    integers = grid.integers(features, np.sqrt(weight))
    assert np.array_equal(integers, np.rint(integers))
    exact = (features - grid.centers[:, None]) * grid.factors[:, None] * np.sqrt(weight)
    assert np.abs(integers - exact).max() <= 0.5
    squares = np.square(integers).sum(axis=1)
    assert (squares < 2.0**50 * (1 + 2.0**-10)).all()
    assert (squares > 2.0**48 * (1 - 2.0**-10)).all()
    assert np.array_equal(np.frexp(grid.factors)[0], np.full(7, 0.5))  # powers of two
    assert np.array_equal(grid.coarser().factors, grid.factors / 4)


def test_what_is_not_rounded_keeps_its_value():
    grid = Grid(np.array([1.0]), np.array([2.0]))
    rounded = np.array([True, False])
    assert grid.integers(np.array([[1.3, 1.3]]), np.array([1.0, 0.5]), rounded).tolist() == [[1.0, (1.3 - 1) * 2 * 0.5]]


def test_factors_by_hand():
    """Squares of 1, 2 and 4 need 2^e > squares with e = 1, 2, 3; 50 - e is 49, 48, 47, halved and rounded down 24, 24, 23."""
    assert grid_factors(np.array([1.0, 2.0, 4.0]), 3).tolist() == [2.0**24, 2.0**24, 2.0**23]


def test_deviations_are_floored_by_the_median_of_their_kind():
    """Kind 0: the median of 4, 8 and 100 is 8, half of it is 4; kind 1 has no feature that varies."""
    deviations = np.array([4.0, 8.0, 100.0, 0.0, 1e-9, 0.0])
    varies = np.array([True, True, True, False, False, False])
    kinds = np.array([0, 0, 0, 0, 0, 1])
    assert floored(deviations, varies, kinds, 0.5).tolist() == [4, 8, 100, 4, 4, 1]
