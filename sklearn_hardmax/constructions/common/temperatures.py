"""Choose softmax temperatures so small that attention gives the results of the hardmax.

Leader attention (hardmax of rank one) returns the largest of n scores. Softmax at a positive temperature returns a weighted
mean instead, which is smaller. This module bounds the difference and chooses the largest temperature that it allows.

Lemma. Let m be the largest of n scores, g the distance to the next one that is not equal, and A_T the softmax mean of the
scores at temperature T <= g. Then 0 <= m - A_T <= (n - 1) g exp(-g / T).

Proof. m - A_T = sum_l w_l g_l / sum_l w_l over the gaps g_l = m - score_l, with weights w_l = exp(-g_l / T). The denominator
is at least 1, since the largest score has weight 1. In the numerator at most n - 1 gaps are positive, these are g or larger,
and x exp(-x / T) falls for x >= T.

So the softmax mean errs by no more than tau at every temperature up to g / max(1, log((n - 1) g / tau)). If the layers behind
the attention are constant within tau of its hardmax output, their output is that of the hardmax, not an approximation of it.

Integer scores from a key with integer weights need no such bound: different scores are at least 1 apart, so below
HEAD_TEMPERATURE all weights but those of the largest score are exp(-1024) or less, which is 0 in float64, at any length.
"""

from __future__ import annotations

import numbers
from dataclasses import replace
from typing import Any

import numpy as np

from sklearn_hardmax._typing import AttentionKind, Auto, FloatArray, IntArray
from sklearn_hardmax.constructions.common.construction import ConstructionError

HEAD_TEMPERATURE = 2.0**-10  # largest temperature for integer scores; exp(-745.2) is 0 in float64


def max_temperature(separations: FloatArray, lengths: IntArray, error_bounds: FloatArray) -> float:
    """Largest temperature at which the softmax mean of every sequence stays within its error bound of the largest score.

    Parameters
    ----------
    separations : ndarray of shape (n_sequences,)
        Distance of the largest score to the next one that is not equal; inf if all are equal.
    lengths : ndarray of shape (n_sequences,)
    error_bounds : ndarray of shape (n_sequences,)
        Positive, in the units of the scores.

    Returns
    -------
    float
        inf if all separations are inf.
    """
    bound = np.full(len(lengths), np.inf)
    finite = np.flatnonzero(np.isfinite(separations))
    gaps = separations[finite]
    # the lemma, solved for T; the maximum with 1 keeps T <= g, which the lemma assumes
    ratio = (lengths[finite] - 1) * (gaps / error_bounds[finite])
    bound[finite] = gaps / np.maximum(1.0, np.log(ratio))
    return float(bound.min())


def resolve_temperature(wanted: float | Auto, admissible: float) -> float:
    """The temperature to use, from the parameter `wanted` of the user and the largest admissible one.

    "auto" gives the largest admissible one, or 1 if that is infinite. A number is returned as it is; ConstructionError if it
    is larger than the admissible one.
    """
    if isinstance(wanted, str):
        return admissible if np.isfinite(admissible) else 1.0
    if wanted > admissible:
        raise ConstructionError(
            f"At temperature {float(wanted)!r} leader attention may leave its plateaus; "
            f"{admissible!r} is the largest allowed."
        )
    return float(wanted)


def with_softmax(code, wanted, sequences, clearances, n_jobs=None, at_most=np.inf):
    """The same code with softmax leaders, at a temperature that changes every code by at most half of its clearance.

    Parameters
    ----------
    code : SequenceCode or RandomCode
    wanted : "auto" or float
        As in `resolve_temperature`.
    sequences : RaggedSequences
        The training sequences.
    clearances : ndarray of shape (n_sequences,)
        How far each code may move before the layers behind it change their output.
    n_jobs : int, default=None
    at_most : float, default=inf
        Another bound on the temperature.

    Returns
    -------
    SequenceCode or RandomCode
    """
    admissible = min(at_most, code.max_temperature(sequences, clearances, n_jobs))
    return replace(code, temperature=resolve_temperature(wanted, admissible))


def validate_temperature(attention: AttentionKind, temperature: float | Auto) -> float | Auto:
    """Check two parameters of the user: 0.0 for attention="hardmax", else the temperature, "auto" or a positive number.

    Raises ValueError for any other value of either, also of a temperature that hardmax ignores.
    """
    if not (isinstance(attention, str) and attention in ("hardmax", "softmax")):
        raise ValueError(f"attention must be 'hardmax' or 'softmax', got {attention!r}.")
    if not (_is_positive_finite(temperature) or (isinstance(temperature, str) and temperature == "auto")):
        raise ValueError(f"temperature must be 'auto' or a positive finite number, got {temperature!r}.")
    return temperature if attention == "softmax" else 0.0


def _is_positive_finite(value: Any) -> bool:
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    return is_number and bool(0 < value < np.inf)
