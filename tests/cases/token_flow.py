"""A small text classifier and a set of tokens for pictures, and the paths of a picture."""

import numpy as np

from sklearn_hardmax import (
    LeaderTextClassifier,
)

TEXTS = ["a great film", "great fun", "so dull a film", "dull and dull", "great great plot", "it is dull"] * 6


LABELS = np.array(["good", "good", "bad", "bad", "good", "bad"] * 6)


def classifier(**options):
    setting = {"max_iter": 30, "batch_size": 8, "learning_rate_init": 0.05, "random_state": 0}
    return LeaderTextClassifier(**{**setting, **options})


TRIANGLE = np.array([[3.0, 0.0], [1.0, 0.2], [0.0, 3.0], [0.1, 1.0], [-2.0, -2.0], [-1.0, -0.9]])


def paths(display):
    """Places of every token before the first layer and after each, (n_tokens, n_layers + 1, 2)."""
    return np.array(display.paths_.get_segments())
