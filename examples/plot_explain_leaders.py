"""Which tokens decided?
=====================

Attention with a hard maximum takes one token, so that a score can be traced to a token.

The score of a class is a sum over heads, and `explain` lists them. Some heads are maxima: hardmax attention takes one token
of the sequence. `LeaderDisplay` marks these tokens, in series where a bump comes early or late, and in digits given as ink
points. Other heads are proportions and means over all tokens; the titles of the picture give the sum of the contributions
of the maxima.
"""

import matplotlib.pyplot as plt
import numpy as np

from sklearn_hardmax import HardmaxTransformerClassifier, RaggedSequences
from sklearn_hardmax.datasets import load_digit_points
from sklearn_hardmax.plotting import LeaderDisplay

BUMP = 5 * np.sin(np.pi * np.arange(1, 20) / 20)


def make_bumps(n_series, rng):
    """Noise of 60 to 120 tokens, and a bump in its first or in its second half."""
    y, series = rng.randint(2, size=n_series), []
    for is_late in y:
        Z = rng.normal(size=(rng.randint(60, 121), 1))
        half = len(Z) // 2
        start = is_late * half + rng.randint(half - len(BUMP))
        Z[start : start + len(BUMP), 0] += BUMP
        series.append(Z)
    return RaggedSequences.from_list(series), np.array(["early", "late"])[y]


def gap_of_sums(classifier, X):
    """Largest difference between what contributions, intercept and correction of a class add up to, and decision_function."""
    gaps = []
    for table, score in zip(classifier.explain(X, top=None), classifier.decision_function(X)):
        classes = classifier.classes_[1:] if np.ndim(score) == 0 else classifier.classes_
        sums = [table["contribution"][table["class"] == label].sum() for label in classes]
        gaps.append(np.abs(sums - score).max())
    return max(gaps)


series, halves = make_bumps(400, np.random.RandomState(0))
early_or_late = HardmaxTransformerClassifier(n_heads=2000, random_state=0).fit(series[:200], halves[:200])
print(f"series: {early_or_late.score(series[200:], halves[200:]):.3f} of 200 unseen right")

X, y = load_digit_points()
test = X[1::2]
digits = HardmaxTransformerClassifier(ordered=False, n_heads=2000, random_state=0).fit(X[::2], y[::2])
print(f"digits: {digits.score(test, y[1::2]):.3f} of {len(test)} unseen right")

table = digits.explain(test[:1], top=8)[0]
predicted = digits.predict(test[:1])[0]
print(f"\nthe strongest heads of the first unseen digit, read as {predicted}")
for row in table[table["class"] == predicted]:
    token = f"token {row['leader']} {row['value']}" if row["leader"] >= 0 else "all tokens"
    print(f"  {row['contribution']:+.3f}  {row['name']:62} {token}")
for name, classifier, some in (("series", early_or_late, series[200:210]), ("digits", digits, test[:10])):
    print(
        f"{name}: contributions + intercept + correction = decision_function up to {gap_of_sums(classifier, some):.1e}"
    )

figure = plt.figure(figsize=(13, 10), layout="constrained")
lines, sets = figure.subfigures(2, 1, height_ratios=[1.25, 1])
for index, ax in zip((200, 201), lines.subplots(2, 1)):
    LeaderDisplay.from_estimator(early_or_late, series, index, ax=ax)
for index, ax in zip((0, 1, 2), sets.subplots(1, 3)):
    LeaderDisplay.from_estimator(digits, test, index, ax=ax).ax_.set(xlabel="column", ylabel="row")
figure.savefig("explain_leaders.png", dpi=100)
print("saved explain_leaders.png")
