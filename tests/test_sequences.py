"""RaggedSequences is an array of sequences, converters undo each other, as_sequences reads or refuses by rule."""

import copy
import pickle
import re
import sys
import warnings

import numpy as np
import pytest
from effort import examples
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse
from sklearn.model_selection import KFold, train_test_split
from sklearn.utils import _safe_indexing

from sklearn_hardmax import RaggedSequences, as_sequences

LIST = [
    np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]),
    np.array([[6.0, 7.0]]),
    np.array([[8.0, 9.0], [10.0, 11.0]]),
    np.array([[12.0, 13.0], [14.0, 15.0], [16.0, 17.0], [18.0, 19.0]]),
]
RULES = "accepted are RaggedSequences, a list of 2-D arrays"


@pytest.fixture
def X():
    """Four sequences of 3, 1, 2 and 4 tokens with the numbers 0 to 19 in order."""
    return RaggedSequences(np.arange(20.0).reshape(10, 2), [0, 3, 4, 6, 10])


def same(got, expected):
    """Whether sequences equal a list of arrays in number, shapes and values."""
    return len(got) == len(expected) and all(np.array_equal(a, b) for a, b in zip(got, expected))


def ones(*lengths, token_dim=2):
    return [np.ones((n, token_dim)) for n in lengths]


@st.composite
def ragged_lists(draw, token_dim=None):
    token_dim = token_dim or draw(st.integers(1, 3))
    lengths = draw(st.lists(st.integers(1, 4), min_size=1, max_size=6))
    values = st.floats(-1e6, 1e6, width=32)
    return [draw(hnp.arrays(np.float64, (n, token_dim), elements=values)) for n in lengths]


law = examples(25)


# -- what it holds -----------------------------------------------------------------------------------------------------


def test_it_counts_sequences_and_tokens(X):
    assert len(X) == 4
    assert X.shape == (4,)
    assert X.ndim == 1
    assert X.n_tokens == 10
    assert X.token_dim == 2
    assert X.dtype == np.float64
    assert X.lengths.tolist() == [3, 1, 2, 4]
    assert X.lengths.dtype == X.offsets.dtype == np.int64


def test_iteration_gives_each_sequence_as_a_view(X):
    assert same(list(X), LIST)
    assert all(np.shares_memory(Z, X.tokens) for Z in X)


def test_sequences_are_equal_when_offsets_and_tokens_are(X):
    assert X == RaggedSequences.from_list(LIST)
    assert X != RaggedSequences(X.tokens, [0, 3, 4, 5, 10])
    assert X != RaggedSequences(X.tokens + 1, X.offsets)
    assert X != X[:3]
    assert X != RaggedSequences(X.tokens.reshape(20, 1), np.multiply(X.offsets, 2))
    assert X == RaggedSequences(X.tokens.astype(np.float32), X.offsets)


def test_other_types_are_never_equal(X):
    assert (X == 3) is False
    assert (X != "text") is True
    assert X.__eq__(LIST) is NotImplemented


def test_sequences_have_no_hash(X):
    with pytest.raises(TypeError, match="unhashable type: 'RaggedSequences'"):
        hash(X)


@pytest.mark.parametrize(
    ("key", "text"),
    [
        (slice(None), "RaggedSequences(4 sequences of 1 to 4 tokens, token_dim=2, float64)"),
        ([0, 0], "RaggedSequences(2 sequences of 3 tokens, token_dim=2, float64)"),
        ([], "RaggedSequences(0 sequences, token_dim=2, float64)"),
    ],
)
def test_repr_tells_number_lengths_features_and_dtype(X, key, text):
    assert repr(X[key]) == text


@pytest.mark.parametrize("name", ["tokens", "offsets", "anything"])
def test_attributes_can_be_neither_set_nor_deleted(X, name):
    with pytest.raises(AttributeError, match=f"frozen: {name} cannot be set"):
        setattr(X, name, np.zeros(1))
    with pytest.raises(AttributeError, match=f"frozen: {name} cannot be deleted"):
        delattr(X, name)
    assert same(X, LIST)


@pytest.mark.parametrize("part", [slice(None), slice(1, 3), [2, 0]], ids=["all", "slice", "list"])
def test_arrays_are_read_only(X, part):
    for array in (X[part].tokens, X[part].offsets, X[part][0]):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 7


def test_the_callers_array_stays_writable():
    tokens, offsets = np.zeros((3, 2)), np.array([0, 1, 3])
    RaggedSequences(tokens, offsets)
    assert tokens.flags.writeable
    assert offsets.flags.writeable


def test_size_covers_the_bytes_of_both_arrays(X):
    assert X.__sizeof__() > 20 * 8 + 5 * 8
    assert X.__sizeof__() - X[:2].__sizeof__() == (6 * 2 + 2) * 8


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_pickling_and_back_gives_equal_frozen_sequences(X, protocol, dtype):
    X = RaggedSequences(X.tokens.astype(dtype), X.offsets)
    back = pickle.loads(pickle.dumps(X, protocol=protocol))
    assert back == X
    assert back.dtype == dtype
    assert not back.tokens.flags.writeable
    assert not back.offsets.flags.writeable


def test_copying_gives_equal_sequences(X):
    assert copy.copy(X) == copy.deepcopy(X) == X
    assert not np.shares_memory(copy.deepcopy(X).tokens, X.tokens)


def test_a_slice_pickles_its_own_tokens_only():
    X = RaggedSequences(np.zeros((10_000, 2)), np.arange(10_001))
    assert len(pickle.dumps(X[5:7])) < 1000


# -- construction ------------------------------------------------------------------------------------------------------


def test_tokens_and_offsets_are_not_copied():
    tokens, offsets = np.zeros((3, 2)), np.array([0, 1, 3])
    X = RaggedSequences(tokens, offsets)
    assert np.shares_memory(X.tokens, tokens)
    assert np.shares_memory(X.offsets, offsets)


