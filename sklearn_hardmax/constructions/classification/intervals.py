"""Cut a line, on which every sequence is one number (its code), into intervals that belong to one class each.

Every sequence has a code, one number in [1, 2]. Sorted by code, the training sequences form *label runs*: stretches of
neighbouring codes with one label. A boundary is placed between runs of different label, and the boundaries cut the line into
decision intervals:

    training codes of class    a a a       b b      a            c c c c
    label runs                [-----]     [---]    [-]          [-------]
    boundaries          1 |...........|..........|.........|................| 2
    decision intervals          a          b         a             c

*Equal class weights.* A boundary lies halfway between two runs, so that every code belongs to the nearest run.

*Class weights w.* Every code belongs to the class c with the smallest (distance to its nearest training code) / w_c. That is
the multiplicatively weighted Voronoi diagram of the training codes; on a line it is made of intervals. Take a run of weight w
and a run of weight w' >= w at distance D. A code at distance t from the first run is won by it

    towards the second run     while t / w < (D - t) / w',   that is for t < D w / (w + w'),
    away from the second run   while t / w < (D + t) / w',   that is for t < D w / (w' - w); for every t where w' = w.

So classes at least as heavy bound the interval of a run, on both sides if they are heavier. The interval of every run is
computed against these classes alone; then all intervals are painted on the line, the heaviest class first, so that lighter
classes are painted over the heavier ones that they were computed against.

Boundaries are rounded to the grid of the codes, the multiples of 2^-52, in integer arithmetic, so that the network decides
as the distances do.
"""

from typing import NamedTuple

import numpy as np

_GRID_BITS = 52


class LabelRuns(NamedTuple):
    """Training codes as runs of one label, in ascending order.

    Attributes
    ----------
    low : ndarray of shape (R,)
        Smallest code of each run.
    high : ndarray of shape (R,)
        Largest code of each run.
    labels : ndarray of shape (R,), int
        Class index of each run.
    """

    low: np.ndarray
    high: np.ndarray
    labels: np.ndarray

    @classmethod
    def from_codes(cls, codes, labels, clearance=None):
        """Runs of codes (N,) with class indices `labels` (N,); equal codes must have equal labels.

        With `clearance`, neighbouring codes of one label at least that far apart belong to different runs.
        """
        order = np.argsort(codes)
        codes = codes[order]
        labels = labels[order]
        ends_run = labels[1:] != labels[:-1]
        if clearance is not None:
            ends_run |= codes[1:] - codes[:-1] >= clearance
        cuts = np.flatnonzero(ends_run)
        first = np.append(0, cuts + 1)
        last = np.append(cuts, len(codes) - 1)
        return cls(codes[first], codes[last], labels[first])


class DecisionIntervals(NamedTuple):
    """The line of codes, cut into S intervals of one class each.

    Attributes
    ----------
    boundaries : ndarray of shape (S - 1,)
        Ascending; interval k ends and interval k + 1 begins at boundary k.
    labels : ndarray of shape (S,), int
        Class index of each interval.
    """

    boundaries: np.ndarray
    labels: np.ndarray


def adjacent_codes(runs, boundaries):
    """Largest training code below each boundary and smallest above it, two (S - 1,); the ends of the line where none is."""
    above = np.searchsorted(runs.low, boundaries)
    return np.append(1.0, runs.high)[above], np.append(runs.low, 2.0)[above]


