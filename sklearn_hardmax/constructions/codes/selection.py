"""Which read becomes the code: leaders, else the mean, else bumps; and what no read can tell apart."""

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np

from sklearn_hardmax.constructions.codes.multisets import (
    Multisets,
    distinct_rows,
    group_equal_multisets,
    multisets_from_tokens,
    separating_coefficients,
)
from sklearn_hardmax.constructions.codes.projection import (
    Projection,
    clipped_ramp,
    even_grid,
    normalise_directions,
    project,
)
from sklearn_hardmax.constructions.codes.sequence_code import SAFE_GAP, Bumps, SequenceCode, label_runs
from sklearn_hardmax.constructions.common.batches import in_batches
from sklearn_hardmax.constructions.common.construction import Conflict
from sklearn_hardmax.encoding import relative_positions
from sklearn_hardmax.forward.ties import EPS
from sklearn_hardmax.sequences import RaggedSequences

_LEADER_DIRECTIONS = 4  # a round of leader reads: the largest and the smallest value of each
_LEADER_ROUNDS = 8  # rounds while leaders differ, but are nearer than SAFE_GAP
_MEAN_DIRECTIONS = 2000
_MEAN_WORK = 2 * 10**7  # at most this many sequence means are sorted in all
_MEAN_TRIALS = 8  # scored directions whose codes are computed
_TOKEN_GAP = 2.0**-50  # values of s nearer than this count as one token: a bump needs four steps of the grid
_LARGEST_HEIGHT = 2**30


class CandidateCode(NamedTuple):
    """A code on the training sequences: its values (N,), and the margin of its leaders in ulps (inf without)."""

    code: SequenceCode
    values: np.ndarray
    leader_margin: float


@dataclass
class CodeProblem:
    """Training sequences on their way to a code; `labels` are class indices and change where conflicts are settled."""

    sequences: RaggedSequences
    labels: np.ndarray
    projection: Projection
    coarse: bool
    rng: np.random.RandomState
    n_jobs: int | None

    def directions(self, n):
        """Random directions (n, n_coordinates), normalise_directions; on a line there is only one."""
        width = self.projection.n_coordinates
        return normalise_directions(np.ones((1, 1)) if width == 1 else self.rng.normal(size=(n, width)))

    def extremes(self, directions, *, exact):
        """Of every sequence on every direction, (N, 2, k)."""
        return in_batches(partial(self.projection.extremes, directions, exact), self.sequences, self.n_jobs)

    def candidate(self, direction, kind, bumps=None):
        """The code of this kind along a direction, evaluated on the training sequences."""
        code = SequenceCode(self.projection, direction, kind, self.coarse, bumps)
        return CandidateCode(code, *code.evaluate_training(self.sequences, self.n_jobs))

    def settle(self, conflicts):
        """Give each group its majority label; among equally frequent ones the first class."""
        for conflict in conflicts:
            self.labels[conflict.indices] = np.bincount(self.labels[conflict.indices]).argmax()


def select_code(problem):
    """The CandidateCode for a CodeProblem with at least two labels, and the conflicts that were settled.

    The read is None where settling them leaves one label.
    """
    directions = problem.directions(_LEADER_DIRECTIONS)
    found = _leader_code(problem, directions)
    if found is not None:
        return found, []
    coincident = _coincident(problem.extremes(directions, exact=True), problem.labels)
    conflicts = _equal_sequences(problem, coincident)
    problem.settle(conflicts)
    if (problem.labels == problem.labels[0]).all():
        return None, conflicts
    if conflicts:
        found = _leader_code(problem, directions)
    if len(coincident) == 0 and len(directions) > 1:
        for _ in range(_LEADER_ROUNDS - 1):
            found = found or _leader_code(problem, problem.directions(_LEADER_DIRECTIONS))
    found = found or _mean_code(problem)
    if found is not None:
        return found, conflicts
    found, close = bump_code(problem, directions)
    return found, conflicts + close