@pytest.mark.parametrize(
    ("given_dtype", "kept"),
    [
        (np.float32, np.float32),
        (np.float64, np.float64),
        (">f4", np.float32),
        (np.float16, np.float64),
        (np.int8, np.float64),
        (np.uint64, np.float64),
        (bool, np.float64),
        (object, np.float64),
    ],
)
def test_float32_and_float64_are_kept_and_other_numbers_become_float64(given_dtype, kept):
    tokens = np.array([[0, 1], [1, 1]]).astype(given_dtype)
    X = RaggedSequences(tokens, [0, 2])
    assert X.dtype == kept
    assert X.tokens.tolist() == [[0, 1], [1, 1]]


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.uint64])
def test_offsets_of_any_integers_become_int64(dtype):
    X = RaggedSequences(np.zeros((3, 2)), np.array([0, 1, 3], dtype=dtype))
    assert X.offsets.dtype == np.int64
    assert X.offsets.tolist() == [0, 1, 3]


def test_tokens_are_c_contiguous():
    X = RaggedSequences(np.asfortranarray(np.arange(6.0).reshape(3, 2)), [0, 3])
    assert X.tokens.flags.c_contiguous
    assert X.tokens.tolist() == [[0, 1], [2, 3], [4, 5]]


@pytest.mark.parametrize(
    ("tokens", "offsets", "message"),
    [
        (np.zeros(3), [0, 3], r"tokens must have shape \(n_tokens, token_dim\), got shape \(3,\)"),
        (np.zeros((3, 2)), [0.0, 3.0], "offsets must be a 1-D array of integers, got float64"),
        (np.zeros((3, 2)), [[0, 3]], r"offsets must be a 1-D array of integers, got int64 of shape \(1, 2\)"),
        (np.zeros((3, 2)), np.zeros(0, dtype=int), "offsets must be a 1-D array of integers"),
        (np.zeros((0, 2)), [0], r"Found array with 0 sample\(s\)"),
        (np.zeros((3, 2)), [1, 3], "offsets must run from 0 to n_tokens = 3, got 1 to 3"),
        (np.zeros((3, 2)), [0, 1, 2], "offsets must run from 0 to n_tokens = 3, got 0 to 2"),
        (np.zeros((3, 2)), [0, 2, 2, 3], "Sequences 1 are empty"),
        (np.zeros((3, 2)), [0, 2, 1, 3], "Sequences 1 are empty"),
        (np.zeros((3, 2)), np.array([0, 2, 1, 3], dtype=np.uint8), "Sequences 1 are empty"),
        (np.zeros((3, 0)), [0, 3], r"Found array with 0 feature\(s\) \(shape=\(3, 0\)\)"),
        (np.array([[0.0], [np.inf]]), [0, 1, 2], "NaN or infinity in sequences 1;"),
    ],
)
def test_arrays_that_are_no_sequences_are_refused(tokens, offsets, message):
    with pytest.raises(ValueError, match=message):
        RaggedSequences(tokens, offsets)


@pytest.mark.parametrize(("row", "sequence"), [(0, 0), (2**20 - 1, 0), (2**20, 1), (2**20 + 4, 1)])
def test_a_bad_token_is_found_wherever_it_stands(row, sequence):
    tokens = np.zeros((2**20 + 5, 1))  # more than the search looks at in one go
    tokens[row] = np.nan
    with pytest.raises(ValueError, match=f"in sequences {sequence};"):
        RaggedSequences(tokens, [0, 2**20, 2**20 + 5])


def test_tokens_may_have_more_features_than_the_search_looks_at_in_one_go():
    tokens = np.zeros((2, 2**20 + 1), dtype=np.float32)
    assert RaggedSequences(tokens, [0, 1, 2]).token_dim == 2**20 + 1
    tokens[1, -1] = np.inf
    with pytest.raises(ValueError, match="in sequences 1;"):
        RaggedSequences(tokens, [0, 1, 2])


# -- the matrix of one-token sequences ---------------------------------------------------------------------------------


def test_one_token_sequences_are_a_matrix():
    tokens = np.arange(6.0).reshape(3, 2)
    X = RaggedSequences(tokens, [0, 1, 2, 3])
    assert np.asarray(X).tolist() == [[0, 1], [2, 3], [4, 5]]
    assert np.shares_memory(np.asarray(X), tokens)
    assert not np.shares_memory(np.array(X), tokens)
    assert np.asarray(X, dtype=np.float32).dtype == X.__array__(np.float32).dtype == np.float32
    with pytest.raises(ValueError, match="copy"):
        np.array(X, dtype=np.float32, copy=False)


def test_longer_sequences_are_no_matrix(X):
    with pytest.raises(TypeError, match=r"are no matrix; use to_list\(\) or to_padded\(\)"):
        np.asarray(X)


# -- indexing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("integer", [int, np.int64, np.uint8, np.array], ids=["int", "int64", "uint8", "0-d array"])
def test_an_integer_gives_one_sequence_as_a_view(X, integer):
    for i in range(4):
        Z = X[integer(i)]
        assert isinstance(Z, np.ndarray)
        assert np.array_equal(Z, LIST[i])
        assert np.shares_memory(Z, X.tokens)


@pytest.mark.parametrize("integer", [int, np.int64])
def test_a_negative_integer_counts_from_the_end(X, integer):
    for i in range(-4, 0):
        assert np.array_equal(X[integer(i)], LIST[i])


@law
@given(ragged_lists(), st.data())
def test_slicing_equals_slicing_the_list(arrays, data):
    key = data.draw(st.slices(len(arrays)))
    part = RaggedSequences.from_list(arrays)[key]
    assert isinstance(part, RaggedSequences)
    assert same(part, arrays[key])
    assert part.offsets[0] == 0


