"""Bumps stand on single classes of tokens, and their means over a sequence are weighted frequencies."""

import math
from fractions import Fraction

import numpy as np
import pytest
from cases.classification import build
from hypothesis import given
from hypothesis import strategies as st

from sklearn_hardmax import RaggedSequences
from sklearn_hardmax.constructions.codes.bump_placement import bump_limits, place_bumps, smallest_gap, token_line

GRID = 2.0**-52  # of numbers in [1, 2)
# places on the grid, whose distances are around the four steps at which a class ends, or far larger
PLACES = st.lists(st.sampled_from([1, 3, 4, 5, 8, 13, 2**40]), min_size=1, max_size=8).map(
    lambda steps: [*np.cumsum(steps)]
)
SEQUENCES = PLACES.flatmap(
    lambda k: st.lists(st.lists(st.sampled_from(k), min_size=1, max_size=5), min_size=2, max_size=6)
)


def line_of(sequences):
    """The TokenLine of sequences of numbers 1 + k GRID."""
    return token_line(1 + np.concatenate(sequences) * GRID)


def bump(s, center, width, height):
    """a within delta of the centre, 0 beyond (1 + a) delta, straight between."""
    return min(max(1 + height - abs(s - center) / width, Fraction(0)), height)


@given(PLACES.flatmap(lambda k: st.permutations(k + k[:2])))
def test_numbers_less_than_four_steps_of_the_grid_from_the_next_are_one_class(steps):
    line = token_line(1 + np.array(steps) * GRID)
    classes = []
    for k in sorted(steps):
        if classes and k - classes[-1][-1] < 4:
            classes[-1].append(k)
        else:
            classes.append([k])
    assert ((line.low - 1) / GRID).tolist() == [k[0] for k in classes]
    assert ((line.high - 1) / GRID).tolist() == [k[-1] for k in classes]
    assert all(k in classes[c] for k, c in zip(steps, line.classes.tolist()))


@given(SEQUENCES, st.data())
def test_the_mean_of_a_bump_over_a_sequence_is_its_height_times_the_frequency_of_its_class(sequences, data):
    """In exact arithmetic, for any classes that leave room and any heights up to their limits."""
    line = line_of(sequences)
    limits = bump_limits(line)
    with_room = np.flatnonzero(limits)
    tokens = np.array(
        sorted(data.draw(st.sets(st.sampled_from(with_room.tolist())))) if len(with_room) else [], dtype=int
    )
    heights = np.array([data.draw(st.integers(1, int(limits[k]))) for k in tokens], dtype=np.int64)
    bumps = place_bumps(line, tokens, heights)
    rows = [[Fraction(number) for number in row] for row in zip(*(part.tolist() for part in bumps[:3]))]
    classes = [int(np.searchsorted(line.low, center, side="right")) - 1 for center in bumps.centers]
    assert classes == tokens.tolist()
    for sequence in sequences:
        numbers = [1 + Fraction(int(k), 2**52) for k in sequence]
        found = [sum(bump(s, *row) for s in numbers) / len(numbers) for row in rows]
        inside = [sum(line.low[c] <= float(s) <= line.high[c] for s in numbers) for c in classes]
        assert found == [row[2] * Fraction(n, len(numbers)) for row, n in zip(rows, inside)]
    assert bumps.heights.tolist() == heights.tolist()
    assert {math.frexp(number)[0] for number in [*bumps.widths, bumps.unit]} == {0.5}
    assert bumps.unit * bumps.heights.max(initial=1.0) <= 0.5
    assert bumps.widths.min(initial=1.0) >= GRID


@pytest.mark.parametrize(
    ("sequences", "center", "width"),
    [
        ([[0], [4]], 0, 1),  # a gap of 4
        ([[0, 3], [11, 14]], 1, 2),  # a gap of 8; 1 is the middle of 0 and 3, rounded down, and 2 reaches to 3
    ],
)
def test_the_narrowest_bump_needs_a_gap_of_four_times_its_width(sequences, center, width):
    """In steps of the grid: half of the gap is (1 + a) delta with a = 1."""
    line = line_of(sequences)
    assert bump_limits(line).tolist() == [1, 1]
    bumps = place_bumps(line, np.array([0]), np.array([1]))
    assert (bumps.centers.tolist(), bumps.widths.tolist()) == ([1 + center * GRID], [width * GRID])
    assert (bumps.heights.tolist(), bumps.unit) == ([1.0], 0.5)


def test_classes_may_leave_no_room_for_a_bump():
    """A bump over 3 steps is flat within 2 of its centre on the grid, and ends 4 away at least; half of the gap is 2."""
    assert bump_limits(line_of([[0, 3], [7, 10]])).tolist() == [0, 0]


def test_the_smallest_gap_is_between_neighbouring_classes():
    """Between 3 and 10 there are 7 steps, between 0 and 3 none that counts."""
    assert smallest_gap(line_of([[0, 3, 10], [30]])) == 7 * GRID
    assert smallest_gap(line_of([[0, 3]])) == np.inf


def test_sequences_that_no_bump_tells_apart_are_one_close_conflict():
    # the tokens 0 and 2^-60 are one place on every line, so that both sequences are one multiset
    ends = [[-1.0, 1.0], [1.0, -1.0]]
    X = RaggedSequences.from_list([[*ends, [0.0, 0.0]], [*ends, [2.0**-60, 0.0]]])
    built, (conflict,) = build(X, [1, 0])
    assert (conflict.kind, conflict.indices.tolist()) == ("close", [0, 1])
    assert built.labels_of(built.codes(X)).tolist() == [0, 0]
