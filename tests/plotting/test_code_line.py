"""CodeLineDisplay draws the intervals and codes of a classifier without heads."""

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from cases.plotting import fitted, problem
from effort import slow
from matplotlib.colors import to_rgba_array

from sklearn_hardmax import HardmaxTransformerClassifier
from sklearn_hardmax.datasets import make_labelled_sequences, make_swaps
from sklearn_hardmax.plotting import CodeLineDisplay


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
def test_each_class_has_one_row_with_its_intervals_and_a_tick_for_each_of_its_sequences(n_classes):
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


def test_sequences_that_are_labelled_wrongly_stand_outside_the_intervals_of_their_row():
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


def test_codes_of_bumps_are_drawn():
    X, y = make_swaps(30, random_state=0)
    display = CodeLineDisplay.from_estimator(fitted(X, y), X, y)
    assert sum(len(ticks.get_segments()) for ticks in display.ticks_) == 30


def test_a_classifier_with_heads_has_no_line_of_codes():
    X, y = problem(2)
    clf = HardmaxTransformerClassifier(n_heads=5, random_state=0).fit(X, y)
    with pytest.raises(ValueError, match="was fitted with heads: it decides by scores, not on one line; use n_heads=0"):
        CodeLineDisplay.from_estimator(clf, X, y)


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
