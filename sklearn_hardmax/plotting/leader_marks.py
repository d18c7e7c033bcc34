"""Compute what LeaderDisplay draws: the tokens that max heads attend to, their places, and the texts around them."""

import re
from typing import NamedTuple

import numpy as np

from sklearn_hardmax.plotting.canvas import check_class_label


class Mark(NamedTuple):
    """A token that at least one max head attends to.

    Attributes
    ----------
    token : int
        Index of the token in the sequence.
    place : tuple of float
        Where it is drawn.
    contribution : float
        Sum of the contributions of its heads to the score.
    heads : ndarray of int
        Its heads, as indices of the given contributions, the strongest first.
    """

    token: int
    place: tuple
    contribution: float
    heads: np.ndarray


def marks(sequence, features, leaders, contributions, channels, is_series):
    """The marks by increasing strength; marks of equal strength in the order of their tokens, then of features."""
    leaders = np.asarray(leaders, dtype=np.int64)
    contributions = np.asarray(contributions, dtype=np.float64)
    uses = np.ones((len(leaders), sequence.shape[1]), dtype=bool)
    if channels is not None and is_series:
        uses = np.asarray(channels, dtype=bool)
    # a series has one line and so one mark per feature, a point set one mark for all features
    lines = [(j, [j]) for j in features] if is_series else [(None, features)]
    found = []
    for token in np.unique(leaders).tolist():
        for j, shown in lines:
            heads = np.flatnonzero((leaders == token) & uses[:, shown].any(axis=1))
            if len(heads):
                place = (token, sequence[token, j]) if j is not None else on_plane(sequence[[token]], shown)[:, 0]
                heads = heads[np.argsort(-np.abs(contributions[heads]), kind="stable")]
                found.append(Mark(token, place, contributions[heads].sum(), heads))
    return sorted(found, key=lambda mark: abs(mark.contribution))


def decision(estimator, one, class_label):
    """Explanation of one class of one sequence, and its texts.

    Returns the rows of `explain` for the class, the headline, and the label of the colour bar.
    """
    classes = estimator.classes_.tolist()
    predicted = estimator.predict(one).tolist()[0]
    shown = predicted if class_label is None else class_label
    check_class_label(shown, classes)
    scores = np.atleast_2d(estimator.decision_function(one))[0]
    # two classes have one decision, and all rows of explain belong to the second class
    if len(classes) == 2:
        shown = classes[1]
        score = scores[0]
        label = f"contribution\n(+ for class {shown}, - for class {classes[0]})"
    else:
        score = scores[classes.index(shown)]
        label = f"contribution to class {shown}"
    of = "" if shown == predicted or len(classes) == 2 else f" of {shown}"
    table = estimator.explain(one, top=None)[0]
    table = table[table["class"] == shown]
    correction = table["contribution"][table["kind"] == "correction"].sum()
    corrected = f", of it correction {correction:+.2f}" if correction else ""
    return table, f"predicted {predicted}, score{of} {score:+.2f}{corrected}", label


def described(estimator, table):
    """Short names of max heads, given as rows of `explain`, with the dilations and channels of their windows.

    The dilations and channels of point sets are None.
    """
    windows = estimator.head_windows(table["head"])
    if windows is None:
        return [re.search(r"(prototype|difference) \d+", name)[0] for name in table["name"].tolist()], None, None
    names = [f"kernel {kernel}, dilation {dilation}" for kernel, dilation in zip(windows.kernels, windows.dilations)]
    return names, windows.dilations, windows.channels


def on_plane(tokens, features):
    """Where the tokens of a point set are drawn, (2, n_tokens); a single feature is drawn on a horizontal line."""
    x = tokens[:, features[0]]
    y = tokens[:, features[1]] if len(features) == 2 else np.zeros_like(x)
    return np.stack([x, y])


def first_of_each_token(marks):
    """The marks without those whose token an earlier mark has."""
    first = {}
    for mark in marks:
        first.setdefault(mark.token, mark)
    return list(first.values())
