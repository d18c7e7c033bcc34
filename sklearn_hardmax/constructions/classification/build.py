"""Exact classification: from labelled sequences to a transformer that gives every training sequence its label.

*Theorem.* Let N sequences of any lengths in R^d carry labels, and let their normalised multisets (which tokens occur, and how
often relative to the length) differ wherever their labels differ. Then a hardmax transformer of at most (3 N + 1) / 2 blocks
of width at most 4 and of at most 16 D N parameters, D the width of its residual stream, gives every sequence its label; the
lengths do not matter. (Alcalde, Fantuzzi, Zuazua, arXiv 2502.02270, with 4 N + 1 blocks for one output per sequence.)

The proof is the construction, in the order of `build_classification` below. Paths are relative to constructions/.

1. *Codes.* A feed-forward layer takes every token to one number s in [1, 2]; one attention layer pools the s of a sequence
   into its code A in [1, 2], which differs wherever labels differ. If neither the maximum nor the minimum nor the mean of s
   does, bumps on s are added first, one block each: at most min(G, T) - 1 <= N - 1 of them for G distinct multisets on T
   distinct tokens.

       codes/selection.py        select_code              chooses how the code is pooled; reports conflicts
       codes/sequence_code.py    SequenceCode             computes it
       codes/coefficients.py     (lemmas at its head)     why so few bumps are enough

2. *Runs and boundaries.* Sorted by code, the sequences form R <= N runs of one label. Between two runs lies a boundary.

       intervals.py              LabelRuns.from_codes, midpoint_intervals; weighted_intervals with class weights

3. *Ramps.* Class indices are written in binary, one coordinate of the stream per digit. A constant unit adds the digits of
   the first run; at each boundary a ramp of two hidden units is added to, or subtracted from, every digit that changes there.
   Two ramps fill a layer of width 4, so that the R - 1 ramps and the constant unit take at most ceil(R / 2) layers.

       common/units.py           ramp_units
       code_classifier.py        CodeClassifier._plan, _first_digits, _ramps

4. *Size.* The attention shares a block with the first layer of step 3. So there are at most
   1 + (N - 1) + ceil(N / 2) <= (3 N + 1) / 2 blocks: the layer of s, the bumps, the ramps.

       common/plans.py           n_blocks, n_parameters: counted for every network

5. *Exact in float64.* The attention multiplies A by code_scale, a power of two with 4 <= code_scale gap, gap the smallest
   distance of neighbouring codes of different label. So boundaries are at least 2 away from every scaled training code
   c = code_scale A, and a ramp, which is 1 wide and centred at its boundary, is flat there. Scaled codes lie in one binade,
   on a grid of some spacing g; boundaries lie on a grid of g / 2 at finest, and so do the ends of ramps, boundary +- 1/2,
   because gap >= 2^-46. Hence the preactivations c - boundary +- 1/2 are exact, the two units of a ramp differ by exactly 1
   above it, and digits are sums of -1, 0 and 1.

       _with_intervals           code_scale

6. *Certificate.* Every training label is checked as well. `certified_margin` below compares the labels with
   ``classification.labels_of(values)``, sequence by sequence, and demands that every code is farther from the next ramp than
   rounding can move it. When weights are written out, the ramps themselves are evaluated on the training codes.

       certified_margin          the line that defines `wrong` certifies the labels, the one that defines `margins` the slack
       code_classifier.py        CodeClassifier._certify, for the weights

*Softmax.* Only a code that is a maximum or minimum is pooled with scores: query 1, key +-s. At a temperature at which every
training code errs by less than its distance to the next ramp (common/temperatures.py) the ramps are flat there, and labels
are exact.

*Unseen codes.* All digits that change at a boundary cross 1/2 together, at the boundary. With two classes a digit of 1/2
counts as 0: the tie goes to the class with the smaller index. With more, boundaries lie between the grid points of the codes
and no code meets one. So a binary search in the boundaries gives the label of the network for every code that can occur.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state

from sklearn_hardmax._typing import AttentionKind, Auto, RandomStateLike
from sklearn_hardmax.constructions.classification.code_classifier import CodeClassifier
from sklearn_hardmax.constructions.classification.intervals import (
    DecisionIntervals,
    LabelRuns,
    adjacent_codes,
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
from sklearn_hardmax.forward.ties import EPS
from sklearn_hardmax.sequences import SequencesLike, as_sequences
from sklearn_hardmax.sequences.messages import format_indices


def build_classification(
    sequences, labels, weights, *, ordered, rng, temperature=0.0, n_jobs=None, log=lambda text: None
):
    """Find the CodeClassifier of class indices `labels` (N,) with class weights (n_classes,), and settle conflicts.

    Returns the classifier and a list of Conflict: groups of sequences with different labels that no code tells apart. Each
    group was given its majority label; the caller decides whether that is allowed.

    temperature : 0 for hardmax; for softmax "auto" or a positive number. Raises ConstructionError for one above the largest
    admissible temperature.
    """
    projection = Projection.fit(sequences, ordered)
    log("scaled the tokens")
    # step 1: codes; with more than two classes they are rounded, so that no code meets a boundary
    problem = CodeProblem(sequences, labels.copy(), projection, len(weights) > 2, rng, n_jobs)
    candidate = None
    conflicts = []
    if (labels != labels[0]).any():
        candidate, conflicts = select_code(problem)
    # problem.labels are the labels after conflicts were settled
    if candidate is None or (problem.labels == problem.labels[0]).all():
        log("one label: no code is needed")
        return _one_run(projection, problem.labels[:1], weights, resolve_temperature(temperature, np.inf)), conflicts
    # steps 2 to 5: runs, boundaries, code_scale
    gap = max(SAFE_GAP, 8 * candidate.code.error_bound(sequences.lengths))
    built = _with_intervals(projection, candidate.code, candidate.values, problem.labels, weights, gap)
    log(f"chose the code: {candidate.code.kind}, {len(built.intervals.labels)} label runs")
    # step 6: certificate; with softmax the codes move, and are certified again
    margin = min(candidate.leader_margin, certified_margin(built, sequences, candidate.values, problem.labels))
    if temperature != 0:
        built = _softened(built, sequences, candidate.values, temperature, n_jobs)
        log(f"settled the temperature, {built.temperature:.3g}")
        values = built.codes(sequences, n_jobs)
        margin = certified_margin(built, sequences, values, problem.labels)
    built = replace(built, margin=margin)
    log(f"certified the training labels, margin {built.margin:.3g}")
    return built, conflicts


def _one_run(projection, label, weights, temperature):
    """The classifier for one label (1,): no code, and one run and one interval that are the whole line from 1 to 2."""
    runs = LabelRuns(np.ones(1), np.full(1, 2.0), label)
    intervals = DecisionIntervals(np.zeros(0), label)
    return CodeClassifier(projection, None, runs, intervals, 1.0, weights, temperature=temperature)


def _softened(built, sequences, values, wanted, n_jobs):
    """The same classifier with softmax leaders; `wanted` is "auto" or a temperature."""
    # in units of unscaled codes; 2 eps less, as a coarse code is rounded twice
    clearances = _distance_to_nearest_ramp(built, values) / built.code_scale - 2 * EPS
    code = with_softmax(built.code, wanted, sequences, clearances, n_jobs)
    return replace(built, code=code, temperature=code.temperature)


def _distance_to_nearest_ramp(built, values):
    """Distance of codes (N,) to the nearest end of a ramp, both times code_scale."""
    return distance_to_nearest_ramp(built.code_scale * built.intervals.boundaries - 0.5, built.code_scale * values)


def _with_intervals(projection, code, values, labels, weights, gap):
    """The CodeClassifier of training codes `values` (N,): runs, decision intervals and code_scale; not yet certified.

    gap : the distance of codes of different label at which a code is safe (sequence_code.py).
    """
    if (weights == weights[0]).all():
        runs = LabelRuns.from_codes(values, labels)
        intervals = midpoint_intervals(runs, code.coarse)
    else:
        # codes of one label share a run only if they are near each other: in a wider gap a heavier class may win codes
        runs = LabelRuns.from_codes(values, labels, clearance=8 * gap)
        intervals = weighted_intervals(runs, weights, gap, code.coarse)
    # A ramp must fit between a boundary and the training codes on both sides of it, and between two boundaries. For a
    # boundary halfway between two codes, twice the distance to either is their gap, as in step 5.
    clearance = 2 * np.min(np.abs(intervals.boundaries - np.stack(adjacent_codes(runs, intervals.boundaries))))
    clearance = min(clearance, np.min(np.diff(intervals.boundaries), initial=clearance))
    # the smallest power of two with 4 <= code_scale * clearance; at least 64, for then digits in front of the largest ramp
    # stay on its grid
    code_scale = max(64.0, 4.0 / 2.0 ** np.floor(np.log2(clearance)))
    return CodeClassifier(projection, code, runs, intervals, code_scale, weights)


def certified_margin(classification, sequences, values, labels):
    """Certify that codes `values` (N,) of the training sequences give `labels` (N,), and return the margin.

    The margin is the smallest distance of a scaled training code c to the end of a ramp, over the rounding-error bound of c:
    ulp(c), plus code_scale 2 n eps for the mean of n tokens. Raises ConstructionError, naming the sequences, when a label is
    not reproduced or the margin is not above 1.
    """
    order = np.argsort(values)  # searching for sorted codes is several times faster
    values = values[order]
    labels = labels[order]
    lengths = sequences.lengths[order]
    # this line certifies the labels: `labels_of` equals the network, and is compared for every training sequence
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


def build_classifier(
    X: SequencesLike,
    y: ArrayLike,
    *,
    ordered: bool = False,
    attention: AttentionKind = "hardmax",
    temperature: float | Auto = "auto",
    max_width: int | None = 4,
    random_state: RandomStateLike = 0,
) -> Construction:
    """Build a transformer that classifies labelled sequences exactly.

    Parameters
    ----------
    X : RaggedSequences or anything that as_sequences reads
        The training sequences.
    y : array-like of int, shape (n_sequences,)
        Class indices from 0.
    ordered : bool, default=False
        True joins the relative position to each token, so that any two different sequences can be told apart.
    attention : {"hardmax", "softmax"}, default="hardmax"
        How leaders are chosen: the largest score, or softmax weights.
    temperature : "auto" or float, default="auto"
        Temperature of the softmax; "auto" is the largest at which the labels are certified. Ignored if attention="hardmax".
    max_width : int or None, default=4
        Largest number of hidden units of a layer, at least 4; None packs all units of a stage in one layer.
    random_state : int or RandomState, default=0
        Draws the directions that are tried.

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
