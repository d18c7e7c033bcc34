"""Real data that scikit-learn ships, as sequences."""

import numpy as np
from sklearn.datasets import load_digits

from sklearn_hardmax.sequences import RaggedSequences


def load_digit_points():
    """Handwritten digits as sets of ink points: the 1797 images of scikit-learn's `load_digits`.

    Every pixel with ink becomes one token (x, y, intensity), x the column 0..7, y the row counted upwards 0..7 and
    intensity 1..16, in the order of reading: rows from the top, columns from the left.

    Returns
    -------
    X : RaggedSequences
        1797 sequences of 16 to 42 tokens, token_dim 3.
    y : ndarray of shape (1797,), int64
        The digits.

    Notes
    -----
    Hard because most digits share most of their pixels: the class lies in which points occur together, and
    neither in the number of points nor in any single one of them. No two images are equal.

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
    tokens = np.column_stack([column, 7 - row, digits.images[image, row, column]])
    return RaggedSequences.from_flat(tokens, groups=image), digits.target.astype(np.int64)
