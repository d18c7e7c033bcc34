"""What does one code tell about unseen sequences?
===============================================

A classifier without heads computes one number from each sequence: an extreme value or a mean of one direction. Two problems
show both sides. "largest step": series of random lengths, and the label says whether the largest rise between neighbours is
large. With the right window that is one maximum in one direction. "digit points": ten classes of point sets, which no single
number separates. The baselines are ordinary classifiers of the mean, minimum and maximum of each feature.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklearn_hardmax import HardmaxTransformerClassifier, RaggedSequences, RaggedSequenceTransformer
from sklearn_hardmax.datasets import load_digit_points

FOLDS = StratifiedKFold(3, shuffle=True, random_state=0)


def largest_step(n_series=400):
    """Series of normal numbers, and whether their largest rise is above the median one."""
    rng = np.random.RandomState(0)
    series = [rng.normal(size=n) for n in rng.randint(20, 61, size=n_series)]
    rises = np.array([np.diff(x).max() for x in series])
    return RaggedSequences.from_series(series), (rises > np.median(rises)).astype(int)


def statistics(X):
    """Mean, minimum and maximum of each feature, one row a sequence."""
    return np.array([np.concatenate([Z.mean(axis=0), Z.min(axis=0), Z.max(axis=0)]) for Z in X])


def accuracies(X, y):
    """Cross-validated accuracy of the search and of the baselines, and the choice of the search on all data."""
    steps = [
        ("tokens", RaggedSequenceTransformer()),
        ("classify", HardmaxTransformerClassifier(n_heads=0, random_state=0)),
    ]
    grid = {"tokens__window": [1, 2], "classify__ordered": [False, True]}
    search = GridSearchCV(Pipeline(steps), grid, cv=2)
    pool = FunctionTransformer(statistics)
    models = {
        "hardmax code, grid search": search,
        "statistics, logistic regression": make_pipeline(pool, StandardScaler(), LogisticRegression(max_iter=1000)),
        "statistics, random forest": make_pipeline(pool, RandomForestClassifier(random_state=0)),
    }
    # the search runs anew inside each fold: its own best score would be too good
    scores = {name: cross_val_score(model, X, y, cv=FOLDS).mean() for name, model in models.items()}
    return scores, search.fit(X, y).best_params_


digits, labels = load_digit_points()
problems = {"largest step": largest_step(), "digit points": (digits[:400], labels[:400])}
results = {name: accuracies(X, y) for name, (X, y) in problems.items()}

names = list(results["largest step"][0])
print(f"{'accuracy on unseen sequences':34}" + "".join(f"{problem:>15}" for problem in results))
for name in names:
    print(f"{name:34}" + "".join(f"{scores[name]:15.3f}" for scores, _ in results.values()))
for problem, (_, chosen) in results.items():
    print(f"{problem}: the search chose {chosen}")

figure, ax = plt.subplots(figsize=(8, 4), layout="constrained")
for k, name in enumerate(names):
    bars = ax.bar(np.arange(2) + 0.27 * (k - 1), [scores[name] for scores, _ in results.values()], 0.25, label=name)
    ax.bar_label(bars, fmt="%.2f")
for place, chance in enumerate((0.5, 0.1)):
    ax.hlines(chance, place - 0.45, place + 0.45, "black", "dotted", label=None if place else "chance")
ax.set(
    xticks=[0, 1], xticklabels=list(results), ylabel="3-fold accuracy", ylim=(0, 1), title="One code, or statistics?"
)
ax.legend(loc="upper right")
figure.savefig("grid_search.png", dpi=100)
print("saved grid_search.png")
