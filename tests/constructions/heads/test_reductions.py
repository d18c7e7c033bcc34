"""Integer reductions equal sums and comparisons of a loop, at the ends of their integers too."""

import numpy as np
import pytest
from cases.heads import ALL_KINDS, drawn, extreme, series
from effort import examples
from hypothesis import given
from hypothesis import strategies as st

from sklearn_hardmax.constructions.heads.reductions import (
    HEAD_CHUNK_TOKENS,
    chunks_by_length,
    maxima_over_rows,
    sums_over_rows,
)


@examples(50)
@given(st.data())
def test_rows_are_summed_and_compared_as_integers_of_any_size(data):
    dtype = data.draw(st.sampled_from([np.uint8, np.int16, np.int32]))
    shape = data.draw(st.tuples(st.integers(1, 2), st.integers(1, 600), st.integers(1, 9)))
    ends = np.iinfo(dtype)
    largest = data.draw(st.one_of(st.integers(1, int(ends.max)), st.sampled_from([1, 2, int(ends.max)])))
    low = 0 if ends.min == 0 else -largest
    kind = data.draw(st.sampled_from(["all largest", "all smallest", "any"]))
    values = np.random.default_rng(data.draw(st.integers(0, 2**32))).integers(low, largest, shape, endpoint=True)
    if kind != "any":
        values[:] = largest if kind == "all largest" else low
    out = np.full((shape[0], shape[2]), np.nan)
    sums_over_rows(values.astype(dtype), largest, out)
    assert np.array_equal(out, values.sum(axis=1))
    maxima_over_rows(values.astype(dtype), out)
    assert np.array_equal(out, values.max(axis=1))


@pytest.mark.parametrize("width", [1, 2, 200, 2000])
@pytest.mark.parametrize("length", [1, 2, 127, 128, 255, 256, 257, 511, 512, 2500, 5000])
def test_sums_of_ones_are_counts_at_the_ends_of_eight_bits(length, width):
    out = np.empty((1, width))
    sums_over_rows(np.ones((1, length, width), np.uint8), 1, out)
    assert (out == length).all()


@pytest.mark.parametrize("width", [1, 2, 7])
@pytest.mark.parametrize("length", [255, 256, 636, 1023, 1276, 5000, 70_000])
def test_long_spans_are_summed_exactly_at_the_ends_of_their_integers(length, width):
    """uint8 holds 255 ones, int32 holds 127 numbers 2^24: so many rows a span, fewer behind the last, one at 636, 1276."""
    out = np.empty((2, width))
    sums_over_rows(np.ones((2, length, width), np.uint8), 1, out)
    assert (out == length).all()
    rng = np.random.default_rng(length)
    for values in ([2**24], [-(2**24)], [-(2**24), 2**24 - 1, 2**24]):
        values = rng.choice(np.array(values, dtype=np.int32), (2, length, width))
        sums_over_rows(values, 2**24, out)
        assert np.array_equal(out, values.sum(axis=1, dtype=np.int64))


@ALL_KINDS
def test_sums_stay_within_their_bound_for_any_token(kind):
    heads = drawn(kind, series(30, 2), 200)
    for X in (series(20, 2, seed=1), series(3, 2, lengths=(3000, 4000)), extreme(30, 2)):
        for chunk, sums in heads.sums(X):
            assert np.abs(sums).max() <= heads.largest_sum(chunk) < 2**53


@examples(60)
@given(
    st.lists(st.one_of(st.integers(1, 60), st.sampled_from([1, 5000, 32768, 100_000])), min_size=1, max_size=100),
    st.integers(1, 400),
)
def test_chunks_hold_every_sequence_once_in_bounded_size(lengths, most):
    lengths = np.array(lengths)
    chunks = list(chunks_by_length(lengths, most))
    assert sorted(np.concatenate([chunk.indices for chunk in chunks]).tolist()) == list(range(len(lengths)))
    for chunk in chunks:
        assert np.array_equal(chunk.lengths, lengths[chunk.indices])
        assert chunk.n_rows == chunk.lengths.max() == chunk.lengths[0]
        n_sequences = len(chunk.indices)
        assert n_sequences == 1 or (n_sequences * chunk.n_rows <= HEAD_CHUNK_TOKENS and n_sequences <= most)
        assert chunk.is_ragged == (len(set(chunk.lengths.tolist())) > 1)


def test_tokens_stand_side_by_side_in_a_chunk():
    """Lengths 3, 1: rows t = 0, 1, 2 of the columns (sequence of 3, sequence of 1)."""
    (chunk,) = chunks_by_length(np.array([1, 3]), 10)
    assert chunk.indices.tolist() == [1, 0]
    assert chunk.is_token().tolist() == [[True, True], [True, False], [True, False]]
    assert chunk.places().tolist() == [0, 2, 4, 1]  # sequence after sequence, in the flattened rows
    assert chunk.relative_positions().tolist() == [[0.0, 0.0], [0.5, 0.0], [1.0, 0.0]]
