"""LeaderClustering: leaders, ties, permutations, centers."""

import pickle

import numpy as np
import pytest
from cases.leaders import TRIANGLE
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_hardmax import LeaderClustering, LeaderFlow


def test_tokens_gather_around_three_leaders():
    found = LeaderClustering().fit(TRIANGLE)
    assert found.labels_.tolist() == [0, 0, 1, 1, 2, 2, 2]
    assert found.leader_indices_.tolist() == [0, 2, 4]
    assert found.is_leader_.tolist() == [True, False, True, False, True, False, False]
    assert found.leader_layers_.tolist() == [0, -1, 0, -1, 0, -1, -1]
    assert found.cluster_centers_.tolist() == [[3.0, 0.0], [0.0, 3.0], [-2.0, -2.0]]
    assert found.fit_predict(TRIANGLE).tolist() == found.labels_.tolist()


def test_a_tie_between_leaders_makes_a_cluster_without_a_leader():
    """The square of [C]: (-.5, 0) attends to both corners at the left and ends between them."""
    X = [[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0], [-0.5, 0.0], [0.5, 0.0], [0.25, 0.0]]
    found = LeaderClustering().fit(X)
    assert found.labels_.tolist() == [0, 1, 2, 3, 4, 5, 5]
    assert found.leader_indices_.tolist() == [0, 1, 2, 3]
    np.testing.assert_allclose(found.cluster_centers_[4:], [[-1.0, 0.0], [1.0, 0.0]], rtol=0, atol=1e-8)


@pytest.mark.parametrize("alpha", [0.3, 1.0, 4.0])
def test_labels_follow_a_permutation_of_the_rows(alpha):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    order = rng.permutation(60)
    one, other = (LeaderClustering(alpha=alpha).fit(rows) for rows in (X, X[order]))
    same = one.labels_[order][:, None] == one.labels_[order]
    assert np.array_equal(same, other.labels_[:, None] == other.labels_)
    assert np.array_equal(one.is_leader_[order], other.is_leader_)
    assert sorted(one.cluster_centers_.tolist()) == sorted(other.cluster_centers_.tolist())


@pytest.mark.parametrize("factor", [1e-200, 3.0, 1e200])
def test_scaling_the_rows_changes_no_label(factor):
    X = np.random.default_rng(1).normal(size=(60, 3))
    one, other = LeaderClustering().fit(X), LeaderClustering().fit(factor * X)
    assert one.labels_.tolist() == other.labels_.tolist()
    assert one.leader_layers_.tolist() == other.leader_layers_.tolist()
    np.testing.assert_allclose(other.cluster_centers_ / factor, one.cluster_centers_, rtol=0, atol=1e-7)


def test_labels_are_numbered_by_first_appearance_and_centers_belong_to_them():
    X = np.random.default_rng(2).normal(size=(80, 2))
    found = LeaderClustering(alpha=0.5).fit(X)
    _, first = np.unique(found.labels_, return_index=True)
    assert (np.diff(first) > 0).all()
    ends = LeaderFlow(alpha=0.5, depth=None).fit_transform([X])[0]
    apart = np.linalg.norm(ends - found.cluster_centers_[found.labels_], axis=1)
    assert apart.max() <= 2e-8 * np.linalg.norm(X, axis=1).max()
    assert len(found.cluster_centers_) == found.labels_.max() + 1


@pytest.mark.parametrize(
    ("X", "labels", "leaders"),
    [
        ([[5.0, 1.0]], [0], [0]),
        ([[5.0, 1.0]] * 4, [0] * 4, [0, 1, 2, 3]),
        ([[0.0, 0.0], [0.0, 0.0]], [0, 0], [0, 1]),
        ([[3.0], [-1.0], [0.5], [-0.2]], [0, 1, 0, 1], [0, 1]),
        ([[2.0, 0.0], [1.0, 0.1], [2.0, 0.0]], [0, 0, 0], [0, 2]),
    ],
    ids=["one row", "equal rows", "zeros", "a line", "copies of a leader"],
)
def test_small_sets_of_rows(X, labels, leaders):
    found = LeaderClustering().fit(X)
    assert found.labels_.tolist() == labels
    assert found.leader_indices_.tolist() == leaders
    assert found.n_iter_ >= 1


def test_rows_that_have_not_arrived_are_told():
    with pytest.warns(ConvergenceWarning, match=r"not within tol=1e-08 of their limits after max_iter=2 layers"):
        assert LeaderClustering(max_iter=2).fit(TRIANGLE).n_iter_ == 2


def test_clustering_is_a_step_behind_a_scaler_and_survives_pickling():
    X = np.random.default_rng(3).normal(size=(30, 2)) + 100
    pipeline = make_pipeline(StandardScaler(), LeaderClustering())
    labels = pipeline.fit_predict(X)
    assert labels.max() >= 2
    assert (pickle.loads(pickle.dumps(pipeline))[-1].labels_ == labels).all()
