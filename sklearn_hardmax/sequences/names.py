"""Ids of sequences and names of features: what is accepted, when they are equal, and how they stand in a file.

An id names a sequence: a number, a text, a date, a tuple of these, or any other hashable object, as it stands in the column
or index that it comes from. Ids are compared for equality and never sorted, so that those of a data set may be of several
types; they may repeat, as sequences do in a sample with replacement. Names of features are texts, as in scikit-learn.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

import numpy as np

from sklearn_hardmax.sequences.messages import format_indices
from sklearn_hardmax.sequences.raw_tokens import RawTokens
from sklearn_hardmax.sequences.values import columns_of, kind_of, library_of

_NATIVE = "iufbMm"  # kinds of arrays of ids that are kept as they are


def as_ids(ids: Any, n_sequences: int) -> np.ndarray | None:
    """Ids as an array (n_sequences,), of numbers, dates or objects; None stays None.

    Raises ValueError for another number of ids and for missing ones, TypeError for those that cannot be hashed.
    """
    if ids is None:
        return None
    array = id_array(ids)
    if array.shape != (n_sequences,):
        raise ValueError(f"ids must name each of the {n_sequences} sequences, got shape {array.shape}.")
    missing = np.flatnonzero(are_missing(array))
    if len(missing):
        raise ValueError(f"ids must name every sequence; those of sequences {format_indices(missing)} are missing.")
    return array


def id_array(ids: Any) -> np.ndarray:
    """Any one-dimensional collection as an array: of numbers or dates where all are of one such type, else of objects."""
    ids = with_none_for_masked(ids)
    if hasattr(ids, "__array__"):
        # arrays, columns and indexes: all entries of one type
        found = np.asarray(ids)
        if found.dtype.kind in _NATIVE or found.ndim != 1:
            return np.array(found)
        entries = found.tolist()
    else:
        entries = list(ids)
    if entries and all(type(entry) is int and -(2**63) <= entry < 2**63 for entry in entries):
        return np.array(entries, dtype=np.int64)
    if entries and all(type(entry) is np.datetime64 for entry in entries):
        return np.array(entries)
    array = np.empty(len(entries), dtype=object)
    # one by one, since NumPy would take tuples for rows of a matrix; a list names a sequence as the tuple of its entries does
    for i, entry in enumerate(entries):
        array[i] = (
            tuple(entry.tolist()) if type(entry) is np.ndarray else tuple(entry) if type(entry) is list else entry
        )
    try:
        set(array.tolist())
    except TypeError as error:
        odd = next(i for i, entry in enumerate(array) if not _is_hashable(entry))
        raise TypeError(
            f"Ids must be numbers, texts, dates or tuples of these; id {odd} is a {type(array[odd]).__name__}."
        ) from error
    return array


def with_none_for_masked(values: Any) -> Any:
    """A masked array of NumPy as an array of objects, None where it is masked; anything else as it is."""
    if not np.ma.is_masked(values):
        return values
    objects = np.array(values.data, dtype=object)
    objects[np.ma.getmaskarray(values)] = None
    return objects


def _is_hashable(entry):
    try:
        hash(entry)
    except TypeError:
        return False
    return True


def are_missing(array: np.ndarray) -> np.ndarray:
    """Whether each of some ids is missing: None, NaN, NaT or NA; bool of the same shape."""
    if array.dtype.kind in "iub":
        return np.zeros(array.shape, dtype=bool)
    if array.dtype.kind in "fMm":
        return array != array  # NaN and NaT differ from themselves
    entries = array.ravel().tolist()
    if set(map(type, entries)) <= {str, int, bool, tuple}:
        return np.zeros(array.shape, dtype=bool)
    return np.array([_is_missing(entry) for entry in entries], dtype=bool).reshape(array.shape)


def _is_missing(entry):
    kind = kind_of(entry)
    return kind == "missing" or (kind == "numbers" and entry != entry)


def scalars(array: np.ndarray) -> list[Any]:
    """The entries of an array as Python numbers, texts and objects; dates as NumPy's, which know nanoseconds."""
    return list(array) if array.dtype.kind in "Mm" else array.tolist()


def are_equal(one: np.ndarray | None, other: np.ndarray | None) -> bool:
    """Whether two arrays of ids or names, or None, are equal entry by entry; 1 equals 1.0, and no number equals a text."""
    if one is None or other is None:
        return one is other
    if len(one) != len(other):
        return False
    if one.dtype != object and other.dtype != object:
        return bool((one == other).all())
    return all(a == b for a, b in zip(scalars(one), scalars(other)))


def index_ids(frame: Any) -> Any:
    """Ids of the rows of a frame or column: its index; None without one, and where it is an unnamed integer index.

    An unnamed integer index is the numbers of rows, whatever has been done to them since.
    """
    if library_of(frame) != "pandas" or not hasattr(frame, "index"):
        return None  # an index of pandas has none
    index = frame.index
    is_row_numbers = index.nlevels == 1 and index.name is None and index.dtype.kind in "iu"
    return None if is_row_numbers else index


