"""The heads of the classifier as a step in front of any estimator that takes a matrix."""

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_is_fitted

from sklearn_hardmax.constructions.heads.sampling import default_n_heads, sample_heads
from sklearn_hardmax.estimators._bases import BaseEstimator, TransformerMixin
from sklearn_hardmax.estimators._mixins import VersionedMixin
from sklearn_hardmax.estimators.transactions import transactional_fit
from sklearn_hardmax.estimators.validation import (
    check_flag,
    check_integer,
    input_names,
    validate_class_labels,
    validate_sequences,
)


class HardmaxPooling(VersionedMixin, TransformerMixin, BaseEstimator):
    """Pool sequences of any length into a matrix by the heads of HardmaxTransformerClassifier.

    A head reads one linear score of the tokens (ordered: a kernel on nine tokens of a dilated window; unordered: a random
    direction) and pools it over the sequence: its maximum, which is a hardmax leader read, the share of tokens above a bias,
    or the mean excess over a bias.

    Parameters
    ----------
    n_heads : "auto" or int, default="auto"
        Columns of the result; "auto" is min(64 n_sequences, 8000).
    ordered : bool, default=True
        Whether the order of tokens tells anything. Where all training sequences have one token, there is none.
    n_jobs : int, default=None
        Parallel jobs over batches of sequences; results do not depend on it.
    random_state : int, RandomState or None, default=None
        Draws the heads.

    Attributes
    ----------
    n_features_in_ : int
        token_dim of the training sequences.
    feature_names_in_ : ndarray of str
        Column names, where X was a data frame.
    n_heads_ : int
        Columns of the result.

    See Also
    --------
    HardmaxTransformerClassifier : The same heads, a ridge regression and corrections.

    Notes
    -----
    Pooled in integers: rows are the same bits for any batch, order of sequences and n_jobs. Kernels are those of MiniRocket
    (Dempster, Schmidt, Webb, KDD 2021). Cost: O(n_tokens * n_heads); at most about 100 MB beyond input and output.

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

    def __init__(self, *, n_heads="auto", ordered=True, n_jobs=None, random_state=None):
        self.n_heads = n_heads
        self.ordered = ordered
        self.n_jobs = n_jobs
        self.random_state = random_state

    @transactional_fit
    def fit(self, X, y=None):
        """Draw the heads.

        Parameters
        ----------
        X : RaggedSequences, list of 2-D arrays, 3-D array, 2-D array or data frame
            See `as_sequences`.
        y : array-like of shape (n_sequences,), optional
            Class labels: unordered heads then read differences between tokens of different classes. Ordered heads do not
            look at them, and targets that are no classes are not used.

        Returns
        -------
        HardmaxPooling
            The estimator itself.

        Raises
        ------
        ValueError
            Unreadable sequences, parameters out of range.
        """
        if not (isinstance(self.n_heads, str) and self.n_heads == "auto"):
            check_integer(self.n_heads, "n_heads", 1)
        check_flag(self.ordered, "ordered")
        sequences = validate_sequences(self, X, reset=True)
        labels = None
        if y is not None and not self.ordered and type_of_target(y) in ("binary", "multiclass"):
            _, labels = validate_class_labels(sequences, y)
        self.n_heads_ = default_n_heads(len(sequences)) if isinstance(self.n_heads, str) else int(self.n_heads)
        rng = check_random_state(self.random_state)
        self._heads = sample_heads(sequences, labels, self.n_heads_, ordered=self.ordered, rng=rng)
        return self

    def transform(self, X):
        """Pool.

        Parameters
        ----------
        X : RaggedSequences or anything that as_sequences reads
            Of any lengths; token_dim as at fit.

        Returns
        -------
        ndarray of shape (n_sequences, n_heads)
            float32 for float32 tokens, otherwise float64.
        """
        check_is_fitted(self)
        sequences = validate_sequences(self, X, reset=False)
        return self._heads.features(sequences, sequences.dtype, self.n_jobs)

    def get_feature_names_out(self, input_features=None):
        """What each column reads, such as "max of kernel 17, dilation 4, channels x0 -x2, tilt 31".

        Parameters
        ----------
        input_features : array-like of str, optional
            Names of the features of a token; without them those of a data frame at fit, or x0, x1, ...

        Returns
        -------
        ndarray of str objects
            Unique. A minus before a channel says that it is subtracted. Unordered heads read "closeness to prototype 3 (x0=2,
            x1=7)", a training token, "within 1.2" standard deviations, or "difference 5 (x0 - 0.4 x1)", a linear form of
            standardised features, "above 0.3".
        """
        check_is_fitted(self)
        return np.array(self._heads.names(input_names(self, input_features)), dtype=object)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
