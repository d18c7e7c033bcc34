"""Build a classifier from labelled sequences: pooled features, a ridge regression on them, corrections of its errors.

A *head* pools one number from the tokens of a sequence: the maximum of a linear form, the proportion of tokens on which it is
above a bias (ppv), or its mean above a bias. A *code* is one number per sequence, and a *correction* is a bump on the line of
codes around the code of a training sequence. The score of class c for a sequence Z is

    score_c(Z) = beta_c + sum_f omega_fc head_f(Z) + sum_k [label of correction k is c] bump_k(code(Z))

and the label is the class with the largest score, the first of equal ones. The steps of `build_scoring`:

1. Draw the heads (heads/families.py); they are pooled in integers, so that their sums are exact.
2. Compute the coefficients omega and beta in closed form (ridge.py), for each family of heads alone, and the weights of the
   families by the log loss of left-out scores (probabilities.py): coefficients are those of a family times its share.
3. Round the coefficients to a grid, so that scores are the same bits in any batch (readout.py).
4. Place corrections at the training sequences whose label is not certain (corrections.py).

As a transformer (network.py), with t_c a register of every token for the partial score of class c: feed-forward layers add
the ppv and mean terms of each token to t_c, uniform attention adds the mean of t_c to score_c, and one hardmax attention of
rank one per max head adds omega_fc max_f to score_c; then follow the code and the corrections. Its coefficients are those of
the direct computation, and sums, maxima and codes are the same bits. The network adds the terms in another order, which is
rounded differently: scores agree to 4 eps (|beta_c| + sum_f |omega_fc| max |S_f - b_f|), where S_f is the linear form and b_f
the bias of head f, and 8 eps of a correction.
"""

from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
from sklearn.utils import gen_batches

from sklearn_hardmax.constructions.codes.projection import Projection
from sklearn_hardmax.constructions.codes.random_code import RandomCode
from sklearn_hardmax.constructions.codes.selection import CodeProblem, bump_code
from sklearn_hardmax.constructions.common.batches import count_jobs, in_rounds
from sklearn_hardmax.constructions.common.construction import ConstructionError
from sklearn_hardmax.constructions.common.temperatures import HEAD_TEMPERATURE, resolve_temperature, with_softmax
from sklearn_hardmax.constructions.heads.families import AUTO, sample_families
from sklearn_hardmax.constructions.scoring.corrections import place_corrections, widest
from sklearn_hardmax.constructions.scoring.pooled_classifier import Families, PooledClassifier
from sklearn_hardmax.constructions.scoring.probabilities import weights_of_families
from sklearn_hardmax.constructions.scoring.readout import Readout
from sklearn_hardmax.constructions.scoring.ridge import LEFT_OUT, Ridge, ridge_from_chunks, ridge_from_features
from sklearn_hardmax.forward.ties import EPS

_MAX_RANDOM_CODES = 8  # random codes that are drawn at most
_BUMP_DIRECTIONS = 4  # along which distinct tokens are projected to place bumps on them
_AMPLE_WIDTH = 2.0**-40  # no other random code is tried once every correction is at least this wide
_BLOCK_HEADS = 512  # rows of float32 features that are converted to float64 at a time
_THIN_MARGIN = 0.01  # relative to the largest score of the sequence: a label that leads by less gets a correction too


def build_scoring(
    sequences,
    labels,
    weights,
    *,
    n_heads,
    ordered,
    families=AUTO,
    alphas,
    exact,
    rng,
    temperature=0.0,
    n_jobs=None,
    log=lambda text: None,
):
    """Build a PooledClassifier from labelled training sequences.

    Parameters
    ----------
    sequences : RaggedSequences
        N training sequences.
    labels : ndarray of shape (N,), int
        Class indices.
    weights : ndarray of shape (n_classes,)
        Positive class weights.
    n_heads : int
        Number of pooled features, at least 1.
    ordered : bool
        Whether heads and codes depend on the order of tokens.
    families : tuple of str, default=("kernels",)
        Families of heads of ordered sequences.
    alphas : ndarray of shape (A,)
        Ridge penalties to choose from.
    exact : bool
        Whether corrections are placed.
    rng : RandomState
    temperature : float or "auto"
        0 for hardmax; for softmax "auto" or a positive number.
    n_jobs : int or None
    log : callable
        Receives one line of text per step.

    Returns
    -------
    built : PooledClassifier
    conflicts : list of Conflict
        Groups of sequences with different labels that no code separates; each group was given its majority label.

    Raises
    ------
    ConstructionError
        Class weights too far apart, a temperature above the largest admissible one, no code with space for the corrections.
    """
    heads, names = sample_families(
        sequences, labels, n_heads, ordered=ordered, families=families, rng=rng, n_jobs=n_jobs
    )
    log(f"drew {heads.n_heads} heads of {', '.join(names)}")
    if weights.min() < 2.0**-52 * weights.max():
        raise ConstructionError(
            f"Class weights from {weights.min():.3g} to {weights.max():.3g} are further apart than float64 resolves."
        )
    # the largest weight in [1, 2), by a power of two: equal ratios of weights give the same bits
    weights = np.ldexp(weights, 1 - np.frexp(weights.max())[1])
    regression = _regress(heads, sequences, labels, weights, alphas, n_jobs, log)
    projection = Projection(heads.standardisation.scale, heads.is_ordered)
    if exact:
        # conflicts change the labels of the problem, not those of the caller
        problem = CodeProblem(sequences, labels.copy(), projection, False, rng, n_jobs)
        corrections, conflicts, margin = _corrections(problem, regression)
        log(f"placed {0 if corrections is None else len(corrections.labels)} corrections, margin {margin:.3g}")
    else:
        corrections = None
        conflicts = []
        margin = max(0.0, _score_margins(regression, labels).min())
    built = PooledClassifier(
        projection,
        heads,
        regression.readout,
        corrections,
        len(weights),
        float(margin),
        float(regression.weights.sum()),
        Families(names, regression.weights / regression.weights.sum(), regression.alphas),
    )
    if temperature != 0:
        built = _softened(built, sequences, temperature, n_jobs)
        log(f"settled the temperature, {built.temperature:.3g}")
    return built, conflicts


