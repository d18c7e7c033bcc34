"""Convolutions in narrow integers do not overflow and do not depend on the batch."""

import numpy as np
import pytest
from cases.heads import KERNELS, check_bits, looped, series, sums_of, uneven

from sklearn_hardmax import RaggedSequences
from sklearn_hardmax.constructions.heads.series_sampling import sample_series_heads


@pytest.mark.parametrize("bits", [16, 32])
def test_the_largest_possible_scores_are_reached_and_do_not_overflow(bits):
    """Three taps at the upper end, six at the lower: S = 2 * 3 * 1365 + 6 * 1365 = 16380, and minus that."""
    X = series(30, lengths=(9, 10)) if bits == 16 else uneven(30)
    heads = sample_series_heads(X, 1200, np.random.RandomState(0))
    patterns = [[[1e300 if tap in kernel else -1e300] for tap in range(9)] for kernel in KERNELS]
    some = [*patterns[::14], *(np.negative(p) for p in patterns[::14])]
    # the pattern in reverse at the end, where tilts add the most that the kernel can meet
    some += [[[0.0]] * 100 + p + [[1e300]] * 3 for p in patterns[::40]]
    wanted, plain, _ = looped(heads, RaggedSequences.from_list(some))
    check_bits(heads, bits)
    assert plain == 16380
    assert np.array_equal(sums_of(heads, RaggedSequences.from_list(some)), wanted)


def test_one_token_beside_three_thousand_is_pooled_as_alone():
    rng = np.random.default_rng(0)
    X = RaggedSequences.from_list([rng.normal(size=(n, 1)) for n in (1, 3000, 1, 2, 40)])
    heads = sample_series_heads(X, 20, np.random.RandomState(0))
    assert np.array_equal(sums_of(heads, X), looped(heads, X)[0])
