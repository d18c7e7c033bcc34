"""Contradicting targets are refused, and the tokens are named."""

import numpy as np
import pytest
from cases.interpolation import X3

from sklearn_hardmax import ConstructionError, RaggedSequences
from sklearn_hardmax.constructions import build_interpolator


def test_equal_tokens_in_equal_multisets_with_different_targets_are_named():
    X = RaggedSequences.from_list([[[0.0], [1.0]], [[1.0], [0.0]], [[2.0], [0.0]]])
    Y = [[[1.0]], [[5.0], [2.0]], [[1.0]]]
    with pytest.raises(ConstructionError, match="of tokens: token 0 of sequence 0 and token 1 of sequence 1"):
        build_interpolator(X, Y)
    build_interpolator(X, Y, ordered=True)
    build_interpolator(X, [[[1.0]], [[5.0], [1.0]], [[1.0]]])


def test_repeated_tokens_of_a_sequence_with_different_targets_are_named():
    with pytest.raises(ConstructionError, match="token 0 of sequence 1 and token 2 of sequence 1"):
        build_interpolator([[[4.0]], [[0.0], [1.0], [-0.0]]], [[[1.0]], [[1.0], [2.0], [3.0]]])


def test_equal_multisets_with_different_targets_of_sequences_are_named():
    X = [[[0.0], [1.0]], [[3.0]], [[1.0], [0.0], [0.0], [1.0]]]
    with pytest.raises(ConstructionError, match="frequencies of tokens: sequence 0 and sequence 2"):
        build_interpolator(X, [1.0, 2.0, 3.0])
    build_interpolator(X, [1.0, 2.0, 1.0])


def test_many_conflicts_are_counted_and_five_are_shown():
    X = [[[float(j)]] for j in range(8)] * 2
    with pytest.raises(ConstructionError, match=r"(sequence \d and sequence \d+(; )?){5}, and 3 more\."):
        build_interpolator(X, np.arange(16.0))


@pytest.mark.parametrize(
    ("Y", "message"),
    [
        ([[[1.0]], [[1.0], [2.0], [3.0]], [[1.0]]], "Sequences 1 have fewer tokens than targets"),
        ([[[1.0]], [[1.0, 2.0]], [[1.0]]], "targets Y cannot be read as sequences of targets"),
        ([[[1.0]], np.zeros((0, 1)), [[1.0]]], "targets Y cannot be read as sequences of targets"),
        ([[[1.0]], [[np.nan]], [[1.0]]], "as sequences of targets: Input Y contains NaN or infinity in sequences 1;"),
        ([1.0, None, 2.0], "Input Y contains NaN"),
        (["1", "2", "3"], r"hold texts \('1' at index \[0\]\)"),
        (np.array(["2020", "2021", "2022"], dtype="datetime64[Y]"), "targets Y must be real numbers, but hold dates"),
        ([[[1.0]], [[1.0]]], "Y must hold targets for 3 sequences, got 2"),
        (
            [[1.0], [1.0, 2.0], [3.0]],
            r"rows of shapes \(1,\) and \(2,\) \(sequences 0 and 1\): targets of tokens are 2-D",
        ),
        ([[1.0, 2.0], 3.0, 4.0], r"rows of shapes \(2,\) and \(\) \(sequences 0 and 1\)"),
        ([1.0, 2.0], "inconsistent numbers of samples"),
        ([1.0, np.inf, 2.0], "Input Y contains infinity"),
        (["a", "b", "c"], "targets Y must be real numbers, but hold texts"),
        ("abc", "targets Y cannot be read as sequences of targets"),
    ],
)
def test_targets_that_fit_no_sequences_are_refused(Y, message):
    with pytest.raises(ValueError, match=message):
        build_interpolator(X3, Y)
