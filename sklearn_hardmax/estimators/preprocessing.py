"""RaggedSequenceTransformer: scale the tokens of sequences, append positions, and join neighbours to windows."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from sklearn_hardmax import encoding
from sklearn_hardmax._typing import NamesLike, ObjectArray
from sklearn_hardmax.estimators._bases import BaseEstimator, TransformerMixin
from sklearn_hardmax.estimators._mixins import RaggedOutputMixin, VersionedMixin
from sklearn_hardmax.estimators.transactions import reads_one_fit, transactional_fit
from sklearn_hardmax.estimators.validation import check_integer, check_option, input_names, validate_sequences
from sklearn_hardmax.sequences import RaggedSequences, SequencesLike
from sklearn_hardmax.sequences.checks import not_finite
from sklearn_hardmax.sequences.messages import format_indices

_SCALERS = {"standard": (StandardScaler, "var_"), "minmax": (MinMaxScaler, "data_range_")}


class RaggedSequenceTransformer(
    RaggedOutputMixin, VersionedMixin, TransformerMixin, BaseEstimator, auto_wrap_output_keys=None
):
    """Scale the tokens of sequences of any length, and append the features of neighbours and the position to each token.

    The output holds sequences of the same lengths, and can be the input of any estimator that takes sequences.

    Parameters
    ----------
    scale : {"standard", "minmax", None}, default="standard"
        Scaling of each feature, learned on all training tokens: to mean 0 and variance 1, to [0, 1], or none.
    positions : {None, "relative", "sinusoidal"}, default=None
        Features that give the position of token i among the n tokens of its sequence. "relative": i / (n - 1). "sinusoidal":
        sines and cosines of i at geometric wavelengths from 2 pi to 2 pi 10000 (Vaswani et al. 2017, section 3.5), as many as
        the token has features, one more if that number is odd.
    window : int, default=1
        Number of tokens in the window around each token; their features together replace those of the token, with zeros
        beyond the ends of the sequence. Windows are taken after scaling, and positions are appended after that.
    dilation : int, default=1
        Distance between neighbouring tokens of a window.

    Attributes
    ----------
    n_features_in_ : int
        token_dim of the training sequences, the number of features of a token.
    feature_names_in_ : ndarray of str
        Column names, if X was a data frame.
    scaler_ : StandardScaler, MinMaxScaler or None
        The fitted scaler of the tokens.

    Notes
    -----
    The output is RaggedSequences with the dtype of the input, token_dim * window + position features wide. Cost:
    O(n_tokens * output features). `set_output` changes nothing: a ragged output has no data frame.

    Examples
    --------
    >>> from sklearn_hardmax import RaggedSequenceTransformer
    >>> X = [[[0.], [2.], [4.]], [[2.]]]
    >>> RaggedSequenceTransformer(scale=None, positions="relative", window=3).fit_transform(X)[0]
    array([[0. , 0. , 2. , 0. ],
           [0. , 2. , 4. , 0.5],
           [2. , 4. , 0. , 1. ]])
    """

    scaler_: Any

    def __init__(
        self,
        *,
        scale: Literal["standard", "minmax"] | None = "standard",
        positions: Literal["relative", "sinusoidal"] | None = None,
        window: int = 1,
        dilation: int = 1,
    ) -> None:
        self.scale = scale
        self.positions = positions
        self.window = window
        self.dilation = dilation

    @transactional_fit
    def fit(self, X: SequencesLike, y: ArrayLike | None = None) -> Self:
        """Learn the scaling.

        Parameters
        ----------
        X : RaggedSequences, list of 2-D arrays, 3-D array, 2-D array or data frame
            See `as_sequences`.
        y : array-like, default=None
            Ignored.

        Returns
        -------
        RaggedSequenceTransformer
            The estimator itself.

        Raises
        ------
        ValueError
            Sequences cannot be read, a parameter is out of range, or the variance or range of a feature overflows float64.
        """
        check_option(self.scale, "scale", ("standard", "minmax", None))
        check_option(self.positions, "positions", (None, "relative", "sinusoidal"))
        check_integer(self.window, "window", 1)
        check_integer(self.dilation, "dilation", 1)
        sequences = validate_sequences(self, X, reset=True)
        self.scaler_ = None
        if self.scale is not None:
            # spread is the attribute of the scaler that overflows first
            scaler, spread = _SCALERS[self.scale]
            with np.errstate(over="ignore", invalid="ignore"):  # checked below
                # tokens stay an array, whatever scikit-learn's configuration says about outputs
                self.scaler_ = scaler().set_output(transform="default").fit(sequences.tokens)
            bad = np.flatnonzero(~np.isfinite(getattr(self.scaler_, spread)))
            if len(bad):
                raise ValueError(
                    f"Features {bad[:10].tolist()} are too large for scale={self.scale!r}: their spread leaves the range of "
                    "float64; divide them by a constant first, or use scale=None."
                )
        return self

    @reads_one_fit
    def transform(self, X: SequencesLike) -> RaggedSequences:
        """Scale the tokens, join them to windows and append positions.

        Parameters
        ----------
        X : RaggedSequences or anything that as_sequences reads
            Sequences of any lengths, with the token_dim of the training sequences.

        Returns
        -------
        RaggedSequences

        Raises
        ------
        ValueError
            Tokens are so far from the training tokens that they overflow when they are scaled.
        """
        sequences = validate_sequences(self, X, reset=False)
        tokens = sequences.tokens
        offsets = sequences.offsets
        if self.scaler_ is not None:
            with np.errstate(over="ignore", invalid="ignore"):  # checked below
                tokens = self.scaler_.transform(tokens)
            lost = not_finite(tokens, offsets)
            if len(lost):
                raise ValueError(
                    f"Tokens of sequences {format_indices(lost)} leave the range of floats when they are scaled: they are "
                    "too far from the training tokens; leave them out, or use scale=None."
                )
        if self.window > 1:
            tokens = encoding.windows(tokens, offsets, self.window, self.dilation)
        if self.positions is not None:
            tokens = np.concatenate([tokens, self._positions(offsets).astype(tokens.dtype)], axis=1)
        names = None if sequences.feature_names is None else self.get_feature_names_out()
        return RaggedSequences(tokens, offsets, ids=sequences.ids, feature_names=names)

    def _positions(self, offsets):
        if self.positions == "relative":
            return encoding.relative_positions(offsets)[:, None]
        return encoding.sinusoidal_positions(offsets, self._n_sinusoids)

    @property
    def _n_sinusoids(self):
        # sines and cosines come in pairs
        return self.n_features_in_ + self.n_features_in_ % 2

    @reads_one_fit
    def get_feature_names_out(self, input_features: NamesLike = None) -> ObjectArray:
        """Names of the features of an output token.

        Parameters
        ----------
        input_features : array-like of str, optional
            Names of the features of an input token; by default those of the data frame at fit, or x0, x1, ...

        Returns
        -------
        ndarray of str objects
            Features of neighbours are named "x0[-1]", "x0[+1]", ..., positions "position" or "position 0", "position 1", ...
        """
        names = input_names(self, input_features)
        shifts = encoding.window_shifts(self.window, self.dilation).tolist()
        out = [name + (f"[{shift:+d}]" if shift else "") for shift in shifts for name in names]
        if self.positions == "relative":
            out.append("position")
        elif self.positions == "sinusoidal":
            out.extend(f"position {k}" for k in range(self._n_sinusoids))
        return np.array(out, dtype=object)
