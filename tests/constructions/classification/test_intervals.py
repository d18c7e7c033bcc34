"""With class weights an interval belongs to the class whose weighted distance is smallest."""

from fractions import Fraction

import numpy as np
import pytest
from cases.classification import build, check_network, digits_of, swept_codes
from cases.families import family
from hypothesis import example, given
from hypothesis import strategies as st

from sklearn_hardmax.constructions.classification.intervals import LabelRuns, weighted_intervals
from sklearn_hardmax.constructions.codes.sequence_code import SAFE_GAP


@pytest.mark.parametrize("weights", [(1, 5), (5, 1), (1e6, 1), (1, 2, 3), (7, 0.01, 2)])
def test_with_class_weights_training_labels_stay_exact_and_both_paths_agree(weights):
    n_classes = len(weights)
    X, y = family("labelled_sequences", 60, n_classes=n_classes)
    built, _ = build(X, y, weights=weights)
    assert np.array_equal(built.labels_of(built.codes(X)), y)
    check_network(built, X, y)
    codes = swept_codes(built)
    assert np.array_equal(built.decode(digits_of(built, codes, 4)), built.labels_of(codes))


@pytest.mark.parametrize("weights", [(1, 5), (1, 2, 3), (7, 0.01, 2), (1, 1, 4)])
def test_a_weighted_interval_belongs_to_the_class_whose_weighted_distance_is_smallest(weights):
    X, y = family("labelled_sequences", 40, n_classes=len(weights))
    built, _ = build(X, y, weights=weights)
    codes = np.linspace(1, 2, 2001)
    distances = np.sort(built.distances(codes), axis=1)
    clear = distances[:, 1] - distances[:, 0] > 1e-9 / min(weights)
    assert clear.mean() > 0.9
    assert np.array_equal(np.argmin(built.distances(codes), axis=1)[clear], built.labels_of(codes)[clear])


@given(
    st.lists(st.tuples(st.integers(1, 60), st.integers(0, 2)), min_size=2, max_size=12, unique_by=lambda pair: pair[0]),
    st.lists(st.sampled_from([0.5, 1.0, 2.0, 3.25]), min_size=3, max_size=3),
)
# the run of class 0 from 30 to 54 is nearer than class 1 at 60, of twice its weight, for every code below it
@example([(10, 0), (12, 0), (14, 0), (16, 0), (18, 0), (20, 1)], [1.0, 2.0, 1.0])
def test_near_codes_too_belong_to_the_class_of_the_smallest_weighted_distance(pairs, weights):
    """In steps of SAFE_GAP, exactly, but for two steps beside a boundary; codes 3 apart make wide runs."""
    places, labels = np.array(sorted(pairs)).T
    runs = LabelRuns.from_codes(1 + 3 * places * SAFE_GAP, labels, clearance=8 * SAFE_GAP)
    boundaries, classes = weighted_intervals(runs, np.array(weights), SAFE_GAP, coarse=False)
    ends = [(round((low - 1) / SAFE_GAP), round((high - 1) / SAFE_GAP)) for low, high in zip(runs.low, runs.high)]

    def nearest(k):
        distances = {}
        for (low, high), label in zip(ends, runs.labels.tolist()):
            distance = Fraction(max(low - k, k - high, 0)) / Fraction(weights[label])
            distances[label] = min(distance, distances.get(label, distance))
        return {label for label, distance in distances.items() if distance == min(distances.values())}

    for k in range(200):
        found = classes[np.searchsorted(boundaries, 1 + k * SAFE_GAP)]
        assert any(found in nearest(other) for other in range(k - 2, k + 3))
