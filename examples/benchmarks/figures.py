"""Which figures did a change move? Times, memory, accuracy and sizes of fixed cases, written to a file and compared.

    python examples/benchmarks/figures.py run --out before.json
    git switch my-change
    python examples/benchmarks/figures.py run --out after.json
    python examples/benchmarks/figures.py compare before.json after.json

A time is a ratio: the seconds of the call over those of a fixed NumPy workload, the calibration. It runs right before
the call, in the same process with one BLAS thread, so that a machine that is slow for a while slows both. The calls
take turns. The value of a time is the median over the repeats, and its spread is the quartiles. Memory is the peak
that tracemalloc sees, in a pass of its own. Accuracies and sizes are the same in every run. All data are drawn from
fixed seeds or come with scikit-learn. A run takes about half a minute.

`compare` says that a figure moved where the quartiles before and after do not overlap and the ratio of the values
exceeds --threshold. The ratio of two accuracies is that of their errors. Compare files from one machine only:
`compare` warns where machines, threads or libraries differ. To measure a commit that lacks this script or has other
figures in it, copy the script and name the clone: PYTHONPATH=CLONE python COPY run --out before.json.
"""

import argparse
import fnmatch
import json
import os
import platform
import subprocess
import sys
import time
import tracemalloc
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import scipy
import sklearn
from sklearn.model_selection import train_test_split
from threadpoolctl import threadpool_info, threadpool_limits

import sklearn_hardmax
from sklearn_hardmax import (
    HardmaxPooling,
    HardmaxTransformerClassifier,
    HardmaxTransformerInterpolator,
    LeaderFlow,
    LeaderTextClassifier,
    RaggedSequences,
    datasets,
    forward,
)

N_HEADS = 1000
MEMORY_REPEATS = 3  # the peak hardly changes, and tracing is slow
UNITS = {"time": "calibrations", "memory": "MB", "accuracy": "accuracy", "size": "count"}
WORDS = {  # a figure that became smaller, and one that became larger; an accuracy counts as its error
    "time": ("faster", "slower"),
    "memory": ("smaller", "larger"),
    "accuracy": ("better", "worse"),
    "size": ("smaller", "larger"),
}


class Figure(NamedTuple):
    """What is measured: `prepare()` gives the call whose time or memory counts, or the accuracy or size itself."""

    name: str
    kind: str
    prepare: object


FIGURES = []


def figure(kind):
    """Enter a function into the list of figures under its own name."""

    def enter(prepare):
        FIGURES.append(Figure(prepare.__name__.replace("_", "-"), kind, prepare))
        return prepare

    return enter


# -- data and models ---------------------------------------------------------------------------------------------------


@cache
def series():
    """600 noisy series of 60 to 150 tokens with two channels, and their labels: which of three waves they hold."""
    rng = np.random.default_rng(0)
    lengths, y = rng.integers(60, 151, size=600), np.arange(600) % 3
    waves = [np.sin(np.arange(n)[:, None] * (0.1 + 0.05 * k) + [0.0, 1.0]) for n, k in zip(lengths, y)]
    return RaggedSequences.from_list([wave + rng.normal(size=wave.shape) for wave in waves]), y


@cache
def digits():
    """Sets of points, half of them to learn from: X, X_new, y, y_new."""
    X, y = datasets.load_digit_points()
    return train_test_split(X, y, test_size=0.5, stratify=y, random_state=0)


@cache
def random_sets():
    """20,000 sets under random labels, which only memory gets right."""
    return datasets.make_labelled_sequences(20_000, n_classes=3, random_state=0)


@cache
def token_targets():
    """2000 sets of ten tokens, five of which carry a target."""
    rng = np.random.default_rng(0)
    X = RaggedSequences.from_flat(rng.normal(size=(20_000, 2)), lengths=np.full(2000, 10))
    return X, rng.normal(size=(2000, 5, 1))


