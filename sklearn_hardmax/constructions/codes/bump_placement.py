"""Place bumps, functions that are 0 except near one point, so that each counts one chosen token of a sequence.

All training tokens are projected on one direction, which gives each a value s in [1, 2] (projection.py). A bump of height a
and width delta is flat within delta of its centre and ends at (1 + a) delta. It covers one token, or several that are too
near to be told apart, and reaches at most half way to the next one: so its mean over a sequence is a times the frequency of
that token. coefficients.py chooses the tokens and their heights; here the limits of the heights are found, and the centres
and widths. All widths are powers of two of at least 2^-52.
"""

from typing import NamedTuple

import numpy as np

from sklearn_hardmax.constructions.codes.sequence_code import Bumps

_TOKEN_GAP = 2.0**-50  # values of s nearer than this count as one token: a bump needs four steps of the grid
_GRID = 2.0**-52  # of s in [1, 2)


class TokenLine(NamedTuple):
    """The training tokens along one direction, in classes: tokens whose values s are too near to be told apart are one class.

    Attributes
    ----------
    low, high : ndarray of shape (T,)
        Smallest and largest value s in each class; classes are numbered in ascending order.
    classes : ndarray of shape (n,)
        The class of every token.
    """

    low: np.ndarray
    high: np.ndarray
    classes: np.ndarray


def token_line(s):
    """The TokenLine of tokens with values s (n,)."""
    order = np.argsort(s, kind="stable")
    # a class begins at each value that is _TOKEN_GAP or more above the one before
    begins_class = np.concatenate([[True], np.diff(s[order]) >= _TOKEN_GAP])
    classes = np.empty(len(s), dtype=np.int64)
    classes[order] = np.cumsum(begins_class) - 1
    first = np.flatnonzero(begins_class)
    last = np.append(first[1:], len(s)) - 1
    return TokenLine(s[order][first], s[order][last], classes)


def smallest_gap(line):
    """Smallest distance of two neighbouring classes of a TokenLine; inf for one class."""
    return float(np.min(line.low[1:] - line.high[:-1], initial=np.inf))


def bump_limits(line):
    """Largest integer height of a bump at each class, (T,) int64; 0 where there is no room for a bump."""
    half_class = np.ceil((line.high - line.low) / (2 * _GRID)) * _GRID
    # the flat part of the narrowest bump reaches from a centre on the grid over the whole class
    narrowest = 2.0 ** np.ceil(np.log2(np.maximum(half_class, _GRID)))
    # (1 + a) delta <= free / 2, solved for a
    return np.maximum(np.floor(_free(line) / (2 * narrowest)) - 1, 0).astype(np.int64)


def place_bumps(line, tokens, heights):
    """Place bumps along the line.

    Parameters
    ----------
    line : TokenLine
    tokens : ndarray of shape (K,), int
        Classes that get a bump, ascending.
    heights : ndarray of shape (K,), int
        From 1 to the limit of the class.

    Returns
    -------
    Bumps
    """
    heights = heights.astype(np.float64)
    low, high = line.low[tokens], line.high[tokens]
    free = _free(line)[tokens]
    # the middle of the class, on the grid
    centers = low + np.floor((high - low) / (2 * _GRID)) * _GRID
    # (1 + a) delta <= free / 2, solved for the largest delta
    widths = 2.0 ** np.floor(np.log2(free / (2 * (1 + heights))))
    # unit * height is at most 1/2 for every bump
    unit = 2.0 ** -(np.ceil(np.log2(heights.max(initial=1.0))) + 1)
    return Bumps(centers, widths, heights, float(unit))


def _free(line):
    """Distance of each class to the nearest other one, (T,); 1 beyond the first and the last class."""
    gaps = np.concatenate([[1.0], line.low[1:] - line.high[:-1], [1.0]])
    return np.minimum(gaps[:-1], gaps[1:])
