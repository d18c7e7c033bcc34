"""What several estimators inherit or use: networks that were built, versions in pickles, ragged output, progress."""

import time
from typing import TYPE_CHECKING, Any, Protocol, Self

from sklearn.utils.validation import check_is_fitted

from sklearn_hardmax import _version
from sklearn_hardmax.estimators.validation import _unpickled, check_integer, check_version, validate_sequences
from sklearn_hardmax.sequences import RaggedSequences, SequencesLike

if TYPE_CHECKING:
    from sklearn_hardmax.estimators._bases import BaseEstimator as _Base
else:
    _Base = object  # scikit-learn's BaseEstimator comes last in the classes that inherit from these mixins


class VersionedMixin(_Base):
    """Estimators that are saved with the version of this package, which is named when another one reads them.

    pickle names it before it reads the state, so also where the state holds classes that are no longer there.
    """

    def __reduce__(self):
        return _unpickled, (type(self), _version.__version__), super().__getstate__()

    def __getstate__(self):  # for skops, which asks for the state alone
        return {**super().__getstate__(), "_sklearn_hardmax_version": _version.__version__}

    def __setstate__(self, state):
        state = dict(state)
        check_version(type(self), state.pop("_sklearn_hardmax_version", _version.__version__))
        super().__setstate__(state)


class RaggedOutputMixin(_Base):
    """Transformers whose output is RaggedSequences, of the dtype of the input."""

    def set_output(self, *, transform: str | None = None) -> Self:
        """Accepted for the sake of pipelines; a ragged output stays RaggedSequences.

        Parameters
        ----------
        transform : str or None, default=None
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


class Network(Protocol):
    """A network that `fit` has built: what estimators ask of it (constructions/common/built_network.py has the base class)."""

    margin: float
    temperature: float

    def n_blocks(self) -> int: ...
    def n_parameters(self) -> int: ...
    def encode(self, X: SequencesLike) -> RaggedSequences: ...
    def decode(self, tokens: SequencesLike) -> Any: ...


class BuiltNetworkMixin(VersionedMixin):
    """Sizes and input of the network that `fit` has built, `_built`."""

    _built: Network

    @property
    def n_blocks_(self) -> int:
        """Blocks of ``to_transformer()``, from the sizes of its layers."""
        check_is_fitted(self)
        return self._built.n_blocks()

    @property
    def n_parameters_(self) -> int:
        """Parameters of ``to_transformer()``, from the sizes of its layers."""
        check_is_fitted(self)
        return self._built.n_parameters()

    def encode(self, X: SequencesLike) -> RaggedSequences:
        """The sequences that `to_transformer()` runs on: scaled tokens, position, zeros up to its token_dim.

        Parameters
        ----------
        X : RaggedSequences or anything that as_sequences reads

        Returns
        -------
        RaggedSequences
            float64. Scaling is a shift and a power of two a feature; features beyond 2^20 training half-ranges end there.
        """
        check_is_fitted(self)
        return self._built.encode(validate_sequences(self, X, reset=False))


class Progress:
    """Prints a line a stage with the seconds since the last, where the estimator is verbose."""

    def __init__(self, estimator):
        self.name, self.on, self.last = type(estimator).__name__, estimator.verbose, time.perf_counter()

    def __call__(self, text):
        """Print it."""
        now = time.perf_counter()
        if self.on:
            print(f"[{self.name}] {text} ({now - self.last:.2f} s)")
        self.last = now


def check_verbose(value):
    """Raise ValueError unless value is a flag or an integer of at least 0."""
    check_integer(int(value) if isinstance(value, bool) else value, "verbose", 0)