@cache
def texts():
    """1000 texts of 5 to 20 words out of 300, and their kind, which makes some words more frequent."""
    rng = np.random.default_rng(0)
    kinds = np.arange(1000) % 2
    ranks = [rng.geometric(0.02, size=n) % 150 for n in rng.integers(5, 21, size=1000)]
    return [" ".join(f"word{2 * r + kind * (r % 5 == 0)}" for r in rank) for rank, kind in zip(ranks, kinds)], kinds


def series_classifier():
    """Not fitted, like those below."""
    return HardmaxTransformerClassifier(n_heads=N_HEADS, random_state=0)


def set_classifier():
    """For sets."""
    return HardmaxTransformerClassifier(n_heads=N_HEADS, ordered=False, random_state=0)


def memoriser():
    """The construction of the paper alone."""
    return HardmaxTransformerClassifier(n_heads=0, ordered=False, random_state=0)


def interpolator():
    """Targets for tokens."""
    return HardmaxTransformerInterpolator(ordered=False, random_state=0)


@cache
def fitted_on_digits():
    """The classifier of sets after half of the digits."""
    X, _, y, _ = digits()
    return set_classifier().fit(X, y)


@cache
def fitted_on_random_sets():
    """The construction of the paper for the random sets."""
    return memoriser().fit(*random_sets())


@cache
def fitted_on_tokens():
    """The interpolator of all token targets."""
    return interpolator().fit(*token_targets())


# -- figures -----------------------------------------------------------------------------------------------------------


@figure("time")
def fit_series():
    X, y = series()
    return lambda: series_classifier().fit(X, y)


@figure("time")
def predict_series():
    X, y = series()
    fitted = series_classifier().fit(X, y)
    return lambda: fitted.predict(X)


@figure("time")
def fit_sets():
    X, _, y, _ = digits()
    return lambda: set_classifier().fit(X, y)


@figure("time")
def predict_sets():
    fitted, X_new = fitted_on_digits(), digits()[1]
    return lambda: fitted.predict(X_new)


@figure("time")
def fit_without_heads():
    X, y = random_sets()
    return lambda: memoriser().fit(X, y)


@figure("time")
def predict_without_heads():
    fitted, (X, _) = fitted_on_random_sets(), random_sets()
    return lambda: fitted.predict(X)


@figure("time")
def fit_interpolator():
    X, Y = token_targets()
    return lambda: interpolator().fit(X, Y)


@figure("time")
def predict_interpolator():
    fitted, (X, _) = fitted_on_tokens(), token_targets()
    return lambda: fitted.predict(X)


@figure("time")
def transform_pooling():
    X, y = series()
    fitted = HardmaxPooling(n_heads=2 * N_HEADS, random_state=0).fit(X, y)
    return lambda: fitted.transform(X)


@figure("time")
def transform_flow():
    tokens = np.random.default_rng(0).normal(size=(100 * 100, 2))
    X = RaggedSequences.from_flat(tokens, lengths=np.full(100, 100))
    fitted = LeaderFlow(depth=8).fit(X)
    return lambda: fitted.transform(X)


@figure("time")
def fit_texts():
    documents, kinds = texts()
    return lambda: LeaderTextClassifier(max_iter=3, random_state=0).fit(documents, kinds)


@figure("time")
def apply_network():
    X, y = random_sets()
    fitted = memoriser().fit(X[:1000], y[:1000])
    network, encoded = fitted.to_transformer(), fitted.encode(X[:1000])
    return lambda: forward.apply(network, encoded)


@figure("memory")
def memory_of_fit_series():
    return fit_series()


@figure("memory")
def memory_of_fit_sets():
    return fit_sets()


@figure("accuracy")
def accuracy_on_digits():
    _, X_new, _, y_new = digits()
    return fitted_on_digits().score(X_new, y_new)


@figure("size")
def blocks_for_digits():
    return fitted_on_digits().n_blocks_


@figure("size")
def parameters_for_digits():
    return fitted_on_digits().n_parameters_


@figure("size")
def blocks_without_heads():
    return fitted_on_random_sets().n_blocks_


