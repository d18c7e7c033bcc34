"""Does the classifier stay exact, and does it stay small, with very many sequences?

N sequences of 5 to 15 Gaussian tokens under random labels, which nothing but memory can get right: seconds, training
accuracy, corrections, margin, the share of predictions on fresh sequences that the corrections change (the same fit with
exact=False), and the resident memory of fit at its peak beyond the input; then the same from sequences that are mapped from
a file. The second table is what predict and ``HardmaxPooling.transform`` hold beyond input and output. The third one is fit
without heads and predict with heads on sequences that are mapped from a file, by one process and by two workers; mapped
pages that were read count as resident, so that nothing beyond the input is the size of the input.

Each measurement has a process of its own, since the peak of a process never falls. One round; threads are left as they are.

    python examples/benchmarks/scale.py --sequences 1e5 --heads 1000
    python examples/benchmarks/scale.py --parts memory --memory-heads 8000
    python examples/benchmarks/scale.py --parts mapped --sequences 1e5 --tokens 1e7
"""

import argparse
import multiprocessing
import resource
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from joblib.externals.loky import get_reusable_executor

from sklearn_hardmax import HardmaxPooling, HardmaxTransformerClassifier, RaggedSequences

SHORTEST, LONGEST = 5, 15
PEAK_UNIT = 1 if sys.platform == "darwin" else 1024  # bytes in a unit of ru_maxrss
TRAINING = 200
SHAPES = [  # ordered, sequences, tokens of each, token_dim
    (True, 4000, 100, 1),
    (True, 2, 1_000_000, 1),
    (False, 20_000, 20, 3),
    (False, 4000, 1, 10),
    (False, 50_000, 1, 10),
]
MOST_OUTPUT = 1e9  # bytes of a matrix of features; larger ones are left out


def make_sequences(n, token_dim, seed, shortest=SHORTEST, longest=LONGEST):
    """n sequences of 5 to 15 tokens, or of others."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(shortest, longest + 1, size=n)
    return RaggedSequences.from_flat(rng.standard_normal((lengths.sum(), token_dim)), lengths=lengths)


def peak(who=resource.RUSAGE_SELF):
    """Bytes that this process has had resident at most."""
    return resource.getrusage(who).ru_maxrss * PEAK_UNIT


def current():
    """Bytes resident now, where the system tells; otherwise the peak, which may lie behind."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * resource.getpagesize() if statm.exists() else peak()


def timed(function, *arguments):
    """What a call gives, and its seconds."""
    start = time.perf_counter()
    result = function(*arguments)
    return result, time.perf_counter() - start


def in_child(function, *arguments):
    """What a function gives in a new process."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:  # which may have workers of its own
        return pool.submit(function, *arguments).result()


# -- fit at scale ------------------------------------------------------------------------------------------------------


def run(args, path, exact):
    """Fit and predict once; the rows of the table, and the predictions on training and on fresh sequences."""
    X = make_sequences(args.sequences, args.token_dim, 0) if path is None else RaggedSequences.load(path, "r")
    fresh = make_sequences(args.fresh, args.token_dim, 1)
    y = np.random.default_rng(2).integers(args.classes, size=len(X))
    setting = {"n_heads": args.heads, "ordered": args.ordered, "exact": exact, "random_state": 0}
    HardmaxTransformerClassifier(**setting).fit(X[:TRAINING], y[:TRAINING])  # libraries are loaded, not measured
    before = current()
    model, fit_seconds = timed(HardmaxTransformerClassifier(**setting).fit, X, y)
    beyond = peak() - before
    labels, predict_seconds = timed(model.predict, X)
    rows = {
        "fit s": f"{fit_seconds:.1f}",
        "predict s": f"{predict_seconds:.1f}",
        "training accuracy": f"{np.mean(labels == y):.6f}",
        "corrections": model.n_corrections_,
        "margin": f"{model.margin_:.3g}",
        "conflicts": model.n_conflicts_,
        "memory of fit beyond input, MB": f"{beyond / 1e6:.0f}",
        "input, MB": f"{X.tokens.nbytes / 1e6:.0f}",
    }
    return rows, labels, model.predict(fresh)


def show(rows, columns):
    """Print a markdown table, names of the rows first."""
    print("\n| | " + " | ".join(columns) + " |\n|" + " --- |" * (len(columns) + 1))
    for name in rows[0]:
        print(f"| {name} | " + " | ".join(str(row[name]) for row in rows) + " |", flush=True)


def fit(args):
    """Exact from memory, exact from a file and without corrections, side by side."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "sequences")
        make_sequences(args.sequences, args.token_dim, 0).save(path)
        results = [in_child(run, args, *way) for way in ((None, True), (path, True), (None, False))]
    (_, labels, fresh), (_, mapped_labels, mapped_fresh), (_, _, inexact_fresh) = results
    print(f"{args.sequences} sequences, {args.heads} heads, {args.classes} classes, ordered={args.ordered}")
    show([rows for rows, *_ in results], ["exact", "exact, mapped", "exact=False"])
    same = np.array_equal(labels, mapped_labels) and np.array_equal(fresh, mapped_fresh)
    print(f"\nPredictions from mapped sequences are {'equal' if same else 'DIFFERENT'}.")
    print(f"Corrections change {100 * np.mean(fresh != inexact_fresh):.3f} % of {len(fresh)} fresh predictions.")


# -- memory of predict and transform -----------------------------------------------------------------------------------


