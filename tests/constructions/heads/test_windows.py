"""The head of a training window is a constant less nine times the squared distance of the nearest window, exactly."""

from fractions import Fraction

import numpy as np
import pytest
from cases.heads import drawn, series, sums_of

from sklearn_hardmax import HardmaxTransformerClassifier, RaggedSequences, datasets
from sklearn_hardmax.constructions.heads.windows import sample_window_heads


def nine(x, t, dilation):
    """Nine values around token t, zeros beyond the ends."""
    at = [t + (k - 4) * dilation for k in range(9)]
    return [Fraction(int(x[i])) if 0 <= i < len(x) else Fraction(0) for i in at]


def distance(one, other):
    """Squared distance of two windows less their means."""
    one, other = ([v - sum(w) / 9 for v in w] for w in (one, other))
    return sum((a - b) ** 2 for a, b in zip(one, other))


@pytest.mark.parametrize("token_dim", [1, 3])
def test_sums_are_those_of_fractions(token_dim):
    X = series(8, token_dim, lengths=(1, 40))
    heads = drawn("windows", X, 60)
    sums = sums_of(heads, X)
    z = [heads.standardisation.columns(Z) for Z in X]
    for h in range(0, 60, 7):
        g = heads.groups[h]
        feature, dilation = heads.channels[g], int(heads.dilations[g])
        owner, middle = heads.places[h]
        values = [heads.standardisation.integers(columns, feature, 1365) for columns in z]
        prototype = nine(values[owner], middle, dilation)
        energy = 9 * distance(prototype, [Fraction(0)] * 9)
        for i, x in enumerate(values):
            nearest = min(distance(nine(x, t, dilation), prototype) for t in range(len(x)))
            assert sums[i, h] == energy - 9 * nearest


def test_a_training_sequence_is_at_distance_0_from_its_own_windows():
    X = series(20)
    heads = drawn("windows", X, 50)
    sums = sums_of(heads, X)
    own = sums[heads.places[:, 0], np.arange(50)]
    assert np.array_equal(own, sums.max(axis=0))


def test_windows_are_whole_where_the_sequence_is_long_enough():
    X = series(30, lengths=(20, 61))
    heads = drawn("windows", X, 200)
    lengths = X.lengths[heads.places[:, 0]]
    reach = 4 * heads.dilations[heads.groups]
    fits = lengths > 2 * reach
    assert fits.any()
    middle = heads.places[:, 1]
    assert ((middle >= reach) & (middle < lengths - reach))[fits].all()


def test_the_window_of_a_head_has_a_dilation_and_a_feature_and_no_kernel():
    heads = drawn("windows", series(10, 3), 120)
    kernels, dilations, channels = heads.windows_of([0, 119])
    assert kernels.tolist() == [-1, -1]
    assert dilations.tolist() == heads.dilations[heads.groups[[0, 119]]].tolist()
    assert channels.argmax(axis=1).tolist() == heads.channels[heads.groups[[0, 119]]].tolist()
    assert (channels.sum(axis=1) == 1).all()


def test_classes_have_equal_chances():
    X = series(100, lengths=(30, 40))
    labels = (np.arange(100) < 5).astype(int)
    heads = sample_window_heads(X, labels, 400, np.random.RandomState(0))
    share = (labels[heads.places[:, 0]] == 1).mean()
    assert 0.4 < share < 0.6
    without = sample_window_heads(X, None, 400, np.random.RandomState(0))
    assert (labels[without.places[:, 0]] == 1).mean() < 0.15


def test_the_leader_is_the_middle_of_the_nearest_window():
    X, y = datasets.make_labelled_sequences(40, n_classes=2, token_dim=1, random_state=0)
    clf = HardmaxTransformerClassifier(n_heads=30, families=["windows"], exact=False, random_state=0).fit(X, y)
    heads = clf._built.heads
    for i in range(5):
        table = clf.explain(X[i : i + 1], top=None)[0]
        own = [row for row in table if row["head"] >= 0 and heads.places[row["head"], 0] == i]
        for row in own:
            forms, index, _ = heads.forms()
            scores = forms[index[row["head"]]] @ heads.tokens(X[i : i + 1]).T
            assert scores[row["leader"]] == scores.max()
    assert "closeness to the window of sequence" in table["name"][0]


@pytest.mark.parametrize("lengths", [[1, 1, 1, 2], [3] * 5, [500, 1, 1]])
def test_short_and_constant_sequences_have_windows_too(lengths):
    rng = np.random.default_rng(0)
    X = RaggedSequences(rng.normal(size=(sum(lengths), 2)), np.cumsum([0, *lengths]))
    assert np.isfinite(sums_of(drawn("windows", X, 20), X)).all()
    constant = RaggedSequences(np.ones((sum(lengths), 2)), X.offsets)
    assert not sums_of(drawn("windows", constant, 20), constant).any()