@figure("size")
def parameters_without_heads():
    return fitted_on_random_sets().n_parameters_


@figure("size")
def blocks_of_interpolator():
    return fitted_on_tokens().n_blocks_


# -- measuring ---------------------------------------------------------------------------------------------------------


class Calibration:
    """The fixed workload: products of matrices, a sort, exponentials and a loop in Python."""

    def __init__(self):
        rng = np.random.default_rng(0)
        self.matrix = rng.normal(size=(600, 600))
        self.numbers = rng.normal(size=1_000_000)

    def __call__(self):
        """Run it."""
        self.matrix @ self.matrix
        np.sort(self.numbers)
        np.exp(self.numbers)
        sum(i % 7 for i in range(100_000))


def seconds(call):
    """Wall time of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def peak(call):
    """Megabytes allocated at the peak of one call, above those before it."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


def row_of(one, values):
    """A figure as it stands in the file."""
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75]).tolist()
    return {"name": one.name, "kind": one.kind, "unit": UNITS[one.kind], "value": middle, "spread": [low, high]}


def in_calibrations(calls, repeats, calibration):
    """Ratios of the seconds of each call to those of the calibration before it, by name."""
    for call in (calibration, *calls.values()):  # what is imported or kept at the first call is there now
        call()
    ratios = {name: [] for name in calls}
    for _ in range(repeats):  # in turns, so that a slow spell of the machine meets all
        for name, call in calls.items():
            base = seconds(calibration)
            ratios[name].append(seconds(call) / base)
    return ratios


def measure(figures, repeats):
    """The rows of these figures, times first."""
    timed = [one for one in figures if one.kind == "time"]
    ratios = in_calibrations({one.name: one.prepare() for one in timed}, repeats, Calibration())
    yield from (row_of(one, ratios[one.name]) for one in timed)
    for one in figures:
        if one.kind == "memory":
            call = one.prepare()
            yield row_of(one, [peak(call) for _ in range(min(repeats, MEMORY_REPEATS))])
        elif one.kind != "time":
            yield row_of(one, [one.prepare()])


