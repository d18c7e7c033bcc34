"""The random code equals its formula in exact arithmetic and differs between different sequences."""

from fractions import Fraction

import numpy as np
import oracle
import pytest
from cases.families import FAMILIES, family
from joblib import parallel_config

from sklearn_hardmax import RaggedSequences
from sklearn_hardmax.constructions.codes.projection import Projection
from sklearn_hardmax.constructions.codes.random_code import RandomCode
from sklearn_hardmax.encoding import TokenScale, relative_positions

GRID = 2.0**-52  # of codes in [1, 2)


def random_code(X, ordered=False, seed=0):
    return RandomCode.sample(Projection(TokenScale.fit(X.tokens), ordered), np.random.RandomState(seed))


@pytest.mark.parametrize("ordered", [False, True])
def test_the_random_code_is_its_formula_in_exact_arithmetic(ordered):
    """1/2 + sum_r max s_r / 8 + mean of sum_r t_r / 16, with s = clip(u z + 1/2, 0, 1) + 1 and t = clip(v z + b, 0, 1)."""
    X, _ = family("labelled_sequences", 15, token_dim=3)
    code = random_code(X, ordered)
    X = RaggedSequences.from_list([*X, *(3 * x for x in X)])  # where ramps end too
    found = code.evaluate(X)
    columns = code.projection.scale.columns(X.tokens, np.empty((3, X.n_tokens))).T
    if ordered:
        columns = np.column_stack([columns, relative_positions(X.offsets)])
    leaders, ramps = oracle.fractions_of(code.leaders), oracle.fractions_of(code.ramps)
    biases = oracle.fractions_of(code.biases)
    for value, a, b in zip(found, X.offsets, X.offsets[1:]):
        tokens = oracle.fractions_of(columns[a:b])
        best = [max(min(max(oracle.dot(u, z) + Fraction(1, 2), 0), 1) + 1 for z in tokens) for u in leaders]
        ramp = [sum(min(max(oracle.dot(v, z) + c, 0), 1) for v, c in zip(ramps, biases)) for z in tokens]
        exact = Fraction(1, 2) + sum(best) / 8 + sum(ramp) / len(tokens) / 16
        assert abs(Fraction(value) - exact) <= 8 * GRID
    assert {0, 1} < {min(max(oracle.dot(v, z) + c, 0), 1) for v, c in zip(ramps, biases) for z in tokens}
    assert 1 <= found.min() <= found.max() <= 1.75


def test_codes_stay_between_1_and_seven_quarters_for_any_token():
    X, _ = family("labelled_sequences")
    new = RaggedSequences.from_list([[[1e300, -1e300]], [[-1e300, 1.7e308]], [[1e300, 1e300]] * 5, np.zeros((3, 2))])
    for seed in range(20):
        codes = random_code(X, seed=seed).evaluate(new)
        assert 1 <= codes.min() <= codes.max() <= 1.75


@pytest.mark.parametrize("name", [name for name in FAMILIES if name != "swaps"])  # a and -a may meet linear ramps only
def test_sequences_that_differ_have_different_random_codes(name):
    X, _ = family(name)
    assert len(np.unique(random_code(X).evaluate(X))) == len(X)


@pytest.mark.parametrize("name", FAMILIES)
def test_permutations_of_tokens_stay_within_the_error_bound(name):
    X, _ = family(name)
    X = RaggedSequences.from_list([*X, np.random.default_rng(0).normal(size=(20_000, X.token_dim))])
    code, rng = random_code(X), np.random.default_rng(1)
    codes, error_bound = code.evaluate(X), code.error_bound(X.lengths)
    for _ in range(5):
        shuffled = RaggedSequences.from_list([rng.permutation(x) for x in X])
        assert np.abs(code.evaluate(shuffled) - codes).max() <= error_bound
    assert error_bound < 2.0**-36  # (8 / 16 * 20,000 + 2) 2^-52


def test_the_random_code_is_the_same_bits_in_any_batch_and_order():
    X, _ = family("labelled_sequences", 200, token_dim=5)
    for ordered in (False, True):
        code = random_code(X, ordered)
        values, order = code.evaluate(X), np.random.default_rng(0).permutation(200)
        assert np.array_equal(code.evaluate(X[order]), values[order])
        assert [code.evaluate(X[i : i + 1])[0] for i in range(0, 200, 9)] == values[::9].tolist()
        with parallel_config("threading"):
            assert np.array_equal(code.evaluate(X, n_jobs=2), values)
