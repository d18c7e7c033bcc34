"""A small text classifier for pictures."""

import numpy as np

from sklearn_hardmax import (
    LeaderTextClassifier,
)

TEXTS = ["a great film", "great fun", "so dull a film", "dull and dull", "great great plot", "it is dull"] * 6


LABELS = np.array(["good", "good", "bad", "bad", "good", "bad"] * 6)


def classifier(**options):
    setting = {"max_iter": 30, "batch_size": 8, "learning_rate_init": 0.05, "random_state": 0}
    return LeaderTextClassifier(**{**setting, **options})
