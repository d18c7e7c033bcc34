"""Ids are kept as they are, compared for equality, and survive files; names of features are texts."""

import datetime as dt
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_hardmax import RaggedSequences
from sklearn_hardmax.sequences.names import are_equal, as_feature_names, as_ids, id_array

NUMBERS = st.one_of(st.integers(), st.floats(allow_nan=False), st.booleans())
IDS = st.lists(st.one_of(NUMBERS, st.text(), st.tuples(st.text(), NUMBERS)), min_size=1, max_size=5)


def sequences_with(ids):
    return RaggedSequences.from_series(np.arange(2.0 * len(ids)).reshape(-1, 2)).with_ids(ids)


@given(IDS)
def test_ids_of_any_types_come_back_as_they_were_given(ids):
    found = as_ids(ids, len(ids)).tolist()
    assert found == ids
    assert list(map(type, found)) == list(map(type, ids))


@given(IDS)
def test_ids_survive_a_file(tmp_path_factory, ids):
    path = tmp_path_factory.mktemp("ids") / "file"
    X = sequences_with(ids)
    X.save(path)
    for mmap_mode in (None, "r"):
        assert RaggedSequences.load(path, mmap_mode) == X


@pytest.mark.parametrize(
    "ids",
    [
        np.array([3, 1], dtype=np.uint64),
        np.array([2**64 - 1, 1], dtype=np.uint64),
        [2**70, 1],
        np.array([0.5, 2.0], dtype=np.float32),
        np.array(["2020-01-01", "1969-12-31"], dtype="datetime64[D]"),
        np.array([1, 2], dtype="datetime64[25s]"),
        np.array([1, 2**62], dtype="timedelta64[ns]"),
        pd.date_range("2020-01-01", periods=2, freq="ns"),
        pd.Series(["a", "b"], dtype="string"),
        pd.MultiIndex.from_tuples([("a", 1), ("b", 2)]),
        [np.int64(3), "x"],
        ["a\0", "a"],
        [("a", (1, "b")), ("a", (1, "c"))],
        [dt.date(2020, 1, 1), dt.date(1, 1, 1)],
        [dt.datetime(2020, 1, 1, 2, 3, 4, 5), dt.datetime(2020, 1, 1, tzinfo=dt.UTC)],
        pd.date_range("2020-01-01", periods=2, tz="Europe/Berlin"),
        [dt.time(1, 2, 3), dt.time(4)],
        [Decimal("0.10"), Fraction(1, 3)],
        [UUID(int=3), b"\x00\xff"],
    ],
)
def test_ids_of_many_kinds_are_equal_to_themselves_after_files_pickles_and_folds(tmp_path, ids):
    X = sequences_with(ids)
    X.save(tmp_path / "file")
    assert RaggedSequences.load(tmp_path / "file") == X
    assert X[[1, 0, 1]].ids[[1, 0]].tolist() == X.ids.tolist()
    assert X[1:].ids.tolist() == X.ids[1:].tolist()
    assert X != X[[1, 0]].with_ids(X.ids)
    assert X != X.with_ids(X[[1, 0]].ids)
    assert X != X.with_ids(None)


@pytest.mark.parametrize(
    "missing", [None, np.nan, np.datetime64("NaT", "s"), pd.NA, pd.NaT, float("nan"), Decimal("nan")]
)
def test_missing_ids_are_refused(missing):
    with pytest.raises(ValueError, match="ids must name every sequence; those of sequences 1 are missing"):
        as_ids(["a", missing], 2)


def test_missing_ids_in_arrays_are_refused():
    for ids in (np.array([1.0, np.nan]), np.array(["2020", "NaT"], dtype="datetime64[D]")):
        with pytest.raises(ValueError, match="sequences 1 are missing"):
            as_ids(ids, 2)


def test_another_number_of_ids_and_ids_that_cannot_be_compared_are_refused():
    with pytest.raises(ValueError, match=r"ids must name each of the 2 sequences, got shape \(3,\)"):
        as_ids([1, 2, 3], 2)
    with pytest.raises(ValueError, match=r"got shape \(\)"):
        as_ids(np.int64(3), 1)
    with pytest.raises(TypeError, match="Ids must be numbers, texts, dates or tuples of these; id 1 is a dict"):
        as_ids([1, {}], 2)
    for odd in (complex(1), pd.Timestamp(1, tz="UTC")):  # nanoseconds
        with pytest.raises(TypeError, match=f"A value of type {type(odd).__name__} cannot be saved"):
            sequences_with([odd, 1]).save("nowhere")


def test_ids_are_equal_as_python_compares_them():
    assert are_equal(id_array([1, 2]), id_array([1.0, 2.0]))
    assert not are_equal(id_array([1, 2]), id_array(["1", "2"]))
    assert not are_equal(id_array([1, 2]), id_array([1, 2, 3]))
    assert are_equal(None, None)
    assert not are_equal(None, id_array([1]))


def test_ids_are_a_copy_that_nobody_can_change():
    ids = np.array([1, 2])
    X = sequences_with(ids)
    ids[0] = 5
    assert X.ids.tolist() == [1, 2]
    with pytest.raises(ValueError, match="read-only"):
        X.ids[0] = 3


def test_names_of_features_are_all_texts_or_none_is():
    assert as_feature_names(["a", np.str_("b")], 2).tolist() == ["a", "b"]
    assert as_feature_names([0, 1], 2) is None
    assert as_feature_names(None, 2) is None
    with pytest.raises(TypeError, match=r"some are texts and others not: \['a', 0\]; rename the columns"):
        as_feature_names(["a", 0], 2)
    with pytest.raises(ValueError, match="must name the 2 features of a token, got 1 names"):
        as_feature_names(["a"], 2)
