"""HardmaxTransformerClassifier: class labels for sequences of any length."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import compute_class_weight

from sklearn_hardmax._typing import AnyArray, AttentionKind, Auto, FloatArray, RandomStateLike
from sklearn_hardmax.constructions.classification.build import build_classification
from sklearn_hardmax.constructions.common.construction import (
    ConstructionError,
    SequenceConflictWarning,
    conflict_message,
)
from sklearn_hardmax.constructions.common.temperatures import validate_temperature
from sklearn_hardmax.constructions.heads.families import default_n_heads
from sklearn_hardmax.constructions.scoring.build import build_scoring
from sklearn_hardmax.estimators._bases import BaseEstimator
from sklearn_hardmax.estimators._mixins import Progress
from sklearn_hardmax.estimators.inspection import InspectionMixin
from sklearn_hardmax.estimators.prediction import PredictionMixin
from sklearn_hardmax.estimators.transactions import reads_one_fit, transactional_fit
from sklearn_hardmax.estimators.validation import (
    check_flag,
    check_integer,
    check_option,
    check_random_state,
    check_verbose,
    chosen_families,
    is_auto,
    validate_class_labels,
    validate_sequences,
)
from sklearn_hardmax.sequences import SequencesLike
from sklearn_hardmax.transformer import Transformer

_ALPHAS = np.logspace(-3, 5, 13)  # the ridge penalties of alphas="auto"


class HardmaxTransformerClassifier(PredictionMixin, InspectionMixin, BaseEstimator):
    """Classify sequences of any length by a hardmax transformer whose weights are computed in closed form, not trained.

    A token is a vector of features, and a sequence is a matrix with one row per token. `fit` draws attention heads, each of
    which pools one number from the tokens of a sequence, and solves one ridge regression on these numbers in closed form.
    Every sequence also has a code: one more number, which differs between sequences. Where the regression is wrong on a
    training sequence, or nearly so, a correction raises the score of its class in a tiny interval around its code.
    `to_transformer` writes all of this out as one hardmax transformer. It reproduces every training label, and its size
    depends on the number of heads and of sequences, not on their lengths.

    Parameters
    ----------
    n_heads : "auto" or int, default="auto"
        Number of heads. A head is an attention head of rank one that pools one number from the tokens of a sequence: the
        maximum of a score (hardmax attention), the proportion of tokens whose score is above a threshold (uniform attention
        behind a step), or the mean excess over a threshold (uniform attention). "auto" is min(64 n_sequences, 8000). With 0
        the classifier is the construction of the paper alone: one number per sequence, its code, and intervals of one label
        on the line of codes. It memorises the training sequences and does not generalise.
    families : "auto" or list of str, default="auto"
        Families of heads of ordered sequences: "kernels", kernels on dilated windows, pooled by ppv and by maxima;
        "difference_kernels", the same on the differences of neighbouring tokens; "windows", the nearness to windows of
        training sequences; "intervals", shares of large values within parts of the sequence. The heads are divided in
        proportions of 3, 3, 1 and 2. Each family has a ridge regression of its own, and a weight that the log loss of
        left-out sequences chooses. "auto" is ["kernels"]. Ignored without order.
    ordered : bool, default=True
        Whether the order of tokens is informative. False: the result depends on the multiset of tokens only, that is on how
        frequent each token is in its sequence. True: heads are applied to dilated windows of tokens and use their relative
        position, so that any two different sequences can be told apart. Ignored if every training sequence has one token.
    alphas : "auto" or array-like of positive floats, default="auto"
        Ridge penalties, among which leave-one-out chooses; "auto" is np.logspace(-3, 5, 13). Ignored if n_heads=0.
    class_weight : dict, "balanced" or None, default=None
        Positive weights of the classes. With heads they weight the training sequences in the ridge regression. With n_heads=0
        an unseen sequence gets the class of the training code at the smallest distance, each distance divided by the weight
        of its class, and the network may need up to 2 N + 1 label runs (intervals of one label) for N sequences. Training
        labels stay exact.
    exact : bool, default=True
        Whether the ridge regression is corrected on the training sequences. False: it is not, and sequences in conflict are
        not searched for. Ignored if n_heads is 0, where the construction is exact.
    on_conflict : {"warn", "raise"}, default="warn"
        What happens to training sequences that are equal, or closer than float64 resolves, but have different labels. "warn"
        gives each group its majority label (of equally frequent ones the first in `classes_`) under one
        SequenceConflictWarning; "raise" raises ConstructionError.
    attention : {"hardmax", "softmax"}, default="hardmax"
        Attention of the maximum heads and of the code. "hardmax" attends to the largest score; "softmax" weights all tokens,
        at a temperature so small that the training labels stay exact. The network has the same size.
    temperature : "auto" or float, default="auto"
        Temperature of the softmax. "auto" is the largest one at which the training labels are certified, with heads at most
        2^-10, where the softmax maximum of integer scores equals the maximum in float64. Ignored if attention="hardmax".
    n_jobs : int, default=None
        Number of parallel jobs over batches of sequences; results do not depend on it.
    random_state : int, RandomState or None, default=None
        Seed of the random heads and directions.
    verbose : int, default=0
        1 prints one line per stage of `fit`, with its time, and several for passes over many sequences.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels, sorted.
    n_features_in_ : int
        Number of features of a token, token_dim.
    feature_names_in_ : ndarray of str
        Column names, if X was a data frame.
    n_heads_, n_corrections_ : int
        Numbers of heads, and of corrections: training sequences for which the ridge score of the true class is not the
        largest one, or exceeds the second largest by at most a hundredth of the largest score.
    n_blocks_, n_parameters_ : int
        Blocks and parameters of `to_transformer()`; without heads at most (3 N + 1) / 2 blocks and 16 D N parameters for N
        sequences, where D is the token_dim of the residual stream.
    family_names_ : tuple of str
        Names of the families of heads; "tokens" without order. Only with heads, as the next two.
    family_weights_, family_alphas_ : ndarray of shape (n_families,)
        Their shares in the scores, which add up to 1, and the penalties of their ridge regressions.
    proba_scale_ : float
        Inverse temperature of the softmax of `predict_proba`; only with heads.
    temperature_ : float
        Temperature of the softmax in the attention; 0 with hardmax.
    margin_ : float
        Smallest ratio of slack to rounding-error bound among the inequalities that guarantee the training labels; above 1
        they are certified. inf where nothing can fail (one label without heads), 0 where exact=False and a label is wrong.
    n_conflicts_ : int
        Number of groups of training sequences with different labels that no network of this kind can tell apart; 0 means
        that all training labels are reproduced (unless exact=False).

    See Also
    --------
    HardmaxPooling : The heads alone, as a step before any other estimator.
    sklearn_hardmax.constructions.build_classifier : The weights without an estimator.
    sklearn_hardmax.plotting.LeaderDisplay : One sequence and the tokens with the largest scores.
    sklearn_hardmax.plotting.CodeLineDisplay : The code line of a classifier with n_heads=0.

    Notes
    -----
    Source: A. Alcalde, G. Fantuzzi, E. Zuazua, Exact Sequence Classification with Hardmax Transformers, arXiv 2502.02270v1.
    Cost of `fit`: a few passes over the tokens and sorts of the sequences; a Gram matrix of order min(n_heads, n_sequences),
    added up exactly in integers, and a few of its Cholesky factors. Cost of `predict`: one pass over the tokens and one
    search per sequence. Probabilities come from scores of training sequences that were left out, without a second fit;
    with n_heads=0 there are none, and CalibratedClassifierCV gives them.

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

    family_names_: tuple[str, ...]
    family_weights_: FloatArray
    family_alphas_: FloatArray
    temperature_: float
    margin_: float
    n_corrections_: int
    n_conflicts_: int

    def __init__(
        self,
        *,
        n_heads: int | Auto = "auto",
        families: Sequence[str] | Auto = "auto",
        ordered: bool = True,
        alphas: Sequence[float] | AnyArray | Auto = "auto",
        class_weight: dict[Any, float] | dict[Any, int] | Literal["balanced"] | None = None,
        exact: bool = True,
        on_conflict: Literal["warn", "raise"] = "warn",
        attention: AttentionKind = "hardmax",
        temperature: float | Auto = "auto",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
        verbose: int = 0,
    ) -> None:
        self.n_heads = n_heads
        self.families = families
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
            Class labels: integers, strings or booleans.

        Returns
        -------
        HardmaxTransformerClassifier
            The estimator itself.

        Raises
        ------
        ValueError
            Sequences or labels cannot be read, or a parameter is out of range.
        ConstructionError
            Sequences with different labels cannot be told apart and on_conflict="raise"; or the temperature is above the
            largest admissible one.
        """
        self._check_parameters()
        temperature = validate_temperature(self.attention, self.temperature)
        log = Progress(self)
        sequences = validate_sequences(self, X, y=y, reset=True)
        self.classes_, labels = validate_class_labels(sequences, y)
        log(f"read {sequences!r}, {len(self.classes_)} classes")
        rng = check_random_state(self.random_state)
        weights = self._class_weights(labels)
        common = {"ordered": self.ordered, "rng": rng, "temperature": temperature, "n_jobs": self.n_jobs, "log": log}
        n_heads = default_n_heads(len(sequences)) if is_auto(self.n_heads) else int(self.n_heads)
        if n_heads == 0:
            built, conflicts = build_classification(sequences, labels, weights, **common)
        else:
            built, conflicts = build_scoring(
                sequences,
                labels,
                weights,
                n_heads=n_heads,
                families=chosen_families(self.families),
                alphas=self._penalties(),
                exact=self.exact,
                **common,
            )
        self._report(conflicts)
        self._built = built
        self.n_conflicts_ = len(conflicts)
        self.n_heads_ = n_heads
        self.n_corrections_ = built.n_corrections
        self.margin_ = built.margin
        self.temperature_ = built.temperature
        # of an earlier fit with heads
        for name in ("proba_scale_", "family_names_", "family_weights_", "family_alphas_"):
            vars(self).pop(name, None)
        if n_heads:
            self.proba_scale_ = built.proba_scale
            self.family_names_, self.family_weights_, self.family_alphas_ = built.families
        if log.on:
            log(f"done: {self.n_blocks_} blocks, {self.n_parameters_} parameters")
        return self

    def _check_parameters(self):
        # isinstance first: an array compared with "auto" has no truth value
        if not is_auto(self.n_heads):
            check_integer(self.n_heads, "n_heads", 0)
        chosen_families(self.families)
        check_flag(self.ordered, "ordered")
        check_flag(self.exact, "exact")
        if not is_auto(self.alphas):
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
        return _ALPHAS if is_auto(self.alphas) else np.asarray(self.alphas, dtype=np.float64)

    def _class_weights(self, labels):
        """One positive weight per class."""
        weights = compute_class_weight(self.class_weight, classes=self.classes_, y=self.classes_[labels])
        if not self._positive(weights):
            raise ValueError(f"class_weight must be positive, got {self.class_weight!r}.")
        return weights

    def _report(self, conflicts):
        """Warn of groups of sequences with different labels that cannot be told apart, or raise."""
        if not conflicts:
            return
        message = conflict_message(conflicts)
        if self.on_conflict == "raise":
            raise ConstructionError(message + "; remove or relabel them, or use on_conflict='warn'.")
        warnings.warn(
            message + "; each group was given its majority label.",
            SequenceConflictWarning,
            stacklevel=4,  # the caller of fit, which transactional_fit wraps
        )

    @reads_one_fit
    def to_transformer(self, max_width: int | None = 4) -> Transformer:
        """The weights of the network as a Transformer.

        Parameters
        ----------
        max_width : int of at least 4, or None, default=4
            Largest number of hidden units of a feed-forward layer; None puts all units of a stage into one wide layer.

        Returns
        -------
        Transformer
            With ``n_blocks_`` blocks and ``n_parameters_`` parameters at max_width=4. With n_heads=0 its weights are checked
            on the training codes before it is returned.

        Raises
        ------
        MemoryError
            The weights would take more than 2 GiB; the message gives their size.
        """
        return self._built.transformer(max_width)

    @reads_one_fit
    def decode(self, tokens: SequencesLike) -> AnyArray:
        """Class label of each sequence from the output of the transformer.

        With heads every token holds the score of each class, and the largest one decides; with n_heads=0 every token holds
        the binary digits of the class index.

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
            The tokens do not have the width of the network, or tokens of one sequence give different labels.
        """
        return self.classes_[self._built.decode(tokens)]
