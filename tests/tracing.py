"""Errors at any line of the package."""

import gc
import sys
from pathlib import Path

import sklearn_hardmax

PACKAGE = str(Path(sklearn_hardmax.__file__).parent)


class Trace:
    """Counts the lines of the package that run; raises an error at one of them, or calls a function at all."""

    def __init__(self, at_line=None, at=None):
        self.at_line, self.at, self.lines = at_line, at, 0

    def __call__(self, frame, event, _):
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return None
        if event == "line":
            self.lines += 1
            if self.lines == self.at:
                raise self.at_line
            if self.at_line is not None and self.at is None:
                self.at_line()
        return self

    def __enter__(self):
        self.before = sys.gettrace()
        sys.settrace(self)
        return self

    def __exit__(self, *_):
        sys.settrace(self.before)


class Interrupts:
    """Raises KeyboardInterrupt where Python would: where a function begins, or a built-in one has returned, in any library.

    Interrupts at times are never the same; these are counted, and `at` picks one. `count` is the number of all places that
    were met, and `points` are those of them that lie in files whose path ends with one of `files`.
    """

    def __init__(self, at=None, files=()):
        self.at, self.files, self.count, self.points = at, files, 0, []

    def __call__(self, frame, event, _):
        if event in ("call", "c_return"):
            self.count += 1
            if self.count == self.at:
                raise KeyboardInterrupt
            if frame.f_code.co_filename.endswith(self.files):
                self.points.append(self.count)

    def __enter__(self):
        self.before = sys.getprofile()
        gc.disable()  # what it calls, and when, is another thing every time
        sys.setprofile(self)
        return self

    def __exit__(self, *_):
        sys.setprofile(self.before)
        gc.enable()
