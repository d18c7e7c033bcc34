"""SequenceImputer: interpolation along the sequence, or its mean, against plain Python; nothing else changes."""

import numpy as np
import pytest
from effort import examples
from hypothesis import given
from hypothesis import strategies as st
from sklearn.pipeline import make_pipeline

from sklearn_hardmax import HardmaxTransformerClassifier, RaggedSequences, SequenceImputer, as_sequences

CELL = st.one_of(st.none(), st.integers(-50, 50).map(float))
DATA = st.integers(1, 3).flatmap(
    lambda d: st.lists(st.lists(st.lists(CELL, min_size=d, max_size=d), min_size=1, max_size=6), min_size=1, max_size=5)
)


def by_python(values, mean):
    """One feature of one sequence, interpolated as the docstring says."""
    known = [t for t, v in enumerate(values) if v is not None]
    out = []
    for t, v in enumerate(values):
        before = [k for k in known if k < t]
        after = [k for k in known if k > t]
        if v is not None:
            out.append(v)
        elif before and after:
            a, b = before[-1], after[0]
            out.append(values[a] + (values[b] - values[a]) * (t - a) / (b - a))
        elif before or after:
            out.append(values[before[-1] if before else after[0]])
        else:
            out.append(mean)
    return out


@examples(100)
@given(DATA)
def test_both_strategies_are_what_plain_python_computes(data):
    d = len(data[0][0])
    tokens = np.array([t for s in data for t in s], dtype=float)
    X = RaggedSequences._checked((tokens, np.cumsum([0, *map(len, data)])), allow_nan=True)
    present = [[t[j] for s in data for t in s if t[j] is not None] for j in range(d)]
    if not all(present):
        with pytest.raises(ValueError, match=r"Features \['x.* are missing in all training tokens"):
            SequenceImputer().fit(X)
        return
    means = [sum(p) / len(p) for p in present]
    step = SequenceImputer().fit(X)
    np.testing.assert_allclose(step.statistics_, means, rtol=1e-12, atol=1e-12)
    expected = [np.column_stack([by_python([t[j] for t in s], means[j]) for j in range(d)]) for s in data]
    for found, wanted in zip(step.transform(X), expected):
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)
    for s, found in zip(data, SequenceImputer(strategy="mean").fit_transform(X)):
        for j in range(d):
            known = [t[j] for t in s if t[j] is not None]
            filled = sum(known) / len(known) if known else means[j]
            wanted = [filled if t[j] is None else t[j] for t in s]
            np.testing.assert_allclose(found[:, j], wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("strategy", ["interpolate", "mean"])
def test_what_is_there_keeps_its_bits_ids_and_names(strategy):
    tokens = np.array([[0.1, np.nan], [np.nan, -0.0], [1e300, 3.0]], dtype=np.float64)
    X = RaggedSequences._checked((tokens, [0, 2, 3], ["p", "q"], ["u", "v"]), allow_nan=True)
    out = SequenceImputer(strategy=strategy).fit_transform(X)
    known = ~np.isnan(tokens)
    assert out.tokens[known].tobytes() == tokens[known].tobytes()
    assert out.ids.tolist() == ["p", "q"]
    assert out.feature_names.tolist() == SequenceImputer().fit(X).get_feature_names_out().tolist() == ["u", "v"]
    assert as_sequences(out) is out


def test_the_result_does_not_depend_on_the_other_sequences():
    X = as_sequences([[[1.0], [None], [3.0]], [[None], [5.0]], [[None]]], allow_nan=True)
    step = SequenceImputer().fit(X)
    assert step.transform(X[::-1])[::-1] == step.transform(X)
    assert step.transform(X[1:2])[0].tolist() == [[5.0], [5.0]]
    assert step.transform(X)[2].tolist() == [[3.0]]


def test_sequences_without_gaps_are_not_copied_and_float32_stays():
    X = RaggedSequences(np.ones((3, 1), dtype=np.float32), [0, 3])
    out = SequenceImputer().fit(X).transform(X)
    assert np.shares_memory(out.tokens, X.tokens)
    gaps = np.array([[[1.0], [np.nan], [2.0]]], dtype=np.float32)
    assert SequenceImputer().fit_transform(gaps).dtype == np.float32


def test_large_values_do_not_overflow():
    X = [[[1.7e308], [None], [1.7e308]], [[-1.7e308], [None], [1.7e308]], [[None]]]
    assert SequenceImputer().fit_transform(X)[0].ravel().tolist() == [1.7e308] * 3
    assert SequenceImputer().fit_transform(X)[1].ravel().tolist() == [-1.7e308, 0.0, 1.7e308]
    assert np.isfinite(SequenceImputer(strategy="mean").fit_transform(X).tokens).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: SequenceImputer().fit([[[None, 1.0], [None, 2.0]]]),
            r"Features \['x0'\] are missing in all training tokens",
        ),
        (lambda: SequenceImputer(strategy="median").fit([[[1.0]]]), "strategy must be one of 'interpolate', 'mean'"),
        (lambda: SequenceImputer().fit([[[np.inf]]]), "infinity"),
        (lambda: SequenceImputer().fit([[["a"]]]), "hold texts"),
        (
            lambda: SequenceImputer().fit(RaggedSequences.from_series([["a"]], dtype=None)),
            r"raw tokens.*TokenwiseTransformer",
        ),
    ],
)
def test_what_cannot_be_filled_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_sequence_of_nothing_but_gaps_at_predict():
    X = [[[1.0], [None]], [[None], [4.0]], [[2.0], [3.0]]]
    model = make_pipeline(SequenceImputer(), HardmaxTransformerClassifier(n_heads=10, random_state=0)).fit(X, [0, 1, 0])
    assert model.predict(X).tolist() == [0, 1, 0]
    assert model.predict([[[None], [None]]]).shape == (1,)
