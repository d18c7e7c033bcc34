"""Raw tokens: columns of numbers, categories, texts and dates, with missing values, that a later step turns into numbers.

`RawTokens` stands where numeric tokens are an array (n_tokens, token_dim): it has as many rows and columns, is indexed by
rows in the same way, and keeps the type of each column. A column is an array of floats, integers, booleans, dates or
durations of NumPy, an array of objects (texts, or anything else), or `Categories`. Missing values are NaN among floats and
objects, NaT among dates and durations, and have the code -1 among categories. raw_columns.py makes the columns.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import numpy as np

from sklearn_hardmax.sequences.values import as_numbers, kind_of

_MAX_NAMED = 10  # features that a message lists


class Categories:
    """A column of categories.

    Parameters
    ----------
    codes : ndarray of shape (n,), int64
        Index of the category of each token; -1 where it is missing.
    categories : ndarray of shape (n_categories,), object
        All categories, each once.
    """

    __slots__ = ("categories", "codes")

    def __init__(self, codes, categories):
        self.codes = codes
        self.categories = categories

    @classmethod
    def of_values(cls, values, known=None):
        """Categories of a list of hashable values, numbered in the order in which they appear.

        `known` is a dictionary with the values as keys, if there is one already.
        """
        known = dict.fromkeys(values) if known is None else known
        missing = [value for value in known if kind_of(value) == "missing" or value != value]
        categories = [value for value in known if value not in missing]
        known.update(zip(categories, range(len(categories))))
        known.update(dict.fromkeys(missing, -1))
        return cls(np.fromiter(map(known.__getitem__, values), np.int64, count=len(values)), objects(categories))

    def values(self):
        """The category of each token, NaN where it is missing; an array of objects."""
        return np.append(self.categories, objects([np.nan]))[self.codes]

    def __len__(self):
        return len(self.codes)

    def __getitem__(self, rows):
        return Categories(self.codes[rows], self.categories)

    @property
    def nbytes(self):
        """Bytes of the codes and of the references to the categories."""
        return self.codes.nbytes + self.categories.nbytes


class RawTokens:
    """Tokens whose features have types of their own.

    `RaggedSequences.tokens` is of this class where tokens are not numbers alone: `as_sequences` with dtype=None makes it. It
    is indexed by rows as an array of shape (n_tokens, token_dim) is, ``tokens[rows, j]`` is the column j of some rows as an
    array, and ``np.asarray(tokens)`` is an array of objects.

    Parameters
    ----------
    columns : sequence of ndarray of shape (n_tokens,), or Categories
        One column per feature. They are not copied, and are read-only afterwards.
    names : sequence of str, optional
        Names of the features, where the tokens are those of a sequence with names; equality does not compare them.

    Attributes
    ----------
    columns : tuple
    dtypes : tuple of str
        Names of the types of the columns: "category", "object", or as in NumPy.
    """

    __slots__ = ("columns", "names")
    __hash__: ClassVar[None] = None  # type: ignore[assignment]
    ndim = 2
    dtype = np.dtype(object)

    columns: tuple[Any, ...]
    names: Any

    def __init__(self, columns: Sequence[Any], names: Any = None) -> None:
        self.columns = tuple(map(_read_only, columns))
        self.names = names

    @property
    def dtypes(self) -> tuple[str, ...]:
        """Names of the types of the columns."""
        return tuple(map(_name_of_type, self.columns))

    @property
    def shape(self) -> tuple[int, int]:
        """(n_tokens, token_dim)."""
        return len(self), len(self.columns)

    @property
    def nbytes(self) -> int:
        """Bytes of the columns, without the objects that they refer to."""
        return sum(column.nbytes for column in self.columns)

    def __len__(self) -> int:
        return len(self.columns[0]) if self.columns else 0

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, tuple):
            rows, j = key
            return values_of(self.columns[j])[rows]
        if np.ndim(key) == 0 and not isinstance(key, slice):
            return np.asarray(self[[key]])[0]
        return RawTokens([column[key] for column in self.columns], self.names)

    def __iter__(self) -> Iterator[Any]:
        return iter(np.asarray(self))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        table = np.empty(self.shape, dtype=object)
        for j, column in enumerate(self.columns):
            values = values_of(column)
            # dates as NumPy's, which know nanoseconds; numbers as Python's
            table[:, j] = objects(list(values)) if values.dtype.kind in "mM" else values
        return table if dtype is None else table.astype(dtype)

    def tolist(self) -> list[list[Any]]:
        """One list per token."""
        return np.asarray(self).tolist()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RawTokens):
            return NotImplemented
        return self.shape == other.shape and all(map(_are_equal, self.columns, other.columns))

    def __repr__(self) -> str:
        return f"RawTokens({len(self)} tokens, {', '.join(self.dtypes)})"

    def __reduce__(self):
        return RawTokens, (self.columns, self.names)


def values_of(column):
    """A column as an array of NumPy."""
    return column.values() if isinstance(column, Categories) else column


def _name_of_type(column):
    return "category" if isinstance(column, Categories) else str(column.dtype)


def _read_only(column):
    if isinstance(column, Categories):
        return Categories(_read_only(column.codes), column.categories)
    column = column.view()
    column.flags.writeable = False
    return column


def objects(values):
    """A list as a 1-D array of objects, whatever they are."""
    array = np.empty(len(values), dtype=object)
    for i, value in enumerate(values):
        array[i] = value
    return array


def _are_equal(one, other):
    """Whether two columns have one type and equal values, where missing equals missing."""
    if isinstance(one, Categories) != isinstance(other, Categories):
        return False
    one, other = values_of(one), values_of(other)
    if one.dtype.kind != other.dtype.kind:
        return False
    if one.dtype != object:
        return np.array_equal(one, other, equal_nan=one.dtype.kind in "fmM")
    return all(a is b or a == b or (a != a and b != b) for a, b in zip(one.tolist(), other.tolist()))


def coded_objects(values):
    """Objects as Categories, of which each has one type: 1, 1.0 and True are three; what differs from itself is missing."""
    known = {}
    codes = [-1 if value is None or value != value else known.setdefault(_key(value), len(known)) for value in values]
    first = dict(zip(reversed(codes), reversed(values)))
    return Categories(np.array(codes, dtype=np.int64), objects([first[code] for code in range(len(known))]))


def _key(value):
    try:
        hash(value)
    except TypeError:
        return type(value), pickle.dumps(value)
    return type(value), value


def codes_of(tokens):
    """An array of floats (n_tokens, token_dim) whose rows are equal where tokens are equal; missing equals missing."""
    columns = tokens.columns if isinstance(tokens, RawTokens) else tokens.T
    return np.column_stack([_codes(column) for column in columns]).astype(np.float64)


def _codes(column):
    if isinstance(column, Categories):
        return column.codes
    if column.dtype == object:
        return coded_objects(column.tolist()).codes
    if column.dtype.kind == "f" and not np.isnan(column).any():
        return column
    return np.unique(column, return_inverse=True)[1]


# -- numbers, and data frames --------------------------------------------------------------------------------------------


def numbers_of(tokens, feature_names):
    """Raw tokens as an array of floats; ValueError that names the other columns, and the step that encodes them."""
    odd = [j for j, column in enumerate(tokens.columns) if _name_of_type(column)[0] not in "fiub"]
    if not odd:
        return np.column_stack([as_numbers(column) for column in tokens.columns])
    names = list(range(len(tokens.columns))) if feature_names is None else list(feature_names)
    listed = ", ".join(f"{names[j]!r} ({tokens.dtypes[j]})" for j in odd[:_MAX_NAMED])
    dates = [names[j] for j in odd if tokens.dtypes[j][:8] in ("datetime", "timedelt")]
    others = [names[j] for j in odd if names[j] not in dates]
    remedies = []
    if others:
        encoder = "OneHotEncoder(handle_unknown='ignore')"
        if len(odd) < len(names):
            encoder = f"make_column_transformer(({encoder}, {others[:_MAX_NAMED]}), remainder='passthrough')"
        remedies.append(f"encode them first in a pipeline, such as make_pipeline(TokenwiseTransformer({encoder}), ...)")
    if dates:
        remedies.append(
            f"give the dates {dates[:_MAX_NAMED]} as time= of RaggedSequences.from_frame, or encode them by a "
            "FunctionTransformer in the TokenwiseTransformer"
        )
    raise ValueError(f"X holds raw tokens, whose features {listed} are no numbers: {'; '.join(remedies)}.")


def frame_of(tokens, feature_names):
    """Tokens as scikit-learn's transformers take them.

    With names a data frame, of pandas if it is installed, or else of polars; without names, or without these libraries, an
    array: of floats as they are, or of objects.
    """
    if feature_names is None:
        return np.asarray(tokens)
    columns = tokens.columns if isinstance(tokens, RawTokens) else list(np.asarray(tokens).T)
    try:
        import pandas
    except ModuleNotFoundError:
        return polars_frame(columns, feature_names)
    frame = pandas.DataFrame({j: pandas_column(column, pandas) for j, column in enumerate(columns)})
    frame.columns = list(feature_names)
    return frame


def pandas_column(column, pandas):
    """A column as one of a data frame of pandas, the module."""
    if isinstance(column, Categories):
        return pandas.Categorical.from_codes(column.codes, column.categories.tolist())
    return column if column.dtype != object else pandas.Series(column.tolist())


def polars_frame(columns, feature_names):
    """Columns as a data frame of polars; without polars as an array of objects."""
    try:
        import polars
    except ModuleNotFoundError:
        return np.asarray(RawTokens(columns))
    series = {}
    for name, column in zip(feature_names, columns):
        values = values_of(column)
        if values.dtype == object:
            values = [None if value != value else value for value in values.tolist()]
        series[name] = polars.Series(values, strict=False)
    return polars.DataFrame(series)
