"""What a value is, does not depend on the container: equal content is read, or refused, alike."""

import datetime as dt
import re
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from cases.values import (
    ANY_MISSING,
    ANY_NUMBER,
    LAYOUTS,
    MISSING,
    NO_NUMBERS,
    NUMBERS,
    OBJECTS,
    by_python,
    first_feature,
    object_array,
    of_long_table,
    series,
)
from effort import examples
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from sklearn_hardmax import HardmaxTransformerClassifier, RaggedSequences, as_sequences
from sklearn_hardmax.sequences.values import as_numbers, kind_of

layouts = pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
SINGLE = [(kind, value) for kind, values in NO_NUMBERS.items() for value in values]


# -- one value ---------------------------------------------------------------------------------------------------------


def test_every_value_has_its_kind():
    assert {kind_of(value) for value in NUMBERS} == {"numbers"}
    assert {kind_of(value) for value in MISSING if not isinstance(value, float)} == {"missing"}
    assert {kind_of(value) for value in OBJECTS} == {"objects"}
    assert [kind_of(value) for _, value in SINGLE] == [kind for kind, _ in SINGLE]
    assert kind_of(np.array(1.0)) == "numbers"
    assert kind_of(np.array("1")) == "texts"


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (True, 1.0),
        (np.bool_(False), 0.0),
        (Decimal("0.1"), 0.1),
        (Fraction(1, 4), 0.25),
        (2**53 + 1, 2.0**53),  # ties go to even
        (np.float16(0.5), 0.5),
        (None, np.nan),
        (pd.NA, np.nan),
        (pd.NaT, np.nan),
        (np.datetime64("NaT", "s"), np.nan),
    ],
)
@layouts
def test_the_right_number_is_read(layout, value, number):
    assert np.array_equal(first_feature(layout([value, 7])), [number, 7.0], equal_nan=True)


# -- the same content in every layout ----------------------------------------------------------------------------------


@layouts
@examples(70)
@given(st.lists(ANY_NUMBER | ANY_MISSING, min_size=1, max_size=4))
def test_numbers_and_missing_values_are_read_as_python_reads_them(layout, values):
    assert np.array_equal(first_feature(layout(values)), by_python(values), equal_nan=True)


@layouts
@pytest.mark.parametrize(("kind", "value"), SINGLE, ids=[f"{kind} {value!r}" for kind, value in SINGLE])
def test_what_is_no_number_is_refused_alone_and_among_numbers(layout, kind, value):
    for values in ([value], [1.5, value], [value, None]):
        with pytest.raises(ValueError, match=rf"must be real numbers, but hold {kind} \("):
            first_feature(layout(values))


@examples(70)
@given(st.lists(ANY_NUMBER | ANY_MISSING, min_size=1, max_size=4))
def test_long_tables_read_their_features_by_the_same_rule(values):
    assert np.array_equal(of_long_table(series(values)), by_python(values), equal_nan=True)


@pytest.mark.parametrize(("kind", "value"), SINGLE, ids=[f"{kind} {value!r}" for kind, value in SINGLE])
def test_long_tables_refuse_by_the_same_rule(kind, value):
    with pytest.raises(ValueError, match=rf"entries of column 'a' must be real numbers, but hold {kind} \("):
        of_long_table(series([1.5, value]))


@pytest.mark.parametrize("dtype", ["int8", "uint64", "float16", "float32", "float64", ">f4", "bool", "longdouble"])
@examples(10)
@given(st.lists(st.integers(0, 100), min_size=1, max_size=5))
def test_typed_arrays_hold_the_numbers_of_their_lists(dtype, values):
    column = np.array(values).astype(dtype)[:, None]
    kept = np.float32 if dtype in ("float32", ">f4") else np.float64
    for X in (column, column[None], [column], np.asfortranarray(column), pd.DataFrame(column)):
        assert as_sequences(X).tokens.tolist() == as_sequences(column.tolist()).tokens.tolist()
        assert as_sequences(X).dtype == kept


