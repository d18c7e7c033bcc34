"""Exact sequence interpolation: many targets a sequence, or one, to a transformer that writes them bit for bit.

The statement. N sequences in R^d carry M targets in R^q, which ride on their first tokens. Wherever equal tokens in equal
normalised multisets carry equal targets, a transformer of at most M + N blocks (one phase) or M + 3 N / 2 + 1 (two phases)
and width at most 4 gives every token its target; on a residual stream of D = max(d, q + 3) coordinates it has at most
(2 D + 2) (3 M + 6 N + 8) parameters, whatever the lengths. (Alcalde, Fantuzzi, Zuazua, arXiv 2502.02270v3: 2 M + 2 N + 1
blocks, 2 M + 3 N with softmax; softmax needs none extra here.)

The construction. (i) A code c that names a token and its multiset (token_code.py): 1 + K blocks with K <= N - 1 bumps, one
attention, and in two phases at most N / 2 + 1 blocks of ranks. (ii) The line of codes is cut into P <= M plateaus of one
target each (plateaus.py). (iii) Selectors, a block a plateau (selectors.py); the attention shares a block with what follows.

Tokens that carry no target lie on the plateau of one that does: the outputs of a training sequence are its targets, as a set.
Unseen tokens take the target of the plateau that their code meets. In two phases that is, of the training sequence with the
nearest A, the nearest token on the line; in one phase an A between those of training sequences shifts the tokens too. Between
plateaus stands a ramp of width 1, at most a quarter of the gap, on which the output is linear from one target to the next. It
memorises; it does not generalise.

Softmax. Only a leader read has scores. At a temperature at which the code errs less than its distance to the next ramp
(temperatures.py) all later layers are flat, and targets are exact.
"""

from dataclasses import replace

import numpy as np
from sklearn.utils import check_random_state

from sklearn_hardmax.constructions.codes.projection import Projection
from sklearn_hardmax.constructions.codes.selection import CodeProblem
from sklearn_hardmax.constructions.common.construction import Construction, ConstructionError
from sklearn_hardmax.constructions.common.temperatures import resolve_temperature, validate_temperature, with_softmax
from sklearn_hardmax.constructions.common.units import distance_to_nearest_ramp
from sklearn_hardmax.constructions.interpolation.in_place import build_in_place
from sklearn_hardmax.constructions.interpolation.plateaus import outputs, step_function_from_codes
from sklearn_hardmax.constructions.interpolation.targets import as_targets, assign_targets
from sklearn_hardmax.constructions.interpolation.token_code import select_token_code
from sklearn_hardmax.constructions.interpolation.token_interpolator import TokenInterpolator
from sklearn_hardmax.encoding import TokenScale
from sklearn_hardmax.forward.ties import EPS
from sklearn_hardmax.sequences import as_sequences
from sklearn_hardmax.sequences.arrays import format_indices
from sklearn_hardmax.sequences.segments import sequence_of_each_token


def build_interpolation(
    sequences, targets, one_target, *, ordered, temperature, rng, n_jobs=None, log=lambda text: None
):
    """TokenInterpolator of targets, RaggedSequences of (m_j, q) or with `one_target` an array (N, q), and their TargetAssignment.

    temperature : 0 for hardmax; for softmax "auto" or a positive number. Raises ConstructionError where equal tokens in equal
    multisets carry different targets, where float64 does not resolve what must be told apart, and for a temperature that is
    too high.
    """
    with_position = bool(ordered) and sequences.n_tokens > len(sequences)
    projection = Projection(TokenScale.fit(sequences.tokens), with_position)
    assignment = assign_targets(sequences, targets, one_target, with_position)
    log(f"found {assignment.n_multisets} multisets and {len(assignment.targets)} targets")
    problem = CodeProblem(sequences, assignment.labels, projection, False, rng, n_jobs)
    token_code = select_token_code(problem, assignment.by_token, one_target)
    log(f"chose the code: {token_code}")
    line = token_code.evaluate(sequences, n_jobs)
    plateaus = step_function_from_codes(line, assignment.by_code)
    built = TokenInterpolator(token_code, plateaus, assignment.targets, one_target)
    log(f"cut the line of codes into {len(plateaus.targets)} plateaus")
    if temperature != 0:
        built = _softened(built, sequences, assignment, line, temperature, n_jobs)
        line = built.token_code.evaluate(sequences, n_jobs)
        log(f"settled the temperature, {built.temperature:.3g}")
    built = replace(built, margin=_margin(built, sequences, assignment, line, n_jobs))
    log(f"certified the targets, margin {built.margin:.3g}")
    return built, assignment


