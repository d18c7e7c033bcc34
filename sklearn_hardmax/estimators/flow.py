"""Tokens that gather around leaders: the flow as a scikit-learn step."""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted

from sklearn_hardmax.constructions.common.construction import check_network_output
from sklearn_hardmax.constructions.leaders.flow import Flow
from sklearn_hardmax.estimators._bases import BaseEstimator, TransformerMixin
from sklearn_hardmax.estimators._mixins import RaggedOutputMixin, VersionedMixin
from sklearn_hardmax.estimators.transactions import transactional_fit
from sklearn_hardmax.estimators.validation import check_integer, check_positive, input_names, validate_sequences
from sklearn_hardmax.sequences import RaggedSequences, as_sequences
from sklearn_hardmax.sequences.arrays import format_indices


class LeaderFlow(RaggedOutputMixin, VersionedMixin, TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):
    """Move the tokens of each sequence towards its leaders, by attention alone.

    Every layer moves each token by alpha / (1 + alpha) of the way to the mean of the tokens that it attends to, those with
    the largest <A z_i, z_l>. Tokens that attend to themselves only, the leaders, stay; the others gather around them.

    Parameters
    ----------
    alpha : float, default=1.0
        Step size, positive.
    depth : int or None, default=8
        Layers. None: each sequence goes on until it is within `tol` of its limit.
    A : array-like of shape (token_dim, token_dim), default=None
        Symmetric positive definite matrix of the scores; None is the identity.
    max_iter : int, default=1000
        Most layers where depth is None.
    tol : float, default=1e-8
        Where depth is None: the distance to the limit that is allowed, over the largest norm in the sequence, in the norm of
        A. A step of length s is s / alpha distance_to_limit from the limit.

    Attributes
    ----------
    n_iter_ : int
        Layers; where depth is None the most that a training sequence needed.
    n_features_in_ : int
        token_dim of the training sequences.
    feature_names_in_ : ndarray of str
        Column names, where X was a data frame.

    See Also
    --------
    LeaderClustering : The clusters of one set of tokens.
    sklearn_hardmax.constructions.build_leader_flow : The weights without an estimator.

    Notes
    -----
    Source: A. Alcalde, G. Fantuzzi, E. Zuazua, Clustering in pure-attention hardmax transformers and its role in sentiment
    analysis, arXiv 2407.01602. Nothing is learned from the training tokens, and nothing is centred: the flow is about the
    origin. A zero token attends to all tokens. Each sequence moves the same bits alone and in any batch. Output has the dtype
    of the input. Cost: O(n^2 token_dim) a layer for a sequence of n distinct tokens; memory O(n). `set_output` changes
    nothing: a ragged output has no data frame.

    Examples
    --------
    >>> from sklearn_hardmax import LeaderFlow
    >>> X = [[[2., 0.], [0., 2.], [1., 0.5]], [[1., 1.]]]
    >>> flow = LeaderFlow(depth=1)
    >>> flow.fit_transform(X)[0]
    array([[2.  , 0.  ],
           [0.  , 2.  ],
           [1.5 , 0.25]])
    >>> flow.leader_layers(X)
    [array([ 0,  0, -1]), array([0])]
    """

    def __init__(self, *, alpha=1.0, depth=8, A=None, max_iter=1000, tol=1e-8):
        self.alpha = alpha
        self.depth = depth
        self.A = A
        self.max_iter = max_iter
        self.tol = tol

    @transactional_fit
    def fit(self, X, y=None):
        """Check parameters and tokens; where depth is None, count the layers that the sequences need.

        Parameters
        ----------
        X : RaggedSequences, list of 2-D arrays, 3-D array, 2-D array or data frame
            See `as_sequences`.
        y : ignored

        Returns
        -------
        LeaderFlow
            The estimator itself.

        Raises
        ------
        ValueError
            Unreadable sequences, parameters out of range, A that is not symmetric positive definite.
        """
        self._fit(X)
        return self

    @transactional_fit
    def fit_transform(self, X, y=None):
        """Fit, and move the same tokens.

        Parameters
        ----------
        X : RaggedSequences or anything that as_sequences reads
        y : ignored

        Returns
        -------
        RaggedSequences
        """
        sequences, run = self._fit(X)
        return _like(sequences, (self._run(sequences) if run is None else run).tokens)

    def _fit(self, X):
        if self.depth is not None:
            check_integer(self.depth, "depth", 1)
        check_integer(self.max_iter, "max_iter", 1)
        check_positive(self.tol, "tol")
        sequences = validate_sequences(self, X, reset=True)
        self._flow = Flow.from_parameters(sequences.token_dim, self.alpha, self.A)
        if self.depth is not None:
            self.n_iter_ = int(self.depth)
            return sequences, None
        run = self._run(sequences)
        self.n_iter_ = int(run.n_iter.max())
        return sequences, run

    def _run(self, sequences):
        if self.depth is not None:
            return self._flow.run(sequences, self.n_iter_)
        run = self._flow.converge(sequences, self.tol, self.max_iter)
        late = np.flatnonzero(run.distance_to_limit > self.tol)
        if len(late):
            warnings.warn(
                f"Sequences {format_indices(late)} are not within tol={self.tol} of their limits after max_iter="
                f"{self.max_iter} layers, but {run.distance_to_limit.max():.3g} distance_to_limit.",
                ConvergenceWarning,
                stacklevel=4,
            )
        return run

    def transform(self, X):
        """Move the tokens.

        Parameters
        ----------
        X : RaggedSequences or anything that as_sequences reads
            Of any lengths; token_dim as at fit.

        Returns
        -------
        RaggedSequences
            With integer depth ``decode(forward.apply(to_transformer(), encode(X)))``, where their squares neither overflow nor
            underflow; here they may.

        Warns
        -----
        ConvergenceWarning
            depth is None, and after max_iter layers a sequence is not within tol of its limit.
        """
        check_is_fitted(self)
        sequences = validate_sequences(self, X, reset=False)
        return _like(sequences, self._run(sequences).tokens)

    def leader_layers(self, X):
        """When each token was a leader for the first time.

        Parameters
        ----------
        X : RaggedSequences or anything that as_sequences reads

        Returns
        -------
        list of ndarray of int, one a sequence, each of shape (n_tokens,)
            The first layer, counted from 0, at which the token attended to itself and its copies only; -1 for tokens that
            never did. A leader once is a leader for ever.
        """
        check_is_fitted(self)
        sequences = validate_sequences(self, X, reset=False)
        return np.split(self._run(sequences).leader_layers, sequences.offsets[1:-1])

    def to_transformer(self):
        """The explicit weights, `n_iter_` layers of one attention each.

        Returns
        -------
        Transformer
        """
        check_is_fitted(self)
        return self._flow.transformer(self.n_iter_)

    def encode(self, X):
        """The sequences that `to_transformer()` runs on: the tokens as they are.

        Parameters
        ----------
        X : RaggedSequences or anything that as_sequences reads

        Returns
        -------
        RaggedSequences
        """
        check_is_fitted(self)
        return validate_sequences(self, X, reset=False)

    def decode(self, tokens):
        """The moved tokens, which are what `apply` returns.

        Parameters
        ----------
        tokens : RaggedSequences
            ``apply(to_transformer(), encode(X))``.

        Returns
        -------
        RaggedSequences
            float64.

        Raises
        ------
        ValueError
            The tokens have another width.
        """
        check_is_fitted(self)
        tokens = as_sequences(tokens)
        check_network_output(tokens, self.n_features_in_)
        return tokens

    def get_feature_names_out(self, input_features=None):
        """Names of the features of an output token: those of the input.

        Parameters
        ----------
        input_features : array-like of str, optional

        Returns
        -------
        ndarray of str objects
        """
        check_is_fitted(self)
        return np.array(input_names(self, input_features), dtype=object)


def _like(sequences, moved):
    """Moved tokens with the dtype of the sequences."""
    return RaggedSequences(moved.tokens.astype(sequences.dtype, copy=False), moved.offsets)
