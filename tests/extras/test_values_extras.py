"""The same values are read or refused alike in pyarrow, polars, Awkward and torch; tests/sequences has the rule."""

import datetime as dt
import os
import subprocess
import sys
from decimal import Decimal

import awkward as ak
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute
import pytest
import torch
from cases.values import by_python, first_feature, of_long_table
from effort import examples
from hypothesis import given
from hypothesis import strategies as st

from sklearn_hardmax import HardmaxTransformerClassifier, HardmaxTransformerInterpolator, RaggedSequences, as_sequences
from sklearn_hardmax.sequences.times import read_times

# lists of one type, as these libraries hold them; None is a null
NUMBERS = {
    "int64": (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "uint8": (pa.uint8(), st.integers(0, 255)),
    "float64": (pa.float64(), st.floats(-1e300, 1e300)),
    "float32": (pa.float32(), st.floats(-(2.0**100), 2.0**100, width=32)),
    "bool": (pa.bool_(), st.booleans()),
    "decimal": (pa.decimal128(20, 3), st.decimals(-(10**9), 10**9, places=3)),
}
NO_NUMBERS = {
    "text": (pa.string(), ["00123", "1e3"], "hold texts"),
    "large text": (pa.large_string(), ["1"], "hold texts"),
    "bytes": (pa.binary(), [b"1"], "hold texts"),
    "date": (pa.date32(), [dt.date(2020, 1, 1)], "hold dates"),
    "timestamp": (pa.timestamp("us"), [dt.datetime(2020, 1, 1)], "hold dates"),
    "zoned": (pa.timestamp("ns", "UTC"), [dt.datetime(2020, 1, 1, tzinfo=dt.UTC)], "hold dates"),
    "time": (pa.time64("us"), [dt.time(1)], "hold dates"),
    "duration": (pa.duration("s"), [dt.timedelta(1)], "hold durations"),
    "category": (pa.dictionary(pa.int8(), pa.string()), ["a"], "are categorical"),
}


def lists_of(column):
    """Arrow lists of one token each, with one feature, in one sequence."""
    tokens = pa.ListArray.from_arrays(np.arange(len(column) + 1, dtype=np.int32), column)
    return pa.ListArray.from_arrays(np.array([0, len(tokens)], dtype=np.int32), tokens)


LAYOUTS = {
    "arrow": lists_of,
    "table": lambda column: pa.table({"a": column}),
    "table with numbers": lambda column: pa.table({"a": column, "b": np.ones(len(column))}),
    "list of tables": lambda column: [pa.table({"a": column, "b": np.ones(len(column))})],
    "chunks": lambda column: pa.chunked_array([lists_of(column)]),
    "polars": lambda column: pl.DataFrame({"a": pl.from_arrow(column)}),
    "polars with numbers": lambda column: pl.DataFrame({"a": pl.from_arrow(column), "b": np.ones(len(column))}),
    "polars lists": lambda column: pl.from_arrow(lists_of(column)),
    "polars structs": lambda column: pl.DataFrame({"a": pl.from_arrow(column), "b": 1.0}).to_struct(),
    "arrow in pandas": lambda column: pd.DataFrame({"a": pd.Series(pd.arrays.ArrowExtensionArray(column)), "b": 1.0}),
}
layouts = pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)


@layouts
@pytest.mark.parametrize("kind", NUMBERS)
@examples(10)
@given(st.data())
def test_numbers_and_nulls_are_read_as_python_reads_them(layout, kind, data):
    arrow_type, elements = NUMBERS[kind]
    values = data.draw(st.lists(elements | st.none(), min_size=1, max_size=4))
    column = pa.array(values, arrow_type)
    expected = by_python(values)
    assert np.array_equal(first_feature(layout(column)), expected, equal_nan=True)
    for frame in (pa.table, pl.DataFrame):
        assert np.array_equal(of_long_table(column, frame), expected, equal_nan=True)


@layouts
@pytest.mark.parametrize(("arrow_type", "values", "message"), NO_NUMBERS.values(), ids=NO_NUMBERS)
def test_what_is_no_number_is_refused(layout, arrow_type, values, message):
    for column in (pa.array(values, arrow_type), pa.array([values[0], None], arrow_type)):
        with pytest.raises(ValueError, match=f"must be real numbers, but {message}"):
            first_feature(layout(column))
    for frame in (pa.table, pl.DataFrame):
        with pytest.raises(ValueError, match=f"entries of column 'a' must be real numbers, but {message}"):
            of_long_table(column, frame)