def as_feature_names(names: Iterable[Any] | None, token_dim: int) -> np.ndarray | None:
    """Names as an object array (token_dim,) of str; None for no names, and where none of them is a text.

    Raises ValueError for another number of names, TypeError where only some are texts.
    """
    if names is None:
        return None
    array = np.empty(len(listed := list(names)), dtype=object)
    array[:] = listed
    if len(array) != token_dim:
        raise ValueError(f"feature_names must name the {token_dim} features of a token, got {len(array)} names.")
    texts = [isinstance(name, str) for name in listed]
    if not any(texts):
        return None
    if not all(texts):
        # the beginning of this sentence is the one that scikit-learn's estimator checks search for
        raise TypeError(
            "Feature names are only supported if all input features have string names, but of these names some are texts "
            f"and others not: {listed}; rename the columns, for example by X.columns = X.columns.astype(str)."
        )
    array[:] = [str(name) for name in listed]
    return array


def column_names(X):
    """Names of the columns of a data frame; None for anything else."""
    if hasattr(X, "columns") and library_of(X) in ("pandas", "polars"):
        return list(X.columns)  # the columns themselves are not needed
    if isinstance(X, RawTokens):
        return None if X.names is None else list(X.names)
    columns = columns_of(X)
    return None if columns is None else [name for name, _ in columns]


def common_names(sequences):
    """Column names of data frames, which must be the same for all; None for a list without data frames."""
    if not any(hasattr(sequence, "columns") or hasattr(sequence, "schema") for sequence in sequences):
        return None
    if all(isinstance(sequence, RawTokens) and sequence.names is None for sequence in sequences):
        return None
    found = [column_names(sequence) for sequence in sequences]
    nameless = [i for i, name in enumerate(found) if name is None]
    if nameless:
        raise ValueError(
            f"Some sequences are data frames, but sequences {format_indices(nameless)} are not and name no features; give "
            "arrays only, by frame.to_numpy(), or data frames only."
        )
    other = [i for i, name in enumerate(found) if name != found[0]]
    if other:
        raise ValueError(
            f"All data frames of a list need the same columns in the same order: sequence 0 has {found[0]}, sequence "
            f"{other[0]} has {found[other[0]]} (so do not sequences {format_indices(other)}); use frame[{found[0]}]."
        )
    return found[0]


# -- in files ----------------------------------------------------------------------------------------------------------------


def id_sections(ids: np.ndarray | None) -> dict[str, Any]:
    """Sections of a file that hold ids: int64 numbers as they are, others as JSON, one text per id."""
    if ids is None:
        return {}
    if ids.dtype == np.int64:
        return {"ids": ids}
    return {"ids": [json.dumps(to_json(entry)) for entry in scalars(ids)]}


def ids_from_section(content: Any) -> np.ndarray | None:
    """Inverse of `id_sections`, from the section or None."""
    if content is None or isinstance(content, np.ndarray):
        return content
    return id_array([from_json(json.loads(text)) for text in content])


_CLASSES = (datetime.date, datetime.time, Decimal, Fraction, UUID, bytes)
# how such ids, and moments, are written as a text and read again
_TEXTS = {
    **{cls.__name__: (cls.isoformat, cls.fromisoformat) for cls in (datetime.datetime, datetime.date, datetime.time)},
    **{cls.__name__: (str, cls) for cls in (Decimal, Fraction, UUID)},
    "bytes": (bytes.hex, bytes.fromhex),
}


def to_json(entry: Any) -> Any:
    """An id or a value as what JSON holds; TypeError for those that no file can hold."""
    if isinstance(entry, (str, bool, int, float)):
        return entry
    if isinstance(entry, tuple):
        return {"tuple": [to_json(part) for part in entry]}
    kind = next((kind for kind in (np.datetime64, np.timedelta64) if isinstance(entry, kind)), None)
    if kind is not None:
        unit, step = np.datetime_data(entry.dtype)
        return {kind.__name__: [int(entry.astype(np.int64)), f"{step}{unit}"]}
    # a moment of pandas may have nanoseconds, which a text of Python has not
    is_moment = isinstance(entry, datetime.datetime) and not getattr(entry, "nanosecond", 0)
    name = "datetime" if is_moment else type(entry).__name__
    if is_moment or type(entry) in _CLASSES:
        write, _ = _TEXTS[name]
        return {name: write(entry)}
    if isinstance(entry, np.generic):
        return {"numpy": [entry.dtype.str, to_json(entry.item())]}
    raise TypeError(
        f"A value of type {type(entry).__name__} cannot be saved: use numbers, texts, dates or tuples of these; for ids, by "
        "with_ids."
    )


def from_json(value: Any) -> Any:
    """Inverse of `to_json`."""
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "tuple":
        return tuple(map(from_json, content))
    if kind == "numpy":
        return np.dtype(content[0]).type(content[1])
    if kind in _TEXTS:
        _, read = _TEXTS[kind]
        return read(content)
    return {"datetime64": np.datetime64, "timedelta64": np.timedelta64}[kind](*content)
