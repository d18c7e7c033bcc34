"""The classifier of sequences of any length."""

import warnings
from collections.abc import Mapping
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state, compute_class_weight
from sklearn.utils.validation import check_is_fitted

from sklearn_hardmax._typing import AnyArray, AttentionKind, Auto, FloatArray, RandomStateLike
from sklearn_hardmax.constructions.classification.build import build_classification
from sklearn_hardmax.constructions.classification.code_classifier import CodeClassifier
from sklearn_hardmax.constructions.common.construction import (
    ConstructionError,
    SequenceConflictWarning,
    conflict_message,
)
from sklearn_hardmax.constructions.common.temperatures import validate_temperature
from sklearn_hardmax.constructions.heads.sampling import default_n_heads
from sklearn_hardmax.constructions.scoring.build import build_scoring
from sklearn_hardmax.constructions.scoring.explanation import Explainer
from sklearn_hardmax.constructions.scoring.pooled_classifier import PooledClassifier
from sklearn_hardmax.estimators._bases import BaseEstimator, ClassifierMixin
from sklearn_hardmax.estimators._mixins import BuiltNetworkMixin, Progress, check_verbose
from sklearn_hardmax.estimators.transactions import transactional_fit
from sklearn_hardmax.estimators.validation import (
    check_flag,
    check_integer,
    check_option,
    validate_class_labels,
    validate_sequences,
)
from sklearn_hardmax.sequences import SequencesLike
from sklearn_hardmax.transformer import Transformer

ALPHAS = np.logspace(-3, 5, 13)  # ridge penalties that alphas="auto" chooses from


