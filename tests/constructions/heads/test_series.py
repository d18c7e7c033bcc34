"""Heads of series equal plain loops over their definition."""

import numpy as np
import pytest
from cases.heads import SERIES, check_bits, extreme, looped, parsed, series, sums_of

from sklearn_hardmax import RaggedSequences
from sklearn_hardmax.constructions.heads.pooled import MAX
from sklearn_hardmax.constructions.heads.series_sampling import sample_series_heads


@pytest.mark.parametrize("name", SERIES)
def test_series_heads_are_plain_loops_over_their_definition(name):
    X, bits = SERIES[name]
    heads = sample_series_heads(X, 120, np.random.RandomState(0))
    check_bits(heads, bits)
    unseen = RaggedSequences.from_list([*series(6, X.token_dim, seed=9), *extreme(6, X.token_dim, seed=9)])
    for some in (X, unseen):
        wanted, plain, tilted = looped(heads, some)
        assert np.array_equal(sums_of(heads, some), wanted)
        assert plain <= 16380
        assert tilted <= 16380 + 16320 < 2**15
    assert {(h[0] == "max") == (kind == MAX) for h, kind in zip(parsed(heads), heads.kinds)} == {True}
