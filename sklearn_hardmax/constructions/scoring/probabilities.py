"""Probabilities from scores: one number, the inverse temperature of a softmax, chosen on scores that are left out.

The ridge regression gives the scores of every training sequence by the regression without it (ridge.py). With s_i these
scores of sequence i and y_i its class, the inverse temperature a minimises

    mean_i -log softmax(a s_i)_{y_i} + 0.01 a

which is convex in a. The last term is the loss, up to a constant, as if one sequence in a hundred were wrong by a margin of
1, half of the distance between the targets 1 and -1. It keeps a finite where all left-out scores are right: a is then at most
2.65 for scores of 1 and -1. On 55 data sets of the UCR archive, of 0, 0.01, 0.02 and 0.05 it gave the smallest log loss.
"""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

_PULL = 0.01
_RANGE = (-8.0, 6.0)  # of log a


def inverse_temperature(scores, labels, weights):
    """The number a for left-out scores (C, n), class indices (n,) and positive weights (n,); 1.0 with one class."""
    if len(scores) == 1:
        return 1.0
    shares = weights / weights.sum()
    columns = np.arange(len(labels))

    def loss(log_a):
        a = np.exp(log_a)
        return -(shares @ log_softmax(a * scores, axis=0)[labels, columns]) + _PULL * a

    return float(np.exp(minimize_scalar(loss, bounds=_RANGE, method="bounded", options={"xatol": 1e-8}).x))


def log_probabilities(scores, a):
    """Logarithms of the probabilities, (N, C), from scores (N, C); the first largest score has the largest one."""
    logs = log_softmax(a * scores, axis=1)
    return _with_largest_at(logs, scores.argmax(axis=1))


def probabilities(scores, a):
    """Probabilities of the classes, (N, C), from scores (N, C); the first largest score has the largest one."""
    return _with_largest_at(np.exp(log_softmax(a * scores, axis=1)), scores.argmax(axis=1))


def _with_largest_at(values, labels):
    """The same values (N, C), those at the labels larger than all others: rounding may have made them equal."""
    rows = np.arange(len(values))
    values[rows, labels] = np.where(
        values.argmax(axis=1) == labels, values[rows, labels], np.nextafter(values.max(axis=1), np.inf)
    )
    return values
