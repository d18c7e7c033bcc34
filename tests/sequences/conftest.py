"""Fixtures of this room."""

import numpy as np
import pytest

from sklearn_hardmax import RaggedSequences


@pytest.fixture
def X():
    """Four sequences of 3, 1, 2 and 4 tokens with the numbers 0 to 19 in order."""
    return RaggedSequences(np.arange(20.0).reshape(10, 2), [0, 3, 4, 6, 10])
