"""Corrections on chosen codes, and codes of families of sequences."""

import numpy as np

from sklearn_hardmax import datasets
from sklearn_hardmax.constructions.codes.projection import Projection
from sklearn_hardmax.constructions.codes.random_code import RandomCode
from sklearn_hardmax.encoding import TokenScale

GRID = 2.0**-52


ALL = [f"make_{name}" for name in (
    "labelled_sequences", "shared_tokens", "nested_prefixes", "leave_one_out", "swaps", "frequencies", "near_equal_tokens",
    "large_offsets",
)]  # fmt: skip


def family(name, n=40, **options):
    return getattr(datasets, name)(n, random_state=0, **options)


def random_code(X, ordered=False, seed=0):
    return RandomCode.sample(Projection(TokenScale.fit(X.tokens), ordered), np.random.RandomState(seed))
