"""How small a softmax temperature must be for a leader read to stay within its plateau.

Lemma. Let m be the largest of n scores, g the distance to the next one that is not equal, and A_T the softmax mean of the
scores at temperature T <= g. Then 0 <= m - A_T <= (n - 1) g exp(-g / T). For m - A_T = sum_l w_l g_l / sum_l w_l over the
gaps g_l, weights w_l = exp(-g_l / T); the best score has weight 1, others have g_l >= g, and x exp(-x / T) falls for x >= T.

So a read may be off by tau at every temperature up to g / max(1, log((n - 1) g / tau)). Layers behind it that are flat within
tau give the hardmax's output, not an approximation of it. Reads of integers by a key with integer factors are safe at any
length: below HEAD_TEMPERATURE all weights but those of the best are exp(-1024) and less, which float64 does not hold.
"""

import numbers
from dataclasses import replace

import numpy as np

from sklearn_hardmax.constructions.common.construction import ConstructionError

HEAD_TEMPERATURE = 2.0**-10  # exp(-745.2) is 0 in float64


def max_temperature(separations, lengths, error_bounds):
    """Largest temperature at which every soft read stays within its tolerance; inf where nothing is in the way.

    separations (N,) : distance of each leader to the next value, inf where all are equal; lengths (N,); error_bounds (N,),
    above 0, in the units of the separations.
    """
    bound = np.full(len(lengths), np.inf)
    some = np.flatnonzero(np.isfinite(separations))
    gaps = separations[some]
    ratio = (lengths[some] - 1) * (gaps / error_bounds[some])
    bound[some] = gaps / np.maximum(1.0, np.log(ratio))
    return float(bound.min())


def resolve_temperature(wanted, admissible):
    """The temperature that was asked for, or for "auto" the largest admissible one (1 where there is no bound).

    Raises ConstructionError above the admissible one.
    """
    if isinstance(wanted, str):
        return admissible if np.isfinite(admissible) else 1.0
    if wanted > admissible:
        raise ConstructionError(
            f"At temperature {float(wanted)!r} leader reads may leave their plateaus; {admissible!r} is the largest allowed."
        )
    return float(wanted)


def with_softmax(code, wanted, sequences, clearances, n_jobs=None, at_most=np.inf):
    """A code whose leaders are chosen by softmax, at a temperature that keeps every code within half of its clearance (N,).

    wanted : "auto" or a number, as in `resolve_temperature`; at_most : a bound on the temperature from elsewhere.
    """
    admissible = min(at_most, code.max_temperature(sequences, clearances, n_jobs))
    return replace(code, temperature=resolve_temperature(wanted, admissible))


def validate_temperature(attention, temperature):
    """0 for hardmax, else the temperature: "auto" or a positive finite number; ValueError for anything else."""
    if not (isinstance(attention, str) and attention in ("hardmax", "softmax")):
        raise ValueError(f"attention must be 'hardmax' or 'softmax', got {attention!r}.")
    is_number = isinstance(temperature, numbers.Real) and not isinstance(temperature, bool)
    if not (is_number and 0 < temperature < np.inf) and not (isinstance(temperature, str) and temperature == "auto"):
        raise ValueError(f"temperature must be 'auto' or a positive finite number, got {temperature!r}.")
    return temperature if attention == "softmax" else 0.0
