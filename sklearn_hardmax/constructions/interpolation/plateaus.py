"""A line of numbers that carry targets, cut into plateaus of one target each.

Some numbers carry a target, others carry none. Between two neighbouring carriers of different targets the line is cut in the
widest gap that the numbers there leave; so every number lies on the plateau of a carrier, and the gaps are as wide as can be.
A cut is a ramp of width 1 that stands in the middle of its gap.
"""

from typing import NamedTuple

import numpy as np

from sklearn_hardmax.sequences.segments import changes


class StepFunction(NamedTuple):
    """P plateaus in ascending order.

    thresholds : (P - 1,) where the ramps between them begin, on the grid of the line; targets : (P,) ints.
    """

    thresholds: np.ndarray
    targets: np.ndarray


def widest_gaps(gaps, targets):
    """Indices k of the gaps (n - 1,), between numbers k and k + 1, in which a sorted line is cut; ascending.

    targets : (n,) ints, -1 where a number carries none.
    """
    carriers = np.flatnonzero(targets >= 0)
    change = changes(targets[carriers])
    spans = zip(carriers[change].tolist(), carriers[change + 1].tolist())
    return np.array([a + int(gaps[a:b].argmax()) for a, b in spans], dtype=np.int64)


def step_function_from_codes(line, targets):
    """StepFunction of a line (n,) in one binade, whose gaps at the cuts are at least 4; targets (n,) ints, -1 for none."""
    order = np.argsort(line, kind="stable")
    line, targets = line[order], targets[order]
    cuts = widest_gaps(np.diff(line), targets)
    low, high = line[cuts], line[cuts + 1]
    if len(cuts) and (high - low).min() < 4:
        raise AssertionError("plateaus stand nearer than 4 units: a fault of the code")
    # low + (high - low - 1) / 2 on the grid of 1/2 and finer that all numbers of the binade lie on
    thresholds = (low + (high - low) / 2) - 0.5
    carriers = targets[targets >= 0]
    change = changes(carriers)
    return StepFunction(thresholds, carriers[np.append(change, len(carriers) - 1)])


def outputs(plateaus, targets, line):
    """What the network writes at every number of the line: (n, q), for targets (n_targets, q).

    On a plateau its target bit for bit; on a ramp at height t the sum t upper + (1 - t) lower, rounded as the engine does.
    """
    begun = np.searchsorted(plateaus.thresholds, line, side="left")  # ramps whose threshold is passed
    own = targets[plateaus.targets]
    out = own[begun]
    if len(plateaus.thresholds):
        heights = np.where(begun > 0, line - plateaus.thresholds[np.maximum(begun - 1, 0)], 1.0)
        rising = np.flatnonzero(heights < 1)
        t = heights[rising, None]
        out[rising] = (0.0 + own[begun[rising]] * t) + own[begun[rising] - 1] * (1.0 - t)
    return out
