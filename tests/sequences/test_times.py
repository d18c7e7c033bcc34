"""The column of times orders the tokens of each sequence, and becomes a feature: the time since the first of them."""

import datetime as dt
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from effort import examples
from hypothesis import given
from hypothesis import strategies as st

from sklearn_hardmax import RaggedSequences
from sklearn_hardmax.sequences.times import read_times

ONE = np.zeros(2, dtype=int)


def feature(column, unit="s"):
    """The times of two rows of one sequence, the first of which is the earlier one."""
    order, times = read_times(column, "when", ONE, unit)
    assert order.tolist() == [0, 1]
    return times.tolist()


# one day and a half
NOON = {
    "datetime64[s]": np.array(["2024-02-28", "2024-02-29T12"], dtype="datetime64[s]"),
    "datetime64[h]": np.array(["2024-02-28T00", "2024-02-29T12"], dtype="datetime64[h]"),
    "datetime64[ns]": pd.Series(pd.to_datetime(["2024-02-28 00:00", "2024-02-29 12:00"])).astype("datetime64[ns]"),
    "datetime": pd.Series([dt.datetime(2024, 2, 28), dt.datetime(2024, 2, 29, 12)], dtype=object),
    "Timestamp": pd.Series([pd.Timestamp("2024-02-28"), pd.Timestamp("2024-02-29 12:00")], dtype=object),
    "datetime64 objects": np.array([np.datetime64("2024-02-28"), np.datetime64("2024-02-29T12:00")], dtype=object),
    "time zone": pd.Series(pd.to_datetime(["2024-02-28 00:00", "2024-02-29 12:00"])).dt.tz_localize("Asia/Tokyo"),
    "two time zones": pd.Series(
        [
            dt.datetime(2024, 2, 28, 1, tzinfo=dt.timezone(dt.timedelta(hours=1))),
            dt.datetime(2024, 2, 29, 9, tzinfo=dt.timezone(dt.timedelta(hours=-3))),
        ]
    ),
}


@pytest.mark.parametrize("column", NOON.values(), ids=NOON)
def test_dates_are_the_time_since_the_first_in_every_unit(column):
    # 36 hours
    expected = {"D": 1.5, "h": 36.0, "min": 2160.0, "s": 129600.0, "ms": 1296e5, "us": 1296e8, "ns": 1296e11}
    for unit, time in expected.items():
        assert feature(column, unit) == [0.0, time]


def test_days_months_and_years_count_days():
    """2023 has 365 days and February 2024 has 29."""
    assert feature(np.array(["2023", "2024"], dtype="datetime64[Y]"), "D") == [0.0, 365.0]
    assert feature(np.array(["2024-02", "2024-03"], dtype="datetime64[M]"), "D") == [0.0, 29.0]
    assert feature(pd.Series([dt.date(2024, 2, 28), dt.date(2024, 3, 1)]), "h") == [0.0, 48.0]


def test_clocks_that_are_put_forward_do_not_matter():
    """In Berlin 2:00 to 3:00 does not exist on 31 March 2024: from 1:30 to 3:30 it is one hour."""
    column = pd.Series(pd.to_datetime(["2024-03-31 01:30", "2024-03-31 03:30"])).dt.tz_localize("Europe/Berlin")
    assert feature(column, "h") == [0.0, 1.0]


def test_nanoseconds_of_objects_are_kept():
    column = pd.Series([pd.Timestamp(0), pd.Timestamp(1)], dtype=object)
    assert feature(column, "ns") == [0.0, 1.0]


def test_numbers_stay_and_durations_are_numbers_of_the_unit():
    assert feature(np.array([3, 8])) == [3.0, 8.0]
    assert feature(np.array([dt.timedelta(minutes=3), dt.timedelta(minutes=4)], dtype=object), "min") == [3.0, 4.0]
    assert feature(pd.Series(pd.to_timedelta([90, 120], unit="s")), "min") == [1.5, 2.0]


@examples(50)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), min_size=1, max_size=12))
def test_rows_anywhere_are_sorted_stably_within_their_sequences(rows):
    """Against Python's sort, which is stable; sequences come in the order of their first rows."""
    table = pd.DataFrame(rows, columns=["id", "t"]).assign(row=range(len(rows)))
    X = RaggedSequences.from_frame(table, group="id", time="t")
    ids = list(dict.fromkeys(table["id"]))
    expected = [sorted(((t, row) for row, (i, t) in enumerate(rows) if i == k), key=lambda pair: pair[0]) for k in ids]
    assert [[tuple(map(int, token)) for token in x] for x in X] == expected


