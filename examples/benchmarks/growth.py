"""Do times grow as the documentation says, on data with few distinct tokens as on generic ones?

First table: how often an operation takes longer on data of twice the size, as the exponent p for which the time grows like
size^p (1: linear, 2: quadratic), from the smallest to the largest size, beside the exponent that its documentation gives.
Second table: fit on words over six points of a lattice, whose sums often meet, over fit on generic tokens of the same number
and lengths. Labels are random, so that nothing but memory gets them right. CPU seconds, the least of the repeats; a time
that is short beside the constant part of a call gives an exponent that is too small.

    python examples/benchmarks/growth.py --sequences 20000 100000 --repeats 3
    python examples/benchmarks/growth.py --parts exponents --factor 4
"""

import argparse
import time
import warnings

import numpy as np
from threadpoolctl import threadpool_limits

from sklearn_hardmax import (
    HardmaxPooling,
    HardmaxTransformerClassifier,
    HardmaxTransformerInterpolator,
    LeaderClustering,
    LeaderFlow,
    RaggedSequences,
    RaggedSequenceTransformer,
    SequenceConflictWarning,
    tasks,
)

POINTS = np.array([(0, 0), (1, 0), (0, 1), (1, 1), (2, 3), (3, 1)], dtype=float)
LONGEST = 20
HEADS = 100


# -- data --------------------------------------------------------------------------------------------------------------------


def ragged(n, tokens_of, seed=0):
    """n sequences of 1 to 20 tokens; tokens_of draws as many tokens as it is told to."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, LONGEST + 1, n)
    return RaggedSequences.from_flat(tokens_of(rng, lengths.sum()), lengths=lengths)


def generic(n):
    """Gaussian tokens: no two are equal."""
    return ragged(n, lambda rng, size: rng.standard_normal((size, 2)))


def words(n):
    """Six distinct tokens, on a lattice."""
    return ragged(n, lambda rng, size: POINTS[rng.integers(6, size=size)])


def bags(n):
    """Bags of twenty categories, one-hot."""
    return ragged(n, lambda rng, size: np.eye(20)[rng.integers(20, size=size)])


def grid(n):
    """Ten thousand distinct tokens, on a lattice."""
    return ragged(n, lambda rng, size: rng.integers(100, size=(size, 2)).astype(float))


def swaps(n):
    """(-1, 1, a, -a) with a different a each: maxima, minima and means are all equal."""
    a = np.random.default_rng(0).uniform(0.1, 0.9, n)
    return RaggedSequences.from_list(np.stack([-np.ones(n), np.ones(n), a, -a], axis=1)[:, :, None])


def copies(n):
    """One sequence n times: under random labels a single conflict."""
    return RaggedSequences.from_list(np.tile([[[1.0, 2.0], [3.0, 4.0]]], (n, 1, 1)))


def labels(n, n_classes=2):
    """Random class labels."""
    return np.random.default_rng(1).integers(n_classes, size=n)


# -- operations: each takes a size, and returns the call to be timed ---------------------------------------------------------


def fit_classifier(data, *, n_heads=HEADS, ordered=False, n_classes=2, **options):
    """Fit of the classifier to n sequences."""

    def prepared(n):
        X, y = data(n), labels(n, n_classes)
        options_ = {"n_heads": n_heads, "ordered": ordered, "random_state": 0, **options}
        return lambda: HardmaxTransformerClassifier(**options_).fit(X, y)

    return prepared


def fit_many_classes(n):
    """Fit with class weights, and one class for every ten sequences."""
    return fit_classifier(generic, n_heads=0, n_classes=n // 10, class_weight="balanced")(n)


def predict_classifier(data, *, n_heads):
    """Predict of a classifier for n sequences, fitted to 200 others."""

    def prepared(n):
        X = data(n)
        fitted = HardmaxTransformerClassifier(n_heads=n_heads, ordered=False, random_state=0).fit(
            data(200), labels(200)
        )
        return lambda: fitted.predict(X)

    return prepared


def fit_interpolator(data):
    """Fit of the interpolator; the target of a token is the parity of its rounded coordinates."""

    def prepared(n):
        X = data(n)
        Y = RaggedSequences(np.rint(X.tokens).sum(axis=1, keepdims=True) % 2, X.offsets)
        return lambda: HardmaxTransformerInterpolator(random_state=0).fit(X, Y)

    return prepared


def transform(estimator):
    """Transform of n sequences."""

    def prepared(n):
        X = generic(n)
        fitted = estimator.fit(X)
        return lambda: fitted.transform(X)

    return prepared


def flow(n):
    """Two layers of the flow of one sequence of n tokens."""
    X = RaggedSequences.from_list([np.random.default_rng(0).standard_normal((n, 2))])
    fitted = LeaderFlow(depth=2).fit(X)
    return lambda: fitted.transform(X)


def clustering(n):
    """Clustering of n rows, whose number of layers depends on the tolerance alone."""
    X = np.random.default_rng(0).standard_normal((n, 2))
    return lambda: LeaderClustering().fit(X)


def matching(task):
    """Pairs or triples of n residues."""

    def prepared(n):
        x = np.random.default_rng(0).integers(10**7, size=n)
        return lambda: task(x, 10**7)

    return prepared


class Row:
    """An operation, the exponent of its documented cost, and the sizes at which it is timed, as parts of --sequences."""

    def __init__(self, name, exponent, prepared, share=1.0):
        self.name, self.exponent, self.prepared, self.share = name, exponent, prepared, share


SHORT = 0.02  # of the sequences: sizes of operations that are not linear
ORDERS = (False, True)
ROWS = [
    *(
        Row(
            f"fit, n_heads=0, {data.__name__}{', ordered' * ordered}",
            1,
            fit_classifier(data, n_heads=0, ordered=ordered),
        )
        for data in (generic, words, bags, grid, swaps, copies)
        for ordered in ORDERS
    ),
    Row("fit, n_heads=0, a tenth as many classes, weighted", 1.5, fit_many_classes),
    *(
        Row(f"fit, {HEADS} heads, {data.__name__}{', ordered' * ordered}", 1, fit_classifier(data, ordered=ordered))
        for data in (generic, words, bags, copies)
        for ordered in ORDERS
    ),
    Row("predict, n_heads=0", 1, predict_classifier(generic, n_heads=0)),
    Row(f"predict, {HEADS} heads", 1, predict_classifier(generic, n_heads=HEADS)),
    Row("fit of the interpolator, generic", 1, fit_interpolator(generic)),
    Row("fit of the interpolator, words", 1, fit_interpolator(words)),
    Row("HardmaxPooling.transform", 1, transform(HardmaxPooling(n_heads=HEADS, random_state=0))),
    Row("RaggedSequenceTransformer.transform", 1, transform(RaggedSequenceTransformer(window=3))),
    Row("LeaderFlow.transform of one sequence", 2, flow, SHORT),
    Row("LeaderClustering.fit", 2, clustering, SHORT),
    Row("tasks.match2", 1, matching(tasks.match2)),
    Row("tasks.match3", 2, matching(tasks.match3), SHORT),
]


# -- measurement -------------------------------------------------------------------------------------------------------------


def seconds(call, repeats):
    """The least CPU time of some calls."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return min(times)