# -- certification -----------------------------------------------------------------------------------------------------------


def _clearances(built, sequences, assignment, line, n_jobs):
    """How far the code A of each sequence may move before one of its targets is lost, (N,); line : the codes c."""
    code = built.token_code
    if code.boundaries is not None:
        return code.rank_clearances(code.code.evaluate(sequences, n_jobs)) - 2 * EPS
    free = distance_to_nearest_ramp(built.plateaus.thresholds, line) - 2 * np.spacing(line)
    if not built.one_target:
        free = np.minimum.reduceat(np.where(assignment.by_token >= 0, free, np.inf), sequences.offsets[:-1])
    return free / code.code_scale


def _softened(built, sequences, assignment, line, wanted, n_jobs):
    """The same with a leader read by softmax at an admissible temperature: codes use half of their clearance at most."""
    code = built.token_code.code
    if code is None:
        return replace(built, temperature=resolve_temperature(wanted, np.inf))
    clearances = _clearances(built, sequences, assignment, line, n_jobs)
    code = with_softmax(code, wanted, sequences, clearances, n_jobs)
    return replace(built, token_code=replace(built.token_code, code=code), temperature=code.temperature)


def _margin(built, sequences, assignment, line, n_jobs):
    """Smallest clearance of a code over what it may error_bound; raises ConstructionError unless all targets are given bit for bit."""
    token_code = built.token_code
    code, carrying = token_code.code, assignment.by_code >= 0
    given = outputs(built.plateaus, built.targets, line)
    wrong = np.flatnonzero(carrying & (given != built.targets[assignment.by_code]).any(axis=1))
    owners = np.arange(len(sequences)) if assignment.one_target else sequence_of_each_token(sequences.lengths)
    if len(wrong):
        raise ConstructionError(f"Sequences {format_indices(np.unique(owners[wrong]))} are not certified.")
    if len(built.plateaus.thresholds) == 0:
        return np.inf
    bounds, margins = 2 * np.spacing(line), []  # a code is rounded twice
    if code is not None:
        error_bound = code.error_bounds(sequences.lengths)
        bounds += (token_code.code_scale * error_bound)[owners]
        if token_code.boundaries is not None:
            margins.append(
                (token_code.rank_clearances(code.evaluate(sequences, n_jobs)) / (2 * EPS + error_bound)).min()
            )
        if not code.temperature:
            margins.append(code.evaluate_training(sequences, n_jobs)[1])
    margins.append((distance_to_nearest_ramp(built.plateaus.thresholds, line) / bounds)[carrying].min())
    if min(margins) < 1:
        raise ConstructionError(f"The targets are not certified: smallest margin {min(margins):.3g}, 1 is needed.")
    return float(min(margins))


def build_interpolator(X, Y, *, ordered=False, attention="hardmax", temperature="auto", registers=True, random_state=0):
    """Weights that give the first tokens of sequences their targets exactly.

    Parameters
    ----------
    X : RaggedSequences or anything that as_sequences reads
    Y : ragged or array
        RaggedSequences, list of 2-D arrays or 3-D array: targets (m_j, q) of the first m_j tokens of sequence j,
        1 <= m_j <= n_j. Array of shape (N, q) or (N,): one target a sequence.
    ordered : bool, default=False
        True joins the relative position to each token, so that any two different tokens can be told apart.
    attention : {"hardmax", "softmax"}, default="hardmax"
    temperature : "auto" or float, default="auto"
        Of the softmax; "auto" is the largest at which the targets are certified. Means nothing with hardmax.
    registers : bool, default=True
        False: the outputs stand in the coordinates of the tokens, the stream is max(d, q) wide where neither bumps nor ranks
        are needed, and targets are met to 8 ulps of the height H (hardmax only).
    random_state : int or RandomState, default=0

    Returns
    -------
    Construction
        The first rows of `decode(apply(transformer, encode(X)))` are Y: bit for bit, or to 8 ulp(H) without registers.

    Raises
    ------
    ConstructionError
        Equal tokens in sequences with equal frequencies of tokens carry different targets, or float64 does not resolve what
        must be told apart; the message names them. A temperature above the largest admissible one.
    ValueError
        Input that is not readable; more targets than tokens.

    Notes
    -----
    Source: Alcalde, Fantuzzi, Zuazua, arXiv 2502.02270v3. At most M + N blocks, or M + 3 N / 2 + 1 where codes are ranked,
    for M targets in all. Cost: a sort of the tokens, a few passes over them, and a block a target.

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
        raise ValueError("registers=False is for attention='hardmax'.")
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
