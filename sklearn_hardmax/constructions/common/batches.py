"""Evaluate a function on batches of whole sequences, or on other parts of a task, in parallel jobs."""

import numbers

import joblib
import numpy as np

from sklearn_hardmax.constructions.common.threads import one_blas_thread
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


def in_rounds(function, tasks, n_jobs=None, prefer=None):
    """Yield function(*task) for every task, in order; as many tasks as jobs are computed, and held, at a time.

    Parameters
    ----------
    function : callable
    tasks : iterable of tuples
        The arguments of each call. They are made one round at a time.
    n_jobs : int, default=None
        Parallel jobs, as joblib counts them. Each uses one BLAS thread.
    prefer : {"threads", None}
        Where the user has chosen no backend, threads spare a copy of the arguments.
    """
    jobs = count_jobs(n_jobs)
    if jobs == 1:
        yield from (function(*task) for task in tasks)
        return
    with joblib.Parallel(n_jobs=n_jobs, prefer=prefer) as parallel:
        tasks = iter(tasks)
        while together := [task for _, task in zip(range(jobs), tasks)]:
            yield from parallel(joblib.delayed(_with_one_blas_thread)(function, task) for task in together)


def _with_one_blas_thread(function, task):
    with one_blas_thread:
        return function(*task)
