"""Sequences that several tests of the room `sequences` use."""

import numpy as np
from effort import examples
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

LIST = [
    np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]),
    np.array([[6.0, 7.0]]),
    np.array([[8.0, 9.0], [10.0, 11.0]]),
    np.array([[12.0, 13.0], [14.0, 15.0], [16.0, 17.0], [18.0, 19.0]]),
]


def same(got, expected):
    """Whether sequences equal a list of arrays in number, shapes and values."""
    return len(got) == len(expected) and all(np.array_equal(a, b) for a, b in zip(got, expected))


@st.composite
def ragged_lists(draw, token_dim=None):
    token_dim = token_dim or draw(st.integers(1, 3))
    lengths = draw(st.lists(st.integers(1, 4), min_size=1, max_size=6))
    values = st.floats(-1e6, 1e6, width=32)
    return [draw(hnp.arrays(np.float64, (n, token_dim), elements=values)) for n in lengths]


law = examples(25)
