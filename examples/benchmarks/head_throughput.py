"""How far is pooling by heads from the bare matrix product that computes as many numbers from as many tokens?

Features times tokens per second of ``HardmaxPooling.transform`` on float32 tokens (validation and output included) against
the float32 product (tokens, k) @ (k, heads), written over and over into one buffer of --buffer tokens; k is nine taps times
token_dim for ordered heads and token_dim for unordered ones. A second table has the time of one sequence alone, and the last
lines the speed-up of predict by two workers beside the one that two processes reach on bare products at the same moment.

Everything takes turns in one process, --threads threads of BLAS; medians of --repeats rounds (smallest-largest).

    python examples/benchmarks/head_throughput.py --repeats 5
    python examples/benchmarks/head_throughput.py --parts workers --serial 3
"""

import argparse
import os
import sys
import time

os.environ["OMP_NUM_THREADS"] = dict(zip(sys.argv, sys.argv[1:])).get("--threads", "1")  # before numpy
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"]

import numpy as np
from joblib import Parallel, delayed

from sklearn_hardmax import HardmaxPooling, HardmaxTransformerClassifier, RaggedSequences

N_TAPS = 9
ORDERED = [(24, 1), (100, 1), (427, 1), (1500, 1), (100, 12)]  # tokens of a sequence, token_dim
UNORDERED = [(length, dim) for dim in (3, 20, 166) for length in (5, 20, 100, 1000)]
KINDS = {"ordered": ORDERED, "unordered": UNORDERED}
TRAINING = 200  # sequences that heads are drawn from
WORKERS = 2
SHAPE = (100, 1)  # of the sequences that workers share


