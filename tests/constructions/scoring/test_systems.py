"""Both forms of the ridge regression for one alpha after another, against eigendecompositions."""

import numpy as np
import pytest
from scipy.linalg import eigh

from sklearn_hardmax.constructions.scoring.systems import DualSystem, PrimalSystem


def problem(n_features, n, seed=0):
    """Z (F, n), Y (n, 2) and u (n,), with Z u = 0 and Y^T u = 0."""
    rng = np.random.default_rng(seed)
    root = rng.uniform(0.3, 2, n)
    unit = root / np.linalg.norm(root)
    Z, Y = rng.standard_normal((n_features, n)) * root, rng.standard_normal((n, 2)) * root[:, None]
    return Z - np.outer(Z @ unit, unit), Y - np.outer(unit, unit @ Y), unit, root


def by_eigenvectors(Z, Y, unit, alpha):
    """b, and e = (Y - H Y) / (1 - diag H), from the eigenvectors of Z Z^T."""
    values, vectors = eigh(Z @ Z.T)
    b = vectors @ ((vectors.T @ (Z @ Y)) / (values + alpha)[:, None])
    inverse = (vectors / (values + alpha)) @ vectors.T
    fitted = Z.T @ b
    return b, (Y - fitted) / (1 - unit**2 - np.einsum("fi,fg,gi->i", Z, inverse, Z))[:, None]


def primal(Z, Y, unit, root):
    return PrimalSystem(np.asfortranarray(np.tril(Z @ Z.T)), Z @ Y, Z, unit**2, Y)


def dual(Z, Y, unit, root):
    """Features about any center: a shift of each by a number times the roots of the weights."""
    Z = Z + np.outer(np.linspace(-1, 1, len(Z)), root)
    return DualSystem(np.asfortranarray(np.tril(Z.T @ Z)), root, Y + root[:, None])


# the larger ones have more than one block of rows; with small penalties 1 - H_ii is nearly 0 there
@pytest.mark.parametrize(
    ("shape", "alphas"), [((6, 20), [1e-2, 1.0]), ((20, 6), [1e-2, 1.0]), ((600, 550), [1.0, 1e3])]
)
def test_both_give_the_solution_and_errors_of_eigenvectors(shape, alphas):
    Z, Y, unit, root = problem(*shape)
    systems = primal(Z, Y, unit, root), dual(Z, Y, unit, root)
    for alpha in alphas:
        coefficients, errors = by_eigenvectors(Z, Y, unit, alpha)
        for system, to_primal in zip(systems, (np.eye(len(Z)), Z)):
            assert system.factor(alpha)
            found = to_primal @ system.solution()
            np.testing.assert_allclose(found, coefficients, rtol=0, atol=1e-9 * np.abs(coefficients).max())
            found = np.concatenate([system.errors(part) for part in system.parts])
            np.testing.assert_allclose(found, errors, rtol=0, atol=1e-8 * np.abs(errors).max())


def test_float32_gives_the_same_errors_to_its_precision():
    """The trace of Z Z^T bounds its largest eigenvalue; from 2^-24 of it on float32 is offered."""
    Z, Y, unit, root = problem(30, 90)
    system = primal(Z, Y, unit, root)
    assert system.single_from == pytest.approx(2.0**-24 * np.sum(Z**2))
    assert system.factor(1.0, single=True)
    found = system.errors(slice(None))
    wanted = by_eigenvectors(Z, Y, unit, 1.0)[1]
    assert 0 < np.abs(found - wanted).max() < 1e-4 * np.abs(wanted).max()
    assert system.factor(1.0)
    np.testing.assert_allclose(system.errors(slice(None)), wanted, rtol=1e-9)
    assert dual(Z, Y, unit, root).single_from == np.inf


def test_rounding_blurs_the_criterion_of_the_primal_form_only():
    """16 noise F / n."""
    Z, Y, unit, root = problem(8, 32)
    system = PrimalSystem(np.asfortranarray(np.tril(Z @ Z.T)), Z @ Y, Z, unit**2, Y, noise=3.0)
    assert system.blur == 16 * 3.0 * 8 / 32
    assert system.quarter()[0].blur == 16 * 3.0 * 2 / 32
    assert primal(Z, Y, unit, root).blur == dual(Z, Y, unit, root).blur == 0


def test_many_sequences_take_turns_in_four_parts():
    Z, Y, unit, root = problem(3, 1100)
    system = primal(Z, Y, unit, root)
    system.factor(1.0)
    found = np.zeros_like(Y)
    for part in system.parts:
        found[part] = system.errors(part)
    assert len(system.parts) == 4
    np.testing.assert_allclose(found, by_eigenvectors(Z, Y, unit, 1.0)[1], rtol=1e-9)


def test_a_quarter_of_the_features_is_the_regression_on_these_alone():
    Z, Y, unit, root = problem(8, 1100)
    system = primal(Z, Y, unit, root)
    system.factor(5.0)  # which overwrites the other half of the matrix
    smaller, factor = system.quarter()
    assert factor == 0.25**0.75
    smaller.factor(2.0)
    coefficients, errors = by_eigenvectors(Z[::4], Y, unit, 2.0)
    np.testing.assert_allclose(smaller.solution(), coefficients, rtol=1e-9)
    np.testing.assert_allclose(smaller.errors(slice(None)), errors[::4], rtol=1e-9)


def test_a_quarter_of_the_sequences_is_the_regression_on_these_alone():
    Z, Y, unit, root = problem(9, 40)
    system = dual(Z, Y, unit, root)
    system.factor(5.0)
    smaller, factor = system.quarter()
    assert factor == 1
    smaller.factor(2.0)
    few = root[::4] / np.linalg.norm(root[::4])
    Z, Y = Z[:, ::4], Y[::4]
    Z, Y = Z - np.outer(Z @ few, few), Y - np.outer(few, few @ Y)
    np.testing.assert_allclose(smaller.errors(slice(None)), by_eigenvectors(Z, Y, few, 2.0)[1], rtol=1e-8)


def test_a_matrix_without_a_factor_is_reported_and_kept():
    """((1, 2), (2, 1)) has the eigenvalue -1."""
    system = PrimalSystem(
        np.array([[1.0, 0], [2, 1]], order="F"), np.ones((2, 1)), np.ones((2, 1)), np.zeros(1), np.ones((1, 1))
    )
    assert not system.factor(0.5)
    assert system.factor(4.0)
    # (5 2; 2 5) b = (1; 1) has b = 1/7
    np.testing.assert_allclose(system.solution(), 1 / 7, rtol=1e-14)


def test_a_dual_system_without_a_factor_is_reported():
    """Beside u = (1, 1) / sqrt(2) the matrix ((1, -1), (-1, 1)) has the eigenvalue 2; a penalty of -3 makes it negative."""
    matrix = np.array([[1.0, 0], [-1, 1]], order="F")
    system = DualSystem(matrix, np.ones(2), np.array([[1.0], [-1.0]]))
    assert not system.factor(-3.0)
    assert system.factor(2.0)
    np.testing.assert_allclose(system.solution(), [[0.25], [-0.25]], rtol=1e-14)  # (2 + 2) c = 1
