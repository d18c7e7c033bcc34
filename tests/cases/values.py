"""Values of every kind, and columns of values in every layout that needs no library beyond pandas."""

import datetime as dt
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from sklearn_hardmax import RaggedSequences, as_sequences

NUMBERS = [
    *(0, -3, 2**53 + 1, 2**70, True, False, 1.5, -0.0, 1e308, Decimal("0.1"), Fraction(1, 3)),
    *(np.int8(-7), np.uint64(2**64 - 1), np.float32(0.1), np.float16(2.5), np.bool_(True)),
]
MISSING = [None, float("nan"), np.float64("nan"), pd.NA, pd.NaT, np.datetime64("NaT", "s"), np.timedelta64("NaT", "s")]
NO_NUMBERS = {
    "texts": ["00123", "1e3", "nan", "", np.str_("1"), b"1", np.bytes_(b"2")],
    "dates": [
        *(dt.date(2020, 1, 1), dt.datetime(2020, 1, 1), dt.datetime(2020, 1, 1, tzinfo=dt.UTC), dt.time(1)),
        *(np.datetime64("2020-01-01"), np.datetime64(1, "ns"), pd.Timestamp(5), pd.Timestamp(5, tz="UTC")),
        pd.Period("2020-01"),
    ],
    "durations": [dt.timedelta(1), np.timedelta64(1, "s"), pd.Timedelta(1)],
    "complex numbers": [1j, np.complex64(1)],
}
OBJECTS = [{}, {1}, object(), [1.0, 2.0], np.zeros(2), pd.Series([1.0]), pd.Interval(0, 1)]

ANY_NUMBER = st.sampled_from(NUMBERS) | st.integers(-(10**20), 10**20) | st.floats(-1e300, 1e300)
ANY_MISSING = st.sampled_from(MISSING)


def object_array(values):
    """An array (n, 1) of these objects as they are."""
    array = np.empty((len(values), 1), dtype=object)
    array[:, 0] = values
    return array


def series(values):
    return pd.Series(object_array(values)[:, 0])


# the same values, one token after another, in layouts that hold objects
LAYOUTS = {
    "rows": lambda values: [[v] for v in values],
    "tuples": lambda values: tuple((v,) for v in values),
    "one sequence": lambda values: [[[v] for v in values]],
    "object array": object_array,
    "3-D object array": lambda values: object_array(values)[None],
    "list of object arrays": lambda values: [object_array(values)],
    "frame": lambda values: pd.DataFrame({"a": series(values)}),
    "frame with numbers": lambda values: pd.DataFrame({"a": series(values), "b": 1.0}),
    "list of frames": lambda values: [pd.DataFrame({"a": series(values)})],
    "frame of inferred type": lambda values: pd.DataFrame({"a": series(values).infer_objects()}),
    "cell": lambda values: pd.Series([[[v] for v in values]]),
    "column of lists": lambda values: pd.DataFrame({"a": [[[v] for v in values]]}),
}


def first_feature(X):
    """The first feature of all tokens, with NaN for missing values."""
    return as_sequences(X, allow_nan=True).tokens[:, 0]


def of_long_table(values, make_frame=pd.DataFrame):
    """The same from a table with one row per token."""
    frame = make_frame({"id": [0] * len(values), "a": values})
    return RaggedSequences.from_frame(frame, group="id", allow_nan=True).tokens[:, 0]


def by_python(values):
    """What the values are as numbers: float of a number, NaN for what is missing."""
    return np.array([np.nan if any(v is m for m in MISSING) else float(v) for v in values])
