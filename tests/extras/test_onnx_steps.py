"""What is particular to the layers in ONNX, which has no frexp; test_export.py has what they share with torch."""

import numpy as np
import pytest
from cases.export import onnx_session
from cases.pairwise import exact_sets, same

from sklearn_hardmax import Transformer
from sklearn_hardmax.export import to_onnx


@pytest.mark.parametrize("exponent", range(4, 26, 3))
@pytest.mark.parametrize("above", [0, 3])
def test_integers_around_a_power_of_two_tie_as_in_exact_arithmetic(exponent, above):
    """There floor(log2) may be one off: either power of two is exact, where any other factor would round scores of integers.

    For the query (3, 1) the key (3, 1) scores 10, and all others score n.
    """
    n = float(2**exponent - 2**exponent % 3 + above)
    tokens = np.array([[3.0, 1.0], [n / 3, 0.0], [0.0, n], [n / 3 - 1, 3.0], [n / 3 + 1, -3.0]])
    sets = exact_sets(same(2), tokens)
    assert sets[0] == [1, 2, 3, 4]
    expected = [tokens[members].mean(axis=0) for members in sets]
    (means,) = onnx_session(to_onnx(Transformer([same(2)]))).run(None, {"tokens": tokens})
    np.testing.assert_allclose(means, expected, rtol=1e-14, atol=1e-14 * n)
