"""A small corpus of made-up reviews, and classifiers of it."""

import numpy as np

from sklearn_hardmax import LeaderTextClassifier

GOOD, BAD, PLAIN = ["great", "lovely", "fun"], ["dull", "awful"], ["film", "the", "plot", "it", "is", "a_long_one"]


def corpus(n=60, seed=0, classes=("bad", "good")):
    """Texts of plain words, with one or two words that tell the class."""
    rng = np.random.default_rng(seed)
    telling = [BAD, GOOD, ["odd", "weird"]][: len(classes)]
    y = rng.integers(len(classes), size=n)
    texts = []
    for label in y:
        words = [*rng.choice(PLAIN, size=rng.integers(2, 7)), *rng.choice(telling[label], size=rng.integers(1, 3))]
        texts.append(" ".join(rng.permutation(words)))
    return texts, np.array(classes)[y]


SETTING = {"max_iter": 40, "learning_rate_init": 0.03, "batch_size": 16, "random_state": 0}


def classifier(**options):
    return LeaderTextClassifier(**{**SETTING, **options})


NEW = ["a great film", "the plot is dull", "it is", "nothing known here", "", "great great dull"]
