"""Sequences of one support that differ in their frequencies."""

import numpy as np
import pytest
from cases.datasets import frequencies_of, normalised_multiset

from sklearn_hardmax import datasets as families


@pytest.mark.parametrize("support_size", [2, 3, 5])
@pytest.mark.parametrize("n_sequences", [1, 4, 60])
def test_frequencies_have_one_support(support_size, n_sequences):
    X, _ = families.make_frequencies(n_sequences, support_size=support_size, random_state=0)
    supports = {frozenset(map(tuple, Z.tolist())) for Z in X}
    assert len(supports) == 1
    assert len(supports.pop()) == support_size
    assert len({normalised_multiset(Z) for Z in X}) == n_sequences


@pytest.mark.parametrize("support_size", [2, 3])
@pytest.mark.parametrize("n_sequences", [1, 2, 3, 4, 5, 6, 11])
def test_frequencies_need_no_shorter_sequences(support_size, n_sequences):
    X, _ = families.make_frequencies(n_sequences, support_size=support_size, random_state=0)
    longest = support_size
    while len(frequencies_of(support_size, support_size, longest, least=1)) < n_sequences:
        longest += 1
    assert X.lengths.max() <= longest


def test_frequencies_of_many_tokens_stay_short():
    # 20 tokens in 20, 21 and 22 places, each at least once: 1, 20 and 210 ways
    X, _ = families.make_frequencies(30, support_size=20, random_state=0)
    assert set(X.lengths.tolist()) <= {20, 21, 22}
    assert all(len(np.unique(Z, axis=0)) == 20 for Z in X)
    assert len({normalised_multiset(Z) for Z in X}) == 30
