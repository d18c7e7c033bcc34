"""SequenceResampler: a regular grid of times, on which all features are interpolated linearly."""

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from effort import examples
from hypothesis import given
from hypothesis import strategies as st
from sklearn.pipeline import make_pipeline

from sklearn_hardmax import (
    HardmaxTransformerClassifier,
    RaggedSequences,
    SequenceImputer,
    SequenceResampler,
    as_sequences,
)

GOOD = [[[0.0, 1.0], [1.0, 2.0]]]
TIMES = st.lists(st.integers(0, 40), min_size=1, max_size=8, unique=True).map(sorted)


def by_fractions(times, values, step):
    """The grid and the exact values on it."""
    t, v = list(map(Fraction, times)), list(map(Fraction, values))
    grid = [t[0] + k * Fraction(step) for k in range(int((t[-1] - t[0]) / Fraction(step)) + 1)]
    out = []
    for g in grid:
        after = next(i for i in range(len(t)) if t[i] >= g)
        before = max(after - 1, 0) if t[after] > g else after
        share = Fraction(0) if t[after] == t[before] else (g - t[before]) / (t[after] - t[before])
        out.append(v[before] + share * (v[after] - v[before]))
    return out


@examples(100)
@given(st.lists(TIMES, min_size=1, max_size=4), st.sampled_from([0.5, 1.0, 3.0]), st.integers(0, 99))
def test_the_grid_and_its_values_are_those_of_exact_fractions(times, step, seed):
    rng = np.random.default_rng(seed)
    X = [np.column_stack([t, rng.integers(-9, 9, len(t))]).astype(float) for t in times]
    out = SequenceResampler(time=0, step=step).fit_transform(RaggedSequences.from_list(X))
    for Z, found in zip(X, out):
        expected = by_fractions(Z[:, 0], Z[:, 1], step)
        np.testing.assert_allclose(found[:, 0], [float(v) for v in expected], rtol=1e-12, atol=1e-12)
        assert len(found) == len(expected)


def test_regular_times_are_kept_although_they_are_rounded():
    times = np.arange(11) * 0.1  # 0.30000000000000004, ...
    X = [np.column_stack([times, np.arange(11.0)])]
    step = SequenceResampler(time=0).fit(X)
    assert step.step_ == pytest.approx(0.1)
    np.testing.assert_allclose(step.transform(X)[0][:, 0], np.arange(11.0), atol=1e-9)


def test_the_median_is_over_neighbours_within_sequences():
    X = [[[0.0, 1.0], [1.0, 1.0], [4.0, 1.0]], [[100.0, 1.0], [102.0, 1.0]], [[7.0, 1.0]]]
    assert SequenceResampler(time=0).fit(X).step_ == 2.0
    assert SequenceResampler(time=0, step=1.5).fit(X).step_ == 1.5


def test_missing_values_are_passed_over_and_left_where_a_sequence_has_none():
    X = [[[0.0, 1.0, None], [1.0, None, None], [2.0, 3.0, None]], [[0.0, None, 5.0], [2.0, 7.0, None]]]
    out = SequenceResampler(time=0, step=1.0).fit_transform(X)
    assert out[0][:, 0].tolist() == [1.0, 2.0, 3.0]
    assert np.isnan(out[0][:, 1]).all()
    assert out[1].tolist() == [[7.0, 5.0]] * 3
    filled = make_pipeline(SequenceResampler(time=0, step=1.0), SequenceImputer()).fit_transform(X)
    assert filled[0][:, 1].tolist() == [5.0] * 3


def test_the_time_may_be_named_and_names_and_ids_stay():
    table = pd.DataFrame(
        {
            "machine": ["a", "a", "b", "a"],
            "when": pd.to_datetime(["2024-01-01 00:00", "2024-01-01 03:00", "2024-01-05 00:00", "2024-01-01 01:00"]),
            "heat": [10.0, 40.0, 7.0, 20.0],
        }
    )
    X = RaggedSequences.from_frame(table, group="machine", time="when", time_unit="h")
    step = SequenceResampler(time="when", step=1).fit(X)
    out = step.transform(X)
    assert out[0].ravel().tolist() == [10.0, 20.0, 30.0, 40.0]
    assert out.ids.tolist() == ["a", "b"]
    assert out.feature_names.tolist() == step.get_feature_names_out().tolist() == ["heat"]
    assert SequenceResampler(time=-1, step=1.0).fit(GOOD).get_feature_names_out().tolist() == ["x0"]