@pytest.mark.parametrize(
    "column",
    [
        pd.array([1, None], dtype="Int64"),
        pd.array([1.0, None], dtype="Float64"),
        pd.array([True, None], dtype="boolean"),
        pd.arrays.SparseArray([1.0, np.nan]),
        pd.Series([1, None], dtype=object),
    ],
    ids=lambda column: str(column.dtype),
)
def test_missing_values_of_pandas_are_kept_where_they_are_allowed(column):
    frame = pd.DataFrame({"a": column, "b": 2.0})
    assert np.array_equal(first_feature(frame), [1.0, np.nan], equal_nan=True)
    with pytest.raises(ValueError, match="Input X contains NaN or infinity in sequences 1; remove or impute"):
        as_sequences(frame)


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        (pd.Series(["1", None], dtype="string"), "texts"),
        (pd.Series(pd.to_datetime(["2020-01-01", None])), "dates"),
        (pd.Series(pd.to_datetime(["2020-01-01", None])).dt.tz_localize("UTC"), "dates"),
        (pd.Series(pd.to_timedelta([1, None])), "durations"),
        (pd.Series(pd.period_range("2020", periods=2, freq="Y")), "dates"),
    ],
    ids=lambda column: str(getattr(column, "dtype", "")),
)
def test_types_of_pandas_that_are_no_numbers_are_refused(column, kind):
    for X in (pd.DataFrame({"a": column}), [pd.DataFrame({"a": column, "b": 1.0})]):
        with pytest.raises(ValueError, match=f"entries of column 'a' must be real numbers, but hold {kind}"):
            as_sequences(X)


@pytest.mark.parametrize("dtype", ["datetime64[s]", "datetime64[ns]", "timedelta64[s]"])
def test_nothing_but_nat_is_missing_whatever_its_type(dtype):
    """A list of such values and a typed array of them are the same content."""
    column = np.full((2, 1), "NaT", dtype=dtype)
    for X in (column, column.astype(object), column.tolist(), pd.DataFrame(column)):
        assert np.isnan(first_feature(X)).all()


def test_categories_are_refused_even_if_they_are_numbers():
    column = pd.Categorical([1, 2])
    for X in (pd.DataFrame({"a": column}), [pd.DataFrame({"a": column, "b": 1.0})], [pd.DataFrame({"a": column})]):
        with pytest.raises(ValueError, match=r"column 'a' .* are categorical \(category\): encode categories"):
            as_sequences(X)
    with pytest.raises(ValueError, match=r"values of series 0 .* are categorical"):
        RaggedSequences.from_series([column])


@pytest.mark.parametrize("name", ["as they are", "1"])
def test_columns_of_one_name_are_read_one_by_one(name):
    frame = pd.DataFrame([[1, True], [2, False]], columns=[name, name])
    assert as_sequences(frame).tokens.tolist() == [[1.0, 1.0], [2.0, 0.0]]


# -- messages ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (
            [[1.0, "00123"]],
            ValueError,
            r"tokens must be real numbers, but hold texts \('00123' at index \[0, 1\]\): texts are never",
        ),
        (
            np.array([[1.0, "00123"]], dtype=object),
            ValueError,
            r"tokens must be real numbers, but hold texts \('00123' at index \[0, 1\]\)",
        ),
        (
            [[[1.0]], [[2.0], [dt.date(2020, 1, 2)]]],
            ValueError,
            r"tokens of sequence 1 .* dates \(datetime\.date\(2020, 1, 2\) at index \[1, 0\]\): .*from_frame\(.*time=",
        ),
        (["good film", "bad"], ValueError, r"tokens of sequence 0 .* hold texts \('good film'\): texts are never"),
        ([[np.timedelta64(3, "s"), 1.0]], ValueError, r"durations \(3 seconds at index .*: .* divide them by a unit"),
        (
            [[1j]],
            ValueError,
            r"^Complex data not supported: tokens must be .* \(1j at index .*stack real and imaginary",
        ),
        (
            [[10**400]],
            ValueError,
            r"too large for float64 \(10000.*\.\.\. at index \[0, 0\]\).*divide them by a constant",
        ),
        ([[Fraction(10**400, 3)]], ValueError, "too large for float64"),
        ([[1.0, Decimal("1e400")]], ValueError, r"too large for float64 \(Decimal\('1E\+400'\) at index \[0, 1\]\)"),
        ([[1.0, {"a": 1}]], TypeError, r"hold an object of type dict \(\{'a': 1\} at index \[0, 1\]\)"),
        ([np.zeros((1, 1)), {"a": 1}], TypeError, r"tokens of sequence 1 .* object of type dict"),
        ([sparse.eye(2)], TypeError, "hold an object of type dia_"),
        ([[Decimal("sNaN")]], TypeError, r"object of type Decimal \(Decimal\('sNaN'\)"),
        (["some", "texts"], ValueError, "tokens of sequence 0 must be real numbers, but hold texts"),
        (np.zeros(2, dtype=[("a", float)]).reshape(1, 2), ValueError, r"got dtype \[\('a', '<f8'\)\]: write pandas"),
        (np.zeros(2, dtype=[("a", float)]), ValueError, r"got dtype \[\('a', '<f8'\)\]: write pandas\.DataFrame"),
        (np.zeros((1, 2), dtype="V8"), ValueError, r"got dtype \|V8: give one number per feature"),
        ([[{"a": 1.0}]], TypeError, r"for tokens that are records write pandas\.DataFrame\(records\)"),
    ],
)
def test_the_message_names_the_value_its_place_and_a_remedy(X, error, message):
    with pytest.raises(error, match=message):
        as_sequences(X)