def print_row(*cells):
    """One row of a markdown table."""
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def print_head(*cells):
    """The first two rows of a markdown table."""
    print_row(*cells)
    print_row(*["---"] * len(cells))


def exponents(n, factor, repeats):
    """The first table."""
    print_head("operation", "size", "seconds", f"seconds at {factor} times the size", "exponent", "documented")
    for row in ROWS:
        size = max(20, int(row.share * n))
        few, many = (seconds(row.prepared(k * size), repeats) for k in (1, factor))
        exponent = np.log(many / few) / np.log(factor)
        print_row(row.name, size, f"{few:.3f}", f"{many:.3f}", f"{exponent:.2f}", row.exponent)


def ratios(sizes, repeats):
    """The second table."""
    print_head("sequences", "heads", "ordered", "generic s", "words s", "words / generic", "conflicts")
    for n in sizes:
        for n_heads in (0, HEADS):
            for ordered in (False, True):
                calls = [fit_classifier(data, n_heads=n_heads, ordered=ordered)(n) for data in (generic, words)]
                base, few = (seconds(call, repeats) for call in calls)
                cells = f"{base:.3f}", f"{few:.3f}", f"{few / base:.2f}", calls[1]().n_conflicts_
                print_row(n, n_heads, ordered, *cells)


def main():
    """Parse the arguments and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=("exponents", "ratios"), default=["exponents", "ratios"])
    parser.add_argument("--sequences", type=int, nargs="+", default=[20_000], help="sizes; the first one for exponents")
    parser.add_argument("--factor", type=int, default=4, help="between the two sizes of the first table")
    parser.add_argument("--repeats", type=int, default=3, help="calls, of which the fastest counts")
    arguments = parser.parse_args()
    with threadpool_limits(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore", SequenceConflictWarning)
        if "exponents" in arguments.parts:
            exponents(arguments.sequences[0], arguments.factor, arguments.repeats)
            print()
        if "ratios" in arguments.parts:
            ratios(arguments.sequences, arguments.repeats)


if __name__ == "__main__":
    main()