def processor():
    """Its name where the system tells, otherwise its kind."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text(encoding="utf-8").splitlines() if information.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def commit_of(folder):
    """The commit that the package is read from, with -dirty after changes; None where git does not know the package."""
    git = ["git", "-C", str(folder)]
    try:
        subprocess.run([*git, "ls-files", "--error-unmatch", "__init__.py"], capture_output=True, check=True)
        found = subprocess.run(
            [*git, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return None
    return found.stdout.strip()


def about():
    """What was measured, and where."""
    blas = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    return {
        "sklearn_hardmax": sklearn_hardmax.__version__,
        "commit": commit_of(Path(sklearn_hardmax.__file__).parent),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "scikit-learn": sklearn.__version__,
        "blas": sorted({f"{pool['internal_api']} {pool['version']} {pool.get('architecture', '')}" for pool in blas}),
        "threads": max((pool["num_threads"] for pool in blas), default=None),
    }


def run(args, figures):
    """Measure, print and write."""
    show("figure", "unit", "value (quartiles)")
    with threadpool_limits(limits=1):
        found, rows = about(), []
        for row in measure(figures, args.repeats):
            rows.append(row)
            show(row["name"], row["unit"], spread(row))
    written = {"about": {**found, "repeats": args.repeats}, "figures": rows}
    args.out.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")
    return 0


# -- comparing ---------------------------------------------------------------------------------------------------------


def read(path):
    """A file of figures: what it says about itself, and the rows by name."""
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        return held["about"], {row["name"]: row for row in held["figures"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SystemExit(f"{path} holds no figures as written by run: {error!r}") from error


def cost(row):
    """Value and quartiles as numbers of which smaller ones are better: an accuracy as its error."""
    low, high = row["spread"]
    if row["kind"] == "accuracy":
        return 1 - row["value"], 1 - high, 1 - low
    return row["value"], low, high


def ratio(before, after):
    """After over before, also where nothing was there before."""
    if before == after:
        return 1.0
    return after / before if before else float("inf")


def judge(before, after, threshold):
    """The ratio of two rows, and what to call it."""
    old, old_low, old_high = cost(before)
    new, new_low, new_high = cost(after)
    change = ratio(old, new)
    smaller, larger = WORDS[after["kind"]]
    if new_low > old_high and change > threshold:
        return change, larger
    if new_high < old_low and change < 1 / threshold:
        return change, smaller
    return change, "same"


def differences(before, after):
    """A warning for every way in which two runs were not alike but for the package."""
    for key in sorted((before.keys() | after.keys()) - {"sklearn_hardmax", "commit", "repeats"}):
        if before.get(key) != after.get(key):
            yield f"warning: {key} differs: {before.get(key)} before, {after.get(key)} after"


def show(*cells):
    """One line of a table."""
    widths = (26, 13, 28, 28, 8)
    print("  ".join(f"{cell:{width}}" for cell, width in zip(cells, (*widths, 1))).rstrip(), flush=True)


def spread(row):
    """Value (quartiles), or the value alone where they are equal."""
    low, high = row["spread"]
    quartiles = "" if low == high else f" ({low:.4g}-{high:.4g})"
    return f"{row['value']:.4g}{quartiles}" if row["kind"] != "size" else f"{row['value']:.0f}"


def compare(args):
    """Print what moved; 1 where something became worse and --fail-on-slower was given."""
    (about_before, before), (about_after, after) = read(args.before), read(args.after)
    for line in differences(about_before, about_after):
        print(line, file=sys.stderr)
    show("figure", "unit", "before", "after", "ratio", "")
    worse = 0
    for name in [name for name in before if name in after]:
        change, word = judge(before[name], after[name], args.threshold)
        worse += word == WORDS[after[name]["kind"]][1]
        show(name, after[name]["unit"], spread(before[name]), spread(after[name]), f"{change:.3f}", word)
    for path, only in ((args.before, before.keys() - after.keys()), (args.after, after.keys() - before.keys())):
        if only:
            print(f"only in {path}: {', '.join(sorted(only))}")
    return int(args.fail_on_slower and worse > 0)


# -- command line ------------------------------------------------------------------------------------------------------


def at_least_one(text):
    """A number of repeats, or of times over."""
    if not float(text) >= 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {text}")
    return float(text)


def read_arguments(arguments):
    """The command line, and the figures that it names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    run_it = commands.add_parser("run", help="measure the figures and write them to a file")
    run_it.add_argument("--out", type=Path, required=True, help="the file")
    run_it.add_argument("--only", default="*", metavar="PATTERN", help="figures by name, such as 'fit-*'")
    run_it.add_argument("--repeats", type=at_least_one, default=15, help="timed rounds")
    two = commands.add_parser("compare", help="compare two such files")
    two.add_argument("before", type=Path)
    two.add_argument("after", type=Path)
    two.add_argument("--threshold", type=at_least_one, default=1.1, help="smallest ratio that counts as a change")
    two.add_argument("--fail-on-slower", action="store_true", help="exit with 1 if a figure became slower or worse")
    args = parser.parse_args(arguments)
    if args.command == "compare":
        return args, []
    if args.repeats != args.repeats // 1:  # infinity too, for which the right side is nan
        parser.error(f"argument --repeats: must be an integer, got {args.repeats}")
    args.repeats = int(args.repeats)
    figures = [one for one in FIGURES if fnmatch.fnmatchcase(one.name, args.only)]
    if not figures:
        parser.error(f"no figure is named {args.only}; there are {', '.join(one.name for one in FIGURES)}")
    if not args.out.absolute().parent.is_dir():
        parser.error(f"there is no folder for {args.out}")
    return args, figures


def main(arguments=None):
    """Run a command and give its exit status."""
    args, figures = read_arguments(arguments)
    return run(args, figures) if args.command == "run" else compare(args)


if __name__ == "__main__":
    sys.exit(main())
