"""Which kernels, dilations and biases are sampled."""

import numpy as np
import pytest
from cases.heads import KERNELS, parsed, series, sums_of

from sklearn_hardmax import RaggedSequences
from sklearn_hardmax.constructions.heads.pooled import PPV
from sklearn_hardmax.constructions.heads.series_sampling import sample_series_heads


def test_there_are_84_kernels_and_one_channel_uses_all_of_them():
    assert len(KERNELS) == 84
    X = series(40, lengths=(30, 100))
    found = parsed(sample_series_heads(X, 2000, np.random.RandomState(0)))
    for dilation in {h[2] for h in found}:
        plain = {h[1] for h in found if h[2] == dilation and h[0] == "ppv"}
        assert plain == set(range(84)) or dilation == max(h[2] for h in found)  # the last is cut at n_heads
    tilts = [abs(h[4]) for h in found if h[0] == "max"]
    assert max(tilts) <= 64 < 4 * max(tilts)


@pytest.mark.parametrize("length", [1, 8, 9, 17, 100, 1000])
@pytest.mark.parametrize("token_dim", [1, 3])
def test_windows_span_the_median_length_at_most_or_have_dilation_one(length, token_dim):
    """The median of lengths 1, n, n, n, 50 n is n."""
    X = RaggedSequences.from_list(
        [np.random.default_rng(n).normal(size=(n, token_dim)) for n in (1, length, length, length, 50 * length)]
    )
    dilations = {h[2] for h in parsed(sample_series_heads(X, 500, np.random.RandomState(0)))}
    assert min(dilations) == 1
    assert max(dilations) == max(1, (length - 1) // 8)
    assert len(dilations) <= 12


def test_biases_split_the_training_tokens_near_their_quantiles():
    """Of the 1,024 tokens that biases are taken from no bias leaves less than a share of 0.05 on one side."""
    X = RaggedSequences(np.random.default_rng(0).normal(size=(1000, 1)), np.arange(0, 1001, 50))
    heads = sample_series_heads(X, 500, np.random.RandomState(0))
    shares = sums_of(heads, X)[:, heads.kinds == PPV].sum(axis=0) / 1000
    assert 0.045 <= shares.min() < 0.1
    assert 0.9 < shares.max() <= 0.955
    assert abs(np.median(shares) - 0.5) < 0.05