def fitted(call, ordered, token_dim, n_heads):
    """The method that is measured, of an estimator fitted to few sequences."""
    few, setting = make_sequences(TRAINING, token_dim, 1), {"n_heads": n_heads, "ordered": ordered, "random_state": 0}
    kind = HardmaxTransformerClassifier if call == "predict" else HardmaxPooling
    return getattr(kind(**setting).fit(few, np.arange(TRAINING) % 2), call)


def held(function, n, length, token_dim):
    """Bytes that predict or transform holds beyond input and output, and its seconds."""
    tokens = np.random.default_rng(0).standard_normal((n * length, token_dim))
    X = RaggedSequences.from_flat(tokens, lengths=np.full(n, length))
    function(X[:1])
    before = current()
    result, elapsed = timed(function, X)
    return peak() - before - result.nbytes, elapsed


def memory(args):
    """The table of what calls hold."""
    columns = ("call", "ordered", "sequences", "tokens", "token_dim", "MB beyond input and output", "s")
    print("\n| " + " | ".join(columns) + " |\n|" + " --- |" * len(columns))
    for ordered, n, length, token_dim in SHAPES:
        for call in ("predict", "transform"):
            if call == "transform" and 8 * n * args.memory_heads > MOST_OUTPUT:
                continue
            function = in_child(
                fitted, call, ordered, token_dim, args.memory_heads
            )  # whose peak is not that of the call
            beyond, elapsed = in_child(held, function, n, length, token_dim)
            cells = (call, ordered, n, length, token_dim, f"{beyond / 1e6:.0f}", f"{elapsed:.2f}")
            print("| " + " | ".join(map(str, cells)) + " |", flush=True)


# -- data on disk ------------------------------------------------------------------------------------------------------


def write(path, args):
    """The data of the third table, in a file; its bytes."""
    mean = args.tokens // args.sequences
    X = make_sequences(args.sequences, args.token_dim, 0, max(1, mean // 2), mean + mean // 2)
    X.save(path)
    return X.n_tokens, X.tokens.nbytes


def on_disk(path, estimator, call):
    """Seconds of a call, bytes resident at most beyond those before, and in a worker; labels, and how many are right."""
    X = RaggedSequences.load(path, "r")
    y = np.random.default_rng(2).integers(2, size=len(X))
    arguments = (X, y) if call == "fit" else (X,)
    before = current()
    result, elapsed = timed(getattr(estimator, call), *arguments)
    beyond = peak() - before
    labels = result.predict(X) if call == "fit" else result
    get_reusable_executor().shutdown()  # workers are counted when they have ended
    return elapsed, beyond, peak(resource.RUSAGE_CHILDREN), labels, np.mean(labels == y)


def mapped(args):
    """Fit without heads and predict with them, on sequences that are mapped from a file."""
    columns = (
        "call",
        "heads",
        "ordered",
        "jobs",
        "s",
        "MB beyond start",
        "MB of a worker",
        "training accuracy",
        "labels",
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "sequences")
        n_tokens, n_bytes = in_child(write, path, args)
        print(f"\n{args.sequences} sequences, {n_tokens} tokens, {n_bytes / 1e6:.0f} MB on disk")
        print("\n| " + " | ".join(columns) + " |\n|" + " --- |" * len(columns))
        for call, heads in (("fit", 0), ("predict", args.heads)):
            for ordered in (True, False):
                rows = [mapped_row(path, args, call, heads, ordered, jobs) for jobs in (1, 2)]
                for cells, labels in rows:
                    same = "equal" if np.array_equal(labels, rows[0][1]) else "DIFFERENT"
                    print("| " + " | ".join(map(str, (*cells, same))) + " |", flush=True)


def mapped_row(path, args, call, heads, ordered, jobs):
    """Cells of the third table, and the labels."""
    estimator = HardmaxTransformerClassifier(n_heads=heads, ordered=ordered, random_state=0)
    if call == "predict":
        estimator.fit(make_sequences(TRAINING, args.token_dim, 1), np.arange(TRAINING) % 2)
    elapsed, beyond, worker, labels, accuracy = in_child(on_disk, path, estimator.set_params(n_jobs=jobs), call)
    workers = f"{worker / 1e6:.0f}" if jobs > 1 else ""
    right = f"{accuracy:.6f}" if call == "fit" else ""
    return (call, heads, ordered, jobs, f"{elapsed:.1f}", f"{beyond / 1e6:.0f}", workers, right), labels


PARTS = {"fit": fit, "memory": memory, "mapped": mapped}


def main():
    """Parse the arguments and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=list(PARTS))
    parser.add_argument("--sequences", type=float, default=1e5, help="training sequences")
    parser.add_argument("--tokens", type=float, default=1e7, help="of the third table")
    parser.add_argument("--fresh", type=float, default=1e4, help="sequences that nothing was fitted to")
    parser.add_argument("--heads", type=int, default=1000)
    parser.add_argument("--ordered", action="store_true")
    parser.add_argument("--token-dim", type=int, default=3)
    parser.add_argument("--classes", type=int, default=2)
    parser.add_argument("--memory-heads", type=int, default=8000, help="heads of the second table")
    args = parser.parse_args()
    args.sequences, args.tokens, args.fresh = int(args.sequences), int(args.tokens), int(args.fresh)
    for part in args.parts:
        PARTS[part](args)


if __name__ == "__main__":
    main()
