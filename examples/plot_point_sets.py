"""Can digits be read from their ink points, given in any order and number?
========================================================================

Each digit is a set of 16 to 42 points (column, row, intensity), and every second one is for learning. Statistics pooled over
the points are the mean position of the ink and its deviation; the heads of the classifier measure for many
points how much ink is near them. The picture shows some unseen digits, more errors among them than there are on average.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklearn_hardmax import HardmaxTransformerClassifier
from sklearn_hardmax.datasets import load_digit_points


def statistics(X):
    """Mean, spread, extremes and products of the features, and the number of points, one row a set."""
    return np.array([[*Z.mean(0), *Z.std(0), *Z.min(0), *Z.max(0), *(Z.T @ Z / len(Z)).ravel(), len(Z)] for Z in X])


X, y = load_digit_points()
train, test = np.arange(0, len(X), 2), np.arange(1, len(X), 2)
ours = HardmaxTransformerClassifier(ordered=False, n_heads=2000, random_state=0)
pool = FunctionTransformer(statistics)
models = {
    "statistics, logistic regression": make_pipeline(pool, StandardScaler(), LogisticRegression(max_iter=2000)),
    "statistics, random forest": make_pipeline(pool, RandomForestClassifier(random_state=0)),
    "HardmaxTransformerClassifier": ours,
}
for name, model in models.items():
    print(f"{name:32} {model.fit(X[train], y[train]).score(X[test], y[test]):.3f} on {len(test)} unseen digits")
print(f"training accuracy: {ours.score(X[train], y[train])} on {len(train)} digits")
print(f"one transformer: {ours.n_heads_} heads, {ours.n_corrections_} corrections, {ours.n_blocks_} blocks")

predicted = ours.predict(X[test])
order = np.random.RandomState(0).permutation(X.n_tokens)  # the points of every digit in another order
sequence = np.repeat(np.arange(len(X)), X.lengths)[order]
shuffled = type(X).from_flat(X.tokens[order[np.argsort(sequence, kind="stable")]], X.lengths)
print(f"points shuffled: {(ours.predict(shuffled[test]) == predicted).mean():.3f} of the predictions are the same")

wrong = np.flatnonzero(predicted != y[test])
right = np.random.RandomState(0).permutation(np.flatnonzero(predicted == y[test]))
shown = [*right[: 40 - min(16, len(wrong))], *wrong[:16]]
figure, axes = plt.subplots(4, 10, figsize=(12, 5.6), layout="constrained")
for ax, j in zip(axes.ravel(), shown):
    column, row, intensity = X[test[j]].T
    is_wrong = predicted[j] != y[test[j]]
    color = "tab:red" if is_wrong else "black"
    ax.scatter(column, row, s=2.5 * intensity, color=color)
    ax.set_title(f"{predicted[j]}" + (f", is {y[test[j]]}" if is_wrong else ""), color=color)
    ax.set(xlim=(-1, 8), ylim=(-1, 8), xticks=[], yticks=[], aspect="equal")
figure.suptitle(f"Unseen digits and what they are read as: {len(wrong)} of {len(test)} wrong, some of them in red")
figure.savefig("point_sets.png", dpi=100)
print("saved point_sets.png")
