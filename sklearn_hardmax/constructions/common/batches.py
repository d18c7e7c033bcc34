"""Evaluate a function on batches of whole sequences, in parallel jobs."""

import numbers

import joblib
import numpy as np

from sklearn_hardmax.sequences.segments import chunks


def in_batches(function, sequences, n_jobs=None):
    """Apply `function` to batches of whole sequences and concatenate the results.

    Parameters
    ----------
    function : callable
        Takes RaggedSequences and returns an array with one row per sequence, or with one row per token. Its rows must not
        depend on the batch; then the result does not depend on n_jobs.
    sequences : RaggedSequences
    n_jobs : int, default=None
        Parallel jobs, as joblib counts them.

    Returns
    -------
    ndarray
        function(sequences).
    """
    jobs = count_jobs(n_jobs)
    if jobs == 1 or len(sequences) == 1:
        return function(sequences)
    tokens_per_batch = -(-sequences.n_tokens // jobs)  # rounded up
    batches = chunks(sequences.offsets, tokens_per_batch)
    # joblib's own Parallel: the one of scikit-learn swaps the warning filters of the process in every thread
    parts = joblib.Parallel(n_jobs=n_jobs)(joblib.delayed(function)(sequences[i:j]) for i, j in batches)
    return np.concatenate(parts)


def count_jobs(n_jobs):
    """Number of parallel jobs for a parameter n_jobs; ValueError unless it is None or an integer other than 0."""
    if n_jobs is not None and (not isinstance(n_jobs, numbers.Integral) or isinstance(n_jobs, bool) or n_jobs == 0):
        raise ValueError(f"n_jobs must be None, a number of jobs, or -1 for all processors, got {n_jobs!r}.")
    return joblib.effective_n_jobs(n_jobs)
