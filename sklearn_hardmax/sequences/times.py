"""The column of times of a table with one row per token: the order of the tokens, and a feature that says when they were.

Numbers are times as they are, and durations become numbers of a unit. Dates become the time since the first token of their
sequence; dates with a time zone are compared as moments.
"""

import datetime
from math import gcd
from typing import Literal, TypeAlias, get_args

import numpy as np

from sklearn_hardmax.sequences.messages import format_indices
from sklearn_hardmax.sequences.values import as_numbers, kind_of

TimeUnit: TypeAlias = Literal["D", "h", "min", "s", "ms", "us", "ns"]
# of NumPy's units up to the week, in attoseconds
_LENGTHS = {"as": 1, "fs": 10**3, "ps": 10**6, "ns": 10**9, "us": 10**12, "ms": 10**15, "s": 10**18}
_LENGTHS |= {"m": 60 * 10**18, "h": 3600 * 10**18, "D": 86400 * 10**18, "W": 7 * 86400 * 10**18}


def read_times(column, name, sequence_of_row, unit):
    """Order rows by time within their sequences, and return their times as numbers.

    Parameters
    ----------
    column : column of a data frame
        Numbers, dates or durations, none of them missing.
    name : str
        Of the column, in messages.
    sequence_of_row : int array of shape (n_rows,)
    unit : str
        One of TimeUnit.

    Returns
    -------
    order : int array of shape (n_rows,)
        Rows of sequence 0 by time, then those of sequence 1, and so on; rows of equal times keep their order.
    times : float array of shape (n_rows,)
        In the order of the rows as they were: for dates, since the first moment of the sequence, rounded to float64.
    """
    units = get_args(TimeUnit)
    if unit not in units:
        raise ValueError(f"time_unit must be one of {', '.join(map(repr, units))}, got {unit!r}.")
    array = np.asarray(column)
    if array.dtype == object:
        array = as_typed_times(array, name)
    if array.dtype.kind == "M" and np.datetime_data(array.dtype)[0] in ("Y", "M"):
        array = array.astype("datetime64[D]")  # months and years have no fixed length
    if array.dtype.kind in "UTS" or (array.dtype == object and "texts" in set(map(kind_of, array.ravel().tolist()))):
        raise ValueError(
            f"times of column {name!r} must be real numbers or dates, but hold texts ({array[0]!r} in row 0, for example): "
            f"convert them, such as by pandas.to_datetime(table[{name!r}])."
        )
    dated = array.dtype.kind in "mM"
    moments = array if dated else as_numbers(column, f"times of column {name!r}")
    missing = np.flatnonzero(np.isnat(moments) if dated else np.isnan(moments))
    if len(missing):
        raise ValueError(
            f"times of column {name!r} are missing in rows {format_indices(missing)}; drop these rows first."
        )
    order = np.lexsort((moments, sequence_of_row))
    if not dated:
        return order, moments
    if array.dtype.kind == "M":
        # the first row of each sequence in this order has its first moment
        ordered = sequence_of_row[order]
        firsts = order[np.flatnonzero(np.diff(ordered, prepend=-1))]
        moments = moments - moments[firsts][sequence_of_row]
    return order, _in_unit(moments, unit)


def as_typed_times(array, name):
    """An array of objects as one of datetime64 or timedelta64, if they are dates or durations; otherwise as it is."""
    kinds = {kind_of(value) for value in array.flat} - {"missing"}
    if kinds == {"durations"}:
        return np.array([_missing_or(value, np.timedelta64) for value in array.flat])
    if kinds != {"dates"}:
        return array
    zoned = {getattr(v, "tzinfo", None) is not None for v in array.flat if kind_of(v) == "dates"}
    if len(zoned) == 2:
        raise ValueError(f"dates of column {name!r} have a time zone in some rows only; give all of them one, or none.")
    try:
        return np.array([_missing_or(value, _moment) for value in array.flat])
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"times of column {name!r} are no moments ({error}); give dates with a day, such as datetime64 or datetime."
        ) from error


def _missing_or(value, convert):
    if kind_of(value) == "missing":
        return np.datetime64("NaT", "us") if convert is _moment else np.timedelta64("NaT", "us")
    # those of pandas have nanoseconds, which the classes of Python have not
    for method in ("to_datetime64", "to_timedelta64"):
        if hasattr(value, method):
            return getattr(value, method)()
    return convert(value)


def _moment(value):
    """A date of Python as datetime64, in UTC if it has a time zone."""
    if getattr(value, "tzinfo", None) is not None:
        value = value.astimezone(datetime.UTC).replace(tzinfo=None)
    return np.datetime64(value)


def _in_unit(durations, unit):
    """Durations (timedelta64) as float64 numbers of a unit."""
    own, step = np.datetime_data(durations.dtype)
    if own not in _LENGTHS:  # months and years
        raise ValueError(f"durations of unit {own!r} have no fixed length; give them in days.")
    length = step * _LENGTHS[own]
    wanted = _LENGTHS["m" if unit == "min" else unit]
    common = gcd(length, wanted)
    return durations.astype(np.int64).astype(np.float64) * (length // common) / (wanted // common)
