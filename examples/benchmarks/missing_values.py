"""Accuracy with missing values: what SequenceImputer puts in their place, beside the whole data and simpler ways.

From every data set a share of the values (cells), of the tokens, or a stretch of every sequence (adjacent tokens) is removed
by a seed, in the training and in the test data, and HardmaxTransformerClassifier is fitted on what is left. Columns: the
whole data; interpolation along the sequence; its mean; the mean of the training data; tokens left out.

    python examples/benchmarks/missing_values.py FOLDER [NAMES ...]  # .npz with tokens, offsets, y, n_train
    python examples/benchmarks/missing_values.py                     # series that aeon brings along (extra bench)
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from sklearn.pipeline import make_pipeline

from sklearn_hardmax import HardmaxTransformerClassifier, RaggedSequences, SequenceImputer, as_sequences


def of_folder(folder, names):
    for path in sorted(Path(folder).glob("*.npz")):
        if not names or path.stem in names:
            held = np.load(path)
            X, n = RaggedSequences(held["tokens"], held["offsets"]), int(held["n_train"])
            yield path.stem, (X[:n], held["y"][:n], X[n:], held["y"][n:])


def of_aeon():
    from aeon.datasets import load_classification

    for name in ("ArrowHead", "GunPoint", "ItalyPowerDemand", "OSULeaf", "BasicMotions", "JapaneseVowels"):
        train, test = (load_classification(name, split=split) for split in ("train", "test"))
        yield (
            name,
            (RaggedSequences.from_aeon(train[0]), train[1], RaggedSequences.from_aeon(test[0]), test[1]),
        )


def without(X, share, kind, rng):
    """The sequences with a share of the values missing."""
    tokens = X.tokens.copy()
    if kind == "cells":
        tokens[rng.random(tokens.shape) < share] = np.nan
    elif kind == "tokens":
        tokens[rng.random(len(tokens)) < share] = np.nan
    else:
        for start, length in zip(X.offsets, X.lengths):
            first = start + rng.integers(length - int(share * length) + 1)
            tokens[first : first + int(share * length)] = np.nan
    return as_sequences([tokens[a:b] for a, b in zip(X.offsets, X.offsets[1:])], allow_nan=True)


class MeanOfTraining(SequenceImputer):
    """Every missing value is the mean of the training data."""

    def transform(self, X):
        X = as_sequences(X, allow_nan=True)
        return RaggedSequences(np.where(np.isnan(X.tokens), self.statistics_, X.tokens), X.offsets)


def left_out(X):
    """The sequences without the tokens that miss a value; where none is left, the first with zeros."""
    kept = [Z[~np.isnan(Z).any(axis=1)] for Z in X]
    return RaggedSequences.from_list([Z if len(Z) else np.nan_to_num(X[i][:1]) for i, Z in enumerate(kept)])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--kind", choices=["cells", "tokens", "stretches"], default="cells")
    parser.add_argument("--share", type=float, default=0.2)
    parser.add_argument("--sets", action="store_true", help="tokens are sets, not ordered")
    parser.add_argument("--heads", type=int, default=2000)
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args()
    rows = []
    print(f"{'':24s} {'whole':>8s} {'linear':>8s} {'mean':>8s} {'training':>8s} {'left out':>8s}")
    for name, (X, y, X_test, y_test) in of_folder(args.folder, args.names) if args.folder else of_aeon():
        sums = np.zeros(5)
        for seed in range(args.seeds):
            rng = np.random.default_rng(seed)
            gaps, gaps_test = (without(Z, args.share, args.kind, rng) for Z in (X, X_test))
            model = HardmaxTransformerClassifier(
                n_heads=args.heads, ordered=not args.sets, exact=False, random_state=seed
            )
            sums[0] += model.fit(X, y).score(X_test, y_test)
            steps = (SequenceImputer(), SequenceImputer(strategy="mean"), MeanOfTraining())
            for i, step in enumerate(steps, 1):
                sums[i] += make_pipeline(step, model).fit(gaps, y).score(gaps_test, y_test)
            sums[4] += model.fit(left_out(gaps), y).score(left_out(gaps_test), y_test)
        rows.append(sums / args.seeds)
        print(f"{name:24s} " + " ".join(f"{100 * v:8.2f}" for v in rows[-1]))
        sys.stdout.flush()
    print(f"{'mean of ' + str(len(rows)):24s} " + " ".join(f"{100 * v:8.2f}" for v in np.mean(rows, axis=0)))


if __name__ == "__main__":
    main()