def test_the_result_does_not_depend_on_the_other_sequences_and_float32_stays():
    rng = np.random.default_rng(0)
    X = as_sequences([np.column_stack([np.cumsum(rng.random(n) + 0.1), rng.random(n)]) for n in (3, 5, 1)])
    step = SequenceResampler(time=0).fit(X)
    assert step.transform(X[::-1])[::-1] == step.transform(X)
    assert SequenceResampler(time=0, step=0.5).fit_transform(np.float32(GOOD)).dtype == np.float32


@pytest.mark.parametrize(
    ("step", "X", "message"),
    [
        (
            SequenceResampler(time=0),
            [[[1.0, 1.0], [0.5, 2.0]], GOOD[0]],
            "go back or repeat in sequences 0; sort the tokens",
        ),
        (SequenceResampler(time=0), [GOOD[0], [[1.0, 1.0], [1.0, 2.0]]], "go back or repeat in sequences 1"),
        (SequenceResampler(time=0), [GOOD[0], [[None, 1.0]]], r"Times are missing \(NaN\) in sequences 1"),
        (SequenceResampler(time=0, step=0), GOOD, "step must be a positive finite number, got 0"),
        (SequenceResampler(time=0, step=-1.0), GOOD, "step must be a positive finite number"),
        (SequenceResampler(time=0, step="mean"), GOOD, "step must be 'median' or a positive finite number, got 'mean'"),
        (
            SequenceResampler(time=0),
            RaggedSequences.from_list([[[1.0, 2.0]]]),
            r"step='median' needs a training sequence of two tokens",
        ),
        (SequenceResampler(time=2), GOOD, "time=2 is no index of one of the 2 features"),
        (SequenceResampler(time="t"), GOOD, r"time='t' is no feature.*have no names: give its index"),
        (SequenceResampler(time=True), GOOD, "time=True is no feature"),
        (SequenceResampler(time=0), [[[0.0], [1.0]]], "needs a feature beside the times"),
        (
            SequenceResampler(time=0, step=1e-12),
            GOOD,
            r"A grid of step 1e-12 would have 1e\+12 tokens, of 2 tokens now",
        ),
        (
            SequenceResampler(time=0, step=5.0),
            GOOD,
            "step=5 is longer than every .* the longest takes 1",
        ),
    ],
)
def test_what_has_no_grid_is_refused(step, X, message):
    with pytest.raises(ValueError, match=message):
        step.fit(X).transform(X)


def test_names_that_are_no_feature_are_listed():
    X = RaggedSequences([[0.0, 1.0]], [0, 1], feature_names=["when", "heat"])
    with pytest.raises(
        ValueError, match=r"time='time' is no feature of the sequences; names of features are \['when', 'heat'\]"
    ):
        SequenceResampler(time="time", step=1).fit(X)


def test_a_grid_much_finer_than_the_data_is_said():
    X = [[[0.0, 1.0], [0.01, 2.0], [200.0, 3.0]]]
    with pytest.warns(
        UserWarning, match=r"The grid of step 0\.01 makes 6667 tokens of each token: .* give a larger step"
    ):
        SequenceResampler(time=0, step=0.01).fit(X)


def test_in_a_pipeline_before_a_classifier():
    rng = np.random.default_rng(0)
    X = [np.column_stack([np.cumsum(rng.random(8) + 0.1), rng.normal(size=8) + i % 2]) for i in range(20)]
    y = np.arange(20) % 2
    model = make_pipeline(SequenceResampler(time=0), HardmaxTransformerClassifier(n_heads=40, random_state=0)).fit(X, y)
    assert model.score(X, y) == 1.0
