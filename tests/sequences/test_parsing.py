"""as_sequences reads every container of sequences, and refuses what could be read in two ways."""

import warnings
from collections import UserList, deque

import numpy as np
import pandas as pd
import pytest
from cases.sequences import LIST, same
from scipy import sparse

from sklearn_hardmax import HardmaxTransformerClassifier, RaggedSequences, as_sequences

RULES = "accepted are RaggedSequences, a list of 2-D arrays"


def object_array(arrays):
    array = np.empty(len(arrays), dtype=object)
    array[:] = arrays
    return array


def test_sequences_are_taken_as_they_are(X):
    assert as_sequences(X) is X


@pytest.mark.parametrize(
    "container",
    [list, tuple, object_array, lambda arrays: [a.tolist() for a in arrays], lambda arrays: tuple(map(tuple, arrays))],
    ids=["list", "tuple", "object array", "nested lists", "tuples of rows"],
)
def test_containers_of_matrices_are_ragged_sequences(container):
    assert same(as_sequences(container(LIST)), LIST)


def test_a_three_dimensional_array_is_sequences_of_equal_length():
    array = np.arange(12).reshape(2, 3, 2)
    assert same(as_sequences(array), [array[0], array[1]])
    assert as_sequences(array.tolist()) == as_sequences(array) == as_sequences(array.astype(object))


ROWS = [[0, 1], [2, 3], [4, 5]]


@pytest.mark.parametrize(
    "rows",
    [
        np.array(ROWS),
        np.array(ROWS, dtype=object),
        ROWS,
        tuple(map(tuple, ROWS)),
        [[np.float32(v) for v in row] for row in ROWS],
        object_array([tuple(row) for row in ROWS] + [None])[:3],
    ],
    ids=["array", "object array", "lists", "tuples", "lists of scalars", "array of rows"],
)
def test_a_matrix_is_sequences_of_one_token(rows):
    assert same(as_sequences(rows), [[[0, 1]], [[2, 3]], [[4, 5]]])


def test_a_data_frame_is_sequences_of_one_token():
    frame = pd.DataFrame({"a": [0.5, 2, 4], "b": [1, 3, 5]}, index=[7, 8, 9])
    assert same(as_sequences(frame), [[[0.5, 1]], [[2, 3]], [[4, 5]]])


def test_a_series_or_list_of_data_frames_is_ragged():
    assert same(as_sequences(pd.Series(LIST)), LIST)
    assert same(as_sequences([pd.DataFrame(Z) for Z in LIST]), LIST)


def test_the_matrix_reading_is_undone_by_asarray():
    matrix = np.arange(6.0).reshape(3, 2)
    assert np.array_equal(np.asarray(as_sequences(matrix)), matrix)


@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.coo_matrix, sparse.csr_array])
def test_sparse_matrices_are_refused(kind):
    with pytest.raises(TypeError, match=r"Sparse input is not supported; pass X\.toarray\(\)"):
        as_sequences(kind(np.eye(3)))


@pytest.mark.parametrize("method", ["toarray", "todense"])
def test_sparse_containers_of_other_libraries_are_refused(method):
    foreign = type("Foreign", (), {method: lambda self: np.eye(3)})
    with pytest.raises(TypeError, match="Sparse input is not supported"):
        as_sequences(foreign())


@pytest.mark.parametrize(
    "X",
    [[np.zeros(3), np.zeros(3)], [np.zeros(3), np.zeros(4)], (np.zeros(1),), object_array([np.zeros(3), np.zeros(4)])],
    ids=["equal lengths", "unequal lengths", "tuple", "object array"],
)
def test_one_dimensional_arrays_are_no_sequences(X):
    with pytest.raises(
        ValueError, match=rf"are not 2-D arrays .*; {RULES}.*for a list of 1-D series use .*from_series"
    ):
        as_sequences(X)


def test_the_row_of_numbers_among_matrices_is_named():
    with pytest.raises(ValueError, match=r"^Sequences 1 are not 2-D arrays .* sequence 1 has shape \(2,\)"):
        as_sequences([np.zeros((2, 2)), [1.0, 2.0]])


def test_the_one_dimensional_array_among_matrices_is_named():
    with pytest.raises(ValueError, match=r"^Sequences 1 are not 2-D arrays .* sequence 1 has shape \(3,\)"):
        as_sequences([np.zeros((2, 2)), np.zeros(3)])


def test_rows_of_numbers_of_unequal_lengths_are_refused():
    with pytest.raises(ValueError, match=rf"Rows of numbers have unequal lengths \(1 to 3\); {RULES}"):
        as_sequences([[1, 2], [1, 2, 3], [1]])


