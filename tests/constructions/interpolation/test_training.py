"""Regularised training: exact derivatives, a certificate that is never exceeded, and rescaling that changes no output."""

from dataclasses import replace

import numpy as np
import pytest

from sklearn_hardmax import Attention, FeedForward, RaggedSequences, Transformer
from sklearn_hardmax.constructions import balanced, build_interpolator, minimise_regularised
from sklearn_hardmax.constructions.interpolation.training import _Problem
from sklearn_hardmax.forward import apply


def network(rng, rank=1, rho=0.5):
    """One of each layer, on a stream of three coordinates, the last of which is the output."""
    return Transformer(
        [
            FeedForward(rng.normal(size=(4, 3)), rng.normal(size=4), rng.normal(size=(3, 4)), eta=0.3),
            Attention(*rng.normal(size=(2, rank, 3)), rng.normal(size=(2, 3)), rng.normal(size=(3, 2)), rho, 0.7),
            FeedForward(rng.normal(size=(2, 3)), rng.normal(size=2), rng.normal(size=(3, 2))),
        ],
        ["z0", "z1", "target 0"],
    )


def data(rng):
    X = RaggedSequences.from_list([rng.normal(size=(n, 3)) for n in (1, 4, 3)])
    return X, RaggedSequences.from_list([rng.normal(size=(m, 1)) for m in (1, 2, 3)])


@pytest.mark.parametrize("rank", [0, 1, 2])
@pytest.mark.parametrize("rho", [0.0, 1.0])
def test_every_derivative_is_that_of_finite_differences(rank, rho):
    rng = np.random.default_rng(rank)
    transformer, (X, Y) = network(rng, rank, rho), data(rng)
    problem = _Problem(transformer, X, Y, 0.01, None)
    theta = problem.vector(transformer)
    _, gradient = problem.objective(theta)
    step = 1e-6
    for i in range(len(theta)):
        ends = [problem.objective(theta + sign * step * np.eye(1, len(theta), i)[0])[0] for sign in (1, -1)]
        assert abs((ends[0] - ends[1]) / (2 * step) - gradient[i]) < 1e-6 * max(1, abs(gradient[i]))


def test_the_objective_is_the_loss_of_the_engine_and_the_sum_of_squares():
    rng = np.random.default_rng(0)
    transformer, (X, Y) = network(rng), data(rng)
    problem = _Problem(transformer, X, Y, 0.25, None)
    theta = problem.vector(transformer)
    assert problem.transformer(theta) == transformer
    out = apply(transformer, X)
    errors = [rows[: len(y), 2:] - y for rows, y in zip(out, Y)]
    loss = sum((e**2).sum() for e in errors) / Y.n_tokens
    norm = sum((getattr(layer, n) ** 2).sum() for layer in transformer.layers for n in layer.array_names)
    np.testing.assert_allclose(problem.objective(theta)[0], loss + 0.25 * norm, rtol=1e-13)


@pytest.mark.parametrize("rank", [0, 2])
def test_balancing_changes_no_output_and_makes_norms_equal(rank):
    rng = np.random.default_rng(rank)
    transformer, (X, _) = network(rng, rank), data(rng)
    even = balanced(transformer)
    np.testing.assert_allclose(apply(even, X).tokens, apply(transformer, X).tokens, rtol=1e-12, atol=1e-12)
    for layer in even.layers:
        if isinstance(layer, FeedForward):
            pairs = [(np.hypot(np.linalg.norm(layer.U, axis=1), layer.b), np.linalg.norm(layer.W, axis=0))]
        else:
            pairs = [(np.linalg.norm(a, axis=1), np.linalg.norm(b, axis=1)) for a, b in (
                (layer.query, layer.key), (layer.value, layer.output.T)
            )]  # fmt: skip
        for first, second in pairs:
            np.testing.assert_allclose(first, second, rtol=1e-12)


def test_units_that_do_nothing_are_left_alone_by_balancing():
    layer = FeedForward([[1.0, 2.0], [0.0, 0.0]], [0.0, 0.0], [[0.0, 1.0], [0.0, 1.0]])
    assert balanced(Transformer([layer])).layers[0] == layer


def four_sequences():
    """Equal extremes, so that the mean is read."""
    X = [np.array([-1.0, *inner, 1.0])[:, None] for inner in ([-0.8], [-0.3, 0.0], [0.5], [0.8, 0.7])]
    Y = [1.0, -1.0, 0.5, -0.5]
    built = build_interpolator(X, Y, attention="softmax")
    assert not any(a.rank for a in built.transformer.layers if isinstance(a, Attention))
    return built, X, Y


def test_the_optimum_is_never_above_the_certificate_and_falls_with_lambda():
    """arXiv 2502.02270v3: the optimal value is O(lambda); the zero network's is the mean square of the targets."""
    built, X, Y = four_sequences()
    found, starts = [], ()
    for lambda_ in (1e-5, 1e-4, 1e-3):
        trained = minimise_regularised(
            built.transformer, built.encode(X), Y, lambda_, starts=starts, n_random=1, max_iter=100
        )
        starts = (trained.transformer,)
        found.append(trained.objective / lambda_)
        problem = _Problem(built.transformer, built.encode(X), Y, lambda_, None)
        value, _ = problem.objective(problem.vector(trained.transformer))
        np.testing.assert_allclose(
            [value, trained.loss + lambda_ * trained.squared_norm], trained.objective, rtol=1e-12
        )
        norm = (problem.vector(balanced(built.transformer)) ** 2).sum()
        np.testing.assert_allclose(
            trained.certificate, lambda_ * norm, rtol=1e-9
        )  # the loss of exact weights is rounding
        assert trained.objective <= trained.certificate
    assert found[2] <= found[1] * (1 + 1e-9) <= found[0] * (1 + 1e-8)  # min J / lambda falls where lambda rises
    assert found[2] * 1e-3 < np.mean(np.square(Y))


def test_a_start_of_other_layers_hardmax_and_wrong_shapes_are_refused():
    rng = np.random.default_rng(0)
    transformer, (X, Y) = network(rng), data(rng)
    with pytest.raises(ValueError, match="A start has other layers"):
        minimise_regularised(transformer, X, Y, 0.1, starts=[network(rng, 2)])
    hard = Transformer([replace(transformer.layers[1], temperature=0.0)], transformer.names)
    with pytest.raises(ValueError, match=r"Layers \[0\] are hardmax attention"):
        minimise_regularised(hard, X, Y, 0.1)
    with pytest.raises(ValueError, match="acts on tokens of 3 coordinates, the sequences have 1"):
        minimise_regularised(transformer, [[[1.0]]], [1.0], 0.1)
    for coordinates in ([], [0, 1]):
        with pytest.raises(ValueError, match="coordinates must name the 1 coordinates of the stream"):
            minimise_regularised(transformer, X, Y, 0.1, coordinates=coordinates)
    with pytest.raises(ValueError, match="Y must hold targets for 3 sequences"):
        minimise_regularised(transformer, X, [[[1.0]]], 0.1)


@pytest.mark.parametrize("lambda_", [0, -1.0, np.nan, np.inf, "1", None, True])
def test_a_lambda_that_is_no_positive_number_is_refused(lambda_):
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="lambda_ must be a positive finite number"):
        minimise_regularised(network(rng), *data(rng), lambda_)
