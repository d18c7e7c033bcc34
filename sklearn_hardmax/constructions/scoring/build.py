"""CodeClassifier that generalises and is exact: heads, a ridge regression, and corrections where it errs.

    score_c(Z) = beta_c + sum_f omega_fc head_f(Z) + sum_k [label of correction k is c] spike_k(random_code(Z))

The heads (heads.py) are pooled in integers, the coefficients come in closed form (ridge.py), are put on a grid (readout.py),
and the corrections (corrections.py) turn the training sequences that would be lost. The label is the class of the largest score, of
equal ones the first.

As a transformer, on the coordinates [scaled token, integer tokens of the heads, 1, t_c, score_c, registers of the code]:
feed-forward layers add the ppv and means of each token to t_c; uniform attention adds their mean to score_c; one
hardmax attention of rank one a leader read adds omega_fc max_f; then the code, and the corrections. All the
coefficients are those of the fast path, and sums, maxima and codes are the same bits; what the network adds in another order
is rounded otherwise, so that scores agree to 4 eps (|beta_c| + sum_f |omega_fc| max |S_f - b_f|), and 8 eps of a correction.
"""

from dataclasses import replace
from functools import partial

import numpy as np
from sklearn.utils import gen_batches

from sklearn_hardmax.constructions.codes.projection import Projection
from sklearn_hardmax.constructions.codes.random_code import RandomCode
from sklearn_hardmax.constructions.codes.selection import CodeProblem, select_code
from sklearn_hardmax.constructions.common.construction import ConstructionError
from sklearn_hardmax.constructions.common.temperatures import HEAD_TEMPERATURE, resolve_temperature, with_softmax
from sklearn_hardmax.constructions.heads.sampling import sample_heads
from sklearn_hardmax.constructions.heads.series import SeriesHeads
from sklearn_hardmax.constructions.scoring.corrections import place_corrections, widest
from sklearn_hardmax.constructions.scoring.pooled_classifier import PooledClassifier
from sklearn_hardmax.constructions.scoring.readout import Readout
from sklearn_hardmax.constructions.scoring.ridge import ridge_from_chunks, ridge_from_features
from sklearn_hardmax.forward.ties import EPS

_MAX_RANDOM_CODES = 8  # drawn at most
_AMPLE_WIDTH = 2.0**-40  # a smallest width of corrections that no other random_code needs to better
_BLOCK_HEADS = 512  # rows of features that are held in float64
_THIN_MARGIN = 0.01  # of the largest score: rows whose margin is below get a correction too


def build_scoring(
    sequences,
    labels,
    weights,
    *,
    n_heads,
    ordered,
    alphas,
    exact,
    rng,
    temperature=0.0,
    n_jobs=None,
    log=lambda text: None,
):
    """PooledClassifier and the settled conflicts, for class indices `labels` (N,) and class weights (n_classes,).

    temperature : 0 for hardmax; for softmax "auto" or a positive number, ConstructionError above the largest admissible one.
    """
    heads = sample_heads(sequences, labels, n_heads, ordered=ordered, rng=rng)
    log(f"drew {heads.n_heads} heads")
    if weights.min() < 2.0**-52 * weights.max():
        raise ConstructionError(
            f"Class weights from {weights.min():.3g} to {weights.max():.3g} are further apart than float64 resolves."
        )
    weights = np.ldexp(weights, 1 - np.frexp(weights.max())[1])  # the largest in [1, 2)
    targets = np.where(labels[:, None] == np.arange(len(weights)), 1.0, -1.0)
    readout, scores, errors = _regress(heads, sequences, targets, weights[labels], alphas, n_jobs, log)
    projection = Projection(heads.standardisation.scale, isinstance(heads, SeriesHeads))
    corrections, conflicts, margin = None, [], max(0.0, _score_margins(scores, errors, labels).min())
    if exact:
        problem = CodeProblem(sequences, labels.copy(), projection, False, rng, n_jobs)
        corrections, conflicts, margin = _corrections(problem, scores, errors)
        log(f"placed {0 if corrections is None else len(corrections.labels)} corrections, margin {margin:.3g}")
    built = PooledClassifier(projection, heads, readout, corrections, len(weights), float(margin))
    if temperature != 0:
        built = _softened(built, sequences, temperature, n_jobs)
        log(f"settled the temperature, {built.temperature:.3g}")
    return built, conflicts


def _softened(built, sequences, wanted, n_jobs):
    """The same classifier with softmax leaders: heads still give the largest integer itself, codes stay where bumps are flat."""
    corrections = built.corrections
    if corrections is None:
        return replace(built, temperature=resolve_temperature(wanted, HEAD_TEMPERATURE))
    clearances = corrections.clearances(corrections.code.evaluate(sequences, n_jobs)) - 8 * EPS
    code = with_softmax(corrections.code, wanted, sequences, clearances, n_jobs, at_most=HEAD_TEMPERATURE)
    corrections = replace(corrections, code=code)
    clearances = corrections.clearances(code.evaluate(sequences, n_jobs))
    margin = float(clearances.min() / max(code.error_bound(sequences.lengths), EPS))
    return replace(built, corrections=corrections, temperature=code.temperature, margin=min(built.margin, margin))


