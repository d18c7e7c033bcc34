"""Without registers targets are met to 8 ulps of the height."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import oracle
import pytest
from cases.families import FAMILIES
from cases.interpolation import assert_in_place, build, place_in_space, problems, sequences
from cases.targets import first_rows, random_targets
from effort import examples
from hypothesis import given

from sklearn_hardmax import ConstructionError, RaggedSequences
from sklearn_hardmax.constructions import build_interpolator
from sklearn_hardmax.forward import apply


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("q", [1, 2])
def test_inside_the_space_of_the_tokens_targets_are_met_to_eight_ulps_of_the_height(name, q):
    X = sequences(name, 40)
    Y = random_targets(X, q)
    built = build(X, Y)
    in_place = place_in_space(built, X, Y)
    assert in_place.transformer().token_dim == 2
    assert in_place.transformer().n_blocks <= Y.n_tokens + len(X)
    assert in_place.margin > 1
    assert in_place.n_parameters() == in_place.transformer().n_parameters
    assert in_place.n_blocks() == in_place.transformer().n_blocks
    assert_in_place(in_place, X, Y)
    orders = [np.random.default_rng(i).permutation(len(x)) for i, x in enumerate(X)]
    shuffled = RaggedSequences.from_list([x[order] for x, order in zip(X, orders)])
    out = in_place.decode(apply(in_place.transformer(), in_place.encode(shuffled)))
    back = [rows[np.argsort(order)] for rows, order in zip(out, orders)]
    assert np.abs(first_rows(back, Y) - Y.tokens).max() <= 8 * np.spacing(in_place.height)


@given(problems())
@examples(15)
def test_inside_the_space_of_the_tokens_targets_are_met_exactly_as_real_numbers(problem):
    X, Y, _ = problem
    in_place = place_in_space(build(X, Y), X, Y)
    for x, y in zip(in_place.encode(X), Y):
        for row, target in zip(oracle.run(in_place.transformer(), x)[-1], y[:, 0].tolist()):
            assert abs(row[0] - Fraction(target)) <= Fraction(float(np.spacing(in_place.height)))  # w1 is rounded once


def test_codes_that_do_not_tell_carriers_apart_are_refused_in_place():
    X = sequences("labelled_sequences", 30)
    Y = random_targets(X, 1)
    built = build(X, Y)
    blurred = replace(built, token_code=replace(built.token_code, token_scale=2.0**-60))
    with pytest.raises(ConstructionError, match=r"Codes of carriers coincide inside R\^d; use registers=True"):
        place_in_space(blurred, X, Y)


def test_large_targets_and_one_target_a_sequence_are_met_in_place_too():
    X = sequences("labelled_sequences", 30)
    Y = random_targets(X, 2)
    for scale in (1e-3, 1e9):
        scaled = RaggedSequences(Y.tokens * scale, Y.offsets)
        assert_in_place(place_in_space(build(X, scaled), X, scaled), X, scaled)
    y = np.random.default_rng(0).normal(size=30)
    built = build_interpolator(X, y, registers=False)
    height = built.transformer.layers[-1].W[0, -1]
    read = built.decode(apply(built.transformer, built.encode(X)))
    assert np.abs(read[:, 0] - y).max() <= 8 * np.spacing(height)
