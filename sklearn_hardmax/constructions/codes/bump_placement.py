"""Place bumps, functions that are 0 except near one point, so that each counts one chosen token of a sequence.

All training tokens are projected on one direction, which gives each a value s in [1, 2] (projection.py). A bump of height a
and width delta is flat within delta of its centre and ends at (1 + a) delta. It covers one token, or several that are too
near to be told apart, and reaches at most half way to the next one: so its mean over a sequence is a times the frequency of
that token. coefficients.py chooses the tokens and their heights; here the limits of the heights are found, and the centres
and widths. All widths are powers of two of at least 2^-52.
"""

from typing import NamedTuple

import numpy as np

from sklearn_hardmax.constructions.codes.coefficients import separating_coefficients
from sklearn_hardmax.constructions.codes.sequence_code import Bumps
from sklearn_hardmax.constructions.common.construction import Conflict

_TOKEN_GAP = 2.0**-50  # values of s nearer than this count as one token: a bump needs four steps of the grid
_GRID = 2.0**-52  # of s in [1, 2)
_LARGEST_HEIGHT = 2**30


class TokenLine(NamedTuple):
    """The training tokens along one direction, in classes: tokens whose values s are too near to be told apart are one class.

    Attributes
    ----------
    low, high : ndarray of shape (T,)
        Smallest and largest value s in each class; classes are numbered in ascending order.
    classes : ndarray of shape (n_tokens,)
        The class of every token.
    """

    low: np.ndarray
    high: np.ndarray
    classes: np.ndarray


def token_line(s):
    """The TokenLine of values s (n_tokens,)."""
    order = np.argsort(s, kind="stable")
    # a class begins at each value that is _TOKEN_GAP or more above the one before
    begins_class = np.concatenate([[True], np.diff(s[order]) >= _TOKEN_GAP])
    classes = np.empty(len(s), dtype=np.int64)
    classes[order] = np.cumsum(begins_class) - 1
    first = np.flatnonzero(begins_class)
    last = np.append(first[1:], len(s)) - 1
    return TokenLine(s[order][first], s[order][last], classes)


def place_bumps(line, multisets, groups, labels):
    """Place bumps along the line whose weighted frequencies tell groups of equal multisets apart.

    Parameters
    ----------
    line : TokenLine
    multisets : Multisets
        One per sequence.
    groups : list of index arrays
        Sequences with equal multisets.
    labels : ndarray of shape (n_sequences,), int
        Class indices, equal in each group.

    Returns
    -------
    bumps : Bumps
    conflicts : list of Conflict
        Groups that bumps of the possible heights do not tell apart.
    """
    gaps = np.concatenate([[1.0], line.low[1:] - line.high[:-1], [1.0]])
    free = np.minimum(gaps[:-1], gaps[1:])  # distance of each class to the nearest other one
    # the flat part of the narrowest bump reaches from a centre on the grid over the whole class
    half_class = np.ceil((line.high - line.low) / (2 * _GRID)) * _GRID
    narrowest = 2.0 ** np.ceil(np.log2(np.maximum(half_class, _GRID)))
    # (1 + a) delta <= free / 2, solved for a
    limits = np.minimum(np.floor(free / (2 * narrowest)) - 1, _LARGEST_HEIGHT).astype(np.int64)
    representatives = np.array([group[0] for group in groups])
    chosen, together = separating_coefficients(
        multisets.selected(representatives),
        labels[representatives],
        np.array([len(group) for group in groups]),
        np.maximum(limits, 0),
    )
    conflicts = [Conflict(np.sort(np.concatenate([groups[j] for j in members])), "close") for members in together]
    tokens = np.array(chosen.tokens, dtype=np.int64)
    heights = np.array(chosen.heights, dtype=np.float64)
    order = np.argsort(tokens)
    tokens = tokens[order]
    heights = heights[order]
    # the middle of the class, on the grid
    centers = line.low[tokens] + np.floor((line.high - line.low)[tokens] / (2 * _GRID)) * _GRID
    # the same inequality, solved for the largest delta
    widths = 2.0 ** np.floor(np.log2(free[tokens] / (2 * (1 + heights))))
    # unit * height is at most 1/2 for every bump
    unit = 2.0 ** -(np.ceil(np.log2(heights.max(initial=1.0))) + 1)
    return Bumps(centers, widths, heights, float(unit)), conflicts
