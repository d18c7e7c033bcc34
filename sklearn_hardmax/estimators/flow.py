"""LeaderFlow: move the tokens of each sequence towards its leaders by layers of hardmax attention."""

from __future__ import annotations

import warnings
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.exceptions import ConvergenceWarning

from sklearn_hardmax._typing import IntArray
from sklearn_hardmax.constructions.common.construction import as_network_output
from sklearn_hardmax.constructions.leaders.flow import Flow
from sklearn_hardmax.estimators._bases import BaseEstimator, TransformerMixin
from sklearn_hardmax.estimators._mixins import SameFeaturesMixin, VersionedMixin
from sklearn_hardmax.estimators.transactions import reads_one_fit, transactional_fit
from sklearn_hardmax.estimators.validation import check_integer, check_positive, validate_sequences
from sklearn_hardmax.sequences import RaggedSequences, SequencesLike
from sklearn_hardmax.sequences.messages import format_indices
from sklearn_hardmax.transformer import Transformer


class LeaderFlow(SameFeaturesMixin, VersionedMixin, TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):
    """Move the tokens of each sequence towards its leaders, by attention alone.

    Every token z_i attends to the tokens z_l of its sequence with the largest score <A z_i, z_l>. A layer moves it alpha /
    (1 + alpha) of the way to their mean. A token that attends only to itself and its copies is a leader: it stays where it
    is, and the other tokens gather around the leaders.

    Parameters
    ----------
    alpha : float, default=1.0
        Step size, positive.
    depth : int or None, default=8
        Number of layers. None: each sequence goes through layers until it is within `tol` of its limit.
    A : array-like of shape (token_dim, token_dim), default=None
        Symmetric positive definite matrix of the scores; None is the identity.
    max_iter : int, default=1000
        Largest number of layers if depth is None, and in `limits`.
    tol : float, default=1e-8
        Allowed distance to the limit if depth is None, and in `limits`: relative to the largest norm in the sequence, in the
        norm of A. After a step of length s a token is at distance s / alpha from its limit.

    Attributes
    ----------
    n_iter_ : int
        Number of layers; if depth is None the most that a training sequence needed.
    n_features_in_ : int
        token_dim of the training sequences, the number of features of a token.
    feature_names_in_ : ndarray of str
        Column names, if X was a data frame.

    See Also
    --------
    LeaderClustering : Cluster the rows of a matrix by the same flow.
    sklearn_hardmax.plotting.TokenFlowDisplay : The paths of the tokens of one sequence.
    sklearn_hardmax.constructions.build_leader_flow : The weights without an estimator.

    Notes
    -----
    Source: A. Alcalde, G. Fantuzzi, E. Zuazua, Clustering in pure-attention hardmax transformers and its role in sentiment
    analysis, arXiv 2407.01602. Nothing is learned from the training tokens and nothing is centred: directions count from the
    origin. A zero token attends to all tokens. The tokens of a sequence move to the same bits alone and in any batch. The
    output has the dtype of the input. Cost: O(n^2 token_dim) per layer for a sequence of n distinct tokens; memory O(n).
    `set_output` changes nothing: a ragged output has no data frame.

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

    n_iter_: int
    _flow: Flow

    def __init__(
        self,
        *,
        alpha: float = 1.0,
        depth: int | None = 8,
        A: ArrayLike | None = None,
        max_iter: int = 1000,
        tol: float = 1e-8,
    ) -> None:
        self.alpha = alpha
        self.depth = depth
        self.A = A
        self.max_iter = max_iter
        self.tol = tol

    @transactional_fit
    def fit(self, X: SequencesLike, y: ArrayLike | None = None) -> Self:
        """Check parameters and tokens; if depth is None, count the layers that the sequences need.

        Parameters
        ----------
        X : RaggedSequences, list of 2-D arrays, 3-D array, 2-D array or data frame
            See `as_sequences`.
        y : array-like, default=None
            Ignored.

        Returns
        -------
        LeaderFlow
            The estimator itself.

        Raises
        ------
        ValueError
            Sequences cannot be read, a parameter is out of range, or A is not symmetric positive definite.
        """
        self._fit(X)
        return self

    @transactional_fit
    def fit_transform(self, X: SequencesLike, y: ArrayLike | None = None) -> RaggedSequences:
        """Fit to sequences, and move their tokens.

        Parameters
        ----------
        X : RaggedSequences or anything that as_sequences reads
        y : array-like, default=None
            Ignored.

        Returns
        -------
        RaggedSequences
        """
        sequences, run = self._fit(X)
        if run is None:
            run = self._run(sequences)
        return _like(sequences, run.tokens)

    def _fit(self, X):
        """The sequences, and their FlowRun if it was needed to count layers, else None."""
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
        """FlowRun (constructions/leaders/flow.py) through n_iter_ layers, or to the limits."""
        if self.depth is not None:
            return self._flow.run(sequences, self.n_iter_)
        return self._converged(sequences)

    def _converged(self, sequences, stacklevel=5):
        """FlowRun to the limits; ConvergenceWarning for sequences that do not get there."""
        run = self._flow.converge(sequences, self.tol, self.max_iter)
        late = np.flatnonzero(run.distance_to_limit > self.tol)
        if len(late):
            warnings.warn(
                f"Sequences {format_indices(late)} are not within tol={self.tol} of their limits after max_iter="
                f"{self.max_iter} layers; the largest distance is {run.distance_to_limit.max():.3g}.",
                ConvergenceWarning,
                stacklevel=stacklevel,
            )
        return run

    @reads_one_fit
    def transform(self, X: SequencesLike) -> RaggedSequences:
        """Move the tokens.

        Parameters
        ----------
        X : RaggedSequences or anything that as_sequences reads
            Sequences of any lengths, with the token_dim of the training sequences.

        Returns
        -------
        RaggedSequences
            If depth is an integer, equal to ``decode(apply(to_transformer(), encode(X)))`` in the dtype of X, unless squares
            of the tokens overflow or underflow, which is harmless here but not there.

        Warns
        -----
        ConvergenceWarning
            The depth is None, and after max_iter layers a sequence is not within tol of its limit.
        """
        sequences = validate_sequences(self, X, reset=False)
        return _like(sequences, self._run(sequences).tokens)

    @reads_one_fit
    def leader_layers(self, X: SequencesLike) -> list[IntArray]:
        """First layer at which each token is a leader.

        Parameters
        ----------
        X : RaggedSequences or anything that as_sequences reads

        Returns
        -------
        list of ndarray of int, one per sequence, each of shape (n_tokens,)
            The first layer, counted from 0, at which the token attends only to itself and its copies; -1 for a token that
            never does. A leader stays a leader in all later layers.
        """
        sequences = validate_sequences(self, X, reset=False)
        return np.split(self._run(sequences).leader_layers, sequences.offsets[1:-1])

    @reads_one_fit
    def limits(self, X: SequencesLike) -> list[IntArray]:
        """For each token an index of the limit that it moves to, whatever the depth.

        Parameters
        ----------
        X : RaggedSequences or anything that as_sequences reads

        Returns
        -------
        list of ndarray of int, one per sequence, each of shape (n_tokens,)
            Limits of a sequence are numbered by first appearance; tokens with one index have the same limit. These are the
            `labels_` of LeaderClustering, with the same parameters, on the tokens of each sequence.

        Warns
        -----
        ConvergenceWarning
            After max_iter layers a sequence is not within tol of its limit; its limits may then be counted too often.

        Examples
        --------
        >>> from sklearn_hardmax import LeaderFlow
        >>> X = [[[2., 0.], [0., 2.], [1., 0.5]], [[1., 1.]]]
        >>> LeaderFlow().fit(X).limits(X)
        [array([0, 1, 0]), array([0])]
        """
        tokens = self._converged(validate_sequences(self, X, reset=False), stacklevel=4).tokens
        return [self._flow.clusters(ends, self.tol) for ends in tokens]

    @reads_one_fit
    def to_transformer(self) -> Transformer:
        """The weights of the flow as a Transformer: `n_iter_` layers of one attention each.

        Returns
        -------
        Transformer
        """
        return self._flow.transformer(self.n_iter_)

    @reads_one_fit
    def encode(self, X: SequencesLike) -> RaggedSequences:
        """Turn X into the input of `to_transformer()`: the tokens as they are.

        Parameters
        ----------
        X : RaggedSequences or anything that as_sequences reads

        Returns
        -------
        RaggedSequences
        """
        return validate_sequences(self, X, reset=False)

    @reads_one_fit
    def decode(self, tokens: SequencesLike) -> RaggedSequences:
        """The moved tokens from the output of the transformer, which are that output.

        Parameters
        ----------
        tokens : RaggedSequences
            ``apply(to_transformer(), encode(X))``.

        Returns
        -------
        RaggedSequences
            The tokens, float64.

        Raises
        ------
        ValueError
            The tokens do not have the width of the network.
        """
        return as_network_output(tokens, self.n_features_in_)


def _like(sequences, moved):
    """Moved tokens with the dtype, the ids and the names of the sequences."""
    tokens = moved.tokens.astype(sequences.dtype, copy=False)
    return RaggedSequences(tokens, moved.offsets, ids=sequences.ids, feature_names=sequences.feature_names)
