"""Both ways to the same ridge regression, against scikit-learn, brute force and calculations by hand."""

import tracemalloc
from functools import partial

import numpy as np
import pytest
from effort import examples
from hypothesis import given
from hypothesis import strategies as st
from joblib import parallel_config
from sklearn.linear_model import Ridge, RidgeCV

from sklearn_hardmax.constructions.scoring import ridge

ALPHAS = 10.0 ** np.arange(-3, 4)


def from_features(features, targets, weight, alphas, kinds):
    return ridge.ridge_from_features(features, targets, weight, alphas, kinds)


def from_chunks(features, targets, weight, alphas, kinds, size=7, left_out=None, **options):
    """All sequences are left out, or some; the others come in parts of 3 size, each in chunks of `size`, in disorder."""
    n = features.shape[1]
    left_out = np.arange(n) if left_out is None else left_out
    rest = np.random.default_rng(n).permutation(np.setdiff1d(np.arange(n), left_out))

    def others():
        for at in range(0, len(rest), 3 * size):
            indices = rest[at : at + 3 * size]
            yield indices, partial(chunks_of, features[:, indices], size)

    arguments = (left_out, features[:, left_out], others, targets, weight, alphas, kinds)
    return ridge.ridge_from_chunks(*arguments, **options)


def chunks_of(features, size):
    columns = np.arange(features.shape[1])[::-1]
    for at in range(0, len(columns), size):
        yield columns[at : at + size], features[:, columns[at : at + size]]


both_ways = pytest.mark.parametrize("way", [from_features, from_chunks])