@pytest.mark.parametrize("key", [slice(None), slice(1, 3), slice(-2, None), slice(2, 100), slice(None, None, 1)])
def test_slicing_by_step_one_gives_a_view(X, key):
    assert same(X[key], LIST[key])
    assert np.shares_memory(X[key].tokens, X.tokens)


@pytest.mark.parametrize("key", [slice(None, None, -1), slice(None, None, 2), slice(3, 0, -2), slice(5, None, -3)])
def test_slicing_by_other_steps_gives_a_copy(X, key):
    assert same(X[key], LIST[key])
    assert not np.shares_memory(X[key].tokens, X.tokens)


@pytest.mark.parametrize(
    "key", [slice(2, 2), slice(3, 1), slice(9, None), slice(0, 3, -1), [], np.array([], dtype=int)]
)
def test_choosing_nothing_gives_no_sequences(X, key):
    nothing = X[key]
    assert len(nothing) == nothing.n_tokens == 0
    assert nothing.token_dim == 2
    assert nothing.offsets.tolist() == [0]
    assert list(nothing) == []
    assert nothing.to_padded().shape == (0, 0, 2)
    assert pickle.loads(pickle.dumps(nothing)) == nothing


def test_a_boolean_index_that_is_false_everywhere_gives_no_sequences(X):
    assert len(X[np.zeros(4, dtype=bool)]) == 0


@law
@given(ragged_lists(), st.data())
def test_an_integer_array_gives_these_sequences_in_its_order(arrays, data):
    n = len(arrays)
    key = data.draw(st.lists(st.integers(-n, n - 1), max_size=8))
    X = RaggedSequences.from_list(arrays)
    expected = [arrays[i] for i in key]
    for form in (key, np.array(key, dtype=np.int64), np.array(key, dtype=np.int8)):
        assert same(X[form], expected)


def test_unsigned_integers_index_too(X):
    assert same(X[np.array([3, 0], dtype=np.uint64)], [LIST[3], LIST[0]])


def test_short_integers_count_from_the_end_of_more_sequences_than_they_can_hold():
    X = RaggedSequences(np.arange(300.0).reshape(300, 1), np.arange(301))
    assert X[np.array([-1, 5], dtype=np.int8)].tokens.tolist() == [[299], [5]]


def test_chosen_sequences_are_a_copy(X):
    assert not np.shares_memory(X[[0, 1]].tokens, X.tokens)


@law
@given(ragged_lists(), st.data())
def test_a_boolean_index_gives_the_marked_sequences(arrays, data):
    mask = data.draw(st.lists(st.booleans(), min_size=len(arrays), max_size=len(arrays)))
    X = RaggedSequences.from_list(arrays)
    expected = [array for array, marked in zip(arrays, mask) if marked]
    assert same(X[np.array(mask)], expected)
    assert same(X[mask], expected)


@pytest.mark.parametrize(
    "key", [2, -1, slice(1, 3), slice(None, None, -1), [3, 0], np.array([-1, 2]), np.array([True, False, True, True])]
)
def test_an_ellipsis_beside_an_index_changes_nothing(X, key):
    for form in ((key, Ellipsis), (Ellipsis, key), (key,)):
        assert same(X[form], X[key])


def test_an_ellipsis_alone_gives_all(X):
    assert X[...] == X
    assert X[(...,)] == X
    assert X[()] == X


@law
@given(ragged_lists(), st.data())
def test_indexing_twice_equals_indexing_the_indices(arrays, data):
    X = RaggedSequences.from_list(arrays)
    first = data.draw(st.lists(st.integers(0, len(arrays) - 1), min_size=1, max_size=6))
    second = data.draw(st.slices(len(first)))
    assert X[first][second] == X[first[second]]
    assert X[second][:] == X[np.arange(len(arrays))[second]]


@pytest.mark.parametrize("key", [4, -5, [0, 4], [-5], np.array([1, 9]), (4, Ellipsis), np.int64(4), 2**70])
def test_indices_out_of_bounds_are_refused(X, key):
    with pytest.raises(IndexError, match=r"index -?\d+ is out of bounds for 4 sequences"):
        X[key]


@pytest.mark.parametrize("length", [0, 3, 5])
def test_boolean_indices_of_another_length_are_refused(X, length):
    with pytest.raises(IndexError, match=f"a boolean index needs 4 entries, got {length}"):
        X[np.ones(length, dtype=bool)]


@pytest.mark.parametrize("key", [(0, 1), (0, slice(None)), (0, 1, Ellipsis), (Ellipsis, Ellipsis), (..., 0, ...)])
def test_more_than_one_index_is_refused(X, key):
    with pytest.raises(IndexError, match=rf"has one axis, got the index {re.escape(str(key))}; index tokens by X"):
        X[key]


@pytest.mark.parametrize(
    "key",
    [1.0, "a", None, True, np.bool_(True), [[0, 1]], [0.0, 1.0], ["a"], [None], np.zeros((2, 2), dtype=bool)],
    ids=repr,
)
def test_indices_that_are_no_integers_are_refused(X, key):
    with pytest.raises(IndexError, match="takes integers, slices and 1-D"):
        X[key]


# -- scikit-learn indexes it ------------------------------------------------------------------------------------------


def test_train_test_split_keeps_sequences_with_their_labels():
    X = RaggedSequences.from_list([np.full((1 + i % 3, 2), i) for i in range(20)])
    train, test, y_train, y_test = train_test_split(X, np.arange(20), test_size=5, random_state=0)
    assert (len(train), len(test)) == (15, 5)
    assert sorted([*y_train, *y_test]) == list(range(20))
    for part, labels in ((train, y_train), (test, y_test)):
        assert isinstance(part, RaggedSequences)
        assert same(part, [np.full((1 + i % 3, 2), i) for i in labels])


