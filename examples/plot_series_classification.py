"""Can series be told apart that no mean, spread or extreme value tells apart?
===========================================================================

Each series has two noisy channels, 60 to 150 tokens, and at a random place one ramp of 24 tokens in each channel. The four
classes differ in the shape of the ramps, rising and then gone or sudden and then falling, and in the channel that comes
first. So the values that occur, and how often, are the same in all classes, and statistics pooled over time are at chance,
0.25. A random forest on series filled up with zeros has to learn every place anew.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklearn_hardmax import HardmaxPooling, HardmaxTransformerClassifier, RaggedSequences

NAMES = np.array(["rising, 0 first", "falling, 0 first", "rising, 1 first", "falling, 1 first"])
RAMP, LAG, HEIGHT = 24, 12, 4.0  # tokens, tokens, deviations of the noise
N_HEADS = 4000


def make_ramps(n_series, rng):
    """Series of unequal lengths, and the shape and order of their ramps."""
    y, series = rng.randint(4, size=n_series), []
    for label in y:
        Z = rng.normal(size=(rng.randint(60, 151), 2))
        ramp = HEIGHT * np.linspace(0, 1, RAMP)[:: -1 if label % 2 else 1]
        start = rng.randint(len(Z) - RAMP - LAG + 1)
        for channel, delay in ((label // 2, 0), (1 - label // 2, LAG)):
            Z[start + delay : start + delay + RAMP, channel] += ramp
        series.append(Z)
    return RaggedSequences.from_list(series), NAMES[y]


def statistics(X):
    """Mean, spread, extremes and mean absolute step of each channel, one row a series."""
    return np.array([[*Z.mean(0), *Z.std(0), *Z.min(0), *Z.max(0), *np.abs(np.diff(Z, axis=0)).mean(0)] for Z in X])


def filled_up(X):
    """All tokens side by side, zeros behind the last, 150 tokens in all."""
    return np.array([np.concatenate([Z.ravel(), np.zeros(2 * (150 - len(Z)))]) for Z in X])


X, y = make_ramps(700, np.random.RandomState(0))
train, test = train_test_split(np.arange(len(X)), test_size=400, stratify=y, random_state=0)
linear, pooling = LogisticRegression(max_iter=1000), HardmaxPooling(n_heads=N_HEADS, random_state=0)
ours = HardmaxTransformerClassifier(n_heads=N_HEADS, random_state=0)
models = {
    "HardmaxTransformerClassifier": ours,
    "HardmaxPooling,\nlogistic regression": make_pipeline(pooling, StandardScaler(), linear),
    "zero-padded,\nrandom forest": make_pipeline(
        FunctionTransformer(filled_up), RandomForestClassifier(random_state=0)
    ),
    "statistics,\nlogistic regression": make_pipeline(FunctionTransformer(statistics), StandardScaler(), linear),
}
accuracies = {name: model.fit(X[train], y[train]).score(X[test], y[test]) for name, model in models.items()}
for name, accuracy in accuracies.items():
    print("{:36} {:.3f} on {} unseen series".format(name.replace("\n", " "), accuracy, len(test)))
print(f"training accuracy: {ours.score(X[train], y[train])} on {len(train)} series")
print(f"one transformer: {ours.n_heads_} heads, {ours.n_corrections_} corrections, {ours.n_blocks_} blocks")

figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4), layout="constrained")
for k, name in enumerate(NAMES):
    left.plot(X[y == name][0][:, 0] - 9 * k, "0.35", linewidth=1, label=None if k else "channel 0")
    left.plot(X[y == name][0][:, 1] - 9 * k, "tab:green", linewidth=1, label=None if k else "channel 1")
left.set(yticks=-9 * np.arange(4), yticklabels=NAMES, xlabel="token", title="One series a class", ylim=(-32, 11))
left.legend(loc="upper right", ncols=2, fontsize="small")
bars = right.barh(list(accuracies), list(accuracies.values()), color=["C0", "C0", "0.6", "0.6"])
right.bar_label(bars, fmt="%.2f", padding=8)
right.axvline(0.25, color="black", linestyle="dotted", label="chance")
right.set(xlim=(0, 1.1), xlabel="accuracy on unseen series", title=f"{len(train)} series to learn from")
right.legend(loc="upper right")
figure.savefig("series_classification.png", dpi=100)
print("saved series_classification.png")
