"""Build a classifier from labelled sequences: pooled features, a ridge regression on them, corrections of its errors.

A *head* pools one number from the tokens of a sequence: the maximum of a linear form, the proportion of tokens on which it is
above a bias (ppv), or its mean above a bias. A *code* is one number per sequence, and a *correction* is a bump on the line of
codes around the code of a training sequence. The score of class c for a sequence Z is

    score_c(Z) = beta_c + sum_f omega_fc head_f(Z) + sum_k [label of correction k is c] bump_k(code(Z))

and the label is the class with the largest score, the first of equal ones. The steps of `build_scoring`:

1. Draw the heads (heads/families.py); they are pooled in integers, so that their sums are exact.
2. Compute the coefficients omega and beta in closed form, for each family of heads alone, and the weights of the families by
   the log loss of left-out scores (regression.py): coefficients are those of a family times its share.
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

import numpy as np

from sklearn_hardmax.constructions.codes.projection import Projection
from sklearn_hardmax.constructions.codes.random_code import RandomCode
from sklearn_hardmax.constructions.codes.selection import CodeProblem, bump_code
from sklearn_hardmax.constructions.common.construction import ConstructionError
from sklearn_hardmax.constructions.common.temperatures import HEAD_TEMPERATURE, resolve_temperature, with_softmax
from sklearn_hardmax.constructions.heads.families import AUTO, sample_families
from sklearn_hardmax.constructions.scoring.corrections import place_corrections, widest
from sklearn_hardmax.constructions.scoring.pooled_classifier import FamilyFits, PooledClassifier
from sklearn_hardmax.constructions.scoring.regression import fit_families
from sklearn_hardmax.forward.ties import EPS

_MAX_RANDOM_CODES = 8  # random codes that are drawn at most
_BUMP_DIRECTIONS = 4  # along which distinct tokens are projected to place bumps on them
_AMPLE_WIDTH = 2.0**-40  # no other random code is tried once every correction is at least this wide
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
    regression = fit_families(heads, sequences, labels, weights, alphas, n_jobs, log)
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
        FamilyFits(names, regression.weights / regression.weights.sum(), regression.alphas),
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


# -- certified labels ---------------------------------------------------------------------------------------------------


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
