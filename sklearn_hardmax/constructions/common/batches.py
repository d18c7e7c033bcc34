"""Evaluate a function on batches of whole sequences, in parallel jobs."""

import joblib
import numpy as np

from sklearn_hardmax.sequences.segments import chunks


def in_batches(function, sequences, n_jobs=None):
    """function(batch of whole sequences) for all sequences, concatenated; the batches do not show in the result."""
    jobs = joblib.effective_n_jobs(n_jobs)
    if jobs == 1 or len(sequences) == 1:
        return function(sequences)
    batches = chunks(sequences.offsets, -(-sequences.n_tokens // jobs))
    # joblib's own: that of scikit-learn swaps the warning filters of the process in every thread
    parts = joblib.Parallel(n_jobs=n_jobs)(joblib.delayed(function)(sequences[i:j]) for i, j in batches)
    return np.concatenate(parts)