def test_folds_partition_the_sequences(X):
    seen = []
    for train, test in KFold(2).split(X):
        assert same(_safe_indexing(X, train), [LIST[i] for i in train])
        assert same(_safe_indexing(X, test), [LIST[i] for i in test])
        seen += test.tolist()
    assert seen == [0, 1, 2, 3]


@pytest.mark.parametrize("key", [[1, 3], np.array([1, 3]), np.array([False, True, False, True]), slice(1, 4, 2)])
def test_safe_indexing_gives_the_chosen_sequences(X, key):
    assert same(_safe_indexing(X, key), [LIST[1], LIST[3]])


def test_safe_indexing_by_an_integer_gives_one_sequence(X):
    assert np.array_equal(_safe_indexing(X, 2), LIST[2])


# -- files -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("mmap_mode", [None, "r"])
def test_loading_gives_what_was_saved(X, tmp_path, dtype, mmap_mode):
    X = RaggedSequences(X.tokens.astype(dtype), X.offsets)
    X.save(tmp_path / "saved")
    back = RaggedSequences.load(tmp_path / "saved", mmap_mode=mmap_mode)
    assert back == X
    assert back.dtype == dtype
    assert isinstance(back.tokens, np.memmap) == (mmap_mode == "r")
    assert not back.tokens.flags.writeable
    assert [p.name for p in tmp_path.iterdir()] == ["saved"]


def test_a_file_is_two_arrays_one_behind_the_other(X, tmp_path):
    X.save(tmp_path / "saved")
    with open(tmp_path / "saved", "rb") as file:
        assert np.array_equal(np.load(file), X.tokens)
        assert np.array_equal(np.load(file), X.offsets)
        assert file.read() == b""
    written(tmp_path / "by hand", X.tokens, X.offsets)
    assert (tmp_path / "by hand").read_bytes() == (tmp_path / "saved").read_bytes()
    assert np.array_equal(np.load(tmp_path / "saved", mmap_mode="r"), X.tokens)


def test_paths_may_be_text(X, tmp_path):
    X.save(str(tmp_path / "saved"))
    assert RaggedSequences.load(str(tmp_path / "saved")) == X


def test_mapped_sequences_slice_without_reading_and_pickle_as_arrays(X, tmp_path):
    X[1:].save(tmp_path / "saved")
    mapped = RaggedSequences.load(tmp_path / "saved", mmap_mode="r")
    assert np.shares_memory(mapped[1:].tokens, mapped.tokens)
    back = pickle.loads(pickle.dumps(mapped))
    assert back == mapped == X[1:]
    assert type(back.tokens) is np.ndarray


def test_saving_again_replaces_what_was_saved(X, tmp_path):
    X.save(tmp_path / "saved")
    X[[1, 1]].save(tmp_path / "saved")
    assert RaggedSequences.load(tmp_path / "saved") == X[[1, 1]]


def test_saving_touches_no_other_file(X, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "saved.part").write_text("keep")
    X.save("saved")
    assert (tmp_path / "saved.part").read_text() == "keep"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["saved", "saved.part"]


def test_the_shape_of_what_are_no_tokens_is_named(X, tmp_path):
    written(tmp_path / "saved", np.zeros(10), X.offsets)
    with pytest.raises(
        ValueError, match=r"^'.*saved' holds no RaggedSequences: tokens are float64 of shape \(10,\)\.$"
    ):
        RaggedSequences.load(tmp_path / "saved")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows replaces no file that is mapped")
def test_sequences_can_be_saved_over_their_own_mapped_file(X, tmp_path):
    X.save(tmp_path / "saved")
    mapped = RaggedSequences.load(tmp_path / "saved", mmap_mode="r")
    mapped[::-1].save(tmp_path / "saved")
    assert mapped == X
    assert RaggedSequences.load(tmp_path / "saved") == X[::-1]


