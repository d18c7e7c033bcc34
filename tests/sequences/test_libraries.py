"""Frames and columns of pandas come in and go out; tests/extras/test_interop.py has the same for the other libraries."""

import numpy as np
import pandas as pd
import pytest

from sklearn_hardmax import HardmaxTransformerClassifier, RaggedSequences, as_sequences

TOKENS = np.arange(12.0).reshape(6, 2)


@pytest.fixture(params=[np.float64, np.float32])
def X(request):
    """Three sequences of 1, 3 and 2 tokens with the numbers 0 to 11 in order."""
    return RaggedSequences(TOKENS.astype(request.param), [0, 1, 4, 6])


def identical(got, expected):
    return got == expected and got.dtype == expected.dtype


def columns_of_lists(X):
    return pd.DataFrame({f"c{j}": [x[:, j] for x in X] for j in range(X.token_dim)})


def test_a_series_of_arrays_holds_views_and_comes_back(X):
    series = X.to_pandas()
    assert all(np.shares_memory(cell, X.tokens) for cell in series)
    assert identical(RaggedSequences.from_frame(series), X)
    assert identical(as_sequences(series), X)


def test_a_long_table_has_one_token_a_row_and_comes_back(X):
    table = X.to_pandas(group="id", names=["u", "v"])
    assert table.columns.tolist() == ["id", "u", "v"]
    assert table["id"].tolist() == [0, 1, 1, 1, 2, 2]
    assert X.to_pandas(group="id").columns.tolist() == ["id", "x0", "x1"]
    named = RaggedSequences(X.tokens, X.offsets, ids=[0, 1, 2], feature_names=["u", "v"])
    assert identical(RaggedSequences.from_frame(table, group="id"), named)
    assert named.to_pandas(group="id").equals(table)


def test_groups_are_ids_in_the_order_in_which_they_appear(X):
    table = X.with_ids(["b", 7, "a"]).to_pandas(group="id", names=["u", "v"])
    assert table["id"].tolist() == ["b", 7, 7, 7, "a", "a"]
    assert RaggedSequences.from_frame(table, group="id").ids.tolist() == ["b", 7, "a"]


def test_several_columns_or_levels_of_the_index_name_a_sequence(X):
    table = X.to_pandas(group="case", names=["u", "v"])
    table["site"] = ["x", "y", "y", "y", "x", "x"]
    expected = [(0, "x"), (1, "y"), (2, "x")]
    read = RaggedSequences.from_frame(table, group=["case", "site"])
    assert (read.ids.tolist(), read.feature_names.tolist()) == (expected, ["u", "v"])
    assert RaggedSequences.from_frame(table.set_index(["case", "site"]), group=["case", "site"]) == read
    assert RaggedSequences.from_frame(table.set_index("case").drop(columns="site"), group="case").ids.tolist() == [
        0,
        1,
        2,
    ]


@pytest.mark.parametrize(
    ("index", "ids"),
    [
        (None, None),
        ([5, 3, 9], None),  # numbers of rows, whatever has been done to them since
        (pd.Index([5, 3, 9], name="case"), [5, 3, 9]),
        (["b", "c", "a"], ["b", "c", "a"]),
        (pd.MultiIndex.from_tuples([("x", 1), ("x", 2), ("y", 1)]), [("x", 1), ("x", 2), ("y", 1)]),
    ],
)
def test_an_index_is_ids_unless_it_counts_rows(X, index, ids):
    series = pd.Series(list(X.to_pandas()), index=index)
    frame = columns_of_lists(X).set_axis(range(3) if index is None else index)
    table = pd.DataFrame({"u": [1.0, 2.0, 3.0]}, index=index)
    has_levels = isinstance(index, pd.MultiIndex)  # of a data frame they may name the sequences: as_sequences asks
    read = [RaggedSequences.from_frame(series), as_sequences(series), RaggedSequences.from_frame(frame)]
    for found in read if has_levels else [*read, as_sequences(frame), as_sequences(table)]:
        assert (None if found.ids is None else found.ids.tolist()) == ids
    if has_levels:
        return
    assert as_sequences(table).feature_names.tolist() == ["u"]


def test_a_list_of_frames_has_their_column_names_which_must_be_the_same():
    frames = [pd.DataFrame({"a": [1.0], "b": [2.0]}), pd.DataFrame({"a": [3.0, 4.0], "b": [5.0, 6.0]})]
    assert as_sequences(frames).feature_names.tolist() == ["a", "b"]
    with pytest.raises(ValueError, match=r"sequence 0 has \['a', 'b'\], sequence 1 has \['b', 'a'\]"):
        as_sequences([frames[0], frames[1][["b", "a"]]])
    with pytest.raises(ValueError, match=r"Some sequences are data frames, but sequences 1 are not .* frame\.to_numpy"):
        as_sequences([frames[0], frames[1].to_numpy()])


