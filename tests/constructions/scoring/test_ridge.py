"""Both ways to the same ridge regression, against scikit-learn, brute force and calculations by hand."""

import tracemalloc

import numpy as np
import pytest
from effort import examples
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import Ridge, RidgeCV

from sklearn_hardmax.constructions.scoring import ridge

ALPHAS = 10.0 ** np.arange(-3, 4)


def from_features(features, targets, weight, alphas, kinds):
    return ridge.ridge_from_features(features, targets, weight, alphas, kinds)


def from_chunks(features, targets, weight, alphas, kinds, size=7):
    n = features.shape[1]
    order = np.random.default_rng(n).permutation(n)

    def chunks():
        for at in range(0, n, size):
            yield order[at : at + size], features[:, order[at : at + size]]

    return ridge.ridge_from_chunks(chunks, n, targets, weight, alphas, kinds)


both_ways = pytest.mark.parametrize("way", [from_features, from_chunks])


def problem(n_features, n_sequences, n_classes=2, seed=0):
    """Features of two kinds in float32, far from 0 and of different size; +-1 targets, and weights."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((n_features, n_sequences))
    features = noise * rng.uniform(0.5, 2, (n_features, 1)) + rng.uniform(-20, 20, (n_features, 1))
    truth = np.sign(noise[:1].T + rng.standard_normal((n_sequences, n_classes)))
    weight = rng.uniform(0.2, 3, n_sequences)
    return features.astype(np.float32), truth, weight, np.arange(n_features) % 2


def standardised(fit, features):
    """(N, F), as scikit-learn takes it."""
    return ((features.astype(np.float64) - fit.means[:, None]) / fit.scales[:, None]).T


def criteria_of(monkeypatch, way, *arguments):
    """The criterion of every alpha, and the fit."""
    seen, best = [], ridge._best
    with monkeypatch.context() as patch:
        patch.setattr(ridge, "_best", lambda criteria, alphas: seen.append(criteria) or best(criteria, alphas))
        fit = way(*arguments)
    return seen[0], fit


def brute_force(fit, features, targets, weight, alphas, left_out):
    """Sum of weighted squared errors over fits without one sequence each; scales stay, intercepts are found again."""
    rows, every = standardised(fit, features), np.arange(len(targets))
    criteria = []
    for alpha in alphas:
        errors = 0.0
        for i in left_out:
            rest = every != i
            model = Ridge(alpha, solver="cholesky").fit(rows[rest], targets[rest], sample_weight=weight[rest])
            errors += weight[i] * np.sum((targets[i] - model.predict(rows[i : i + 1])) ** 2)
        criteria.append(errors)
    return np.array(criteria)


@pytest.mark.parametrize("shape", [(40, 200), (120, 120), (200, 60), (600, 30)])
@pytest.mark.parametrize("alphas", [ALPHAS[:1], ALPHAS])
def test_both_ways_give_one_answer(shape, alphas):
    features, targets, weight, kinds = problem(*shape)
    dual = from_features(features, targets, weight, alphas, kinds)
    primal = from_chunks(features, targets, weight, alphas, kinds)
    assert primal.alpha == dual.alpha
    np.testing.assert_allclose(
        primal.coefficients, dual.coefficients, rtol=0, atol=1e-6 * np.abs(dual.coefficients).max()
    )
    np.testing.assert_allclose(primal.intercept, dual.intercept, rtol=1e-6)
    np.testing.assert_allclose(primal.means, dual.means, rtol=1e-12)
    np.testing.assert_allclose(primal.scales, dual.scales, rtol=1e-12)


@both_ways
@pytest.mark.parametrize("shape", [(30, 90), (90, 30)])
@pytest.mark.parametrize("alpha", [1e-3, 1.0, 1e3])
def test_the_fit_is_scikit_learns_ridge_on_standardised_features(way, shape, alpha):
    features, targets, weight, kinds = problem(*shape)
    fit = way(features, targets, weight, np.array([alpha]), kinds)
    model = Ridge(alpha, solver="cholesky").fit(standardised(fit, features), targets, sample_weight=weight)
    wanted = model.coef_.T / fit.scales[:, None]
    np.testing.assert_allclose(fit.coefficients, wanted, rtol=0, atol=1e-8 * np.abs(wanted).max())
    prediction = features.T @ fit.coefficients + fit.intercept
    np.testing.assert_allclose(prediction, model.predict(standardised(fit, features)), rtol=0, atol=1e-8)


def test_means_and_scales_are_weighted_moments():
    features, targets, weight, kinds = problem(50, 20)
    fit = from_features(features, targets, weight, ALPHAS, kinds)
    means = np.average(features.astype(np.float64), axis=1, weights=weight)
    variances = np.average((features - means[:, None]) ** 2, axis=1, weights=weight)
    np.testing.assert_allclose(fit.means, means, rtol=1e-13)
    np.testing.assert_allclose(fit.scales, np.sqrt(variances), rtol=1e-13)  # all alike: no floor is met


@both_ways
@pytest.mark.parametrize("shape", [(4, 13), (20, 9), (2, 3), (5, 2)])
def test_the_criterion_is_brute_force_leave_one_out(monkeypatch, way, shape):
    features, targets, weight, kinds = problem(*shape)
    criteria, fit = criteria_of(monkeypatch, way, features, targets, weight, ALPHAS[::3], kinds)
    wanted = brute_force(fit, features, targets, weight, ALPHAS[::3], range(shape[1]))
    np.testing.assert_allclose(criteria, wanted, rtol=1e-7)


@both_ways
def test_the_intercept_is_told_from_other_directions_without_penalty(monkeypatch, way):
    # one feature, three pairs of equal sequences: K has rank 1, its null space holds the intercept and four more
    features = np.array([[0.0, 0.0, 1.0, 1.0, 4.0, 4.0]])
    targets, weight = np.array([[1.0, -1, 1, 1, -1, 2]]).T, np.array([1.0, 2, 3, 1, 2, 3])
    criteria, fit = criteria_of(monkeypatch, way, features, targets, weight, ALPHAS[::3], np.zeros(1, int))
    np.testing.assert_allclose(criteria, brute_force(fit, features, targets, weight, ALPHAS[::3], range(6)), rtol=1e-10)


def test_beyond_the_limit_sequences_at_even_distances_are_left_out(monkeypatch):
    features, targets, weight, kinds = problem(3, 31)
    monkeypatch.setattr(ridge, "LEFT_OUT", 4)
    criteria, fit = criteria_of(monkeypatch, from_chunks, features, targets, weight, ALPHAS[::3], kinds)
    wanted = brute_force(fit, features, targets, weight, ALPHAS[::3], [0, 10, 20, 30])
    np.testing.assert_allclose(criteria, wanted, rtol=1e-9)


@both_ways
@pytest.mark.parametrize("seed", range(6))
def test_without_weights_alpha_is_that_of_ridgecv(way, seed):
    features, targets, _, kinds = problem(15, 40, n_classes=1, seed=seed)
    fit = way(features, targets, np.ones(40), ALPHAS, kinds)
    assert fit.alpha == RidgeCV(ALPHAS).fit(standardised(fit, features), targets).alpha_


def test_every_alpha_can_be_chosen_in_any_order():
    features, targets, weight, kinds = problem(30, 50)
    fit = from_features(features, targets, weight, ALPHAS, kinds)
    assert ALPHAS[0] < fit.alpha < ALPHAS[-1]  # a choice inside the grid, so that order could matter
    assert from_features(features, targets, weight, ALPHAS[::-1], kinds).alpha == fit.alpha


@both_ways
def test_classes_add_up_however_many(monkeypatch, way):
    # 7 alphas x 100 classes: three products with all eigenvectors, against one each
    features, targets, weight, kinds = problem(20, 30, n_classes=100)
    criteria, fit = criteria_of(monkeypatch, way, features, targets, weight, ALPHAS, kinds)
    parts = [
        criteria_of(monkeypatch, way, features, part, weight, ALPHAS, kinds)[0] for part in np.split(targets, 4, 1)
    ]
    np.testing.assert_allclose(criteria, sum(parts), rtol=1e-12)
    alone = way(features, targets[:, 99:], weight, np.array([fit.alpha]), kinds)
    np.testing.assert_allclose(fit.coefficients[:, 99:], alone.coefficients, rtol=1e-9, atol=1e-12)


@both_ways
def test_an_integer_weight_is_a_repetition(way):
    features, targets, _, kinds = problem(25, 20)
    times = np.arange(20) % 3 + 1
    fit = way(features, targets, times.astype(float), np.array([0.5]), kinds)
    repeated = way(
        np.repeat(features, times, axis=1),
        np.repeat(targets, times, axis=0),
        np.ones(times.sum()),
        np.array([0.5]),
        kinds,
    )
    np.testing.assert_allclose(fit.coefficients, repeated.coefficients, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(fit.intercept, repeated.intercept, rtol=1e-9)


@both_ways
@pytest.mark.parametrize("exponent", [-30, 5, 20])
def test_a_unit_that_is_a_power_of_two_shows_nowhere_else(way, exponent):
    # every step of the fit scales exactly
    features, targets, weight, kinds = problem(30, 20)
    fit = way(features, targets, weight, ALPHAS, kinds)
    other = way(np.ldexp(features, exponent), targets, weight, ALPHAS, kinds)
    np.testing.assert_array_equal(np.ldexp(other.coefficients, exponent), fit.coefficients)
    np.testing.assert_array_equal(other.intercept, fit.intercept)
    assert other.alpha == fit.alpha


@both_ways
def test_a_rare_feature_is_scaled_by_a_sixteenth_of_the_median_of_its_kind(way):
    # standard deviations of +-a are a: kinds 0 and 1 have medians 4 and 64, constants do not count
    sizes = np.array([4.0, 2.0**-10, 8.0, 0.0, 0.0, 64.0])
    kinds = np.array([0, 0, 0, 0, 0, 1])
    features = np.outer(sizes, [1.0, -1.0, 1.0, -1.0])
    fit = way(features, np.array([[1.0], [-1], [1], [1]]), np.ones(4), ALPHAS, kinds)
    np.testing.assert_array_equal(fit.scales, [4.0, 0.25, 8.0, 1.0, 1.0, 64.0])
    np.testing.assert_array_equal(fit.coefficients[3:5], 0)


@both_ways
def test_an_offset_a_trillion_times_the_deviation_does_not_show(way):
    # all sums of these numbers are exact
    features = np.ldexp([[1.0, -1.0, 1.0, -1.0], [1.0, 1.0, -1.0, -1.0]], -20)
    targets = np.array([[1.0], [-1], [1], [1]])
    fit = way(features, targets, np.ones(4), ALPHAS, np.zeros(2, int))
    shifted = way(features + 2.0**20, targets, np.ones(4), ALPHAS, np.zeros(2, int))
    np.testing.assert_array_equal(shifted.coefficients, fit.coefficients)
    assert np.all(fit.coefficients != 0)


@both_ways
@examples(15)
@given(
    st.floats(min_value=-(2.0**100), max_value=2.0**100, width=32),
    st.integers(min_value=1, max_value=60),
    st.sampled_from([np.float32, np.float64]),
)
def test_a_constant_feature_changes_nothing(way, value, n, dtype):
    features, targets, weight, kinds = problem(3, n)
    features = features.astype(dtype)
    constant = np.full((1, n), value, dtype) * dtype(0.1)
    fit = way(features, targets, weight, ALPHAS, kinds)
    more = way(np.vstack([constant, features]), targets, weight, ALPHAS, np.append(1, kinds))
    assert more.scales[0] == 1
    np.testing.assert_array_equal(more.coefficients[0], 0)
    assert more.alpha == fit.alpha
    np.testing.assert_allclose(more.coefficients[1:], fit.coefficients, rtol=1e-6, atol=1e-9)


@both_ways
@pytest.mark.parametrize("n", [1, 2, 13])
def test_constant_features_leave_the_weighted_mean(monkeypatch, way, n):
    rng = np.random.default_rng(n)
    targets, weight = rng.standard_normal((n, 3)), rng.uniform(0.1, 2, n)
    features = np.full((20, n), 0.1, np.float32)
    criteria, fit = criteria_of(monkeypatch, way, features, targets, weight, ALPHAS, np.zeros(20, int))
    np.testing.assert_array_equal(fit.coefficients, 0)
    np.testing.assert_allclose(fit.intercept, np.average(targets, axis=0, weights=weight), rtol=1e-13, atol=1e-15)
    assert fit.alpha == ALPHAS[-1]  # every alpha is as good, so the largest
    every = np.arange(n)
    others = [np.average(targets[every != i], axis=0, weights=weight[every != i]) for i in every if n > 1]
    left_out = sum(weight[i] * np.sum((targets[i] - other) ** 2) for i, other in enumerate(others))
    np.testing.assert_allclose(criteria, left_out, rtol=1e-12)


@both_ways
@pytest.mark.parametrize("value", [0.0, 0.1, -1.0])
def test_a_constant_target_is_met_exactly(way, value):
    features, _, weight, kinds = problem(30, 11)
    fit = way(features, np.full((11, 2), value), weight, ALPHAS, kinds)
    np.testing.assert_array_equal(fit.coefficients, 0)
    np.testing.assert_array_equal(fit.intercept, value)
    assert fit.alpha == ALPHAS[-1]


@both_ways
def test_a_single_sequence_gives_its_target(way):
    features, targets, weight, kinds = problem(9, 1)
    fit = way(features, targets, weight, ALPHAS, kinds)
    np.testing.assert_array_equal(fit.coefficients, 0)
    np.testing.assert_array_equal(fit.intercept, targets[0])
    assert fit.alpha == ALPHAS[-1]


@both_ways
@pytest.mark.parametrize("seed", range(5))
def test_of_two_sequences_each_predicts_the_other_whatever_alpha(monkeypatch, way, seed):
    features, _, weight, kinds = problem(9, 2, seed=seed)
    targets = np.array([[1.0], [-2.0]])
    criteria, fit = criteria_of(monkeypatch, way, features, targets, weight, ALPHAS, kinds)
    np.testing.assert_allclose(criteria, weight.sum() * 9, rtol=1e-8)  # both miss by 3
    assert fit.alpha == ALPHAS[-1]


@pytest.mark.parametrize("size", [1, 64, 520])
def test_the_cut_into_chunks_does_not_show(size):
    features, targets, weight, kinds = problem(20, 520)
    fit = from_chunks(features, targets, weight, ALPHAS, kinds, size=size)
    wanted = from_features(features, targets, weight, ALPHAS, kinds)
    assert fit.alpha == wanted.alpha
    np.testing.assert_allclose(fit.coefficients, wanted.coefficients, rtol=1e-9, atol=1e-12)


def test_a_first_chunk_far_from_the_mean_does_not_show():
    features, targets, weight, kinds = problem(10, 400)
    features[:, 0] += 1e3  # fifty standard deviations of the others, and the first chunk is this sequence alone
    order = np.arange(400)
    fit = ridge.ridge_from_chunks(
        lambda: iter([(order[:1], features[:, :1]), (order[1:], features[:, 1:])]),
        400, targets, weight, ALPHAS, kinds,
    )  # fmt: skip
    wanted = from_features(features, targets, weight, ALPHAS, kinds)
    assert fit.alpha == wanted.alpha
    np.testing.assert_allclose(fit.coefficients, wanted.coefficients, rtol=1e-8, atol=1e-11)


def test_a_missing_chunk_is_our_mistake():
    features, targets, weight, kinds = problem(3, 10)
    with pytest.raises(AssertionError, match="chunks held 4 sequences of 10"):
        ridge.ridge_from_chunks(lambda: iter([(np.arange(4), features[:, :4])]), 10, targets, weight, ALPHAS, kinds)


@both_ways
def test_arguments_stay_as_they_are(way):
    arguments = [*problem(12, 10)[:3], ALPHAS.copy(), problem(12, 10)[3]]
    copies = [a.copy() for a in arguments]
    way(*arguments)
    for argument, copy in zip(arguments, copies):
        np.testing.assert_array_equal(argument, copy)


def peak_of(call):
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_held_features_are_never_copied_whole():
    arguments = problem(20_000, 32)
    # in float64 they would take 5.1 MB; blocks and arrays (F,) take 1.4
    assert peak_of(lambda: from_features(*arguments[:3], ALPHAS, arguments[3])) < 2.5e6


def test_chunks_are_never_held_together():
    features, _, weight, kinds = problem(64, 500)
    targets, weight = np.random.default_rng(0).choice([-1.0, 1.0], (50_000, 1)), np.tile(weight, 100)
    chunks = [(rows, features) for rows in np.arange(50_000).reshape(100, 500)]
    # in float32 they would take 12.8 MB; 4096 sequences, arrays (N,) and blocks take 3
    peak = peak_of(lambda: ridge.ridge_from_chunks(lambda: iter(chunks), 50_000, targets, weight, ALPHAS, kinds))
    assert peak < 5e6
