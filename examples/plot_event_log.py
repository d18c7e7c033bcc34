"""Who will cancel? From an event log to a classifier
=====================================================

A log has one row per event: a customer, a time stamp, a kind of event, an amount that is often missing. The customers who
complain soon after a failed payment will cancel. Eight lines lead from the table to a cross-validated score: the rows of a
customer become a sequence, sorted by time; encoders of scikit-learn turn events into numbers, inside the folds; a search
chooses the number of heads. Customer ids stay with the sequences, so that the labels cannot get out of order.
"""

from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from sklearn_hardmax import HardmaxTransformerClassifier, RaggedSequences, TokenwiseTransformer


def make_log(n_customers, random_state):
    """A log of 5 to 30 events per customer in any order, and whether each customer cancels."""
    rng = np.random.RandomState(random_state)
    events, cancels = [], {}
    for i in rng.permutation(n_customers):
        customer, n = f"customer {i:03d}", rng.randint(5, 31)
        kinds = rng.choice(["visit", "order", "payment failed", "complaint"], n, p=[0.5, 0.3, 0.1, 0.1])
        times = pd.Timestamp("2026-01-01") + pd.to_timedelta(np.cumsum(rng.exponential(20, n)), unit="h")
        amounts = np.where(kinds == "order", rng.gamma(2, 20, n), np.nan)
        amounts[rng.random_sample(n) < 0.2] = np.nan
        cancels[customer] = ("payment failed", "complaint") in set(pairwise(kinds))
        events += zip([customer] * n, times, kinds, amounts)
    log = pd.DataFrame(events, columns=["customer", "time", "event", "amount"])
    return log.sample(frac=1, random_state=0), pd.Series(cancels, name="cancels")


log, cancels = make_log(600, random_state=0)
print(log.head(3).to_string(index=False))

X = RaggedSequences.from_frame(log, group="customer", time="time", time_unit="h", dtype=None)
y = cancels.loc[X.ids]
encode = ColumnTransformer([("event", OneHotEncoder(handle_unknown="ignore"), ["event"])], remainder=SimpleImputer())
model = make_pipeline(TokenwiseTransformer(encode), HardmaxTransformerClassifier(n_heads=500, random_state=0))
search = GridSearchCV(model, {"hardmaxtransformerclassifier__ordered": [True, False]}, cv=3, scoring="roc_auc")
search.fit(X, y)

print(X)
print(f"{y.mean():.2f} of {len(y)} customers cancel")
scores = dict(zip(("ordered", "as sets"), search.cv_results_["mean_test_score"]))
for name, score in scores.items():
    print(f"events {name}: cross-validated AUC {score:.3f}")

shown = [*np.flatnonzero(y)[:4], *np.flatnonzero(~y)[:4]]
kinds = sorted(log["event"].unique())
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained", width_ratios=(2, 1))
for kind, marker in zip(kinds, "X.s*"):
    for row, i in enumerate(shown):
        times = [token[0] for token in X[i].tolist() if token[1] == kind]
        color = "tab:red" if y.iloc[i] else "gray"
        left.plot(times, [row] * len(times), marker, color=color, label=kind if row == 7 else None)
left.set(yticks=range(8), yticklabels=X.ids[shown], xlabel="hours since the first event")
left.set_title("Four customers who cancel (red) and four who stay")
left.legend(loc="upper right", framealpha=1)
right.bar(list(scores), list(scores.values()), color="tab:blue")
right.set(ylim=(0.5, 1), title="Cross-validated AUC")
figure.savefig("event_log.png", dpi=100)
print("saved event_log.png")
