"""How many clusters are there, when nobody says how many?
=======================================================

LeaderClustering needs no number of clusters: the rows follow leaders, and leaders are the rows that are furthest in their own
direction. So clusters are directions from the origin. Groups that lie around the origin are found, beside what k-means does
when it is told their number; wide ones may get two leaders, and groups one behind the other are one direction and come out as
one cluster. Rings are leaders, the cross is the origin.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from sklearn_hardmax import LeaderClustering

ANGLES = np.arange(5) * 2 * np.pi / 5 + 0.3
ROUND = 4 * np.column_stack([np.cos(ANGLES), np.sin(ANGLES)])
BEHIND = np.array([[2.0, 1.0], [6.0, 3.0], [-4.0, 2.0], [0.0, -4.0]])


def make_groups(centers, spread, rng):
    """Sixty rows around each centre, and which."""
    y = np.repeat(np.arange(len(centers)), 60)
    return centers[y] + spread * rng.normal(size=(len(y), 2)), y


rng = np.random.default_rng(0)
cases = {
    "five directions": make_groups(ROUND, 0.25, rng),
    "five directions, wider": make_groups(ROUND, 0.8, rng),
    "two groups in one direction": make_groups(BEHIND, 0.25, rng),
}
figure, axes = plt.subplots(1, 3, figsize=(12, 4), layout="constrained")
for ax, (name, (X, y)) in zip(axes, cases.items()):
    found = LeaderClustering().fit(X)
    told = KMeans(y.max() + 1, n_init=10, random_state=0).fit_predict(X)
    ours, theirs = (adjusted_rand_score(y, labels) for labels in (found.labels_, told))
    n = len(found.cluster_centers_)
    print(f"{name}: {n} clusters, agreement {ours:.3f}; k-means, told that there are {y.max() + 1}: {theirs:.3f}")
    ax.scatter(*X.T, c=found.labels_, cmap="tab10", vmin=0, vmax=9, s=9)
    ax.scatter(*X[found.leader_indices_].T, s=110, facecolors="none", edgecolors="black")
    ax.plot(0, 0, marker="+", color="0.3", markersize=10)
    ax.set_title(f"{name}: {n} clusters", fontsize="medium")
    ax.set_aspect("equal", adjustable="datalim")
figure.savefig("leader_clustering.png", dpi=100)
print("saved leader_clustering.png")
