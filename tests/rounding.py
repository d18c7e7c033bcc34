"""How far the scores of a classifier with heads and those of its network may be apart (constructions/scoring/build.py)."""

import numpy as np


def rounding_bound(fitted, new):
    """Rounding of scores (N, C): 4 eps (|beta_c| + sum_f |omega_fc| max_i |S_f - b_f|) over i, 8 eps of corrections."""
    heads, readout = fitted._built.heads, fitted._built.readout
    forms, index, biases = heads.forms()
    reach = np.abs((forms @ heads.tokens(new).T)[index] - biases[:, None])
    reach = np.maximum.reduceat(reach, new.offsets[:-1], axis=1)
    carried = reach.T @ np.abs(readout.coefficients(heads) * heads.scales[:, None]) + np.abs(readout.intercept)
    return np.finfo(float).eps * (4 * carried + (8 * fitted._built.corrections.height if fitted.n_corrections_ else 0))