def test_a_folder_is_not_replaced(X, tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError, match="folder' is a folder; choose the name of a file"):
        X.save(tmp_path / "folder")
    assert [p.name for p in tmp_path.rglob("*")] == ["folder"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows makes links for administrators only")
def test_a_link_goes_on_pointing_at_the_file(X, tmp_path):
    X.save(tmp_path / "saved")
    (tmp_path / "link").symlink_to(tmp_path / "saved")
    X[1:].save(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert RaggedSequences.load(tmp_path / "saved") == X[1:]


@pytest.mark.parametrize("mmap_mode", [None, "r"])
def test_a_missing_file_is_a_missing_file(tmp_path, mmap_mode):
    with pytest.raises(FileNotFoundError, match="none"):
        RaggedSequences.load(tmp_path / "none", mmap_mode=mmap_mode)


def written(path, *arrays):
    with open(path, "wb") as file:
        for array in arrays:
            np.save(file, array, allow_pickle=True)


def npz(path):
    with open(path, "wb") as file:
        np.savez(file, tokens=np.zeros((10, 2)))


def cut(path, n=8):
    path.write_bytes(path.read_bytes()[:-n])


def without_offsets(path):
    cut(path, 128 + 5 * 8)  # a header and five numbers


def within_tokens(path):
    cut(path, 128 + 5 * 8 + 8)


def emptied(path):
    path.write_bytes(b"")


def unclosed(path):
    path.write_bytes(path.read_bytes().replace(b"(", b"[").replace(b"}", b" "))


def unclosed_offsets(path):
    head, _, tail = path.read_bytes().rpartition(b"}")
    path.write_bytes(head + b" " + tail)


def longer(path):
    path.write_bytes(path.read_bytes() + b"0")


def other_version(path):
    path.write_bytes(path.read_bytes().replace(b"NUMPY\x01", b"NUMPY\x07", 1))


def foreign(path):
    path.write_text("a,b\n1,2\n")


DAMAGES = (
    npz,
    cut,
    without_offsets,
    within_tokens,
    emptied,
    unclosed,
    unclosed_offsets,
    longer,
    other_version,
    foreign,
)


@pytest.mark.parametrize("mmap_mode", [None, "r"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_loading_a_damaged_file_is_refused(X, tmp_path, damage, mmap_mode):
    X.save(tmp_path / "saved")
    damage(tmp_path / "saved")
    with pytest.raises(ValueError, match="saved' holds no RaggedSequences as written by save: "):
        RaggedSequences.load(tmp_path / "saved", mmap_mode=mmap_mode)


@pytest.mark.parametrize("mmap_mode", [None, "r"])
@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("tokens", np.array([[None]])),
        ("tokens", np.zeros(10)),
        ("tokens", np.zeros((10, 2), dtype=int)),
        ("tokens", np.zeros((10, 2), dtype=">f8")),
        ("tokens", np.zeros((10, 2), order="F")),
        ("tokens", np.zeros((10, 0))),
        ("tokens", np.zeros((9, 2))),
        ("offsets", np.array([0.0, 10.0])),
        ("offsets", np.array([0, 3, 3, 10])),
        ("offsets", np.array([0, 3, 11])),
        ("offsets", np.array([0])),
        ("offsets", np.array(10)),
    ],
)
def test_loading_arrays_that_are_no_sequences_is_refused(X, tmp_path, name, array, mmap_mode):
    parts = {"tokens": X.tokens, "offsets": X.offsets, name: array}
    written(tmp_path / "saved", *parts.values())
    message = "holds no RaggedSequences|offsets must|are empty|0 sample"
    with pytest.raises(ValueError, match=message):
        RaggedSequences.load(tmp_path / "saved", mmap_mode=mmap_mode)


class Trap:
    """Says so when it is unpickled."""

    def __reduce__(self):
        return pytest.fail, ("a file was unpickled",)


@pytest.mark.parametrize("mmap_mode", [None, "r"])
@pytest.mark.parametrize("name", ["tokens", "offsets"])
def test_loading_unpickles_nothing(X, tmp_path, name, mmap_mode):
    parts = {"tokens": X.tokens, "offsets": X.offsets, name: np.array([[Trap()]], dtype=object)}
    written(tmp_path / "saved", *parts.values())
    with pytest.raises(ValueError, match="holds no RaggedSequences"):
        RaggedSequences.load(tmp_path / "saved", mmap_mode=mmap_mode)


def test_loading_searches_for_infinity_unless_mapped(X, tmp_path):
    written(tmp_path / "saved", np.full((10, 2), np.inf), X.offsets)
    with pytest.raises(ValueError, match="NaN or infinity in sequences 0, 1, 2, 3;"):
        RaggedSequences.load(tmp_path / "saved")
    assert np.isinf(RaggedSequences.load(tmp_path / "saved", mmap_mode="r").tokens).all()


@pytest.mark.parametrize("mmap_mode", ["r+", "c", "w+", True])
def test_mapping_is_for_reading_only(X, tmp_path, mmap_mode):
    X.save(tmp_path / "saved")
    with pytest.raises(ValueError, match="mmap_mode must be None or 'r', got"):
        RaggedSequences.load(tmp_path / "saved", mmap_mode=mmap_mode)


# -- converters and their inverses -------------------------------------------------------------------------------------


@law
@given(ragged_lists())
def test_to_list_undoes_from_list(arrays):
    X = RaggedSequences.from_list(arrays)
    back = X.to_list()
    assert isinstance(back, list)
    assert same(back, arrays)
    assert all(np.shares_memory(Z, X.tokens) for Z in back)
    assert RaggedSequences.from_list(back) == X


@law
@given(ragged_lists(), st.sampled_from([np.nan, np.inf, -7e7]))
def test_from_padded_undoes_to_padded(arrays, fill):
    X = RaggedSequences.from_list(arrays)
    padded = X.to_padded(fill)
    longest = max(map(len, arrays))
    assert padded.shape == (len(arrays), longest, X.token_dim)
    assert RaggedSequences.from_padded(padded, fill=fill) == X
    assert RaggedSequences.from_padded(padded, lengths=X.lengths) == X
    assert RaggedSequences.from_padded(padded, mask=np.arange(longest) < X.lengths[:, None]) == X


@law
@given(ragged_lists())
def test_flat_tokens_with_lengths_or_groups_give_the_sequences_back(arrays):
    X = RaggedSequences.from_list(arrays)
    flat = np.concatenate(arrays)
    names = np.repeat(np.arange(len(arrays))[::-1], X.lengths)
    assert RaggedSequences.from_flat(flat, lengths=[len(a) for a in arrays]) == X
    assert RaggedSequences.from_flat(flat, groups=names) == X
    tokens, groups = X.to_flat()
    assert tokens is X.tokens
    assert groups.tolist() == [i for i, a in enumerate(arrays) for _ in a]


@law
@given(ragged_lists(token_dim=1))
def test_series_become_tokens_of_one_feature(arrays):
    X = RaggedSequences.from_series([a.ravel() for a in arrays])
    assert X == RaggedSequences.from_list(arrays)


@law
@given(ragged_lists())
def test_channels_first_series_are_transposed(arrays):
    X = RaggedSequences.from_aeon([a.T for a in arrays])
    assert X == RaggedSequences.from_list(arrays)
    assert same(X.to_aeon(), [a.T for a in arrays])
    assert all(np.shares_memory(series, X.tokens) for series in X.to_aeon())


def test_to_padded_fills_behind_the_end():
    X = RaggedSequences.from_list([[[1.0, 2.0]], [[3.0, 4.0], [5.0, 6.0]]])
    assert X.to_padded(fill=-1).tolist() == [[[1, 2], [-1, -1]], [[3, 4], [5, 6]]]
    nan = X.to_padded()
    assert np.isnan(nan[0, 1]).all()
    assert np.isnan(nan).sum() == 2
    assert RaggedSequences(X.tokens.astype(np.float32), X.offsets).to_padded().dtype == np.float32


@pytest.mark.parametrize(
    "convert",
    [
        lambda dtype: RaggedSequences.from_list([np.ones((2, 1), dtype), np.ones((1, 1), dtype)]),
        lambda dtype: RaggedSequences.from_padded(np.ones((2, 2, 1), dtype), lengths=[2, 1]),
        lambda dtype: RaggedSequences.from_flat(np.ones((3, 1), dtype), lengths=[2, 1]),
        lambda dtype: RaggedSequences.from_series(np.ones((2, 3), dtype)),
        lambda dtype: RaggedSequences.from_series([np.ones(3, dtype), np.ones(2, dtype)]),
        lambda dtype: RaggedSequences.from_aeon(np.ones((2, 1, 3), dtype)),
        lambda dtype: as_sequences(np.ones((2, 3, 1), dtype)),
        lambda dtype: as_sequences(np.ones((2, 3), dtype)),
    ],
    ids=["list", "padded", "flat", "series", "series list", "aeon", "3-D", "2-D"],
)
@pytest.mark.parametrize(("dtype", "kept"), [(np.float32, np.float32), (np.float64, np.float64), (int, np.float64)])
def test_converters_keep_float32_and_turn_integers_into_float64(convert, dtype, kept):
    X = convert(dtype)
    assert X.dtype == kept
    assert set(X.tokens.ravel().tolist()) == {1}


def test_one_float64_sequence_makes_all_float64():
    assert RaggedSequences.from_list([np.ones((1, 1), np.float32), np.ones((1, 1))]).dtype == np.float64


@pytest.mark.parametrize(
    ("source", "convert"),
    [
        (np.zeros((5, 2)), lambda a: RaggedSequences.from_flat(a, lengths=[2, 3])),
        (np.zeros((5, 2)), lambda a: RaggedSequences.from_flat(a, groups=[0, 0, 1, 1, 1])),
        (np.zeros((5, 2)), RaggedSequences.from_series),
        (np.zeros((5, 2)), as_sequences),
        (np.zeros((5, 3, 2)), as_sequences),
        (np.zeros((5, 3, 2), dtype=np.float32), as_sequences),
    ],
    ids=["flat lengths", "flat groups", "series", "2-D", "3-D", "3-D float32"],
)
def test_arrays_that_already_have_the_layout_are_not_copied(source, convert):
    assert np.shares_memory(convert(source).tokens, source)


def test_padding_is_only_what_stands_at_the_end():
    X = RaggedSequences.from_padded([[[0.0], [1.0], [0.0], [0.0]], [[2.0], [0.0], [0.0], [3.0]]], fill=0)
    assert same(X, [[[0], [1]], [[2], [0], [0], [3]]])


def test_a_token_with_one_feature_that_is_not_fill_is_no_padding():
    X = RaggedSequences.from_padded([[[1.0, 2.0], [0.0, 5.0], [0.0, 0.0]]], fill=0)
    assert same(X, [[[1, 2], [0, 5]]])


def test_a_mask_may_have_holes():
    mask = np.array([[True, False, True], [False, True, False]])
    for form in (mask, mask.tolist()):
        X = RaggedSequences.from_padded(np.arange(6.0).reshape(2, 3, 1), mask=form)
        assert same(X, [[[0], [2]], [[4]]])


def test_padded_nested_lists_may_hold_none():
    assert same(RaggedSequences.from_padded([[[1], [None]], [[2], [3]]]), [[[1]], [[2], [3]]])


PADDED = np.zeros((3, 2, 1))


@pytest.mark.parametrize(
    ("X", "parameters", "message"),
    [
        (np.zeros((3, 2)), {}, r"A padded array has shape .*, got shape \(3, 2\)"),
        (PADDED, {"lengths": [1, 1, 1], "mask": np.ones((3, 2), dtype=bool)}, "Give lengths or mask, not both"),
        (PADDED, {"mask": np.ones((2, 3), dtype=bool)}, r"mask must be boolean of shape \(3, 2\), got bool of shape"),
        (PADDED, {"mask": np.ones((3, 2))}, "mask must be boolean of shape .*, got float64"),
        (PADDED, {"lengths": [1, 1]}, r"lengths must be 3 integers, got int64 of shape \(2,\)"),
        (PADDED, {"lengths": [1.0, 1.0, 1.0]}, "lengths must be 3 integers, got float64"),
        (PADDED, {"lengths": [1, 3, -1]}, r"lengths must lie in \[0, 2\]; sequences 1, 2 have other lengths"),
        (PADDED, {"lengths": [1, 0, 0]}, "Sequences 1, 2 are empty"),
        (PADDED, {"mask": np.array([[True, True], [False, False], [True, False]])}, "Sequences 1 are empty"),
        (PADDED, {"fill": 0}, "Sequences 0, 1, 2 are empty"),
        (np.zeros((3, 0, 1)), {}, "Sequences 0, 1, 2 are empty"),
        (np.zeros((0, 2, 1)), {}, r"Found array with 0 sample\(s\)"),
        (np.full((1, 2, 2), "a"), {}, "padded tokens must be real numbers, got dtype <U1"),
        (np.array([[[0, 1], [np.nan, 2]]]), {}, "NaN or infinity in sequences 0;"),
    ],
)
def test_padded_arrays_that_do_not_fit_are_refused(X, parameters, message):
    with pytest.raises(ValueError, match=message):
        RaggedSequences.from_padded(X, **parameters)


def test_groups_may_be_names_in_any_order():
    X = RaggedSequences.from_flat([[0], [1], [2], [3]], groups=["b", "b", "a", "c"])
    assert same(X, [[[0], [1]], [[2]], [[3]]])


@pytest.mark.parametrize(
    ("tokens", "parameters", "message"),
    [
        (np.zeros(4), {"lengths": [4]}, r"Flat tokens have shape .*, got shape \(4,\)"),
        (np.zeros((4, 1)), {}, "Give either lengths"),
        (np.zeros((4, 1)), {"lengths": [4], "groups": [0] * 4}, "Give either lengths"),
        (np.zeros((4, 1)), {"lengths": [1, 2]}, "lengths add up to 3, but there are 4 tokens"),
        (np.zeros((4, 1)), {"lengths": [5, -1]}, "sequences 0, 1 have other lengths"),
        (np.zeros((4, 1)), {"lengths": [[2, 2]]}, r"lengths must be 2 integers, got int64 of shape \(1, 2\)"),
        (np.zeros((4, 1)), {"lengths": [2, 0, 2]}, "Sequences 1 are empty"),
        (np.zeros((4, 1)), {"groups": [0, 0, 1]}, r"sequence of each of the 4 tokens, got shape \(3,\)"),
        (np.zeros((4, 1)), {"groups": [5, 7, 5, 5]}, r"groups \[5\] are not contiguous"),
        (
            np.zeros((24, 1)),
            {"groups": [*range(12)] * 2},
            r"groups \[0, 1, 2, 3, 4, 5, 6, 7, 8, 9\] are not contiguous",
        ),
        (np.zeros((4, 1)), {"groups": ["a", "b", "a", "b"]}, r"groups \['a', 'b'\] are not contiguous"),
        (np.zeros((4, 1)), {"groups": [5, 5, 7, np.nan]}, "those of tokens 3 are missing"),
        (np.zeros((4, 1)), {"groups": [None, "a", "a", None]}, "those of tokens 0, 3 are missing"),
        (np.zeros((0, 1)), {"groups": []}, r"Found array with 0 sample\(s\)"),
    ],
)
def test_flat_tokens_that_do_not_fit_are_refused(tokens, parameters, message):
    with pytest.raises(ValueError, match=message):
        RaggedSequences.from_flat(tokens, **parameters)


def test_a_matrix_of_series_has_one_series_a_row():
    X = RaggedSequences.from_series(np.arange(6.0).reshape(2, 3))
    assert same(X, [[[0], [1], [2]], [[3], [4], [5]]])
    assert RaggedSequences.from_series([[0, 1, 2], [3, 4, 5]]) == X
    assert RaggedSequences.from_series(np.array([[0, 1, 2], [3, 4, 5]], dtype=object)) == X


def test_an_array_of_channels_first_series_is_transposed():
    array = np.arange(12.0).reshape(2, 2, 3)
    X = RaggedSequences.from_aeon(array)
    assert RaggedSequences.from_aeon(array.tolist()) == X
    assert same(X, [[[0, 3], [1, 4], [2, 5]], [[6, 9], [7, 10], [8, 11]]])


@pytest.mark.parametrize(
    ("convert", "X", "message"),
    [
        (RaggedSequences.from_series, [1.0, 2.0], r"Each series must be 1-D; series 0, 1 are not .* shape \(\)\)"),
        (RaggedSequences.from_series, np.zeros(3), "Each series must be 1-D; series 0, 1, 2 are not"),
        (RaggedSequences.from_series, [np.zeros(2), np.zeros((1, 2))], r"series 1 are not \(series 1 has shape \(1, 2"),
        (RaggedSequences.from_series, [np.zeros(2), np.zeros(0)], "Sequences 1 are empty"),
        (RaggedSequences.from_series, np.zeros((2, 0)), "Sequences 0, 1 are empty"),
        (RaggedSequences.from_series, [], r"Found array with 0 sample\(s\)"),
        (RaggedSequences.from_series, np.array([["a", "b"]]), "^values must be real numbers, got dtype <U1"),
        (RaggedSequences.from_series, [[1.0], ["a"]], "values of series 1 must be real numbers, got dtype <U1"),
        (RaggedSequences.from_aeon, np.zeros((2, 3)), r"series 0 has shape \(3,\)"),
        (RaggedSequences.from_aeon, [np.zeros((2, 3)), np.zeros((3, 3))], "sequences 1 differ"),
        (RaggedSequences.from_aeon, [], r"Found array with 0 sample\(s\)"),
        (RaggedSequences.from_aeon, [np.zeros((2, 3)), np.zeros((2, 0))], "Sequences 1 are empty"),
        (RaggedSequences.from_list, [], r"Found array with 0 sample\(s\)"),
        (RaggedSequences.from_list, [1.0], r"sequence 0 has shape \(\); accepted are"),
    ],
)
def test_series_and_lists_that_do_not_fit_are_refused(convert, X, message):
    with pytest.raises(ValueError, match=message):
        convert(X)


# -- the parser of user input: what it reads ---------------------------------------------------------------------------


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
    import pandas as pd

    frame = pd.DataFrame({"a": [0.5, 2, 4], "b": [1, 3, 5]}, index=[7, 8, 9])
    assert same(as_sequences(frame), [[[0.5, 1]], [[2, 3]], [[4, 5]]])


def test_a_series_or_list_of_data_frames_is_ragged():
    import pandas as pd

    assert same(as_sequences(pd.Series(LIST)), LIST)
    assert same(as_sequences([pd.DataFrame(Z) for Z in LIST]), LIST)


def test_the_matrix_reading_is_undone_by_asarray():
    matrix = np.arange(6.0).reshape(3, 2)
    assert np.array_equal(np.asarray(as_sequences(matrix)), matrix)


# -- the parser of user input: what it refuses -------------------------------------------------------------------------


def with_bad(value, *sequences):
    arrays = ones(*[2] * 30)
    for i in sequences:
        arrays[i][1, 0] = value
    return arrays


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_non_finite_tokens_name_their_sequences(value, dtype):
    arrays = [a.astype(dtype) for a in with_bad(value, 3, 17)]
    for form in (arrays, np.array(arrays)):
        with pytest.raises(ValueError, match="Input X contains NaN or infinity in sequences 3, 17;"):
            as_sequences(form)
    with pytest.raises(ValueError, match="contains NaN or infinity in sequences 3, 17;"):
        as_sequences(np.array(arrays)[:, 1])


def test_a_sequence_with_several_bad_tokens_is_named_once():
    with pytest.raises(ValueError, match="in sequences 1;"):
        as_sequences([np.zeros((2, 1)), np.full((3, 1), np.nan)])


def test_empty_sequences_are_named():
    with pytest.raises(ValueError, match=r"^Sequences 1, 3 are empty; every sequence needs at least one token"):
        as_sequences(ones(2, 0, 1, 0))
    with pytest.raises(ValueError, match="Sequences 0, 1, 2 are empty"):
        as_sequences(np.zeros((3, 0, 2)))


def test_at_most_ten_offenders_are_named_and_the_others_counted():
    ten, more = "0, 1, 2, 3, 4, 5, 6, 7, 8, 9", " and 1 more"
    with pytest.raises(ValueError, match=f"^Sequences {ten} are empty"):
        as_sequences(ones(*[0] * 10, 1))
    with pytest.raises(ValueError, match=f"^Sequences {ten}{more} are empty"):
        as_sequences(ones(*[0] * 11, 1))
    with pytest.raises(ValueError, match=f"in sequences {ten} and 15 more;"):
        as_sequences(with_bad(np.nan, *range(25)))


@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.coo_matrix, sparse.csr_array])
def test_sparse_matrices_are_refused(kind):
    with pytest.raises(TypeError, match=r"Sparse input is not supported; pass X\.toarray\(\)"):
        as_sequences(kind(np.eye(3)))


