"""Data sets of sequences: synthetic families that are hard to classify, tasks for attention, digits of scikit-learn."""

from sklearn_hardmax.datasets.digits import load_digit_points
from sklearn_hardmax.datasets.families import (
    make_frequencies,
    make_labelled_sequences,
    make_leave_one_out,
    make_nested_prefixes,
    make_shared_tokens,
    make_swaps,
)
from sklearn_hardmax.datasets.planted import make_match, make_sparse_averaging
from sklearn_hardmax.datasets.resolution import make_large_offsets, make_near_equal_tokens

__all__ = [
    "load_digit_points",
    "make_frequencies",
    "make_labelled_sequences",
    "make_large_offsets",
    "make_leave_one_out",
    "make_match",
    "make_near_equal_tokens",
    "make_nested_prefixes",
    "make_shared_tokens",
    "make_sparse_averaging",
    "make_swaps",
]
