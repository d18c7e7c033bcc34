"""The pictures show what the classifier does, cell by cell and leader by leader."""

import re
import sys

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from effort import slow
from matplotlib.colors import to_rgba_array
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression

from sklearn_hardmax import HardmaxTransformerClassifier, RaggedSequences
from sklearn_hardmax.datasets import make_labelled_sequences, make_swaps
from sklearn_hardmax.plotting import CodeLineDisplay, LeaderDisplay


def fitted(X, y, **params):
    return HardmaxTransformerClassifier(ordered=False, n_heads=0, random_state=0, **params).fit(X, y)


def problem(n_classes, names=None):
    X, y = make_labelled_sequences(60, n_classes=n_classes, random_state=0)
    return X, y if names is None else np.array(names)[y]


def spans(collection):
    """First and last x of every band, (n, 2)."""
    boxes = [path.get_extents() for path in collection.get_paths()]
    return np.array([[box.x0, box.x1] for box in boxes]).reshape(-1, 2)


def inside(codes, bands):
    return ((bands[:, :1] <= codes) & (codes <= bands[:, 1:])).any(axis=0)


@pytest.mark.parametrize("weights", [None, "balanced"])
@pytest.mark.parametrize("n_classes", [2, 12, *slow(3, 25)])
def test_bands_cover_the_line_in_the_colours_of_the_labels_at_their_middles(n_classes, weights):
    X, y = problem(n_classes)
    clf = fitted(X, y, class_weight=weights)
    display = CodeLineDisplay.from_estimator(clf, X, y)
    bands = spans(display.cells_)
    # neighbouring bands meet, and the outermost end where the picture does
    np.testing.assert_array_equal(bands[1:, 0], clf.code_line(X).boundaries)
    np.testing.assert_allclose(bands[1:, 0], bands[:-1, 1], rtol=0, atol=2**-50)  # drawn as start + width
    assert (bands[0, 0], bands[-1, 1]) == pytest.approx(display.ax_.get_xlim(), rel=0, abs=2**-50)
    predicted = clf._built.labels_of(bands.mean(axis=1))
    colors = np.array([ticks.get_color()[0, :3] for ticks in display.ticks_])
    assert len(np.unique(colors, axis=0)) == n_classes
    np.testing.assert_array_equal(display.cells_.get_facecolor()[:, :3], colors[predicted])


@pytest.mark.parametrize("n_classes", [2, 3, 12])
def test_each_class_has_one_row_with_its_cells_and_a_tick_for_each_of_its_sequences(n_classes):
    X, y = problem(n_classes)
    clf = fitted(X, y)
    display = CodeLineDisplay.from_estimator(clf, X, y)
    assert display.ax_.get_ylim() == (-0.6, n_classes + 0.6)
    codes = clf.code_line(X).codes
    for k, (bands, ticks) in enumerate(zip(display.class_cells_, display.ticks_, strict=True)):
        places = np.array(ticks.get_segments())[:, :, 0]
        np.testing.assert_array_equal(places, np.stack([codes[y == k]] * 2, axis=1))
        heights = np.array(ticks.get_segments())[:, :, 1]
        assert ((k + 0.5 < heights) & (heights < k + 1.5)).all()
        assert len(spans(bands)) == (clf.code_line(X).interval_labels == k).sum()
        assert inside(codes[y == k], spans(bands)).all()
        assert not inside(codes[y != k], spans(bands)).any()


def test_the_rows_bear_the_names_of_the_classes_and_the_title_the_counts():
    X, y = problem(3, names=["cat", "dog", "eel"])
    clf = fitted(X, y)
    ax = CodeLineDisplay.from_estimator(clf, X, y).ax_
    assert [text.get_text() for text in ax.get_yticklabels()] == ["network", "cat", "dog", "eel"]
    np.testing.assert_array_equal(ax.get_yticks(), [0, 1, 2, 3])
    n_runs = 1 + (np.diff(clf.code_line(X).interval_labels) != 0).sum()
    assert ax.get_title() == f"{n_runs} label runs for 60 sequences, {clf.n_blocks_} blocks"
    assert ax.get_xlabel() == "code A of a sequence"


def test_an_axes_that_is_given_is_drawn_on():
    X, y = problem(2)
    figure, axes = plt.subplots(2)
    display = CodeLineDisplay.from_estimator(fitted(X, y), X, y, ax=axes[1])
    assert display.ax_ is axes[1]
    assert display.figure_ is figure
    assert plt.get_fignums() == [figure.number]
    assert not axes[0].has_data()
    figure.canvas.draw()


def test_a_display_draws_again_with_other_colours():
    X, y = problem(3)
    display, before = CodeLineDisplay.from_estimator(fitted(X, y), X, y, cmap="Set1"), None
    for name in ("Set1", "Dark2"):
        expected = to_rgba_array(matplotlib.colormaps[name].colors[:3])
        np.testing.assert_array_equal(np.unique(display.cells_.get_facecolor(), axis=0), np.unique(expected, axis=0))
        assert display.ax_ is not before
        before = display.ax_
        assert display.plot(cmap="Dark2") is display


def test_sequences_that_are_labelled_wrongly_stand_outside_the_cells_of_their_row():
    X, y = problem(3)
    clf = fitted(X, y)
    unseen, truth = make_labelled_sequences(40, n_classes=3, random_state=1)
    display = CodeLineDisplay.from_estimator(clf, unseen, truth)
    right = clf.predict(unseen) == truth
    codes = clf.code_line(unseen).codes
    assert 0 < right.sum() < len(right)
    for k, bands in enumerate(display.class_cells_):
        np.testing.assert_array_equal(inside(codes[truth == k], spans(bands)), right[truth == k])


