"""A library that is missing is named, together with the extra that installs it."""

import sys

import pytest

from sklearn_hardmax._extras import extra


def test_a_missing_library_names_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "polars", None)  # as if it were not installed
    message = r'^polars is not installed; install it with pip install "sklearn-hardmax\[interop\]"\.$'
    with pytest.raises(ModuleNotFoundError, match=message) as error, extra("interop"):
        import polars  # noqa: F401
    assert error.value.name == "polars"


def test_a_library_that_is_there_is_imported():
    with extra("interop"):
        import numpy
    assert numpy is sys.modules["numpy"]