def _leader_code(problem, directions):
    """The safe leader CandidateCode with the fewest label runs, or None.

    A product scores the directions first. What is chosen does not depend on its rounding: where a gap lies within its noise
    of SAFE_GAP the direction is scored again in fixed order; beyond it the order of the codes, hence the runs, is certain.
    """
    noise = 2 * problem.projection.product_noise(directions) + 2.0**-50  # codes are rounded once more, to 2^-51
    scores = _leader_scores(problem, directions, exact=False)
    unsure = np.flatnonzero(
        [any(not abs(gap - SAFE_GAP) > bound for _, gap in pair) for pair, bound in zip(scores, noise)]
    )
    if len(unsure):
        for k, pair in zip(unsure, _leader_scores(problem, directions[unsure], exact=True)):
            scores[k] = pair
    safe = [
        (runs, k, side) for k, pair in enumerate(scores) for side, (runs, gap) in enumerate(pair) if gap >= SAFE_GAP
    ]
    if not safe:
        return None
    _, k, side = min(safe)
    return problem.candidate(directions[k], ("max", "min")[side])


def _leader_scores(problem, directions, *, exact):
    """For each direction the label runs and gaps of its largest and of its smallest value."""
    values = clipped_ramp(problem.extremes(directions, exact=exact))
    values = even_grid(values) if problem.coarse else values
    return [[label_runs(values[:, side, k], problem.labels) for side in (0, 1)] for k in range(len(directions))]