def _softened(built, sequences, wanted, n_jobs):
    """The same classifier with softmax for hardmax: max heads still give the same integers, corrections stay 0 or H."""
    corrections = built.corrections
    if corrections is None:
        return replace(built, temperature=resolve_temperature(wanted, HEAD_TEMPERATURE))
    # softmax may move a code by half of its clearance, of which 8 eps are left for rounding
    clearances = corrections.clearances(corrections.code.evaluate(sequences, n_jobs)) - 8 * EPS
    code = with_softmax(corrections.code, wanted, sequences, clearances, n_jobs, at_most=HEAD_TEMPERATURE)
    corrections = replace(corrections, code=code)
    # the margin that the moved codes leave
    clearances = corrections.clearances(code.evaluate(sequences, n_jobs))
    margin = float(clearances.min() / max(code.error_bound(sequences.lengths), EPS))
    return replace(built, corrections=corrections, temperature=code.temperature, margin=min(built.margin, margin))


# -- regression ------------------------------------------------------------------------------------------------------------


class _Regression(NamedTuple):
    """The fitted ridge regressions on N training sequences, one for each of P families of heads.

    Attributes
    ----------
    readout : Readout
        Their coefficients, times the shares of the families, on the integer grid.
    weights : ndarray of shape (P,)
        Weights of the families; their sum is the inverse temperature of the probabilities.
    alphas : ndarray of shape (P,)
        Penalties of the families.
    scores : ndarray of shape (C, N)
        Scores of the training sequences, without corrections.
    errors : ndarray of shape (N,)
        Bounds on the rounding errors of the scores.
    """

    readout: Readout
    weights: np.ndarray
    alphas: np.ndarray
    scores: np.ndarray
    errors: np.ndarray


class _Fit(NamedTuple):
    """The ridge regression of one family.

    Attributes
    ----------
    ridge : Ridge
    left_out : ndarray of int, shape (n,)
        The training sequences that were left out, one at a time, to choose alpha.
    features : ndarray of shape (F, N), or None
        Features of the training sequences in the order of `left_out`, where all of them are held.
    """

    ridge: Ridge
    left_out: np.ndarray
    features: np.ndarray | None


def _regress(heads, sequences, labels, class_weights, alphas, n_jobs, log):
    """Fit every family of heads to the labels, and weigh the families by the scores of left-out sequences."""
    n_classes = len(class_weights)
    targets = np.where(labels[:, None] == np.arange(n_classes), 1.0, -1.0)
    weights = class_weights[labels]
    # with two classes the scores of the first are those of the second with the sign changed: one regression is enough
    two_classes = n_classes == 2
    fitted_targets = targets[:, 1:] if two_classes else targets
    fits = [_fit_family(part, sequences, fitted_targets, weights, alphas, n_jobs, log) for part in heads.parts]
    coefficients = [fit.ridge.coefficients for fit in fits]
    intercepts = [fit.ridge.intercept for fit in fits]
    if two_classes:
        coefficients = [np.hstack([-part, part]) for part in coefficients]
        intercepts = [np.append(-part, part) for part in intercepts]
    left_out, scores = _common_scores(fits, two_classes)
    family_weights = weights_of_families(scores, labels[left_out], weights[left_out])
    shares = family_weights / family_weights.sum()
    readout = Readout.from_coefficients(
        np.concatenate([share * part for share, part in zip(shares, coefficients)]),
        sum(share * part for share, part in zip(shares, intercepts)),
        np.concatenate([fit.ridge.means for fit in fits]),
        heads,
    )
    if all(fit.features is not None for fit in fits):
        scores, errors = _scores_from_features(readout, heads, fits)
    else:
        scores, errors = _scores_from_sums(readout, heads, sequences, n_jobs, log)
    return _Regression(readout, family_weights, np.array([fit.ridge.alpha for fit in fits]), scores, errors)


