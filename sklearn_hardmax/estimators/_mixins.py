"""Base classes and helpers of several estimators.

VersionedMixin stores the package version in pickles; BuiltNetworkMixin gives sizes and `encode` of the network that `fit` has
built; RaggedOutputMixin is for transformers that return RaggedSequences, SameFeaturesMixin for those of them that keep the
features of a token; Progress prints the lines of verbose=1.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from sklearn_hardmax import _version
from sklearn_hardmax._typing import NamesLike, ObjectArray, OutputContainer
from sklearn_hardmax.estimators._bases import TransformerMixin
from sklearn_hardmax.estimators.transactions import reads_one_fit, transactional_fit
from sklearn_hardmax.estimators.validation import _unpickled, check_version, input_names, validate_sequences
from sklearn_hardmax.sequences import RaggedSequences, SequencesLike

if TYPE_CHECKING:
    from sklearn_hardmax.constructions.common.built_network import BuiltNetwork
    from sklearn_hardmax.estimators._bases import BaseEstimator as _Base
else:
    _Base = object  # scikit-learn's BaseEstimator comes last in the classes that inherit from these mixins


class VersionedMixin(_Base):
    """Save an estimator with the version of this package; reading it with another version warns.

    pickle checks the version before it reads the state. The warning therefore appears even where the state refers to classes
    that no longer exist.
    """

    # a copy of the attributes, because pickle goes through them while another thread may set one
    def __reduce__(self):
        return _unpickled, (type(self), _version.__version__), dict(super().__getstate__())

    # skops saves the state alone, without __reduce__
    def __getstate__(self):
        return {**super().__getstate__(), "_sklearn_hardmax_version": _version.__version__}

    def __setstate__(self, state):
        state = dict(state)
        check_version(type(self), state.pop("_sklearn_hardmax_version", _version.__version__))
        super().__setstate__(state)


class RaggedOutputMixin(_Base):
    """Transformers whose output is RaggedSequences with the dtype of the input."""

    if TYPE_CHECKING:

        def fit_transform(self, X: SequencesLike, y: ArrayLike | None = None) -> RaggedSequences: ...
    else:
        fit_transform = transactional_fit(TransformerMixin.fit_transform)

    def set_output(self, *, transform: OutputContainer = None) -> Self:
        """Change nothing: a ragged output stays RaggedSequences. Pipelines call this method.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"} or None, default=None
            Ignored.

        Returns
        -------
        self : estimator
        """
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


class SameFeaturesMixin(RaggedOutputMixin):
    """Transformers whose output tokens have the features of the input tokens."""

    @reads_one_fit
    def get_feature_names_out(self, input_features: NamesLike = None) -> ObjectArray:
        """Names of the features of an output token, which are those of an input token.

        Parameters
        ----------
        input_features : array-like of str, optional
            Names of the features of an input token; by default those at fit, or x0, x1, ...

        Returns
        -------
        ndarray of str objects
        """
        return np.array(input_names(self, input_features), dtype=object)


class BuiltNetworkMixin(VersionedMixin):
    """Sizes and input of the network that `fit` has built and stored in `_built`."""

    _built: BuiltNetwork

    @property
    @reads_one_fit
    def n_blocks_(self) -> int:
        """Number of blocks of ``to_transformer()``, counted without its weights."""
        return self._built.n_blocks()

    @property
    @reads_one_fit
    def n_parameters_(self) -> int:
        """Number of parameters of ``to_transformer()``, counted without its weights."""
        return self._built.n_parameters()

    @reads_one_fit
    def encode(self, X: SequencesLike) -> RaggedSequences:
        """Turn X into the input of `to_transformer()`: scaled tokens, their positions, and zeros up to its token_dim.

        Parameters
        ----------
        X : RaggedSequences or anything that as_sequences reads

        Returns
        -------
        RaggedSequences
            float64. Each feature is shifted and multiplied by a power of two; values beyond 2^20 half-ranges of the training
            data are clipped there.
        """
        return self._built.encode(validate_sequences(self, X, reset=False))


class Progress:
    """Prints one line per stage of a fit, with the seconds since the previous line, if the estimator is verbose."""

    def __init__(self, estimator):
        self.name = type(estimator).__name__
        self.on = estimator.verbose
        self.last = time.perf_counter()

    def __call__(self, text):
        """Print the text, if the estimator is verbose."""
        now = time.perf_counter()
        if self.on:
            print(f"[{self.name}] {text} ({now - self.last:.2f} s)")
        self.last = now
