"""Checks that all estimators share: of sequences, labels, parameters and feature names, and of the version in a pickle.

Each check raises ValueError with a message that names the parameter and the value that was given.
"""

import numbers
import warnings
from collections.abc import Iterable

import numpy as np
import sklearn.utils
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import assert_all_finite, check_consistent_length, column_or_1d

from sklearn_hardmax import _version
from sklearn_hardmax.constructions.heads.families import AUTO, FAMILIES
from sklearn_hardmax.sequences import RaggedSequences
from sklearn_hardmax.sequences.checks import check_integer as check_integer
from sklearn_hardmax.sequences.messages import format_indices
from sklearn_hardmax.sequences.names import are_equal, id_array, index_ids, scalars, with_none_for_masked
from sklearn_hardmax.sequences.parsing import parse, read_sequences, warn_if_channels_first, warn_if_one_sequence
from sklearn_hardmax.sequences.readers import reader_of
from sklearn_hardmax.sequences.values import kind_of

_MAX_NAMES = 5  # that an error message lists


def validate_sequences(estimator, X, *, reset, y="no_validation", dtype="numeric", allow_nan=False):
    """Read X as RaggedSequences, and check the number and names of its features against those at fit.

    reset=True, at fit, sets n_features_in_ (the token_dim) and feature_names_in_ instead. With y=None, ValueError where the
    estimator needs a target. `dtype` and `allow_nan` are those of `as_sequences`.
    """
    sequences, layout = parse(X, allow_nan, reader_of(dtype))
    if y is None:
        raise ValueError(f"This {type(estimator).__name__} requires y to be passed, but the target y is None.")
    _check_feature_names(estimator, sequences.feature_names, reset)
    if reset:
        warn_if_channels_first(sequences, layout, stacklevel=5)  # the caller of fit
        estimator._typical_length = float(np.median(sequences.lengths))
        estimator.n_features_in_ = sequences.token_dim
        # ColumnTransformer passes a Series, one column of sequences, and later its name in place of the feature names
        name = getattr(X, "name", None)
        estimator._column = name if isinstance(name, str) else None
    elif sequences.token_dim != estimator.n_features_in_:
        raise ValueError(
            f"X has {sequences.token_dim} features, but {type(estimator).__name__} is expecting "
            f"{estimator.n_features_in_} features as input"
        )
    else:
        # estimators of earlier versions do not know the length
        warn_if_one_sequence(sequences, layout, getattr(estimator, "_typical_length", 1))
    return sequences


def _check_feature_names(estimator, names, reset):
    """Set feature_names_in_, or compare it with these names as scikit-learn compares those of data frames."""
    known = getattr(estimator, "feature_names_in_", None)
    if reset:
        if names is not None:
            estimator.feature_names_in_ = names
        elif known is not None:
            del estimator.feature_names_in_
        return
    # the words of the warnings and of the error are those that scikit-learn's estimator checks search for
    name = type(estimator).__name__
    if (names is None) != (known is None):
        given, fitted = ("has", "out") if known is None else ("does not have valid", "")
        warnings.warn(f"X {given} feature names, but {name} was fitted with{fitted} feature names", stacklevel=4)
        return
    if names is None or are_equal(names, known):
        return
    message = "The feature names should match those that were passed during fit.\n"
    for title, extra in (
        ("Feature names unseen at fit time", sorted(set(names) - set(known))),
        ("Feature names seen at fit time, yet now missing", sorted(set(known) - set(names))),
    ):
        if extra:
            message += f"{title}:\n" + "".join(f"- {name}\n" for name in extra[:_MAX_NAMES])
            message += "- ...\n" * (len(extra) > _MAX_NAMES)
    if set(names) == set(known):
        message += "Feature names must be in the same order as they were in fit.\n"
    raise ValueError(message)


def validate_class_labels(sequences, y):
    """Classes in sorted order, and the class index of each sequence; both 1-D arrays."""
    check_alignment(sequences, y)
    y = column_or_1d(as_labels(y), warn=True)
    assert_all_finite(y, input_name="y")
    check_classification_targets(y)
    check_consistent_length(sequences, y)
    return np.unique(y, return_inverse=True)


def check_alignment(X, y):
    """Raise ValueError if y has an index of pandas, or ids, that are not the ids of the sequences X, entry by entry.

    An unnamed integer index counts rows, and is not looked at; where the sequences have no ids there is nothing to compare.
    """
    index = y.ids if isinstance(y, RaggedSequences) else index_ids(y)
    ids = None if index is None else read_sequences(X).ids
    if ids is None:
        return
    index = id_array(index)
    if are_equal(ids, index):
        return
    if len(ids) != len(index):
        raise ValueError(
            f"Found input variables with inconsistent numbers of samples: [{len(ids)}, {len(index)}]; y needs one entry per "
            "sequence, such as y.loc[X.ids] of a Series with one entry per id."
        )
    pairs = enumerate(zip(scalars(ids), scalars(index)))
    where = next((f" (sequence {i} is {one!r}, y has {other!r})" for i, (one, other) in pairs if one != other), "")
    raise ValueError(
        f"The index of y differs from the ids of the sequences{where}: use y.loc[X.ids], which puts y into the order of the "
        "sequences, or y.to_numpy() if it is in their order already."
    )