@examples(50)
@given(
    st.integers(-(2**52), 2**52),
    st.sampled_from(["ns", "us", "ms", "s"]),
    st.sampled_from(["us", "s", "min", "h", "D"]),
)
def test_a_duration_is_the_nearest_float_up_to_two_roundings(count, own, unit):
    """An exact count below 2^53, a product and a quotient: |error| <= 2^-52 of the value (IEEE 754)."""
    length = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "min": 60 * 10**9, "h": 3600 * 10**9, "D": 86400 * 10**9}
    _, times = read_times(np.array([count]).astype(f"timedelta64[{own}]"), "when", ONE[:1], unit)
    exact = Fraction(count * length[own], length[unit])
    assert abs(Fraction(times[0]) - exact) <= abs(exact) * Fraction(1, 2**52)


def test_the_feature_takes_the_place_of_the_column():
    table = pd.DataFrame({"a": [1, 2, 3], "t": [5, 4, 9], "id": ["u", "u", "v"], "b": [6, 7, 8]})
    X = RaggedSequences.from_frame(table, group="id", time="t")
    expected = [[2, 4, 7], [1, 5, 6], [3, 9, 8]]
    assert X == RaggedSequences(expected, [0, 2, 3], ids=["u", "v"], feature_names=["a", "t", "b"])


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ([1.0, None, np.nan], r"times of column 't' are missing in rows 1, 2; drop these rows"),
        (pd.to_datetime(["2024-01-01", None, "2024-01-02"]), r"times of column 't' are missing in rows 1;"),
        (np.array([dt.date(2024, 1, 1), None, pd.NaT], dtype=object), r"missing in rows 1, 2;"),
        (np.array([dt.timedelta(1), None, None], dtype=object), r"missing in rows 1, 2;"),
        (
            ["noon", "1", "2"],
            r"column 't' must be .* hold texts \('noon' in row 0.* pandas\.to_datetime\(table\['t'\]\)",
        ),
        (np.array([dt.date(2024, 1, 1), 1, 2], dtype=object), r"must be real numbers, but hold dates"),
        ([dt.time(1), dt.time(2), dt.time(3)], r"times of column 't' are no moments .* give dates with a day"),
        (
            np.array([dt.datetime(2024, 1, 1), dt.datetime(2024, 1, 1, tzinfo=dt.UTC), None], dtype=object),
            "have a time zone in some rows only",
        ),
    ],
)
def test_times_that_do_not_order_the_rows_are_refused(column, message):
    table = pd.DataFrame({"id": [0, 0, 0], "t": pd.Series(column), "a": 1.0})
    with pytest.raises(ValueError, match=message):
        RaggedSequences.from_frame(table, group="id", time="t")


def test_months_have_no_fixed_length_and_units_are_listed():
    with pytest.raises(ValueError, match="durations of unit 'M' have no fixed length"):
        feature(np.array([1, 2], dtype="timedelta64[M]"))
    table = pd.DataFrame({"id": [0], "t": [1]})
    with pytest.raises(ValueError, match=r"time_unit must be one of 'D', 'h', .* got 'weeks'"):
        RaggedSequences.from_frame(table, group="id", time="t", time_unit="weeks")


def test_time_needs_a_group_and_a_column_of_its_own():
    table = pd.DataFrame({"id": [0], "t": [1]})
    with pytest.raises(ValueError, match="time= needs group="):
        RaggedSequences.from_frame(table, time="t")
    for time, message in (
        ("when", r"no column 'when'; the columns are \['id', 't'\]"),
        ("id", "needs a column 'id' and a"),
    ):
        with pytest.raises(ValueError, match=message):
            RaggedSequences.from_frame(table, group="id", time=time)
    with pytest.raises(ValueError, match="those of tokens 1 are missing"):
        RaggedSequences.from_frame(pd.DataFrame({"id": ["u", None], "t": [2, 1]}), group="id", time="t")


@examples(50)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 10**6)), min_size=1, max_size=12))
def test_every_sequence_has_a_first_moment_of_its_own(rows):
    """Against subtraction of dates of Python."""
    start = dt.datetime(2024, 1, 1)
    when = [start + dt.timedelta(minutes=minutes) for _, minutes in rows]
    table = pd.DataFrame({"id": [key for key, _ in rows], "t": when})
    X = RaggedSequences.from_frame(table.assign(a=0), group="id", time="t", time_unit="min")
    for x, key in zip(X, dict.fromkeys(table["id"]), strict=True):
        mine = sorted(moment for moment, (other, _) in zip(when, rows) if other == key)
        assert x[:, 0].tolist() == [(moment - mine[0]) / dt.timedelta(minutes=1) for moment in mine]
