"""Columns and tables of raw tokens from lists, arrays and the columns of other libraries.

Every column gets the type that all of its values have: numbers (integers, booleans, floats), dates, durations, texts,
categories; anything else stays an object. No value is changed: integers that float64 would round, and dates with a time zone,
do not become floats or dates.
"""

from __future__ import annotations

from itertools import chain

import numpy as np

from sklearn_hardmax._extras import extra
from sklearn_hardmax.sequences.raw_tokens import Categories, RawTokens, objects, values_of
from sklearn_hardmax.sequences.times import as_typed_times
from sklearn_hardmax.sequences.values import (
    as_numbers,
    columns_of,
    decoded,
    is_category,
    kind_of,
    library_of,
    numpy_of_tensor,
    type_of,
)

_EXACT = 2**53  # integers up to this size are exact in float64

# -- what columns are made of ------------------------------------------------------------------------------------------


def raw_column(values, name):
    """Any one-dimensional values as a column of raw tokens; `name` is what messages call the values."""
    if library_of(values) == "torch":
        return numpy_of_tensor(values, name)
    dtype = type_of(values)
    if is_category(dtype):
        return categories_of(values)
    _refuse_zones(getattr(dtype, "tz", None) or getattr(dtype, "time_zone", None), name)
    array = np.asarray(decoded(values)) if hasattr(values, "__array__") else objects(list(values))
    if array.ndim != 1:
        raise ValueError(f"{name} must be one value per token, got an array of shape {array.shape}.")
    kind = array.dtype.kind
    if kind in "iubmM" or array.dtype in (np.float64, np.float32):
        return array
    if kind in "UT":
        return array.astype(object)
    return _column_of_objects(array, name) if kind == "O" else as_numbers(array, name)


def _refuse_zones(zone, name):
    if zone is not None:
        raise ValueError(
            f"{name} are dates with a time zone ({zone}), which raw tokens cannot keep: convert them first, for example by "
            ".dt.tz_convert('UTC').dt.tz_localize(None); RaggedSequences.from_frame(table, group=..., time=...) reads times "
            "with zones."
        )


def _column_of_objects(array, name):
    """Objects as a column of the type that all of them have, missing ones aside."""
    values = array.tolist()
    types = set(map(type, values))
    if types == {str}:
        return array
    kinds = _kinds(values)
    present = kinds - {"missing"}
    if not present:
        return np.full(len(array), np.nan)
    if present == {"numbers"}:
        return _column_of_numbers(array, values, types, name)
    if present == {"dates"} or present == {"durations"}:
        _refuse_zones(next((v.tzinfo for v in values if getattr(v, "tzinfo", None) is not None), None), name)
        return as_typed_times(objects([None if isinstance(value, float) else value for value in values]), name)
    if "complex numbers" in present:
        return as_numbers(array, name)  # raises
    if present == {"texts"}:
        texts = {t for t in types if issubclass(t, (str, bytes))}
        return array if types == texts else objects([value if type(value) in texts else np.nan for value in values])
    return objects([np.nan if _is_missing(value) else value for value in values]) if "missing" in kinds else array


def _kinds(values):
    """What the values are, as `kind_of` says it; NaN counts as missing."""
    found = set()
    for cls, value in {type(value): value for value in values}.items():
        kind = kind_of(value)
        if kind in ("numbers", "dates", "durations") or (kind == "missing" and isinstance(value, np.generic)):
            # some instances of the class may be NaN or NaT
            found |= {kind_of(v) if v == v else "missing" for v in values if type(v) is cls}
        else:
            found.add(kind)
    return found


def _is_missing(value):
    return kind_of(value) == "missing" or (isinstance(value, float) and value != value)


def _column_of_numbers(array, values, types, name):
    """Numbers as integers or booleans if all of them are, else as floats; integers that floats would change stay objects."""
    if all(issubclass(t, (bool, np.bool_)) for t in types):
        return array.astype(bool)
    integers = [value for value in values if isinstance(value, (int, np.integer))]
    if len(integers) == len(values) and -(2**63) <= min(values) and max(values) < 2**63:
        return array.astype(np.int64)
    if any(abs(int(value)) > _EXACT for value in integers):
        return objects([np.nan if _is_missing(value) else value for value in values])
    return as_numbers(array, name)


