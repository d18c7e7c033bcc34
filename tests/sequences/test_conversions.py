"""Converters undo each other, and copy nothing where the layout already fits."""

import numpy as np
import pytest
from cases.sequences import law, ragged_lists, same
from hypothesis import given
from hypothesis import strategies as st

from sklearn_hardmax import RaggedSequences, as_sequences


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
    assert RaggedSequences.from_flat(flat, groups=names) == X.with_ids(np.arange(len(arrays))[::-1])
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
        (np.full((1, 2, 2), "a"), {}, "padded tokens must be real numbers, but hold texts"),
        (np.array([[[0, 1], [np.nan, 2]]]), {}, "NaN or infinity in sequences 0;"),
    ],
)
def test_padded_arrays_that_do_not_fit_are_refused(X, parameters, message):
    with pytest.raises(ValueError, match=message):
        RaggedSequences.from_padded(X, **parameters)


def test_groups_may_be_names_in_any_order():
    X = RaggedSequences.from_flat([[0], [1], [2], [3]], groups=["b", "b", "a", "c"])
    assert X == RaggedSequences.from_flat(X.tokens, lengths={0: 2, 1: 1, 2: 1}.values()).with_ids(["b", "a", "c"])
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
        (
            np.zeros((3, 1)),
            {"groups": np.ma.array([1, 1, 2], mask=[0, 1, 0])},
            "those of tokens 1 are missing",
        ),
        (np.zeros((3, 1)), {"lengths": np.ma.array([1, 2], mask=[0, 1])}, "lengths must be 2 integers, got object"),
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
        (RaggedSequences.from_series, np.array([["a", "b"]]), "^values must be real numbers, but hold texts"),
        (RaggedSequences.from_series, [[1.0], ["a"]], "values of series 1 must be real numbers, but hold texts"),
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
