"""Tokens that are no finite numbers, or of unequal sizes, are refused, and the sequences are named."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from sklearn_hardmax import RaggedSequences, as_sequences


def ones(*lengths, token_dim=2):
    return [np.ones((n, token_dim)) for n in lengths]


def with_bad(value, *sequences):
    arrays = ones(*[2] * 30)
    for i in sequences:
        arrays[i][1, 0] = value
    return arrays


def test_unequal_numbers_of_features_name_the_odd_sequences():
    arrays = [np.zeros((n, d)) for n, d in [(1, 2), (2, 3), (3, 2), (4, 2), (5, 1)]]
    with pytest.raises(ValueError, match=r"most sequences have token_dim 2, but sequences 1, 4 differ .*1 has 3\)\.$"):
        as_sequences(arrays)


def test_equal_numbers_of_rows_and_unequal_columns_look_channels_first():
    arrays = [np.zeros((3, n)) for n in (10, 12, 10)]
    with pytest.raises(ValueError, match=r"All have 3 rows: this looks channels-first; use RaggedSequences\.from_aeon"):
        as_sequences(arrays)


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
    [np.zeros((3, 0)), np.zeros((3, 2, 0)), [np.zeros((2, 0))], [[], []]],
    ids=["matrix", "3-D array", "list", "empty rows"],
)
def test_no_features_are_refused(X):
    with pytest.raises(ValueError, match=r"^Found array with 0 feature\(s\) .* while a minimum of 1 is required"):
        as_sequences(X)


# -- what to do about NaN ----------------------------------------------------------------------------------------------

NAN = np.nan


def test_gaps_are_no_padding_for_from_padded_either():
    with pytest.raises(ValueError, match="in sequences 0; remove or impute these tokens"):
        RaggedSequences.from_padded([[[1.0], [NAN], [1.0], [NAN]]])


# -- series in tables, and channels of unequal lengths -------------------------------------------------------------------


def test_a_table_of_series_is_refused_since_they_may_be_rows_or_columns():
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [4.0, 5.0, 6.0]})
    with pytest.raises(
        ValueError, match=r"write RaggedSequences\.from_series\(table\.to_numpy\(\)\) for rows, with \.T"
    ):
        RaggedSequences.from_series(frame)
    assert RaggedSequences.from_series(frame.to_numpy().T) == RaggedSequences.from_series([[1, 2, 3], [4, 5, 6]])


@pytest.mark.parametrize("form", [list, lambda channels: [np.array(c) for c in channels], tuple])
def test_channels_of_unequal_lengths_are_named(form):
    with pytest.raises(ValueError, match="The channels of series 1 have unequal lengths; cut or fill them"):
        RaggedSequences.from_aeon([form([[1, 2], [3, 4]]), form([[1, 2, 3], [4, 5]])])
    with pytest.raises(ValueError, match="channels of series 0 must be real numbers, but hold texts"):
        RaggedSequences.from_aeon([[["1", "2"]]])


@pytest.mark.parametrize(
    "X",
    [3, None, "12", {"a": [[1.0]]}, {1.0}, pd.DataFrame({"a": [1.0]}), sparse.eye(2)],
    ids=["int", "None", "text", "dict", "set", "frame", "sparse"],
)
@pytest.mark.parametrize("method", ["from_list", "from_aeon", "from_series"])
def test_what_holds_no_arrays_in_an_order_is_refused(method, X):
    with pytest.raises(
        (TypeError, ValueError), match=rf"RaggedSequences\.{method}.* takes a list|A table holds series"
    ):
        getattr(RaggedSequences, method)(X)