def test_ids_of_a_series_of_any_type_are_its_index(X):
    for ids in ([3, 1, 2], ["b", "a", "c"], [(1, "a"), (1, "b"), (2, "a")], [1, "a", 2.5]):
        table = X.with_ids(ids).to_pandas()
        assert RaggedSequences.from_frame(table) == X.with_ids(ids)
        assert as_sequences(table) == X.with_ids(ids)
    assert RaggedSequences.from_frame(X.to_pandas()).ids is None
    series = pd.Series([[1.0, 2.0], [3.0]], index=["p", "q"])
    assert RaggedSequences.from_series(series).ids.tolist() == ["p", "q"]


def test_lists_beside_a_column_of_groups_are_one_sequence_a_row(X):
    lists = pd.DataFrame({"id": ["b", "a", "b"], **columns_of_lists(X)})
    found = RaggedSequences.from_frame(lists, group="id")
    assert found.ids.tolist() == ["b", "a", "b"]  # rows are sequences, whose ids may repeat
    assert found.feature_names.tolist() == ["c0", "c1"]
    assert np.array_equal(found.tokens, X.tokens)
    assert np.array_equal(found.offsets, X.offsets)
    for table, arguments in ((lists.assign(n=1.0), {}), (lists.assign(t=1.0), {"time": "t"})):
        with pytest.raises(ValueError, match=r"Columns \['c0', 'c1'\] hold one list per row.* frame\.explode"):
            RaggedSequences.from_frame(table, group="id", **arguments)
    with pytest.raises(ValueError, match="hold one list per row, but time='c1' one value"):
        RaggedSequences.from_frame(lists, group="id", time="c1")


def test_parts_of_ids_that_are_dates_keep_their_type():
    when = pd.to_datetime(["2024-01-01", "2024-01-02"])
    table = pd.DataFrame({"site": [1, 1], "day": when, "a": [1.0, 2.0]})
    X = RaggedSequences.from_frame(table, group=["site", "day"])
    assert X.ids[1] == (1, np.datetime64("2024-01-02"))
    assert type(X.ids[1][1]) is np.datetime64


def test_columns_of_lists_are_features_and_name_them(X):
    frame = columns_of_lists(X)
    named = RaggedSequences(X.tokens, X.offsets, feature_names=["c0", "c1"])
    assert identical(RaggedSequences.from_frame(frame), named)
    assert identical(as_sequences(frame), named)
    clf = HardmaxTransformerClassifier(n_heads=0, random_state=0).fit(frame, [0, 1, 0])
    assert clf.feature_names_in_.tolist() == ["c0", "c1"]
    assert clf.predict(frame).tolist() == [0, 1, 0]


def test_cells_of_numbers_are_series_of_one_channel_where_they_are_asked_for():
    expected = RaggedSequences.from_list([[[1.0], [2.0]], [[3.0]]])
    assert RaggedSequences.from_frame(pd.Series([[1.0, 2.0], [3.0]])) == expected
    named = RaggedSequences(expected.tokens, expected.offsets, feature_names=["a"])
    assert RaggedSequences.from_frame(pd.DataFrame({"a": [[1.0, 2.0], [3.0]]})) == named
    assert RaggedSequences.from_frame(pd.Series([[(1.0,), (2.0,)], [(3.0,)]])) == expected


@pytest.mark.parametrize(
    ("frame", "group", "message"),
    [
        ({"a": [[1.0], [2.0]], "b": [[1.0], None]}, None, r"missing cells \(nulls\) in sequences 1;"),
        ({"a": [[1.0], [2.0]], "b": [[1.0], [2.0, 3.0]]}, None, "columns 'a' and 'b' differ in sequences 1"),
        (
            {"a": [[1.0], [2.0]], "b": [1.0, 2.0]},
            None,
            "Cells of column 'b' must be lists or arrays.*cells 0, 1 are not",
        ),
        (
            {"a": [[[1.0, 2.0]]], "b": [[1.0]]},
            None,
            r"Each cell of column 'a' must be a list of numbers, got lists of 2 .*from_frame\(frame\['a'\]\)",
        ),
        ({}, None, r"needs one column of lists per feature, each with a name of its own, got columns \[\]"),
        ({"bag": [0, 1, 0], "a": [1, 2, 3]}, "bag", r"groups \[0\] are not contiguous"),
        ({"bag": [0, 1], "a": ["x", "y"]}, "bag", "entries of column 'a' must be"),
        (
            {"bag": [0, 1], "a": pd.Categorical([1, 2])},
            "bag",
            r"column 'a' .* are categorical \(category\)",
        ),
        ({"id": [0, 1], "a": [1, 2]}, "bag", r"There is no column 'bag'; the columns are \['id', 'a'\]"),
        ({"bag": [0, 1]}, "bag", r"needs a column 'bag' and features .* got \['bag'\]"),
    ],
)
def test_frames_that_are_no_sequences_are_refused(frame, group, message):
    with pytest.raises((ValueError, TypeError), match=message):
        RaggedSequences.from_frame(pd.DataFrame(frame), group=group)


def test_columns_of_one_name_are_refused():
    with pytest.raises(ValueError, match="each with a name of its own, got columns"):
        RaggedSequences.from_frame(pd.DataFrame([[[1.0], [2.0]]], columns=["a", "a"]))
    with pytest.raises(ValueError, match="features with names of their own"):
        RaggedSequences.from_frame(pd.DataFrame([[1, 2, 3]], columns=["g", "a", "a"]), group="g")


