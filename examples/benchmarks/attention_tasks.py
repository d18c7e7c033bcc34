"""How long do triples take by pair sums, as a third-order network and at 4,096 positions, and sparse averaging as weights?

First table: `tasks.match3` against the same answers by `apply` of one third-order attention, O(n^2 log n) against O(n^3); the
base is one sort of all pair sums, ``np.sort((x[:, None] + x).ravel())``. Second table: `encode`, which certifies every
query, and `apply` of sparse averaging; the base is the product of queries and keys, 2 n^2 m operations in BLAS. All in
turns in one process with one BLAS thread: medians over the repeats with (smallest-largest).

    python examples/benchmarks/attention_tasks.py --positions 100 1000 4000 --averaging 1024 4096 --repeats 5
"""

import argparse
import time

import numpy as np
from threadpoolctl import threadpool_limits

from sklearn_hardmax import tasks
from sklearn_hardmax.constructions import build_match3, build_sparse_averaging
from sklearn_hardmax.datasets import make_match, make_sparse_averaging
from sklearn_hardmax.forward import apply

LONGEST_PRODUCT = 200  # positions up to which the O(n^3) network is run
MODULUS = 10**7


def in_turns(calls, repeats):
    """Median seconds of every call and its text with the spread; the calls take turns."""
    times = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - start)
    median = {name: np.median(values) for name, values in times.items()}
    return median, {name: f"{median[name]:.4f} ({min(v):.4f}-{max(v):.4f})" for name, v in times.items()}


def print_row(*cells):
    """One row of a markdown table."""
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def triples(n, repeats):
    """One row: n residues with planted triples and near misses."""
    X, Y = make_match(1, task="match3", length=n, modulus=MODULUS, random_state=0)
    x = X[0].ravel().astype(np.int64)
    calls = {"sums": lambda: tasks.match3(x, MODULUS), "base": lambda: np.sort((x[:, None] + x).ravel())}
    assert (calls["sums"]() == Y[0].ravel()).all()
    if n <= LONGEST_PRODUCT:
        built = build_match3(MODULUS)
        calls["network"] = lambda: built.decode(apply(built.transformer, built.encode(X)))
        assert calls["network"]() == Y
    median, text = in_turns(calls, repeats)
    print_row(n, text["base"], text["sums"], f"{median['sums'] / median['base']:.2f}", text.get("network", ""))


def averaging(n, q, repeats):
    """One row: every one of n tokens asks for q others."""
    X, Y = make_sparse_averaging(1, length=n, q=q, random_state=0)
    built = build_sparse_averaging(n, q, token_dim=2, random_state=0)
    encoded = built.encode(X)
    m = built.transformer.layers[0].rank
    queries, keys = encoded.tokens[:, 2 : 2 + m].copy(), encoded.tokens[:, 2 + m : 2 + 2 * m].copy()
    calls = {
        "base": lambda: queries @ keys.T,
        "encode": lambda: built.encode(X),
        "apply": lambda: apply(built.transformer, encoded),
    }
    error = np.abs(built.decode(calls["apply"]()).tokens - Y.tokens).max()
    median, text = in_turns(calls, repeats)
    ratios = [f"{median[name] / median['base']:.1f}" for name in ("encode", "apply")]
    print_row(n, q, m, text["base"], text["encode"], text["apply"], *ratios, f"{error:.1e}")


def main():
    """Parse the arguments and print two markdown tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--positions", type=int, nargs="+", default=[100, 200, 1000, 4000], help="integers of match3")
    parser.add_argument(
        "--averaging", type=int, nargs="+", default=[256, 1024, 4096], help="tokens of sparse averaging"
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[2, 8], help="positions that each of these asks for")
    parser.add_argument("--repeats", type=int, default=5, help="timed rounds")
    arguments = parser.parse_args()
    with threadpool_limits(limits=1):
        print_row("integers", "base s", "pair sums s", "sums / base", "network s")
        print("|" + " --- |" * 5)
        for n in arguments.positions:
            triples(n, arguments.repeats)
        print()
        print_row("n", "q", "m", "base s", "encode s", "apply s", "encode / base", "apply / base", "error")
        print("|" + " --- |" * 9)
        for n in arguments.averaging:
            for q in arguments.sizes:
                averaging(n, q, arguments.repeats)


if __name__ == "__main__":
    main()