@pytest.mark.parametrize("method", ["toarray", "todense"])
def test_sparse_containers_of_other_libraries_are_refused(method):
    foreign = type("Foreign", (), {method: lambda self: np.eye(3)})
    with pytest.raises(TypeError, match="Sparse input is not supported"):
        as_sequences(foreign())


def test_unequal_numbers_of_features_name_the_odd_sequences():
    arrays = [np.zeros((n, d)) for n, d in [(1, 2), (2, 3), (3, 2), (4, 2), (5, 1)]]
    with pytest.raises(ValueError, match=r"most sequences have token_dim 2, but sequences 1, 4 differ .*1 has 3\)\.$"):
        as_sequences(arrays)


def test_equal_numbers_of_rows_and_unequal_columns_look_channels_first():
    arrays = [np.zeros((3, n)) for n in (10, 12, 10)]
    with pytest.raises(ValueError, match=r"All have 3 rows: this looks channels-first; use RaggedSequences\.from_aeon"):
        as_sequences(arrays)


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


@pytest.mark.parametrize("X", [[[[1, 2], [3]], [[4, 5]]], [[[[1], [2, 3]]]]], ids=["token", "deeper"])
def test_tokens_of_unequal_lengths_are_refused(X):
    with pytest.raises(ValueError, match="tokens of sequence 0 cannot be read as an array, rows have unequal lengths"):
        as_sequences(X)