class HardmaxTransformerClassifier(BuiltNetworkMixin, ClassifierMixin, BaseEstimator):
    """Classify sequences of any length by a hardmax transformer whose weights are constructed, not trained.

    `fit` pools numbers from the tokens of each sequence (heads: largest values, which are hardmax leader reads, and shares of
    tokens above a bias), solves one ridge regression on them in closed form, and adds a correction around the code of every
    training sequence that would be lost. All of it is one hardmax transformer, which `to_transformer` writes out: it
    reproduces every training label, and its size depends on the number of heads and sequences and not on their lengths.

    Parameters
    ----------
    n_heads : "auto" or int, default="auto"
        Pooled features (not attention heads side by side: a leader read is one attention layer). "auto" is
        min(64 n_sequences, 8000). 0 is the construction of the paper alone, code and decode, which memorises and does not
        generalise.
    ordered : bool, default=True
        Whether the order of tokens tells anything. False: a function of the multiset of tokens and its frequencies. True:
        tokens are read through dilated windows and their relative position, so that any two different sequences can be told
        apart. Where all training sequences have one token, there is no order.
    alphas : "auto" or array-like of positive floats, default="auto"
        Ridge penalties to choose from by leave-one-out; "auto" is np.logspace(-3, 5, 13). Means nothing without heads.
    class_weight : dict, "balanced" or None, default=None
        Positive weights. With heads those of the training sequences in the ridge regression. Without heads unseen sequences
        go to the class whose nearest training code, its distance divided by the weight of the class, is nearest, and the
        network may need up to 2 N + 1 label runs. Training labels stay exact.
    exact : bool, default=True
        Whether corrections correct the ridge regression on the training sequences. False: no corrections, and conflicts are not looked
        for. Means nothing without heads, where the construction is exact.
    on_conflict : {"warn", "raise"}, default="warn"
        Sequences that are equal, or closer than float64 resolves, under different labels: "warn" gives each group its
        majority label (of equally frequent ones the first in `classes_`) under one SequenceConflictWarning; "raise" raises
        ConstructionError.
    attention : {"hardmax", "softmax"}, default="hardmax"
        How leader reads choose: the largest score, or softmax weights at so small a temperature that labels stay exact. Size
        and parameters of the network are the same.
    temperature : "auto" or float, default="auto"
        Of the softmax; "auto" is the largest at which the training labels are certified, and 2^-10 at most with heads, whose
        leader reads then return the largest integer score itself. Means nothing with hardmax.
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
    n_heads_, n_corrections_ : int
        Heads, and corrections that correct them on training sequences: where the score of the label is not the largest one, or
        leads by a hundredth of the largest or less.
    n_blocks_, n_parameters_ : int
        Of `to_transformer()`; without heads at most (3 N + 1) / 2 blocks and 16 D N parameters for N sequences, D the
        token_dim of the residual stream.
    temperature_ : float
        Of the leader reads, 0 with hardmax.
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
    >>> HardmaxTransformerClassifier(n_heads=0, random_state=0).fit(X, ["a", "b", "a"]).to_transformer()
    Transformer(2 blocks, 3 layers, 57 parameters, width=3, token_dim=3)
    """

    classes_: AnyArray
    n_heads_: int
    n_corrections_: int
    temperature_: float
    margin_: float
    n_conflicts_: int
    _built: CodeClassifier | PooledClassifier

    def __init__(
        self,
        *,
        n_heads: int | Auto = "auto",
        ordered: bool = True,
        alphas: ArrayLike | Auto = "auto",
        class_weight: Mapping[Any, float] | Literal["balanced"] | None = None,
        exact: bool = True,
        on_conflict: Literal["warn", "raise"] = "warn",
        attention: AttentionKind = "hardmax",
        temperature: float | Auto = "auto",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
        verbose: int = 0,
    ) -> None:
        self.n_heads = n_heads
        self.ordered = ordered
        self.alphas = alphas
        self.class_weight = class_weight
        self.exact = exact
        self.on_conflict = on_conflict
        self.attention = attention
        self.temperature = temperature
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @transactional_fit
    def fit(self, X: SequencesLike, y: ArrayLike) -> Self:
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
            on_conflict="raise" and sequences with different labels cannot be told apart; a temperature above the largest
            admissible one.
        """
        self._check_parameters()
        temperature = validate_temperature(self.attention, self.temperature)
        log = Progress(self)
        sequences = validate_sequences(self, X, y=y, reset=True)
        self.classes_, labels = validate_class_labels(sequences, y)
        log(f"read {sequences!r}, {len(self.classes_)} classes")
        rng, weights = check_random_state(self.random_state), self._class_weights(labels)
        common = {"ordered": self.ordered, "rng": rng, "temperature": temperature, "n_jobs": self.n_jobs, "log": log}
        n_heads = default_n_heads(len(sequences)) if isinstance(self.n_heads, str) else int(self.n_heads)
        if n_heads == 0:
            built, conflicts = build_classification(sequences, labels, weights, **common)
        else:
            built, conflicts = build_scoring(
                sequences, labels, weights, n_heads=n_heads, alphas=self._penalties(), exact=self.exact, **common
            )
        self._tell(conflicts)
        self._built = built
        self.n_conflicts_ = len(conflicts)
        self.n_heads_, self.n_corrections_ = n_heads, built.n_corrections
        self.margin_, self.temperature_ = built.margin, built.temperature
        if log.on:
            log(f"done: {self.n_blocks_} blocks, {self.n_parameters_} parameters")
        return self

    def _check_parameters(self):
        if not (isinstance(self.n_heads, str) and self.n_heads == "auto"):
            check_integer(self.n_heads, "n_heads", 0)
        check_flag(self.ordered, "ordered")
        check_flag(self.exact, "exact")
        if not (isinstance(self.alphas, str) and self.alphas == "auto"):
            alphas = np.asarray(self.alphas)
            if alphas.ndim != 1 or not len(alphas) or alphas.dtype.kind not in "fiu" or not self._positive(alphas):
                raise ValueError(f"alphas must be 'auto' or a list of positive finite numbers, got {self.alphas!r}.")
        if not (self.class_weight is None or isinstance(self.class_weight, dict)):
            check_option(self.class_weight, "class_weight", ("balanced", None))
        check_option(self.on_conflict, "on_conflict", ("warn", "raise"))
        check_verbose(self.verbose)

    @staticmethod
    def _positive(numbers):
        return (np.isfinite(numbers) & (numbers > 0)).all()

    def _penalties(self):
        return ALPHAS if isinstance(self.alphas, str) else np.asarray(self.alphas, dtype=np.float64)

    def _class_weights(self, labels):
        """One positive weight a class."""
        weights = compute_class_weight(self.class_weight, classes=self.classes_, y=self.classes_[labels])
        if not self._positive(weights):
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

    def predict(self, X: SequencesLike) -> AnyArray:
        """Class label of each sequence: a fast path, no layer loop.

        Parameters
        ----------
        X : RaggedSequences or anything that as_sequences reads
            Of any lengths; token_dim as at fit.

        Returns
        -------
        ndarray of shape (n_sequences,)
            The labels of ``decode(apply(to_transformer(), encode(X)))``, unless the two largest scores of an unseen
            sequence are equal up to rounding; the same for any batch, order and n_jobs.
        """
        check_is_fitted(self)
        return self.classes_[self._built.labels(validate_sequences(self, X, reset=False), self.n_jobs)]

    def decision_function(self, X: SequencesLike) -> FloatArray:
        """Score of every class.

        With heads the ridge regression's score, about 1 for the class and -1 for others, plus corrections. Without heads minus the
        distance of the code to the nearest training run of each class, over the weight of the class; codes lie on the line
        from 1 to 2, and a class that lost all its sequences in conflicts is at distance 2.

        Parameters
        ----------
        X : RaggedSequences or anything that as_sequences reads

        Returns
        -------
        ndarray of shape (n_sequences, n_classes), or (n_sequences,) with two classes
            With two classes half the difference of the scores with heads, the difference without.
        """
        check_is_fitted(self)
        scores = self._built.scores(validate_sequences(self, X, reset=False), self.n_jobs)
        if len(self.classes_) > 2:
            return scores
        if len(self.classes_) == 1:
            return scores[:, 0]
        return (scores[:, 1] - scores[:, 0]) / (2 if self.n_heads_ else 1)

    def explain(self, X: SequencesLike, top: int | None = 5) -> list[AnyArray]:
        """What decided: for every sequence and class the heads that mattered, and the token that each leader read took.

        Parameters
        ----------
        X : RaggedSequences or anything that as_sequences reads
        top : int or None, default=5
            Heads a class, by the size of their contribution; None gives all heads. On series most heads are shares, which
            have no leader: None and ``["leader"] >= 0`` give the leader reads.

        Returns
        -------
        list of structured arrays, one a sequence
            For each class its heads by falling size of the contribution, then the intercept, then the correction where there is
            one, with the fields

            - "class": the class;
            - "head": index of the head, -1 for the intercept, -2 for the correction;
            - "kind": "max" (a leader read), "ppv", "mean", "intercept", "correction";
            - "name": what it reads, as HardmaxPooling names it;
            - "contribution": what it adds to `decision_function`, beside the average over the training sequences;
            - "leader": index of the token that a leader read took (with softmax too: all other weights are 0 in float64), -1
              for ppv and mean;
            - "value": that token, shape ``(n_features_in_,)``, nan where there is none.

            With top=None the contributions of a class add up to `decision_function`. With two classes there is one decision:
            rows are of the second class, positive contributions speak for it.

        Raises
        ------
        ValueError
            Fitted without heads: then one code decides, see `plotting.CodeLineDisplay`.

        Examples
        --------
        >>> from sklearn_hardmax import HardmaxTransformerClassifier
        >>> X = [[[0.], [9.], [1.]], [[1.], [0.]], [[0.], [1.], [8.]], [[0.]]]
        >>> clf = HardmaxTransformerClassifier(ordered=False, random_state=0).fit(X, ["peak", "flat", "peak", "flat"])
        >>> found = clf.explain([[[0.], [8.5]]], top=None)[0]
        >>> reads = found[found["leader"] >= 0]  # leader reads, the strongest first
        >>> reads["kind"][0], reads["value"][0]
        ('max', array([8.5]))
        """
        check_is_fitted(self)
        if not self.n_heads_:
            raise ValueError("explain needs heads: without them one code decides; plotting.CodeLineDisplay shows it.")
        if top is not None:
            check_integer(top, "top", 1)
        sequences = validate_sequences(self, X, reset=False)
        explainer = Explainer(self._built, self.classes_, getattr(self, "feature_names_in_", None))
        return [explainer.table(sequences[j : j + 1], top) for j in range(len(sequences))]

    def to_transformer(self, max_width: int | None = 4) -> Transformer:
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
        return self._built.transformer(max_width)

    def decode(self, tokens: SequencesLike) -> AnyArray:
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
        return self.classes_[self._built.decode(tokens)]
