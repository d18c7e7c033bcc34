"""Which penalties are computed, and which is chosen, on criteria that are given."""

import numpy as np
import pytest

from sklearn_hardmax.constructions.scoring import penalty

ALPHAS = 10.0 ** np.arange(-3, 10)


class Given:
    """A system whose squared errors for alpha k add up to criteria[k]; nan: float64 finds no factor.

    Errors are the same for all sequences, but for noise that has mean 0 and takes part in the order of the parts.
    """

    def __init__(self, criteria, order=8000, quarter=None, n=8, noise=0.0, single_from=np.inf):
        self.criteria = np.asarray(criteria, float)
        self.order = order
        self.targets = np.zeros((n, 1))
        self.parts = [slice(k, None, 4) for k in range(4)]
        self.given = quarter
        self.noise = noise
        self.single_from = single_from
        self.blur = 0.0
        self.computed = []  # alphas, how many parts of each, and whether in float32

    def quarter(self):
        return Given(self.given, order=2000), 0.25

    def factor(self, alpha, single=False):
        (self.k,) = np.flatnonzero(np.isclose(ALPHAS * (0.25 if self.order == 2000 else 1), alpha, rtol=1e-12))
        self.computed.append([int(self.k), 0, single])
        return not np.isnan(self.criteria[self.k])

    def errors(self, part):
        self.computed[-1][1] += 1
        n = len(self.targets)
        signs = np.where(np.arange(n) // 4 % 2, 1, -1) * np.cos(self.k)
        return np.sqrt(self.criteria[self.k] / n * (1 + self.noise * signs[part, None]))

    def solution(self):
        return self.k


def valley(best, slope=1.0):
    return 1 + slope * np.abs(np.arange(13) - best)


def test_every_alpha_of_a_small_system_is_computed():
    criteria = valley(3) + (np.arange(13) == 11) * -8.5  # another minimum, which is the least one
    system = Given(criteria, order=100)
    choice = penalty.choose_penalty(system, ALPHAS[::-1])
    assert (choice.alpha, choice.solution) == (ALPHAS[11], 11)
    np.testing.assert_allclose(choice.errors**2, criteria[11] / 8)
    assert sorted(k for k, *_ in system.computed) == list(range(13))


@pytest.mark.parametrize("best", range(13))
@pytest.mark.parametrize("guess", [0, 5, 12])
def test_the_search_of_a_large_system_ends_in_the_valley(best, guess):
    system = Given(valley(best), quarter=valley(guess))
    choice = penalty.choose_penalty(system, ALPHAS)
    assert choice.alpha == ALPHAS[best]
    computed = [k for k, *_ in system.computed]
    assert computed[0] == guess
    assert {best - 1, best, best + 1} & set(range(13)) <= set(computed)
    assert len(computed) == len(set(computed)) <= 10


def test_a_good_guess_costs_its_neighbours_only_and_these_one_part():
    """Differences of squared errors without noise are clear on the first part."""
    system = Given(valley(6), quarter=valley(6))
    penalty.choose_penalty(system, ALPHAS)
    assert system.computed == [[6, 4, False], [7, 1, False], [5, 1, False]]


def test_noise_that_hides_the_difference_takes_all_parts():
    """Of alpha 7 less 6 they are (2 - 1 +- 0.99 (2 cos 7 - cos 6)) / 8: on two sequences 2.6 standard errors above 0."""
    system = Given(valley(6), quarter=valley(6), noise=0.99)
    choice = penalty.choose_penalty(system, ALPHAS)
    assert choice.alpha == ALPHAS[6]
    assert max(parts for k, parts, _ in system.computed if k != 6) > 1


def test_float32_serves_where_it_is_precise_and_float64_for_the_chosen_one():
    """Alpha 5 is below `single_from`, so float64 shows that it is worse."""
    system = Given(valley(6), quarter=valley(6), single_from=ALPHAS[6])
    assert penalty.choose_penalty(system, ALPHAS).alpha == ALPHAS[6]
    assert system.computed == [[6, 4, True], [7, 1, True], [5, 1, False], [6, 0, False]]


def test_what_is_better_in_float32_is_gone_on_from_in_float32():
    system = Given(valley(7), quarter=valley(6), single_from=0.0)
    assert penalty.choose_penalty(system, ALPHAS).alpha == ALPHAS[7]
    assert system.computed == [[6, 4, True], [7, 4, True], [9, 1, True], [8, 1, True], [7, 0, False]]


@pytest.mark.parametrize(("above", "in_double"), [(2.0**-13, True), (2.0**-11, False)])
def test_near_ties_are_decided_in_float64(above, in_double):
    """Criteria 1 and 1 + above differ by less than the noise on the parts: 2^-12 is the border."""
    criteria = valley(6)
    criteria[7] = 1 + above
    system = Given(criteria, quarter=valley(6), single_from=0.0, noise=0.9, n=64)
    assert penalty.choose_penalty(system, ALPHAS).alpha == ALPHAS[6]
    assert [7, 4, True] in system.computed
    assert ([7, 4, False] in system.computed) == in_double
    assert system.computed.count([6, 4, False]) == in_double


def test_every_promising_minimum_of_the_quarter_is_computed():
    """Minima at 1 and 10 within a tenth of each other; one at 5 is 40 percent higher."""
    quarter = np.array([2, 1.0, 2, 3, 2, 1.4, 2, 3, 3, 2, 1.05, 2, 3])
    system = Given(valley(9), quarter=quarter)
    assert penalty.choose_penalty(system, ALPHAS).alpha == ALPHAS[9]
    computed = [k for k, *_ in system.computed]
    assert computed[:2] == [1, 10]
    assert 5 not in computed


def test_both_ends_of_a_flat_quarter_are_computed():
    """The quarter rises by a thousandth from alpha to alpha up to 9; the whole is flat up to 5, with its minimum at 8."""
    quarter = 1 + 0.001 * np.arange(13)
    quarter[10:] = 2
    whole = np.array([1, 1.01, 1.02, 1.03, 1.04, 1.05, 1, 0.9, 0.8, 0.9, 1, 2, 2])
    system = Given(whole, quarter=quarter)
    assert penalty.choose_penalty(system, ALPHAS).alpha == ALPHAS[8]
    assert [k for k, *_ in system.computed][:2] == [0, 9]


def test_the_valley_beside_a_start_is_found_though_another_start_is_better():
    """The quarter is flat from 0, its minimum, to 9; on the whole 0 is better than 9, and 8 is the best."""
    quarter = 1 + 0.0001 * np.arange(13)
    quarter[10:] = 2
    whole = np.array([1, 1.001, 1.002, 1.003, 1.004, 1.003, 1.002, 1.001, 0.999, 1.005, 2, 2, 2])
    system = Given(whole, quarter=quarter, noise=0.9, n=64)
    assert penalty.choose_penalty(system, ALPHAS).alpha == ALPHAS[8]
    assert [k for k, *_ in system.computed][:2] == [0, 9]


@pytest.mark.parametrize("order", [100, 8000])
def test_of_equal_criteria_the_largest_alpha_is_chosen(order):
    criteria = np.ones(13)
    assert penalty.choose_penalty(Given(criteria, order, quarter=criteria), ALPHAS).alpha == ALPHAS[12]
    criteria[[4, 5, 6]] = 0.5, 0.5 * (1 + 1e-12), 0.5 * (1 - 1e-12)
    assert penalty.choose_penalty(Given(criteria, order, quarter=valley(5)), ALPHAS).alpha == ALPHAS[6]
    assert penalty.choose_penalty(Given(np.zeros(13), order, quarter=np.zeros(13)), ALPHAS).alpha == ALPHAS[12]


def test_what_the_rounding_of_features_may_do_decides_nothing():
    """Criteria 1 - 1e-5 at 10^-3 and 1 elsewhere, in every sequence: with a blur of 10^-7 a factor of 1 + 10^-4 counts as
    equal there, with one of 10^-9 a factor of 1 + 10^-6."""
    criteria = np.ones(13)
    criteria[0] -= 1e-5
    for blur, order, best in ((1e-7, 100, 12), (1e-7, 8000, 12), (1e-9, 100, 0), (1e-9, 8000, 0)):
        system = Given(criteria, order, quarter=criteria)
        system.blur = blur
        assert penalty.choose_penalty(system, ALPHAS).alpha == ALPHAS[best]


@pytest.mark.parametrize("order", [100, 8000])
def test_alphas_without_a_factor_are_no_candidates(order):
    criteria = valley(0)
    criteria[:7] = np.nan
    assert penalty.choose_penalty(Given(criteria, order, quarter=valley(0)), ALPHAS).alpha == ALPHAS[7]
    assert penalty.choose_penalty(Given(np.full(13, np.nan), order, quarter=valley(0)), ALPHAS) is None
    assert penalty.choose_penalty(Given(np.full(13, np.nan), order, quarter=np.full(13, np.nan)), ALPHAS) is None


def test_of_a_near_tie_only_what_is_in_float32_is_computed_again():
    """Alpha 5 is below `single_from` and within 2^-13 of alpha 6, which was computed in float32."""
    criteria = valley(6)
    criteria[5] = 1 + 2.0**-13
    system = Given(criteria, quarter=valley(6), single_from=ALPHAS[6], noise=0.9, n=64)
    assert penalty.choose_penalty(system, ALPHAS).alpha == ALPHAS[6]
    assert [k for k, parts, single in system.computed if k == 5 and not single] == [5]
    assert system.computed.count([6, 4, False]) == 1
