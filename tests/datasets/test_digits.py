"""Digit points rebuild the images of scikit-learn."""

import numpy as np
from cases.datasets import normalised_multiset
from sklearn.datasets import load_digits

from sklearn_hardmax import datasets as families


def test_digit_points_rebuild_the_images():
    X, y = families.load_digit_points()
    digits = load_digits()
    for points, image in zip(X, digits.images):
        rebuilt = np.zeros((8, 8))
        for x, height, intensity in points.tolist():
            rebuilt[7 - int(height), int(x)] += intensity
        assert np.array_equal(rebuilt, image)
    assert len(X) == 1797
    assert y.dtype == np.int64
    assert np.array_equal(y, digits.target)


def test_digit_points_are_inked_and_in_reading_order():
    X, _ = families.load_digit_points()
    assert X.tokens.dtype == np.float64
    assert X.tokens[:, 2].min() == 1
    assert X.tokens[:, 2].max() == 16
    for points in X:
        places = [(-height, x) for x, height, _ in points.tolist()]
        assert places == sorted(places)


def test_no_two_digits_have_equal_normalised_multisets():
    X, _ = families.load_digit_points()
    assert len({normalised_multiset(Z) for Z in X}) == 1797
