"""Exact classification: labelled sequences to a transformer that reproduces every label.

The statement. N sequences of any lengths in R^d whose normalised multisets of tokens differ wherever their labels differ are
classified exactly by at most (3 N + 1) / 2 blocks of width at most 4 with at most 16 D N parameters, D the width of the
residual stream, whatever their lengths. (Alcalde, Fantuzzi, Zuazua, arXiv 2502.02270: 4 N + 1 blocks at one output.)

The proof is the construction. (i) The code of codes.py: one block, then one block a bump, at most min(G, T) - 1 <= N - 1
bumps (measures.py), then one attention that writes c = code_scale A to coordinate 0 of every token. (ii) Sort the codes; where the
label changes, a boundary. Class indices are written in binary, a coordinate a digit. At each boundary a ramp of two hidden units
is added to (or taken from) every digit that changes there; two ramps fill a block of width 4, a constant unit adds the
digits of the first run. With R <= N runs the decode takes ceil(R / 2) blocks at most, so that 1 + K + ceil(R / 2) <=
1 + (N - 1) + (N + 1) / 2.

Why it is exact. code_scale is a power of two with 4 <= code_scale gap, gap the smallest distance of neighbouring codes of different
label, so that boundaries stand at least 2 from every training code and ramps are flat there. Codes lie in one binade on its
grid g, boundaries on a grid g / 2 at finest, ramp ends +-1/2 on it too (gap >= 2^-46): the preactivations c - boundary +- 1/2 are
exact, the two units of a ramp differ by exactly 1 above it, and digits are sums of -1, 0 and 1.

Softmax. Only a leader read has scores, query 1 and key s. At a temperature at which every training code errs less than its
distance to the next ramp (temperatures.py) the decode is flat there, and labels are exact.

Unseen codes. All digits that change at a boundary cross 1/2 together, at the boundary. With two classes a digit that is 1/2 reads
0: the tie goes to the class with the smaller index. With more, boundaries stand between the grid points of the codes and no
code meets one. So a search in the boundaries gives the network's label for every code that can occur.
"""

from dataclasses import replace

import numpy as np
from sklearn.utils import check_random_state

from sklearn_hardmax.constructions.classification.code_classifier import CodeClassifier
from sklearn_hardmax.constructions.classification.intervals import (
    DecisionIntervals,
    LabelRuns,
    adjacent_codes,
    label_runs_from_codes,
    midpoint_intervals,
    weighted_intervals,
)
from sklearn_hardmax.constructions.codes.projection import Projection
from sklearn_hardmax.constructions.codes.selection import CodeProblem, select_code
from sklearn_hardmax.constructions.codes.sequence_code import SAFE_GAP
from sklearn_hardmax.constructions.common.construction import (
    Construction,
    ConstructionError,
    conflict_message,
)
from sklearn_hardmax.constructions.common.temperatures import resolve_temperature, validate_temperature, with_softmax
from sklearn_hardmax.constructions.common.units import distance_to_nearest_ramp
from sklearn_hardmax.encoding import TokenScale
from sklearn_hardmax.forward.ties import EPS
from sklearn_hardmax.sequences import as_sequences
from sklearn_hardmax.sequences.arrays import format_indices


def build_classification(
    sequences, labels, weights, *, ordered, rng, temperature=0.0, n_jobs=None, log=lambda text: None
):
    """CodeClassifier and the settled conflicts, for class indices `labels` (N,) and class weights (n_classes,).

    Conflicting groups get their majority label; the caller decides whether that is allowed. temperature : 0 for hardmax; for
    softmax "auto" or a positive number, a ConstructionError above the largest admissible one.
    """
    with_position = bool(ordered) and sequences.n_tokens > len(sequences)
    projection = Projection(TokenScale.fit(sequences.tokens), with_position)
    log("scaled the tokens")
    problem = CodeProblem(sequences, labels.copy(), projection, len(weights) > 2, rng, n_jobs)
    read, conflicts = None, []
    if (labels != labels[0]).any():
        read, conflicts = select_code(problem)
    if read is None or (problem.labels == problem.labels[0]).all():
        log("one label: no code is needed")
        return _one_run(projection, problem.labels[:1], weights, resolve_temperature(temperature, np.inf)), conflicts
    built = _with_intervals(projection, read.code, read.values, problem.labels, weights)
    log(f"chose the code: {read.code.kind} read, {len(built.intervals.labels)} label runs")
    margin = min(read.leader_margin, certified_margin(built, sequences, read.values, problem.labels))
    if temperature != 0:
        built = _softened(built, sequences, read.values, temperature, n_jobs)
        log(f"settled the temperature, {built.temperature:.3g}")
        values = built.codes(sequences, n_jobs)
        margin = certified_margin(built, sequences, values, problem.labels)
    built = replace(built, margin=margin)
    log(f"certified the training labels, margin {built.margin:.3g}")
    return built, conflicts


def _one_run(projection, label, weights, temperature):
    runs = LabelRuns(np.ones(1), np.full(1, 2.0), label)
    return CodeClassifier(
        projection, None, runs, DecisionIntervals(np.zeros(0), label), 1.0, weights, temperature=temperature
    )


