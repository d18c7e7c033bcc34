"""Where do tokens go under attention alone, and who leads them?
=============================================================

Each layer moves a token towards the mean of those that it attends to, the ones furthest in its own direction. A. Alcalde,
G. Fantuzzi and E. Zuazua (arXiv 2407.01602) show that tokens gather around leaders, which attend to themselves only. This is
the example of the notebook published with their paper: in the middle a leader emerges at layer 1, after its neighbours have
moved away, but not when the step is large. Below, a square: ties hold two tokens between leaders.
"""

import matplotlib.pyplot as plt
import numpy as np

from sklearn_hardmax import LeaderClustering
from sklearn_hardmax.plotting import TokenFlowDisplay

PUBLISHED = [[1, 4 / 12], [-1 / 12, 1 / 12], [-1, -1], [0, 3 / 12], [-0.3, -0.7], [-0.6, -0.9], [0.8, 0.1], [0.6, 0.15]]
SQUARE = [[1, 1], [1, -1], [-1, 1], [-1, -1], [-0.5, 0], [0.5, 0]]
CLOUD = np.random.default_rng(0).normal(size=(100, 2))

figure, axes = plt.subplots(2, 2, figsize=(10, 8), layout="constrained")
cases = {
    "published example": (PUBLISHED, 0.5),
    "the same, larger steps": (PUBLISHED, 2.0),
    "square": (SQUARE, 1.0),
    "100 Gaussian tokens": (CLOUD, 1.0),
}
for ax, (name, (tokens, alpha)) in zip(axes.ravel(), cases.items()):
    flow = LeaderClustering(alpha=alpha).fit(tokens)
    first = ", ".join(f"{i} at layer {flow.leader_layers_[i]}" for i in flow.leader_indices_)
    print(f"{name}, alpha = {alpha}: {len(flow.cluster_centers_)} clusters in {flow.n_iter_} layers; leaders {first}")
    display = TokenFlowDisplay.from_estimator(flow, tokens, ax=ax)
    display.ax_.set_title(f"{name}: {flow.n_iter_} layers, alpha = {alpha}", fontsize="medium")

limits = LeaderClustering(alpha=0.5).fit(PUBLISHED).cluster_centers_
print("published limits (1, 1/3), (-1/18, 5/36), (-1, -1), ours:", *np.round(limits, 6).tolist())
figure.savefig("leader_flow.png", dpi=100)
print("saved leader_flow.png")
