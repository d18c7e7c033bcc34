"""Step functions on a line: one target per plateau, with short ramps between the plateaus.

The numbers on the line are the codes of tokens or sequences. Some codes carry a target, given by its index; the others carry
none and may get any. Between two neighbouring carriers of different targets the line is cut once, in the widest gap that the
codes there leave:

    codes             x     x     o           o   x             x        x carries a target, o carries none
    their targets     3     3                     5             3
    widest gaps                   |-----------|   |-------------|
    step function     ---- target 3 ----/--- target 5 ---/ target 3 --       / is a ramp of width 1

So every code lies on the plateau of a carrier, and the gaps around ramps are as wide as can be. A ramp lies in the middle of
its gap; its *threshold* is the point where it begins.
"""

from typing import NamedTuple

import numpy as np

from sklearn_hardmax.sequences.segments import changes


class StepFunction(NamedTuple):
    """A function of one number that is constant on P plateaus and linear on the ramps of width 1 between them.

    Attributes
    ----------
    thresholds : ndarray of shape (P - 1,)
        Where the ramps begin, ascending, on the grid of the codes.
    target_indices : ndarray of shape (P,), int
        Index of the target of each plateau, in ascending order of the plateaus.
    """

    thresholds: np.ndarray
    target_indices: np.ndarray

    @classmethod
    def from_codes(cls, codes, target_indices):
        """The step function that gives codes (n,) their targets; target_indices (n,) ints, -1 for none.

        All codes lie in one binade, and the gaps that are cut are at least 4 wide.
        """
        order = np.argsort(codes, kind="stable")
        codes = codes[order]
        target_indices = target_indices[order]
        cuts = widest_gaps(np.diff(codes), target_indices)
        low = codes[cuts]
        high = codes[cuts + 1]
        if len(cuts) and (high - low).min() < 4:
            raise AssertionError("Plateaus are nearer than 4 units to each other; this is a fault of the code.")
        # low + (high - low - 1) / 2: the codes lie on a grid of 1/2 or finer, and so does this
        thresholds = (low + (high - low) / 2) - 0.5
        carried = target_indices[target_indices >= 0]
        ends_plateau = changes(carried)
        return cls(thresholds, carried[np.append(ends_plateau, len(carried) - 1)])

    def evaluate(self, targets, codes):
        """Outputs (n, q) of the network at codes (n,), for targets (n_targets, q).

        On a plateau its target bit for bit; on a ramp at height t the sum t upper + (1 - t) lower, rounded as the layers do.
        """
        n_begun = np.searchsorted(self.thresholds, codes, side="left")  # ramps with a threshold below the code
        plateau_targets = targets[self.target_indices]
        out = plateau_targets[n_begun]
        if len(self.thresholds):
            # height of the last ramp that has begun, 1 or more behind it; the first plateau has no ramp before it
            last_threshold = self.thresholds[np.maximum(n_begun - 1, 0)]
            heights = np.where(n_begun > 0, codes - last_threshold, 1.0)
            on_ramp = np.flatnonzero(heights < 1)
            t = heights[on_ramp, None]
            upper = plateau_targets[n_begun[on_ramp]]
            lower = plateau_targets[n_begun[on_ramp] - 1]
            # the layers add to a register that holds 0, the upper target first
            out[on_ramp] = (0.0 + upper * t) + lower * (1.0 - t)
        return out


def widest_gaps(gaps, target_indices):
    """Indices k of the gaps in which a sorted line of n codes is cut, ascending; gap k lies between codes k and k + 1.

    gaps : (n - 1,); target_indices : (n,) ints, -1 where a code carries none.
    """
    carriers = np.flatnonzero(target_indices >= 0)
    change = changes(target_indices[carriers])
    spans = zip(carriers[change].tolist(), carriers[change + 1].tolist())
    return np.array([a + int(gaps[a:b].argmax()) for a, b in spans], dtype=np.int64)
