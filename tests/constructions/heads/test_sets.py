"""Heads of sets equal plain loops over their definition, and their products are exact."""

import numpy as np
import pytest
from cases.heads import extreme, pool, series, set_heads, sums_of

from sklearn_hardmax import RaggedSequences
from sklearn_hardmax.constructions.heads.pooled import MAX, MEAN, PPV


def set_tokens(heads, tokens):
    """Integers of every token by plain loops: rint(levels z_j), and rint(levels^2 |z|^2 / 2)."""
    out = []
    for z in heads.standardisation.columns(np.asarray(tokens)).T.tolist():
        half = sum(v * v for v in z) * (heads.levels * heads.levels / 2)
        out.append([*(round(v * heads.levels) for v in z), round(half)])
    return out


SETS = {
    "one feature": series(30),
    "three features": series(20, 3),
    "heavy tails": RaggedSequences(np.random.default_rng(0).standard_cauchy((300, 2)), np.arange(0, 301, 10)),
    "all equal": RaggedSequences(np.full((20, 2), 3.0), np.arange(0, 21, 4)),
    "one token each": RaggedSequences(np.random.default_rng(0).normal(size=(30, 2)), np.arange(31)),
}


@pytest.mark.parametrize("name", SETS)
def test_set_heads_are_plain_loops_over_their_definition(name):
    X = SETS[name]
    heads = set_heads(X, 61, labels=np.arange(len(X)) % 3)
    forms, index, biases = heads.forms()
    forms = forms.toarray().astype(int).tolist()
    for some in (X, extreme(5, X.token_dim)):
        wanted = []
        for tokens in some:
            z = set_tokens(heads, tokens)
            scores = [[sum(a * b for a, b in zip(form, t)) for t in z] for form in forms]
            wanted.append([pool(k, scores[i], b) for k, i, b in zip(heads.kinds, index.tolist(), biases.tolist())])
        assert np.array_equal(sums_of(heads, some), np.array(wanted, dtype=float))
    assert heads.kinds[:7].tolist() == [MAX] + 3 * [PPV] + 3 * [MEAN]


@pytest.mark.parametrize("token_dim", [1, 2, 30, 1000])
def test_products_in_float32_are_exact_in_any_dimension_and_for_any_token(token_dim):
    """No sum of moduli reaches 2^24, below which all integers are float32 numbers."""
    rng = np.random.default_rng(0)
    X = RaggedSequences.from_list([rng.standard_t(3, size=(n, token_dim)) for n in (1, 5, 9, 2, 6)])
    heads = set_heads(X, 70, np.arange(5) % 2)
    forms, index, biases = heads.forms()
    forms = forms.toarray().astype(np.int64)
    for some in (X, extreme(8, token_dim), RaggedSequences(np.full((4, token_dim), -1e300), [0, 1, 4])):
        tokens = heads.tokens(some)
        assert np.array_equal(tokens, np.rint(tokens))
        tokens = tokens.astype(np.int64)
        assert (np.abs(forms) @ np.abs(tokens).T).max() < 2**24
        scores = forms @ tokens.T
        wanted = [
            [pool(k, scores[i, a:b].tolist(), c) for k, i, c in zip(heads.kinds, index, biases.tolist())]
            for a, b in zip(some.offsets, some.offsets[1:])
        ]
        assert np.array_equal(sums_of(heads, some), np.array(wanted, dtype=float))


def test_the_grid_of_sets_is_as_fine_as_exactness_allows():
    """A tenth more levels would break the bound 2^24, or there are 2^12 already."""
    for token_dim in (1, 30, 1000):
        X = series(30, token_dim)
        heads = set_heads(X, 700)
        ends = np.append(np.rint(heads.levels * heads.standardisation.largest), 0)
        ends[-1] = np.rint(heads.levels**2 * np.sum(heads.standardisation.largest**2) / 2)
        reach = (np.abs(heads.forms()[0].toarray()) @ ends).max()
        assert reach < 2**24
        assert 1.1**2 * reach >= 2**24 or heads.levels == 2**12


def test_the_maximum_of_a_prototype_is_at_the_nearest_token():
    X = series(40, 3)
    heads = set_heads(X, 140)
    forms, *_ = heads.forms()
    forms, scores = forms.toarray(), forms @ heads.tokens(X).T
    prototypes = np.flatnonzero(forms[:, -1])
    assert len(prototypes) == 10  # one half of 20 forms
    z = heads.standardisation.columns(X.tokens).T
    for k in prototypes:
        assert forms[k, -1] == -1
        at = forms[k, :-1] / heads.levels
        squares = ((z - at) ** 2).sum(axis=1)
        # S = levels^2 (|p|^2 - |z - p|^2) / 2 up to the grid
        errors = scores[k] - heads.levels**2 * (at @ at - squares) / 2
        assert np.abs(errors).max() <= 0.5 * np.abs(forms[k, :-1]).sum() + 1
        assert squares.min() < 1e-5
        assert squares[scores[k].argmax()] < 1e-5


def test_differences_are_of_tokens_of_different_classes():
    """Tokens of one class are equal: all differences are the same direction, or its opposite."""
    X = RaggedSequences.from_list([[[0.0, 0.0]] * 3, [[1.0, 3.0]] * 2] * 10)
    heads = set_heads(X, 700, labels=np.arange(20) % 2)
    forms = heads.forms()[0].toarray()
    differences = forms[forms[:, -1] == 0][:, :-1]
    assert len(differences) == 50
    assert len(np.unique(np.abs(differences), axis=0)) == 1
    assert differences.all()


def test_permuting_and_repeating_tokens_leaves_set_heads_as_they_are():
    rng = np.random.default_rng(0)
    X = RaggedSequences.from_list([*series(30, 2), rng.normal(size=(500, 2))])
    heads = set_heads(X, 140)
    shuffled = RaggedSequences.from_list([rng.permutation(x) for x in X])
    assert np.array_equal(sums_of(heads, shuffled), sums_of(heads, X))
    for copies in (2, 3, 7):
        again = RaggedSequences.from_list([rng.permutation(np.tile(x, (copies, 1))) for x in X])
        wanted = sums_of(heads, X) * np.where(heads.kinds == MAX, 1, copies)
        assert np.array_equal(sums_of(heads, again), wanted)
        # a quotient of integers is rounded once: equal fractions are equal numbers
        assert np.array_equal(heads.features(again, np.float64), heads.features(X, np.float64))
