import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_hardmax.encoding import TokenScale, ranges, relative_positions, sinusoidal_positions, windows

FLOATS = st.floats(-1e300, 1e300, allow_subnormal=True)


def encoded(scale, tokens):
    return scale.columns(np.asarray(tokens, dtype=float), np.empty((len(scale.center), len(tokens)))).T


@given(st.lists(FLOATS, min_size=1, max_size=20))
def test_training_tokens_fill_the_interval_from_minus_one_to_one(values):
    tokens = np.array(values)[:, None]
    out = encoded(TokenScale.fit(tokens), tokens)
    assert (np.abs(out) <= 1).all()
    if np.ptp(tokens / 2) > 1e-290:
        assert np.abs(out).max() >= 0.5


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=10), st.integers(-900, 900))
def test_scaling_by_a_power_of_two_changes_no_bit(values, exponent):
    tokens = np.array(values)[:, None]
    moved = np.ldexp(tokens, exponent)
    moduli = np.abs(np.concatenate([tokens, moved]))
    if ((moduli > 0) & (moduli < 1e-300)).any():
        return  # near the smallest numbers of float64 digits are lost before we see them, or by halving
    assert np.array_equal(encoded(TokenScale.fit(tokens), tokens), encoded(TokenScale.fit(moved), moved))


@pytest.mark.parametrize("n_tokens", [1, 700, 40_000])  # more than one block
def test_ranges_are_the_smallest_and_the_largest_values(n_tokens):
    tokens = np.random.default_rng(0).normal(size=(n_tokens, 2)).astype(np.float32)
    low, high = ranges(tokens)
    assert np.array_equal(low, tokens.min(axis=0))
    assert np.array_equal(high, tokens.max(axis=0))
    assert low.dtype == high.dtype == np.float64


@given(st.lists(FLOATS, min_size=2, max_size=20))
def test_encoding_keeps_the_order_of_a_feature(values):
    tokens = np.sort(np.array(values))[:, None]
    assert (np.diff(encoded(TokenScale.fit(tokens), tokens)[:, 0]) >= 0).all()


@given(st.lists(st.integers(-(2**40), 2**40), min_size=2, max_size=10))
def test_the_shift_is_exact_where_offset_and_range_fit_into_53_bits(values):
    tokens = np.array(values, dtype=float)[:, None] + 2.0**50
    scale = TokenScale.fit(tokens)
    out = encoded(scale, tokens)
    shift, power = Fraction(float(scale.center[0])), Fraction(2) ** -int(scale.exponent[0])
    assert all(Fraction(o) == (Fraction(t) - shift) * power for o, t in zip(out[:, 0].tolist(), tokens[:, 0].tolist()))


def test_unseen_tokens_end_at_a_million_half_ranges_and_never_overflow():
    scale = TokenScale.fit(np.array([[1e-200], [2e-200]]))
    assert encoded(scale, [[1.7e308], [-1.7e308], [1.5e-200]])[:, 0].tolist() == [2.0**20, -(2.0**20), 0.0]
    scale = TokenScale.fit(np.array([[1e308], [1.5e308]]))
    assert np.isfinite(encoded(scale, [[-1.7e308], [1e-300]])).all()


def test_a_constant_feature_is_scaled_by_its_own_size():
    scale = TokenScale.fit(np.full((3, 2), [[8.0, 0.0]]))
    assert encoded(scale, [[8.0, 0.0], [12.0, 0.5]]).tolist() == [[0.0, 0.0], [0.25, 0.5]]  # 8 lies in [2^3, 2^4)


def test_float32_tokens_are_encoded_as_the_numbers_that_they_are():
    tokens = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    assert np.array_equal(
        encoded(TokenScale.fit(tokens), tokens), encoded(TokenScale.fit(tokens.astype(float)), tokens.astype(float))
    )
    scale = TokenScale.fit(tokens)
    out = np.empty((3, 20))
    assert np.array_equal(scale.columns(tokens, out), scale.columns(tokens.astype(float), np.empty((3, 20))))


def test_blocks_do_not_show_in_the_scale_and_the_columns(monkeypatch):
    tokens = np.random.default_rng(1).normal(size=(1000, 2))
    whole = TokenScale.fit(tokens)
    out = encoded(whole, tokens)
    monkeypatch.setattr("sklearn_hardmax.encoding._BLOCK_TOKENS", 7)
    parts = TokenScale.fit(tokens)
    assert np.array_equal(whole.center, parts.center)
    assert np.array_equal(whole.exponent, parts.exponent)
    assert np.array_equal(encoded(parts, tokens), out)


def test_relative_positions_run_from_zero_to_one():
    offsets = np.array([5, 6, 8, 13])
    assert relative_positions(offsets).tolist() == [0.0, 0.0, 1.0, 0.0, 0.25, 0.5, 0.75, 1.0]


def test_sinusoids_have_the_published_wavelengths():
    """Vaswani et al. 2017, section 3.5: PE(i, 2k) = sin(i / 10000^(2k / d)), PE(i, 2k + 1) = cos."""
    out = sinusoidal_positions(np.array([0, 4]), 6)
    for i in range(4):
        for k in range(3):
            angle = i / 10000 ** (2 * k / 6)
            assert out[i, 2 * k] == pytest.approx(np.sin(angle), rel=1e-14, abs=1e-15)
            assert out[i, 2 * k + 1] == pytest.approx(np.cos(angle), rel=1e-14)


@given(st.lists(st.integers(1, 6), min_size=1, max_size=4), st.integers(1, 5), st.integers(1, 3), st.integers(1, 2))
def test_a_window_holds_the_neighbours_and_zeros_beyond_the_ends(lengths, window, dilation, token_dim):
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    tokens = np.arange(1.0, offsets[-1] * token_dim + 1).reshape(-1, token_dim)
    out = windows(tokens, offsets, window, dilation)
    for start, stop in itertools.pairwise(offsets):
        for i in range(start, stop):
            expected = []
            for k in range(window):
                at = i + (k - (window - 1) // 2) * dilation
                expected.extend(tokens[at] if start <= at < stop else np.zeros(token_dim))
            assert out[i].tolist() == expected
