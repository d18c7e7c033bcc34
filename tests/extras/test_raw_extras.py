"""Raw tokens from polars, pyarrow, Awkward and torch, and back."""

import datetime as dt

import awkward as ak
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from sklearn.compose import ColumnTransformer
from sklearn.preprocessing import OneHotEncoder

from sklearn_hardmax import RaggedSequences, TokenwiseTransformer, as_sequences
from sklearn_hardmax.sequences import raw_tokens
from sklearn_hardmax.sequences.raw_columns import raw_column

KINDS = ["b", None, "a", "b"]
CATEGORIES = {
    "pandas": pd.Series(KINDS, dtype="category"),
    "polars categorical": pl.Series(KINDS, dtype=pl.Categorical),
    "polars enum": pl.Series(KINDS, dtype=pl.Enum(["c", "b", "a"])),
    "arrow": pa.array(KINDS).dictionary_encode(),
    "arrow chunks": pa.chunked_array(
        [pa.array(["b", None]).dictionary_encode(), pa.array(["a", "b"]).dictionary_encode()]
    ),
    "arrow slice": pa.array(["z", *KINDS]).dictionary_encode()[1:],
    "arrow in pandas": pd.Series(pd.arrays.ArrowExtensionArray(pa.array(KINDS).dictionary_encode())),
}


@pytest.mark.parametrize("column", CATEGORIES.values(), ids=CATEGORIES)
def test_categories_of_every_library(column):
    found = raw_column(column, "kinds")
    assert [None if v != v else v for v in found.values().tolist()] == KINDS
    assert found.codes[1] == -1
    assert len(set(found.categories.tolist())) == len(found.categories)


def test_an_empty_column_of_categories():
    empty = pa.chunked_array([], pa.dictionary(pa.int8(), pa.string()))
    assert len(raw_column(empty, "kinds")) == 0


COLUMNS = {
    "texts": (pa.array(["a", None]), "object", ["a", None]),
    "integers": (pa.array([1, 2]), "int64", [1, 2]),
    "integers and nulls": (pa.array([1, None]), "float64", [1.0, None]),
    "booleans": (pa.array([True, False]), "bool", [True, False]),
    "floats": (pa.array([0.5, None]), "float64", [0.5, None]),
    "dates": (pa.array([dt.date(2024, 1, 1), None]), "datetime64", None),
    "moments": (pa.array([dt.datetime(2024, 1, 1), None]), "datetime64", None),
    "durations": (pa.array([dt.timedelta(1), None]), "timedelta64", None),
}


@pytest.mark.parametrize(
    "make", [lambda a: a, pl.from_arrow, lambda a: pa.chunked_array([a])], ids=["arrow", "polars", "chunks"]
)
@pytest.mark.parametrize(("array", "dtype", "expected"), COLUMNS.values(), ids=COLUMNS)
def test_columns_of_every_type(make, array, dtype, expected):
    column = raw_column(make(array), "values")
    assert str(column.dtype).startswith(dtype)
    if expected is None:
        assert np.isnat(column).tolist() == [False, True]
    else:
        assert [None if v != v else v for v in column.tolist()] == expected


@pytest.mark.parametrize(
    "zoned", [pa.array([0], pa.timestamp("us", "UTC")), pl.Series([0]).cast(pl.Datetime("us", "UTC"))]
)
def test_dates_with_time_zones_are_refused(zoned):
    with pytest.raises(ValueError, match=r"dates with a time zone \(UTC\)"):
        raw_column(zoned, "values")


TABLE = pa.table(
    {
        "id": ["p", "p", "q"],
        "kind": pa.array(["b", None, "a"]).dictionary_encode(),
        "n": [1, 2, 3],
        "note": ["x", "y", None],
        "x": pa.array([0.5, None, 1.5]),
    }
)


@pytest.mark.parametrize("make", [lambda t: t, pl.from_arrow, pa.Table.to_pandas], ids=["arrow", "polars", "pandas"])
def test_long_tables_keep_their_types_on_the_way_in_and_out(make):
    X = RaggedSequences.from_frame(make(TABLE), group="id", dtype=None)
    assert X.tokens.dtypes == ("category", "int64", "object", "float64")
    assert X.ids.tolist() == ["p", "q"]
    assert X == RaggedSequences.from_frame(TABLE, group="id", dtype=None)
    for table in (X.to_arrow(group="id"), X.to_polars(group="id"), X.to_pandas(group="id")):
        assert RaggedSequences.from_frame(table, group="id", dtype=None) == X
    with pytest.raises(ValueError, match="Raw tokens go out as a table"):
        X.to_torch()
    step = TokenwiseTransformer(ColumnTransformer([("kind", OneHotEncoder(), ["kind"])]))
    assert step.fit_transform(X).feature_names.tolist() == ["kind__kind_a", "kind__kind_b", "kind__kind_nan"]


def test_records_and_nested_lists_keep_their_types():
    tokens = [[{"kind": "b", "n": 1}, {"kind": "a", "n": 2}], [{"kind": "b", "n": 3}]]
    for nested in (pa.array(tokens), pl.Series(tokens), ak.Array(tokens)):
        X = as_sequences(nested, dtype=None)
        assert X.tokens.dtypes == ("object", "int64")
        assert X.feature_names.tolist() == ["kind", "n"]
        assert X[1].tolist() == [["b", 3]]
    pairs = as_sequences(pa.array([[["a", "b"], ["c", "d"]], [["e", None]]]), dtype=None)
    assert pairs[0].tolist() == [["a", "b"], ["c", "d"]]
    rows = as_sequences(ak.Array([{"kind": "b", "n": 1}, {"kind": "a", "n": 2}]), dtype=None)
    assert rows.tokens.dtypes == ("object", "int64")
    lists = pl.DataFrame({"id": ["p", "q"], "kind": [["b", "a"], ["b"]], "n": [[1, 2], [3]]})
    X = RaggedSequences.from_frame(lists, group="id", dtype=None)
    assert X.tokens.dtypes == ("object", "int64")
    assert X.ids.tolist() == ["p", "q"]


def test_series_of_symbols_of_other_libraries():
    for series in (
        pl.Series([["a", "b"], ["a"]]),
        pa.array([["a", "b"], ["a"]]).to_pylist(),
        ak.Array([["a", "b"], ["a"]]).to_list(),
    ):
        X = RaggedSequences.from_series(series, dtype=None)
        assert X.tokens.dtypes == ("category",)
        assert X.tokens.columns[0].codes.tolist() == [0, 1, 0]


def test_tensors_are_read_as_numbers():
    X = as_sequences(torch.ones(2, 3, 1), dtype=None)
    assert X.dtype == np.float32
    assert as_sequences([torch.ones(2, 1, dtype=torch.int64)], dtype=None).tokens.dtypes == ("int64",)


def test_a_frame_of_polars_where_pandas_is_missing(monkeypatch):
    columns = [raw_column(CATEGORIES["pandas"], "kinds"), np.arange(4)]
    frame = raw_tokens.polars_frame(columns, ["kind", "n"])
    assert isinstance(frame, pl.DataFrame)
    assert frame["n"].to_list() == [0, 1, 2, 3]
    assert frame["kind"].to_list()[2:] == ["a", "b"]
