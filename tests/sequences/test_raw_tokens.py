"""Raw tokens stand where an array of tokens would: indexed by rows, compared by value and type, with missing values."""

import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_hardmax import HardmaxTransformerClassifier, RaggedSequences, as_sequences
from sklearn_hardmax.sequences.raw_tokens import Categories, RawTokens, codes_of, frame_of, objects

NAN = float("nan")


def tokens():
    """Four tokens: a category, a text, a float, an integer and a date, each but the integer missing once."""
    return RawTokens(
        [
            Categories(np.array([0, 1, -1, 0]), objects(["a", "b"])),
            objects(["x", NAN, "y", "x"]),
            np.array([NAN, 1.5, 2.5, 3.5]),
            np.array([1, 2, 3, 1]),
            np.array(["2024-01-01", "NaT", "2024-01-03", "2024-01-04"], dtype="datetime64[D]"),
        ]
    )


def test_rows_and_columns_are_indexed_as_those_of_an_array():
    raw = tokens()
    table = np.asarray(raw)
    assert raw.shape == table.shape == (4, 5)
    assert raw.dtypes == ("category", "object", "float64", "int64", "datetime64[D]")
    for rows in (slice(1, 3), [2, 0], np.array([True, False, False, True]), slice(None, None, -1)):
        assert raw[rows] == RawTokens([column[rows] for column in raw.columns])
        assert [str(v) for row in np.asarray(raw[rows]) for v in row] == [str(v) for row in table[rows] for v in row]
    assert raw[0].tolist()[:2] == ["a", "x"]
    assert raw[:, 3].tolist() == [1, 2, 3, 1]
    assert raw[1:, 0].tolist()[::2] == ["b", "a"]
    assert [row[3] for row in raw] == [1, 2, 3, 1]
    assert raw.tolist()[3][:4] == ["a", "x", 3.5, 1]
    assert repr(raw) == "RawTokens(4 tokens, category, object, float64, int64, datetime64[D])"
    assert len(RawTokens([])) == 0


def test_missing_equals_missing_and_types_count():
    raw = tokens()
    assert raw == tokens()
    assert raw == pickle.loads(pickle.dumps(raw))
    for j, column in enumerate(raw.columns):
        others = [*raw.columns[:j], column[[0, 0, 0, 0]], *raw.columns[j + 1 :]]
        assert raw != RawTokens(others)
    values = RawTokens([raw.columns[0].values(), *raw.columns[1:]])
    assert raw != values  # texts are no categories
    assert RawTokens([np.array([1])]) != RawTokens([np.array([1.0])])
    assert raw != raw[:2]
    assert (raw == 3) is False


def test_categories_are_equal_whatever_their_numbers():
    one = Categories(np.array([0, 1]), objects(["a", "b"]))
    other = Categories(np.array([2, 0]), objects(["b", "c", "a"]))
    assert RawTokens([one]) == RawTokens([other])


@given(st.lists(st.sampled_from(["a", "b", "", "a ", None, NAN])))
def test_categories_of_values_are_numbered_in_the_order_of_appearance(values):
    found = Categories.of_values(values)
    present = [v for v in values if isinstance(v, str)]
    assert found.categories.tolist() == list(dict.fromkeys(present))
    assert [v for v in found.values().tolist() if isinstance(v, str)] == present
    assert [code == -1 for code in found.codes] == [not isinstance(v, str) for v in values]


def test_nothing_can_be_written_into_raw_tokens():
    raw = RaggedSequences(tokens(), [0, 4]).tokens
    for column in raw.columns:
        array = column.codes if isinstance(column, Categories) else column
        with pytest.raises(ValueError, match="read-only"):
            array[0] = array[1]


@given(st.lists(st.sampled_from([1, 1.0, True, "1", None, NAN, "", (1, 2), 2**70, b"1"]), min_size=1))
def test_codes_tell_values_and_types_apart(values):
    codes = codes_of(RawTokens([objects(values)]))[:, 0]
    keys = ["missing" if v is None or v != v else (type(v), v) for v in values]
    for i in range(len(values)):
        for j in range(len(values)):
            assert (codes[i] == codes[j]) == (keys[i] == keys[j])


def test_codes_of_all_types_of_columns():
    raw = tokens()[[0, 1, 2, 3, 0, 1, 2]]
    codes = codes_of(raw)
    assert [(codes == row).all(axis=1).sum() for row in codes] == [2, 2, 2, 1, 2, 2, 2]
    lists = codes_of(RawTokens([objects([[1], [1], [2]])]))  # objects that cannot be hashed
    assert lists[0] == lists[1] != lists[2]
    assert codes_of(np.array([[1.5], [1.5], [NAN], [NAN]]))[:, 0].tolist() == [0, 0, 1, 1]
    assert codes_of(np.array([[1.5], [2.5]])).tolist() == [[1.5], [2.5]]


