"""Do the estimators keep their laws on very many cases that nobody chose?

A case is drawn from a seed: an estimator, awkward data, and the forms in which the same numbers are written down; laws.py in
campaign/ says what must hold. One line a broken case, with the seed that draws it again, and a summary by estimator and by
kind of input, also after an interrupt. The exit code is 1 where a case broke a law.

    python tests/reliability.py --cases 100000 --seed 0 --workers 2
    python tests/reliability.py --cases 2000 --backend loky
    python tests/reliability.py --replay 4711
"""

import argparse
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import suppress

from campaign import laws
from threadpoolctl import threadpool_limits

TOGETHER = 50  # cases that a worker takes at a time
SECONDS = 60  # between two lines of progress


@threadpool_limits.wrap(limits=1)  # workers run side by side
def run(first, last, backend):
    """Cases first to last (exclusive): (name, seconds, words) of those that held, (seed, name, kind, what) of the others."""
    held, broken = [], []
    for seed in range(first, last):
        start = time.perf_counter()
        _, subject = laws.draw(seed)
        name = type(subject).__name__
        try:
            words = laws.check(seed, backend=backend)
            held.append((name, time.perf_counter() - start, words[1:]))
        except Exception as error:  # whatever a case raises, it broke
            broken.append((seed, name, subject.kind, f"{type(error).__name__}: {error}"))
    return held, broken


def parts(args):
    """What run gives for every share of the cases, as they are done."""
    ends = range(args.seed, args.seed + args.cases, TOGETHER)
    pool = ProcessPoolExecutor(args.workers)
    try:
        spans = [(first, min(first + TOGETHER, args.seed + args.cases)) for first in ends]
        for future in as_completed([pool.submit(run, *span, args.backend) for span in spans]):
            yield future.result()
    finally:
        pool.shutdown(cancel_futures=True)


class Summary:
    """Counts by estimator and by kind of input."""

    def __init__(self):
        self.cases, self.refused, self.broken = Counter(), Counter(), Counter()
        self.seconds, self.words, self.start = Counter(), Counter(), time.perf_counter()

    def add(self, held, found):
        """What run gives; prints the broken cases."""
        for name, elapsed, kinds in held:
            self.cases[name] += 1
            self.refused[name] += "refused" in kinds
            self.seconds[name] += elapsed
            self.words.update(set(kinds) - {"refused"})
        for seed, name, kind, what in found:
            self.cases[name] += 1
            self.broken[name] += 1
            print(f"BROKEN {name} on {kind}: {what}\n    {laws.how_to_replay(seed)}", flush=True)

    def line(self):
        """How far it is."""
        return f"{self.cases.total()} cases, {self.broken.total()} broken, {time.perf_counter() - self.start:.0f} s"

    def show(self):
        """Print the tables."""
        print("\n| estimator | cases | broken | refused | ms a case |\n| --- | --- | --- | --- | --- |")
        for name, n in sorted(self.cases.items()):
            print(f"| {name} | {n} | {self.broken[name]} | {self.refused[name]} | {1e3 * self.seconds[name] / n:.0f} |")
        print("\n| input | cases that hold it |\n| --- | --- |")
        for word, n in sorted(self.words.items()):
            print(f"| {word} | {n} |")
        print(f"\n{self.line()}")


def campaign(args):
    """Run all cases, or those until an interrupt, and print; how many broke a law."""
    summary, told = Summary(), time.perf_counter()
    with suppress(KeyboardInterrupt):
        for held, found in parts(args):
            summary.add(held, found)
            if time.perf_counter() - told > SECONDS:
                told = time.perf_counter()
                print(f"of {args.cases}: {summary.line()}", flush=True)
    summary.show()
    return summary.broken.total()


def main():
    """Parse the arguments, run, and tell by the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0, help="of the first case; the others follow")
    parser.add_argument("--workers", type=int, default=1, help="processes")
    parser.add_argument("--backend", default="threading", help="of joblib, for estimators with two jobs")
    parser.add_argument("--replay", type=int, metavar="SEED", help="one case, with its traceback")
    args = parser.parse_args()
    if args.replay is not None:
        _, subject = laws.draw(args.replay)
        print(f"{subject.make()!r} on {subject.kind}")
        print(", ".join(laws.check(args.replay, backend=args.backend)))
        return 0
    return int(campaign(args) > 0)


if __name__ == "__main__":
    sys.exit(main())