@pytest.mark.parametrize("value", OBJECTS[:3] + OBJECTS[6:], ids=["dict", "set", "object", "Interval"])
def test_other_objects_are_refused_as_scikit_learn_words_it(value):
    """The pattern is that of check_dtype_object, a check of scikit-learn."""
    with pytest.raises(TypeError, match=r"argument must be .* string.* number"):
        as_sequences(object_array([1.0, value]))


@pytest.mark.skipif(np.finfo(np.longdouble).max == np.finfo(np.float64).max, reason="long double is float64 here")
def test_long_doubles_beyond_float64_are_too_large_and_infinity_is_infinity():
    with pytest.raises(ValueError, match=r"too large for float64 \(.* at index \[0, 1\]\)"):
        as_sequences(np.array([["1", "1e4000"]]).astype(np.longdouble))
    with pytest.raises(ValueError, match="contains NaN or infinity in sequences 0"):
        as_sequences(np.array([[1, np.inf]], dtype=np.longdouble))


# -- missing values ----------------------------------------------------------------------------------------------------


def with_nan():
    return as_sequences([[[1.0, 2.0]], [[np.nan, 3.0], [4.0, 5.0]]], allow_nan=True)


def test_nan_is_kept_where_it_is_allowed_and_infinity_never():
    X = with_nan()
    assert np.array_equal(X.tokens, [[1, 2], [np.nan, 3], [4, 5]], equal_nan=True)
    for value in (np.inf, -np.inf, Decimal("Infinity")):
        with pytest.raises(ValueError, match="NaN or infinity in sequences 1;"):
            as_sequences([[1.0, None], [2.0, value]], allow_nan=True)
    table = pd.DataFrame({"id": [0, 1], "a": [1.0, None]})
    assert np.isnan(RaggedSequences.from_frame(table, group="id", allow_nan=True).tokens[1, 0])


def test_sequences_with_nan_are_refused_wherever_they_are_not_allowed(tmp_path):
    import pickle

    for X in (with_nan(), with_nan()[1:], with_nan()[[0, 1]], pickle.loads(pickle.dumps(with_nan()))):
        assert as_sequences(X, allow_nan=True) is X
        with pytest.raises(ValueError, match=f"NaN or infinity in sequences {len(X) - 1};"):
            as_sequences(X)
        with pytest.raises(ValueError, match=f"NaN or infinity in sequences {len(X) - 1};"):
            X.save(tmp_path / "file")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError, match="NaN or infinity in sequences 1;"):
        HardmaxTransformerClassifier().fit(with_nan(), [0, 1])
    X = with_nan()[:1]
    assert as_sequences(X) is X  # the sequence without NaN
    with pytest.raises(ValueError, match="NaN or infinity"):
        RaggedSequences(with_nan().tokens, with_nan().offsets)


@pytest.mark.parametrize("dtype", ["category", "None", 3, np.float64, ["numeric"]])
def test_other_types_than_numbers_and_any_are_refused(dtype):
    message = re.escape(f"dtype must be 'numeric' or None, which keeps tokens of any kind, got {dtype!r}.")
    with pytest.raises(ValueError, match=message):
        as_sequences([[1.0]], dtype=dtype)
    with pytest.raises(ValueError, match=message):
        RaggedSequences.from_frame(pd.Series([[1.0]]), dtype=dtype)


def test_numbers_that_are_floats_already_are_not_copied():
    for dtype in (np.float64, np.float32):
        array = np.ones((2, 3), dtype=dtype)
        assert as_numbers(array) is array
        rows = np.ones((2000, 3), dtype=dtype)
        assert np.shares_memory(as_sequences(pd.DataFrame(rows, copy=False)).tokens, rows)


def test_the_type_of_an_empty_array_is_refused_too():
    with pytest.raises(ValueError, match=r"must be real numbers, but hold texts \(none\)"):
        as_numbers(np.zeros((0, 2), dtype="U1"))


def test_an_object_whose_conversion_to_a_float_fails_is_no_number():
    class NoNumber:
        def __float__(self):
            raise TypeError("not today")

    with pytest.raises(TypeError, match=r"but hold an object of type NoNumber \(.* at index \[1, 0\]\)"):
        as_numbers(object_array([1.0, NoNumber()]))
