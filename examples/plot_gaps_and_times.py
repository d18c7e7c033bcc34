"""Which machine fails? Sensors with gaps and irregular times
=============================================================

Two sensors of every machine report at irregular times, and a third of the values are missing. A failing machine swings at
another pace. `SequenceResampler` brings the reports to a regular grid of times and `SequenceImputer` fills what is left, both
as steps of a pipeline; beside them stand pipelines that leave out a step, and what is known without any gap.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

from sklearn_hardmax import (
    HardmaxTransformerClassifier,
    RaggedSequences,
    SequenceImputer,
    SequenceResampler,
    as_sequences,
)


def make_reports(n_machines, random_state):
    """Sequences of (time, heat, load) with gaps, the same without gaps on a grid, and labels."""
    rng = np.random.RandomState(random_state)
    y = np.arange(n_machines) % 2
    reports, whole = [], []
    for fails in y:
        phase, pace = rng.uniform(0, 6), rng.uniform(0.9, 1.1) * (1.3 if fails else 1.0)
        times = np.cumsum(rng.exponential(0.25, rng.randint(60, 120)))
        for held, t in ((reports, times), (whole, np.arange(times[0], times[-1], 0.25))):
            sensors = np.column_stack([np.sin(pace * t + phase), np.cos(pace * t + phase)])
            held.append(np.column_stack([t, sensors + 0.3 * rng.standard_normal(sensors.shape)]))
        reports[-1][:, 1:][rng.random_sample((len(times), 2)) < 1 / 3] = np.nan
    return as_sequences(reports, allow_nan=True), [Z[:, 1:] for Z in whole], y


X, whole, y = make_reports(200, random_state=0)
names = ["time", "heat", "load"]
X = RaggedSequences.from_frame(X.to_pandas(group="machine", names=names), group="machine", allow_nan=True)
print(X, f"{np.isnan(X.tokens).mean():.2f} of the values are missing", sep=", ")


def classifier():
    return HardmaxTransformerClassifier(n_heads=500, random_state=0)


models = {
    "regular grid, gaps filled": make_pipeline(SequenceResampler(time="time"), SequenceImputer(), classifier()),
    "gaps filled, times as they are": make_pipeline(SequenceImputer(), classifier()),
    "gaps filled by the mean": make_pipeline(SequenceImputer(strategy="mean"), classifier()),
}
scores = {name: cross_val_score(model, X, y, cv=5).mean() for name, model in models.items()}
scores["without any gap"] = cross_val_score(classifier(), RaggedSequences.from_list(whole), y, cv=5).mean()
for name, score in scores.items():
    print(f"{name:32} {score:.3f}")

step = SequenceResampler(time="time").fit(X)
print(f"step of the grid: {step.step_:.3f}")
grid = SequenceImputer().fit_transform(step.transform(X))
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained", width_ratios=(2, 1))
left.plot(X[1][:, 0], X[1][:, 1], "o", color="tab:red", label="reports of one sensor")
left.plot(X[1][0, 0] + step.step_ * np.arange(len(grid[1])), grid[1][:, 0], ".-", color="tab:blue", label="on the grid")
left.set(xlabel="time", ylabel="heat", ylim=(-2.1, 2.1), title="A failing machine")
left.legend(loc="upper center", ncols=2)
right.barh(list(scores), list(scores.values()), color="tab:blue")
right.set(xlim=(0.5, 1), title="Cross-validated accuracy")
figure.savefig("gaps_and_times.png", dpi=100)
print("saved gaps_and_times.png")
