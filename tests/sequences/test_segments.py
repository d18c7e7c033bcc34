"""Per-sequence reductions over concatenated tokens equal those of a loop."""

import numpy as np
from cases.temperatures import soft_mean
from effort import examples
from hypothesis import given
from hypothesis import strategies as st

from sklearn_hardmax.sequences.segments import Segments, chunks


def test_chunks_hold_whole_sequences_and_cover_all():
    offsets = np.array([0, 3, 4, 14, 15, 16])
    assert chunks(offsets, 4) == [(0, 2), (2, 3), (3, 5)]
    assert chunks(offsets, 100) == [(0, 5)]


@given(st.lists(st.lists(st.floats(-3, 3), min_size=1, max_size=6), min_size=1, max_size=4), st.floats(0.1, 5))
@examples(50)
def test_soft_means_of_segments_are_those_of_the_definition(sequences, temperature):
    values = np.concatenate([np.array(s) for s in sequences])
    segments = Segments.from_offsets(np.cumsum([0, *map(len, sequences)]))
    found = segments.soft_means(values, values, temperature)
    np.testing.assert_allclose(found, [soft_mean(s, temperature) for s in sequences], rtol=0, atol=1e-14)


def test_at_a_small_temperature_a_soft_mean_is_the_leader_bit_for_bit():
    values = np.array([0.1, 0.7, 0.7, 0.3, 0.1, 0.2])
    segments = Segments.from_offsets(np.array([0, 4, 6]))
    assert segments.soft_means(values, values, 1e-3).tolist() == [0.7, 0.2]
