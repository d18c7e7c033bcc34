"""Interpolators of families of sequences with random targets, checked exactly."""

import numpy as np
import pytest
from hypothesis import strategies as st

from cases.families import family
from cases.targets import first_rows, multiset_of
from sklearn_hardmax import RaggedSequences
from sklearn_hardmax.constructions.interpolation.build import build_interpolation
from sklearn_hardmax.constructions.interpolation.in_place import build_in_place
from sklearn_hardmax.constructions.interpolation.targets import as_targets, assign_targets
from sklearn_hardmax.forward import apply

WORK = 10**6  # layers x tokens that a test lets the engine run


ATTENTIONS = pytest.mark.parametrize("attention", ["hardmax", "softmax"])


def sequences(name, n, **options):
    """The sequences of a family, without their labels."""
    return family(name, n, **options)[0]


def build(X, Y, *, ordered=False, attention="hardmax", temperature="auto", seed=0):
    targets, one_target = as_targets(Y, X)
    temperature = temperature if attention == "softmax" else 0.0
    rng = np.random.RandomState(seed)
    return build_interpolation(X, targets, one_target, ordered=ordered, temperature=temperature, rng=rng)[0]


def by_tokens(built, X):
    return RaggedSequences(built.outputs(X), X.offsets)


def some_of(X, n):
    return np.linspace(0, len(X) - 1, min(len(X), max(n, 1))).astype(int)


def check_exact(X, Y, *, ordered=False, attention="hardmax", work=WORK):
    """All ways of asking for the training targets, and the bounds on size."""
    built = build(X, Y, ordered=ordered, attention=attention)
    assert np.array_equal(first_rows(by_tokens(built, X), Y), Y.tokens)
    for i in some_of(X, 5).tolist():
        assert np.array_equal(built.outputs(X[i : i + 1]), built.outputs(X)[X.offsets[i] : X.offsets[i + 1]])
    if not ordered:
        orders = [np.random.default_rng(i).permutation(len(x)) for i, x in enumerate(X)]
        shuffled = RaggedSequences.from_list([x[order] for x, order in zip(X, orders)])
        back = [rows[np.argsort(order)] for rows, order in zip(by_tokens(built, shuffled), orders)]
        assert np.array_equal(first_rows(back, Y), Y.tokens)
    transformer = built.transformer()
    layers, n, m, D = len(transformer.layers), len(X), Y.n_tokens, built.token_dim
    assert (transformer.n_blocks, transformer.n_parameters) == (built.n_blocks(), built.n_parameters())
    ranked = built.token_code.boundaries is not None
    assert transformer.n_blocks <= (m + 3 * n // 2 + 1 if ranked else m + n) <= m + 2 * n + 1
    assert transformer.n_parameters <= (2 * D + 2) * (3 * m + 6 * n + 8)
    assert transformer.width <= 4
    assert built.margin >= 1
    some = some_of(X, work * len(X) // (layers * X.n_tokens))
    read = built.decode(apply(transformer, built.encode(X[some])))
    assert np.array_equal(read.tokens, built.outputs(X[some]))
    return built


TOKENS = st.integers(-2, 2).map(float)


@st.composite
def problems(draw):
    """Sequences of few integer tokens, and a target for every token of every multiset, with many ties."""
    token = st.tuples(*[TOKENS] * draw(st.integers(1, 2)))
    sequences = draw(st.lists(st.lists(token, min_size=1, max_size=5), min_size=1, max_size=6))
    table = {}
    targets = [
        [[table.setdefault((multiset_of(s), t), draw(TOKENS) / 3)] for t in s[: draw(st.integers(1, len(s)))]]
        for s in sequences
    ]
    as_ragged = [RaggedSequences.from_list([np.array(rows) for rows in part]) for part in (sequences, targets)]
    return *as_ragged, draw(st.sampled_from(["hardmax", "softmax"]))


def nearly_equal_pairs(n):
    """Sequences of -1, 1, x_j and x_j + 2^-27 with x_j 2^-22 apart: too near each other for codes without ranks."""
    x = np.arange(n) * 2.0**-22
    return RaggedSequences.from_list([np.array([a + 2.0**-27, a, -1.0, 1.0])[:, None] for a in x])


def place_in_space(built, X, Y):
    targets, one_target = as_targets(Y, X)
    return build_in_place(
        built.token_code, X, assign_targets(X, targets, one_target, built.token_code.projection.with_position)
    )


def assert_in_place(in_place, X, Y):
    read = in_place.decode(apply(in_place.transformer(), in_place.encode(X)))
    errors = np.abs(first_rows(read, Y) - Y.tokens)
    assert errors.max() <= 8 * np.spacing(in_place.height)
    assert in_place.height <= 4 * (np.abs(Y.tokens).max() + 4)


X3 = [[[0.0]], [[1.0], [2.0]], [[3.0]]]