def midpoint_intervals(runs, coarse):
    """DecisionIntervals with boundaries halfway between runs; `coarse`: codes are rounded to even grid points."""
    below = _integers(runs.high[:-1])
    above = _integers(runs.low[1:])
    smaller_index_below = runs.labels[:-1] < runs.labels[1:]
    if coarse:
        middle = (below + above) // 2  # exact: both are even
        middle = _odd_neighbour(middle, smaller_index_below)
    else:
        # An odd sum has its midpoint between two grid points. A code on the boundary belongs to the class with the smaller
        # index, so rounding towards that class leaves both grid points with the nearer run.
        rounded_down = (below + above) // 2
        rounded_up = -((-below - above) // 2)
        middle = np.where(smaller_index_below, rounded_down, rounded_up)
    return DecisionIntervals(_floats(middle), runs.labels)


def weighted_intervals(runs, weights, gap, coarse):
    """DecisionIntervals of the classes whose nearest training code, in units of the weight of the class, is nearest.

    `gap` is at most the distance of any two codes of different label; intervals and ramps get that much room.

    Every code between the ends of a run goes to the class of the run, although a heavier class could win codes in a wide gap
    inside it. So the runs must be made with a clearance: then neighbouring codes of one run are nearer than that.
    """
    down, up = _interval_extents(runs, weights)
    # Halfway between two codes of different label a boundary is at least gap / 2 away from both, which is enough room for a
    # ramp of the network. A weighted boundary may lie nearer to the lighter run: it is moved out to the same gap / 2.
    starts = np.maximum(runs.low - np.maximum(down, gap / 2), 1.0)
    ends = np.minimum(runs.high + np.maximum(up, gap / 2), 2.0)
    boundaries, labels = _paint(starts, ends, runs.labels, weights)
    boundaries, labels = _without_slivers(boundaries, labels, gap)
    middle = np.rint(np.ldexp(boundaries, _GRID_BITS)).astype(np.int64)
    if coarse:
        middle = _odd_neighbour(middle, labels[:-1] < labels[1:])
    return DecisionIntervals(_floats(middle), labels)


def _interval_extents(runs, weights):
    """Distances from each run to the ends of its interval below and above it; two (R,), inf where nothing bounds it.

    Only classes at least as heavy as that of the run are taken into account. Cost: R log R for every distinct weight.
    """
    down, up = np.full((2, len(runs.labels)), np.inf)
    of_runs = weights[runs.labels]
    for weight in np.unique(of_runs):
        own = np.flatnonzero(of_runs <= weight)
        gap_below, gap_above = _gaps_to_weight(runs, own, np.flatnonzero(of_runs == weight))
        # the two bounds at the head of this module, as multiples of the distance D
        toward = of_runs[own] / (of_runs[own] + weight)
        excess = weight - of_runs[own]
        away = np.divide(of_runs[own], excess, out=np.full(len(own), np.inf), where=excess > 0)
        # The interval ends below the run where the neighbour below wins (towards it) or the one above (away from it). From
        # below, the neighbour above is farther by the extent of the run.
        extent = runs.high[own] - runs.low[own]
        down[own] = np.minimum(down[own], np.minimum(gap_below * toward, (gap_above + extent) * away))
        up[own] = np.minimum(up[own], np.minimum(gap_above * toward, (gap_below + extent) * away))
    return down, up


def _gaps_to_weight(runs, own, others):
    """Distances from the runs with indices `own` (n,) to the nearest of `others` (m,), all of one weight, below and above.

    Two (n,), inf where none is; indices ascend. Where the nearest run has the label of its neighbour too, both are bounded
    half way, and their intervals join.
    """
    n_below = np.searchsorted(others, own)  # runs are in ascending order, so indices are ordered like codes
    n_through = np.searchsorted(others, own, side="right")
    nearest_below = others[np.maximum(n_below - 1, 0)]
    nearest_above = others[np.minimum(n_through, len(others) - 1)]
    gap_below = np.where(n_below > 0, runs.low[own] - runs.high[nearest_below], np.inf)
    gap_above = np.where(n_through < len(others), runs.low[nearest_above] - runs.high[own], np.inf)
    return gap_below, gap_above


def _paint(starts, ends, labels, weights):
    """Boundaries and labels of the line from 1 to 2 after all intervals were painted on it, the heaviest class first."""
    # between two neighbouring cuts the line has one label
    cuts = np.unique(np.concatenate([starts, ends, [1.0, 2.0]]))
    order = np.argsort(-weights, kind="stable")
    turns = np.empty(len(order), dtype=np.int64)  # of each class: which one it is to be painted
    turns[order] = np.arange(len(order))
    last_turn = _largest_over(np.searchsorted(cuts, starts), np.searchsorted(cuts, ends), turns[labels], len(cuts) - 1)
    painted = np.where(last_turn < 0, labels[0], order[last_turn])
    return _merge_equal_labels(cuts[1:-1], painted)


def _largest_over(starts, ends, values, n):
    """Largest value of the ranges starts to ends (exclusive) that hold each of n places, (n,); -1 where none does.

    A range is two ranges of one length 2^k, which may overlap. From the longest lengths to 1, each range of length 2^k hands
    its value to its two halves. Cost: n log n.
    """
    levels = np.log2(ends - starts).astype(np.int64)
    largest = np.full(n, -1)  # of the ranges of length 2^level that begin at each place
    for level in range(int(levels.max(initial=0)), -1, -1):
        of_level = levels == level
        for first in (starts[of_level], ends[of_level] - 2**level):
            np.maximum.at(largest, first, values[of_level])
        if level > 0:
            half = 2 ** (level - 1)
            largest[half:] = np.maximum(largest[half:], largest[:-half].copy())
    return largest


def _without_slivers(boundaries, labels, gap):
    """The intervals without those narrower than `gap`, which have no room for a ramp: they join the interval before."""
    wide = np.diff(np.concatenate([[1.0], boundaries, [2.0]])) >= gap
    wide[0] = True  # there is no interval before the first
    return _merge_equal_labels(boundaries[wide[1:]], labels[wide])


def _merge_equal_labels(boundaries, labels):
    change = labels[1:] != labels[:-1]
    return boundaries[change], labels[np.append(True, change)]


def _integers(codes):
    """Codes as multiples of 2^-52, int64."""
    return np.ldexp(codes, _GRID_BITS).astype(np.int64)


def _floats(integers):
    return np.ldexp(integers.astype(np.float64), -_GRID_BITS)


def _odd_neighbour(middle, smaller_index_below):
    """Boundaries on odd grid points, which no code meets: an even one moves away from the class with the smaller index.

    So a code at the even point itself goes to the class with the smaller index.
    """
    return middle + np.where(middle % 2 == 0, np.where(smaller_index_below, 1, -1), 0)