@pytest.mark.parametrize(
    "X",
    [[], (), np.zeros((0, 2)), np.zeros((0, 3, 2)), np.zeros(0, dtype=object)],
    ids=["list", "tuple", "matrix", "3-D array", "object array"],
)
def test_no_samples_are_refused(X):
    with pytest.raises(ValueError, match=r"^Found array with 0 sample\(s\).* while a minimum of 1 is required"):
        as_sequences(X)


def test_a_matrix_without_rows_is_refused_with_its_shape():
    with pytest.raises(ValueError, match=r"^Found array with 0 sample\(s\) \(shape=\(0, 2\)\)"):
        as_sequences(np.zeros((0, 2)))


@pytest.mark.parametrize(
    ("X", "shape"),
    [
        (np.zeros(4), "(4,)"),
        (np.float64(1), "()"),
        (3, "()"),
        (np.zeros((1, 1, 1, 1)), "(1, 1, 1, 1)"),
    ],
    ids=["1-D array", "NumPy scalar", "int", "4-D array"],
)
def test_arrays_of_other_dimensions_are_refused(X, shape):
    with pytest.raises(ValueError, match=r"Expected 2D array or sequences.*Reshape your data") as error:
        as_sequences(X)
    assert f"got an array of shape {shape}. " in str(error.value)
    assert RULES in str(error.value)


@pytest.mark.parametrize("X", [None, "text", b"bytes", {"a": [1]}, {1, 2}], ids=["None", "str", "bytes", "dict", "set"])
def test_things_that_are_no_containers_of_numbers_are_refused(X):
    with pytest.raises(ValueError, match=rf"^Cannot read sequences from {type(X).__name__}; {RULES}"):
        as_sequences(X)


SERIES = [np.zeros((1, 5)), np.ones((1, 5))]


@pytest.mark.parametrize(
    "X",
    [SERIES, tuple(SERIES), object_array(SERIES * 2)[:3], np.array(SERIES), [a.tolist() for a in SERIES]],
    ids=["list", "tuple", "object array", "3-D array", "nested lists"],
)
def test_sequences_of_one_token_each_are_read_with_one_warning(X):
    with pytest.warns(UserWarning, match=r"one token of 5 features.*from_aeon or from_series") as record:
        sequences = as_sequences(X)
    assert len(record) == 1
    assert record[0].filename == __file__
    assert same(sequences, list(X))


def test_two_features_of_one_token_are_enough_for_the_warning():
    with pytest.warns(UserWarning, match="Every sequence has one token of 2 features"):
        as_sequences(np.zeros((3, 1, 2)))


@pytest.mark.parametrize(
    "X",
    [np.zeros((3, 5)), [[1.0, 2.0]], np.zeros((3, 1, 1)), [np.zeros((1, 5)), np.zeros((2, 5))], np.zeros((2, 2, 5))],
    ids=["matrix", "nested lists", "one feature", "a longer one", "two tokens"],
)
def test_other_sequences_are_read_without_a_warning(X):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        as_sequences(X)


def test_no_sequences_at_all_and_masked_arrays_are_refused():
    with pytest.raises(ValueError, match=r"Found array with 0 sample\(s\)"):
        as_sequences(RaggedSequences.from_list([[[1.0]]])[:0])
    with pytest.raises(ValueError, match="Masked arrays are not supported"):
        as_sequences(np.ma.masked_array(np.zeros((2, 3, 1))))


@pytest.mark.parametrize(
    "convert",
    [
        as_sequences,
        RaggedSequences.from_list,
        RaggedSequences.from_aeon,
        RaggedSequences.from_padded,
        lambda X: RaggedSequences.from_series(X[1]),
        lambda X: RaggedSequences.from_flat(X[1], lengths=[2]),
    ],
)
def test_masked_values_are_never_read_as_numbers(convert):
    masked = np.ma.masked_array(np.arange(4.0).reshape(2, 2), mask=[[False, True], [False, False]])
    with pytest.raises(ValueError, match=r"hold masked values: leave these tokens out, or use .*from_padded"):
        convert([np.zeros((2, 2)), masked])


def test_masked_arrays_without_masked_values_are_read():
    assert as_sequences([np.ma.masked_array(np.ones((2, 2)))]) == RaggedSequences.from_list([np.ones((2, 2))])


# -- things that hold sequences, but are no lists of them ---------------------------------------------------------------


@pytest.mark.parametrize("container", [deque, UserList, tuple, list], ids=lambda cls: cls.__name__)
def test_every_sequence_of_python_is_read(container):
    assert same(as_sequences(container(LIST)), LIST)


@pytest.mark.parametrize(
    "make",
    [
        lambda: (Z for Z in LIST),
        lambda: iter(LIST),
        lambda: dict(enumerate(LIST)).values(),
        lambda: map(np.array, LIST),
    ],
    ids=["generator", "iterator", "values of a dict", "map"],
)
def test_what_has_no_index_is_to_be_made_a_list_which_is_read(make):
    with pytest.raises(
        ValueError, match=rf"^Cannot read sequences from {type(make()).__name__}, .* write list\(X\)\.$"
    ):
        as_sequences(make())
    assert same(as_sequences(list(make())), LIST)


