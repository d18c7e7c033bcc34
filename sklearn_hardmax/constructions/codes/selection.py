"""Choose how the tokens of a sequence are pooled into one number, so that it differs wherever labels differ.

`select_code` works on a `CodeProblem`, the labelled training sequences. It tries the three ways to pool the projected tokens
of a sequence into its code, one number (sequence_code.py), in the order of their cost:

    1. leader attention (maximum, minimum) along a few random directions
    2. the mean along many random directions
    3. bumps on single tokens (bump_placement.py), whose frequencies tell any two multisets apart

A *conflict* is a group of sequences with different labels that no code tells apart. It is settled by giving the whole group
its majority label; the caller decides whether that is an error.
"""

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np

from sklearn_hardmax.constructions.codes.bump_placement import place_bumps, token_line
from sklearn_hardmax.constructions.codes.multisets import (
    equal_multisets,
    group_equal_multisets,
    multisets_from_tokens,
)
from sklearn_hardmax.constructions.codes.projection import (
    Projection,
    clipped_ramp,
    even_grid,
    normalise_directions,
    project,
)
from sklearn_hardmax.constructions.codes.sequence_code import SAFE_GAP, SequenceCode, label_runs
from sklearn_hardmax.constructions.common.batches import in_batches
from sklearn_hardmax.constructions.common.construction import Conflict
from sklearn_hardmax.forward.ties import EPS
from sklearn_hardmax.sequences import RaggedSequences

_LEADER_DIRECTIONS = 4  # per round of leader attention: the largest and the smallest value of each
_LEADER_ROUNDS = 8  # rounds while leaders of different labels differ, but by less than SAFE_GAP
_MEAN_DIRECTIONS = 2000  # at most
_MEAN_WORK = 2 * 10**7  # at most this many sequence means are sorted in all
_MEAN_TRIALS = 8  # of the best directions, how many have their codes computed


class CandidateCode(NamedTuple):
    """A code, evaluated on the training sequences.

    Attributes
    ----------
    code : SequenceCode
    values : ndarray of shape (n_sequences,)
        The code of every training sequence.
    leader_margin : float
        Smallest gap, in ulps, between the leader of a sequence and the next value in it; inf for means.
    """

    code: SequenceCode
    values: np.ndarray
    leader_margin: float


@dataclass
class CodeProblem:
    """Labelled training sequences for which a code is wanted.

    Attributes
    ----------
    sequences : RaggedSequences
    labels : ndarray of shape (n_sequences,), int
        Class indices. Changed in place when conflicts are settled.
    projection : Projection
        Encodes the tokens.
    coarse : bool
        Whether codes are rounded to the even grid points of [1, 2).
    rng : RandomState
        Draws the directions.
    n_jobs : int or None
        Parallel jobs over batches of sequences.
    """

    sequences: RaggedSequences
    labels: np.ndarray
    projection: Projection
    coarse: bool
    rng: np.random.RandomState
    n_jobs: int | None

    def directions(self, n):
        """Random directions, scaled by `normalise_directions`, (n, n_coordinates); just one, (1, 1), with one coordinate."""
        width = self.projection.n_coordinates
        return normalise_directions(np.ones((1, 1)) if width == 1 else self.rng.normal(size=(n, width)))

    def extremes(self, directions, *, exact):
        """Largest and smallest projection of every sequence on k directions, (n_sequences, 2, k); see Projection.extremes."""
        return in_batches(partial(self.projection.extremes, directions, exact), self.sequences, self.n_jobs)

    def candidate(self, direction, kind, bumps=None):
        """The CandidateCode of this kind along a direction."""
        code = SequenceCode(self.projection, direction, kind, self.coarse, bumps)
        return CandidateCode(code, *code.evaluate_training(self.sequences, self.n_jobs))

    def settle(self, conflicts):
        """Give all sequences of each conflict the label that most of them carry, of equally frequent labels the smallest."""
        for conflict in conflicts:
            self.labels[conflict.indices] = np.bincount(self.labels[conflict.indices]).argmax()


def select_code(problem):
    """Choose the code of training sequences.

    Parameters
    ----------
    problem : CodeProblem
        With at least two labels. Its labels change if conflicts are settled.

    Returns
    -------
    found : CandidateCode or None
        None if one label is left after the conflicts are settled.
    conflicts : list of Conflict
        The groups that were settled.
    """
    directions = problem.directions(_LEADER_DIRECTIONS)
    found = _leader_code(problem, directions)
    if found is not None:
        return found, []
    # Equal sequences have equal extremes, so that only few need an exact comparison.
    candidates = _conflict_candidates(problem.extremes(directions, exact=True), problem.labels)
    conflicts = _conflicts_of_equal_multisets(problem, candidates)
    problem.settle(conflicts)
    if (problem.labels == problem.labels[0]).all():
        return None, conflicts
    if conflicts:
        found = _leader_code(problem, directions)
    # Without candidates any two sequences of different label differ in some extreme: other directions may widen the gap.
    if len(candidates) == 0 and len(directions) > 1:
        for _ in range(_LEADER_ROUNDS - 1):
            found = found or _leader_code(problem, problem.directions(_LEADER_DIRECTIONS))
    found = found or _mean_code(problem)
    if found is not None:
        return found, conflicts
    found, close = bump_code(problem, directions)
    return found, conflicts + close


