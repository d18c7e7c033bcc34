"""Tokens that are not finite, empty sequences, and padding are named, with a remedy that is read."""

import numpy as np
import pytest

from sklearn_hardmax import RaggedSequences, as_sequences

NAN = np.nan
PAD = [NAN, NAN]


def ones(*lengths, token_dim=2):
    return [np.ones((n, token_dim)) for n in lengths]


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


@pytest.mark.parametrize(
    ("sequences", "remedy"),
    [
        ([[[1, 2], PAD], [[3, 4], [5, 6]]], "padding behind the end: .*from_padded drops NaN padding of an array"),
        ([[[1, 2], PAD, PAD], [[3, 4], [5, 6], PAD]], "padding behind the end"),
        ([[PAD, [1, 2]], [[3, 4], [5, 6]]], r"padding in front: .*mask=~np\.isnan\(X\)\.all\(axis=2\)"),
        ([[[1, 2], [1, NAN]], [[3, 4], [5, 6]]], "remove or impute these tokens"),
        ([[[1, 2], PAD, [1, 2]]], "remove or impute these tokens"),
        ([[PAD, [1, 2]], [[3, 4], PAD]], "remove or impute these tokens"),
        ([[[1, NAN], PAD]], "remove or impute these tokens"),
        ([[[1, np.inf], PAD]], "remove these tokens, since infinity is no missing value"),
        ([[PAD, PAD], [[1, 2], [1, 2]]], "remove or impute these tokens"),
    ],
)
def test_padding_is_told_from_gaps(sequences, remedy):
    for X in (sequences, np.array(sequences, dtype=float)):
        with pytest.raises(ValueError, match=rf"^Input X contains NaN or infinity in sequences [01, ]+; .*{remedy}"):
            as_sequences(X)


def test_what_the_remedies_say_is_read():
    behind, front = np.array([[[1.0, 2.0], PAD]]), np.array([[PAD, [1.0, 2.0]]])
    expected = RaggedSequences.from_list([[[1.0, 2.0]]])
    assert RaggedSequences.from_padded(behind) == expected
    assert RaggedSequences.from_padded(front, mask=~np.isnan(front).all(axis=2)) == expected
    table = np.array([[1.0, NAN], [1.0, 2.0]])
    with pytest.raises(ValueError, match=r"for a table of series X\[:, :, None\]"):
        RaggedSequences.from_series(table)
    assert RaggedSequences.from_padded(table[:, :, None]) == RaggedSequences.from_series([[1.0], [1.0, 2.0]])
