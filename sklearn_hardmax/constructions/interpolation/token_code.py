"""One number a token: the code c that names a token and the multiset of its sequence.

    one phase    c = token_scale s + (code_scale A + offset)
    two phases   c = (token_scale s + offset) + 2 token_scale rank(A)

s in [1, 2] is the token on a line, A in [1, 2] the code of its sequence (codes.py), and the rank counts the boundaries below A
that stand between training codes. token_scale, code_scale and the offset are powers of two: token_scale times the smallest distance of two
tokens that must be told apart is at least 8, code_scale times that of two codes at least 2 token_scale + 8, so that sequences with
different codes lie in different blocks of the line, and the offset is more than all the rest. Hence all c lie in the binade
[offset, 2 offset); c is rounded to its grid, which is 1/2 at most, once or twice and always alike, and what is done with c later
on (differences with numbers of that grid) is exact.

One phase needs the product of both distances to be at least 2^-44 or so. Ranks need no more than the distances one by one;
they cost a ramp of the code for each boundary. Codes times 2^52 are integers, hence so steep a ramp is exactly 0 or 1.

Where one target is wanted for a whole sequence, token_scale is 0 and c names the multiset alone.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sklearn_hardmax.constructions.codes.projection import Projection
from sklearn_hardmax.constructions.codes.selection import bump_code
from sklearn_hardmax.constructions.codes.sequence_code import SAFE_GAP, SequenceCode, label_runs
from sklearn_hardmax.constructions.common.batches import in_batches
from sklearn_hardmax.constructions.common.construction import ConstructionError, conflict_message
from sklearn_hardmax.constructions.interpolation.plateaus import widest_gaps
from sklearn_hardmax.sequences.segments import Segments, changes

RANK_SCALE = 2.0**52
_LARGEST_OFFSET = 2.0**51
_LEAST_GAP = 2.0**-50  # of tokens
_ROOM = 8.0  # between plateaus, in units of c
_ROUNDS, _DIRECTIONS = 4, 4
_MAX_ERROR = 1.0  # units that a mean may error_bound under a permutation


@dataclass(frozen=True)
class TokenCode:
    """The code c of every token; with token_scale 0 one of every sequence.

    projection : Projection; direction : (n_coordinates,); code : SequenceCode or None (one multiset, or none need be told apart);
    token_scale, code_scale, offset : powers of two or 0; boundaries : (R - 1,) ascending, what ranks are counted by, None in one phase.
    """

    projection: Projection
    direction: np.ndarray
    code: SequenceCode | None
    token_scale: float
    code_scale: float
    offset: float
    boundaries: np.ndarray | None = None

    def evaluate(self, sequences, n_jobs=None):
        """Codes (n_tokens,), or (N,) with token_scale 0; the same bits for any batch, chunk and n_jobs."""
        return in_batches(self._evaluate, sequences, n_jobs)

    def _evaluate(self, sequences):
        parts = []
        for _, _, segments, columns in self.projection.encoded(sequences):
            s = self._line.token_values(columns)
            A = None if self.code is None else self.code.pool(s, segments)
            parts.append(self._heights(A, segments) if self.token_scale == 0 else self._with_offset(s, A, segments))
        return np.concatenate(parts)

    @property
    def _line(self):
        return self.code or SequenceCode(self.projection, self.direction, "mean", False)

    def _heights(self, A, segments):
        return np.full(len(segments.starts), self.offset) if A is None else self.code_scale * A + self.offset

    def _with_offset(self, s, A, segments):
        c = self.token_scale * s
        if self.boundaries is None:
            return c + segments.per_token(self._heights(A, segments))
        c += self.offset
        return c + segments.per_token(2 * self.token_scale * self.ranks(A))

    def ranks(self, A):
        """How many boundaries stand below each code (N,), float64."""
        return np.searchsorted(self.boundaries, A, side="left").astype(np.float64)

    def rank_clearances(self, A):
        """Distance of every code (N,) to the nearest boundary."""
        k = np.searchsorted(self.boundaries, A)
        return np.minimum(A - np.append(-np.inf, self.boundaries)[k], np.append(self.boundaries, np.inf)[k] - A)

    def __str__(self):
        kind = "no" if self.code is None else self.code.kind
        return f"{kind} read in {'one phase' if self.boundaries is None else 'two phases'}"

    @property
    def n_bumps(self):
        """TokenCoefficients that the code needs."""
        return 0 if self.code is None or self.code.bumps is None else len(self.code.bumps.centers)


def one_phase(token_gap, code_gap, error_bound, one_target):
    """(token_scale, code_scale, offset) for these smallest distances (inf: none), or None where float64 cannot hold them.

    error_bound : how far a code may move under a permutation of the tokens.
    """
    if token_gap < _LEAST_GAP:
        return None
    token_scale = 0.0 if one_target else max(1.0, _power_above(_ROOM / token_gap))
    code_scale = 0.0 if np.isinf(code_gap) else _power_above((2 * token_scale + _ROOM) / code_gap)
    offset = _power_above(2 * token_scale + 2 * code_scale + 2 * _ROOM)
    return (
        (token_scale, code_scale, offset)
        if offset <= _LARGEST_OFFSET and code_scale * error_bound <= _MAX_ERROR
        else None
    )


def two_phases(token_gap, n_runs):
    """(token_scale, 0, offset) where codes are ranked, or None."""
    if token_gap < _LEAST_GAP:
        return None
    token_scale = max(_ROOM, _power_above(_ROOM / token_gap))
    offset = _power_above(2 * token_scale * (n_runs + 1) + 2 * _ROOM)
    return (token_scale, 0.0, offset) if offset <= _LARGEST_OFFSET else None


def _power_above(x):
    return 2.0 ** np.ceil(np.log2(x)) if x > 0 else 0.0


class _Line(NamedTuple):
    """A direction, the value s of every training token on it (n_tokens,), the smallest distance of tokens that must be told
    apart (inf: none), and the indices of these two tokens.
    """

    direction: np.ndarray
    s: np.ndarray
    gap: float
    tokens: tuple


class _Option(NamedTuple):
    """A TokenCode and what it costs: phases, whether it reads a mean, which permutations move by bits, then the offset."""

    cost: tuple
    token_code: TokenCode


def select_token_code(problem, targets, one_target):
    """The TokenCode that tells apart what has different targets: one phase before two, leaders before the mean, small offsets.

    problem : CodeProblem, whose labels say which sequences need different codes; targets : (n_tokens,) ints, the target that
    rides on each token, -1 for none; one_target : whether one code a sequence is wanted.
    Raises ConstructionError where float64 does not resolve the tokens or the sequences.
    """
    lines = []
    for _ in range(1 if problem.projection.n_coordinates == 1 else _ROUNDS):
        drawn = [_line(problem, direction, targets, one_target) for direction in problem.directions(_DIRECTIONS)]
        options = [option for line in drawn for option in _options(problem, line, one_target)]
        if options:
            return min(options, key=lambda option: option.cost).token_code
        lines += drawn
    lines.sort(key=lambda line: -line.gap)
    lines = [line for line in lines if two_phases(line.gap, len(problem.labels))] or _refuse(problem, lines[0])
    read, conflicts = bump_code(problem, np.stack([line.direction for line in lines]))
    if conflicts:
        raise ConstructionError(conflict_message(conflicts) + ".")
    line = next(line for line in lines if np.array_equal(line.direction, read.code.direction))
    # bumps leave codes SAFE_GAP apart and move by no permutation, and there is clearance for two phases on this line
    return _phases(problem, line, read.code, read.values, one_target).token_code


def _line(problem, direction, targets, one_target):
    code = SequenceCode(problem.projection, direction, "mean", False)
    s = np.concatenate([code.token_values(columns) for *_, columns in problem.projection.encoded(problem.sequences)])
    if one_target:
        return _Line(direction, s, np.inf, ())
    labels = np.repeat(problem.labels, problem.sequences.lengths)
    order = np.lexsort((s, labels))
    gaps = np.diff(s[order])
    gaps[changes(labels[order])] = np.inf
    cuts = widest_gaps(gaps, targets[order])
    if len(cuts) == 0:
        return _Line(direction, s, np.inf, ())
    k = cuts[gaps[cuts].argmin()]
    return _Line(direction, s, float(gaps[k]), (int(order[k]), int(order[k + 1])))


def _refuse(problem, line):
    offsets = problem.sequences.offsets
    where = [(int(np.searchsorted(offsets, i, side="right")) - 1, i) for i in line.tokens]
    named = " and ".join(f"token {i - offsets[j]} of sequence {j}" for j, i in where)
    raise ConstructionError(f"Tokens with different targets are closer than float64 resolves: {named}.")


def _options(problem, line, one_target):
    """What the leader reads and the mean along a line offer."""
    if (problem.labels == problem.labels[0]).all():
        scales = one_phase(line.gap, np.inf, 0.0, one_target)
        return [] if scales is None else [_option(problem, line, None, scales)]
    segments, options = Segments.from_offsets(problem.sequences.offsets), []
    for kind in ("max", "min", "mean"):
        code = SequenceCode(problem.projection, line.direction, kind, False)
        options.append(_phases(problem, line, code, code.pool(line.s, segments), one_target))
    return [option for option in options if option is not None]


def _phases(problem, line, code, values, one_target):
    """An option: one phase where it fits, else two; None where neither does."""
    n_runs, gap = label_runs(values, problem.labels)
    error_bound = code.error_bound(problem.sequences.lengths)
    if gap < max(SAFE_GAP, 8 * error_bound):
        return None
    scales, boundaries = one_phase(line.gap, gap, error_bound, one_target), None
    if scales is None and not one_target:
        scales, boundaries = two_phases(line.gap, n_runs), _rank_boundaries(values, problem.labels)
    return None if scales is None else _option(problem, line, code, scales, boundaries)


def _option(problem, line, code, scales, boundaries=None):
    reads_mean = code is not None and not code.uses_leader_attention
    token_code = TokenCode(problem.projection, line.direction, code, *scales, boundaries)
    return _Option((1 if boundaries is None else 2, reads_mean, token_code.offset), token_code)


def _rank_boundaries(values, labels):
    """Halfway between neighbouring codes of different label, on the grid of the codes."""
    order = np.argsort(values, kind="stable")
    values, labels = values[order], labels[order]
    k = changes(labels)
    return values[k] + (values[k + 1] - values[k]) / 2
