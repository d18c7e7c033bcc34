"""Choose how the tokens of a sequence are pooled into one number, so that it differs wherever labels differ.

`select_code` works on a `CodeProblem`, the labelled training sequences. It tries the three ways to pool the projected tokens
of a sequence into its code, one number (sequence_code.py), in the order of their cost:

    1. leader attention (maximum, minimum) along a few random directions
    2. the mean along many random directions
    3. bumps on single tokens (bump_placement.py), whose frequencies tell any two multisets apart

The cost is linear in the tokens, but for sorts: the number of directions, of rounds and of draws is bounded, whatever the
tokens are.

A *conflict* is a group of sequences with different labels that no code tells apart. It is settled by giving the whole group
its majority label; the caller decides whether that is an error. Different multisets are in conflict only where tokens
are near each other: a bump at a token that is g away from the next one along the line is at most about 2^51 g high, and sums
of small integers coincide (coefficients.py). For G multisets that can begin where 2^51 g is less than G^2.
"""

from dataclasses import dataclass
from functools import cached_property, partial
from typing import NamedTuple

import numpy as np

from sklearn_hardmax.constructions.codes.bump_placement import bump_limits, place_bumps, smallest_gap, token_line
from sklearn_hardmax.constructions.codes.coefficients import draw_coefficients, separating_tokens
from sklearn_hardmax.constructions.codes.multisets import (
    distinct_tokens,
    group_equal_multisets,
    has_several_labels,
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
from sklearn_hardmax.sequences.segments import changes

_LEADER_DIRECTIONS = 4  # per round of leader attention: the largest and the smallest value of each
_LEADER_ROUNDS = 8  # rounds while leaders of different labels differ, but by less than SAFE_GAP
_MEAN_DIRECTIONS = 2000  # at most
_MEAN_WORK = 4 * 10**6  # at most this many sequence means are sorted in all
_MEAN_TERMS = 2**28  # at most this many terms of projections are added in all
_CALL_TERMS = 1000  # terms that are added in the time that calling NumPy takes
_MEAN_TRIALS = 8  # of the best directions, how many have their codes computed
_MOST_BITS = 40  # of the heights of bumps
_BUMP_TRIALS = 8  # draws of heights, until one leaves codes of different labels SAFE_GAP apart


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

    @cached_property
    def tokens(self):
        """The DistinctTokens, with their positions where these count."""
        return distinct_tokens(self.sequences, self.projection.with_position, self.n_jobs)

    def distinct_values(self, direction):
        """Projected value s in [1, 2] of every distinct token, (T,)."""
        projection = self.projection
        chunks = projection.encoded_tokens(self.sequences, self.tokens.first)
        return np.concatenate([clipped_ramp(project(direction, columns)) for columns in chunks])

    def settle_equal_multisets(self):
        """Find and settle the conflicts among sequences of equal multisets, exact on raw tokens; list of Conflict."""
        multisets = multisets_from_tokens(self.tokens.ids, self.sequences.offsets)
        groups = _groups_with_several_labels(group_equal_multisets(multisets)[0], self.labels)
        if not groups:
            return []
        are_equal = _have_one_order(self.sequences, self.tokens.ids, groups)
        conflicts = [Conflict(group, "equal" if equal else "order") for group, equal in zip(groups, are_equal)]
        self.settle(conflicts)
        return conflicts

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
    leaders = _LeaderCodes(problem, problem.directions(_LEADER_DIRECTIONS))
    found = leaders.best()
    if found is not None:
        return found, []
    conflicts = problem.settle_equal_multisets()
    if (problem.labels == problem.labels[0]).all():
        return None, conflicts
    if conflicts:
        found = leaders.best()
    # Leaders that differ, but by too little, may differ by more along other directions.
    if leaders.differ and problem.projection.n_coordinates > 1:
        for _ in range(_LEADER_ROUNDS - 1):
            found = found or _LeaderCodes(problem, problem.directions(_LEADER_DIRECTIONS)).best()
    found = found or _mean_code(problem)
    if found is not None:
        return found, conflicts
    found, close = bump_code(problem, leaders.directions)
    return found, conflicts + close


class _LeaderCodes:
    """The codes by leader attention along some directions: of each the largest and the smallest projection.

    The directions are scored by a fast product first. The choice does not depend on its rounding errors: a direction is
    scored again by exact sums if one of its gaps is within the error bound of SAFE_GAP. If a gap is larger, the order of the
    codes is certain, hence the number of runs; if it is smaller, the code is not safe either way.
    """

    def __init__(self, problem, directions):
        self.problem = problem
        self.directions = directions
        self.values = self._values(directions, exact=False)
        # Each of two codes may err by the noise, and is rounded once more, to 2^-51; exact codes do not err.
        self._noise = 2 * problem.projection.product_noise(directions) + 2.0**-50
        self.differ = False  # after `best`: whether along some direction all leaders of different labels differ

    def _values(self, directions, exact):
        """Codes of all sequences, (n_sequences, 2, k): by the largest and by the smallest projection."""
        values = clipped_ramp(self.problem.extremes(directions, exact=exact))
        return even_grid(values) if self.problem.coarse else values

    def _scores(self, k):
        """Label runs and smallest gap along direction k: of the largest and of the smallest projections."""
        return [label_runs(np.ascontiguousarray(self.values[:, side, k]), self.problem.labels) for side in (0, 1)]

    def best(self):
        """The safe code with the fewest label runs, a CandidateCode; None if none is safe."""
        scores = [self._scores(k) for k in range(len(self.directions))]
        # "not >": where the noise is infinite, scores mean nothing, and the direction must be scored again
        unsure = np.flatnonzero(
            [any(not abs(gap - SAFE_GAP) > bound for _, gap in pair) for pair, bound in zip(scores, self._noise)]
        )
        if len(unsure):
            self.values[:, :, unsure] = self._values(self.directions[unsure], exact=True)
            self._noise[unsure] = -1.0
            for k in unsure:
                scores[k] = self._scores(k)
        self.differ = any(gap > 0 for pair in scores for _, gap in pair)
        safe = [
            (runs, k, side) for k, pair in enumerate(scores) for side, (runs, gap) in enumerate(pair) if gap >= SAFE_GAP
        ]
        if not safe:
            return None
        _, k, side = min(safe)
        return self.problem.candidate(self.directions[k], ("max", "min")[side])


def _mean_code(problem):
    """The safe code by means with the fewest label runs among the first few, a CandidateCode; None if none is safe."""
    n = len(problem.sequences)
    longest = int(problem.sequences.lengths.max())
    needed = max(SAFE_GAP, 16 * EPS * longest)
    # The mean of projections is the projection of the mean token (up to rounding), as no training token is clipped: so one
    # pass over the tokens serves all directions. s = p + 3/2 there.
    means = in_batches(problem.projection.mean_tokens, problem.sequences, problem.n_jobs)
    means = np.ascontiguousarray(means.T)
    terms = problem.projection.n_coordinates * max(n, _CALL_TERMS)  # of one direction
    n_directions = min(_MEAN_DIRECTIONS, _MEAN_WORK // n, _MEAN_TERMS // terms)
    directions = problem.directions(max(_LEADER_DIRECTIONS, n_directions))
    if _some_means_coincide(project(directions[0], means), means, problem.labels, needed):
        return None
    # sums in a fixed order here too: the choice of the direction must not depend on the rounding of a matrix product
    scores = [label_runs(1.5 + project(direction, means), problem.labels) for direction in directions]
    order = sorted(range(len(directions)), key=lambda k: (scores[k][1] < needed, scores[k][0], k))
    for k in order[:_MEAN_TRIALS]:
        candidate = problem.candidate(directions[k], "mean")
        if label_runs(candidate.values, problem.labels)[1] >= needed:
            return candidate
    return None


def _some_means_coincide(line, means, labels, needed):
    """Whether two neighbours on the line (N,) with different labels have mean tokens (columns) that no direction separates.

    Directions have moduli that add up to less than 1/2. So no projections of two mean tokens are `needed` apart if none of
    their coordinates are 2 * needed apart.
    """
    order = np.argsort(line, kind="stable")
    below, above = order[:-1], order[1:]
    differ = labels[below] != labels[above]
    below, above = below[differ], above[differ]
    return bool((np.abs(means[:, above] - means[:, below]) < 2 * needed).all(axis=0).any())


# -- conflicts -----------------------------------------------------------------------------------------------------------


def _groups_with_several_labels(groups, labels):
    """Index arrays, ascending, of the groups (N,) whose members carry different labels."""
    members = np.flatnonzero(has_several_labels(groups, labels))
    members = members[np.argsort(groups[members], kind="stable")]
    return np.split(members, changes(groups[members]) + 1) if len(members) else []


def _have_one_order(sequences, ids, groups):
    """Whether each group (list of index arrays) consists of sequences with equal token numbers `ids` in equal order, bool."""
    lengths = sequences.lengths
    members = np.concatenate(groups)
    firsts = np.repeat([group[0] for group in groups], [len(group) for group in groups])
    is_equal = lengths[members] == lengths[firsts]
    one, other = members[is_equal], firsts[is_equal]
    starts = np.append(0, np.cumsum(lengths[one]))
    step = np.arange(starts[-1]) - np.repeat(starts[:-1], lengths[one])
    same = ids[np.repeat(sequences.offsets[one], lengths[one]) + step]
    same = same == ids[np.repeat(sequences.offsets[other], lengths[one]) + step]
    is_equal[is_equal] = np.logical_and.reduceat(same, starts[:-1])
    return np.logical_and.reduceat(is_equal, np.cumsum([0, *map(len, groups[:-1])]))


def _conflicts_of_close_codes(values, labels):
    """Conflicts among sequences whose sorted codes follow each other by less than SAFE_GAP."""
    order = np.argsort(values, kind="stable")
    groups = np.empty(len(values), dtype=np.int64)
    groups[order] = np.append(0, np.cumsum(np.diff(values[order]) >= SAFE_GAP))
    return [Conflict(group, "close") for group in _groups_with_several_labels(groups, labels)]


# -- bumps ---------------------------------------------------------------------------------------------------------------


def bump_code(problem, directions):
    """The code by bumps, along the direction that merges the fewest distinct tokens and then separates them the most.

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

    Notes
    -----
    Cost: linear in the tokens but for a few sorts, with any number of distinct tokens.
    """
    lines = [token_line(problem.distinct_values(direction)) for direction in directions]
    best = max(range(len(lines)), key=lambda k: (len(lines[k].low), smallest_gap(lines[k]), -k))
    line = lines[best]
    multisets = multisets_from_tokens(line.classes[problem.tokens.ids], problem.sequences.offsets)
    groups, first = group_equal_multisets(multisets)
    # tokens in one class of the line may leave sequences together
    merged = [Conflict(group, "close") for group in _groups_with_several_labels(groups, problem.labels)]
    problem.settle(merged)
    distinct = multisets.selected(first)
    limits = bump_limits(line)
    # So many bits that sums over the tokens of a sequence are exact; at first no more than are likely to be enough: the
    # smaller the heights, the wider the bumps.
    most_bits = min(_MOST_BITS, 52 - int(problem.sequences.lengths.max()).bit_length())
    n_bits = 2 * len(first).bit_length()
    found = None
    for attempt in range(_BUMP_TRIALS):
        tokens = separating_tokens(distinct, problem.labels[first], limits, seed=attempt)
        heights = draw_coefficients(limits[tokens], min(n_bits + 4 * attempt, most_bits), problem.rng)
        candidate = problem.candidate(directions[best], "bumps", place_bumps(line, tokens, heights))
        close = _conflicts_of_close_codes(candidate.values, problem.labels)
        if found is None or len(close) < len(found[1]):
            found = candidate, close
        if not close:
            break
    candidate, close = found
    problem.settle(close)
    return candidate, merged + close
