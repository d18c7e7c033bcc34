"""Names in pictures stand apart from each other and inside the axes."""

import numpy as np

from sklearn_hardmax.plotting import TokenFlowDisplay


def test_names_stand_apart_and_inside(fitted):
    display = TokenFlowDisplay.from_estimator(fitted, ["it is a great film so dull and fun plot"])
    heights = np.array([text.get_position()[1] for text in display.texts_])
    low, high = display.ax_.get_ylim()
    assert (np.diff(heights) < 0).all()
    assert low < heights.min() <= heights.max() < high
