"""Token codes: one number c per token, which identifies the token and the multiset of its sequence.

The layers that write targets (selectors.py) depend on c alone. So tokens of different targets need different c, whether they
differ themselves or their sequences do. Two numbers go into c:

    s   the token on a line: a clipped projection, in [1, 2]
    A   the code of the sequence: a number pooled from the s of all its tokens, in [1, 2] (codes/sequence_code.py)

*Without ranks*, which is tried first, c is their weighted sum,

    c = token_scale s + (code_scale A + offset).

With equal A tokens fill a block of the line; blocks of different A do not overlap:

    line of c     |-- tokens, A_1 --|             |-- tokens, A_2 --|             |-- tokens, A_3 --|
                  <- token_scale -->
                  <-- code_scale (A_2 - A_1) --->

    token_scale   stretches a block, until two tokens that must be told apart are at least 8 apart
    code_scale    moves the blocks apart: by at least 2 token_scale + 8 between two codes that must be told apart
    offset        larger than all the rest, so that all c lie in the binade [offset, 2 offset), whose grid is at most 1/2 wide

All three are powers of two, or 0. So c is rounded to the grid of its binade once or twice, always in the same way, and all
that is done with it later (differences with numbers of that grid) is exact.

*With ranks* A itself is replaced by its rank among the training codes,

    c = (token_scale s + offset) + 2 token_scale rank(A),      rank(A) = number of boundaries below A,

with a boundary between any two neighbouring training codes of different label. Blocks then begin 2 token_scale apart, however
near to each other the codes are. Without ranks float64 needs the product of the two smallest distances, of tokens and of
codes, to be at least 2^-44 or so; with ranks it is enough that each is large enough by itself. The price is a ramp of A per
boundary. Codes times 2^52 are integers, hence so steep a ramp, 1 wide on that scale, is exactly 0 or 1.

If there is one target per sequence, token_scale is 0 and c identifies the multiset alone.
"""

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np

from sklearn_hardmax.constructions.codes.projection import Projection, clipped_ramp, project
from sklearn_hardmax.constructions.codes.selection import bump_code
from sklearn_hardmax.constructions.codes.sequence_code import SAFE_GAP, SequenceCode, label_runs
from sklearn_hardmax.constructions.common.batches import in_batches
from sklearn_hardmax.constructions.common.construction import ConstructionError, conflict_message
from sklearn_hardmax.constructions.interpolation.plateaus import widest_gaps
from sklearn_hardmax.sequences.segments import Segments, changes

RANK_SCALE = 2.0**52
_LARGEST_OFFSET = 2.0**51  # above it the grid of c would be coarser than 1/2
_LEAST_TOKEN_GAP = 2.0**-50  # between values s of tokens that must be told apart
_PLATEAU_GAP = 8.0  # between plateaus, in units of c
_MAX_ERROR = 1.0  # by which c may move where the rounding of a mean depends on the order of tokens
_ROUNDS = 4  # of drawing directions, until one of them serves
_DIRECTIONS = 4  # per round


