"""HardmaxTransformerInterpolator: sequences of any length to their targets, exactly."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from sklearn_hardmax._typing import AttentionKind, Auto, FloatArray, RandomStateLike
from sklearn_hardmax.constructions.common.temperatures import validate_temperature
from sklearn_hardmax.constructions.interpolation.build import build_interpolation
from sklearn_hardmax.constructions.interpolation.targets import as_targets, carrier_indices
from sklearn_hardmax.constructions.interpolation.token_interpolator import TokenInterpolator
from sklearn_hardmax.estimators._bases import BaseEstimator
from sklearn_hardmax.estimators._mixins import BuiltNetworkMixin, Progress
from sklearn_hardmax.estimators.transactions import reads_one_fit, transactional_fit
from sklearn_hardmax.estimators.validation import (
    check_alignment,
    check_flag,
    check_random_state,
    check_verbose,
    validate_sequences,
)
from sklearn_hardmax.sequences import RaggedSequences, SequencesLike
from sklearn_hardmax.transformer import Transformer


class HardmaxTransformerInterpolator(BuiltNetworkMixin, BaseEstimator):
    """Reproduce the targets of training sequences bit for bit, by a transformer whose weights are computed in closed form.

    A sequence of any length has one target, or one target for each of its first tokens. `fit` computes a code, one number,
    for every token that has a target, and builds a transformer that maps each code to its target. The transformer reproduces
    all training targets exactly (-0.0 as 0.0), with hardmax or softmax attention. It memorises: an unseen token gets the
    target of the training token whose code is nearest.

    Parameters
    ----------
    ordered : bool, default=True
        Whether the order of tokens is informative. True: the code of a token depends on its relative position too, so that
        any two different tokens can be told apart. False: outputs are a function of the token and of the multiset of tokens
        of its sequence; permuting the tokens permutes the outputs.
    attention : {"hardmax", "softmax"}, default="hardmax"
        Attention behind the codes: to the largest score, or softmax weights on all tokens.
    temperature : "auto" or float, default="auto"
        Temperature of the softmax; "auto" is the largest one at which the targets are certified. Ignored if
        attention="hardmax".
    n_jobs : int, default=None
        Number of parallel jobs over batches of sequences; results do not depend on it.
    random_state : int, RandomState or None, default=None
        Seed of the random directions.
    verbose : int, default=0
        1 prints one line per stage of `fit`, with its time.

    Attributes
    ----------
    n_features_in_ : int
        token_dim of the training sequences, the number of features of a token.
    feature_names_in_ : ndarray of str
        Column names, if X was a data frame.
    n_outputs_ : int
        Dimension q of a target.
    n_targets_ : int
        Number M of targets of all training sequences together.
    n_blocks_, n_parameters_ : int
        Blocks and parameters of `to_transformer()`: at most M + N blocks (M + 3 N / 2 + 1 if codes must be ranked) and
        (2 D + 2) (3 M + 6 N + 8) parameters for N sequences, D = max(d, q + 3) with the token_dim d; they do not depend on
        the lengths of sequences.
    margin_ : float
        Smallest ratio of slack to rounding-error bound among the inequalities that guarantee the training targets; at least
        1, so that they are certified.
    temperature_ : float
        Temperature of the softmax; 0 with hardmax.

    See Also
    --------
    sklearn_hardmax.constructions.build_interpolator : The weights without an estimator.

    Notes
    -----
    Source: A. Alcalde, G. Fantuzzi, E. Zuazua, Exact Sequence Interpolation with Transformers, arXiv 2502.02270v3. Cost of
    `fit`: a few sorts of the tokens; of `predict`: one code and one search per token, without running layers.

    Examples
    --------
    >>> from sklearn_hardmax import HardmaxTransformerInterpolator
    >>> X = [[[0., 1.], [2., 0.]], [[1., 1.]], [[0., 1.], [1., 1.], [2., 2.]]]
    >>> Y = [[[5.]], [[-1.]], [[0.1], [0.2]]]  # targets of the first token, or of the first two
    >>> model = HardmaxTransformerInterpolator(random_state=0).fit(X, Y)
    >>> model.predict(X)[2][:2]
    array([[0.1],
           [0.2]])
    >>> HardmaxTransformerInterpolator(random_state=0).fit(X, [0.3, 0.1, 7.]).predict(X)  # one per sequence
    array([0.3, 0.1, 7. ])
    """

    n_outputs_: int
    n_targets_: int
    margin_: float
    temperature_: float
    _built: TokenInterpolator

    def __init__(
        self,
        *,
        ordered: bool = True,
        attention: AttentionKind = "hardmax",
        temperature: float | Auto = "auto",
        n_jobs: int | None = None,
        random_state: RandomStateLike = None,
        verbose: int = 0,
    ) -> None:
        self.ordered = ordered
        self.attention = attention
        self.temperature = temperature
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @transactional_fit
    def fit(self, X: SequencesLike, y: SequencesLike) -> Self:
        """Construct the transformer from sequences and their targets.

        Parameters
        ----------
        X : RaggedSequences, list of 2-D arrays, 3-D array, 2-D array or data frame
            See `as_sequences`.
        y : RaggedSequences, list of 2-D arrays, 3-D array, or array of shape (n_sequences, q) or (n_sequences,)
            Ragged or 3-D: the targets (m_j, q) of the first m_j tokens of sequence j, where 1 <= m_j <= n_j and n_j is the
            length of the sequence. An array with one row or one number per sequence: one target per sequence.

        Returns
        -------
        HardmaxTransformerInterpolator
            The estimator itself.

        Raises
        ------
        ValueError
            Sequences or targets cannot be read, or a parameter is out of range.
        ConstructionError
            Equal tokens in sequences with equal frequencies of tokens have different targets; float64 cannot tell apart two
            tokens with different targets; or the temperature is above the largest admissible one.
        """
        check_flag(self.ordered, "ordered")
        check_verbose(self.verbose)
        temperature = validate_temperature(self.attention, self.temperature)
        log = Progress(self)
        sequences = validate_sequences(self, X, y=None if y is None else "no_validation", reset=True)
        check_alignment(sequences, y)
        targets, one_target = as_targets(y, sequences)
        self._is_1d = one_target and np.ndim(y) == 1
        log(f"read {sequences!r}")
        self._built, _ = build_interpolation(
            sequences,
            targets,
            one_target,
            ordered=self.ordered,
            temperature=temperature,
            rng=check_random_state(self.random_state),
            n_jobs=self.n_jobs,
            log=log,
        )
        self.n_outputs_ = self._built.targets.shape[1]
        self.n_targets_ = len(targets) if one_target else targets.n_tokens
        self.margin_ = self._built.margin
        self.temperature_ = self._built.temperature
        return self

    @reads_one_fit
    def predict(self, X: SequencesLike) -> RaggedSequences | FloatArray:
        """Output of every token, or of every sequence, computed without running the layers of the transformer.

        Parameters
        ----------
        X : RaggedSequences or anything that as_sequences reads
            Sequences of any lengths, with the token_dim of the training sequences.

        Returns
        -------
        RaggedSequences, or ndarray of shape (n_sequences, q) or (n_sequences,)
            If y was ragged at fit: one row per token. In a training sequence the first m_j rows are its targets, and the
            others are some of its targets too. If there was one target per sequence: an array with the trailing shape of y.
            The same bits as ``decode(apply(to_transformer(), encode(X)))``, for any batch, order and n_jobs.

        Notes
        -----
        The output is a function of the code: constant on a plateau around the code of each training token, and linear on the
        ramps between plateaus, which are at most a quarter of the gap between two codes wide. An unseen token whose code lies
        on a plateau gets the target of that training token bit for bit.
        """
        sequences = validate_sequences(self, X, reset=False)
        outputs = self._built.outputs(sequences, self.n_jobs)
        return self._shaped(
            outputs if self._built.one_target else RaggedSequences(outputs, sequences.offsets, ids=sequences.ids)
        )

    def _shaped(self, outputs):
        """Outputs (n_sequences, 1) as (n_sequences,), if y was 1-D at fit."""
        return outputs[:, 0] if self._is_1d else outputs

    @reads_one_fit
    def score(self, X: SequencesLike, y: SequencesLike) -> float:
        """Fraction of sequences whose targets are all reproduced exactly: 1.0 on the training data.

        Parameters
        ----------
        X : RaggedSequences or anything that as_sequences reads
        y : RaggedSequences, list of 2-D arrays, 3-D array, or array of shape (n_sequences, q) or (n_sequences,)
            In the form of y at fit: targets of the first tokens, or one target per sequence.

        Returns
        -------
        float

        Raises
        ------
        ValueError
            Targets have another form or dimension than at fit.
        """
        sequences = validate_sequences(self, X, reset=False)
        check_alignment(sequences, y)
        targets, one_target = as_targets(y, sequences)
        wanted = targets if one_target else targets.tokens
        if one_target != self._built.one_target or wanted.shape[1] != self.n_outputs_:
            kind = "one target per sequence" if self._built.one_target else "ragged targets"
            raise ValueError(f"y must hold {kind} of dimension {self.n_outputs_}, as at fit.")
        outputs = self._built.outputs(sequences, self.n_jobs)
        if one_target:
            return float((outputs == wanted).all(axis=1).mean())
        # right tokens that have a target, then sequences in which all of these are right
        right = (outputs[carrier_indices(sequences, targets)] == wanted).all(axis=1)
        return float(np.logical_and.reduceat(right, targets.offsets[:-1]).mean())

    @reads_one_fit
    def to_transformer(self) -> Transformer:
        """The weights of the network as a Transformer.

        Returns
        -------
        Transformer
            With ``n_blocks_`` blocks and ``n_parameters_`` parameters, at most 4 hidden units per feed-forward layer.

        Raises
        ------
        MemoryError
            The weights would take more than 2 GiB; the message gives their size.
        """
        return self._built.transformer()

    @reads_one_fit
    def decode(self, tokens: SequencesLike) -> RaggedSequences | FloatArray:
        """Outputs from the tokens that `apply` returns, in the form of `predict`.

        Parameters
        ----------
        tokens : RaggedSequences
            ``apply(to_transformer(), encode(X))``.

        Returns
        -------
        RaggedSequences, or ndarray of shape (n_sequences, q) or (n_sequences,)

        Raises
        ------
        ValueError
            The tokens do not have the width of the network.
        """
        return self._shaped(self._built.decode(tokens))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        return tags
