"""Read user input as RaggedSequences, or raise an error that lists the accepted forms."""

from __future__ import annotations

import warnings
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from sklearn_hardmax.sequences import arrays, libraries
from sklearn_hardmax.sequences.arrays import RULES
from sklearn_hardmax.sequences.ragged import RaggedSequences

# data frames, Arrow arrays, ... have a method __array__, so that they count as ArrayLike
SequencesLike: TypeAlias = RaggedSequences | ArrayLike


def as_sequences(X: SequencesLike) -> RaggedSequences:
    """Read user input as RaggedSequences; all estimators and functions of the package parse input by this function.

    Parameters
    ----------
    X : RaggedSequences, list of 2-D arrays, 3-D array, 2-D array or data frame
        A list, tuple or object array of (n_i, token_dim) arrays holds one sequence per array; a 3-D array holds sequences of
        equal length; a 2-D array, data frame or nested list of numbers holds sequences of one token each. Nested columns of
        pyarrow, Awkward, polars and pandas, data frames with one column of lists per feature, and nested tensors of torch are
        read by `RaggedSequences.from_arrow`, `from_awkward`, `from_frame` and `from_torch`.

    Returns
    -------
    RaggedSequences

    Raises
    ------
    ValueError
        Any other input: a list of 1-D arrays, empty sequences, NaN or infinity, unequal token_dim, complex numbers, text.
        The message names the offending sequences.
    TypeError
        Entries that are not numbers; sparse matrices.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_hardmax import as_sequences
    >>> as_sequences([np.zeros((3, 2)), np.zeros((1, 2))])
    RaggedSequences(2 sequences of 1 to 3 tokens, token_dim=2, float64)
    >>> as_sequences(np.zeros((4, 2)))
    RaggedSequences(4 sequences of 1 tokens, token_dim=2, float64)
    """
    if isinstance(X, RaggedSequences):
        if len(X) == 0:
            raise ValueError(
                "Found array with 0 sample(s) while a minimum of 1 is required: give at least one sequence."
            )
        return X
    if isinstance(X, np.ma.MaskedArray):
        raise ValueError(
            "Masked arrays are not supported: use RaggedSequences.from_padded(X.data, mask=...), True for real tokens."
        )
    # sparse matrices and arrays of any library
    if hasattr(X, "toarray") or hasattr(X, "todense"):
        raise TypeError(
            "Sparse input is not supported; pass X.toarray(), one token per row, or a list of dense arrays."
        )
    if isinstance(X, (str, bytes, dict, set)) or X is None:
        raise ValueError(f"Cannot read sequences from {type(X).__name__}; {RULES}")
    if isinstance(X, (list, tuple)):
        return _from_nested(X)
    parsed = libraries.parse_container(X)
    if parsed is not None:
        return RaggedSequences(*parsed)
    # any other object is read as an array
    array = np.asarray(X)
    if array.dtype == object and array.ndim == 1:
        return _from_nested(list(array))
    if array.ndim == 3:
        return _from_equal(array)
    if array.ndim == 2:
        return _one_token_each(array)
    raise ValueError(f"Expected 2D array or sequences, got an array of shape {array.shape}. Reshape your data: {RULES}")


def _from_nested(X):
    """Read a list or tuple: of rows of plain numbers, a token each, or else of 2-D arrays."""
    if len(X) == 0:
        raise ValueError("Found array with 0 sample(s) while a minimum of 1 is required: give at least one sequence.")
    if all(isinstance(row, (list, tuple)) and not any(_is_array(v) for v in row) for row in X):
        lengths = [len(row) for row in X]
        if min(lengths) == max(lengths):
            return _one_token_each(np.array(X))
        raise ValueError(f"Rows of numbers have unequal lengths ({min(lengths)} to {max(lengths)}); {RULES}")
    tokens, offsets = arrays.from_list(X)
    sequences = RaggedSequences(tokens, offsets)
    _warn_if_channels_first(sequences)
    return sequences


def _is_array(value):
    return isinstance(value, (list, tuple)) or np.ndim(value) > 0


def _from_equal(array):
    n_sequences, length, token_dim = array.shape
    sequences = RaggedSequences(array.reshape(n_sequences * length, token_dim), np.arange(n_sequences + 1) * length)
    _warn_if_channels_first(sequences)
    return sequences


def _one_token_each(array):
    if len(array) == 0:
        raise ValueError(f"Found array with 0 sample(s) (shape={array.shape}) while a minimum of 1 is required.")
    return RaggedSequences(array, np.arange(len(array) + 1))


def _warn_if_channels_first(sequences):
    """Warn if every sequence has one token of several features, like series of one channel in channels-first layout."""
    if sequences.n_tokens == len(sequences) and sequences.token_dim > 1:
        warnings.warn(
            f"Every sequence has one token of {sequences.token_dim} features. If these are series of one channel in "
            "channels-first layout (1, T), use RaggedSequences.from_aeon or from_series.",
            UserWarning,
            stacklevel=4,  # the caller of as_sequences
        )
