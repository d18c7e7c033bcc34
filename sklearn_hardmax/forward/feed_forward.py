"""Feed-forward layers, z <- eta z + W relu(U z + b), without multiplying by the zeros among their weights."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sklearn_hardmax.layers import FeedForward

_BLOCK_NUMBERS = 2**20  # values of hidden units that are held at once


class NonzeroWeights(NamedTuple):
    """Where the weights of a feed-forward layer are not 0: found once and used for every chunk of sequences.

    Attributes
    ----------
    inputs : ndarray of int
        Coordinates of the residual stream that some hidden unit uses.
    outputs : ndarray of int
        Coordinates that some hidden unit is added to.
    outputs_of_units : list of ndarray of int
        For each hidden unit the coordinates that it is added to.
    """

    inputs: np.ndarray
    outputs: np.ndarray
    outputs_of_units: list

    @classmethod
    def from_layer(cls, layer: FeedForward):
        """Of this layer."""
        return cls(
            np.flatnonzero(layer.U.any(axis=0)),
            np.flatnonzero(layer.W.any(axis=1)),
            [np.flatnonzero(column) for column in layer.W.T],
        )


def apply_feed_forward(layer, nonzero, stream):
    """One feed-forward layer, in place on the stream (D, n), with the NonzeroWeights of the layer."""
    n_tokens = stream.shape[1]
    change = np.zeros((len(nonzero.outputs), n_tokens))
    row_of = {int(c): k for k, c in enumerate(nonzero.outputs)}
    n_units = max(1, _BLOCK_NUMBERS // max(1, n_tokens))
    # Hidden units in stored order, also across blocks: the order of summation does not depend on the number of tokens.
    for first in range(0, layer.width, n_units):
        hidden = _hidden(layer, nonzero.inputs, stream, slice(first, first + n_units))
        for unit, values in enumerate(hidden, start=first):
            for c in nonzero.outputs_of_units[unit].tolist():
                change[row_of[c]] += layer.W[c, unit] * values
    add_to_residual(stream, layer.eta, ((c, change[k]) for c, k in row_of.items()))


def add_to_residual(stream, factor, written):
    """stream <- factor stream + written, where `written` yields (coordinate, values (n,)); factor is eta or rho."""
    if factor == 0:
        stream[:] = 0.0
    elif factor != 1:
        stream *= factor
    for c, values in written:
        stream[c] += values


def _hidden(layer, inputs, stream, units):
    """Values of a block of hidden units, (n_units, n): coordinates in order, then the bias."""
    hidden = np.zeros((len(layer.b[units]), stream.shape[1]))
    for c in inputs.tolist():
        weights = layer.U[units, c]
        used = np.flatnonzero(weights)
        if len(used) == len(weights):  # the same sum without an indexed copy
            hidden += weights[:, None] * stream[c]
        else:
            hidden[used] += weights[used, None] * stream[c]
    hidden += layer.b[units, None]
    return np.maximum(hidden, 0.0, out=hidden)
