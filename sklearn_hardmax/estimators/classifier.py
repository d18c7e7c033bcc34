"""The classifier of sequences of any length."""

import time
import warnings

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state, compute_class_weight
from sklearn.utils.validation import check_is_fitted

from sklearn_hardmax.constructions.classification import build_classification
from sklearn_hardmax.constructions.construction import ConstructionError, SequenceConflictWarning, conflict_message
from sklearn_hardmax.estimators.validation import (
    VersionStamped,
    all_or_nothing,
    check_integer,
    check_option,
    validate_class_labels,
    validate_sequences,
)


class HardmaxTransformerClassifier(VersionStamped, ClassifierMixin, BaseEstimator):
    """Classify sequences of any length by a hardmax transformer whose weights are constructed, not trained.

    `fit` reads one number from each sequence (its code: the extreme value of a linear form over the tokens, a mean, or a
    weighted sum of token frequencies), sorts the codes and places a step between runs of different label. That is a hardmax
    transformer, which `to_transformer` writes out: it reproduces every training label, and its size depends on the number of
    sequences and not on their lengths.

    Parameters
    ----------
    n_heads : "auto" or 0, default="auto"
        Pooled features besides the code. This version has none: both mean code and decode alone.
    ordered : bool, default=True
        Whether the order of tokens tells anything. False: a function of the multiset of tokens and its frequencies. True:
        the relative position joins each token, so that any two different sequences can be told apart.
    alphas : "auto" or array-like of positive floats, default="auto"
        Ridge penalties for the heads; means nothing without heads.
    class_weight : dict, "balanced" or None, default=None
        Unseen sequences go to the class whose nearest training code, its distance divided by the weight of the class, is
        nearest; training labels stay exact. Weights are positive. With unequal weights the network may need up to 2 N + 1
        label runs.
    exact : bool, default=True
        Whether heads are corrected on the training data; means nothing without heads, where the construction is exact.
    on_conflict : {"warn", "raise"}, default="warn"
        Sequences that are equal, or closer than float64 resolves, under different labels: "warn" gives each group its
        majority label (of equally frequent ones the first in `classes_`) under one SequenceConflictWarning; "raise" raises
        ConstructionError.
    n_jobs : int, default=None
        Parallel jobs over batches of sequences; results do not depend on it.
    random_state : int, RandomState or None, default=None
        Draws the directions that are tried.
    verbose : int, default=0
        1 prints a line a stage with its time.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    n_features_in_ : int
        token_dim of the training sequences.
    feature_names_in_ : ndarray of str
        Column names, where X was a data frame.
    n_heads_, n_spikes_ : int
        0.
    n_blocks_, n_parameters_ : int
        Of `to_transformer()`; at most (3 N + 1) / 2 blocks and 16 D N parameters for N sequences, D the token_dim of the
        residual stream.
    margin_ : float
        How many times over the inequalities behind the training labels hold: gaps between attended and unattended scores in
        tie bounds, distances of training codes from the ends of ramps in rounding bounds.
    n_conflicts_ : int
        Groups of sequences with different labels that no network of this kind tells apart; 0 means that all training labels
        are reproduced.

    See Also
    --------
    sklearn_hardmax.constructions.build_classifier : The weights without an estimator.

    Notes
    -----
    Source: A. Alcalde, G. Fantuzzi, E. Zuazua, Exact Sequence Classification with Hardmax Transformers, arXiv 2502.02270v1.
    Cost of `fit`: a few passes over the tokens and sorts of the sequences, linear in the number of tokens; of `predict`: one
    pass over the tokens and a search, no layer loop. There is no `predict_proba`: use CalibratedClassifierCV.

    Examples
    --------
    >>> from sklearn_hardmax import HardmaxTransformerClassifier
    >>> X = [[[0., 1.], [2., 0.]], [[1., 1.]], [[0., 3.], [1., 1.], [2., 2.]]]
    >>> clf = HardmaxTransformerClassifier(random_state=0).fit(X, ["a", "b", "a"])
    >>> clf.score(X, ["a", "b", "a"])
    1.0
    >>> clf.to_transformer()
    Transformer(2 blocks, 3 layers, 57 parameters, width=3, token_dim=3)
    """

    def __init__(
        self,
        *,
        n_heads="auto",
        ordered=True,
        alphas="auto",
        class_weight=None,
        exact=True,
        on_conflict="warn",
        n_jobs=None,
        random_state=None,
        verbose=0,
    ):
        self.n_heads = n_heads
        self.ordered = ordered
        self.alphas = alphas
        self.class_weight = class_weight
        self.exact = exact
        self.on_conflict = on_conflict
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @all_or_nothing
    def fit(self, X, y):
        """Construct the transformer from labelled sequences.

        Parameters
        ----------
        X : RaggedSequences, list of 2-D arrays, 3-D array, 2-D array or data frame
            See `as_sequences`.
        y : array-like of shape (n_sequences,)
            Class labels: integers, strings, booleans.

        Returns
        -------
        HardmaxTransformerClassifier
            The estimator itself.

        Raises
        ------
        ValueError
            Unreadable sequences or labels, parameters out of range.
        ConstructionError
            on_conflict="raise" and sequences with different labels cannot be told apart.
        """
        self._check_parameters()
        log = _Log(self)
        sequences = validate_sequences(self, X, y=y, reset=True)
        self.classes_, labels = validate_class_labels(sequences, y)
        log(f"read {sequences!r}, {len(self.classes_)} classes")
        built, conflicts = build_classification(
            sequences,
            labels,
            self._class_weights(labels),
            ordered=self.ordered,
            rng=check_random_state(self.random_state),
            n_jobs=self.n_jobs,
            log=log,
        )
        self._tell(conflicts)
        self._classification = built
        self.n_conflicts_ = len(conflicts)
        self.n_heads_ = self.n_spikes_ = 0
        self.n_blocks_, self.n_parameters_ = built.n_blocks(), built.n_parameters()
        self.margin_ = built.margin
        log(f"done: {self.n_blocks_} blocks, {self.n_parameters_} parameters")
        return self

    def _check_parameters(self):
        if not (isinstance(self.n_heads, str) and self.n_heads == "auto"):
            check_integer(self.n_heads, "n_heads", 0)
            if self.n_heads > 0:
                raise ValueError(f"n_heads must be 'auto' or 0: this version builds no heads, got {self.n_heads}.")
        for name in ("ordered", "exact"):
            if not isinstance(getattr(self, name), (bool, np.bool_)):
                raise ValueError(f"{name} must be True or False, got {getattr(self, name)!r}.")
        if not (isinstance(self.alphas, str) and self.alphas == "auto"):
            alphas = np.asarray(self.alphas)
            if alphas.ndim != 1 or not len(alphas) or alphas.dtype.kind not in "fiu" or not (alphas > 0).all():
                raise ValueError(f"alphas must be 'auto' or a list of positive numbers, got {self.alphas!r}.")
        if not (self.class_weight is None or isinstance(self.class_weight, dict)):
            check_option(self.class_weight, "class_weight", ("balanced", None))
        check_option(self.on_conflict, "on_conflict", ("warn", "raise"))
        check_integer(int(self.verbose) if isinstance(self.verbose, bool) else self.verbose, "verbose", 0)

    def _class_weights(self, labels):
        """One positive weight a class."""
        weights = compute_class_weight(self.class_weight, classes=self.classes_, y=self.classes_[labels])
        if not (np.isfinite(weights) & (weights > 0)).all():
            raise ValueError(f"class_weight must be positive, got {self.class_weight!r}.")
        return weights

    def _tell(self, conflicts):
        if not conflicts:
            return
        message = conflict_message(conflicts)
        if self.on_conflict == "raise":
            raise ConstructionError(message + "; remove or relabel them, or use on_conflict='warn'.")
        warnings.warn(
            message + "; each group was given its majority label.",
            SequenceConflictWarning,
            stacklevel=4,
        )

    def _codes(self, X):
        check_is_fitted(self)
        return self._classification.codes(validate_sequences(self, X, reset=False), self.n_jobs)

    def predict(self, X):
        """Class label of each sequence: one code and one search, no layer loop.

        Parameters
        ----------
        X : RaggedSequences or anything that as_sequences reads
            Of any lengths; token_dim as at fit.

        Returns
        -------
        ndarray of shape (n_sequences,)
            The labels of ``read_labels(apply(to_transformer(), encode(X)))``.
        """
        codes = self._codes(X)
        return self.classes_[self._classification.labels_of(codes)]

    def decision_function(self, X):
        """Minus the distance of the code to the nearest training run of each class, over the weight of the class.

        Codes lie on the line from 1 to 2.

        Parameters
        ----------
        X : RaggedSequences or anything that as_sequences reads

        Returns
        -------
        ndarray of shape (n_sequences, n_classes), or (n_sequences,) with two classes
            With two classes the distance to the first less the distance to the second. A class that lost all its sequences
            in conflicts is at distance 2.
        """
        codes = self._codes(X)
        distances = self._classification.distances(codes)
        if len(self.classes_) <= 2:
            return distances[:, 0] - distances[:, 1] if len(self.classes_) == 2 else -distances[:, 0]
        return -distances

    def to_transformer(self, max_width=4):
        """The explicit weights.

        Parameters
        ----------
        max_width : int of at least 4, or None, default=4
            Largest number of hidden units of a layer; None packs all units of a stage into one wide layer.

        Returns
        -------
        Transformer
            With ``n_blocks_`` blocks and ``n_parameters_`` parameters at max_width=4. Checked on every run of training codes
            before it is returned.

        Raises
        ------
        MemoryError
            The weights would take more than 2 GiB; the message says how much.
        """
        check_is_fitted(self)
        return self._classification.transformer(max_width)

    def encode(self, X):
        """The sequences that `to_transformer()` runs on: scaled tokens, position, zeros up to its token_dim.

        Returns
        -------
        RaggedSequences
            float64. Scaling is a shift and a power of two a feature; features beyond 2^20 training half-ranges end there.
        """
        check_is_fitted(self)
        return self._classification.encode(validate_sequences(self, X, reset=False))

    def read_labels(self, tokens):
        """Class label of each sequence from what `apply` returns: the binary digits of the class index, in every token.

        Parameters
        ----------
        tokens : RaggedSequences
            ``apply(to_transformer(), encode(X))``.

        Returns
        -------
        ndarray of shape (n_sequences,)

        Raises
        ------
        ValueError
            The tokens have another width, or tokens of one sequence disagree.
        """
        check_is_fitted(self)
        return self.classes_[self._classification.read(tokens)]


class _Log:
    """Prints a line a stage with the seconds since the last, under verbose."""

    def __init__(self, estimator):
        self.name, self.on, self.last = type(estimator).__name__, estimator.verbose, time.perf_counter()

    def __call__(self, text):
        now = time.perf_counter()
        if self.on:
            print(f"[{self.name}] {text} ({now - self.last:.2f} s)")
        self.last = now