def make_problem(n_tokens, length, dim):
    """Gaussian float32 sequences of one length, n_tokens in all, and labels of two classes."""
    rng = np.random.default_rng(0)
    n = max(2, n_tokens // length)
    tokens = rng.standard_normal((n * length, dim), dtype=np.float32)
    return RaggedSequences.from_flat(tokens, lengths=np.full(n, length)), np.arange(n) % 2


def fitted_pooling(X, y, ordered, n_heads):
    """Heads drawn from the first sequences."""
    pooling = HardmaxPooling(n_heads=n_heads, ordered=ordered, random_state=0)
    return pooling.fit(X[:TRAINING], y[:TRAINING])


class Product:
    """The bare product of n_tokens rows of k numbers with k x n_heads, in blocks of one buffer."""

    def __init__(self, n_tokens, k, n_heads, buffer):
        rng = np.random.default_rng(1)
        self.left = rng.standard_normal((buffer, k), dtype=np.float32)
        self.right = rng.standard_normal((k, n_heads), dtype=np.float32)
        self.n_tokens, self.out = n_tokens, np.zeros((buffer, n_heads), np.float32)

    def __call__(self):
        """Run it."""
        for first in range(0, self.n_tokens, len(self.left)):
            rows = slice(0, min(len(self.left), self.n_tokens - first))
            np.matmul(self.left[rows], self.right, out=self.out[rows])


def run_product(*size):
    """The same in a worker, whose buffer is its own."""
    Product(*size)()


def seconds(function):
    """Wall time of one call."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def in_turns(calls, repeats):
    """Seconds of each call by name, (repeats,); all once before any clock runs."""
    for call in calls.values():
        call()
    times = {name: [] for name in calls}
    for _ in range(repeats):  # in turns, so that a slow spell of the machine meets all
        for name, call in calls.items():
            times[name].append(seconds(call))
    return {name: np.array(values) for name, values in times.items()}


def spread(values):
    """Median (smallest-largest)."""
    return f"{np.median(values):.3g} ({values.min():.3g}-{values.max():.3g})"


def show(*header):
    """Head of a markdown table."""
    print("\n| " + " | ".join(header) + " |\n|" + " --- |" * len(header), flush=True)


def row(*cells):
    """One line of it."""
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def throughput(args):
    """Ours against the product, case by case."""
    show("heads", "tokens", "token_dim", "sequences", "ours G/s", "product G/s", "time ours / product")
    for kind, cases in KINDS.items():
        ordered = kind == "ordered"
        for length, dim in cases:
            X, y = make_problem(int(args.ordered_tokens if ordered else args.unordered_tokens), length, dim)
            pooling = fitted_pooling(X, y, ordered, args.heads)
            product = Product(X.n_tokens, dim * (N_TAPS if ordered else 1), args.heads, args.buffer)
            calls = {"ours": lambda p=pooling, X=X: p.transform(X), "product": product}
            times = in_turns(calls, args.repeats)
            rates = [spread(X.n_tokens * args.heads / 1e9 / times[name]) for name in calls]
            row(kind, length, dim, len(X), *rates, spread(times["ours"] / times["product"]))


def alone(args):
    """Milliseconds for one sequence, by a fitted classifier."""
    show("heads", "tokens", "token_dim", "one sequence, predict ms", "one sequence, transform ms")
    for kind, cases in KINDS.items():
        for length, dim in cases[:-1] if kind == "ordered" else UNORDERED[:4]:
            X, y = make_problem(TRAINING * length, length, dim)
            setting = {"n_heads": args.heads, "ordered": kind == "ordered", "random_state": 0}
            classifier = HardmaxTransformerClassifier(**setting).fit(X, y)
            pooling, one = HardmaxPooling(**setting).fit(X, y), X[:1]
            calls = {
                "predict": lambda c=classifier, one=one: c.predict(one),
                "transform": lambda p=pooling, one=one: p.transform(one),
            }
            times = in_turns(calls, 4 * args.repeats)
            row(kind, length, dim, *(spread(1e3 * times[name]) for name in calls))


def workers(args):
    """The speed-up of predict by two workers, and that of products in two processes, round by round."""
    show("heads", "predict speed-up", "product speed-up", "their ratio", "serial s", "product serial s")
    for kind in KINDS:
        ordered = kind == "ordered"
        X, y = make_problem(2**17, *SHAPE)
        setting = {"n_heads": args.heads, "ordered": ordered, "random_state": 0}
        fitted = HardmaxTransformerClassifier(**setting).fit(X[:TRAINING], y[:TRAINING])
        once = min(seconds(lambda c=fitted, X=X: c.predict(X)) for _ in range(2))
        X, _ = make_problem(int(2**17 * args.serial / once), *SHAPE)
        k = N_TAPS if ordered else SHAPE[1]
        product = Product(2**17, k, args.heads, args.buffer)
        n_tokens = int(2**17 * args.serial / min(seconds(product) for _ in range(2)))
        calls = {}
        for n_jobs in (1, WORKERS):
            calls[f"ours {n_jobs}"] = lambda c=fitted, n=n_jobs, X=X: c.set_params(n_jobs=n).predict(X)
            # one task goes to a worker as well, so that both ways pay for the way there
            tasks = [delayed(run_product)(n_tokens // n_jobs, k, args.heads, args.buffer)] * n_jobs
            calls[f"product {n_jobs}"] = lambda tasks=tasks: Parallel(n_jobs=WORKERS)(tasks)
        times = in_turns(calls, args.repeats)
        ours, bare = (times[f"{name} 1"] / times[f"{name} {WORKERS}"] for name in ("ours", "product"))
        row(kind, *map(spread, (ours, bare, ours / bare, times["ours 1"], times["product 1"])))


PARTS = {"throughput": throughput, "alone": alone, "workers": workers}


def read_arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=list(PARTS))
    parser.add_argument("--heads", type=int, default=8000)
    parser.add_argument("--ordered-tokens", type=float, default=1e5, help="tokens in all of an ordered case")
    parser.add_argument("--unordered-tokens", type=float, default=2e4, help="and of an unordered one")
    parser.add_argument("--buffer", type=int, default=1024, help="tokens of the buffer that products are written to")
    parser.add_argument("--serial", type=float, default=3.0, help="seconds of the work that two workers share")
    parser.add_argument("--repeats", type=int, default=5, help="timed rounds")
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
