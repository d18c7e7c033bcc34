"""Families of labelled sequences, by the names of their makers."""

from sklearn_hardmax import datasets

FAMILIES = (
    "labelled_sequences", "shared_tokens", "nested_prefixes", "leave_one_out", "swaps", "frequencies", "near_equal_tokens",
    "large_offsets",
)  # fmt: skip


def family(name, n=40, seed=0, **options):
    """Sequences and labels."""
    return getattr(datasets, f"make_{name}")(n, random_state=seed, **options)