def _leader_code(problem, directions):
    """The safe code by leader attention with the fewest label runs, a CandidateCode; None if none is safe.

    The directions are scored by a fast product first. The choice does not depend on its rounding errors: a direction is
    scored again by exact sums if one of its gaps is within the error bound of SAFE_GAP. If a gap is larger, the order of the
    codes is certain, hence the number of runs; if it is smaller, the code is not safe either way.
    """
    # each of two codes may err by the noise, and is rounded once more, to 2^-51
    noise = 2 * problem.projection.product_noise(directions) + 2.0**-50
    scores = _leader_scores(problem, directions, exact=False)
    # "not >": where the noise is infinite, scores mean nothing, and the direction must be scored again
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
    """For each direction two pairs (label runs, gap): of the maxima, and of the minima."""
    values = clipped_ramp(problem.extremes(directions, exact=exact))
    values = even_grid(values) if problem.coarse else values
    return [[label_runs(values[:, side, k], problem.labels) for side in (0, 1)] for k in range(len(directions))]


def _mean_code(problem):
    """The safe code by means with the fewest label runs among the first few, a CandidateCode; None if none is safe."""
    n = len(problem.sequences)
    longest = int(problem.sequences.lengths.max())
    needed = max(SAFE_GAP, 16 * EPS * longest)
    # The mean of projections is the projection of the mean token (up to rounding), as no training token is clipped: so one
    # pass over the tokens serves all directions. s = p + 3/2 there.
    means = np.ascontiguousarray(problem.projection.mean_tokens(problem.sequences).T)
    directions = problem.directions(int(np.clip(_MEAN_WORK // n, _LEADER_DIRECTIONS, _MEAN_DIRECTIONS)))
    # sums in a fixed order here too: the choice of the direction must not depend on the rounding of a matrix product
    scores = [label_runs(1.5 + project(direction, means), problem.labels) for direction in directions]
    order = sorted(range(len(directions)), key=lambda k: (scores[k][1] < needed, scores[k][0], k))
    for k in order[:_MEAN_TRIALS]:
        if scores[k][1] == 0:
            continue
        candidate = problem.candidate(directions[k], "mean")
        if label_runs(candidate.values, problem.labels)[1] >= needed:
            return candidate
    return None


# -- conflicts -----------------------------------------------------------------------------------------------------------


def _groups_with_several_labels(groups, labels):
    """Those of the groups (index arrays) whose members carry different labels."""
    return [group for group in groups if (labels[group] != labels[group[0]]).any()]


def _conflict_candidates(extremes, labels):
    """Sequences that agree with one of another label in all extremes, ascending indices.

    All equal sequences of different labels are among them.
    """
    # number the rows of extremes, column by column: rows have one number if they agree in all columns so far
    group = np.zeros(len(extremes), dtype=np.int64)
    for column in extremes.reshape(len(extremes), -1).T:
        _, rank = np.unique(column, return_inverse=True)
        # (group, rank) as one integer, numbered anew so that it stays below n_sequences
        _, group = np.unique(group * (rank.max() + 1) + rank, return_inverse=True)
    # the label of the first member of each group: written backwards, it is the last to be written
    first_label = np.empty(group.max() + 1, dtype=labels.dtype)
    first_label[group[::-1]] = labels[::-1]
    has_several_labels = np.zeros(len(first_label), dtype=bool)
    has_several_labels[group[labels != first_label[group]]] = True
    return np.flatnonzero(has_several_labels[group])


def _conflicts_of_equal_multisets(problem, candidates):
    """Conflicts among the candidates (indices) whose multisets are equal, in exact arithmetic on the raw tokens."""
    if len(candidates) == 0:
        return []
    sequences = problem.sequences[candidates]
    _, groups = equal_multisets(sequences, problem.projection.with_position)
    conflicts = []
    for group in _groups_with_several_labels(groups, problem.labels[candidates]):
        same_order = all(np.array_equal(sequences[group[0]], sequences[i]) for i in group[1:])
        conflicts.append(Conflict(candidates[group], "equal" if same_order else "order"))
    return conflicts


def _conflicts_of_close_codes(values, labels):
    """Conflicts among sequences whose sorted codes follow each other by less than SAFE_GAP."""
    order = np.argsort(values, kind="stable")
    cuts = np.flatnonzero(np.diff(values[order]) >= SAFE_GAP) + 1
    groups = _groups_with_several_labels(np.split(order, cuts), labels)
    return [Conflict(np.sort(group), "close") for group in groups]


# -- bumps ---------------------------------------------------------------------------------------------------------------


def bump_code(problem, directions):
    """The code by bumps, along the direction that confuses the fewest sequences of different label.

    Parameters
    ----------
    problem : CodeProblem
        Its labels change if conflicts are settled.
    directions : ndarray of shape (k, n_coordinates)

    Returns
    -------
    candidate : CandidateCode
    conflicts : list of Conflict
        Groups that were settled, all of kind "close".
    """
    best = None
    for direction in directions:
        code = SequenceCode(problem.projection, direction, "mean", problem.coarse)
        s = np.concatenate([code.token_values(c) for *_, c in problem.projection.encoded(problem.sequences)])
        line = token_line(s)
        multisets = multisets_from_tokens(line.classes, problem.sequences.offsets)
        groups = group_equal_multisets(multisets, range(len(problem.sequences)))
        confused = _groups_with_several_labels(groups, problem.labels)
        if best is None or len(confused) < len(best[-1]):
            best = (direction, line, multisets, groups, confused)
        if not confused:
            break
    direction, line, multisets, groups, confused = best
    # three steps may leave sequences together: tokens in one class, heights that are limited, and codes that come out close
    conflicts = [Conflict(group, "close") for group in confused]
    problem.settle(conflicts)
    bumps, together = place_bumps(line, multisets, groups, problem.labels)
    problem.settle(together)
    candidate = problem.candidate(direction, "bumps", bumps)
    close = _conflicts_of_close_codes(candidate.values, problem.labels)
    problem.settle(close)
    return candidate, conflicts + together + close