@pytest.mark.parametrize(
    "X",
    [
        np.ones((2, 2), dtype=complex),
        np.ones((2, 3, 2), dtype=complex),
        [np.ones((2, 2), dtype=complex)],
        [[1 + 2j, 0]],
        np.array([[np.complex128(1 + 2j), 1.0]], dtype=object),
        [[1 + 2j, np.array(0)]],
    ],
    ids=["2-D", "3-D", "list", "nested", "object", "mixed"],
)
def test_complex_numbers_are_refused(X):
    with pytest.raises(ValueError, match="Complex data not supported"):
        as_sequences(X)


@pytest.mark.parametrize(
    "X",
    [
        np.array([["a", "b"]]),
        [["a", "b"]],
        [["1", "2"]],
        [[1, "2"]],
        ["some", "texts"],
        [[b"1"]],
        np.zeros((2, 2), dtype="datetime64[s]"),
    ],
    ids=["array", "nested", "digits", "mixed", "texts", "bytes", "dates"],
)
def test_texts_and_dates_are_refused(X):
    with pytest.raises(ValueError, match=r"must be real numbers, got dtype .*encode texts and dates as numbers first"):
        as_sequences(X)


@pytest.mark.parametrize(
    "X",
    [
        np.array([[{"a": 1}, 2]], dtype=object),
        [[object(), 2]],
        np.array([["word", 2]], dtype=object),
        [np.zeros((1, 1)), {"a": 1}],
        [[10**400]],
        [sparse.eye(2)],
    ],
    ids=["dict", "object", "word", "dict as sequence", "too large", "list of sparse"],
)
def test_objects_that_are_no_numbers_are_refused(X):
    with pytest.raises(TypeError, match=r"must be numbers, got dtype object: argument must be .* string.* number"):
        as_sequences(X)


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
    "X",
    [np.zeros((3, 0)), np.zeros((3, 2, 0)), [np.zeros((2, 0))], [[], []]],
    ids=["matrix", "3-D array", "list", "empty rows"],
)
def test_no_features_are_refused(X):
    with pytest.raises(ValueError, match=r"^Found array with 0 feature\(s\) .* while a minimum of 1 is required"):
        as_sequences(X)


@pytest.mark.parametrize(
    ("X", "shape"),
    [
        (np.zeros(4), "(4,)"),
        (np.float64(1), "()"),
        (3, "()"),
        (np.zeros((1, 1, 1, 1)), "(1, 1, 1, 1)"),
        (iter([]), "()"),
    ],
    ids=["1-D array", "NumPy scalar", "int", "4-D array", "iterator"],
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


# -- the parser of user input: what it warns of ------------------------------------------------------------------------

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
