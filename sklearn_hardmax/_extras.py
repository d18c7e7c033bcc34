"""Imports of optional libraries: a library that is missing is named together with the extra that installs it."""

from contextlib import contextmanager


@contextmanager
def extra(name):
    """Import libraries of this extra in the body of a `with` statement; ModuleNotFoundError says how to install it."""
    try:
        yield
    except ModuleNotFoundError as error:
        library = error.name.partition(".")[0]
        raise ModuleNotFoundError(
            f'{library} is not installed; install it with pip install "sklearn-hardmax[{name}]".', name=library
        ) from error