@layouts
@pytest.mark.parametrize("arrow_type", [pa.null(), pa.float64(), pa.string(), pa.date32(), pa.duration("s")], ids=str)
def test_nothing_but_nulls_is_missing_whatever_its_type(layout, arrow_type):
    assert np.isnan(first_feature(layout(pa.array([None, None], arrow_type)))).all()


@pytest.mark.parametrize(
    "values", [[1j], np.array(["2020"], dtype="datetime64[s]"), ["1"]], ids=["complex", "date", "text"]
)
def test_what_is_no_number_is_refused_in_awkward_arrays(values):
    nested = ak.unflatten(ak.unflatten(ak.Array(values), [1]), [1])
    with pytest.raises(ValueError, match="must be real numbers"):
        as_sequences(nested)


def test_run_end_encoded_numbers_are_read():
    column = pyarrow.compute.run_end_encode(pa.array([1.0, 1.0, 2.0]))
    expected = [[1.0], [1.0], [2.0]]
    assert as_sequences(pa.table({"a": column})).tokens.tolist() == expected
    boundaries = pa.array([0, 1, 2, 3], pa.int32())
    lists = pa.ListArray.from_arrays(pa.array([0, 3], pa.int32()), pa.ListArray.from_arrays(boundaries, column))
    assert as_sequences(lists).tokens.tolist() == expected
    targets = HardmaxTransformerInterpolator(random_state=0).fit([[[0.0]], [[0.0]], [[1.0]]], column)
    assert targets.predict([[[1.0]]]).tolist() == [2.0]


# -- torch -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32, torch.float64])
def test_tensors_with_gradients_of_any_float_are_read(dtype):
    tensor = torch.tensor([[[1.0], [2.5]], [[0.5], [4.0]]], dtype=dtype, requires_grad=True)
    kept = np.float32 if dtype == torch.float32 else np.float64
    expected = RaggedSequences.from_list([[[1.0], [2.5]], [[0.5], [4.0]]])
    read = {
        "3-D": as_sequences(tensor),
        "list": as_sequences(list(tensor)),
        "padded": RaggedSequences.from_padded(tensor),
        "flat": RaggedSequences.from_flat(tensor.reshape(4, 1), lengths=torch.tensor([2, 2])),
        "series": RaggedSequences.from_series(tensor[:, :, 0]),
        "aeon": RaggedSequences.from_aeon(tensor.transpose(1, 2)),
    }
    assert {name: X == expected and X.dtype == kept for name, X in read.items()} == dict.fromkeys(read, True)


@pytest.mark.parametrize("dtype", [torch.int8, torch.uint8, torch.bool, torch.int64])
def test_integers_of_torch_become_float64_as_those_of_numpy(dtype):
    tensor = torch.tensor([[1], [0]], dtype=dtype)
    assert as_sequences(tensor) == as_sequences([[1], [0]])
    nested = torch.nested.nested_tensor_from_jagged(tensor, torch.tensor([0, 1, 2]))
    assert as_sequences(nested).dtype == as_sequences(tensor).dtype == np.float64


def test_complex_tensors_are_refused():
    with pytest.raises(ValueError, match="Complex data not supported"):
        as_sequences(torch.zeros(2, 1, dtype=torch.complex64))


def test_a_list_of_numbers_with_gradients_is_refused_with_the_words_of_torch():
    with pytest.raises(ValueError, match=r"tokens cannot be read as an array .*requires grad"):
        as_sequences([[torch.tensor(1.0), torch.tensor(2.0, requires_grad=True)]])


# -- tables of series, targets, labels, times ----------------------------------------------------------------------------

FRAMES = pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame, pa.table], ids=["pandas", "polars", "arrow"])


@FRAMES
def test_a_table_of_series_is_refused(frame):
    with pytest.raises(ValueError, match=r"in its rows or in its columns: .*table\.to_numpy\(\)"):
        RaggedSequences.from_series(frame({"a": [1.0, 2.0, 3.0], "b": [4.0, 5.0, 6.0]}))


@FRAMES
def test_targets_in_a_table_are_one_per_sequence(frame):
    X = [[[0.0], [1.0]], [[2.0]]]
    for columns in ({"q": [1.5, 2.5]}, {"q": [1.5, 2.5], "r": [3, 4]}):
        model = HardmaxTransformerInterpolator(random_state=0).fit(X, frame(columns))
        assert np.array_equal(model.predict(X), np.column_stack(list(columns.values())))
    model = HardmaxTransformerInterpolator(random_state=0).fit(X, frame({"q": [[1.5, 2.5], [3.5]]}))
    assert model.predict(X) == RaggedSequences.from_list([[[1.5], [2.5]], [[3.5]]])


