"""Bumps stand on single classes of tokens, and their means over a sequence are weighted frequencies."""

import math
from fractions import Fraction

import numpy as np
import pytest
from cases.classification import build
from hypothesis import given
from hypothesis import strategies as st

from sklearn_hardmax import RaggedSequences
from sklearn_hardmax.constructions.codes.bump_placement import place_bumps, token_line
from sklearn_hardmax.constructions.codes.multisets import group_equal_multisets, multisets_from_tokens

GRID = 2.0**-52  # of numbers in [1, 2)
# places on the grid, whose distances are around the four steps at which a class ends, or far larger
PLACES = st.lists(st.sampled_from([1, 3, 4, 5, 8, 13, 2**40]), min_size=1, max_size=8).map(
    lambda steps: [*np.cumsum(steps)]
)
SEQUENCES = PLACES.flatmap(
    lambda k: st.lists(st.lists(st.sampled_from(k), min_size=1, max_size=5), min_size=2, max_size=6)
)


def placed(sequences, labels):
    """Bumps, conflicts and the line for sequences of numbers 1 + k GRID; labels, one per group of equal multisets."""
    line = token_line(1 + np.concatenate(sequences) * GRID)
    multisets = multisets_from_tokens(line.classes, np.cumsum([0, *map(len, sequences)]))
    groups = group_equal_multisets(multisets, range(len(sequences)))
    of_sequences = np.zeros(len(sequences), dtype=np.int64)
    for group, label in zip(groups, labels):
        of_sequences[group] = label
    return *place_bumps(line, multisets, groups, of_sequences), line, of_sequences


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


@given(SEQUENCES, st.lists(st.integers(0, 3), min_size=6, max_size=6))
def test_the_mean_of_a_bump_over_a_sequence_is_its_height_times_the_frequency_of_its_class(sequences, labels):
    """In exact arithmetic, and so its sum over all bumps tells labels apart unless a conflict is named."""
    bumps, conflicts, line, labels = placed(sequences, labels)
    rows = [[Fraction(number) for number in row] for row in zip(*(part.tolist() for part in bumps[:3]))]
    classes = [int(np.searchsorted(line.low, center, side="right")) - 1 for center in bumps.centers]
    assert len(set(classes)) == len(classes)
    sums = []
    for sequence in sequences:
        numbers = [1 + Fraction(int(k), 2**52) for k in sequence]
        found = [sum(bump(s, *row) for s in numbers) / len(numbers) for row in rows]
        inside = [sum(line.low[c] <= float(s) <= line.high[c] for s in numbers) for c in classes]
        assert found == [row[2] * Fraction(n, len(numbers)) for row, n in zip(rows, inside)]
        sums.append(sum(found))
    assert {math.frexp(number)[0] for number in [*bumps.widths, bumps.unit]} == {0.5}
    assert bumps.unit * bumps.heights.max(initial=1.0) <= 0.5
    assert bumps.widths.min(initial=1.0) >= GRID
    if not conflicts:
        assert len({(total, label) for total, label in zip(sums, labels.tolist())}) == len(set(sums))


@pytest.mark.parametrize(
    ("sequences", "center", "width"),
    [
        ([[0], [4]], 0, 1),  # a gap of 4
        ([[0, 3], [11, 14]], 1, 2),  # a gap of 8; 1 is the middle of 0 and 3, rounded down, and 2 reaches to 3
    ],
)
def test_the_narrowest_bump_needs_a_gap_of_four_times_its_width(sequences, center, width):
    """In steps of the grid: half of the gap is (1 + a) delta with a = 1."""
    bumps, conflicts, _, _ = placed(sequences, [0, 1])
    assert (bumps.centers.tolist(), bumps.widths.tolist()) == ([1 + center * GRID], [width * GRID])
    assert (bumps.heights.tolist(), bumps.unit, conflicts) == ([1.0], 0.5, [])


def test_classes_that_leave_no_room_for_a_bump_are_a_close_conflict():
    """A bump over 3 steps is flat within 2 of its centre on the grid, and ends 4 away at least; half of the gap is 2."""
    bumps, (conflict,), _, _ = placed([[0, 3], [7, 10], [0, 0, 3, 3]], [0, 1])
    assert (conflict.kind, conflict.indices.tolist()) == ("close", [0, 1, 2])
    assert len(bumps.heights) == 0


def test_sequences_that_no_bump_tells_apart_are_one_close_conflict():
    # the tokens 0 and 2^-60 are one place on every line, so that both sequences are one multiset
    ends = [[-1.0, 1.0], [1.0, -1.0]]
    X = RaggedSequences.from_list([[*ends, [0.0, 0.0]], [*ends, [2.0**-60, 0.0]]])
    built, (conflict,) = build(X, [1, 0])
    assert (conflict.kind, conflict.indices.tolist()) == ("close", [0, 1])
    assert built.labels_of(built.codes(X)).tolist() == [0, 0]
