"""Read user input as RaggedSequences, or raise an error that lists the accepted forms."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from sklearn_hardmax.sequences import arrays, checks, libraries
from sklearn_hardmax.sequences.arrays import RULES
from sklearn_hardmax.sequences.names import column_names, index_ids
from sklearn_hardmax.sequences.ragged import RaggedSequences
from sklearn_hardmax.sequences.raw_columns import join_columns
from sklearn_hardmax.sequences.raw_tokens import RawTokens, numbers_of
from sklearn_hardmax.sequences.readers import NUMERIC, RAW, reader_of
from sklearn_hardmax.sequences.values import as_numbers, columns_of, library_of

_MANY_FEATURES = 4  # features per token from which arrays of one shape look channels-first

# data frames, Arrow arrays, ... have a method __array__, so that they count as ArrayLike
SequencesLike: TypeAlias = RaggedSequences | ArrayLike


def as_sequences(
    X: SequencesLike, *, dtype: Literal["numeric"] | None = "numeric", allow_nan: bool = False
) -> RaggedSequences:
    """Read user input as RaggedSequences; all estimators and functions of the package parse input by this function.

    Parameters
    ----------
    X : RaggedSequences, list of 2-D arrays, 3-D array, 2-D array or data frame
        A list, tuple or object array of (n_i, token_dim) arrays holds one sequence per array; a 3-D array holds sequences of
        equal length; a 2-D array, data frame or nested list of numbers holds sequences of one token each. Nested columns of
        pyarrow, Awkward, polars and pandas, data frames with one column of lists per feature, and nested tensors of torch are
        read by `RaggedSequences.from_arrow`, `from_awkward`, `from_frame` and `from_torch`.
    dtype : {"numeric", None}, default="numeric"
        What tokens are made of. "numeric": numbers. Integers, floats, booleans, Decimal and Fraction are numbers; texts (of
        digits too), dates, durations and categories are not, in any container. None: tokens of any kind. Every column keeps
        its type and its missing values, for `TokenwiseTransformer` and other steps that turn them into numbers; where all
        columns are floats, tokens are an array as with "numeric", else `RawTokens`.
    allow_nan : bool, default=False
        Whether missing values (None, NaN, NaT, pandas.NA, nulls) are kept, as NaN, for `SequenceImputer`. Estimators that
        compute with numbers refuse them. With dtype=None they are kept always.

    Returns
    -------
    RaggedSequences

    Raises
    ------
    ValueError
        Any other input: a list of 1-D arrays, empty sequences, NaN or infinity, unequal token_dim, complex numbers, texts,
        dates, numbers too large for float64. The message names the offending sequences. An unknown dtype.
    TypeError
        Other objects than numbers; sparse matrices.

    Warns
    -----
    UserWarning
        A 3-D array or a list of arrays of one shape, whose features are at least four times as many as their tokens: this
        looks channels-first. `RaggedSequences.from_aeon` reads it so; `from_list` and `from_padded` do not warn.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_hardmax import as_sequences
    >>> as_sequences([np.zeros((3, 2)), np.zeros((1, 2))])
    RaggedSequences(2 sequences of 1 to 3 tokens, token_dim=2, float64)
    >>> as_sequences(np.zeros((4, 2)))
    RaggedSequences(4 sequences of 1 tokens, token_dim=2, float64)
    """
    sequences, layout = parse(X, allow_nan, reader_of(dtype))
    warn_if_channels_first(sequences, layout, stacklevel=3)
    return sequences


def read_sequences(X):
    """Read user input without a warning: data of a transformer that is there already, or targets."""
    return parse(X)[0]


def parse(X, allow_nan=False, reader=NUMERIC):
    """Read user input, and return RaggedSequences and the layout in which X held them.

    The layout is "rows" for a table of numbers with one token a row, "arrays" for one array per sequence (or one for all), or
    "container" for a container that can only mean sequences.
    """
    allow_nan = allow_nan or reader is RAW
    if isinstance(X, RaggedSequences):
        if len(X) == 0:
            raise ValueError(
                "Found array with 0 sample(s) while a minimum of 1 is required: give at least one sequence."
            )
        if X.is_raw and reader is NUMERIC:
            numbers = arrays.Parts(numbers_of(X.tokens, X.feature_names), X.offsets, X.ids, X.feature_names)
            return RaggedSequences._checked(numbers, allow_nan), "container"
        if X._may_hold_nan and not allow_nan:
            checks.check_finite(X.tokens, X.offsets)
        return X, "container"
    _refuse_other_things(X)
    if isinstance(X, Sequence) and not isinstance(X, memoryview):
        parts, layout = _from_nested(list(X), reader)
        return RaggedSequences._checked(parts, allow_nan), layout
    parsed = libraries.parse_container(X, reader)
    if parsed is not None:
        return RaggedSequences._checked(parsed, allow_nan), "container"
    parts, layout = _from_array(X, reader)
    return RaggedSequences._checked(parts, allow_nan), layout


def _refuse_other_things(X):
    """Raise for masked arrays, sparse matrices, and things that hold no sequences in a fixed order."""
    if isinstance(X, np.ma.MaskedArray):
        raise ValueError(
            "Masked arrays are not supported: use RaggedSequences.from_padded(X.data, mask=...), True for real tokens."
        )
    # sparse matrices and arrays of any library
    if hasattr(X, "toarray") or hasattr(X, "todense"):
        raise TypeError(
            "Sparse input is not supported; pass X.toarray(), one token per row, or a list of dense arrays."
        )
    if "GroupBy" in type(X).__name__ and library_of(X) in ("pandas", "polars"):
        raise ValueError(
            f"Cannot read sequences from {type(X).__name__}; write RaggedSequences.from_frame(frame, group=...) with the "
            "name of the column of groups."
        )
    if isinstance(X, (str, bytes, dict, set, frozenset)) or X is None:
        hint = " The values of a dict are list(X.values())." if isinstance(X, dict) else ""
        raise ValueError(f"Cannot read sequences from {type(X).__name__}; {RULES}{hint}")


def _from_array(X, reader):
    """Read anything that NumPy makes an array of."""
    # a list of NumPy would lose what the columns of a table are
    if columns_of(X) is not None:
        array = _from_table(X, reader)
    else:
        array = reader.table(X, "tokens") if library_of(X) == "torch" else np.asarray(X)
    if array.dtype.names:
        as_numbers(array)  # raises: records, which are no numbers
    if array.ndim == 0 and isinstance(X, Iterable):
        raise ValueError(f"Cannot read sequences from {type(X).__name__}, which is no list; write list(X).")
    if array.dtype == object and array.ndim == 1:
        parts, layout = _from_nested(list(array), reader)
        return parts._replace(ids=index_ids(X)), layout
    if array.ndim == 3:
        n_sequences, length, token_dim = array.shape
        offsets = np.arange(n_sequences + 1) * length
        return arrays.Parts(_rows(array.reshape(n_sequences * length, token_dim), reader), offsets), "arrays"
    if array.ndim == 2:
        parts, layout = _one_token_each(_rows(array, reader))
        return parts._replace(ids=index_ids(X), feature_names=column_names(X)), layout
    raise ValueError(f"Expected 2D array or sequences, got an array of shape {array.shape}. Reshape your data: {RULES}")


def _from_table(X, reader):
    """The rows of a data frame; an error names the reader of tables whose rows are tokens of longer sequences."""
    try:
        return reader.table(X, "tokens")
    except ValueError as error:
        raise ValueError(
            f"{error} If several rows make a sequence, read the table by RaggedSequences.from_frame(table, group=..., "
            "dtype=None)."
        ) from error


def _rows(tokens, reader):
    """Tokens from an array of two dimensions or from RawTokens; numbers are read later, when they are checked."""
    if reader is NUMERIC or tokens.shape[1] == 0:
        return tokens
    return join_columns((tokens if isinstance(tokens, RawTokens) else reader.table(tokens, "tokens")).columns)


def _from_nested(X, reader):
    """Read a list: of rows of plain numbers, a token each, or else of 2-D arrays."""
    if len(X) == 0:
        raise ValueError("Found array with 0 sample(s) while a minimum of 1 is required: give at least one sequence.")
    if all(isinstance(row, (list, tuple)) and not any(_is_array(v) for v in row) for row in X):
        lengths = [len(row) for row in X]
        are_symbols = all(isinstance(value, str) for row in X for value in row)
        if are_symbols and (reader is RAW or min(lengths) < max(lengths)):
            raise ValueError(
                "Rows of texts are lists of symbols, or tokens of several features: use RaggedSequences.from_series(X, "
                "dtype=None) for lists of symbols, np.array(X, dtype=object) with dtype=None for one token per row."
            )
        if min(lengths) == max(lengths):
            return _one_token_each(as_numbers(X) if reader is NUMERIC else _rows(reader.table(X, "tokens"), reader))
        if reader is RAW:
            raise ValueError(
                f"Rows of values have unequal lengths ({min(lengths)} to {max(lengths)}): give lists of tokens, which are "
                "lists or tuples of values; lists of symbols are read by RaggedSequences.from_series(X, dtype=None)."
            )
        raise ValueError(f"Rows of numbers have unequal lengths ({min(lengths)} to {max(lengths)}); {RULES}")
    # the rows of data frames are tokens, those of an array may be channels
    return arrays.from_list(X, reader), "arrays" if columns_of(X[0]) is None else "container"


def _is_array(value):
    return isinstance(value, (list, tuple)) or np.ndim(value) > 0


def _one_token_each(array):
    if len(array) == 0:
        raise ValueError(f"Found array with 0 sample(s) (shape={array.shape}) while a minimum of 1 is required.")
    return arrays.Parts(array, np.arange(len(array) + 1)), "rows"


# -- readings that are probably not meant ------------------------------------------------------------------------------


def warn_if_channels_first(sequences, layout, stacklevel):
    """Warn if arrays of one shape have few tokens of very many features, as series have in channels-first layout."""
    length = sequences.n_tokens // len(sequences)
    many_features = 2 if length == 1 else _MANY_FEATURES * length
    if (
        layout != "arrays"
        or sequences.is_raw
        or sequences.token_dim < many_features
        or (sequences.lengths != length).any()
    ):
        return
    if length == 1:
        text = (
            f"Every sequence has one token of {sequences.token_dim} features. If these are series of one channel in "
            "channels-first layout (1, T), use RaggedSequences.from_aeon or from_series."
        )
    else:
        text = (
            f"Every sequence has {length} tokens of {sequences.token_dim} features. If these are series of {length} channels "
            f"in channels-first layout ({length}, {sequences.token_dim}), use RaggedSequences.from_aeon(X); if tokens come "
            "first, RaggedSequences.from_list(X) reads them so without this warning."
        )
    warnings.warn(text, UserWarning, stacklevel=stacklevel)


def warn_if_one_sequence(sequences, layout, typical_length):
    """Warn if a table is read as sequences of one token where the training sequences had many: it may be one sequence."""
    if layout == "rows" and len(sequences) > 1 and typical_length > 1:
        warnings.warn(
            f"X is a table, read as {len(sequences)} sequences of one token each, but the training sequences had about "
            f"{typical_length:g} tokens. If X is one sequence, put it into a list: [X], such as [X[0]].",
            UserWarning,
            stacklevel=5,  # the caller of predict
        )
