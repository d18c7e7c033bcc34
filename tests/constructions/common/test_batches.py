"""Batches of whole sequences give the same rows for any number of jobs."""

import re

import numpy as np
import pytest
from joblib import parallel_config

from sklearn_hardmax import RaggedSequences
from sklearn_hardmax.constructions.common.batches import in_batches

LENGTHS = [5, 1, 1, 9, 2, 3, 1, 30, 1, 4]  # 57 tokens; one sequence is longer than a batch of several jobs
X = RaggedSequences.from_flat(np.random.default_rng(0).normal(size=(57, 2)), lengths=LENGTHS)
JOBS = pytest.mark.parametrize("n_jobs", [None, 1, 2, 3, 10, 40])


def row_per_sequence(sequences):
    return np.array([x.sum(axis=0) for x in sequences])


def row_per_token(sequences):
    return 3 * sequences.tokens


@JOBS
@pytest.mark.parametrize("function", [row_per_sequence, row_per_token])
def test_rows_are_those_of_all_sequences_at_once_for_any_number_of_jobs(function, n_jobs):
    with parallel_config("threading"):
        assert np.array_equal(in_batches(function, X, n_jobs), function(X))


@JOBS
def test_a_batch_of_several_sequences_has_no_more_tokens_than_its_share(n_jobs):
    seen = []

    def first_token(sequences):
        seen.append(sequences)  # a list may be appended to in threads
        return sequences.tokens[sequences.offsets[:-1]]

    with parallel_config("threading"):
        in_batches(first_token, X, n_jobs)
    share = -(-57 // (n_jobs or 1))
    assert all(batch.n_tokens <= share for batch in seen if len(batch) > 1)
    assert len(seen) >= min(n_jobs or 1, 4)
    assert sorted(n for batch in seen for n in batch.lengths.tolist()) == sorted(LENGTHS)


def test_one_sequence_is_one_batch():
    seen = []
    in_batches(lambda sequences: seen.append(sequences) or np.zeros(1), X[7:8], n_jobs=3)
    assert seen == [X[7:8]]


@pytest.mark.parametrize("n_jobs", [0, 1.5, "2", True, [1]])
def test_what_is_no_number_of_jobs_is_refused(n_jobs):
    with pytest.raises(
        ValueError, match=rf"n_jobs must be None, a number of jobs, or -1 .* got {re.escape(repr(n_jobs))}"
    ):
        in_batches(row_per_sequence, X, n_jobs)
