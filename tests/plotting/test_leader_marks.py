"""Marks stand at the leaders and add up what their heads contribute."""

import re

import numpy as np
import pytest
from cases.plotting import marks_of, max_heads, with_heads
from effort import slow

from sklearn_hardmax.plotting import LeaderDisplay


def looks_at(name):
    """Features in the name of a kernel, such as "max of kernel 17, dilation 4, channels x0 -x2, tilt 31"."""
    return {int(j) for j in re.findall(r"x(\d+)", name)}


@pytest.mark.parametrize("top", [None, *slow(1, 7)])
@pytest.mark.parametrize("n_classes", [1, 2, 3])
def test_marks_of_a_point_set_stand_at_the_leaders_and_add_up_what_their_heads_contribute(n_classes, top):
    X, clf = with_heads(n_classes)
    for index in range(5):
        expected = {}
        for row in max_heads(clf, X, index, top):
            place = tuple(X[index][row["leader"]].tolist())
            expected[place] = expected.get(place, 0.0) + row["contribution"]
        display = LeaderDisplay.from_estimator(clf, X, index, top=top)
        assert marks_of(display) == pytest.approx(expected, rel=1e-12, abs=1e-15)
        assert sorted(map(tuple, display.ax_.collections[0].get_offsets().data)) == sorted(map(tuple, X[index]))


@pytest.mark.parametrize(
    ("token_dim", "features"), [(1, None), (1, [0]), (2, None), (2, [1]), (2, [1, 0]), (6, None), (6, [5, 0])]
)
def test_marks_of_a_series_stand_on_the_lines_that_their_heads_look_at(token_dim, features):
    X, clf = with_heads(ordered=True, token_dim=token_dim, n_heads=700)
    drawn = range(min(4, token_dim)) if features is None else features
    expected = {}
    for row in max_heads(clf, X, 3, top=20):
        for j in looks_at(row["name"]).intersection(drawn):
            place = float(row["leader"]), float(X[3][row["leader"], j])
            expected[place] = expected.get(place, 0.0) + row["contribution"]
    display = LeaderDisplay.from_estimator(clf, X, 3, features=features)
    assert marks_of(display) == pytest.approx(expected, rel=1e-12, abs=1e-15)
    for line, j in zip(display.ax_.lines, drawn, strict=True):
        np.testing.assert_array_equal(line.get_xydata(), np.column_stack([np.arange(len(X[3])), X[3][:, j]]))


def test_larger_contributions_have_larger_marks_that_are_drawn_later():
    X, clf = with_heads()
    marks = LeaderDisplay.from_estimator(clf, X, top=None).marks_
    strength, areas = np.abs(marks.get_array()), marks.get_sizes()
    assert len(strength) > 3
    assert (np.diff(strength) > 0).all()
    assert (np.diff(areas) > 0).all()


def test_colours_say_the_sign_and_the_middle_is_no_contribution():
    display = LeaderDisplay([[0.0], [1.0], [2.0], [3.0]], [0, 1, 2, 3], [-2.0, 0.0, 1.0, 4.0], list("abcd")).plot(
        cmap="bwr"
    )
    display.figure_.canvas.draw()
    colors = dict(zip(display.marks_.get_array().tolist(), display.marks_.get_facecolor()[:, :3].tolist()))
    # bwr is blue, white, red; 0 is in the middle, so -2 of 4 is half blue and 1 of 4 is a quarter red
    assert display.marks_.get_clim() == (-4.0, 4.0)
    assert colors[4.0] == [1, 0, 0]
    assert colors[0.0] == pytest.approx([1, 1, 1], abs=0.01)
    assert colors[-2.0] == pytest.approx([0.5, 0.5, 1], abs=0.01)
    assert colors[1.0] == pytest.approx([1, 0.75, 0.75], abs=0.01)
    assert display.colorbar_.mappable is display.marks_


def test_the_strongest_tokens_are_named_by_their_strongest_head():
    # token 1 adds 5 - 2 = 3 in two heads, token 0 adds -4, token 3 adds 2, token 2 adds 1
    leaders, contributions = [1, 0, 1, 3, 2], [-2.0, -4.0, 5.0, 2.0, 1.0]
    for dilations in (None, [1] * 5):
        display = LeaderDisplay(
            [[5.0], [6.0], [7.0], [8.0]], leaders, contributions, list("abcde"), dilations=dilations
        )
        texts = display.plot().texts_
        assert [text.get_text() for text in texts] == ["b", "c, 1 more", "d"]
        assert [float(text.xy[0]) for text in texts] == ([5.0, 6.0, 8.0] if dilations is None else [0.0, 1.0, 3.0])
        heights = [text.xyann[1] for text in texts]
        assert (np.diff(heights) < 0).all()
        assert max(text.xy[1] for text in texts) < heights[-1] < heights[0] < display.ax_.get_ylim()[1]


def test_a_token_with_marks_on_two_lines_is_named_once():
    display = LeaderDisplay([[1.0, 2.0], [3.0, 4.0]], [1, 0], [2.0, 1.0], ["a", "b"], dilations=[1, 1]).plot()
    assert marks_of(display) == {(1.0, 3.0): 2.0, (1.0, 4.0): 2.0, (0.0, 1.0): 1.0, (0.0, 2.0): 1.0}
    assert [text.get_text() for text in display.texts_] == ["a", "b"]
