"""Imports of optional libraries: one that is missing or too old is named together with the extra that installs it."""

import re
import sys
from contextlib import contextmanager
from functools import cache

# the oldest version of every library of an extra, as in setup.cfg
OLDEST = {
    "interop": {"pyarrow": (16,), "awkward": (2, 6), "pandas": (2, 2), "polars": (1, 10)},
    "torch": {"torch": (2, 5)},
    "onnx": {"onnx": (1, 16), "onnxruntime": (1, 18)},
    "plot": {"matplotlib": (3, 9)},
}


@contextmanager
def extra(name):
    """Import libraries of this extra in the body of a `with` statement; ImportError says how to install or upgrade them."""
    try:
        yield
    except ModuleNotFoundError as error:
        library = error.name.partition(".")[0]
        raise ModuleNotFoundError(
            f'{library} is not installed; install it with pip install "sklearn-hardmax[{name}]".', name=library
        ) from error
    for library in OLDEST[name]:
        if library in sys.modules:
            check_version(library)


@cache
def check_version(library):
    """Raise ImportError if a library that is imported already is older than the oldest version that is supported."""
    name = next((name for name, versions in OLDEST.items() if library in versions), None)
    version = getattr(sys.modules.get(library), "__version__", None)
    if name is None or version is None:
        return
    oldest = OLDEST[name][library]
    if tuple(map(int, re.findall(r"\d+", version)[: len(oldest)])) < oldest:
        raise ImportError(
            f"{library} {version} is older than {'.'.join(map(str, oldest))}, the oldest version that is supported; upgrade "
            f'it with pip install -U "sklearn-hardmax[{name}]".',
            name=library,
        )
