"""Sequences of few classes of tokens, and their frequencies in exact arithmetic."""

from fractions import Fraction

import numpy as np
from hypothesis import strategies as st

SEQUENCES = st.lists(st.lists(st.integers(0, 4), min_size=1, max_size=6), min_size=1, max_size=9)


def flat(sequences):
    """All tokens one after another, and offsets."""
    return np.concatenate(sequences).astype(np.int64), np.concatenate([[0], np.cumsum([len(s) for s in sequences])])


def frequencies(sequence):
    """The distinct tokens with the share of each, equal for equal multisets up to repetition."""
    return frozenset((t, Fraction(sequence.count(t), len(sequence))) for t in sequence)
