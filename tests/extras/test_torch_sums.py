"""Sums of products in torch have the bits of a plain loop; reductions are those of each sequence; scaling is exact."""

import numpy as np
import pytest
import torch

from sklearn_hardmax.export import torch_sums

pytestmark = pytest.mark.usefixtures("one_torch_thread")
LENGTHS = [3, 1, 5, 2]


def tensor(values):
    return torch.tensor(np.asarray(values), dtype=torch.float64)


def parts(values):
    """The columns of each sequence."""
    return np.split(np.asarray(values), np.cumsum(LENGTHS)[:-1], axis=-1)


@pytest.fixture
def segments():
    return torch_sums.Segments.from_offsets(torch.zeros(11, 1), torch.tensor(np.cumsum([0, *LENGTHS])))


@pytest.mark.parametrize(("m", "k", "n"), [(1, 1, 1), (2, 3, 4), (5, 30, 7)])
def test_a_product_is_summed_in_order_and_leaves_out_zeros(m, k, n):
    rng = np.random.default_rng(k)
    weights, values = rng.normal(size=(m, k)) * rng.integers(0, 2, size=(m, k)), rng.normal(size=(k, n))
    expected = np.zeros((m, n))
    for j, i in np.ndindex(m, n):
        for weight, value in zip(weights[j].tolist(), values[:, i].tolist()):
            expected[j, i] += weight * value
    assert np.array_equal(torch_sums.product(tensor(weights), tensor(values)), expected)
    lost = tensor([[np.inf, np.nan], [2.0, 3.0], [-np.inf, np.nan]])
    found = torch_sums.product(tensor([[0.0, 1.0, 0.0], [0.0, 5.0, 1.0], [0.0, 0.0, 0.0]]), lost)
    assert found[[0, 2]].tolist() == [[2.0, 3.0], [0.0, 0.0]]


def test_extremes_and_sums_are_those_of_each_sequence(segments):
    values = np.random.default_rng(0).integers(-9, 10, size=(2, 11)).astype(float)
    for how, extreme in (("min", np.min), ("max", np.max)):
        expected = np.hstack(
            [np.broadcast_to(extreme(part, axis=1, keepdims=True), part.shape) for part in parts(values)]
        )
        assert np.array_equal(segments.extremes(tensor(values), how), expected)
    assert segments.sums(tensor(values)).T.tolist() == [part.sum(axis=1).tolist() for part in parts(values)]


def test_means_are_those_of_the_members_of_each_sequence(segments):
    rng = np.random.default_rng(1)
    values, is_member = rng.normal(size=(3, 11)), np.array([0, 1, 1, 1, 1, 0, 1, 0, 1, 1, 0], dtype=bool)
    for members in (np.ones(11, dtype=bool), is_member):
        means = [part[:, own].mean(axis=1, keepdims=True) for part, own in zip(parts(values), parts(members))]
        found = segments.means(tensor(values), None if members.all() else torch.tensor(members))
        np.testing.assert_allclose(found, np.repeat(np.hstack(means), LENGTHS, axis=1), rtol=0, atol=1e-15)


def test_the_mean_of_equal_values_is_that_value_whatever_stands_between(segments):
    values = np.repeat([[0.1, 1e300, -0.7, 3.3]], LENGTHS, axis=1)
    assert np.array_equal(segments.means(tensor(values)), values)
    is_member = torch.tensor([True, False, True, True, True, True, False, False, True, False, True])
    others = tensor(values).where(is_member, -1e10)
    assert np.array_equal(segments.means(others, is_member), values)


@pytest.mark.parametrize(
    ("before", "after"), [(0, 0), (0, 1023), (1000, -1000), (-1022, 1021), (-900, 124), (500, 499)]
)
def test_shifting_multiplies_by_a_power_of_two_exactly(before, after):
    """Even by one that is no number of float64 itself, as 2^-2000 and 2^2043: no digit of the numbers is lost."""
    numbers = np.array([1.0, -1.5, np.pi / 2, 0.0])
    found = torch_sums.shifted(tensor(np.ldexp(numbers, before)), torch.full((4,), after - before))
    assert np.array_equal(found, np.ldexp(numbers, after))


def test_an_exponent_is_the_smallest_whose_power_of_two_is_larger():
    sizes = [1.0, 0.5, 0.75, 2.0 - 2.0**-52, 2.0, 3.0, 2.0**1023, 2.0**-1022, 5e-324, 0.0]
    found = torch_sums.exponents(tensor(sizes)).tolist()
    assert found[-1] == 0
    for size, exponent in zip(sizes[:-1], found):
        mantissa = np.ldexp(size, -exponent)
        assert 0.5 <= mantissa < 1
