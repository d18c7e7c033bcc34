"""LeaderBarDisplay draws the counts of leaders."""

import matplotlib
import pytest
from cases.token_flow import LABELS, TEXTS, classifier

from sklearn_hardmax.plotting import LeaderBarDisplay, TokenFlowDisplay


def test_bars_are_the_leader_counts(fitted):
    for strongest in (False, True):
        display = LeaderBarDisplay.from_estimator(fitted, TEXTS, top=3, strongest=strongest)
        words, counts, _ = zip(*fitted.leader_counts(TEXTS, strongest)[:3])
        assert [label.get_text() for label in display.ax_.get_yticklabels()] == list(words)
        assert [bar.get_width() for bar in display.bars_] == list(counts)
        assert display.ax_.get_title() == f"{'Strongest leaders' if strongest else 'Leaders'} of 36 texts"
        assert display.colorbar_.ax.get_ylabel() == "logit (- bad, + good)"
        display.figure_.canvas.draw()


def test_the_colour_of_a_bar_tells_the_sign_of_its_logit():
    display = LeaderBarDisplay(["great", "so", "dull"], [3, 2, 1], [2.0, 0.0, -2.0]).plot(cmap="coolwarm_r")
    cmap = matplotlib.colormaps["coolwarm_r"]
    for bar, place in zip(display.bars_, [1.0, 0.5, 0.0]):
        assert bar.get_facecolor() == pytest.approx(cmap(place), abs=1e-3)


def test_bars_of_three_classes_show_one():
    clf = classifier().fit([*TEXTS, *["an odd film"] * 6], [*LABELS, *["strange"] * 6])
    display = LeaderBarDisplay.from_estimator(clf, TEXTS, class_label="strange")
    assert display.colorbar_.ax.get_ylabel() == "logit (- not strange, + strange)"
    with pytest.raises(ValueError, match="class_label must be one of bad, good, strange, got 'x'"):
        LeaderBarDisplay.from_estimator(clf, TEXTS, class_label="x")
    with pytest.raises(ValueError, match="the classifier has 3 classes"):
        TokenFlowDisplay.from_estimator(clf, TEXTS)


def test_a_class_label_of_two_classes_is_checked_too():
    clf = classifier().fit(TEXTS, LABELS)
    with pytest.raises(ValueError, match="class_label must be one of bad, good, got 'x'"):
        LeaderBarDisplay.from_estimator(clf, TEXTS, class_label="x")