def _regress(heads, sequences, targets, weights, alphas, n_jobs, log):
    """The Readout, the scores of the training sequences (C, N), and how far they may be from the exact ones, (N,)."""
    pairs = targets.shape[1] == 2  # the second class is the first with its sign changed
    fitted = targets[:, 1:] if pairs else targets
    common = alphas, heads.kinds, heads.scale_floor
    held = len(sequences) <= heads.n_heads
    if held:
        features, order = heads.features_by_head(sequences, np.float32, n_jobs)
        log("pooled the heads of the training sequences")
        ridge = ridge_from_features(features, fitted[order], weights[order], *common)
    else:
        ridge = ridge_from_chunks(partial(_feature_chunks, heads, sequences), len(sequences), fitted, weights, *common)
    log(f"solved the ridge regression, alpha {ridge.alpha:.3g}")
    coefficients, intercept = ridge.coefficients, ridge.intercept
    if pairs:
        coefficients, intercept = np.hstack([-coefficients, coefficients]), np.append(-intercept, intercept)
    readout = Readout.from_coefficients(coefficients, intercept, ridge.means, heads)
    scores = np.empty((len(intercept), len(sequences)))
    if held:
        coefficients = readout.coefficients(heads).T
        scores[:, order] = _product(coefficients, features) + intercept[:, None]
        # features are rounded to 2^-24, and the product of float32 numbers in float64 to less
        error = 2.0**-23 * (np.abs(coefficients) @ np.maximum(features.max(axis=1), -features.min(axis=1))).max()
        return readout, scores, np.full(len(sequences), error)
    for chunk, sums in heads.sums(sequences):
        scores[:, chunk.rows] = readout.scores(chunk.lengths, sums, heads.largest_sum(chunk))
    return readout, scores, 2.0**-50 * np.abs(scores).max(axis=0)


def _product(coefficients, features):
    """coefficients (C, F) in float64 times features (F, N) in float32, which are widened a block at a time."""
    out = np.zeros((len(coefficients), features.shape[1]))
    for rows in gen_batches(len(features), _BLOCK_HEADS):
        out += coefficients[:, rows] @ features[rows].astype(np.float64)
    return out


def _feature_chunks(heads, sequences):
    for chunk, sums in heads.sums(sequences):
        yield chunk.rows, heads.features_of(chunk, sums)


def _gaps(scores, labels):
    """Score of the label less the largest other one, (N,)."""
    rows = np.arange(len(labels))
    own = scores[labels, rows]
    others = scores.copy()
    others[labels, rows] = -np.inf
    return own - others.max(axis=0)


def _score_margins(scores, errors, labels):
    """Gaps over twice their error; inf with one class."""
    return _gaps(scores, labels) / np.maximum(2 * errors, np.finfo(float).tiny)


def _corrections(problem, scores, errors):
    """Corrections (None where none is needed), the settled conflicts and the margin."""
    random_codes = _RandomCodes(problem)
    corrections, margin = _place_widest(problem, scores, errors, random_codes)
    if margin > 0:
        return corrections, [], margin
    read, conflicts = select_code(problem)
    corrections, margin = _place_widest(problem, scores, errors, random_codes)
    if margin <= 0 and read is not None:
        error_bound = read.code.error_bound(problem.sequences.lengths)
        corrections, margin = _place_widest(problem, scores, errors, [(read.code, read.values, error_bound)])
    if margin <= 0:
        raise ConstructionError(
            "No code of the training sequences leaves room for the corrections that make them exact; use exact=False, or merge "
            "sequences that are nearly equal."
        )
    return corrections, conflicts, margin


def _place_widest(problem, scores, errors, codes):
    """The widest Corrections on one of the codes, and the margin; (None, 0) where no code leaves clearance."""
    gaps, largest = _gaps(scores, problem.labels), np.abs(scores).max(axis=0)
    needed = gaps <= np.maximum(_THIN_MARGIN * largest, 4 * errors)
    safe = _score_margins(scores, errors, problem.labels)[~needed].min(initial=np.inf)
    if not needed.any():
        return None, safe
    height = 2.0 ** np.ceil(np.log2(4 * max(largest.max(), 2.0**-20)))
    best = None
    for code, values, error_bound in codes:
        corrections = place_corrections(code, values, error_bound, problem.labels, needed, height)
        if corrections is not None and (best is None or corrections.widths.min() > best.widths.min()):
            best = corrections
        if best is not None and best.widths.min() >= min(widest(error_bound), _AMPLE_WIDTH):
            break
    return (None, 0.0) if best is None else (best, min(safe, best.margin))


class _RandomCodes:
    """Fingerprints with their values and error_bound, drawn when they are asked for and kept."""

    def __init__(self, problem):
        self.problem, self.drawn = problem, []

    def __iter__(self):
        for k in range(_MAX_RANDOM_CODES):
            if k == len(self.drawn):
                problem = self.problem
                code = RandomCode.sample(problem.projection, problem.rng)
                values = code.evaluate(problem.sequences, problem.n_jobs)
                self.drawn.append((code, values, code.error_bound(problem.sequences.lengths)))
            yield self.drawn[k]
