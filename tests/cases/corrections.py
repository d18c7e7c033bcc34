"""Families of sequences by the names of their makers, and the grid of codes."""

from sklearn_hardmax import datasets

GRID = 2.0**-52


ALL = [f"make_{name}" for name in (
    "labelled_sequences", "shared_tokens", "nested_prefixes", "leave_one_out", "swaps", "frequencies", "near_equal_tokens",
    "large_offsets",
)]  # fmt: skip


def family(name, n=40, **options):
    return getattr(datasets, name)(n, random_state=0, **options)
