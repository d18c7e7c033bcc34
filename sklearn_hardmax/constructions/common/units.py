r"""Make the groups of hidden ReLU units of which feed-forward layers consist: ramps, bumps, projections, constants.

A *group* is a few hidden units (rows of U and b, columns of W) that belong together and are never split between two layers.

A *ramp* is a step from 0 to 1 that is 1 wide, two units on one coordinate c:

    relu(c - threshold) - relu(c - threshold - 1)

      1                              ____________________
                                    /
                                   /
      0   ________________________/
                                  |  |
                          threshold  threshold + 1

A *bump* is 0 far from its centre and equal to its height a near it, four units on one coordinate s:

    relu(y + 1 + a) - relu(y + 1) - relu(y - 1) + relu(y - 1 - a),      y = (s - centre) / width

      a                       _____________
                             /             \
                            /               \
      0   _________________/                 \_________________
                           |  |      |      |  |
                  y = -1 - a  -1     0      1  1 + a

The slopes of a bump in y are 1 and -1: no weight is larger than the heights need, and all weights are powers of two. With
`bump_units_between` the thresholds are given instead of centre and height: the flat top reaches from low to high, and the
slopes are `width` wide.

    relu(y + 1) - relu(y) - relu(x) + relu(x - 1),      y = (s - low) / width,   x = (s - high) / width

      1                       _____________
                             /             \
                            /               \
      0   _________________/                 \_________________
                           |  |           |  |
                 low - width  low      high  high + width

The order of the units in a group matters: `forward` adds the units in the order in which they are stored, and in this order
all sums are exact wherever the group is flat.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sklearn_hardmax._typing import FloatArray, IntArray
from sklearn_hardmax.layers import FeedForward


class Units(NamedTuple):
    """Hidden units on a residual stream of D coordinates: z <- z + W relu(U z + b).

    Attributes
    ----------
    U : ndarray of shape (h, D)
        Input weights of h units.
    b : ndarray of shape (h,)
        Hidden biases.
    W : ndarray of shape (D, h)
        Output weights.
    group : int
        Units in a group; consecutive units form a group.
    """

    U: FloatArray
    b: FloatArray
    W: FloatArray
    group: int

    @property
    def n_groups(self) -> int:
        """Number of groups."""
        return len(self.b) // self.group

    def part(self, first: int, last: int) -> Units:
        """Groups first to last (exclusive)."""
        span = slice(self.group * first, self.group * last)
        return Units(self.U[span], self.b[span], self.W[:, span], self.group)

    def followed_by(self, other: Units) -> Units:
        """These units, then the other ones; the groups are those of the other ones."""
        U = np.concatenate([self.U, other.U])
        b = np.concatenate([self.b, other.b])
        W = np.concatenate([self.W, other.W], axis=1)
        return Units(U, b, W, other.group)

    def layer(self, eta: float = 1.0) -> FeedForward:
        """All units as one FeedForward."""
        return FeedForward(self.U, self.b, self.W, eta)


def unit_row(token_dim: int, coordinate: int) -> FloatArray:
    """Row of shape (1, token_dim) that is 1 at one coordinate and 0 elsewhere."""
    return np.eye(1, token_dim, coordinate)


def clearing_unit(token_dim: int, coordinate: int) -> Units:
    """One unit that sets a coordinate to 0 if it holds no negative number: z - relu(z) = 0."""
    row = unit_row(token_dim, coordinate)
    return Units(row, np.zeros(1), -row.T, 1)


def projection_units(token_dim: int, direction: FloatArray, ones: list[int], scale: float = 1.0) -> Units:
    """Three units that project tokens on a direction: s, clipped to [1, 2], to coordinate 0, and 1 to the coordinates `ones`.

    s = (relu(x) - relu(x - 1)) + 1 with x = <direction, z> + 1/2, times `scale`. The sum is formed in this order, as in
    `codes.projection.clipped_ramp`. One group.
    """
    U = np.zeros((3, token_dim))
    b = np.array([0.5, -0.5, 1.0])
    W = np.zeros((token_dim, 3))
    # the third unit has no input weights and bias 1: it is 1 for every token
    U[:2, : len(direction)] = direction
    W[0] = scale, -scale, scale
    W[ones, 2] = 1.0
    return Units(U, b, W, 3)


def ramp_units(token_dim: int, source: int, thresholds: FloatArray, changes: FloatArray) -> Units:
    """One ramp per threshold, on coordinate `source`: adds a row of `changes` to the tokens behind it.

    Parameters
    ----------
    token_dim : int
    source : int
    thresholds : ndarray of shape (R,)
        Where the ramps begin to rise.
    changes : ndarray of shape (R, token_dim)
        Added, times the ramp, to the token.

    Returns
    -------
    Units
        R groups of 2.
    """
    U = np.zeros((2 * len(thresholds), token_dim))
    U[:, source] = 1.0
    b = -np.repeat(thresholds, 2) - np.tile([0.0, 1.0], len(thresholds))
    W = np.repeat(changes.T, 2, axis=1) * np.tile([1.0, -1.0], len(thresholds))
    return Units(U, b, W, 2)


def distance_to_nearest_ramp(thresholds: FloatArray, line: FloatArray) -> FloatArray:
    """Distance of numbers to the nearest end of a ramp.

    Parameters
    ----------
    thresholds : ndarray of shape (R,)
        Of the ramps, ascending.
    line : ndarray of shape (n,)

    Returns
    -------
    ndarray of shape (n,)
        Negative on a ramp, inf without ramps.
    """
    # the ramp below a number ends at its threshold + 1, the ramp above it begins at its threshold
    k = np.searchsorted(thresholds, line)
    below = np.append(-np.inf, thresholds)[k]
    above = np.append(thresholds, np.inf)[k]
    return np.minimum(line - below - 1.0, above - line)


def bump_units(
    token_dim: int,
    source: int,
    target: int,
    centers: FloatArray,
    widths: FloatArray,
    heights: FloatArray,
    unit: float,
) -> Units:
    """One bump per centre, on coordinate `source`: adds unit * height to coordinate `target` around the centre.

    Parameters
    ----------
    token_dim : int
    source, target : int
    centers, widths, heights : ndarray of shape (K,)
        The bump is flat within width of its centre, and 0 beyond (1 + height) width.
    unit : float
        Factor of all heights.

    Returns
    -------
    Units
        K groups of 4.
    """
    U = np.zeros((4 * len(centers), token_dim))
    U[:, source] = np.repeat(1.0 / widths, 4)
    # the four thresholds in y have the biases 1 + a, 1, -1, -1 - a; y = s / width - centre / width
    corners = np.stack([1 + heights, np.ones_like(heights), -np.ones_like(heights), -1 - heights], axis=1)
    b = (corners - (centers / widths)[:, None]).ravel()
    W = np.zeros((token_dim, 4 * len(centers)))
    W[target] = np.tile([unit, -unit, -unit, unit], len(centers))
    return Units(U, b, W, 4)


def bump_units_between(
    token_dim: int,
    source: int,
    targets: IntArray,
    low: FloatArray,
    high: FloatArray,
    widths: FloatArray,
    height: float,
) -> Units:
    """One bump per interval, on coordinate `source`: adds `height` to its target between low and high.

    Parameters
    ----------
    token_dim : int
    source : int
    targets : ndarray of shape (K,)
        Coordinate that each bump is added to.
    low, high, widths : ndarray of shape (K,)
        The bump is 0 below low - width and above high + width.
    height : float

    Returns
    -------
    Units
        K groups of 4.
    """
    U = np.zeros((4 * len(low), token_dim))
    U[:, source] = np.repeat(1.0 / widths, 4)
    b = np.stack([1.0 - low / widths, -low / widths, -high / widths, -1.0 - high / widths], axis=1).ravel()
    W = np.zeros((token_dim, 4 * len(low)))
    # row: the target of the bump that a unit belongs to; column: the unit
    W[np.repeat(targets, 4), np.arange(4 * len(low))] = np.tile([height, -height, -height, height], len(low))
    return Units(U, b, W, 4)


def constant_unit(token_dim: int, values: FloatArray) -> Units:
    """One unit that is 1 for every token and adds `values`, of shape (token_dim,), to it."""
    return Units(np.zeros((1, token_dim)), np.ones(1), values[:, None], 1)


def binary_digits(indices: IntArray, n_digits: int) -> IntArray:
    """Binary digits of class indices (n,), shape (n, n_digits), least significant digit first."""
    return (indices[:, None] >> np.arange(n_digits)) & 1
