"""Data at the resolution of float64: near-equal tokens, large offsets."""

import math
from fractions import Fraction

import numpy as np
import pytest

from sklearn_hardmax import datasets as families


@pytest.mark.parametrize("gap", [2.0**-51, 1e-9, 1 / 64])
def test_near_equal_sequences_differ_in_the_first_token_by_multiples_of_the_gap(gap):
    X, _ = families.make_near_equal_tokens(64, length=4, gap=gap, random_state=0)
    for seed in range(10):
        assert np.abs(families.make_near_equal_tokens(64, gap=gap, random_state=seed)[0].tokens).max() <= 1
    assert X.lengths.tolist() == [4] * 64
    first = [[Fraction(x) for x in Z[0].tolist()] for Z in X]
    for j in range(1, 64):
        assert np.array_equal(X[j][1:], X[0][1:])
        for feature in range(2):
            step = first[j][feature] - first[0][feature]
            assert abs(step - j * Fraction(gap)) <= Fraction(1, 2**52)
    assert len(set(map(tuple, first))) == 64


@pytest.mark.parametrize(
    ("offset", "gap_ulp"), [(1e8, 4096), (-1e8, 4096), (1e8, 1), (2.0**27, 3), (-1.5, 7), (1e300, 10)]
)
def test_large_offsets_are_exact_lattice_points(offset, gap_ulp):
    X, _ = families.make_large_offsets(50, token_dim=3, offset=offset, gap_ulp=gap_ulp, random_state=0)
    spacing = gap_ulp * (Fraction(math.ulp(offset)))
    for feature in X.tokens.T.tolist():
        steps = sorted((abs(Fraction(offset)) - abs(Fraction(x))) / spacing for x in feature)
        assert steps == list(range(X.n_tokens))
        assert all(math.copysign(1, x) == math.copysign(1, offset) for x in feature)


def test_the_lattice_may_reach_half_way_to_the_origin_and_no_further():
    parameters = {"n_sequences": 4, "max_length": 1, "offset": 1.0, "random_state": 0}
    X, _ = families.make_large_offsets(gap_ulp=2**49, **parameters)  # 4 points of spacing 2**-3
    assert sorted(X.tokens[:, 0].tolist()) == [0.625, 0.75, 0.875, 1.0]
    with pytest.raises(ValueError, match="at least twice the extent of 4 lattice points"):
        families.make_large_offsets(gap_ulp=2**49 + 1, **parameters)