def problem(n_features, n_sequences, n_classes=2, seed=0):
    """Features of two kinds in float32, far from 0 and of different size; +-1 targets, and weights."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((n_features, n_sequences))
    features = noise * rng.uniform(0.5, 2, (n_features, 1)) + rng.uniform(-20, 20, (n_features, 1))
    truth = np.sign(noise[:1].T + rng.standard_normal((n_sequences, n_classes)))
    weight = rng.uniform(0.2, 3, n_sequences)
    return features.astype(np.float32), truth, weight, np.arange(n_features) % 2


def close(found, wanted):
    """Up to the grid: 2^-21 standard deviations or finer with so few sequences, which small penalties make larger."""
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-5 * np.abs(wanted).max())


def standardised(fit, features):
    """(N, F), as scikit-learn takes it."""
    return ((features.astype(np.float64) - fit.means[:, None]) / fit.scales[:, None]).T


def criteria_of(way, features, targets, weight, alphas, kinds, **options):
    """The criterion of every alpha, sum of w (y - s)^2 over the sequences left out, and the fit at the best one."""
    criteria = []
    for alpha in alphas:
        fit = way(features, targets, weight, np.array([alpha]), kinds, **options)
        errors = targets[fit.left_out] - fit.left_out_scores
        criteria.append(np.sum(weight[fit.left_out, None] * errors**2))
    return np.array(criteria), way(features, targets, weight, alphas, kinds, **options)


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
    close(primal.coefficients, dual.coefficients)
    close(primal.intercept, dual.intercept)
    close(primal.left_out_scores, dual.left_out_scores)
    np.testing.assert_allclose(primal.means, dual.means, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(primal.scales, dual.scales, rtol=1e-6)


@both_ways
@pytest.mark.parametrize("shape", [(30, 90), (90, 30)])
@pytest.mark.parametrize("alpha", [1e-3, 1.0, 1e3])
def test_the_fit_is_scikit_learns_ridge_on_standardised_features(way, shape, alpha):
    features, targets, weight, kinds = problem(*shape)
    fit = way(features, targets, weight, np.array([alpha]), kinds)
    model = Ridge(alpha, solver="cholesky").fit(standardised(fit, features), targets, sample_weight=weight)
    wanted = model.coef_.T / fit.scales[:, None]
    close(fit.coefficients, wanted)
    close(features.T @ fit.coefficients + fit.intercept, model.predict(standardised(fit, features)))


def test_means_and_scales_are_weighted_moments():
    features, targets, weight, kinds = problem(50, 20)
    fit = from_features(features, targets, weight, ALPHAS, kinds)
    means = np.average(features.astype(np.float64), axis=1, weights=weight)
    variances = np.average((features - means[:, None]) ** 2, axis=1, weights=weight)
    np.testing.assert_allclose(fit.means, means, rtol=1e-6)  # of features that are rounded to 2^-23 of their range
    np.testing.assert_allclose(fit.scales, np.sqrt(variances), rtol=1e-6)  # all alike: no floor is met


@both_ways
@pytest.mark.parametrize("shape", [(4, 13), (20, 9), (2, 3), (5, 2)])
def test_the_criterion_is_brute_force_leave_one_out(way, shape):
    features, targets, weight, kinds = problem(*shape)
    criteria, fit = criteria_of(way, features, targets, weight, ALPHAS[::3], kinds)
    wanted = brute_force(fit, features, targets, weight, ALPHAS[::3], range(shape[1]))
    np.testing.assert_allclose(criteria, wanted, rtol=1e-5)


@both_ways
def test_the_intercept_is_told_from_other_directions_without_penalty(way):
    # one feature, three pairs of equal sequences: K has rank 1, its null space holds the intercept and four more
    features = np.array([[0.0, 0.0, 1.0, 1.0, 4.0, 4.0]])
    targets, weight = np.array([[1.0, -1, 1, 1, -1, 2]]).T, np.array([1.0, 2, 3, 1, 2, 3])
    criteria, fit = criteria_of(way, features, targets, weight, ALPHAS[::3], np.zeros(1, int))
    np.testing.assert_allclose(criteria, brute_force(fit, features, targets, weight, ALPHAS[::3], range(6)), rtol=1e-6)


def test_only_some_sequences_may_be_left_out():
    features, targets, weight, kinds = problem(3, 31)
    options = {"left_out": np.array([0, 10, 20, 30])}
    criteria, fit = criteria_of(from_chunks, features, targets, weight, ALPHAS[::3], kinds, **options)
    wanted = brute_force(fit, features, targets, weight, ALPHAS[::3], [0, 10, 20, 30])
    np.testing.assert_allclose(criteria, wanted, rtol=1e-5)
    assert fit.left_out.tolist() == [0, 10, 20, 30]
    assert fit.alpha == ALPHAS[::3][criteria.argmin()]


@both_ways
@pytest.mark.parametrize("shape", [(4, 13), (20, 9)])
def test_a_left_out_score_is_the_prediction_of_a_fit_without_that_sequence(way, shape):
    features, targets, weight, kinds = problem(*shape)
    fit = way(features, targets, weight, ALPHAS[2:4], kinds)
    rows, every = standardised(fit, features), np.arange(shape[1])
    for i in every:
        rest = every != i
        model = Ridge(fit.alpha, solver="cholesky").fit(rows[rest], targets[rest], sample_weight=weight[rest])
        close(fit.left_out_scores[i], model.predict(rows[i : i + 1])[0])


@both_ways
@pytest.mark.parametrize("seed", range(6))
def test_without_weights_alpha_is_that_of_ridgecv(way, seed):
    features, targets, _, kinds = problem(15, 40, n_classes=1, seed=seed)
    fit = way(features, targets, np.ones(40), ALPHAS, kinds)
    assert fit.alpha == RidgeCV(ALPHAS).fit(standardised(fit, features), targets).alpha_


@both_ways
@pytest.mark.parametrize("exponent", [-30, -50])
def test_a_sequence_of_hardly_any_weight_is_predicted_as_the_fit_predicts_it(way, exponent):
    """It changes the fit by some 2^-30, so the fit without it is the fit."""
    features, targets, weight, kinds = problem(12, 40)
    weight[7] = 2.0**exponent
    fit = way(features, targets, weight, np.array([1.0]), kinds)
    close(fit.left_out_scores[7], features[:, 7] @ fit.coefficients + fit.intercept)


def test_every_alpha_can_be_chosen_in_any_order():
    features, targets, weight, kinds = problem(30, 50)
    fit = from_features(features, targets, weight, ALPHAS, kinds)
    assert ALPHAS[0] < fit.alpha < ALPHAS[-1]  # a choice inside the grid, so that order could matter
    assert from_features(features, targets, weight, ALPHAS[::-1], kinds).alpha == fit.alpha


@both_ways
def test_classes_add_up_however_many(way):
    # 7 alphas x 100 classes: three products with all eigenvectors, against one each
    features, targets, weight, kinds = problem(20, 30, n_classes=100)
    criteria, fit = criteria_of(way, features, targets, weight, ALPHAS, kinds)
    parts = [criteria_of(way, features, part, weight, ALPHAS, kinds)[0] for part in np.split(targets, 4, 1)]
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
    close(fit.coefficients, repeated.coefficients)
    close(fit.intercept, repeated.intercept)


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
def test_constant_features_leave_the_weighted_mean(way, n):
    rng = np.random.default_rng(n)
    targets, weight = rng.standard_normal((n, 3)), rng.uniform(0.1, 2, n)
    features = np.full((20, n), 0.1, np.float32)
    criteria, fit = criteria_of(way, features, targets, weight, ALPHAS, np.zeros(20, int))
    np.testing.assert_array_equal(fit.coefficients, 0)
    np.testing.assert_allclose(fit.intercept, np.average(targets, axis=0, weights=weight), rtol=1e-13, atol=1e-15)
    assert fit.alpha == ALPHAS[-1]  # every alpha is as good, so the largest
    every = np.arange(n)
    others = [np.average(targets[every != i], axis=0, weights=weight[every != i]) for i in every if n > 1]
    left_out = sum(weight[i] * np.sum((targets[i] - other) ** 2) for i, other in enumerate(others))
    np.testing.assert_allclose(criteria, left_out, rtol=1e-5)


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
def test_of_two_sequences_each_predicts_the_other_whatever_alpha(way, seed):
    features, _, weight, kinds = problem(9, 2, seed=seed)
    targets = np.array([[1.0], [-2.0]])
    criteria, fit = criteria_of(way, features, targets, weight, ALPHAS, kinds)
    np.testing.assert_allclose(criteria, weight.sum() * 9, rtol=1e-6)  # both miss by 3
    assert fit.alpha == ALPHAS[-1]


@pytest.mark.parametrize("size", [1, 64, 520])
@pytest.mark.parametrize("n_jobs", [None, 2])
def test_order_chunks_and_jobs_do_not_show(size, n_jobs):
    """Sums of integers: the same bits for every partition and order of the sequences."""
    features, targets, weight, kinds = problem(20, 520)
    left_out = np.arange(0, 520, 4)
    arguments = targets, weight, ALPHAS, kinds
    fit = from_chunks(features, *arguments, left_out=left_out)
    order = np.random.default_rng(0).permutation(520)
    with parallel_config("threading"):
        other = from_chunks(
            features[:, order], targets[order], weight[order], ALPHAS, kinds,
            size=size, left_out=np.argsort(order)[left_out], n_jobs=n_jobs,
        )  # fmt: skip
    assert other.alpha == fit.alpha
    for name in ("coefficients", "intercept", "scales", "means", "left_out_scores"):
        np.testing.assert_array_equal(getattr(other, name), getattr(fit, name), err_msg=name)


def test_sequences_far_beyond_the_sample_are_summed_on_a_coarser_grid():
    features, targets, weight, kinds = problem(10, 400)
    features[:, 0] += 1e3  # fifty standard deviations of the others
    lines = []
    left_out = np.arange(200, 400)
    fit = from_chunks(features, targets, weight, ALPHAS[3:4], kinds, left_out=left_out, log=lines.append)
    assert any("coarser grid" in line for line in lines)
    assert lines[-1] == "added 400 of 400 sequences to the Gram matrix"
    wanted = from_features(features, targets, weight, ALPHAS[3:4], kinds)
    close(fit.coefficients, wanted.coefficients)


def test_a_missing_chunk_is_our_mistake():
    features, targets, weight, kinds = problem(3, 10)
    with pytest.raises(AssertionError, match="chunks held 4 sequences of 10"):
        ridge.ridge_from_chunks(np.arange(4), features[:, :4], tuple, targets, weight, ALPHAS, kinds)


def test_penalties_that_float64_cannot_solve_are_no_candidates():
    """Z Z^T = ((4, 4), (4, 4)): its Cholesky factor has the rows (2, 2) and (0, 0), and 1e-300 is lost beside 4."""
    features = np.array([[1.0, -1.0, 1.0, -1.0]] * 2)
    targets, kinds = np.array([[1.0], [-1], [1], [1]]), np.zeros(2, int)
    fit = from_chunks(features, targets, np.ones(4), np.array([1e-300, 1.0]), kinds)
    assert fit.alpha == 1
    # order (order + 2) eps times the largest number on the diagonal is 2 * 4 * 2^-52 * 4
    with pytest.raises(
        ValueError, match=r"alphas=\[1e-300\] is large enough .* of 2 equations; penalties of 7e-15 and more"
    ):
        from_chunks(features, targets, np.ones(4), np.array([1e-300]), kinds)


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
    # in float64 they would take 5.1 MB; blocks and arrays (F,) take 2.6
    assert peak_of(lambda: from_features(*arguments[:3], ALPHAS, arguments[3])) < 3e6


def test_chunks_are_never_held_together():
    features, _, weight, kinds = problem(64, 500)
    targets, weight = np.random.default_rng(0).choice([-1.0, 1.0], (50_000, 1)), np.tile(weight, 100)
    parts = [(rows, lambda: [(np.arange(500), features)]) for rows in np.arange(500, 50_000).reshape(99, 500)]
    arguments = np.arange(500), features, lambda: parts, targets, weight, ALPHAS, kinds
    # in float32 they would take 12.8 MB; arrays (N,) and blocks take 5
    assert peak_of(lambda: ridge.ridge_from_chunks(*arguments)) < 6e6
