"""The interpolator: sequences of any length to their targets, exactly."""

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from sklearn_hardmax.constructions.common.temperatures import validate_temperature
from sklearn_hardmax.constructions.interpolation.build import build_interpolation
from sklearn_hardmax.constructions.interpolation.targets import as_targets, carrier_indices
from sklearn_hardmax.estimators._bases import BaseEstimator
from sklearn_hardmax.estimators._mixins import BuiltNetworkMixin, Progress, check_verbose
from sklearn_hardmax.estimators.transactions import transactional_fit
from sklearn_hardmax.estimators.validation import check_flag, validate_sequences
from sklearn_hardmax.sequences import RaggedSequences


class HardmaxTransformerInterpolator(BuiltNetworkMixin, BaseEstimator):
    """Give sequences of any length their targets bit for bit, by a transformer whose weights are constructed, not trained.

    Targets are many a sequence, on its first tokens, or one a sequence. `fit` writes down a code for every token that carries
    a target, and a layer for every target; the network reproduces all training targets exactly, with hardmax or softmax
    attention. It memorises: what it says of unseen sequences is the target of the training token whose code is nearest.

    Parameters
    ----------
    ordered : bool, default=True
        Whether the order of tokens tells anything. True: tokens are read with their relative position, so that any two
        different tokens can be told apart. False: outputs are a function of the token and of the multiset of its sequence;
        permuting the tokens permutes the outputs.
    attention : {"hardmax", "softmax"}, default="hardmax"
    temperature : "auto" or float, default="auto"
        Of the softmax; "auto" is the largest at which the targets are certified. Means nothing with hardmax.
    n_jobs : int, default=None
        Parallel jobs over batches of sequences; results do not depend on it.
    random_state : int, RandomState or None, default=None
        Draws the directions that are tried.
    verbose : int, default=0
        1 prints a line a stage with its time.

    Attributes
    ----------
    n_features_in_ : int
        token_dim of the training sequences.
    feature_names_in_ : ndarray of str
        Column names, where X was a data frame.
    n_outputs_ : int
        Dimension q of a target.
    n_targets_ : int
        Targets M in all.
    n_blocks_, n_parameters_ : int
        Of `to_transformer()`: at most M + N blocks (M + 3 N / 2 + 1 where codes must be ranked) and
        (2 D + 2) (3 M + 6 N + 8) parameters for N sequences, D = max(d, q + 3); lengths do not count.
    margin_ : float
        How many times over the inequalities behind the targets hold: gaps between attended and unattended scores in tie
        bounds, distances of codes from the ends of ramps in rounding bounds. At least 1.
    temperature_ : float
        Of the leader read, 0 with hardmax.

    See Also
    --------
    sklearn_hardmax.constructions.build_interpolator : The weights without an estimator.

    Notes
    -----
    Source: A. Alcalde, G. Fantuzzi, E. Zuazua, Exact Sequence Interpolation with Transformers, arXiv 2502.02270v3. Cost of
    `fit`: a few sorts of the tokens; of `predict`: one code and one search a token, no layer loop.

    Examples
    --------
    >>> from sklearn_hardmax import HardmaxTransformerInterpolator
    >>> X = [[[0., 1.], [2., 0.]], [[1., 1.]], [[0., 1.], [1., 1.], [2., 2.]]]
    >>> Y = [[[5.]], [[-1.]], [[0.1], [0.2]]]  # targets of the first token, or of the first two
    >>> model = HardmaxTransformerInterpolator(random_state=0).fit(X, Y)
    >>> model.predict(X)[2][:2]
    array([[0.1],
           [0.2]])
    >>> HardmaxTransformerInterpolator(random_state=0).fit(X, [0.3, 0.1, 7.]).predict(X)  # one a sequence
    array([0.3, 0.1, 7. ])
    """

    def __init__(
        self,
        *,
        ordered=True,
        attention="hardmax",
        temperature="auto",
        n_jobs=None,
        random_state=None,
        verbose=0,
    ):
        self.ordered = ordered
        self.attention = attention
        self.temperature = temperature
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @transactional_fit
    def fit(self, X, y):
        """Construct the transformer from sequences and their targets.

        Parameters
        ----------
        X : RaggedSequences, list of 2-D arrays, 3-D array, 2-D array or data frame
            See `as_sequences`.
        y : ragged or array
            RaggedSequences, list of 2-D arrays or 3-D array: targets (m_j, q) of the first m_j tokens of sequence j, with
            1 <= m_j <= n_j. Array of shape (n_sequences, q) or (n_sequences,): one target a sequence.

        Returns
        -------
        HardmaxTransformerInterpolator
            The estimator itself.

        Raises
        ------
        ValueError
            Unreadable sequences or targets, parameters out of range.
        ConstructionError
            Equal tokens in sequences with equal frequencies of tokens carry different targets, or float64 does not resolve
            what must be told apart; a temperature above the largest admissible one.
        """
        check_flag(self.ordered, "ordered")
        check_verbose(self.verbose)
        temperature = validate_temperature(self.attention, self.temperature)
        log = Progress(self)
        sequences = validate_sequences(self, X, y=None if y is None else "no_validation", reset=True)
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
        self.margin_, self.temperature_ = self._built.margin, self._built.temperature
        return self

    def predict(self, X):
        """Outputs of every token, or of every sequence: a fast path, no layer loop.

        Parameters
        ----------
        X : RaggedSequences or anything that as_sequences reads
            Of any lengths; token_dim as at fit.

        Returns
        -------
        RaggedSequences, or ndarray of shape (n_sequences, q) or (n_sequences,)
            Ragged targets: one row a token, n_j for sequence j, of which the first m_j are the targets of a training sequence
            and the others some of its targets too. One target a sequence: an array of the shape of y.
            The same bits as ``decode(apply(to_transformer(), encode(X)))``, for any batch, order and n_jobs.

        Notes
        -----
        An unseen token takes the target of the training token on whose plateau its code lies, bit for bit. Where its code
        lies on one of the ramps between plateaus, at most a quarter of the gap wide, the output is linear between both.
        """
        check_is_fitted(self)
        sequences = validate_sequences(self, X, reset=False)
        outputs = self._built.outputs(sequences, self.n_jobs)
        return self._shaped(outputs if self._built.one_target else RaggedSequences(outputs, sequences.offsets))

    def _shaped(self, outputs):
        return outputs[:, 0] if self._is_1d else outputs

    def score(self, X, y):
        """Fraction of sequences whose targets are all reproduced exactly: 1.0 on the training data.

        Parameters
        ----------
        X : RaggedSequences or anything that as_sequences reads
        y : ragged or array
            As at fit: m_j targets for the first m_j tokens, or one target a sequence.

        Returns
        -------
        float

        Raises
        ------
        ValueError
            Targets of another kind or dimension than at fit.
        """
        check_is_fitted(self)
        sequences = validate_sequences(self, X, reset=False)
        targets, one_target = as_targets(y, sequences)
        wanted = targets if one_target else targets.tokens
        if one_target != self._built.one_target or wanted.shape[1] != self.n_outputs_:
            kind = "one target a sequence" if self._built.one_target else "ragged targets"
            raise ValueError(f"y must hold {kind} of dimension {self.n_outputs_}, as at fit.")
        outputs = self._built.outputs(sequences, self.n_jobs)
        if one_target:
            return float((outputs == wanted).all(axis=1).mean())
        right = (outputs[carrier_indices(sequences, targets)] == wanted).all(axis=1)
        return float(np.logical_and.reduceat(right, targets.offsets[:-1]).mean())

    def to_transformer(self):
        """The explicit weights.

        Returns
        -------
        Transformer
            With ``n_blocks_`` blocks and ``n_parameters_`` parameters, hidden layers at most 4 wide.

        Raises
        ------
        MemoryError
            The weights would take more than 2 GiB; the message says how much.
        """
        check_is_fitted(self)
        return self._built.transformer()

    def decode(self, tokens):
        """Outputs from what `apply` returns, in the form of `predict`.

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
            The tokens have another width.
        """
        check_is_fitted(self)
        return self._shaped(self._built.decode(tokens))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        return tags