def _mean_code(problem):
    """The safe mean CandidateCode with the fewest label runs, or None."""
    n = len(problem.sequences)
    longest = int(problem.sequences.lengths.max())
    needed = max(SAFE_GAP, 16 * EPS * longest)
    means = np.ascontiguousarray(problem.projection.mean_tokens(problem.sequences).T)
    directions = problem.directions(int(np.clip(_MEAN_WORK // n, _LEADER_DIRECTIONS, _MEAN_DIRECTIONS)))
    # elementwise sums here too: which direction wins must not depend on a product's rounding
    scores = [label_runs(1.5 + project(direction, means), problem.labels) for direction in directions]
    order = sorted(range(len(directions)), key=lambda k: (scores[k][1] < needed, scores[k][0], k))
    for k in order[:_MEAN_TRIALS]:
        if scores[k][1] == 0:
            continue
        candidate = problem.candidate(directions[k], "mean")
        if label_runs(candidate.values, problem.labels)[1] >= needed:
            return candidate
    return None


# -- what cannot be told apart -------------------------------------------------------------------------------------------


def _mixed(groups, labels):
    """The groups that carry more than one label."""
    return [group for group in groups if (labels[group] != labels[group[0]]).any()]


def _coincident(extremes, labels):
    """Sequences that agree with one of another label in every leader read; all equal sequences are among them."""
    group = np.zeros(len(extremes), dtype=np.int64)
    for column in extremes.reshape(len(extremes), -1).T:
        _, rank = np.unique(column, return_inverse=True)
        _, group = np.unique(group * (rank.max() + 1) + rank, return_inverse=True)
    first_label = np.empty(group.max() + 1, dtype=labels.dtype)
    first_label[group[::-1]] = labels[::-1]
    mixed = np.zeros(len(first_label), dtype=bool)
    mixed[group[labels != first_label[group]]] = True
    return np.flatnonzero(mixed[group])


def _equal_sequences(problem, candidates):
    """Conflicts among candidates whose multisets are equal in exact arithmetic on the raw tokens."""
    if len(candidates) == 0:
        return []
    some = problem.sequences[candidates]
    rows = np.asarray(some.tokens, dtype=np.float64)
    position = relative_positions(some.offsets)[:, None]
    if problem.projection.with_position:
        rows = np.concatenate([rows, position], axis=1)
    classes = distinct_rows(rows)
    groups = group_equal_multisets(multisets_from_tokens(classes, some.offsets), range(len(some)))
    conflicts = []
    for group in _mixed(groups, problem.labels[candidates]):
        same_order = all(np.array_equal(some[group[0]], some[i]) for i in group[1:])
        conflicts.append(Conflict(candidates[group], "equal" if same_order else "order"))
    return conflicts


# -- bumps ----------------------------------------------------------------------------------------------------------------


class _TokenLine(NamedTuple):
    """Distinct tokens on the line of s: first and last value of each class (T,), and the class of every token."""

    low: np.ndarray
    high: np.ndarray
    classes: np.ndarray


def _token_line(s):
    order = np.argsort(s, kind="stable")
    new = np.concatenate([[True], np.diff(s[order]) >= _TOKEN_GAP])
    classes = np.empty(len(s), dtype=np.int64)
    classes[order] = np.cumsum(new) - 1
    first = np.flatnonzero(new)
    return _TokenLine(s[order][first], s[order][np.append(first[1:], len(s)) - 1], classes)


def bump_code(problem, directions):
    """Bumps along the direction that merges the fewest sequences of different label: (CandidateCode, conflicts)."""
    best = None
    for direction in directions:
        code = SequenceCode(problem.projection, direction, "mean", problem.coarse)
        s = np.concatenate([code.token_values(c) for *_, c in problem.projection.encoded(problem.sequences)])
        line = _token_line(s)
        multisets = multisets_from_tokens(line.classes, problem.sequences.offsets)
        groups = group_equal_multisets(multisets, range(len(problem.sequences)))
        merged = _mixed(groups, problem.labels)
        if best is None or len(merged) < len(best[-1]):
            best = (direction, line, multisets, groups, merged)
        if not merged:
            break
    direction, line, multisets, groups, merged = best
    conflicts = [Conflict(group, "close") for group in merged]
    problem.settle(conflicts)
    bumps, together = _place_bumps(problem, line, multisets, groups)
    problem.settle(together)
    candidate = problem.candidate(direction, "bumps", bumps)
    close = _close_codes(candidate.values, problem.labels)
    problem.settle(close)
    return candidate, conflicts + together + close


def _place_bumps(problem, line, multisets, groups):
    """Bumps on the line whose sums tell the groups of equal multisets apart, and the conflicts among these.

    A bump of height a and width delta is flat within delta of its centre and ends at (1 + a) delta: it covers its token
    class and reaches half way to the next token at most. delta is a power of two of at least 2^-52.
    """
    gaps = np.concatenate([[1.0], line.low[1:] - line.high[:-1], [1.0]])
    free = np.minimum(gaps[:-1], gaps[1:])  # distance to the nearest other token
    grid = 2.0**-52
    half = np.ceil((line.high - line.low) / (2 * grid)) * grid
    narrowest = 2.0 ** np.ceil(np.log2(np.maximum(half, grid)))  # a bump is flat over its token class
    limits = np.minimum(np.floor(free / (2 * narrowest)) - 1, _LARGEST_HEIGHT).astype(np.int64)
    representatives = np.array([group[0] for group in groups])
    chosen, together = separating_coefficients(
        _subset(multisets, representatives),
        problem.labels[representatives],
        np.array([len(group) for group in groups]),
        np.maximum(limits, 0),
    )
    conflicts = [Conflict(np.sort(np.concatenate([groups[j] for j in members])), "close") for members in together]
    tokens, heights = np.array(chosen.tokens, dtype=np.int64), np.array(chosen.heights, dtype=np.float64)
    order = np.argsort(tokens)
    tokens, heights = tokens[order], heights[order]
    centers = line.low[tokens] + np.floor((line.high - line.low)[tokens] / (2 * grid)) * grid
    widths = 2.0 ** np.floor(np.log2(free[tokens] / (2 * (1 + heights))))
    unit = 2.0 ** -(np.ceil(np.log2(heights.max(initial=1.0))) + 1)
    return Bumps(centers, widths, heights, float(unit)), conflicts


def _subset(multisets, indices):
    spans = [np.arange(multisets.starts[j], multisets.starts[j + 1]) for j in indices]
    entries = np.concatenate(spans)
    starts = np.concatenate([[0], np.cumsum([len(span) for span in spans])])
    return Multisets(starts, multisets.tokens[entries], multisets.counts[entries], multisets.totals[indices])


def _close_codes(values, labels):
    """Conflicts among sequences whose codes follow each other more closely than SAFE_GAP."""
    order = np.argsort(values, kind="stable")
    cuts = np.flatnonzero(np.diff(values[order]) >= SAFE_GAP) + 1
    return [Conflict(np.sort(group), "close") for group in _mixed(np.split(order, cuts), labels)]
