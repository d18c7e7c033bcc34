"""Which words decide whether a review is good?
============================================

A classifier whose decisions rest on two or three words of the text.

LeaderTextClassifier trains word embeddings through eight layers of attention alone: words gather around the leaders of
their text, and a line through the plane separates good leaders from bad ones. Without a path the reviews are made here from
a few words; with the path of a folder that holds positive.txt and negative.txt, one sentence per line, they are read from
there.

    python examples/plot_sentiment.py FOLDER
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from sklearn_hardmax import LeaderTextClassifier
from sklearn_hardmax.plotting import LeaderBarDisplay, TokenFlowDisplay

PRAISE = ["wonderful", "moving", "funny", "brilliant", "charming", "clever", "gripping", "lovely"]
BLAME = ["boring", "stupid", "dull", "awful", "clumsy", "tedious", "shallow", "predictable"]
PLAIN = ["the", "this", "film", "plot", "actor", "scene", "with", "and", "but", "is", "was", "it", "some", "music"]


def make_reviews(n, rng):
    """Plain words, one to three that praise or blame, and now and then one of the other kind."""
    texts, y = [], rng.integers(2, size=n)
    for praised in y:
        telling, other = (PRAISE, BLAME) if praised else (BLAME, PRAISE)
        words = [*rng.choice(PLAIN, rng.integers(6, 16)), *rng.choice(telling, rng.integers(1, 4))]
        words += list(rng.choice(other, int(rng.random() < 0.2)))
        texts.append(" ".join(rng.permutation(words)))
    return texts, np.array(["negative", "positive"])[y]


def read_reviews(folder):
    """The lines of both files, and which file each is from."""
    texts, y = [], []
    for kind in ("negative", "positive"):
        lines = Path(folder, f"{kind}.txt").read_text(encoding="utf-8").splitlines()
        texts, y = texts + lines, y + [kind] * len(lines)
    return texts, np.array(y)


made = len(sys.argv) < 2
X, y = make_reviews(1500, np.random.default_rng(0)) if made else read_reviews(sys.argv[1])
X, X_new, y, y_new = train_test_split(X, y, test_size=0.3, stratify=y, random_state=0)
setting = {"random_state": 0, "learning_rate_init": 0.02 if made else 0.003}  # few texts, larger steps
ours = LeaderTextClassifier(**setting).fit(X, y)
pooled = LeaderTextClassifier(depth=0, **setting).fit(X, y)
base = make_pipeline(TfidfVectorizer(min_df=2), LogisticRegression()).fit(X, y)
for name, model in {"leaders": ours, "plain pooling, depth=0": pooled, "TF-IDF, logistic regression": base}.items():
    print(f"{name:28} {model.score(X_new, y_new):.3f} on {len(X_new)} unseen texts")

counts = ours.leader_counts(X_new)
print(f"{sum(count for _, count, _ in counts) / len(X_new):.1f} leaders per text; the strongest leader is most often")
print("  " + ", ".join(f"{word} {count} ({logit:+.1f})" for word, count, logit in ours.leader_counts(X_new, True)[:10]))
chances = ours.predict_proba(X_new)[:, 1]
sizes = np.array([len(words) for words in ours.known_words(X_new)])
index = int(np.argmax(np.abs(chances - 0.5) * np.minimum(sizes, 12)))
print(f"\n{X_new[index]}\nis {y_new[index]}, read as {ours.predict(X_new[index : index + 1])[0]}, led by")
for word, logit in ours.leaders(X_new[index]):
    print(f"  {word:12} {logit:+.2f}")

figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.8), layout="constrained", width_ratios=[1.15, 1])
TokenFlowDisplay.from_estimator(ours, X_new, index, ax=left)
LeaderBarDisplay.from_estimator(ours, X_new, strongest=True, ax=right)
figure.savefig("sentiment.png", dpi=100)
print("saved sentiment.png")