def test_a_dict_names_its_values():
    with pytest.raises(ValueError, match=r"from dict; .* The values of a dict are list\(X\.values\(\)\)"):
        as_sequences({"a": LIST[0]})
    with pytest.raises(ValueError, match=r"from frozenset; accepted are"):
        as_sequences(frozenset())


def test_groups_of_pandas_are_read_from_their_frame():
    frame = pd.DataFrame({"id": [0, 0, 1], "a": [1.0, 2.0, 3.0]})
    for grouped in (frame.groupby("id"), frame["a"].groupby(frame["id"])):
        with pytest.raises(ValueError, match=r"from (DataFrame|Series)GroupBy; write .*\.from_frame\(frame, group"):
            as_sequences(grouped)


# -- few tokens of many features ---------------------------------------------------------------------------------------

CHANNELS = np.zeros((4, 6, 100))


@pytest.mark.parametrize(
    "X", [CHANNELS, list(CHANNELS), tuple(CHANNELS), CHANNELS.tolist(), object_array(list(CHANNELS))],
    ids=["3-D array", "list", "tuple", "nested lists", "object array"],
)  # fmt: skip
def test_series_with_channels_first_are_read_with_one_warning(X):
    """BasicMotions of the UEA archive has this shape: 40 series of 6 channels and 100 points in time."""
    with pytest.warns(
        UserWarning, match=r"6 tokens of 100 features.*6 channels .*\(6, 100\), use .*from_aeon"
    ) as record:
        sequences = as_sequences(X)
    assert len(record) == 1
    assert record[0].filename == __file__
    assert same(sequences, list(CHANNELS))


def test_fit_warns_once_at_the_call_of_fit_and_predict_does_not():
    y = [0, 1, 0, 1]
    X = np.random.default_rng(0).normal(size=CHANNELS.shape)
    with pytest.warns(UserWarning, match="6 tokens of 100 features") as record:
        clf = HardmaxTransformerClassifier(n_heads=0, random_state=0).fit(X, y)
    assert [warning.filename for warning in record] == [__file__]
    assert clf.predict(X).tolist() == clf.predict(list(X)).tolist() == y


@pytest.mark.parametrize(
    "X",
    [
        RaggedSequences.from_padded(CHANNELS),
        RaggedSequences.from_list(CHANNELS),
        RaggedSequences.from_aeon(CHANNELS),
        CHANNELS.transpose(0, 2, 1),
        [pd.DataFrame(x) for x in CHANNELS],
        np.zeros((4, 6, 23)),
        [np.zeros((1, 100)), np.zeros((6, 100))],
        np.zeros((4, 100)),
    ],
    ids=["from_padded", "from_list", "from_aeon", "tokens first", "frames", "below four times", "two lengths", "table"],
)
def test_what_says_or_shows_that_tokens_come_first_is_read_without_a_warning(X):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        as_sequences(X)


def test_four_features_per_token_are_the_least_that_warn():
    with pytest.warns(UserWarning, match="6 tokens of 24 features"):
        as_sequences(np.zeros((4, 6, 24)))


# -- one sequence where many are meant ---------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [np.array, list, tuple], ids=["array", "list", "tuple"])
def test_one_sequence_in_place_of_many_is_read_as_rows_with_a_warning(form):
    X = [[[0.0, 1.0], [1.0, 1.0]], [[2.0, 0.0], [0.0, 3.0], [1.0, 0.0]]]
    clf = HardmaxTransformerClassifier(n_heads=0, random_state=0).fit(X, ["a", "b"])
    message = (
        r"X is a table, read as 3 sequences of one token each, .* about 2\.5 tokens\. .*: \[X\], such as \[X\[0\]\]"
    )
    with pytest.warns(UserWarning, match=message) as record:
        assert clf.predict(form(X[1])).shape == (3,)
    assert [warning.filename for warning in record] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert clf.predict([X[1]]).tolist() == ["b"]
        assert clf.predict(form(X[1][:1])).shape == (1,)  # the same in a list
        assert clf.predict([[token] for token in X[1]]).shape == (3,)


def test_a_table_is_asked_about_without_a_warning_if_most_training_sequences_have_one_token():
    X = [[[0.0]], [[2.0]], [[1.0], [0.0]]]
    clf = HardmaxTransformerClassifier(n_heads=0, random_state=0).fit(X, [0, 1, 0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert clf.predict([[0.0], [2.0]]).tolist() == [0, 1]


def test_the_memory_of_an_array_is_read_as_the_array():
    assert as_sequences(memoryview(np.array(ROWS))) == as_sequences(ROWS)
