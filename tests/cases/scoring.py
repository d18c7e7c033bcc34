"""Families of labelled sequences, series with a bump, and the classifier with few heads."""

import numpy as np

from sklearn_hardmax import (
    HardmaxTransformerClassifier,
    RaggedSequences,
)


def classifier(n_heads=42, **options):
    return HardmaxTransformerClassifier(n_heads=n_heads, **{"random_state": 0, **options})


def shifted_walks(n, seed=0, n_classes=2):
    """Learnable series: noise, with a bump whose size is the class somewhere."""
    rng = np.random.default_rng(seed)
    X, y = [], rng.integers(0, n_classes, n)
    for label in y:
        x = rng.normal(size=(rng.integers(20, 60), 1))
        at = rng.integers(0, len(x) - 8)
        x[at : at + 8] += 2.0 * label
        X.append(x)
    return RaggedSequences.from_list(X), y
