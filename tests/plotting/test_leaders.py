"""LeaderDisplay: axes, titles, windows, refused input."""

import re

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from cases.plotting import fitted, marks_of, max_heads, problem, with_heads
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression

from sklearn_hardmax import HardmaxTransformerClassifier, RaggedSequences
from sklearn_hardmax.plotting import LeaderDisplay


def without_correction(title):
    return re.sub(", of it correction [-+.0-9]+", "", title)


def extents(patch):
    """Left and right end."""
    box = patch.get_path().transformed(patch.get_patch_transform()).get_extents()
    return box.x0, box.x1


def test_windows_of_nine_tokens_are_shaded_around_the_named_leaders():
    X, clf = with_heads(ordered=True, token_dim=1, n_heads=700, lengths=(40, 60))
    display = LeaderDisplay.from_estimator(clf, X, 3)
    heads = max_heads(clf, X, 3, top=20)
    assert len(display.texts_) == len(display.spans_) == 3
    assert set(re.findall(r"dilation (\d+)", " ".join(heads["name"]))) > {"1"}
    for text, span in zip(display.texts_, display.spans_):
        row = heads[heads["leader"] == text.xy[0]][0]
        short = re.search(r"kernel \d+, dilation (\d+)", row["name"])
        assert text.get_text().startswith(short[0])
        reach = 4 * int(short[1])
        assert extents(span) == (text.xy[0] - reach, text.xy[0] + reach)
    assert LeaderDisplay.from_estimator(*with_heads()[::-1]).spans_ == []


def test_names_of_point_sets_are_those_of_their_forms():
    X, clf = with_heads()
    display = LeaderDisplay.from_estimator(clf, X, top=1)
    name = max_heads(clf, X, 0, top=1)["name"][0]
    assert name.startswith("max of ")
    assert [text.get_text() for text in display.texts_] == [re.search(r"(prototype|difference) \d+", name)[0]]


def test_the_title_says_class_and_score_and_what_max_heads_add():
    X, clf = with_heads(names=["cat", "dog", "eel"])
    scores, predicted = clf.decision_function(X[2:3])[0], clf.predict(X[2:3])[0]
    for label in (None, "cat", "dog", "eel"):
        shown = predicted if label is None else label
        heads = max_heads(clf, X, 2, class_label=shown)
        display = LeaderDisplay.from_estimator(clf, X, 2, top=6, class_label=label)
        of = "" if shown == predicted else f" of {shown}"
        score = scores[clf.classes_.tolist().index(shown)]
        assert without_correction(display.ax_.get_title()).splitlines() == [
            f"predicted {predicted}, score{of} {score:+.2f}",
            f"6 of {len(heads)} max heads; all of them add {heads['contribution'].sum():+.2f}",
        ]
        assert display.colorbar_.ax.get_ylabel() == f"contribution to class {shown}"
    assert display.ax_.get_title() != LeaderDisplay.from_estimator(clf, X, 2, top=6).ax_.get_title()


def test_two_classes_have_one_decision_and_the_sign_says_for_which():
    X, clf = with_heads(2, names=["cat", "dog"])
    for index in range(4):
        pictures = [LeaderDisplay.from_estimator(clf, X, index, class_label=label) for label in (None, "cat", "dog")]
        assert len({display.ax_.get_title() for display in pictures}) == 1
        score = clf.decision_function(X[index : index + 1])[0]
        headline = f"predicted {['cat', 'dog'][int(score > 0)]}, score {score:+.2f}"
        assert without_correction(pictures[0].ax_.get_title()).splitlines()[0] == headline
        assert marks_of(pictures[0]) == marks_of(pictures[1]) == marks_of(pictures[2])
        label = "contribution\n(+ for class dog, - for class cat)"
        assert pictures[0].colorbar_.ax.get_ylabel() == label


def test_the_title_says_what_a_correction_adds():
    X, clf = with_heads(n_heads=7)
    said = []
    for index in range(12):
        table = clf.explain(X[index : index + 1], top=None)[0]
        correction = table["contribution"][
            (table["class"] == clf.predict(X[index : index + 1])[0]) & (table["name"] == "correction")
        ]
        headline = LeaderDisplay.from_estimator(clf, X, index).ax_.get_title().splitlines()[0]
        assert re.findall("of it correction (.*)", headline) == [f"{value:+.2f}" for value in correction]
        said += correction.tolist()
    assert 0 < len(said) < 12


