"""RaggedSequences is an array of sequences: what it holds, how it is indexed, and its file."""

import copy
import pickle
import re
import sys

import numpy as np
import pytest
from cases.files import of_sequences
from cases.sequences import LIST, law, ragged_lists, same
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import KFold, train_test_split
from sklearn.utils import _safe_indexing

from sklearn_hardmax import RaggedSequences


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


@pytest.mark.skipif(sys.platform == "win32", reason="Windows replaces no file that is mapped")
def test_sequences_can_be_saved_over_their_own_mapped_file(X, tmp_path):
    X.save(tmp_path / "saved")
    mapped = RaggedSequences.load(tmp_path / "saved", mmap_mode="r")
    mapped[::-1].save(tmp_path / "saved")
    assert mapped == X
    assert RaggedSequences.load(tmp_path / "saved") == X[::-1]


@pytest.mark.parametrize("mmap_mode", [None, "r"])
def test_a_missing_file_is_a_missing_file(tmp_path, mmap_mode):
    with pytest.raises(FileNotFoundError, match="none"):
        RaggedSequences.load(tmp_path / "none", mmap_mode=mmap_mode)


@pytest.mark.parametrize("mmap_mode", [None, "r"])
@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("tokens", np.zeros((10, 0)), "its tokens have no features"),
        ("tokens", np.zeros((9, 2)), "offsets must run from 0 to n_tokens = 9, got 0 to 10"),
        ("offsets", np.array([0, 3, 3, 10]), "Sequences 1 are empty"),
        ("offsets", np.array([0, 3, 11]), "offsets must run from 0 to n_tokens = 10, got 0 to 11"),
        ("offsets", np.array([0]), "0 sample"),
        ("offsets", np.array([], dtype=int), "offsets must be"),
    ],
)
def test_loading_arrays_that_are_no_sequences_is_refused(X, tmp_path, name, array, message, mmap_mode):
    parts = {"tokens": X.tokens, "offsets": X.offsets, name: array}
    (tmp_path / "saved").write_bytes(of_sequences(*parts.values()))
    with pytest.raises(ValueError, match=f"saved' is damaged: .*({message})"):
        RaggedSequences.load(tmp_path / "saved", mmap_mode=mmap_mode)


def test_loading_searches_for_infinity_unless_mapped(X, tmp_path):
    (tmp_path / "saved").write_bytes(of_sequences(np.full((10, 2), np.inf), X.offsets))
    with pytest.raises(ValueError, match="saved' is damaged: its section 'tokens' holds NaN or infinity"):
        RaggedSequences.load(tmp_path / "saved")
    assert np.isinf(RaggedSequences.load(tmp_path / "saved", mmap_mode="r").tokens).all()


@pytest.mark.parametrize("mmap_mode", ["r+", "c", "w+", True])
def test_mapping_is_for_reading_only(X, tmp_path, mmap_mode):
    X.save(tmp_path / "saved")
    with pytest.raises(ValueError, match="mmap_mode must be None or 'r', got"):
        RaggedSequences.load(tmp_path / "saved", mmap_mode=mmap_mode)