@dataclass(frozen=True)
class TokenCode:
    """The map from every token to its code c; with token_scale 0 from every sequence.

    Attributes
    ----------
    projection : Projection
        How tokens are encoded before the first layer.
    direction : ndarray of shape (n_coordinates,)
        Direction of the projection that gives s.
    code : SequenceCode or None
        The map from a sequence to its code A; None where no two sequences need be told apart.
    token_scale, code_scale, offset : float
        Powers of two or 0, see the head of this module. With ranks code_scale is 0.
    boundaries : ndarray of shape (R - 1,) or None
        With ranks the ascending numbers that A is compared with; None without ranks.
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
            s = _token_values(self.direction, columns)
            A = None if self.code is None else self.code.pool(s, segments)
            if self.token_scale == 0:
                parts.append(self._sequence_part(A, segments))
            else:
                parts.append(self._token_codes(s, A, segments))
        return np.concatenate(parts)

    def _sequence_part(self, A, segments):
        """The summand code_scale A + offset of every sequence, (n_segments,)."""
        return np.full(len(segments.starts), self.offset) if A is None else self.code_scale * A + self.offset

    def _token_codes(self, s, A, segments):
        """c of every token, with the sums in the order in which the layers form them."""
        c = self.token_scale * s
        if self.boundaries is None:
            return c + segments.per_token(self._sequence_part(A, segments))
        c += self.offset
        return c + segments.per_token(2 * self.token_scale * self.ranks(A))

    def ranks(self, A):
        """Number of boundaries below each code A (N,), float64."""
        return np.searchsorted(self.boundaries, A, side="left").astype(np.float64)

    def rank_clearances(self, A):
        """Distance of every code A (N,) to the nearest boundary."""
        k = np.searchsorted(self.boundaries, A)
        return np.minimum(A - np.append(-np.inf, self.boundaries)[k], np.append(self.boundaries, np.inf)[k] - A)

    def __str__(self):
        kind = "no sequence code" if self.code is None else self.code.kind
        return f"{kind}, {'without' if self.boundaries is None else 'with'} ranks"

    @property
    def n_bumps(self):
        """Number of bumps that the code A needs."""
        return 0 if self.code is None else self.code.n_bumps


# -- scales --------------------------------------------------------------------------------------------------------------


def scales_without_ranks(token_gap, code_gap, error_bound, one_target):
    """(token_scale, code_scale, offset) without ranks, or None where float64 has not enough digits.

    token_gap, code_gap : smallest distances of two values s and of two codes A that must be told apart, inf for none;
    error_bound : how far A may move under a permutation of the tokens.
    """
    if token_gap < _LEAST_TOKEN_GAP:
        return None
    token_scale = 0.0 if one_target else max(1.0, _power_above(_PLATEAU_GAP / token_gap))
    # as s lies in [1, 2], a block is token_scale long; 2 token_scale and a gap from block to block are more than enough
    code_scale = 0.0 if np.isinf(code_gap) else _power_above((2 * token_scale + _PLATEAU_GAP) / code_gap)
    # s and A are at most 2
    offset = _power_above(2 * token_scale + 2 * code_scale + 2 * _PLATEAU_GAP)
    if offset > _LARGEST_OFFSET or code_scale * error_bound > _MAX_ERROR:
        return None
    return token_scale, code_scale, offset


def scales_with_ranks(token_gap, n_runs):
    """(token_scale, 0, offset) where codes are replaced by their ranks among n_runs runs of one label, or None."""
    if token_gap < _LEAST_TOKEN_GAP:
        return None
    token_scale = max(_PLATEAU_GAP, _power_above(_PLATEAU_GAP / token_gap))
    offset = _power_above(2 * token_scale * (n_runs + 1) + 2 * _PLATEAU_GAP)
    return (token_scale, 0.0, offset) if offset <= _LARGEST_OFFSET else None


def _power_above(x):
    """The smallest power of two that is not below x; 0 for 0."""
    return 2.0 ** np.ceil(np.log2(x)) if x > 0 else 0.0


# -- selection -----------------------------------------------------------------------------------------------------------


class _TrainingLine(NamedTuple):
    """The training tokens, projected on one direction.

    Attributes
    ----------
    direction : ndarray of shape (n_coordinates,)
    s : ndarray of shape (n_tokens,)
        Value of every training token.
    gap : float
        Smallest distance of two tokens that must be told apart, inf where none must.
    nearest : tuple of int
        Indices of these two tokens, empty where there are none.
    """

    direction: np.ndarray
    s: np.ndarray
    gap: float
    nearest: tuple


class _Option(NamedTuple):
    """A TokenCode and its cost.

    `cost` is compared in this order: whether it needs ranks; whether A is a mean, whose last bits depend on the order of the
    tokens; the offset.
    """

    cost: tuple
    token_code: TokenCode


def select_token_code(problem, target_indices, one_target):
    """The cheapest TokenCode that gives different codes to tokens, or sequences, of different targets.

    Without ranks comes before with ranks, leaders before the mean, a small offset before a large one; bumps are the last
    resort.

    problem : CodeProblem, with labels that differ where sequences need different codes; target_indices : (n_tokens,) ints,
    the target of each token, -1 for none; one_target : whether to make one code per sequence.
    Raises ConstructionError where float64 does not resolve the tokens or the sequences.
    """
    lines = []
    # tokens of one coordinate have only one direction: drawing it again does not help
    for _ in range(1 if problem.projection.n_coordinates == 1 else _ROUNDS):
        drawn = [
            _training_line(problem, direction, target_indices, one_target)
            for direction in problem.directions(_DIRECTIONS)
        ]
        options = [option for line in drawn for option in _options(problem, line, one_target)]
        if options:
            return min(options, key=lambda option: option.cost).token_code
        lines += drawn
    return _with_bumps(problem, lines, one_target)


def _with_bumps(problem, lines, one_target):
    """The TokenCode along the best of these lines whose A is a sum of bumps; ConstructionError where there is none."""
    lines = sorted(lines, key=lambda line: -line.gap)
    resolved = [line for line in lines if scales_with_ranks(line.gap, len(problem.labels))]
    if not resolved:
        _raise_unresolved(problem, lines[0])
    candidate, conflicts = bump_code(problem, np.stack([line.direction for line in resolved]))
    if conflicts:
        raise ConstructionError(conflict_message(conflicts) + ".")
    line = next(line for line in resolved if np.array_equal(line.direction, candidate.code.direction))
    # bumps leave codes SAFE_GAP apart, no permutation moves them, and ranks fit on this line: so there is an option
    return _option_for_code(problem, line, candidate.code, candidate.values, one_target).token_code


def _token_values(direction, columns):
    """s of every token, (n,), from encoded tokens in columns."""
    return clipped_ramp(project(direction, columns))


def _values_on_line(projection, direction, sequences):
    """s of every token, (n_tokens,)."""
    return np.concatenate([_token_values(direction, columns) for *_, columns in projection.encoded(sequences)])


def _training_line(problem, direction, target_indices, one_target):
    """The training tokens on a line, and the two tokens that must be told apart and are nearest to each other."""
    s = in_batches(partial(_values_on_line, problem.projection, direction), problem.sequences, problem.n_jobs)
    if one_target:
        return _TrainingLine(direction, s, np.inf, ())
    # Tokens must be told apart by s only among sequences of one label. So tokens are sorted by label, then by s, gaps between
    # labels count as infinite, and each line of one label is cut as the plateaus will be.
    labels = np.repeat(problem.labels, problem.sequences.lengths)
    order = np.lexsort((s, labels))
    gaps = np.diff(s[order])
    gaps[changes(labels[order])] = np.inf
    cuts = widest_gaps(gaps, target_indices[order])
    if len(cuts) == 0:
        return _TrainingLine(direction, s, np.inf, ())
    k = cuts[gaps[cuts].argmin()]
    return _TrainingLine(direction, s, float(gaps[k]), (int(order[k]), int(order[k + 1])))


def _raise_unresolved(problem, line):
    """ConstructionError that names the two nearest tokens of a line."""
    offsets = problem.sequences.offsets
    named = []
    for i in line.nearest:
        j = int(np.searchsorted(offsets, i, side="right")) - 1
        named.append(f"token {i - offsets[j]} of sequence {j}")
    raise ConstructionError(f"Tokens with different targets are closer than float64 resolves: {' and '.join(named)}.")


def _options(problem, line, one_target):
    """The TokenCodes along a line whose A is the largest s, the smallest s or the mean; a list."""
    if (problem.labels == problem.labels[0]).all():
        # no two sequences need be told apart: there is no A
        scales = scales_without_ranks(line.gap, np.inf, 0.0, one_target)
        return [] if scales is None else [_option(problem, line, None, scales)]
    segments = Segments.from_offsets(problem.sequences.offsets)
    options = []
    for kind in ("max", "min", "mean"):
        code = SequenceCode(problem.projection, line.direction, kind, False)
        options.append(_option_for_code(problem, line, code, code.pool(line.s, segments), one_target))
    return [option for option in options if option is not None]


def _option_for_code(problem, line, code, values, one_target):
    """The option with this SequenceCode, `values` (N,) on the training sequences: without ranks where it fits, else with.

    None where neither fits.
    """
    n_runs, gap = label_runs(values, problem.labels)
    error_bound = code.error_bound(problem.sequences.lengths)
    # too near for a ramp between two codes, or for the rounding error of a mean
    if gap < max(SAFE_GAP, 8 * error_bound):
        return None
    # ranks are for codes of tokens only
    scales = scales_without_ranks(line.gap, gap, error_bound, one_target)
    boundaries = None
    if scales is None and not one_target:
        scales = scales_with_ranks(line.gap, n_runs)
        boundaries = _rank_boundaries(values, problem.labels)
    return None if scales is None else _option(problem, line, code, scales, boundaries)


def _option(problem, line, code, scales, boundaries=None):
    token_code = TokenCode(problem.projection, line.direction, code, *scales, boundaries)
    is_mean = code is not None and not code.uses_leader_attention
    return _Option((boundaries is not None, is_mean, token_code.offset), token_code)


def _rank_boundaries(values, labels):
    """Numbers halfway between neighbouring codes of different label, on the grid of the codes."""
    order = np.argsort(values, kind="stable")
    values = values[order]
    labels = labels[order]
    k = changes(labels)
    return values[k] + (values[k + 1] - values[k]) / 2
