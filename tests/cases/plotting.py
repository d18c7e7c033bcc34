"""Classifiers whose pictures are drawn."""

import numpy as np

from sklearn_hardmax import HardmaxTransformerClassifier
from sklearn_hardmax.datasets import make_labelled_sequences


def fitted(X, y, **params):
    return HardmaxTransformerClassifier(ordered=False, n_heads=0, random_state=0, **params).fit(X, y)


def problem(n_classes, names=None):
    X, y = make_labelled_sequences(60, n_classes=n_classes, random_state=0)
    return X, y if names is None else np.array(names)[y]


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


def marks_of(display):
    """Contribution of every place that bears a mark."""
    places = [tuple(place) for place in display.marks_.get_offsets().data.tolist()]
    assert len(set(places)) == len(places)
    return dict(zip(places, display.marks_.get_array().data.tolist()))