def categories_of(column):
    """Categories of a column of pandas, polars or pyarrow that has a type of categories."""
    library = library_of(column)
    if library == "pandas":
        values = column.array if hasattr(column, "array") else column
        if hasattr(values, "codes"):
            return Categories(np.asarray(values.codes, dtype=np.int64), objects(values.categories.tolist()))
        column = values  # of pyarrow, in pandas
    with extra("interop"):
        import pyarrow

    array = column.to_arrow() if library == "polars" else pyarrow.array(column) if library == "pandas" else column
    if isinstance(array, pyarrow.ChunkedArray):
        array = array.unify_dictionaries().combine_chunks()
    codes = array.indices.cast(pyarrow.int64()).fill_null(-1)
    return Categories(codes.to_numpy(zero_copy_only=False), objects(array.dictionary.to_pylist()))


# -- tables ------------------------------------------------------------------------------------------------------------


def raw_table(values, name):
    """Anything with rows and columns as RawTokens: a data frame, an array, or a list of rows of plain values."""
    if isinstance(values, RawTokens):
        return values
    columns = columns_of(values)
    if columns is not None:
        return RawTokens([raw_column(column, f"entries of column {label!r}") for label, column in columns])
    if library_of(values) == "torch":
        values = numpy_of_tensor(values, name)
    if isinstance(values, (list, tuple)) and len(values) and all(isinstance(row, (list, tuple)) for row in values):
        lengths = set(map(len, values))
        if len(lengths) > 1:
            raise ValueError(f"{name} have unequal numbers of features ({min(lengths)} to {max(lengths)}).")
        return RawTokens([raw_column(objects(list(column)), name) for column in zip(*values)])
    array = np.asarray(values)
    if array.dtype.kind in "US" and isinstance(values, (list, tuple)):
        array = np.asarray(values, dtype=object)
    if array.ndim != 2:
        return array  # the caller says what is wrong
    return RawTokens([raw_column(array[:, j], name) for j in range(array.shape[1])])


def join_columns(columns):
    """Tokens from their columns: an array of floats if all of them are floats, else RawTokens."""
    if all(isinstance(column, np.ndarray) and column.dtype.kind == "f" for column in columns):
        return np.column_stack(columns)
    return RawTokens(columns)


def join_tables(tables):
    """All rows of several tables, one below the other; columns of several types get the type that holds all values."""
    return join_columns([_join_parts(parts) for parts in zip(*(table.columns for table in tables))])


def _join_parts(parts):
    """One column from its parts."""
    if len(parts) == 1:
        return parts[0]
    if all(isinstance(part, Categories) for part in parts):
        return _join_categories(parts)
    kinds = {part.dtype.kind for part in parts if isinstance(part, np.ndarray)}
    if not any(isinstance(part, Categories) for part in parts) and (len(kinds) == 1 and "O" not in kinds):
        return np.concatenate(parts)
    # of several types: integers beside floats, a part with nothing but missing values beside texts, ...
    return raw_column(objects(list(chain.from_iterable(_listed(part) for part in parts))), "values of all sequences")


def _listed(part):
    values = values_of(part)
    return list(values) if values.dtype.kind in "mM" else values.tolist()


def _join_categories(parts):
    first = parts[0].categories
    if all(part.categories is first or np.array_equal(part.categories, first) for part in parts):
        return Categories(np.concatenate([part.codes for part in parts]), first)
    known = {}
    codes = []
    for part in parts:
        of_part = [known.setdefault(category, len(known)) for category in part.categories.tolist()]
        codes.append(np.append(of_part, -1).astype(np.int64)[part.codes])
    return Categories(np.concatenate(codes), objects(list(known)))


def raw_rows(sequences):
    """Tokens of a list of sequences, each a list of rows of plain values: read together, so that a column has one type."""
    rows = list(chain.from_iterable(sequences))
    lengths = set(map(len, rows))
    if len(lengths) > 1:
        raise ValueError(
            f"All tokens need the same number of features, but rows have {min(lengths)} to {max(lengths)} entries."
        )
    return join_columns(raw_table(rows, "tokens").columns)


def raw_symbols(series):
    """Tokens of one feature from a list of lists of plain values: texts as categories, anything else by its type."""
    values = list(chain.from_iterable(s.tolist() if hasattr(s, "tolist") else s for s in series))
    try:
        distinct = dict.fromkeys(values)
    except TypeError:  # what cannot be hashed is no text
        distinct = {}
    if _are_texts(distinct):
        return RawTokens([Categories.of_values(values, distinct)])
    return join_columns([raw_column(objects(values), "values of the series")])


def _are_texts(distinct):
    """Whether distinct values are texts and missing ones, and not all are missing."""
    kinds = {"texts"} if set(map(type, distinct)) == {str} else _kinds(list(distinct))
    return "texts" in kinds and kinds <= {"texts", "missing"}
