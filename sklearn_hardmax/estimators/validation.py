"""What every estimator does with user input and with its own state."""

import functools
import numbers
import warnings

import numpy as np
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import assert_all_finite, check_consistent_length, column_or_1d, validate_data

from sklearn_hardmax import _version
from sklearn_hardmax.estimators.session import SessionSettings
from sklearn_hardmax.sequences import as_sequences
from sklearn_hardmax.sequences.arrays import check_integer as check_integer


def validate_sequences(estimator, X, *, reset, y="no_validation"):
    """Read X as sequences, and check or (reset) set n_features_in_ = token_dim and feature_names_in_.

    A missing y (None) is refused where the estimator needs one.
    """
    # names only: how many features a list or container has, scikit-learn cannot know
    validate_data(estimator, X, y, reset=reset, skip_check_array=True, ensure_2d=False)
    sequences = as_sequences(X)
    if reset:
        estimator.n_features_in_ = sequences.token_dim
        name = getattr(X, "name", None)  # of a column of sequences, by which ColumnTransformer knows its features
        estimator._column = name if isinstance(name, str) else None
    elif sequences.token_dim != estimator.n_features_in_:
        raise ValueError(
            f"X has {sequences.token_dim} features, but {type(estimator).__name__} is expecting "
            f"{estimator.n_features_in_} features as input"
        )
    return sequences


def validate_class_labels(sequences, y):
    """Classes in sorted order and the class index of each sequence, both 1-D."""
    y = column_or_1d(y, warn=True)
    assert_all_finite(y, input_name="y")
    check_classification_targets(y)
    check_consistent_length(sequences, y)
    return np.unique(y, return_inverse=True)


def check_positive(value, name):
    """Raise ValueError unless value is a positive finite number."""
    if not isinstance(value, numbers.Real) or isinstance(value, bool) or not 0 < value < np.inf:
        raise ValueError(f"{name} must be a positive finite number, got {value!r}.")


def check_from_zero(value, name, below=np.inf):
    """Raise ValueError unless value is a number from 0 to less than `below`."""
    if not isinstance(value, numbers.Real) or isinstance(value, bool) or not 0 <= value < below:
        limit = "a finite number" if below == np.inf else f"below {below}"
        raise ValueError(f"{name} must be at least 0 and {limit}, got {value!r}.")


def check_flag(value, name):
    """Raise ValueError unless value is True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise ValueError(f"{name} must be True or False, got {value!r}.")


def check_option(value, name, options):
    """Raise ValueError unless value is one of the options."""
    if not any(value is o or (isinstance(o, str) and isinstance(value, str) and value == o) for o in options):
        raise ValueError(f"{name} must be one of {', '.join(map(repr, options))}, got {value!r}.")


def input_names(estimator, input_features):
    """Names of the features of a token: those given, those known from a data frame, or x0, x1, ..."""
    known = getattr(estimator, "feature_names_in_", None)
    if input_features is None:
        if known is None:
            return [f"x{j}" for j in range(estimator.n_features_in_)]
        return [str(name) for name in known]
    names = [str(name) for name in input_features]
    if estimator.n_features_in_ > 1 and names == [getattr(estimator, "_column", None)]:
        return [f"{names[0]}[{j}]" for j in range(estimator.n_features_in_)]
    if len(names) != estimator.n_features_in_:
        raise ValueError(
            f"input_features must name the {estimator.n_features_in_} features of a token, got {len(names)} names."
        )
    if known is not None and names != [str(name) for name in known]:
        raise ValueError("input_features is not equal to feature_names_in_.")
    return names


def all_or_nothing(fit):
    """A fit that works on a draft, which takes the place of the estimator in one step.

    So one that fails or is interrupted, however often, leaves the estimator as it was, and while it runs other threads find
    the estimator as it was. After an interrupt the settings of the session are those of before.
    """

    @functools.wraps(fit)
    def wrapped(self, *args, **kwargs):
        draft = object.__new__(type(self))
        vars(draft).update(vars(self))
        settings = SessionSettings()
        try:
            result = fit(draft, *args, **kwargs)
        except Exception:
            raise  # every context manager has done its work, and other threads may be in theirs
        except BaseException:
            settings.restore()
            raise
        self.__dict__ = vars(draft)
        return self if result is draft else result

    return wrapped


class VersionStamped:
    """Estimators that are saved with the version of this package, which is named when another one reads them.

    pickle names it before it reads the state, so also where the state holds classes that are no longer there.
    """

    def __reduce__(self):
        return _unpickled, (type(self), _version.__version__), super().__getstate__()

    def __getstate__(self):  # for skops, which asks for the state alone
        return {**super().__getstate__(), "_sklearn_hardmax_version": _version.__version__}

    def __setstate__(self, state):
        state = dict(state)
        _check_version(type(self), state.pop("_sklearn_hardmax_version", _version.__version__))
        super().__setstate__(state)


def _unpickled(cls, version):
    """An estimator without a state, which pickle adds."""
    _check_version(cls, version)
    return cls.__new__(cls)


def _check_version(cls, version):
    if version != _version.__version__:
        warnings.warn(
            f"This {cls.__name__} was pickled by sklearn-hardmax {version} and is read by {_version.__version__}; fit "
            "it anew, or save its Transformer, which has a format of its own.",
            UserWarning,
            stacklevel=3,
        )


class RaggedOutput:
    """Transformers whose output is RaggedSequences, of the dtype of the input."""

    def set_output(self, *, transform=None):
        """Accepted for the sake of pipelines; a ragged output stays RaggedSequences.

        Parameters
        ----------
        transform : str or None, default=None
            Means nothing here.

        Returns
        -------
        estimator
            Itself.
        """
        return self

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