def as_labels(y):
    """Labels in any container as an array; ValueError for missing ones, and for those that NumPy would change or merge."""
    try:
        array = np.asarray(with_none_for_masked(y))
    except (TypeError, ValueError) as error:  # sequences
        raise ValueError(f"y must hold one label per sequence, but is no array of labels ({error}).") from error
    if array.ndim == 0 and isinstance(y, Iterable):
        raise ValueError(f"y must be a list or an array of labels, got {type(y).__name__}; write list(y).")
    is_object = array.dtype == object and array.ndim == 1
    entries = array.tolist() if is_object else list(y) if isinstance(y, (list, tuple)) else []
    kinds = list(map(kind_of, entries))
    missing = [
        i for i, kind in enumerate(kinds) if kind == "missing" or (kind == "numbers" and entries[i] != entries[i])
    ]
    if array.dtype.kind in "mM":
        missing = np.flatnonzero(np.isnat(array))
    if len(missing):
        raise ValueError(f"Input y contains NaN or None: labels {format_indices(missing)} are missing; leave them out.")
    if len(set(kinds)) > 1:
        other = next(i for i, kind in enumerate(kinds) if kind != kinds[0])
        raise ValueError(
            f"y mixes {kinds[0]} and {kinds[other]}: labels 0 and {other} are {entries[0]!r} and {entries[other]!r}; make "
            "all of them texts, for example by str."
        )
    if is_object and set(kinds) == {"numbers"}:
        array = np.array(entries)  # as a list of the same numbers
    if "numbers" in kinds and array.ndim == 1:
        changed = [i for i, label in enumerate(entries) if array.dtype == object or array[i].item() != label]
    else:  # NumPy cuts off the characters NUL at the end of a text
        changed = [i for i, label in enumerate(entries) if array.dtype.kind == "U" and label.endswith("\0")]
    if changed:
        raise ValueError(
            f"labels {format_indices(changed)} of y have no exact counterpart in NumPy, the first is "
            f"{entries[changed[0]]!r}; give other labels, such as their indices."
        )
    return array


def check_random_state(value):
    """The RandomState of a parameter random_state; ValueError unless it is a seed, a RandomState or None."""
    try:
        return sklearn.utils.check_random_state(value)
    except ValueError as error:
        raise ValueError(
            f"random_state must be an integer from 0 to 2**32 - 1, a numpy.random.RandomState or None, got {value!r}."
        ) from error


def check_positive(value, name):
    """Raise ValueError unless value is a positive finite number."""
    if not isinstance(value, numbers.Real) or isinstance(value, bool) or not 0 < value < np.inf:
        raise ValueError(f"{name} must be a positive finite number, got {value!r}.")


def check_from_zero(value, name, below=np.inf):
    """Raise ValueError unless value is a number from 0 to less than `below`."""
    if not isinstance(value, numbers.Real) or isinstance(value, bool) or not 0 <= value < below:
        limit = "a finite number" if below == np.inf else f"below {below}"
        raise ValueError(f"{name} must be at least 0 and {limit}, got {value!r}.")


def is_auto(value):
    """Whether a value is "auto"; an array compared with a text has no truth value of its own."""
    return isinstance(value, str) and value == "auto"


def chosen_families(value):
    """The parameter families as a tuple of names; ValueError unless it is "auto" or a list of known ones, each once."""
    if is_auto(value):
        return AUTO
    names = tuple(value) if isinstance(value, (list, tuple)) else ()
    if not names or len(set(names)) < len(names) or not set(names) <= FAMILIES.keys():
        known = ", ".join(map(repr, FAMILIES))
        raise ValueError(f"families must be 'auto' or a list of different names among {known}, got {value!r}.")
    return names


def check_flag(value, name):
    """Raise ValueError unless value is True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise ValueError(f"{name} must be True or False, got {value!r}.")


def check_verbose(value):
    """Raise ValueError unless value is a flag or an integer of at least 0."""
    check_integer(int(value) if isinstance(value, bool) else value, "verbose", 0)


def check_option(value, name, options):
    """Raise ValueError unless value is one of the options."""
    # identity for None, equality for strings alone: an array compared with a string has no truth value
    if not any(value is o or (isinstance(o, str) and isinstance(value, str) and value == o) for o in options):
        raise ValueError(f"{name} must be one of {', '.join(map(repr, options))}, got {value!r}.")


def input_names(estimator, input_features):
    """Names of the features of a token, a list of str.

    The given ones; without them those of the data frame at fit, or x0, x1, ...
    """
    known = getattr(estimator, "feature_names_in_", None)
    if input_features is None:
        if known is None:
            return [f"x{j}" for j in range(estimator.n_features_in_)]
        return [str(name) for name in known]
    names = [str(name) for name in input_features]
    # one name for a column of sequences with several features: number them
    if estimator.n_features_in_ > 1 and names == [getattr(estimator, "_column", None)]:
        return [f"{names[0]}[{j}]" for j in range(estimator.n_features_in_)]
    if len(names) != estimator.n_features_in_:
        raise ValueError(
            f"input_features must name the {estimator.n_features_in_} features of a token, got {len(names)} names."
        )
    if known is not None and names != [str(name) for name in known]:
        raise ValueError("input_features is not equal to feature_names_in_.")
    return names


# Pickles of every version refer to this function by module and name: neither may change.
def _unpickled(cls, version):
    """An estimator without a state; pickle adds the state next."""
    check_version(cls, version)
    return cls.__new__(cls)


def check_version(cls, version):
    """Warn unless the estimator was pickled by this version of the package."""
    if version != _version.__version__:
        warnings.warn(
            f"This {cls.__name__} was pickled by sklearn-hardmax {version} and is read by {_version.__version__}; fit "
            "it anew, or save its Transformer, which has a format of its own.",
            UserWarning,
            stacklevel=3,
        )
