"""Rows of a matrix that gather around leaders: the clusterer."""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_hardmax.constructions.common.construction import check_network_output
from sklearn_hardmax.constructions.leaders.flow import Flow
from sklearn_hardmax.estimators._bases import BaseEstimator, ClusterMixin
from sklearn_hardmax.estimators._mixins import VersionedMixin
from sklearn_hardmax.estimators.transactions import transactional_fit
from sklearn_hardmax.estimators.validation import check_integer, check_positive
from sklearn_hardmax.sequences import RaggedSequences, as_sequences


class LeaderClustering(VersionedMixin, ClusterMixin, BaseEstimator):
    """Cluster the rows of X by attention alone: they flow to their leaders, and what ends in one place is one cluster.

    The rows are the tokens of one sequence. Leaders, and how many there are, come out of the flow: no number of clusters is
    asked for. Clusters lie in directions from the origin, so centre X first where the origin means nothing.

    Parameters
    ----------
    alpha : float, default=1.0
        Step size, positive. A small one lets more leaders emerge on the way.
    A : array-like of shape (n_features, n_features), default=None
        Symmetric positive definite matrix of the scores <A z_i, z_l>; None is the identity.
    max_iter : int, default=1000
        Most layers.
    tol : float, default=1e-8
        The distance to the limits that is allowed, over the largest norm of a row, in the norm of A. Rows whose ends are
        within twice that distance are one cluster.

    Attributes
    ----------
    labels_ : ndarray of shape (n_samples,), int64
        Cluster of each row, numbered by first appearance.
    cluster_centers_ : ndarray of shape (n_clusters, n_features)
        Where the rows of each cluster end: at its leader, or, where a tie holds them between leaders, at their mean.
    leader_indices_ : ndarray of int
        Rows that were leaders at some layer, ascending.
    is_leader_ : ndarray of shape (n_samples,), bool
    leader_layers_ : ndarray of shape (n_samples,), int64
        The first layer, counted from 0, at which a row was a leader; -1 for none.
    n_iter_ : int
        Layers.
    n_features_in_ : int
    feature_names_in_ : ndarray of str

    See Also
    --------
    LeaderFlow : The same flow for many sequences.

    Notes
    -----
    Source: A. Alcalde, G. Fantuzzi, E. Zuazua, arXiv 2407.01602. Leaders are told by exact ties; scaling X, and rotating it
    where A is the identity, changes no label. Rows that follow a leader approach it by 1 / (1 + alpha) a layer. Cost:
    O(n^2 n_features) a layer for n distinct rows, memory O(n). There is no `predict`: a new row would lead others elsewhere.

    Examples
    --------
    >>> from sklearn_hardmax import LeaderClustering
    >>> X = [[3., 0.], [1., .2], [0., 3.], [.1, 1.]]
    >>> clustering = LeaderClustering().fit(X)
    >>> clustering.labels_, clustering.leader_indices_
    (array([0, 0, 1, 1]), array([0, 2]))
    """

    def __init__(self, *, alpha=1.0, A=None, max_iter=1000, tol=1e-8):
        self.alpha = alpha
        self.A = A
        self.max_iter = max_iter
        self.tol = tol

    @transactional_fit
    def fit(self, X, y=None):
        """Let the rows flow.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            One set of tokens.
        y : ignored

        Returns
        -------
        LeaderClustering
            The estimator itself.

        Raises
        ------
        ValueError
            X is no finite matrix, parameters out of range, A that is not symmetric positive definite.

        Warns
        -----
        ConvergenceWarning
            After max_iter layers a row is not within tol of its limit.
        """
        check_integer(self.max_iter, "max_iter", 1)
        check_positive(self.tol, "tol")
        with np.errstate(invalid="ignore"):  # scikit-learn adds X up, and huge entries of both signs give inf - inf
            X = validate_data(self, X, dtype=np.float64)
        flow = Flow.from_parameters(X.shape[1], self.alpha, self.A)
        run = flow.converge(RaggedSequences(X, [0, len(X)]), self.tol, self.max_iter)
        if run.distance_to_limit[0] > self.tol:
            warnings.warn(
                f"Rows are not within tol={self.tol} of their limits after max_iter={self.max_iter} layers, but "
                f"{run.distance_to_limit[0]:.3g} distance_to_limit; their clusters may be more than there are.",
                ConvergenceWarning,
                stacklevel=3,
            )
        self.n_iter_ = int(run.n_iter[0])
        self.leader_layers_ = run.leader_layers
        self.is_leader_ = run.leader_layers >= 0
        self.leader_indices_ = np.flatnonzero(self.is_leader_)
        self._flow = flow
        self.labels_ = flow.clusters(run.tokens.tokens, self.tol)
        self.cluster_centers_ = flow.centers(run, self.labels_)
        return self

    def to_transformer(self):
        """The explicit weights: `n_iter_` layers of one attention each.

        Returns
        -------
        Transformer
        """
        check_is_fitted(self)
        return self._flow.transformer(self.n_iter_)

    def encode(self, X):
        """The one sequence that `to_transformer()` runs on: the rows of X are its tokens.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        RaggedSequences
            One sequence of n_samples tokens, float64.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return RaggedSequences(X, [0, len(X)])

    def decode(self, tokens):
        """Cluster of each token that `apply` returns; tokens that end in one place share one.

        Parameters
        ----------
        tokens : RaggedSequences
            ``apply(to_transformer(), encode(X))``, one sequence.

        Returns
        -------
        ndarray of shape (n_samples,), int64
            For the rows that were fitted, `labels_`.

        Raises
        ------
        ValueError
            The tokens have another width, or are more than one sequence.
        """
        check_is_fitted(self)
        tokens = as_sequences(tokens)
        check_network_output(tokens, self.n_features_in_)
        if len(tokens) != 1:
            raise ValueError(f"tokens must be one sequence, got {len(tokens)}.")
        return self._flow.clusters(tokens.tokens, self.tol)
