"""RaggedSequenceTransformer: scaling, names, refused parameters."""

import warnings

import numpy as np
import pandas as pd
import pytest
from cases.classifier import GOOD, problem

from sklearn_hardmax import (
    RaggedSequenceTransformer,
)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"scale": "robust"}, "scale must be one of 'standard', 'minmax', None, got 'robust'"),
        ({"positions": "absolute"}, "positions must be one of None, 'relative', 'sinusoidal'"),
        ({"window": 0}, "window must be an integer of at least 1, got 0"),
        ({"dilation": 1.5}, "dilation must be an integer of at least 1, got 1.5"),
    ],
)
def test_parameters_of_the_sequence_transformer_out_of_range_are_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        RaggedSequenceTransformer(**parameters).fit(GOOD)


@pytest.mark.parametrize(("scale", "size"), [("standard", 1e200), ("minmax", 1e308)])
def test_features_whose_spread_leaves_float64_are_refused_by_the_scaler(scale, size):
    X = [[[size, 0.0]], [[-size, 1.0]]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # one token each: these are 2-D rows on purpose
        with pytest.raises(ValueError, match=rf"Features \[0\] are too large for scale='{scale}'"):
            RaggedSequenceTransformer(scale=scale).fit(X)


def test_standard_scaling_is_over_all_tokens():
    X, _ = problem()
    out = RaggedSequenceTransformer().fit_transform(X)
    np.testing.assert_allclose(out.tokens.mean(axis=0), 0, atol=1e-14)
    np.testing.assert_allclose(out.tokens.std(axis=0), 1, rtol=1e-14)
    assert np.array_equal(out.offsets, X.offsets)


def test_minmax_scaling_fills_the_unit_interval():
    X, _ = problem()
    out = RaggedSequenceTransformer(scale="minmax").fit_transform(X).tokens
    np.testing.assert_allclose([out.min(axis=0), out.max(axis=0)], [[0, 0], [1, 1]], atol=1e-15)


def test_names_say_which_neighbour_and_position():
    X, _ = problem()
    step = RaggedSequenceTransformer(window=3, dilation=2, positions="relative").fit(X)
    names = step.get_feature_names_out(["x", "y"]).tolist()
    assert names == ["x[-2]", "y[-2]", "x", "y", "x[+2]", "y[+2]", "position"]
    assert step.transform(X).token_dim == len(names)
    step = RaggedSequenceTransformer(positions="sinusoidal").fit(X)
    assert step.get_feature_names_out().tolist() == ["x0", "x1", "position 0", "position 1"]
    assert step.transform(X).token_dim == 4


def test_names_that_do_not_fit_are_refused():
    frame = pd.DataFrame({"height": [0.0, 1.0], "width": [1.0, 0.0]})
    step = RaggedSequenceTransformer().fit(frame)
    assert step.get_feature_names_out().tolist() == ["height", "width"]
    with pytest.raises(ValueError, match="input_features is not equal to feature_names_in_"):
        step.get_feature_names_out(["width", "height"])
    with pytest.raises(ValueError, match="must name the 2 features of a token, got 1 names"):
        RaggedSequenceTransformer().fit(frame.to_numpy()).get_feature_names_out(["a"])