def test_what_is_no_frame_is_refused():
    with pytest.raises(TypeError, match=r"from_frame takes a Series, data frame or table of .*, got list"):
        RaggedSequences.from_frame([[1.0, 2.0]])


def test_categories_are_refused_by_the_parser_and_tables_of_numbers_are_one_token_a_row():
    with pytest.raises(ValueError, match=r"column 'a' .* are categorical \(category\): encode categories"):
        as_sequences(pd.DataFrame({"a": pd.Categorical([1, 2])}))
    assert as_sequences(pd.DataFrame(TOKENS)) == RaggedSequences(TOKENS, np.arange(7))
    empty = pd.DataFrame({"a": [None, None]}, dtype=object)
    with pytest.raises(ValueError, match="NaN or infinity in sequences 0, 1"):
        as_sequences(empty)


# -- layouts of sktime -------------------------------------------------------------------------------------------------


def test_one_column_of_sequences_in_a_frame_is_read_as_the_column(X):
    frame = pd.DataFrame({"seq": X.to_pandas()})
    assert identical(RaggedSequences.from_frame(frame), X)
    assert identical(as_sequences(frame), X)


def test_cells_that_are_series_or_frames_of_pandas_are_sequences():
    series = pd.DataFrame({"u": [pd.Series([1, 2]), pd.Series([3])], "v": [pd.Series([4, 5]), pd.Series([6])]})
    frames = pd.Series([pd.DataFrame({"u": [1, 2], "v": [4, 5]}), pd.DataFrame({"u": [3], "v": [6]})])
    expected = RaggedSequences([[1, 4], [2, 5], [3, 6]], [0, 2, 3], feature_names=["u", "v"])
    for frame in (series, frames, frames.to_frame("cell")):
        assert as_sequences(frame) == RaggedSequences.from_frame(frame) == expected


def test_an_index_of_two_levels_names_the_call_which_is_read():
    """The layout pd-multiindex of sktime; its rows may be anywhere."""
    index = pd.MultiIndex.from_tuples([("q", 1), ("p", 0), ("q", 0)], names=["case", "moment"])
    X = pd.DataFrame({"a": [3.0, 1.0, 2.0]}, index=index)
    with pytest.raises(ValueError, match=r"2 levels.*write RaggedSequences\.from_frame\(X\.reset_index\(\), ") as error:
        as_sequences(X)
    assert "from_frame(X.reset_index(), group='case', time='moment')" in str(error.value)
    read = RaggedSequences.from_frame(X.reset_index(), group="case", time="moment")
    expected = [[0, 2], [1, 3], [0, 1]]
    assert read == RaggedSequences(expected, [0, 2, 3], ids=["q", "p"], feature_names=["moment", "a"])
    assert as_sequences(X.reset_index(drop=True)).tokens.tolist() == [[3], [1], [2]]
    with pytest.raises(ValueError, match=r"group='level_0', time='level_1'"):
        as_sequences(X.rename_axis([None, None]))


def test_one_number_per_row_names_the_call_which_is_read():
    """The layout pd-long of sktime."""
    X = pd.DataFrame(
        [(0, 0, 0, 1.0), (0, 1, 0, 2.0), (0, 0, 1, 3.0), (0, 1, 1, 4.0), (1, 0, 0, 5.0), (1, 1, 0, 6.0)],
        columns=["case_id", "dim_id", "reading_id", "value"],
    )
    for read in (as_sequences, RaggedSequences.from_frame, lambda X: RaggedSequences.from_frame(X, group="case_id")):
        with pytest.raises(ValueError, match=r"write RaggedSequences\.from_frame\(X\.pivot\("):
            read(X)
    wide = X.pivot(index=["case_id", "reading_id"], columns="dim_id", values="value").rename(columns=str).reset_index()
    expected = RaggedSequences(
        [[0, 1, 2], [1, 3, 4], [0, 5, 6]], [0, 2, 3], ids=[0, 1], feature_names=["reading_id", "0", "1"]
    )
    assert RaggedSequences.from_frame(wide, group="case_id", time="reading_id") == expected


@pytest.mark.parametrize("make", [lambda frame: frame.groupby("a"), lambda frame: frame["a"].groupby(frame["a"])])
def test_groups_are_no_frame(make):
    with pytest.raises(TypeError, match=r"from_frame takes a Series, data frame or table of .*, got \w+GroupBy"):
        RaggedSequences.from_frame(make(pd.DataFrame({"a": [1.0, 2.0]})))


@pytest.mark.parametrize(
    "groups", [pd.array(["a", pd.NA, "b"], dtype="string"), pd.array([1, pd.NA, 2], dtype="Int64")]
)
def test_groups_of_pandas_with_missing_entries_are_refused(groups):
    table = pd.DataFrame({"bag": groups, "a": [1.0, 2.0, 3.0]})
    with pytest.raises(ValueError, match="groups must name the sequence of each token; those of tokens 1 are missing"):
        RaggedSequences.from_frame(table, group="bag")
