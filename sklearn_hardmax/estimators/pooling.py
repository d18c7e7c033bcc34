"""HardmaxPooling: sequences of any length to a matrix with one row per sequence, as input of any other estimator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.multiclass import type_of_target

from sklearn_hardmax._typing import Auto, NamesLike, ObjectArray, RandomStateLike, RealArray
from sklearn_hardmax.constructions.heads.families import default_n_heads, sample_families
from sklearn_hardmax.constructions.heads.pooled import PooledHeads
from sklearn_hardmax.estimators._bases import BaseEstimator, TransformerMixin
from sklearn_hardmax.estimators._mixins import VersionedMixin
from sklearn_hardmax.estimators.transactions import reads_one_fit, transactional_fit
from sklearn_hardmax.estimators.validation import (
    as_labels,
    check_alignment,
    check_flag,
    check_integer,
    check_random_state,
    chosen_families,
    input_names,
    is_auto,
    validate_class_labels,
    validate_sequences,
)
from sklearn_hardmax.sequences import SequencesLike


class HardmaxPooling(VersionedMixin, TransformerMixin, BaseEstimator):
    """Pool each sequence, of any length, into one row of a matrix by attention heads.

    A head computes one linear score per token and pools it over the sequence: the maximum (hardmax attention to the token
    of the largest score), the proportion of tokens whose score is above a threshold, or the mean excess over a threshold.
    With ordered=True the score is a kernel applied to nine tokens of a dilated window; with ordered=False it is the
    projection on the difference of two training tokens, or the closeness to one training token. These are the heads of
    HardmaxTransformerClassifier.

    Parameters
    ----------
    n_heads : "auto" or int, default="auto"
        Number of heads, the columns of the result; "auto" is min(64 n_sequences, 8000).
    families : "auto" or list of str, default="auto"
        Families of heads of ordered sequences: "kernels", kernels on dilated windows, pooled by ppv and by maxima;
        "difference_kernels", the same on the differences of neighbouring tokens; "windows", the nearness to windows of
        training sequences; "intervals", shares of large values within parts of the sequence. The heads are divided in
        proportions of 3, 3, 1 and 2. "auto" is ["kernels"]. Ignored without order.
    ordered : bool, default=True
        Whether the order of tokens is informative. Ignored if every training sequence has one token.
    n_jobs : int, default=None
        Number of parallel jobs over batches of sequences; results do not depend on it.
    random_state : int, RandomState or None, default=None
        Seed of the random heads.

    Attributes
    ----------
    n_features_in_ : int
        token_dim of the training sequences, the number of features of a token.
    feature_names_in_ : ndarray of str
        Column names, if X was a data frame.
    n_heads_ : int
        Number of heads.
    family_names_ : tuple of str
        Names of their families; "tokens" without order.

    See Also
    --------
    HardmaxTransformerClassifier : The same heads, a ridge regression and corrections.

    Notes
    -----
    Scores are integers, so that every sum is exact: rows are the same bits for any batch, order of sequences and n_jobs.
    Kernels and PPV (the proportion of positive values) are those of MiniRocket (Dempster, Schmidt, Webb, KDD 2021). Cost:
    O(n_tokens * n_heads); at most about 100 MB beyond input and output.

    Examples
    --------
    >>> from sklearn_hardmax import HardmaxPooling
    >>> X = [[[0.], [1.], [4.]], [[2.], [2.]], [[3.]]]
    >>> pooling = HardmaxPooling(n_heads=5, ordered=False, random_state=0).fit(X)
    >>> pooling.transform(X).shape
    (3, 5)
    >>> pooling.get_feature_names_out()[0]
    'max of closeness to prototype 0 (x0=2)'
    """

    n_heads_: int
    family_names_: tuple[str, ...]
    _heads: PooledHeads

    if TYPE_CHECKING:

        def fit_transform(self, X: SequencesLike, y: ArrayLike | None = None) -> RealArray:
            """Fit and transform in one call."""

    def __init__(
        self,
        *,
        n_heads: int | Auto = "auto",
        families: Sequence[str] | Auto = "auto",
        ordered: bool = True,
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
    ) -> None:
        self.n_heads = n_heads
        self.families = families
        self.ordered = ordered
        self.n_jobs = n_jobs
        self.random_state = random_state

    @transactional_fit
    def fit(self, X: SequencesLike, y: ArrayLike | None = None) -> Self:
        """Draw the heads.

        Parameters
        ----------
        X : RaggedSequences, list of 2-D arrays, 3-D array, 2-D array or data frame
            See `as_sequences`.
        y : array-like of shape (n_sequences,), optional
            Class labels. With ordered=False half of the directions are then differences between tokens of different classes;
            with windows all classes have equal chances. Ignored otherwise, and if the targets are not classes.

        Returns
        -------
        HardmaxPooling
            The estimator itself.

        Raises
        ------
        ValueError
            Sequences cannot be read, or a parameter is out of range.
        """
        if not is_auto(self.n_heads):
            check_integer(self.n_heads, "n_heads", 1)
        chosen_families(self.families)
        check_flag(self.ordered, "ordered")
        sequences = validate_sequences(self, X, reset=True)
        labels = None
        if y is not None:
            check_alignment(sequences, y)
        uses_labels = not self.ordered or "windows" in chosen_families(self.families)
        if y is not None and uses_labels and type_of_target(as_labels(y)) in ("binary", "multiclass"):
            _, labels = validate_class_labels(sequences, y)
        self.n_heads_ = default_n_heads(len(sequences)) if is_auto(self.n_heads) else int(self.n_heads)
        rng = check_random_state(self.random_state)
        self._heads, self.family_names_ = sample_families(
            sequences,
            labels,
            self.n_heads_,
            ordered=self.ordered,
            families=chosen_families(self.families),
            rng=rng,
            n_jobs=self.n_jobs,
        )
        return self

    def transform(self, X: SequencesLike) -> RealArray:
        """Pool each sequence into one row.

        Parameters
        ----------
        X : RaggedSequences or anything that as_sequences reads
            Sequences of any lengths, with the token_dim of the training sequences.

        Returns
        -------
        ndarray of shape (n_sequences, n_heads)
            Of dtype float32 for float32 tokens, otherwise float64.
        """
        sequences = validate_sequences(self, X, reset=False)
        return self._heads.features(sequences, sequences.dtype, self.n_jobs)

    @reads_one_fit
    def get_feature_names_out(self, input_features: NamesLike = None) -> ObjectArray:
        """Name of each column, such as "max of kernel 17, dilation 4, channels x0 -x2, tilt 31".

        Parameters
        ----------
        input_features : array-like of str, optional
            Names of the features of a token; by default those of the data frame at fit, or x0, x1, ...

        Returns
        -------
        ndarray of str objects
            All different. With ordered=True: a minus before a channel means that this feature is subtracted; a tilt is added
            to the score in proportion to the position of the token. With ordered=False the score is the "closeness to
            prototype 3 (x0=2, x1=7)", a training token, and proportions count tokens "within 1.2" standard deviations; or it
            is the "difference 5 (x0 - 0.4 x1)", a linear form of standardised features, and proportions count tokens "above
            0.3".
        """
        return np.array(self._heads.names(input_names(self, input_features)), dtype=object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


# Decorated here, because scikit-learn has put functions around both: these read the names of columns after the numbers.
HardmaxPooling.transform = reads_one_fit(HardmaxPooling.transform)
HardmaxPooling.fit_transform = transactional_fit(HardmaxPooling.fit_transform)
