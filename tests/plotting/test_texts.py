"""Names in pictures stand apart from each other and inside the axes."""

from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_hardmax.plotting import TokenFlowDisplay, texts

STEPS = st.integers(1, 64).map(lambda k: k / 16)
HEIGHTS = st.lists(st.integers(-64, 64).map(lambda k: k / 8), min_size=1, max_size=10).map(
    lambda h: sorted(h, reverse=True)
)


@given(HEIGHTS, STEPS)
def test_heights_are_moved_a_step_apart_in_their_order(heights, step):
    """Sixteenths are exact: those that are apart already stay, and the first and the last are moved equally far at most."""
    moved = texts.apart(heights, step)
    gaps = [a - b for a, b in pairwise(moved)]
    assert all(gap >= step for gap in gaps)
    if all(a - b >= step for a, b in pairwise(heights)):
        assert moved == heights
    assert moved[0] - heights[0] == heights[-1] - moved[-1] >= 0


def test_equal_heights_are_spread_around_their_place():
    assert texts.apart([1.0, 1.0, 1.0], 0.5) == [1.5, 1.0, 0.5]
    assert texts.apart([9.0, 1.0, 0.0], 2.0) == [9.5, 1.5, -0.5]  # 0 goes down by 1, and all go up by half of that
    assert texts.apart([], 1.0) == []


@pytest.fixture
def ax():
    _, ax = plt.subplots()
    ax.set(xlim=(0.0, 10.0), ylim=(2.0, 4.0))
    return ax


def test_rows_stand_above_the_picture_at_even_distances(ax):
    heights = texts.rows_above(ax, 3)
    low, high = ax.get_ylim()
    assert low == 2.0
    assert 4.0 < heights[2] < heights[1] < heights[0] < high
    assert heights[0] - heights[1] == pytest.approx(heights[1] - heights[2]) == pytest.approx((high - 4.0) / 3)


def test_the_space_below_is_more_than_a_row(ax):
    texts.space_below(ax)
    low, high = ax.get_ylim()
    (height,) = texts.rows_above(ax, 1)
    row = ax.get_ylim()[1] - high
    assert (high, low < 2.0 - 0.9 * row) == (4.0, True)
    assert 4.0 < height < ax.get_ylim()[1]


@pytest.mark.parametrize(
    ("x", "side"), [(0.0, "left"), (2.0, "left"), (5.0, "center"), (8.0, "right"), (10.0, "right")]
)
def test_a_text_near_an_end_is_aligned_inwards(ax, x, side):
    """So that its box begins or ends at the place, or has it in the middle."""
    text = texts.in_row(ax, (x, 3.0), 3.8, "a name")
    assert (text.get_text(), text.xy, text.get_position()) == ("a name", (x, 3.0), (x, 3.8))
    assert text.get_horizontalalignment() == side


def test_at_most_ten_names_stand_beside_their_tokens_leaders_first_and_then_the_outermost(ax):
    """Thirteen tokens on a line with twelve names; 0 is a leader, and of the two innermost others there is no name."""
    x = np.array([0.0, 1.0, -2.0, 3.0, 4.0, -5.0, 6.0, -7.0, 8.0, -9.0, 10.0, -11.0, 12.0])
    names = [str(abs(int(k))) for k in x]
    names[4] = "3"  # as the token before, which is nearer to the centre
    found = texts.beside_tokens(ax, names, np.column_stack([x, x]), x == 0)
    assert [text.xy[0] for text in found] == [
        12.0,
        10.0,
        8.0,
        6.0,
        4.0,
        0.0,
        -5.0,
        -7.0,
        -9.0,
        -11.0,
    ]  # from top to bottom
    assert [text.get_text() for text in found] == ["12", "10", "8", "6", "3", "0", "5", "7", "9", "11"]
    assert [text.get_text() for text in found if text.get_fontweight() == "bold"] == ["0"]
    heights = [text.get_position()[1] for text in found]
    assert heights == sorted(heights, reverse=True)


def test_names_stand_apart_and_inside(fitted):
    display = TokenFlowDisplay.from_estimator(fitted, ["it is a great film so dull and fun plot"])
    heights = np.array([text.get_position()[1] for text in display.texts_])
    low, high = display.ax_.get_ylim()
    assert (np.diff(heights) < 0).all()
    assert low < heights.min() <= heights.max() < high