def _softened(built, sequences, values, wanted, n_jobs):
    """The same classifier with softmax leaders."""
    clearances = _distance_to_nearest_ramp(built, values) / built.code_scale - 2 * EPS  # a coarse code is rounded twice
    code = with_softmax(built.code, wanted, sequences, clearances, n_jobs)
    return replace(built, code=code, temperature=code.temperature)


def _distance_to_nearest_ramp(built, values):
    """Distance of codes (N,) to the nearest end of a ramp, in units of code_scale."""
    return distance_to_nearest_ramp(built.code_scale * built.intervals.boundaries - 0.5, built.code_scale * values)


def _with_intervals(projection, code, values, labels, weights):
    """LabelRuns and intervals of the training codes, and the power of two that spreads them."""
    if (weights == weights[0]).all():
        runs = label_runs_from_codes(values, labels)
        intervals = midpoint_intervals(runs, code.coarse)
    else:
        runs = label_runs_from_codes(values, labels, clearance=8 * SAFE_GAP)
        intervals = weighted_intervals(runs, weights, code.coarse)
    clearance = 2 * np.min(np.abs(intervals.boundaries - np.stack(adjacent_codes(runs, intervals.boundaries))))
    clearance = min(clearance, np.min(np.diff(intervals.boundaries), initial=clearance))
    # at least 64: then digits in front of the largest ramp stay on its grid
    code_scale = max(64.0, 4.0 / 2.0 ** np.floor(np.log2(clearance)))
    return CodeClassifier(projection, code, runs, intervals, code_scale, weights)


def certified_margin(classification, sequences, values, labels):
    """How many times over the plateaus under the training codes hold; checks the labels on the way.

    The smallest distance of a training code to the end of a ramp over its code bound: ulp(c), plus code_scale 2 n eps for a mean.
    Raises ConstructionError when a label is not reproduced or the margin is not above 1, naming the sequences.
    """
    order = np.argsort(values)  # searching for sorted codes is several times faster
    values, labels, lengths = values[order], labels[order], sequences.lengths[order]
    wrong = np.flatnonzero(classification.labels_of(values) != labels)
    code_scale = classification.code_scale
    bounds = np.spacing(code_scale * values) + code_scale * classification.code.error_bounds(lengths)
    margins = _distance_to_nearest_ramp(classification, values) / bounds
    bad = wrong if len(wrong) else np.flatnonzero(margins <= 1)
    if len(bad):
        shown = format_indices(np.sort(order[bad]))
        raise ConstructionError(
            f"Sequences {shown} are not certified: smallest margin {margins.min():.3g}, 1 is needed."
        )
    return float(margins.min())


def build_classifier(X, y, *, ordered=False, attention="hardmax", temperature="auto", max_width=4, random_state=0):
    """Weights that classify labelled sequences exactly.

    Parameters
    ----------
    X : RaggedSequences or anything that as_sequences reads
    y : array-like of int, shape (n_sequences,)
        Class indices from 0.
    ordered : bool, default=False
        True joins the relative position to each token, so that any two different sequences can be told apart.
    attention : {"hardmax", "softmax"}, default="hardmax"
    temperature : "auto" or float, default="auto"
        Of the softmax; "auto" is the largest at which the labels are certified. Means nothing with hardmax.
    max_width : int or None, default=4
        Largest number of hidden units of a layer; None packs all units of a stage in one.
    random_state : int or RandomState, default=0

    Returns
    -------
    Construction
        `decode(apply(transformer, encode(X)))` equals y.

    Raises
    ------
    ConstructionError
        Sequences with different labels cannot be told apart; the message names them. A temperature above the largest
        admissible one.
    ValueError
        Input that is not readable, labels that are no class indices.

    Notes
    -----
    Source: Alcalde, Fantuzzi, Zuazua, arXiv 2502.02270. Cost: a few passes over the tokens and a sort of the sequences,
    unless bumps are needed; at most (3 N + 1) / 2 blocks.

    Examples
    --------
    >>> from sklearn_hardmax.constructions import build_classifier
    >>> from sklearn_hardmax.forward import apply
    >>> X = [[[0., 1.], [2., 0.]], [[1., 1.]], [[0., 3.], [1., 1.], [2., 2.]]]
    >>> built = build_classifier(X, [0, 1, 0])
    >>> built.decode(apply(built.transformer, built.encode(X)))
    array([0, 1, 0])
    """
    sequences = as_sequences(X)
    labels = np.asarray(y)
    if labels.shape != (len(sequences),) or labels.dtype.kind not in "iu" or labels.min() < 0:
        raise ValueError(
            f"y must hold one class index, an integer from 0, for each of the {len(sequences)} sequences; got "
            f"{labels.dtype} of shape {labels.shape}."
        )
    labels = labels.astype(np.int64)
    built, conflicts = build_classification(
        sequences,
        labels,
        np.ones(labels.max() + 1),
        ordered=ordered,
        rng=check_random_state(random_state),
        temperature=validate_temperature(attention, temperature),
    )
    if conflicts:
        raise ConstructionError(conflict_message(conflicts) + ".")
    return Construction(built.transformer(max_width), built.encode, built.decode, built.margin)
