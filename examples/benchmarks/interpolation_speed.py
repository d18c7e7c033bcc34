"""How much faster is the interpolator's `predict`, a search, than running its network layer by layer?

Gaussian tokens, ten a sequence, five of which carry a target. Both paths run on the same sequences in turns, in one process
with one BLAS thread, and must give the same bits; a row gives medians over the repeats with (smallest-largest).

    python examples/benchmarks/interpolation_speed.py --targets 500 5000 --repeats 3
"""

import argparse
import time

import numpy as np
from threadpoolctl import threadpool_limits

from sklearn_hardmax import HardmaxTransformerInterpolator, RaggedSequences
from sklearn_hardmax.forward import apply

TOKENS, CARRIERS = 10, 5
HEADER = ("targets M", "sequences N", "tokens", "blocks", "fit s", "predict s", "network s", "network / predict")


def seconds(function):
    """Wall time of one call, and what it returns."""
    start = time.perf_counter()
    value = function()
    return time.perf_counter() - start, value


def measure(n_targets, attention, repeats):
    """One row of the table."""
    rng, n = np.random.default_rng(0), n_targets // CARRIERS
    X = RaggedSequences.from_flat(rng.normal(size=(n * TOKENS, 2)), lengths=np.full(n, TOKENS))
    Y = rng.normal(size=(n, CARRIERS, 1))
    model = HardmaxTransformerInterpolator(ordered=False, attention=attention, random_state=0)
    times = {"fit": [], "predict": [], "network": []}
    for _ in range(repeats):
        times["fit"].append(seconds(lambda: model.fit(X, Y))[0])
        transformer = model.to_transformer()
        took, fast = seconds(lambda: model.predict(X))
        times["predict"].append(took)
        took, slow = seconds(lambda: model.decode(apply(transformer, model.encode(X))))  # noqa: B023
        times["network"].append(took)
        assert fast == slow
        assert model.score(X, Y) == 1.0
    spread = [f"{np.median(t):.4f} ({min(t):.4f}-{max(t):.4f})" for t in times.values()]
    ratio = np.median(times["network"]) / np.median(times["predict"])
    return [n_targets, n, X.n_tokens, model.n_blocks_, *spread, f"{ratio:.0f}"]


def main():
    """Parse the arguments and print one markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--targets", type=int, nargs="+", default=[500, 5000], help="targets in all, five a sequence")
    parser.add_argument("--attention", default="hardmax", choices=["hardmax", "softmax"])
    parser.add_argument("--repeats", type=int, default=3, help="timed rounds")
    arguments = parser.parse_args()
    print("| " + " | ".join(HEADER) + " |")
    print("|" + " --- |" * len(HEADER))
    with threadpool_limits(limits=1):
        for n_targets in arguments.targets:
            row = measure(n_targets, arguments.attention, arguments.repeats)
            print("| " + " | ".join(map(str, row)) + " |", flush=True)


if __name__ == "__main__":
    main()
