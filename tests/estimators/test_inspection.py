"""What a fitted classifier shows of its decisions: the code line without heads; heads, their windows and contributions."""

import re

import numpy as np
import pytest
from cases.classifier import classifier, problem

from sklearn_hardmax import HardmaxPooling


def test_the_code_line_gives_the_labels_without_heads(n_heads):
    X, y = problem()
    fitted = classifier(ordered=False).fit(X, np.array(["a", "b", "c"])[y])
    if n_heads:
        with pytest.raises(
            ValueError, match="was fitted with heads: it decides by scores, not on one line; use n_heads=0"
        ):
            fitted.code_line(X)
        return
    new, _ = problem(n=100)
    for sequences in (X, new):
        line = fitted.code_line(sequences)
        assert ((line.codes >= 1) & (line.codes <= 2)).all()
        assert (np.diff(line.boundaries) > 0).all()
        assert len(line.interval_labels) == len(line.boundaries) + 1
        # by hand: count the boundaries below each code
        interval = (line.codes[:, None] > line.boundaries).sum(axis=1)
        assert (fitted.classes_[line.interval_labels[interval]] == fitted.predict(sequences)).all()
    with pytest.raises(ValueError, match="fitted on one label: it reads no code, and there is no line to draw"):
        classifier().fit(X, [0] * len(X)).code_line(X)


def test_windows_of_heads_are_those_in_their_names(n_heads):
    X, y = problem(token_dim=3)
    fitted = classifier(ordered=True).fit(X, y)
    if not n_heads:
        with pytest.raises(ValueError, match="head_windows needs heads: the classifier was fitted with n_heads=0"):
            fitted.head_windows([0])
        return
    names = HardmaxPooling(n_heads=n_heads, random_state=0).fit(X).get_feature_names_out()
    windows = fitted.head_windows(np.arange(n_heads))
    for name, kernel, dilation, channels in zip(names, *windows, strict=True):
        found = re.search(r" of kernel (\d+), dilation (\d+), channels ([-x0-9 ]+)", name)
        assert (int(found[1]), int(found[2])) == (kernel, dilation)
        assert [f"x{j}" for j in np.flatnonzero(channels)] == found[3].replace("-", "").split()
    assert [part.shape for part in fitted.head_windows([])] == [(0,), (0,), (0, 3)]
    assert classifier(ordered=False).fit(X, y).head_windows([0]) is None
    assert classifier(ordered=True).fit(X.tokens[:40], y).head_windows([0]) is None  # one token each
    for heads in ([-1], [n_heads], [0.0], 3, [[0]], ["0"]):
        with pytest.raises(ValueError, match=f"heads must be a list of integers from 0 to {n_heads - 1}, got "):
            fitted.head_windows(heads)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("ordered", [True, False])
def test_each_sequence_is_explained_by_a_table_of_its_own(ordered, n_classes):
    """The same alone and among others, and its contributions are in favour of the class that is predicted."""
    X, y = problem(n_classes)
    fitted = classifier(n_heads=60, ordered=ordered).fit(X, np.array(["a", "b", "c"])[y])
    new, _ = problem(n=7)
    tables = fitted.explain(new, top=None)
    assert len(tables) == len(new)
    for i, (table, label) in enumerate(zip(tables, fitted.predict(new), strict=True)):
        (alone,) = fitted.explain(new[i : i + 1], top=None)
        assert repr(alone.tolist()) == repr(table.tolist())  # values of no leader are nan
        totals = {name: table["contribution"][table["class"] == name].sum() for name in set(table["class"])}
        best = max(totals, key=totals.get) if n_classes > 2 else "ab"[int(totals["b"] > 0)]
        assert best == label
