"""Step functions are cut in the widest gaps between tokens of different targets."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_hardmax.constructions.common.units import distance_to_nearest_ramp
from sklearn_hardmax.constructions.interpolation.plateaus import StepFunction, widest_gaps


def test_the_line_is_cut_in_the_widest_gap_between_carriers_of_different_targets():
    # carriers at 0 (target 3), 40 (3), 80 (5), 100 (3); others at 50 and 79: the widest gap between 40 and 80 is 50 to 79
    line = np.array([100.0, 0.0, 40.0, 50.0, 79.0, 80.0])
    targets = np.array([3, 3, 3, -1, -1, 5])
    thresholds, labels = StepFunction.from_codes(line, targets)
    assert thresholds.tolist() == [64.0, 89.5]  # (50 + 79) / 2 - 1/2, (80 + 100) / 2 - 1/2
    assert labels.tolist() == [3, 5, 3]
    order = np.argsort(line)
    assert widest_gaps(np.diff(line[order]), targets[order]).tolist() == [2, 4]


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(-1, 3)), min_size=1, max_size=25))
def test_every_number_between_carriers_lies_on_the_plateau_of_one_of_them(pairs):
    points = {8.0 * x: t for x, t in pairs}
    if max(points.values()) < 0:
        return
    line, targets = np.array(list(points)), np.array(list(points.values()))
    found = StepFunction.from_codes(line, targets)
    assert (distance_to_nearest_ramp(found.thresholds, line) > 0).all()
    labels = found.target_indices[np.searchsorted(found.thresholds, line)]
    assert (labels[targets >= 0] == targets[targets >= 0]).all()
    carriers = np.sort(line[targets >= 0])
    for x, label in zip(line.tolist(), labels.tolist()):
        k = np.searchsorted(carriers, x)
        assert label in {points[carriers[max(k - 1, 0)]], points[carriers[min(k, len(carriers) - 1)]]}


def test_plateaus_that_stand_too_near_are_our_own_mistake():
    with pytest.raises(AssertionError, match="nearer than 4 units"):
        StepFunction.from_codes(np.array([8.0, 11.0]), np.array([0, 1]))
    assert StepFunction.from_codes(np.array([8.0, 12.0]), np.array([0, 1])).thresholds.tolist() == [9.5]


def test_the_distance_to_the_next_ramp_is_that_of_a_loop():
    thresholds, line = np.array([3.0, 10.0]), np.array([0.0, 3.5, 4.0, 7.0, 10.0, 12.5])
    assert distance_to_nearest_ramp(thresholds, line).tolist() == [3.0, -0.5, 0.0, 3.0, 0.0, 1.5]
    assert np.isinf(distance_to_nearest_ramp(np.zeros(0), line)).all()
