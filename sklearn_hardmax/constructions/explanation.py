"""Why a class: what every head adds to its score, and which token every leader read took.

    score_c = [beta_c + sum_f omega_fc mean of head f] + sum_f omega_fc (head_f - mean of head f) + spike

Means are those of the training sequences, so that a contribution says how the sequence differs from the average one. Leaders
are found in integers: scores of tokens are exact, and of tokens of the largest score the first is shown.
"""

from typing import NamedTuple

import numpy as np

from sklearn_hardmax.constructions.heads import MAX

INTERCEPT, SPIKE = -1, -2  # what rows that are no head have in its place


class Explanation(NamedTuple):
    """One sequence: contributions (n_heads, n_classes), intercept and spike (n_classes,)."""

    contributions: np.ndarray
    intercept: np.ndarray
    spike: np.ndarray


def explain(scoring, sequences):
    """Yield the Explanation of every sequence, in order."""
    coefficients, means = scoring.readout.coefficients(scoring.heads), scoring.readout.means
    intercept = scoring.readout.intercept + means @ coefficients
    for j in range(len(sequences)):
        one = sequences[j : j + 1]
        spike = np.zeros((scoring.n_classes, 1))
        if scoring.spikes is not None:
            scoring.spikes.add_to(spike, scoring.spikes.code.of(one))
        features = scoring.heads.features(one, np.float64)[0]
        yield Explanation((features - means)[:, None] * coefficients, intercept, spike[:, 0])


def leaders(scoring, sequence, heads):
    """Token index of the leader of each of these heads in one sequence (RaggedSequences of length 1); -1 for means."""
    forms, index, _ = scoring.heads.forms()
    out = np.full(len(heads), -1)
    reads = np.flatnonzero(scoring.heads.kinds[heads] == MAX)
    if len(reads):
        scores = forms[index[heads[reads]]] @ scoring.heads.tokens(sequence).T
        out[reads] = scores.argmax(axis=1)
    return out
