"""Is the cost of fit and predict linear in the number of tokens, and how far is it from the cheapest pass there is?

The base is to project the same tokens on one direction and to sort the projections once, ``np.sort(tokens @ u)``. Fit,
predict and base take turns in one process with one BLAS thread; a row gives medians over the repeats with (smallest-largest).
Memory is traced in a pass of its own, which is not timed: (bytes allocated at the peak + bytes of the tokens) / bytes of the
tokens, so that 1 means nothing beside the tokens themselves.

    python examples/benchmarks/linear_cost.py --tokens 1e5 1e6 1e7 --dims 2 20 --repeats 5
"""

import argparse
import time
import tracemalloc

import numpy as np
from threadpoolctl import threadpool_limits

from sklearn_hardmax import HardmaxTransformerClassifier, RaggedSequences

TOKENS_A_SEQUENCE = 20
HEADER = (
    "tokens",
    "dim",
    "base s",
    "fit s",
    "predict s",
    "fit / base",
    "predict / base",
    "fit memory",
    "predict memory",
    "blocks",
)


def make_problem(n_tokens, dim):
    """Gaussian tokens, random binary labels and a direction; the sequences are made before any clock runs."""
    rng = np.random.default_rng(0)
    n_sequences = n_tokens // TOKENS_A_SEQUENCE
    tokens = rng.standard_normal((n_sequences * TOKENS_A_SEQUENCE, dim))
    X = RaggedSequences.from_flat(tokens, lengths=np.full(n_sequences, TOKENS_A_SEQUENCE))
    return X, rng.integers(2, size=n_sequences), rng.standard_normal(dim)


def classifier():
    """The classifier under test, new each time."""
    return HardmaxTransformerClassifier(n_heads=0, ordered=False, random_state=0)


def seconds(function):
    """Wall time of one call."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def peak(function):
    """Bytes allocated at the peak of one call, above those before it."""
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def measure(n_tokens, dim, repeats):
    """One row of the table."""
    X, y, u = make_problem(n_tokens, dim)
    tokens, fitted = X.tokens, classifier().fit(X, y)
    assert fitted.score(X, y) == 1.0
    calls = {
        "base": lambda: np.sort(tokens @ u),
        "fit": lambda: classifier().fit(X, y),
        "predict": lambda: fitted.predict(X),
    }
    times = {name: [] for name in calls}
    for _ in range(repeats):  # in turns, so that a slow spell of the machine meets all three
        for name, call in calls.items():
            times[name].append(seconds(call))
    median = {name: np.median(values) for name, values in times.items()}
    memory = {name: 1 + peak(calls[name]) / tokens.nbytes for name in ("fit", "predict")}
    spread = [f"{median[name]:.3f} ({min(values):.3f}-{max(values):.3f})" for name, values in times.items()]
    ratios = [f"{median[name] / median['base']:.2f}" for name in ("fit", "predict")]
    return [f"{len(tokens):.0e}", dim, *spread, *ratios, *(f"{m:.2f}" for m in memory.values()), fitted.n_blocks_]


def main():
    """Parse the arguments and print one markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=float, nargs="+", default=[1e5, 1e6], help="tokens in all, 20 a sequence")
    parser.add_argument("--dims", type=int, nargs="+", default=[2, 20], help="features of a token")
    parser.add_argument("--repeats", type=int, default=5, help="timed rounds")
    arguments = parser.parse_args()
    print("| " + " | ".join(HEADER) + " |")
    print("|" + " --- |" * len(HEADER))
    with threadpool_limits(limits=1):
        for n_tokens in arguments.tokens:
            for dim in arguments.dims:
                row = measure(int(n_tokens), dim, arguments.repeats)
                print("| " + " | ".join(map(str, row)) + " |", flush=True)


if __name__ == "__main__":
    main()
