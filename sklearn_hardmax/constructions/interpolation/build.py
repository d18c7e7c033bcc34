"""Exact interpolation: from sequences and their targets to a transformer that outputs every target bit for bit.

*Theorem.* Let N sequences in R^d carry M targets in R^q, one for each of their first tokens. Wherever equal tokens in equal
normalised multisets (which tokens occur, and how often relative to the length) carry equal targets, a transformer of width at
most 4 gives every token its target. It has at most M + N blocks; or M + 3 N / 2 + 1 where tokens and codes are so near that
codes must be replaced by their ranks. On a residual stream of D = max(d, q + 3) coordinates it has at most
(2 D + 2) (3 M + 6 N + 8) parameters, whatever the lengths. (Alcalde, Fantuzzi, Zuazua, arXiv 2502.02270v3: 2 M + 2 N + 1
blocks, 2 M + 3 N with softmax; softmax needs none extra here.)

*Construction,* in the order of `build_interpolation` below.

1. *Targets* (targets.py, `assign_targets`). Equal targets share an index; contradictions are reported.
2. *Codes* (token_code.py, `select_token_code`). A number c identifies a token and its multiset. For it the network needs
   1 + K blocks, with K <= N - 1 bumps, an attention, and with ranks at most N / 2 + 1 more blocks.
3. *Plateaus* (plateaus.py, `StepFunction.from_codes`). The line of codes is cut into P <= M plateaus of one target each.
4. *Selectors* (selectors.py, `selector_layers`). One block per plateau writes its target; the first shares a block with the
   attention where no ranks lie between them.
5. *Certificate* (`_margin` below). The output for every training token is compared with its target, and every code must be
   farther from the next ramp than rounding can move it.

*Outputs elsewhere.* Training tokens that carry no target lie on the plateau of one that does: the outputs of a training
sequence are its targets, as a set. An unseen token takes the target of the plateau that its code lies on. With ranks that is
the target of the nearest token, by s, of the training sequence with the nearest A; without ranks an A between those of
training sequences shifts the tokens too. Between two plateaus lies a ramp of width 1, at most a quarter of the gap, on which
the output is linear from one target to the next. The network memorises; it does not generalise.

*Softmax.* Only a code A that is a maximum or minimum is pooled with scores. At a temperature at which A errs by less than its
distance to the next ramp (common/temperatures.py) all later layers are flat, and targets are exact.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from sklearn.utils import check_random_state

from sklearn_hardmax._typing import AttentionKind, Auto, RandomStateLike
from sklearn_hardmax.constructions.codes.projection import Projection
from sklearn_hardmax.constructions.codes.selection import CodeProblem
from sklearn_hardmax.constructions.common.construction import Construction, ConstructionError
from sklearn_hardmax.constructions.common.temperatures import resolve_temperature, validate_temperature, with_softmax
from sklearn_hardmax.constructions.common.units import distance_to_nearest_ramp
from sklearn_hardmax.constructions.interpolation.in_place import build_in_place
from sklearn_hardmax.constructions.interpolation.plateaus import StepFunction
from sklearn_hardmax.constructions.interpolation.targets import as_targets, assign_targets
from sklearn_hardmax.constructions.interpolation.token_code import select_token_code
from sklearn_hardmax.constructions.interpolation.token_interpolator import TokenInterpolator
from sklearn_hardmax.forward.ties import EPS
from sklearn_hardmax.sequences import SequencesLike, as_sequences
from sklearn_hardmax.sequences.messages import format_indices
from sklearn_hardmax.sequences.segments import sequence_of_each_token


def build_interpolation(
    sequences, targets, one_target, *, ordered, temperature, rng, n_jobs=None, log=lambda text: None
):
    """Find the TokenInterpolator of some targets; returns it and their TargetAssignment.

    targets : RaggedSequences of (m_j, q), or an array (N, q) if one_target; temperature : 0 for hardmax; for softmax "auto"
    or a positive number. Raises ConstructionError where equal tokens in equal multisets carry different targets, where
    float64 does not resolve two tokens or sequences that must be told apart, and for a temperature that is too high.
    """
    projection = Projection.fit(sequences, ordered)
    assignment = assign_targets(sequences, targets, one_target, projection.with_position)
    log(f"found {assignment.n_multisets} multisets and {len(assignment.targets)} targets")
    problem = CodeProblem(sequences, assignment.labels, projection, False, rng, n_jobs)
    token_code = select_token_code(problem, assignment.by_token, one_target)
    log(f"chose the code: {token_code}")
    codes = token_code.evaluate(sequences, n_jobs)
    plateaus = StepFunction.from_codes(codes, assignment.by_code)
    built = TokenInterpolator(token_code, plateaus, assignment.targets, one_target)
    log(f"cut the line of codes into {len(plateaus.target_indices)} plateaus")
    if temperature != 0:
        built = _softened(built, sequences, assignment, codes, temperature, n_jobs)
        codes = built.token_code.evaluate(sequences, n_jobs)
        log(f"settled the temperature, {built.temperature:.3g}")
    built = replace(built, margin=_margin(built, sequences, assignment, codes, n_jobs))
    log(f"certified the targets, margin {built.margin:.3g}")
    return built, assignment


# -- certification -----------------------------------------------------------------------------------------------------------


def _clearances(built, sequences, assignment, codes, n_jobs):
    """How far the code A of each sequence may move before one of its targets is lost, (N,); `codes` are the codes c."""
    token_code = built.token_code
    if token_code.boundaries is not None:
        # c depends on the rank of A alone; 2 eps for the rounding of A
        return token_code.rank_clearances(token_code.code.evaluate(sequences, n_jobs)) - 2 * EPS
    free = distance_to_nearest_ramp(built.plateaus.thresholds, codes) - 2 * np.spacing(codes)  # c is rounded twice
    if not built.one_target:
        # the smallest among the tokens of a sequence that carry a target
        free = np.minimum.reduceat(np.where(assignment.by_token >= 0, free, np.inf), sequences.offsets[:-1])
    return free / token_code.code_scale


def _softened(built, sequences, assignment, codes, wanted, n_jobs):
    """The same network with softmax leaders, at a temperature at which codes A move by half of their clearance at most.

    wanted : "auto" or a positive number; ConstructionError for one above the largest admissible temperature.
    """
    code = built.token_code.code
    if code is None:
        return replace(built, temperature=resolve_temperature(wanted, np.inf))
    clearances = _clearances(built, sequences, assignment, codes, n_jobs)
    code = with_softmax(code, wanted, sequences, clearances, n_jobs)
    return replace(built, token_code=replace(built.token_code, code=code), temperature=code.temperature)


def _margin(built, sequences, assignment, codes, n_jobs):
    """Certify the targets for training codes c, and return the margin.

    The margin is the smallest ratio of the clearance of a number to the bound on its error. Raises ConstructionError unless
    all targets are output bit for bit and the margin is at least 1.
    """
    # the index of the sequence that each code belongs to
    owners = np.arange(len(sequences)) if assignment.one_target else sequence_of_each_token(sequences.lengths)
    carrying = assignment.by_code >= 0
    _check_outputs(built, assignment, codes, carrying, owners)
    if len(built.plateaus.thresholds) == 0:
        return np.inf
    token_code = built.token_code
    code = token_code.code
    margins = []
    bounds = 2 * np.spacing(codes)  # c is rounded twice
    if code is not None:
        error_bounds = code.error_bounds(sequences.lengths)
        bounds += (token_code.code_scale * error_bounds)[owners]
        values, lead = code.evaluate_training(sequences, n_jobs)
        if token_code.boundaries is not None:
            # A keeps its side of the nearest boundary
            margins.append((token_code.rank_clearances(values) / (2 * EPS + error_bounds)).min())
        if not code.temperature:
            # hardmax leaders keep their lead over the next token
            margins.append(lead)
    # c keeps its plateau, where it carries a target
    margins.append((distance_to_nearest_ramp(built.plateaus.thresholds, codes) / bounds)[carrying].min())
    if min(margins) < 1:
        raise ConstructionError(f"The targets are not certified: smallest margin {min(margins):.3g}, 1 is needed.")
    return float(min(margins))


def _check_outputs(built, assignment, codes, carrying, owners):
    """ConstructionError, naming sequences, unless every code that carries a target has it as its output, bit for bit."""
    outputs = built.plateaus.evaluate(built.targets, codes)
    wrong = np.flatnonzero(carrying & (outputs != built.targets[assignment.by_code]).any(axis=1))
    if len(wrong):
        raise ConstructionError(f"Sequences {format_indices(np.unique(owners[wrong]))} are not certified.")


def build_interpolator(
    X: SequencesLike,
    Y: SequencesLike,
    *,
    ordered: bool = False,
    attention: AttentionKind = "hardmax",
    temperature: float | Auto = "auto",
    registers: bool = True,
    random_state: RandomStateLike = 0,
) -> Construction:
    """Build a transformer that gives the first tokens of sequences, or whole sequences, their targets exactly.

    Parameters
    ----------
    X : RaggedSequences or anything that as_sequences reads
        The training sequences.
    Y : ragged or array
        RaggedSequences, list of 2-D arrays or 3-D array: targets (m_j, q) of the first m_j tokens of sequence j,
        1 <= m_j <= n_j. Array of shape (N, q) or (N,): one target per sequence.
    ordered : bool, default=False
        True joins the relative position to each token, so that any two different tokens can be told apart.
    attention : {"hardmax", "softmax"}, default="hardmax"
        How leaders are chosen: the largest score, or softmax weights.
    temperature : "auto" or float, default="auto"
        Temperature of the softmax; "auto" is the largest at which the targets are certified. Ignored if attention="hardmax".
    registers : bool, default=True
        Whether the residual stream has coordinates of its own for the targets. False: the outputs take the place of the
        tokens, the stream is max(d, q) wide where neither bumps nor ranks are needed, and targets are met to 8 ulps of the
        height H by which tokens are moved (hardmax only).
    random_state : int or RandomState, default=0
        Draws the directions that are tried.

    Returns
    -------
    Construction
        The first rows of `decode(apply(transformer, encode(X)))` are Y: bit for bit, or to 8 ulp(H) without registers.

    Raises
    ------
    ConstructionError
        Equal tokens in sequences with equal frequencies of tokens carry different targets, or float64 does not resolve two
        tokens or sequences that must be told apart; the message names them. A temperature above the largest admissible one.
    ValueError
        Input that is not readable; more targets than tokens; registers=False with attention="softmax".

    Notes
    -----
    Source: Alcalde, Fantuzzi, Zuazua, arXiv 2502.02270v3. At most M + N blocks, or M + 3 N / 2 + 1 where codes are ranked,
    for M targets in all. Cost: a sort of the tokens, a few passes over them, and one block per target.

    Examples
    --------
    >>> from sklearn_hardmax.constructions import build_interpolator
    >>> from sklearn_hardmax.forward import apply
    >>> X = [[[0., 1.], [2., 0.]], [[1., 1.]], [[0., 1.], [1., 1.], [2., 2.]]]
    >>> built = build_interpolator(X, [[[5.]], [[-1.]], [[0.1], [0.2]]])
    >>> outputs = built.decode(apply(built.transformer, built.encode(X)))
    >>> outputs[0][:1], outputs[1][:1], outputs[2][:2]
    (array([[5.]]), array([[-1.]]), array([[0.1],
           [0.2]]))
    """
    sequences = as_sequences(X)
    targets, one_target = as_targets(Y, sequences)
    temperature = validate_temperature(attention, temperature)
    if temperature != 0 and not registers:
        raise ValueError("registers=False is for attention='hardmax' only.")
    built, assignment = build_interpolation(
        sequences,
        targets,
        one_target,
        ordered=ordered,
        temperature=temperature,
        rng=check_random_state(random_state),
    )
    if registers:
        return Construction(built.transformer(), built.encode, built.decode, built.margin)
    in_place = build_in_place(built.token_code, sequences, assignment)
    return Construction(in_place.transformer(), in_place.encode, in_place.decode, min(built.margin, in_place.margin))
