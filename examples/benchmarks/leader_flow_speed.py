"""How fast is the leader flow, beside plain loops over documents and tokens, and how much memory does a long document take?

The plain loop does what one writes down first: for each document, layer and token one product with all tokens, the tie rule
on the row, one mean. Both run --documents Gaussian documents through --depth layers, in turns in one process with one BLAS
thread; a row gives medians over the rounds with (smallest-largest). The second table has one layer on one long document, with
the bytes allocated at the peak by tracemalloc, in a pass of its own: tokens drawn at random; all zero (all attend to all);
and on a cross, where half of the tokens attend to half of all tokens each.

    python examples/benchmarks/leader_flow_speed.py --repeats 5
"""

import argparse
import time
import tracemalloc

import numpy as np
from threadpoolctl import threadpool_limits

from sklearn_hardmax import LeaderFlow, RaggedSequences

EPS = np.finfo(np.float64).eps
CASES = [(20, 2), (128, 2), (20, 16), (128, 16)]  # tokens a document, token_dim
HEADER = ("tokens", "token_dim", "loops s", "ours s", "loops / ours")


def loops(documents, alpha, depth):
    """The flow of each document, token by token."""
    out = []
    for Z in documents:
        for _ in range(depth):
            sizes, moved = np.abs(Z), np.empty_like(Z)
            for i, z in enumerate(Z):
                scores, bounds = Z @ z, 2 * Z.shape[1] * EPS * (sizes @ np.abs(z))
                best = scores.argmax()
                attended = np.flatnonzero(scores[best] - scores <= bounds[best] + bounds)
                moved[i] = (z + alpha * Z[attended].mean(axis=0)) / (1 + alpha)
            Z = moved
        out.append(Z)
    return np.concatenate(out)


def seconds(function):
    """Wall time of one call."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def spread(values):
    """Median (smallest-largest)."""
    return f"{np.median(values):.3g} ({np.min(values):.3g}-{np.max(values):.3g})"


def row(*cells):
    """One line of a markdown table."""
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def beside_loops(args):
    """Loops and ours in turns."""
    row(*HEADER)
    row(*["---"] * len(HEADER))
    for n_tokens, token_dim in CASES:
        X = RaggedSequences.from_flat(
            np.random.default_rng(0).normal(size=(args.documents * n_tokens, token_dim)),
            lengths=[n_tokens] * args.documents,
        )
        flow = LeaderFlow(depth=args.depth).fit(X)
        np.testing.assert_allclose(flow.transform(X).tokens, loops(X, 1.0, args.depth), rtol=0, atol=1e-12)
        times = np.array(
            [
                (seconds(lambda X=X: loops(X, 1.0, args.depth)), seconds(lambda f=flow, X=X: f.transform(X)))
                for _ in range(args.repeats)
            ]
        ).T
        row(n_tokens, token_dim, *map(spread, times), spread(times[0] / times[1]))


def long_documents(args):
    """Time and memory of one layer on one document."""
    n = args.long
    half = np.linspace(0.01, 0.99, n - n // 2)
    documents = {
        "random": np.random.default_rng(0).normal(size=(n, 2)),
        "zero": np.zeros((n, 2)),
        "cross": np.concatenate(
            [np.outer(half, [1.0, 0.0]), np.column_stack([np.ones(n // 2), np.linspace(-1, 1, n // 2)])]
        ),
    }
    print()
    row("document", "tokens", "s", "peak MB", "MB of all scores")
    row(*["---"] * 5)
    for name, tokens in documents.items():
        X = RaggedSequences.from_list([tokens])
        flow = LeaderFlow(depth=1).fit(X)
        taken = seconds(lambda f=flow, X=X: f.transform(X))
        tracemalloc.start()
        flow.transform(X)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        row(name, n, f"{taken:.3g}", f"{peak / 1e6:.1f}", f"{8e-6 * n * n:.0f}")


def main():
    """Parse the arguments and print two markdown tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=64)
    parser.add_argument("--depth", type=int, default=8)
    parser.add_argument("--long", type=int, default=20_000, help="tokens of the long document")
    parser.add_argument("--repeats", type=int, default=5, help="timed rounds")
    args = parser.parse_args()
    with threadpool_limits(limits=1):
        beside_loops(args)
        long_documents(args)


if __name__ == "__main__":
    main()
