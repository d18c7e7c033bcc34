"""A classifier of a few labelled sequences, with and without heads."""

from sklearn_hardmax import (
    HardmaxTransformerClassifier,
    datasets,
)


def problem(n_classes=3, n=40, **options):
    return datasets.make_labelled_sequences(n, n_classes=n_classes, random_state=0, **options)


DEFAULTS = {"random_state": 0, "n_heads": 0}


def classifier(**options):
    return HardmaxTransformerClassifier(**{**DEFAULTS, **options})


GOOD = [[[0.0, 1.0], [2.0, 3.0]], [[4.0, 5.0]], [[6.0, 7.0]]]
