"""The digits data set of scikit-learn as sequences of points."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_digits

from sklearn_hardmax._typing import IntArray
from sklearn_hardmax.sequences import RaggedSequences


def load_digit_points() -> tuple[RaggedSequences, IntArray]:
    """Load handwritten digits as sets of ink points: the 1797 images of scikit-learn's `load_digits`.

    Every pixel with ink becomes one token (x, y, intensity): x is the column 0..7, y the row counted upwards 0..7 and
    intensity 1..16. Tokens are ordered by rows from the top, then by columns from the left.

    Returns
    -------
    X : RaggedSequences
        1797 sequences of 16 to 42 tokens, token_dim 3, float64.
    y : ndarray of shape (1797,), int64
        The digits.

    Notes
    -----
    Hard because most digits share most of their pixels: the class depends on which points occur together, neither on the
    number of points nor on any single point. No two images are equal.

    Examples
    --------
    >>> from sklearn_hardmax.datasets import load_digit_points
    >>> X, y = load_digit_points()
    >>> X
    RaggedSequences(1797 sequences of 16 to 42 tokens, token_dim=3, float64)
    >>> X[0][0], int(y[0])
    (array([2., 7., 5.]), 0)
    """
    digits = load_digits()
    image, row, column = np.nonzero(digits.images)
    # row 0 is the top of an image, y counts upwards
    tokens = np.column_stack([column, 7 - row, digits.images[image, row, column]])
    return RaggedSequences.from_flat(tokens, groups=image), digits.target.astype(np.int64)
