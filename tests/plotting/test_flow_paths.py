"""Paths, leaders, places and colours of tokens as numbers."""

import matplotlib
import numpy as np
from cases.token_flow import TEXTS, TRIANGLE, paths

from sklearn_hardmax import LeaderFlow
from sklearn_hardmax.plotting import TokenFlowDisplay


def test_a_colormap_is_taken_by_name_or_as_it_is(fitted):
    for estimator, X in ((LeaderFlow().fit([TRIANGLE]), [TRIANGLE]), (fitted, TEXTS)):
        displays = [
            TokenFlowDisplay.from_estimator(estimator, X, cmap=cmap) for cmap in ("Set1", matplotlib.colormaps["Set1"])
        ]
        colors = [display.starts_.get_facecolor() for display in displays]
        np.testing.assert_array_equal(*colors)


def test_one_coordinate_runs_down_the_layers():
    display = TokenFlowDisplay.from_estimator(LeaderFlow(depth=2).fit([[[3.0], [1.0]]]), [[[3.0], [1.0]]])
    np.testing.assert_array_equal(paths(display)[1], [[1.0, 0.0], [2.0, 1.0], [2.5, 2.0]])
    assert display.ax_.yaxis_inverted()
    assert display.ax_.get_ylabel() == "layer"