# -- in the container ----------------------------------------------------------------------------------------------------


def test_the_container_of_raw_tokens_behaves_as_that_of_numbers():
    X = RaggedSequences(tokens(), [0, 1, 4], ids=["p", "q"], feature_names=list("abcde"))
    assert X.is_raw
    assert X.dtype == object
    assert X[1].tolist()[0][:2] == ["b", X[1].tolist()[0][1]]
    assert X == X[[0, 1]] == X[::-1][::-1] == pickle.loads(pickle.dumps(X))
    assert X[:1].tokens == tokens()[:1]
    assert X != X[::-1]
    assert [len(Z) for Z in X] == [1, 3]
    assert repr(X[1:]) == (
        "RaggedSequences(1 sequences of 3 tokens, token_dim=5, category, object, float64, int64, datetime64[D])"
    )
    assert RaggedSequences([[1.0]], [0, 1]) != RaggedSequences(RawTokens([np.array([1.0])]), [0, 1])
    assert X.__sizeof__() > X.tokens.nbytes
    assert as_sequences(X, dtype=None) is X


def test_raw_tokens_go_out_as_a_table_and_come_back(tmp_path):
    X = RaggedSequences(tokens(), [0, 1, 4], ids=["p", "q"], feature_names=list("abcde"))
    table = X.to_pandas(group="id")
    assert table["a"].dtype == "category"
    assert RaggedSequences.from_frame(table.astype({"e": "datetime64[s]"}), group="id", dtype=None) == X
    for method in ("to_padded", "to_aeon", "to_pandas"):
        with pytest.raises(ValueError, match=r"Raw tokens go out as a table .* TokenwiseTransformer"):
            getattr(X, method)()
    assert [Z.shape for Z in X.to_list()] == [(1, 5), (3, 5)]


def test_numeric_estimators_name_the_columns_and_the_step():
    X = RaggedSequences(tokens(), [0, 1, 4], feature_names=list("abcde"))
    message = (
        r"features 'a' \(category\), 'b' \(object\), 'e' \(datetime64\[D\]\) are no numbers: .*TokenwiseTransformer\("
        r"make_column_transformer\(\(OneHotEncoder\(handle_unknown='ignore'\), \['a', 'b'\]\), remainder='passthrough'\)\)"
        r".*the dates \['e'\] as time="
    )
    with pytest.raises(ValueError, match=message):
        HardmaxTransformerClassifier().fit(X, [0, 1])
    with pytest.raises(TypeError, match=r"use to_list\(\) or to_pandas\(group='id'\)"):
        np.asarray(X)
    with pytest.raises(ValueError, match=r"features 0 \(category\)"):
        as_sequences(RaggedSequences(tokens(), [0, 4]))


def test_dates_alone_are_sent_to_the_column_of_times():
    X = RaggedSequences(RawTokens(tokens().columns[3:]), [0, 4], feature_names=["n", "when"])
    with pytest.raises(
        ValueError, match=r"'when' \(datetime64\[D\]\) are no numbers: give the dates \['when'\] as time="
    ):
        as_sequences(X)


def test_raw_tokens_that_are_numbers_are_read_as_numbers():
    X = RaggedSequences(
        RawTokens([np.array([1, 2]), np.array([True, False])]), [0, 2], ids=["p"], feature_names=["a", "b"]
    )
    assert as_sequences(X) == RaggedSequences([[1.0, 1.0], [2.0, 0.0]], [0, 2], ids=["p"], feature_names=["a", "b"])
    gaps = RaggedSequences(RawTokens([np.array([1, 2]), np.array([NAN, 0.5])]), [0, 2])
    with pytest.raises(ValueError, match="contains NaN"):
        as_sequences(gaps)
    assert np.isnan(as_sequences(gaps, allow_nan=True).tokens[0, 1])


def test_infinity_is_refused_in_raw_tokens_too():
    with pytest.raises(ValueError, match="contains infinity in sequences 1;"):
        RaggedSequences(RawTokens([np.array([1, 2]), np.array([NAN, np.inf])]), [0, 1, 2])


def test_frames_have_the_types_of_the_columns():
    frame = frame_of(tokens(), list("abcde"))
    assert frame.columns.tolist() == list("abcde")
    assert [str(frame[name].dtype) for name in "acd"] == ["category", "float64", "int64"]
    assert frame["b"].isna().tolist() == [False, True, False, False]
    assert frame["a"].isna().tolist() == [False, False, True, False]
    assert frame_of(np.ones((2, 1)), ["u"]).equals(pd.DataFrame({"u": [1.0, 1.0]}))
    assert frame_of(tokens(), None).dtype == object