@pytest.mark.parametrize("column", [pd.Series, pl.Series, pa.array, torch.tensor])
def test_targets_in_a_column_are_one_number_per_sequence(column):
    X = [[[0.0], [1.0]], [[2.0]]]
    assert HardmaxTransformerInterpolator(random_state=0).fit(X, column([1.5, 2.5])).predict(X).tolist() == [1.5, 2.5]


@pytest.mark.parametrize("column", [pl.Series, pa.array])
def test_missing_labels_are_named(column):
    with pytest.raises(ValueError, match="Input y contains NaN or None: labels 1 are missing"):
        HardmaxTransformerClassifier().fit([[[0.0]], [[1.0]], [[2.0]]], column(["a", None, "b"]))


@FRAMES
@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_the_column_of_times_of_every_library(frame, zone):
    when = pa.array([dt.datetime(2024, 1, 2), None, dt.datetime(2024, 1, 1)], pa.timestamp("us", zone))
    table = pa.table({"id": ["p", "q", "p"], "t": when, "a": [1, 2, 3]})
    make = {pd.DataFrame: pa.Table.to_pandas, pl.DataFrame: pl.from_arrow, pa.table: lambda table: table}[frame]
    with pytest.raises(ValueError, match="times of column 't' are missing in rows 1;"):
        RaggedSequences.from_frame(make(table), group="id", time="t")
    X = RaggedSequences.from_frame(make(table.take([0, 2])), group="id", time="t", time_unit="h")
    assert X == RaggedSequences([[0.0, 3.0], [24.0, 1.0]], [0, 2], ids=["p"], feature_names=["t", "a"])


def test_times_of_the_other_types_of_arrow():
    one = np.zeros(2, dtype=int)
    days = pa.chunked_array([pa.array([dt.date(2024, 1, 1), dt.date(2024, 1, 3)])])
    assert read_times(days, "t", one, "D")[1].tolist() == [0.0, 2.0]
    durations = pl.Series([dt.timedelta(1), dt.timedelta(2)])
    assert read_times(durations, "t", one, "h")[1].tolist() == [24.0, 48.0]
    assert read_times(pa.array([Decimal("0.5"), Decimal(2)]), "t", one, "h")[1].tolist() == [0.5, 2.0]


def test_groups_of_polars_are_read_from_their_frame():
    with pytest.raises(ValueError, match=r"from GroupBy; write RaggedSequences\.from_frame\(frame, group"):
        as_sequences(pl.DataFrame({"id": [0], "a": [1.0]}).group_by("id"))


@pytest.mark.parametrize(
    "make",
    [
        lambda: torch.eye(2).to_sparse(),
        lambda: torch.ones(2, 2, device="meta"),
    ],
    ids=["sparse", "meta"],
)
def test_tensors_that_numpy_cannot_hold_are_refused_with_the_words_of_torch(make):
    with pytest.raises(ValueError, match=r"^tokens cannot be read as an array \("):
        as_sequences(make())


def test_unions_are_refused():
    with pytest.raises(ValueError, match="must be real numbers, got Arrow type dense_union"):
        as_sequences(ak.Array([[[1.0]], [["a"]]]))


def test_a_scalar_of_arrow_is_no_frame():
    with pytest.raises(TypeError, match=r"from_frame takes .*, got DoubleScalar"):
        RaggedSequences.from_frame(pa.scalar(1.0))


ARRAY_API = """
import numpy as np, polars as pl, pyarrow as pa, sklearn, torch
from sklearn.model_selection import cross_val_score
from sklearn_hardmax import HardmaxTransformerClassifier, RaggedSequences

X = RaggedSequences.from_series([[0.0], [1.0, 2.0], [0.5], [3.0]]).with_ids(["p", "q", "r", "s"])
clf = HardmaxTransformerClassifier(n_heads=10, random_state=0)
for y in (np.array([0, 1, 0, 1]), torch.tensor([0, 1, 0, 1]), pl.Series([0, 1, 0, 1]), pa.array([0, 1, 0, 1])):
    clf.fit(X, y).score(X, y)
    expected = cross_val_score(clf, X, y, cv=2, error_score="raise")
    with sklearn.config_context(array_api_dispatch=True):
        clf.fit(X, y).score(X, y)
        for form in (X.to_pandas(), X.to_list()):
            assert (cross_val_score(clf, form, y, cv=2, error_score="raise") == expected).all()
"""


def test_targets_of_every_library_in_folds_with_and_without_the_array_api():
    environment = {**os.environ, "SCIPY_ARRAY_API": "1"}
    done = subprocess.run([sys.executable, "-c", ARRAY_API], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
