"""What does the ridge regression of the classifier cost, and what does its grid of integers change?

Times are in units of one Cholesky factor, float64, of the order of the number of heads, on the same machine with the same
threads. The first table has fit, pooling and all, on series of Gaussian noise with a step for one of two classes, beside
scikit-learn's RidgeClassifierCV on the same features and penalties where its singular values fit into memory; with the memory
of fit at its peak beyond the input. The second one has predictions on fresh series by regressions on the features as they
are and on the grid: how many differ, and how far coefficients are apart, from one penalty. The third one is the speed-up of
fit by two workers beside the one that two processes reach on bare products at the same moment.

Each fit of the first table has a process of its own, since the peak of a process never falls; --threads threads of BLAS.

    python examples/benchmarks/ridge.py --sequences 12000 --length 20 --heads 8000
    python examples/benchmarks/ridge.py --parts workers --sequences 20000 --length 100 --heads 2000
"""

import argparse
import multiprocessing
import os
import resource
import sys
import time
from concurrent.futures import ProcessPoolExecutor

os.environ["OMP_NUM_THREADS"] = dict(zip(sys.argv, sys.argv[1:])).get("--threads", "1")  # before numpy
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"]

import numpy as np
from joblib import Parallel, delayed
from scipy.linalg import lapack
from sklearn.linear_model import Ridge, RidgeClassifierCV

from sklearn_hardmax import HardmaxPooling, HardmaxTransformerClassifier, RaggedSequences
from sklearn_hardmax.constructions.scoring.grid import Grid

ALPHAS = np.logspace(-3, 5, 13)  # those of alphas="auto"
PEAK_UNIT = 1 if sys.platform == "darwin" else 1024  # bytes in a unit of ru_maxrss
MOST_PEER = 2e7  # numbers in the features for RidgeClassifierCV; more are left out