def _fit_family(heads, sequences, targets, weights, alphas, n_jobs, log):
    """Fit one family to targets (N, C) under weights (N,): N x N equations up to as many sequences as heads, else F x F."""
    options = alphas, heads.kinds, heads.scale_floor
    if len(sequences) <= heads.n_heads:
        # columns of the features come by length of sequence; column j holds sequence order[j]
        features, order = heads.features_by_head(sequences, np.float32, n_jobs)
        log("pooled the heads of the training sequences")
        ridge = ridge_from_features(features, targets[order], weights[order], *options, n_jobs=n_jobs)
        log(f"solved the ridge regression, alpha {ridge.alpha:.3g}")
        return _Fit(ridge, order, features)
    left_out = np.arange(len(sequences))
    if len(sequences) > LEFT_OUT:
        left_out = np.linspace(0, len(sequences) - 1, LEFT_OUT).astype(np.intp)
    features, order = heads.features_by_head(sequences[left_out], np.float64, n_jobs)
    left_out = left_out[order]
    log(f"pooled the heads of {len(left_out):,} training sequences")
    others = partial(_others, heads, sequences, left_out, n_jobs)
    ridge = ridge_from_chunks(left_out, features, others, targets, weights, *options, n_jobs=n_jobs, log=log)
    log(f"solved the ridge regression, alpha {ridge.alpha:.3g}")
    return _Fit(ridge, left_out, None)


def _common_scores(fits, two_classes):
    """The sequences (n,) that every family has left out, ascending, and their scores by each family, (P, C, n)."""
    # the sample of a family is all sequences, or the same ones as of the other families
    left_out = min((fit.left_out for fit in fits), key=len)
    left_out = np.sort(left_out)
    scores = []
    for fit in fits:
        order = np.argsort(fit.left_out)
        columns = order[np.searchsorted(fit.left_out, left_out, sorter=order)]
        scores.append(fit.ridge.left_out_scores[columns].T)
    scores = np.array(scores)
    return left_out, np.concatenate([-scores, scores], axis=1) if two_classes else scores


