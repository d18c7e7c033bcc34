"""How accurate is the classifier whose decisions rest on leaders, on sentences of film reviews, and which words lead?

FOLDER holds positive.txt and negative.txt, one sentence a line (the sentence polarity data of Pang and Lee 2005, as
distributed with NLTK). For each seed 70 % are learned and 30 % are asked. Beside it: plain pooling of embeddings that are
trained in the same way (depth=0), TF-IDF with logistic regression, and the seconds of --epochs epochs without early stopping.

    python examples/benchmarks/sentence_polarity.py FOLDER --seeds 3
"""

import argparse
import time
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_limits

from sklearn_hardmax import LeaderTextClassifier


def read(folder):
    """Sentences, and 1 for those from positive.txt."""
    lines = [Path(folder, f"{kind}.txt").read_text(encoding="utf-8").splitlines() for kind in ("negative", "positive")]
    return np.array([text for part in lines for text in part], dtype=object), np.repeat([0, 1], [len(p) for p in lines])


def row(*cells):
    """One line of a markdown table."""
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def main():
    """Parse the arguments, print a markdown table and the leaders."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--components", type=int, nargs="+", default=[2, 4, 8, 16])
    parser.add_argument("--epochs", type=int, default=30)
    args = parser.parse_args()
    X, y = read(args.folder)
    header = (
        "model",
        "test accuracy by seed",
        "mean",
        "fit s",
        "epochs",
        "alpha",
        "leaders per text",
        "share of two leaders",
    )
    row(*header)
    row(*["---"] * len(header))
    leaders = []
    with threadpool_limits(limits=1):
        for d in args.components:
            for depth in (8, 0):
                leaders += one_model(X, y, LeaderTextClassifier(n_components=d, depth=depth), args)
        base = make_pipeline(TfidfVectorizer(min_df=2), LogisticRegression())
        scores = [base.fit(a, ya).score(b, yb) for a, b, ya, yb in splits(X, y, args.seeds)]
        row("TF-IDF, logistic regression", *shown(scores), *[""] * 5)
        a, _, ya, _ = next(splits(X, y, 1))
        start = time.perf_counter()
        LeaderTextClassifier(max_iter=args.epochs, validation_fraction=0, random_state=0).fit(a, ya)
        print(f"\n{args.epochs} epochs on {len(a)} sentences: {time.perf_counter() - start:.1f} s")
    print("\nleaders with two components, number of test sentences that each leads, and its logit")
    print("\n".join(leaders))


def splits(X, y, n_seeds):
    """Training and test sentences of each seed."""
    for seed in range(n_seeds):
        yield train_test_split(X, y, test_size=0.3, stratify=y, random_state=seed)


def shown(scores):
    """Accuracies and their mean."""
    return ", ".join(f"{score:.3f}" for score in scores), f"{np.mean(scores):.3f}"


def one_model(X, y, model, args):
    """Print its row; for two components the lines that name the leaders."""
    scores, columns, lines = [], [], []
    for seed, (a, b, ya, yb) in enumerate(splits(X, y, args.seeds)):
        start = time.perf_counter()
        model.set_params(random_state=seed).fit(a, ya)
        taken = time.perf_counter() - start
        scores.append(model.score(b, yb))
        counts = model.leader_counts(b)
        tables = model.explain(b[:300])
        largest = [np.sort(table["share"][table["leader"] >= 0])[-2:].sum() for table in tables if len(table)]
        columns.append((taken, model.n_iter_, model.alpha_, sum(c for _, c, _ in counts) / len(b), np.mean(largest)))
        if model.n_components == 2 and model.depth:
            for name, strongest in (("all", False), ("strongest", True)):
                found = model.leader_counts(b, strongest)[:10]
                lines.append(f"  seed {seed}, {name}: " + ", ".join(f"{w} {c} ({v:+.1f})" for w, c, v in found))
    name = f"{model.n_components} components, " + (f"depth {model.depth}" if model.depth else "plain pooling")
    row(name, *shown(scores), *(f"{value:.3g}" for value in np.mean(columns, axis=0)))
    return lines


if __name__ == "__main__":
    main()