def test_a_class_without_sequences_keeps_its_row():
    X, y = problem(3)
    clf = fitted(X, y)
    display = CodeLineDisplay.from_estimator(clf, X[y != 1], y[y != 1])
    assert [len(ticks.get_segments()) > 0 for ticks in display.ticks_] == [True, False, True]
    display.figure_.canvas.draw()


def test_codes_of_hats_are_drawn():
    X, y = make_swaps(30, random_state=0)
    display = CodeLineDisplay.from_estimator(fitted(X, y), X, y)
    assert sum(len(ticks.get_segments()) for ticks in display.ticks_) == 30


def test_a_classifier_with_heads_has_no_line_of_codes():
    X, y = problem(2)
    clf = HardmaxTransformerClassifier(n_heads=5, random_state=0).fit(X, y)
    with pytest.raises(ValueError, match="was fitted with heads: it decides by scores, not on one line; use n_heads=0"):
        CodeLineDisplay.from_estimator(clf, X, y)


def test_an_unfitted_classifier_is_refused():
    X, y = problem(2)
    with pytest.raises(NotFittedError, match="is not fitted yet"):
        CodeLineDisplay.from_estimator(HardmaxTransformerClassifier(), X, y)


def test_another_estimator_is_refused():
    X, y = problem(2)
    with pytest.raises(TypeError, match=r"shows a HardmaxTransformerClassifier .* got LogisticRegression"):
        CodeLineDisplay.from_estimator(LogisticRegression(), X, y)


def test_one_label_has_no_line():
    X, _ = problem(2)
    with pytest.raises(ValueError, match="one label"):
        CodeLineDisplay.from_estimator(fitted(X, np.zeros(60, dtype=int)), X, np.zeros(60, dtype=int))


def test_unknown_labels_and_a_wrong_number_of_labels_are_refused():
    X, y = problem(2)
    clf = fitted(X, y)
    with pytest.raises(ValueError, match=r"fitted on, got 7, 9\.$"):
        CodeLineDisplay.from_estimator(clf, X, np.where(np.arange(60) < 2, [7, 9] * 30, y))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        CodeLineDisplay.from_estimator(clf, X, y[:-1])


def test_without_matplotlib_the_error_names_the_extra(monkeypatch):
    X, y = problem(2)
    clf = fitted(X, y)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r'pip install "sklearn-hardmax\[plot\]"'):
        CodeLineDisplay.from_estimator(clf, X, y)


# -- leaders -----------------------------------------------------------------------------------------------------------


def with_heads(n_classes=3, ordered=False, token_dim=2, n_heads=140, names=None, lengths=(5, 20)):
    """Sequences and a classifier with heads that was fitted on them."""
    X, y = make_labelled_sequences(
        40, n_classes=n_classes, token_dim=token_dim, min_length=lengths[0], max_length=lengths[1], random_state=0
    )
    y = y if names is None else np.array(names)[y]
    return X, HardmaxTransformerClassifier(ordered=ordered, n_heads=n_heads, random_state=0).fit(X, y)


def max_heads(clf, X, index, top=None, class_label=None):
    """The rows of `explain` for the max heads that are shown, the strongest first."""
    one = X[index : index + 1]
    table = clf.explain(one, top=None)[0]
    label = clf.predict(one)[0] if class_label is None else class_label
    label = clf.classes_[1] if len(clf.classes_) == 2 else label
    return table[(table["class"] == label) & (table["leader"] >= 0)][:top]


def looks_at(name):
    """Features in the name of a kernel, such as "max of kernel 17, dilation 4, channels x0 -x2, tilt 31"."""
    return {int(j) for j in re.findall(r"x(\d+)", name)}


def marks_of(display):
    """Contribution of every place that bears a mark."""
    places = [tuple(place) for place in display.marks_.get_offsets().data.tolist()]
    assert len(set(places)) == len(places)
    return dict(zip(places, display.marks_.get_array().data.tolist()))


def without_spike(title):
    return re.sub(", of it correction [-+.0-9]+", "", title)


def extents(patch):
    """Left and right end."""
    box = patch.get_path().transformed(patch.get_patch_transform()).get_extents()
    return box.x0, box.x1


@pytest.mark.parametrize("top", [None, *slow(1, 7)])
@pytest.mark.parametrize("n_classes", [1, 2, 3])
def test_marks_of_a_point_set_stand_at_the_leaders_and_add_up_what_their_reads_contribute(n_classes, top):
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
def test_marks_of_a_series_stand_on_the_lines_that_their_reads_look_at(token_dim, features):
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


def test_the_strongest_tokens_are_named_by_their_strongest_read():
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
        assert without_spike(display.ax_.get_title()).splitlines() == [
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
        assert without_spike(pictures[0].ax_.get_title()).splitlines()[0] == headline
        assert marks_of(pictures[0]) == marks_of(pictures[1]) == marks_of(pictures[2])
        label = "contribution\n(+ for class dog, - for class cat)"
        assert pictures[0].colorbar_.ax.get_ylabel() == label


def test_the_title_says_what_a_spike_adds():
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


def test_leaders_need_matplotlib_and_say_so(monkeypatch):
    X, clf = with_heads()
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r'LeaderDisplay draws with .* pip install "sklearn-hardmax\[plot\]"'):
        LeaderDisplay.from_estimator(clf, X)