def _shares(lengths, n_heads, n_jobs):
    """Slices of sequences of these lengths, about equal in tokens.

    Each job gets the same number of them, so many that a share has no more sequences than heads, or 4,096; with several jobs,
    each of which returns F x F numbers per share, four times as many.
    """
    if not len(lengths):
        return
    jobs = count_jobs(n_jobs)
    most = max(n_heads, LEFT_OUT) * (4 if jobs > 1 else 1)
    rounds = -(-len(lengths) // (jobs * most))
    n_tokens = np.cumsum(lengths)
    ends = np.searchsorted(n_tokens, np.linspace(0, n_tokens[-1], rounds * jobs + 1)[1:]) + 1
    for start, stop in zip(np.append(0, ends[:-1]).tolist(), ends.tolist()):
        if start < stop:
            yield slice(start, stop)


def _others(heads, sequences, left_out, n_jobs):
    """Yield (indices, chunks) of the sequences that are not left out, as `ridge_from_chunks` takes them."""
    inside = np.ones(len(sequences), bool)
    inside[left_out] = False
    rest = np.flatnonzero(inside)
    for share in _shares(sequences.lengths[rest], heads.n_heads, n_jobs):
        yield rest[share], partial(_feature_chunks, heads, sequences[rest[share]])


def _feature_chunks(heads, sequences):
    for chunk, sums in heads.sums(sequences):
        yield chunk.indices, heads.features_of(chunk, sums)


def _scores_from_features(readout, heads, fits):
    """Training scores by products with the stored features of every family, and error bounds."""
    coefficients = readout.coefficients(heads).T
    scores = np.zeros((len(coefficients), len(fits[0].left_out)))
    errors = np.zeros(len(coefficients))
    first = 0
    for fit in fits:
        part = np.ascontiguousarray(coefficients[:, first : first + len(fit.features)])
        first += len(fit.features)
        scores[:, fit.left_out] += _product(part, fit.features)
        # features are rounded to 2^-24, and the product of float32 numbers in float64 to less
        errors += 2.0**-23 * (np.abs(part) @ np.maximum(fit.features.max(axis=1), -fit.features.min(axis=1)))
    return scores + readout.intercept[:, None], np.full(scores.shape[1], errors.max())


def _scores_from_sums(readout, heads, sequences, n_jobs, log):
    """Training scores by pooling the heads once more, as at prediction; and error bounds."""
    tasks = ((heads, sequences[share]) for share in _shares(sequences.lengths, heads.n_heads, n_jobs))
    parts = []
    for part in in_rounds(readout.scores_of, tasks, n_jobs):
        parts.append(part)
        log(f"scored {sum(part.shape[1] for part in parts):,} of {len(sequences):,} training sequences")
    scores = np.concatenate(parts, axis=1)
    return scores, 2.0**-50 * np.abs(scores).max(axis=0)


def _product(coefficients, features):
    """Coefficients (C, F) in float64 times features (F, N) in float32, which are converted one block at a time."""
    out = np.zeros((len(coefficients), features.shape[1]))
    for rows in gen_batches(len(features), _BLOCK_HEADS):
        out += coefficients[:, rows] @ features[rows].astype(np.float64)
    return out


def _label_leads(scores, labels):
    """Score of the label minus the largest score of another class, (N,)."""
    rows = np.arange(len(labels))
    own = scores[labels, rows]
    others = scores.copy()
    others[labels, rows] = -np.inf
    return own - others.max(axis=0)


def _score_margins(regression, labels):
    """Leads of the labels over twice the error of a score, (N,); inf with one class."""
    return _label_leads(regression.scores, labels) / np.maximum(2 * regression.errors, np.finfo(float).tiny)


# -- corrections -----------------------------------------------------------------------------------------------------------


def _corrections(problem, regression):
    """Corrections (None where none is needed), the settled conflicts and the margin."""
    drawn = []
    corrections, margin = _widest_corrections(problem, regression, _random_codes(problem, drawn, _MAX_RANDOM_CODES))
    if margin > 0:
        return corrections, [], margin
    # The first random code leaves too little space. Settle the conflicts, which changes problem.labels, and try again; where
    # tokens are few, sums over different tokens may be equal along any direction, so that one more code is enough to try.
    conflicts = problem.settle_equal_multisets()
    n_tokens = problem.sequences.n_tokens
    n_codes = _MAX_RANDOM_CODES if 2 * len(problem.tokens.first) > n_tokens else min(2, _MAX_RANDOM_CODES)
    for random_code in _random_codes(problem, drawn, n_codes):
        corrections, margin = _widest_corrections(problem, regression, [random_code])
        if margin > 0:
            return corrections, conflicts, margin
    # bumps on single tokens tell apart all different multisets, but for tokens that are too near each other for them
    found, close = bump_code(problem, problem.directions(_BUMP_DIRECTIONS))
    candidate = (found.code, found.values, found.code.error_bound(problem.sequences.lengths))
    corrections, margin = _widest_corrections(problem, regression, [candidate])
    if margin <= 0:
        raise ConstructionError(
            "No code of the training sequences leaves room for the corrections that make them exact; use exact=False, or "
            "merge sequences that are nearly equal."
        )
    return corrections, conflicts + close, margin


def _random_codes(problem, drawn, n_codes):
    """Yield (code, values, error_bound) of random codes: those in the list `drawn`, then new ones, appended to the list."""
    yield from drawn
    while len(drawn) < n_codes:
        code = RandomCode.sample(problem.projection, problem.rng)
        values = code.evaluate(problem.sequences, problem.n_jobs)
        drawn.append((code, values, code.error_bound(problem.sequences.lengths)))
        yield drawn[-1]


def _widest_corrections(problem, regression, candidates):
    """Of the Corrections on each candidate code those whose narrowest bump is the widest, and the margin.

    (None, 0.0) where the first code does not leave enough space; (None, margin of the scores) where no correction is needed.
    """
    # these lines certify the labels: without a correction by a lead above the rounding errors of two scores, with one by the
    # height H of the bump and the clearance of the code from its slopes
    leads = _label_leads(regression.scores, problem.labels)
    largest = np.abs(regression.scores).max(axis=0)
    needs_correction = leads <= np.maximum(_THIN_MARGIN * largest, 4 * regression.errors)
    margin_of_others = _score_margins(regression, problem.labels)[~needs_correction].min(initial=np.inf)
    if not needs_correction.any():
        return None, margin_of_others
    # with L the largest modulus of a score and H >= 4 L, a corrected label leads by at least H - 2 L >= 2 L
    height = 2.0 ** np.ceil(np.log2(4 * max(largest.max(), 2.0**-20)))
    best = None
    for code, values, error_bound in candidates:
        corrections = place_corrections(code, values, error_bound, problem.labels, needs_correction, height)
        if corrections is not None and (best is None or corrections.widths.min() > best.widths.min()):
            best = corrections
        if best is None or best.widths.min() >= min(widest(error_bound), _AMPLE_WIDTH):
            break
    if best is None:
        return None, 0.0
    return best, min(margin_of_others, best.margin)
