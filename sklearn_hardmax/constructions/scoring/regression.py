"""Ridge regressions on pooled features, one for each family of heads, and one readout of all of them.

`fit_families` pools the heads of every family for the training sequences, solves its ridge regression (ridge.py), weighs the
families by the log loss of left-out sequences (probabilities.py), and rounds the coefficients to the grid of the readout
(readout.py). Where there are more sequences than heads, features are not held: sequences come in shares.
"""

from functools import partial
from typing import NamedTuple

import numpy as np
from sklearn.utils import gen_batches

from sklearn_hardmax.constructions.common.batches import count_jobs, in_rounds
from sklearn_hardmax.constructions.scoring.probabilities import weights_of_families
from sklearn_hardmax.constructions.scoring.readout import Readout
from sklearn_hardmax.constructions.scoring.ridge import LEFT_OUT, Ridge, ridge_from_chunks, ridge_from_features

_BLOCK_HEADS = 512  # rows of float32 features that are converted to float64 at a time


class Regression(NamedTuple):
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


def fit_families(heads, sequences, labels, class_weights, alphas, n_jobs, log):
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
    return Regression(readout, family_weights, np.array([fit.ridge.alpha for fit in fits]), scores, errors)


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
