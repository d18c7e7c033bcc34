"""With class weights an interval belongs to the class whose weighted distance is smallest."""

import numpy as np
import pytest
from cases.classification import build, check_network, digits_of, swept_codes
from cases.families import family


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
