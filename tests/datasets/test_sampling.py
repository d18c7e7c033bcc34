"""Lengths, labels and tokens are drawn within their bounds."""

import numpy as np

from sklearn_hardmax import datasets as families


def test_gaussian_tokens_that_coincide_are_drawn_again():
    class Repeating(np.random.RandomState):
        calls = 0

        def standard_normal(self, size=None):
            self.calls += 1
            return np.zeros(size) if self.calls == 1 else super().standard_normal(size)

    rng = Repeating(0)
    X, _ = families.make_nested_prefixes(5, random_state=rng)
    assert rng.calls == 2
    assert len(np.unique(X[4], axis=0)) == 5
