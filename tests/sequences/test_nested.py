"""Nested containers need libraries that may be missing; tests/extras/test_interop.py reads these containers."""

import sys

import pytest

from sklearn_hardmax import RaggedSequences


@pytest.mark.parametrize(
    ("call", "library", "extra"),
    [
        (lambda X: X.to_arrow(), "pyarrow", "interop"),
        (lambda X: RaggedSequences.from_arrow([[[1.0]]]), "pyarrow", "interop"),
        (lambda X: X.to_awkward(), "awkward", "interop"),
        (lambda X: RaggedSequences.from_awkward([[[1.0]]]), "awkward", "interop"),
        (lambda X: X.to_torch(), "torch", "torch"),
        (lambda X: RaggedSequences.from_torch([[[1.0]]]), "torch", "torch"),
        (lambda X: X.to_polars(group="id"), "polars", "interop"),
        (lambda X: X.to_pandas(), "pandas", "interop"),
    ],
)
def test_a_conversion_without_its_library_names_the_extra(X, monkeypatch, call, library, extra):
    monkeypatch.setitem(sys.modules, library, None)  # as if it were not installed
    with pytest.raises(ModuleNotFoundError, match=rf'^{library} is not installed.*"sklearn-hardmax\[{extra}\]"'):
        call(X)
