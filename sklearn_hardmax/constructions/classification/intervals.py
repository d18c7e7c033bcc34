"""The line of codes cut into intervals of one label: boundaries between training codes, and between them and unseen ones.

Without class weights a boundary stands halfway between neighbouring runs of different label, so that every code belongs to the
nearest run. With class weights w every code belongs to the class c that makes (distance to its nearest training code) / w_c
smallest: the multiplicatively weighted Voronoi diagram of the training codes. On a line the interval of a code x against a
heavier one at distance D is an interval around x that reaches D w / (w + w') towards it and D w / (w' - w) away from it; so
the diagram is painted by intervals, heaviest class first.

Borders are put on the grid of the codes, 2^-52, in integers, so that the network decides as the distances do.
"""

from typing import NamedTuple

import numpy as np

from sklearn_hardmax.constructions.codes.sequence_code import SAFE_GAP

_GRID_BITS = 52


class LabelRuns(NamedTuple):
    """Training codes in ascending runs of one label: first and last code and class index of each, (R,)."""

    low: np.ndarray
    high: np.ndarray
    labels: np.ndarray


class DecisionIntervals(NamedTuple):
    """The line cut at boundaries (S - 1,), and the class index of every interval (S,)."""

    boundaries: np.ndarray
    labels: np.ndarray


def label_runs_from_codes(codes, labels, clearance=None):
    """LabelRuns of equal label; with `clearance`, codes of one label at least that far apart are runs of their own."""
    order = np.argsort(codes)  # equal codes carry one label
    codes, labels = codes[order], labels[order]
    change = labels[1:] != labels[:-1]
    if clearance is not None:
        change |= codes[1:] - codes[:-1] >= clearance
    cut = np.flatnonzero(change)
    first, last = np.append(0, cut + 1), np.append(cut, len(codes) - 1)
    return LabelRuns(codes[first], codes[last], labels[first])


def adjacent_codes(runs, boundaries):
    """Largest training code below each boundary and smallest above it, two (S - 1,); the ends of the line where none is."""
    above = np.searchsorted(runs.low, boundaries)
    return np.append(1.0, runs.high)[above], np.append(runs.low, 2.0)[above]


def midpoint_intervals(runs, coarse):
    """Borders halfway between runs of different label."""
    before, after = _integers(runs.high[:-1]), _integers(runs.low[1:])
    rises = runs.labels[:-1] < runs.labels[1:]
    if coarse:
        middle = _odd((before + after) // 2, rises)  # exact, both are even
    else:
        middle = np.where(rises, (before + after) // 2, -((-before - after) // 2))
    return DecisionIntervals(_floats(middle), runs.labels)


def weighted_intervals(runs, weights, coarse):
    """DecisionIntervals of the class whose nearest training code, in units of its weight, is nearest; runs with clearance 8 SAFE_GAP."""
    down, up = _interval_extents(runs, weights)
    # a boundary keeps SAFE_GAP / 2 from every training code, as boundaries halfway do
    starts = np.maximum(runs.low - np.maximum(down, SAFE_GAP / 2), 1.0)
    ends = np.minimum(runs.high + np.maximum(up, SAFE_GAP / 2), 2.0)
    cuts = np.unique(np.concatenate([starts, ends, [1.0, 2.0]]))
    painted = np.full(len(cuts) - 1, runs.labels[0])
    for label in np.argsort(-weights, kind="stable"):
        mine = runs.labels == label
        steps = np.zeros(len(cuts), dtype=np.int64)
        np.add.at(steps, np.searchsorted(cuts, starts[mine]), 1)
        np.add.at(steps, np.searchsorted(cuts, ends[mine]), -1)
        painted[np.cumsum(steps)[:-1] > 0] = label
    boundaries, interval_labels = _merge_equal_labels(cuts[1:-1], painted)
    wide = np.diff(np.concatenate([[1.0], boundaries, [2.0]])) >= SAFE_GAP
    wide[0] = True  # a sliver that no ramp fits into goes to the interval before it
    boundaries, interval_labels = _merge_equal_labels(boundaries[wide[1:]], interval_labels[wide])
    middle = np.rint(np.ldexp(boundaries, _GRID_BITS)).astype(np.int64)
    if coarse:
        middle = _odd(middle, interval_labels[:-1] < interval_labels[1:])
    return DecisionIntervals(_floats(middle), interval_labels)


def _interval_extents(runs, weights):
    """How far each run's interval reaches down and up against all classes at least as heavy; two (R,)."""
    down, up = np.full((2, len(runs.labels)), np.inf)
    present = np.unique(runs.labels)
    for label in present:
        mine = np.flatnonzero(runs.labels == label)
        for other in present[(weights[present] >= weights[label]) & (present != label)]:
            theirs = np.flatnonzero(runs.labels == other)
            at = np.searchsorted(theirs, mine)
            below = np.where(at > 0, runs.low[mine] - runs.high[theirs[np.maximum(at - 1, 0)]], np.inf)
            above = np.where(
                at < len(theirs), runs.low[theirs[np.minimum(at, len(theirs) - 1)]] - runs.high[mine], np.inf
            )
            toward = weights[label] / (weights[label] + weights[other])
            excess = weights[other] - weights[label]
            away = weights[label] / excess if excess > 0 else np.inf
            down[mine] = np.minimum(down[mine], np.minimum(below * toward, above * away))
            up[mine] = np.minimum(up[mine], np.minimum(above * toward, below * away))
    return down, up


def _merge_equal_labels(boundaries, labels):
    change = labels[1:] != labels[:-1]
    return boundaries[change], labels[np.append(True, change)]


def _integers(codes):
    return np.ldexp(codes, _GRID_BITS).astype(np.int64)


def _floats(integers):
    return np.ldexp(integers.astype(np.float64), -_GRID_BITS)


def _odd(middle, rises):
    """The odd neighbour of an even middle: up where the class below has the smaller index, which a tie belongs to."""
    return middle + np.where(middle % 2 == 0, np.where(rises, 1, -1), 0)