@pytest.mark.parametrize("features", [(1, 2), (2, 0), (1,)])
def test_point_sets_are_drawn_in_the_features_that_are_asked_for(features):
    X, clf = with_heads(token_dim=3)
    display = LeaderDisplay.from_estimator(clf, X, 1, features=features, top=5)
    heads = max_heads(clf, X, 1, top=5)
    places = np.zeros((len(X[1]), 2))
    places[:, : len(features)] = X[1][:, features]
    assert set(marks_of(display)) == set(map(tuple, places[heads["leader"]].tolist()))
    np.testing.assert_array_equal(display.ax_.collections[0].get_offsets().data, places)
    axes = [display.ax_.get_xlabel(), display.ax_.get_ylabel()]
    assert axes == [f"feature {j}" for j in features] + [""] * (2 - len(features))


def test_a_data_frame_gives_its_names_to_the_axes():
    rng = np.random.RandomState(0)
    frame = pd.DataFrame(rng.normal(size=(30, 2)), columns=["kernel 1, dilation 2", "weight"])
    clf = HardmaxTransformerClassifier(n_heads=70, random_state=0).fit(frame, np.arange(30) % 3)
    display = LeaderDisplay.from_estimator(clf, frame, 4)
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == tuple(frame.columns)
    assert list(marks_of(display)) == [tuple(frame.iloc[4])]  # a sequence of one token
    assert display.spans_ == []


def test_sequences_without_max_heads_are_drawn_alone():
    X, clf = with_heads(ordered=True, n_heads=1)
    assert not len(max_heads(clf, X, 0))
    display = LeaderDisplay.from_estimator(clf, X)
    assert (marks_of(display), display.texts_, display.spans_, display.colorbar_) == ({}, [], [], None)
    assert display.ax_.get_title().endswith("0 of 0 max heads; all of them add +0.00")
    display.figure_.canvas.draw()


def test_leaders_are_drawn_on_an_axes_that_is_given():
    X, clf = with_heads(ordered=True)
    figure, axes = plt.subplots(2)
    display = LeaderDisplay.from_estimator(clf, X, ax=axes[1])
    assert display.ax_ is axes[1]
    assert display.figure_ is figure
    assert plt.get_fignums() == [figure.number]
    assert not axes[0].has_data()
    figure.canvas.draw()


def test_leaders_of_other_estimators_are_refused():
    X, _ = with_heads()
    with pytest.raises(
        TypeError, match=r"LeaderDisplay shows a HardmaxTransformerClassifier .* got LogisticRegression"
    ):
        LeaderDisplay.from_estimator(LogisticRegression(), X)
    with pytest.raises(NotFittedError, match="is not fitted yet"):
        LeaderDisplay.from_estimator(HardmaxTransformerClassifier(), X)
    with pytest.raises(ValueError, match=r"LeaderDisplay needs heads: .* see CodeLineDisplay"):
        LeaderDisplay.from_estimator(fitted(*problem(2)), X)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"index": 40}, "index must be an integer from 0 to 39, got 40"),
        ({"index": -1}, "index must be an integer from 0 to 39, got -1"),
        ({"index": 1.0}, "index must be an integer from 0 to 39, got 1.0"),
        ({"top": 0}, "top must be an integer of at least 1, got 0"),
        ({"class_label": 7}, "class_label must be one of 0, 1, 2, got 7"),
        ({"features": (0, 2)}, r"one or two features from 0 to 1, got \[0, 2\]"),
        ({"features": (0, -1)}, r"one or two features from 0 to 1, got \[0, -1\]"),
        ({"features": (0, 1, 0)}, r"one or two features from 0 to 1, got \[0, 1, 0\]"),
        ({"features": ()}, r"one or two features from 0 to 1, got \[\]"),
    ],
)
def test_what_is_out_of_range_is_refused_before_anything_is_drawn(wrong, message):
    X, clf = with_heads()
    with pytest.raises(ValueError, match=message):
        LeaderDisplay.from_estimator(clf, X, **wrong)
    assert plt.get_fignums() == []


def test_features_that_a_series_does_not_have_are_refused():
    X, clf = with_heads(ordered=True)
    with pytest.raises(ValueError, match=r"features must be a list of features from 0 to 1, got \[2\]"):
        LeaderDisplay.from_estimator(clf, X, features=[2])
    with pytest.raises(ValueError, match="X has 3 features"):
        LeaderDisplay.from_estimator(clf, RaggedSequences.from_list([np.zeros((4, 3))]))
