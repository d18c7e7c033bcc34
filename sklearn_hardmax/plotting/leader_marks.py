"""What a picture of leader reads shows, in numbers: the marks, where they stand, and what is said about the decision."""

import re
from typing import NamedTuple

import numpy as np

from sklearn_hardmax.constructions.heads.series import SeriesHeads
from sklearn_hardmax.constructions.scoring.explanation import CORRECTION
from sklearn_hardmax.plotting.canvas import check_class_label


class Mark(NamedTuple):
    """A token that leader reads took, where it is drawn, what these reads add, and which they are, the strongest first."""

    token: int
    place: tuple
    contribution: float
    reads: np.ndarray


def marks(sequence, features, leaders, contributions, channels, is_series):
    """The marks, the strongest last; those of equal strength in the order of their tokens, then of features."""
    leaders = np.asarray(leaders, dtype=np.int64)
    contributions = np.asarray(contributions, dtype=np.float64)
    looks = np.ones((len(leaders), sequence.shape[1]), dtype=bool)
    if channels is not None and is_series:
        looks = np.asarray(channels, dtype=bool)
    # a line bears marks of its own, a point one for all features
    lines = [(j, [j]) for j in features] if is_series else [(None, features)]
    found = []
    for token in np.unique(leaders).tolist():
        for j, shown in lines:
            reads = np.flatnonzero((leaders == token) & looks[:, shown].any(axis=1))
            if len(reads):
                place = (token, sequence[token, j]) if j is not None else on_plane(sequence[[token]], shown)[:, 0]
                reads = reads[np.argsort(-np.abs(contributions[reads]), kind="stable")]
                found.append(Mark(token, place, contributions[reads].sum(), reads))
    return sorted(found, key=lambda mark: abs(mark.contribution))


def decision(estimator, one, class_label):
    """Rows of `explain` for one class and one sequence, and what is said about them: the headline, and the colour bar's."""
    classes, predicted = estimator.classes_.tolist(), estimator.predict(one).tolist()[0]
    shown = predicted if class_label is None else class_label
    check_class_label(shown, classes)
    scores = np.atleast_2d(estimator.decision_function(one))[0]
    if len(classes) == 2:
        shown, score = classes[1], scores[0]
        label = f"contribution\n(+ for class {shown}, - for class {classes[0]})"
    else:
        score = scores[classes.index(shown)]
        label = f"contribution to class {shown}"
    of = "" if shown == predicted or len(classes) == 2 else f" of {shown}"
    table = estimator.explain(one, top=None)[0]
    table = table[table["class"] == shown]
    correction = table["contribution"][table["head"] == CORRECTION].sum()
    corrected = f", of it correction {correction:+.2f}" if correction else ""
    return table, (f"predicted {predicted}, score{of} {score:+.2f}{corrected}", label)


def described(estimator, reads):
    """Short names of rows of leader reads, their dilations and channels: None, None for heads of point sets."""
    if not isinstance(estimator._built.heads, SeriesHeads):
        return [re.search(r"(prototype|difference) \d+", name)[0] for name in reads["name"].tolist()], None, None
    kernels, dilations, channels = estimator._built.heads.windows_of(reads["head"])
    return [f"kernel {k}, dilation {d}" for k, d in zip(kernels, dilations)], dilations, channels


def on_plane(tokens, features):
    """Where the tokens of a point set are drawn, (2, n_tokens); one feature alone lies on a line."""
    x = tokens[:, features[0]]
    return np.stack([x, tokens[:, features[1]] if len(features) == 2 else np.zeros_like(x)])


def first_of_each_token(marks):
    """The marks without those whose token an earlier mark has."""
    seen = set()
    return [mark for mark in marks if not (mark.token in seen or seen.add(mark.token))]
