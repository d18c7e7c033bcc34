"""SequenceImputer: fill missing values along each sequence, or by its mean."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike

from sklearn_hardmax._typing import FloatArray
from sklearn_hardmax.estimators._bases import BaseEstimator, TransformerMixin
from sklearn_hardmax.estimators._mixins import SameFeaturesMixin, VersionedMixin
from sklearn_hardmax.estimators.transactions import reads_one_fit, transactional_fit
from sklearn_hardmax.estimators.validation import check_option, input_names, validate_sequences
from sklearn_hardmax.sequences import RaggedSequences, SequencesLike
from sklearn_hardmax.sequences.segments import sequence_of_each_token


class SequenceImputer(SameFeaturesMixin, VersionedMixin, TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):
    """Fill missing values of sequences, each feature by the other tokens of its sequence.

    Parameters
    ----------
    strategy : {"interpolate", "mean"}, default="interpolate"
        "interpolate", for ordered tokens: linearly between the nearest tokens before and after that have the value; before
        the first and behind the last of them their value is held. "mean", for sets: the mean of the sequence. A feature that
        a sequence never has gets the mean of the training data.

    Attributes
    ----------
    statistics_ : ndarray of shape (token_dim,)
        Mean of each feature over all training tokens that have it.
    n_features_in_ : int
        Number of features of a token.
    feature_names_in_ : ndarray of str
        Names of the features, if the sequences have them.

    See Also
    --------
    SequenceResampler : Irregular times to a regular grid; it passes over missing values.

    Notes
    -----
    Missing values are NaN, None, NaT, pandas.NA and nulls. Tokens are counted, not timed: `SequenceResampler` interpolates in
    time. `set_output` changes nothing: a ragged output has no data frame. Cost: O(n_tokens * token_dim).

    Examples
    --------
    >>> from sklearn_hardmax import SequenceImputer
    >>> X = [[[1.0, None], [None, 2.0], [3.0, None]]]
    >>> SequenceImputer().fit_transform(X)[0]
    array([[1., 2.],
           [2., 2.],
           [3., 2.]])
    """

    statistics_: FloatArray

    def __init__(self, *, strategy: Literal["interpolate", "mean"] = "interpolate") -> None:
        self.strategy = strategy

    @transactional_fit
    def fit(self, X: SequencesLike, y: ArrayLike | None = None) -> Self:
        """Learn the mean of each feature.

        Parameters
        ----------
        X : RaggedSequences or anything that as_sequences reads
            With missing values.
        y : array-like, default=None
            Ignored.

        Returns
        -------
        SequenceImputer
            The estimator itself.

        Raises
        ------
        ValueError
            Sequences cannot be read, `strategy` is another one, or a feature is missing in all training tokens.
        """
        check_option(self.strategy, "strategy", ("interpolate", "mean"))
        sequences = validate_sequences(self, X, reset=True, allow_nan=True)
        present = ~np.isnan(sequences.tokens)
        counts = present.sum(axis=0)
        if not counts.all():
            names = input_names(self, None)
            empty = [names[j] for j in np.flatnonzero(counts == 0)[:10]]
            raise ValueError(
                f"Features {empty} are missing in all training tokens, so that nothing can be put in their place; leave them "
                "out."
            )
        self.statistics_ = _means(sequences.tokens, present, counts)
        return self

    @reads_one_fit
    def transform(self, X: SequencesLike) -> RaggedSequences:
        """Fill the missing values.

        Parameters
        ----------
        X : RaggedSequences or anything that as_sequences reads
            Sequences of any lengths, with the token_dim of the training sequences.

        Returns
        -------
        RaggedSequences
            Sequences of the same lengths, ids and names, without missing values; those without any share the memory of X.
        """
        sequences = validate_sequences(self, X, reset=False, allow_nan=True)
        tokens = sequences.tokens
        missing = np.isnan(tokens)
        features = np.flatnonzero(missing.any(axis=0))
        if len(features):
            tokens = tokens.copy()
            fill = _interpolated if self.strategy == "interpolate" else _means_of_sequences
            for j in features:
                gaps = np.flatnonzero(missing[:, j])
                values = fill(tokens[:, j], missing[:, j], sequences.offsets)[gaps]
                tokens[gaps, j] = np.where(np.isnan(values), self.statistics_[j], values)
        return RaggedSequences(tokens, sequences.offsets, ids=sequences.ids, feature_names=sequences.feature_names)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def _means(tokens, present, counts):
    """Mean of each feature over the tokens that have it, float64; of shifted values, so that large ones do not overflow."""
    first = tokens[present.argmax(axis=0), np.arange(tokens.shape[1])].astype(np.float64)
    with np.errstate(invalid="ignore"):  # NaN - x
        shifted = np.where(present, tokens / 2 - first / 2, 0.0)
    return first + 2 * (shifted / counts).sum(axis=0)


def _interpolated(values, missing, offsets):
    """One feature of all tokens, interpolated along each sequence; NaN where a sequence has no value."""
    n = len(values)
    index = np.arange(n)
    owner = sequence_of_each_token(np.diff(offsets))
    # the nearest tokens with a value, before and after; outside the sequence there is none
    before = np.maximum.accumulate(np.where(missing, -1, index))
    before = np.where(before >= offsets[owner], before, -1)
    after = np.minimum.accumulate(np.where(missing, n, index)[::-1])[::-1]
    after = np.where(after < offsets[owner + 1], after, -1)
    # at the ends the value of the only neighbour is held
    left = np.where(before >= 0, before, after)
    right = np.where(after >= 0, after, before)
    share = np.where(right > left, (index - left) / np.maximum(right - left, 1), 0.0)
    filled = values[left] * (1.0 - share) + values[right] * share
    return np.where(left >= 0, filled, np.nan)


def _means_of_sequences(values, missing, offsets):
    """The mean of one feature in the sequence of each token; NaN where the sequence has no value."""
    counts = np.add.reduceat(~missing, offsets[:-1], dtype=np.int64)
    # a share of the sum each, so that large values do not overflow
    shares = np.where(missing, 0.0, values) / np.maximum(counts, 1)[sequence_of_each_token(np.diff(offsets))]
    means = np.where(counts > 0, np.add.reduceat(shares, offsets[:-1]), np.nan)
    return means[sequence_of_each_token(np.diff(offsets))]
