"""What fit says under verbose."""

import time

from sklearn_hardmax.estimators.validation import check_integer


class Progress:
    """Prints a line a stage with the seconds since the last, where the estimator is verbose."""

    def __init__(self, estimator):
        self.name, self.on, self.last = type(estimator).__name__, estimator.verbose, time.perf_counter()

    def __call__(self, text):
        """Print it."""
        now = time.perf_counter()
        if self.on:
            print(f"[{self.name}] {text} ({now - self.last:.2f} s)")
        self.last = now


def check_verbose(value):
    """Raise ValueError unless value is a flag or an integer of at least 0."""
    check_integer(int(value) if isinstance(value, bool) else value, "verbose", 0)
