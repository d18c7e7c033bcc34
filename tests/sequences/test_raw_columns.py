"""With dtype=None a column keeps the type that all of its values have, and no value changes."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_hardmax import RaggedSequences, as_sequences
from sklearn_hardmax.sequences.raw_columns import join_tables, raw_column, raw_table
from sklearn_hardmax.sequences.raw_tokens import Categories, RawTokens, objects

NAN = float("nan")
MISSING = [None, NAN, pd.NA, pd.NaT, np.datetime64("NaT", "s")]
D1, D2 = dt.datetime(2024, 1, 1), dt.datetime(2024, 1, 2)
COLUMNS = {  # values, the type of their column, and its values where they are not the same
    "floats": ([1.5, 2.0], "float64", None),
    "floats and missing": ([1.5, None, pd.NA], "float64", [1.5, NAN, NAN]),
    "integers": ([1, -(2**62)], "int64", None),
    "integers of NumPy": ([np.int8(1), np.int64(2)], "int64", [1, 2]),
    "integers and missing": ([1, None], "float64", [1.0, NAN]),
    "integers and floats": ([1, 2.5], "float64", [1.0, 2.5]),
    "integers beyond float64 and missing": ([2**60 + 1, None], "object", [2**60 + 1, NAN]),
    "integers beyond int64": ([2**70, 1], "object", None),
    "booleans": ([True, False], "bool", None),
    "booleans and missing": ([True, None], "float64", [1.0, NAN]),
    "decimals": ([Decimal("0.5"), 1], "float64", [0.5, 1.0]),
    "texts": (["00123", "1e3", ""], "object", None),
    "texts and missing": (["a", None, NAN, pd.NA], "object", ["a", NAN, NAN, NAN]),
    "texts and numbers": (["1", 1, None], "object", ["1", 1, NAN]),
    "bytes": ([b"a", b"b"], "object", None),
    "dates": ([D1, D2], "datetime64[us]", None),
    "dates and missing": ([D1, None], "datetime64[us]", None),
    "days": ([dt.date(2024, 1, 1), pd.NaT], "datetime64[us]", None),
    "durations": ([dt.timedelta(1), dt.timedelta(2)], "timedelta64[us]", None),
    "nothing": ([None, None], "float64", [NAN, NAN]),
    "objects": ([(1, 2), frozenset()], "object", None),
    "objects and missing": ([(1, 2), None], "object", [(1, 2), NAN]),
}


def same(one, other):
    return all(a is b or a == b or (a != a and b != b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(("values", "dtype", "expected"), COLUMNS.values(), ids=COLUMNS)
def test_a_column_has_the_type_of_its_values(values, dtype, expected):
    for given_values in (values, objects(values), pd.Series(objects(values), dtype=object)):
        column = raw_column(given_values, "values")
        assert str(column.dtype) == dtype
        if dtype[:3] in ("dat", "tim"):
            assert [None if v != v else v.item() for v in column][:1] == [values[0] if dtype[:3] == "tim" else D1]
        else:
            assert same(column.tolist(), values if expected is None else expected)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1j, 2j], "must be real numbers, but hold complex numbers"),
        (np.array([1j]), "must be real numbers, but hold complex numbers"),
        (
            [D1.replace(tzinfo=dt.UTC)],
            r"values are dates with a time zone \(UTC\), which raw tokens cannot keep: convert",
        ),
        (pd.Series(pd.to_datetime(["2024"]).tz_localize("Europe/Berlin")), r"time zone \(Europe/Berlin\)"),
        (np.zeros((2, 2)), "values must be one value per token, got an array of shape"),
    ],
)
def test_what_no_column_can_keep_is_refused(values, message):
    with pytest.raises(ValueError, match=message):
        raw_column(values, "values")


@given(st.lists(st.one_of(st.text(max_size=2), st.integers(), st.floats(), st.booleans(), st.none()), min_size=1))
def test_no_value_changes(values):
    column = raw_column(values, "values")
    for value, found in zip(values, column.tolist()):
        if value is None or value != value:
            assert found != found
        else:
            assert found == value


def test_categories_keep_their_order_and_what_is_missing():
    kinds = pd.Series(pd.Categorical(["b", None, "a"], categories=["c", "b", "a"], ordered=True))
    for column in (raw_column(kinds, "kinds"), raw_column(kinds.array, "kinds")):
        assert column.categories.tolist() == ["c", "b", "a"]
        assert column.codes.tolist() == [1, -1, 2]


# -- tables, lists, frames -----------------------------------------------------------------------------------------------


def test_a_table_keeps_its_columns():
    table = pd.DataFrame({"kind": pd.Categorical(["a", "b"]), "n": [1, 2], "x": [0.5, NAN], "when": [D1, D2]})
    X = as_sequences(table, dtype=None)
    assert X.tokens.dtypes[:3] == ("category", "int64", "float64")
    assert X.tokens.dtypes[3].startswith("datetime64")
    assert X.feature_names.tolist() == ["kind", "n", "x", "when"]
    assert len(X) == 2


def test_floats_alone_stay_an_array_and_may_be_missing():
    X = as_sequences([[[1.0, None], [2.5, 3.0]]], dtype=None)
    assert not X.is_raw
    assert np.array_equal(X.tokens, [[1.0, NAN], [2.5, 3.0]], equal_nan=True)
    assert not as_sequences(np.ones((2, 3, 1)), dtype=None).is_raw
    assert as_sequences(np.ones((2, 3, 1), dtype=int), dtype=None).tokens.dtypes == ("int64",)


def test_lists_of_tokens_have_one_type_per_column():
    X = as_sequences([[("login", 1), ("buy", 2.5)], [("login", None)]], dtype=None)
    assert X.tokens.dtypes == ("object", "float64")
    assert X[1].tolist()[0][0] == "login"
    assert X == RaggedSequences.from_list([[["login", 1], ["buy", 2.5]], [["login", None]]], dtype=None)
    assert as_sequences([["a", 1], ["b", 2]], dtype=None).lengths.tolist() == [1, 1]  # rows of a table, as with numbers
    assert as_sequences(np.array([["a", "1"], ["b", "2"]]), dtype=None).tokens.dtypes == ("object", "object")
    arrays = [np.array([["a", 1.5]], dtype=object), np.array([["b", None], ["c", 2.5]], dtype=object)]
    assert as_sequences(arrays, dtype=None).tokens.dtypes == ("object", "float64")
    cells = as_sequences(pd.Series([[("a", 1)], [("b", 2)]], index=["p", "q"]), dtype=None)
    assert cells.ids.tolist() == ["p", "q"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: as_sequences([["a", "b"], ["c"]], dtype=None),
            r"Rows of texts are lists of symbols, .*from_series\(X, dtype=None\) for",
        ),
        (lambda: as_sequences([["a", "b"], ["c", "d"]], dtype=None), "Rows of texts are lists of symbols"),
        (lambda: as_sequences([["a", "b"], ["c"]]), "Rows of texts are lists of symbols"),
        (
            lambda: as_sequences([["a", 1], ["c"]], dtype=None),
            r"have unequal lengths \(1 to 2\): give lists of",
        ),
        (lambda: as_sequences([[("a", 1)], [("b",)]], dtype=None), "All tokens need the same number of features"),
        (lambda: as_sequences([["a", "b"]], dtype="numeric"), "hold texts"),
        (
            lambda: RaggedSequences.from_series(["abc"], dtype=None),
            r"series 0 is a str\); the characters .* list\(text\)",
        ),
        (lambda: RaggedSequences.from_series([1, 2], dtype=None), "series 0, 1 are not"),
        (lambda: RaggedSequences.from_series([["a"], []], dtype=None), "Sequences 1 are empty"),
        (lambda: RaggedSequences.from_list(["ab"], dtype=None), "are not 2-D arrays"),
        (lambda: as_sequences([[("a", 1.0)], [("b", np.inf)]], dtype=None), "contains infinity in sequences 1"),
        (lambda: raw_table([[1, 2], [3]], "rows"), "rows have unequal numbers of features"),
    ],
)
def test_what_is_no_sequence_of_tokens_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_lists_of_symbols_are_one_column_of_categories():
    X = RaggedSequences.from_series([["open", "buy", None], ("open",), np.array(["sell"])], dtype=None)
    assert X.tokens.dtypes == ("category",)
    assert X.tokens.columns[0].categories.tolist() == ["open", "buy", "sell"]
    assert X.tokens.columns[0].codes.tolist() == [0, 1, -1, 0, 2]
    assert X.lengths.tolist() == [3, 1, 1]
    assert RaggedSequences.from_series([[1, 2], [3]], dtype=None).tokens.dtypes == ("int64",)
    assert RaggedSequences.from_series([[1.5, None], [3.0]], dtype=None).dtype == np.float64
    series = pd.Series([["a"], ["b", "a"]], index=["p", "q"])
    assert RaggedSequences.from_series(series, dtype=None).ids.tolist() == ["p", "q"]


def test_long_tables_keep_ids_names_and_types_and_are_sorted_by_time():
    table = pd.DataFrame(
        {
            "id": ["p", "q", "p"],
            "kind": pd.Categorical(["b", None, "a"]),
            "when": [D2, D1, D1],
            "note": ["x", "y", None],
            "amount": [1, 2, 3],
        }
    )
    X = RaggedSequences.from_frame(table, group="id", time="when", time_unit="D", dtype=None)
    assert X.ids.tolist() == ["p", "q"]
    assert X.feature_names.tolist() == ["kind", "when", "note", "amount"]
    assert X.tokens.dtypes == ("category", "float64", "object", "int64")
    assert X[0].tolist()[0][:2] == ["a", 0.0]
    assert X[0].tolist()[1] == ["b", 1.0, "x", 1]
    lists = pd.DataFrame({"id": ["p", "q"], "kind": [["a", "b"], ["c"]], "n": [[1, 2], [3]]})
    nested = RaggedSequences.from_frame(lists, group="id", dtype=None)
    assert nested.tokens.dtypes == ("category", "int64")
    assert nested.lengths.tolist() == [2, 1]


def test_rows_that_are_arrays_and_objects_that_cannot_be_hashed_keep_their_values():
    table = raw_table([np.array(["a", "x"]), ["b", "1.5"]], "rows")
    assert table.tolist() == [["a", "x"], ["b", "1.5"]]
    assert raw_table((np.array(["a", "x"]), ("b", 1.5)), "rows").tolist() == [["a", "x"], ["b", 1.5]]
    sets = RaggedSequences.from_series([[{1}, {2}], [{3}]], dtype=None)
    assert sets.tokens[:, 0].tolist() == [{1}, {2}, {3}]


def test_columns_of_several_types_get_the_type_that_holds_all():
    frames = [
        pd.DataFrame({"kind": pd.Categorical(["a", "b"]), "x": [1, 2], "note": ["u", "v"]}),
        pd.DataFrame({"kind": pd.Categorical(["c", "a"]), "x": [0.5, NAN], "note": [NAN, NAN]}),
        pd.DataFrame({"kind": pd.Categorical(["c"]), "x": [1], "note": ["w"]}),
    ]
    X = as_sequences(frames, dtype=None)
    assert X.tokens.dtypes == ("category", "float64", "object")
    assert X.tokens[:, 0].tolist() == ["a", "b", "c", "a", "c"]
    assert same(X.tokens[:, 2].tolist(), ["u", "v", NAN, NAN, "w"])
    equal = [RawTokens([Categories(np.array([0]), objects(["a"]))]) for _ in range(2)]
    assert join_tables(equal).columns[0].codes.tolist() == [0, 0]
    assert join_tables([RawTokens([np.array([1])]), RawTokens([np.array([2])])]).dtypes == ("int64",)
    dates = [RawTokens([np.array(["2024"], dtype="M8[D]")]), RawTokens([np.array([NAN])])]
    assert join_tables(dates).dtypes[0].startswith("datetime64")
