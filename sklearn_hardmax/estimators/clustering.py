"""LeaderClustering: cluster the rows of a matrix by letting them move to leaders through hardmax attention."""

from __future__ import annotations

import warnings
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import validate_data

from sklearn_hardmax._typing import BoolArray, FloatArray, IntArray
from sklearn_hardmax.constructions.common.construction import as_network_output
from sklearn_hardmax.constructions.leaders.flow import Flow
from sklearn_hardmax.estimators._bases import BaseEstimator, ClusterMixin
from sklearn_hardmax.estimators._mixins import VersionedMixin
from sklearn_hardmax.estimators.transactions import reads_one_fit, transactional_fit
from sklearn_hardmax.estimators.validation import check_integer, check_positive
from sklearn_hardmax.sequences import RaggedSequences, SequencesLike
from sklearn_hardmax.transformer import Transformer


class LeaderClustering(VersionedMixin, ClusterMixin, BaseEstimator):
    """Cluster the rows of X by attention alone: rows that move to the same limit are one cluster.

    The rows are the tokens z_i of one sequence. In every layer a row moves alpha / (1 + alpha) of the way to the mean of
    the rows z_l with the largest score <A z_i, z_l>. Rows for which these are only the row itself and its copies are
    leaders: they stay, and the others gather around them. The number of clusters follows from the data. Clusters lie in
    directions from the origin; centre X first if its origin is arbitrary.

    Parameters
    ----------
    alpha : float, default=1.0
        Step size, positive. With a small one, more rows can become leaders on the way.
    A : array-like of shape (n_features, n_features), default=None
        Symmetric positive definite matrix of the scores; None is the identity.
    max_iter : int, default=1000
        Largest number of layers.
    tol : float, default=1e-8
        Allowed distance of the rows from their limits, relative to the largest norm of a row, in the norm of A. Rows that end
        within twice that distance of each other are one cluster.

    Attributes
    ----------
    labels_ : ndarray of shape (n_samples,), int64
        Cluster of each row, numbered by first appearance.
    cluster_centers_ : ndarray of shape (n_clusters, n_features)
        Limit of the rows of each cluster: its leader, or the mean of its rows if a tie holds them between leaders.
    leader_indices_ : ndarray of int, shape (n_leaders,)
        Rows that are leaders at some layer, ascending.
    is_leader_ : ndarray of shape (n_samples,), bool
        Whether each row is one of them.
    leader_layers_ : ndarray of shape (n_samples,), int64
        First layer, counted from 0, at which each row is a leader; -1 for none.
    n_iter_ : int
        Number of layers.
    n_features_in_ : int
        Number of features of a row.
    feature_names_in_ : ndarray of str
        Column names, if X was a data frame.

    See Also
    --------
    LeaderFlow : The same flow for many sequences.
    sklearn_hardmax.plotting.TokenFlowDisplay : The paths of the rows.

    Notes
    -----
    Source: A. Alcalde, G. Fantuzzi, E. Zuazua, arXiv 2407.01602. Scores tie if they are equal up to rounding errors. Scaling
    X changes no label, nor does rotating it if A is the identity. The distance of a row to the leader that it attends to
    shrinks by the factor 1 / (1 + alpha) per layer. Cost: O(n^2 n_features) per layer for n distinct rows, memory O(n).
    There is no `predict`, because a new row could change the limits of the others.

    Examples
    --------
    >>> from sklearn_hardmax import LeaderClustering
    >>> X = [[3., 0.], [1., .2], [0., 3.], [.1, 1.]]
    >>> clustering = LeaderClustering().fit(X)
    >>> clustering.labels_, clustering.leader_indices_
    (array([0, 0, 1, 1]), array([0, 2]))
    """

    labels_: IntArray
    cluster_centers_: FloatArray
    leader_indices_: IntArray
    is_leader_: BoolArray
    leader_layers_: IntArray
    n_iter_: int
    _flow: Flow

    def __init__(
        self, *, alpha: float = 1.0, A: ArrayLike | None = None, max_iter: int = 1000, tol: float = 1e-8
    ) -> None:
        self.alpha = alpha
        self.A = A
        self.max_iter = max_iter
        self.tol = tol

    @transactional_fit
    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Self:
        """Move the rows to their limits, and find leaders and clusters.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows, tokens of one sequence.
        y : array-like, default=None
            Ignored.

        Returns
        -------
        LeaderClustering
            The estimator itself.

        Raises
        ------
        ValueError
            X is not a finite matrix, a parameter is out of range, or A is not symmetric positive definite.

        Warns
        -----
        ConvergenceWarning
            After max_iter layers a row is not within tol of its limit.
        """
        check_integer(self.max_iter, "max_iter", 1)
        check_positive(self.tol, "tol")
        # scikit-learn's check for infinity sums X, and huge entries of both signs give inf - inf
        with np.errstate(invalid="ignore"):
            rows = validate_data(self, X, dtype=np.float64)
        flow = Flow.from_parameters(rows.shape[1], self.alpha, self.A)
        run = flow.converge(RaggedSequences(rows, [0, len(rows)]), self.tol, self.max_iter)
        if run.distance_to_limit[0] > self.tol:
            warnings.warn(
                f"Rows are not within tol={self.tol} of their limits after max_iter={self.max_iter} layers; the "
                f"largest distance is {run.distance_to_limit[0]:.3g}, and rows of one cluster may be counted as several.",
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

    fit_predict = transactional_fit(ClusterMixin.fit_predict)

    @reads_one_fit
    def to_transformer(self) -> Transformer:
        """The weights of the flow as a Transformer: `n_iter_` layers of one attention each.

        Returns
        -------
        Transformer
        """
        return self._flow.transformer(self.n_iter_)

    @reads_one_fit
    def encode(self, X: ArrayLike) -> RaggedSequences:
        """Turn X into the input of `to_transformer()`: one sequence, whose tokens are the rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        RaggedSequences
            One sequence of n_samples tokens, float64.
        """
        rows = validate_data(self, X, dtype=np.float64, reset=False)
        return RaggedSequences(rows, [0, len(rows)])

    @reads_one_fit
    def decode(self, tokens: SequencesLike) -> IntArray:
        """Cluster of each row from the output of the transformer: tokens that end in one place are one cluster.

        Parameters
        ----------
        tokens : RaggedSequences
            ``apply(to_transformer(), encode(X))``, one sequence.

        Returns
        -------
        ndarray of shape (n_samples,), int64
            Clusters, numbered by first appearance. For the rows that were fitted these are `labels_`, unless squares of the
            rows overflow or underflow, which is harmless in `fit` but not in `apply`. Other rows are clustered as if they had
            been fitted, if `n_iter_` layers are enough for them.

        Raises
        ------
        ValueError
            The tokens do not have the width of the network, or are more than one sequence.
        """
        tokens = as_network_output(tokens, self.n_features_in_)
        if len(tokens) != 1:
            raise ValueError(f"tokens must be one sequence, got {len(tokens)}.")
        return self._flow.clusters(tokens.tokens, self.tol)