def make_problem(n, length, seed):
    """n series of one length; those of class 1 are raised by a half in the second third."""
    rng = np.random.default_rng(seed)
    y = rng.integers(2, size=n)
    series = rng.standard_normal((n, length, 1))
    series[:, length // 3 : 2 * length // 3] += 0.5 * y[:, None, None]
    return RaggedSequences.from_flat(series.reshape(-1, 1), lengths=np.full(n, length)), y


def seconds(function, *arguments):
    """Wall time of one call."""
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def factor(order):
    """One Cholesky factor of this order; returns its seconds."""
    matrix = np.full((order, order), 0.5, order="F")
    np.fill_diagonal(matrix, order)
    return seconds(lambda: lapack.dpotrf(matrix, lower=1, clean=0, overwrite_a=1))


def peak():
    """Bytes that this process has had resident at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * PEAK_UNIT


def in_child(function, *arguments):
    """What a function gives in a new process."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def show(*header):
    """Head of a markdown table."""
    print("\n| " + " | ".join(header) + " |\n|" + " --- |" * len(header), flush=True)


def row(*cells):
    """One line of it."""
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


# -- cost ----------------------------------------------------------------------------------------------------------------


def fitted(n, length, heads):
    """Seconds, and bytes beyond the input, of fit."""
    X, y = make_problem(n, length, 0)
    classifier = HardmaxTransformerClassifier(n_heads=heads, random_state=0, exact=False)
    HardmaxTransformerClassifier(n_heads=heads, random_state=0).fit(
        X[:50], y[:50]
    )  # libraries are loaded, not measured
    before = peak()
    return seconds(classifier.fit, X, y), peak() - before


def peer(n, length, heads):
    """Seconds of RidgeClassifierCV on the features, which are not timed."""
    X, y = make_problem(n, length, 0)
    features = HardmaxPooling(n_heads=heads, random_state=0).fit_transform(X)
    features = (features - features.mean(axis=0)) / np.maximum(features.std(axis=0), 1e-9)
    return seconds(RidgeClassifierCV(ALPHAS).fit, features, y)


def cost(args):
    """Fit in units of a Cholesky factor."""
    show("sequences", "points", "heads", "factor s", "fit s", "fit, factors", "fit, MB", "RidgeClassifierCV, factors")
    for n in args.sequences:
        before = in_child(factor, args.heads)
        elapsed, memory = in_child(fitted, n, args.length, args.heads)
        unit = (before + in_child(factor, args.heads)) / 2
        theirs = "left out"
        if n * args.heads <= MOST_PEER:
            theirs = f"{in_child(peer, n, args.length, args.heads) / unit:.1f}"
        row(
            n,
            args.length,
            args.heads,
            f"{unit:.2f}",
            f"{elapsed:.1f}",
            f"{elapsed / unit:.1f}",
            f"{memory / 1e6:.0f}",
            theirs,
        )


# -- grid ----------------------------------------------------------------------------------------------------------------


def grid(args):
    """Regressions on the features as they are, and rounded to the grid."""
    show(
        "sequences", "heads", "penalty", "predictions that differ", "coefficients apart", "seconds to round", "to pool"
    )
    for n in args.sequences:
        X, y = make_problem(n, args.length, 0)
        fresh, _ = make_problem(args.fresh, args.length, 1)
        pooling = HardmaxPooling(n_heads=args.heads, random_state=0).fit(X)
        start = time.perf_counter()
        features = pooling.transform(X).T
        pool_seconds = time.perf_counter() - start
        weight = np.ones(n)
        rounding = Grid.fit(features, weight, float(n), pooling._heads.kinds, pooling._heads.scale_floor)
        start = time.perf_counter()
        rounded = rounding.integers(features) / rounding.factors[:, None] + rounding.centers[:, None]
        round_seconds = time.perf_counter() - start
        scales = np.maximum(features.std(axis=1), 1e-9)[:, None]
        for alpha in args.penalties:
            models = [Ridge(alpha, solver="cholesky").fit((f / scales).T, 2.0 * y - 1) for f in (features, rounded)]
            new = pooling.transform(fresh) / scales.T
            labels = [model.predict(new) > 0 for model in models]
            apart = np.abs(models[1].coef_ - models[0].coef_).max() / np.abs(models[0].coef_).max()
            differ = f"{np.sum(labels[0] != labels[1])} of {len(new)}"
            row(n, args.heads, f"{alpha:g}", differ, f"{apart:.1e}", f"{round_seconds:.2f}", f"{pool_seconds:.2f}")


# -- workers -------------------------------------------------------------------------------------------------------------


def product(n):
    """n products of matrices of order 1,000."""
    matrix = np.ones((1000, 1000))
    out = np.empty_like(matrix)
    for _ in range(n):
        np.matmul(matrix, matrix, out=out)


def workers(args):
    """The speed-up of fit and predict by two workers, and that of products in two processes, round by round."""
    show("sequences", "heads", "fit speed-up", "predict speed-up", "product speed-up", "fit s, one job")
    for n in args.sequences:
        X, y = make_problem(n, args.length, 0)
        times = {}
        for _ in range(args.repeats):
            for n_jobs in (1, 2):
                model = HardmaxTransformerClassifier(n_heads=args.heads, random_state=0, exact=False, n_jobs=n_jobs)
                times.setdefault(("fit", n_jobs), []).append(seconds(model.fit, X, y))
                times.setdefault(("predict", n_jobs), []).append(seconds(model.predict, X))
                tasks = [delayed(product)(200 // n_jobs)] * n_jobs
                times.setdefault(("product", n_jobs), []).append(seconds(Parallel(n_jobs=2), tasks))
        speed = {name: np.median(np.array(times[name, 1]) / times[name, 2]) for name in ("fit", "predict", "product")}
        row(n, args.heads, *(f"{value:.2f}" for value in speed.values()), f"{np.median(times['fit', 1]):.1f}")


PARTS = {"cost": cost, "grid": grid, "workers": workers}


def read_arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=list(PARTS))
    parser.add_argument("--sequences", type=int, nargs="+", default=[1000, 6000])
    parser.add_argument("--length", type=int, default=20, help="points of a series")
    parser.add_argument("--heads", type=int, default=2000)
    parser.add_argument("--fresh", type=int, default=2000, help="series that are predicted")
    parser.add_argument("--penalties", type=float, nargs="+", default=[1e-3, 1.0, 1e3])
    parser.add_argument("--repeats", type=int, default=3, help="rounds of the workers")
    parser.add_argument("--threads", type=int, default=1, help="threads of BLAS")
    args = parser.parse_args()
    if os.environ["OMP_NUM_THREADS"] != str(args.threads):
        parser.error("write --threads and its number apart")
    return args


def main():
    """Print the tables."""
    args = read_arguments()
    for part in args.parts:
        PARTS[part](args)


if __name__ == "__main__":
    main()
