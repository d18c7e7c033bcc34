"""Small groups of hidden units with a purpose; plans.py stacks groups into layers.

A group is a few hidden units (rows of U and b, columns of W) that belong together: ramps and bumps are written so that the
sums which the engine forms, unit after unit in stored order, are exact wherever the group is flat.

    ramp   t = relu(c - threshold) - relu(c - threshold - 1)                                 0 below threshold, 1 above threshold + 1
    bump    h = relu(y + 1 + a) - relu(y + 1) - relu(y - 1) + relu(y - 1 - a),      y = (s - theta) / delta
           a for |y| <= 1, 0 for |y| >= 1 + a, slopes 1: no weight is larger than the heights need, and all are powers of two
"""

from typing import NamedTuple

import numpy as np

from sklearn_hardmax.layers import FeedForward


class Units(NamedTuple):
    """Hidden units on a stream of D coordinates: U (h, D), b (h,), W (D, h), in groups of `group` units each."""

    U: np.ndarray
    b: np.ndarray
    W: np.ndarray
    group: int

    @property
    def n_groups(self):
        """Number of groups."""
        return len(self.b) // self.group

    def part(self, first, last):
        """Groups first to last (exclusive)."""
        span = slice(self.group * first, self.group * last)
        return Units(self.U[span], self.b[span], self.W[:, span], self.group)

    def followed_by(self, other):
        """These units, then the other ones, in groups of the other."""
        W = np.concatenate([self.W, other.W], axis=1)
        return Units(np.concatenate([self.U, other.U]), np.concatenate([self.b, other.b]), W, other.group)

    def layer(self, eta=1.0):
        """All units as one FeedForward."""
        return FeedForward(self.U, self.b, self.W, eta)


def unit_row(token_dim, coordinate):
    """The row (1, token_dim) that reads one coordinate."""
    return np.eye(1, token_dim, coordinate)


def clearing_unit(token_dim, coordinate):
    """One unit that empties a coordinate which holds no negative number."""
    row = unit_row(token_dim, coordinate)
    return Units(row, np.zeros(1), -row.T, 1)


def projection_units(token_dim, direction, ones, scale=1.0):
    """Scale times s = (relu(x) - relu(x - 1)) + 1, x = <direction, z> + 1/2, to coordinate 0; 1 to the coordinates `ones`."""
    U, W = np.zeros((3, token_dim)), np.zeros((token_dim, 3))
    U[:2, : len(direction)] = direction
    W[0] = scale, -scale, scale
    W[ones, 2] = 1.0
    return Units(U, np.array([0.5, -0.5, 1.0]), W, 3)


def ramp_units(token_dim, source, thresholds, changes):
    """One ramp a threshold: reads coordinate `source`, rises from `thresholds` (R,) on, adds `changes` (R, D) behind it. Groups of 2."""
    U = np.zeros((2 * len(thresholds), token_dim))
    U[:, source] = 1.0
    b = -np.repeat(thresholds, 2) - np.tile([0.0, 1.0], len(thresholds))
    W = np.repeat(changes.T, 2, axis=1) * np.tile([1.0, -1.0], len(thresholds))
    return Units(U, b, W, 2)


def distance_to_nearest_ramp(thresholds, line):
    """Distance of numbers (n,) to the nearest end of a ramp with these thresholds, ascending; negative on a ramp, inf without."""
    k = np.searchsorted(thresholds, line)
    below, above = np.append(-np.inf, thresholds)[k], np.append(thresholds, np.inf)[k]
    return np.minimum(line - below - 1.0, above - line)


def bump_units(token_dim, source, target, centers, widths, heights, unit):
    """One bump a centre: reads `source`, adds unit * height to `target` around the centre. Groups of 4."""
    U = np.zeros((4 * len(centers), token_dim))
    U[:, source] = np.repeat(1.0 / widths, 4)
    corners = np.stack([1 + heights, np.ones_like(heights), -np.ones_like(heights), -1 - heights], axis=1)
    b = (corners - (centers / widths)[:, None]).ravel()
    W = np.zeros((token_dim, 4 * len(centers)))
    W[target] = np.tile([unit, -unit, -unit, unit], len(centers))
    return Units(U, b, W, 4)


def bump_units_between(token_dim, source, targets, low, high, widths, height):
    """One bump for each (low, high, width): reads `source`, adds `height` between low and high to its target.

    It is 0 beyond low - width and high + width. Groups of 4.
    """
    U = np.zeros((4 * len(low), token_dim))
    U[:, source] = np.repeat(1.0 / widths, 4)
    b = np.stack([1.0 - low / widths, -low / widths, -high / widths, -1.0 - high / widths], axis=1).ravel()
    W = np.zeros((token_dim, 4 * len(low)))
    W[np.repeat(targets, 4), np.arange(4 * len(low))] = np.tile([height, -height, -height, height], len(low))
    return Units(U, b, W, 4)


def constant_unit(token_dim, values):
    """One unit that is 1 for every token and adds `values` (D,)."""
    return Units(np.zeros((1, token_dim)), np.ones(1), values[:, None], 1)


def binary_digits(indices, n_digits):
    """Binary digits of class indices (n,), shape (n, n_digits), least significant first."""
    return (indices[:, None] >> np.arange(n_digits)) & 1
