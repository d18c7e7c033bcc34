"""Tables with one row per token name the sequence and the features of every row, and come back."""

import numpy as np
import pytest

from sklearn_hardmax import RaggedSequences

TOKENS = np.arange(12.0).reshape(6, 2)


@pytest.fixture(params=[np.float64, np.float32])
def X(request):
    """Three sequences of 1, 3 and 2 tokens with the numbers 0 to 11 in order."""
    return RaggedSequences(TOKENS.astype(request.param), [0, 1, 4, 6])


def test_ids_that_are_tuples_go_out_to_several_columns(X):
    ids = [(1, "a"), (1, "b"), (2, "a")]
    table = X.with_ids(ids).to_pandas(group=["site", "case"])
    assert table.columns.tolist() == ["site", "case", "x0", "x1"]
    assert RaggedSequences.from_frame(table, group=["site", "case"]).ids.tolist() == ids
    with pytest.raises(ValueError, match="groups needs ids that are tuples of 2, but id 1 is 'a'"):
        X.with_ids([(1, 2), "a", "b"]).to_pandas(group=["site", "case"])


def test_a_table_does_not_join_sequences_of_one_id(X):
    with pytest.raises(ValueError, match=r"would join sequences of one id, and ids \['a'\] repeat; .*with_ids"):
        X.with_ids(["a", "b", "a"]).to_pandas(group="id")


@pytest.mark.parametrize("names", [["u"], ["u", "u"], ["u", "id"]])
def test_names_that_do_not_tell_the_columns_apart_are_refused(X, names):
    with pytest.raises(ValueError, match="names must be 2 different names other than 'id'"):
        X.to_pandas(group="id", names=names)
