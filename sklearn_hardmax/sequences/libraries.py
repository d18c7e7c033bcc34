"""Containers of other libraries to the pair (tokens, offsets), and back; each library is imported where it is used.

All of them hold sequences in one of three layouts. *Nested*: a list of lists of tokens, flat values and offsets (Arrow,
Awkward, jagged tensors), which is ours, so that nothing is copied. *Columns*: one list a sequence and a feature, in a data
frame. *Long*: one row a token, and a column that names its sequence. Lists of plain numbers are series of one channel.
"""

import warnings

import numpy as np

from sklearn_hardmax.sequences.arrays import (
    as_float_tokens,
    format_indices,
    from_flat,
    from_list,
    from_series,
    sequences_with_tokens,
)
from sklearn_hardmax.sequences.segments import sequence_of_each_token

# -- what as_sequences reads by itself ---------------------------------------------------------------------------------


def parse_container(X):
    """(tokens, offsets) of a container of another library that can be nothing but sequences; None for other input.

    Raises ValueError for lists of plain numbers, which may be series of one channel and rows of a matrix, and for
    categories.
    """
    library = _library(X)
    if library == "torch" and getattr(X, "is_nested", False):
        return from_torch(X)
    if library == "awkward":
        return _nested_only(_from_awkward_to_arrow(X), "from_awkward")
    if library == "pyarrow" and hasattr(X, "null_count"):  # an array, no table and no scalar
        return _nested_only(_arrow(X), "from_arrow")
    if library in _FRAMES:
        return _read_frame(X)
    return None


_FRAMES = ("pandas", "polars", "pyarrow")


def _library(X):
    return type(X).__module__.partition(".")[0]


def _nested_only(array, converter):
    if _depth(array.type) == 1:
        raise ValueError(
            "Lists of numbers are series of one channel or rows of a matrix; "
            f"use RaggedSequences.{converter} for series, a 2-D NumPy array for one token a row."
        )
    return from_arrow(array)


def _read_frame(X):
    names = _columns(X)
    if names is None:  # an object column of arrays, or of numbers, is as NumPy sees it
        return _nested_only(_arrow(X), "from_frame") if _is_nested(getattr(X, "dtype", None)) else None
    for name, dtype in zip(names, _dtypes(X)):
        _refuse_categories(name, dtype)
    lists = (
        _is_nested(dtype) or (str(dtype) == "object" and _holds_lists(X[name]))
        for name, dtype in zip(names, _dtypes(X))
    )
    return from_frame(X) if any(lists) else None


def _columns(X):
    """Names of the columns of a frame or table; None for a single column."""
    if type(X).__name__ == "LazyFrame":
        raise ValueError("A LazyFrame holds no data yet; pass X.collect().")
    if hasattr(X, "schema") and _library(X) == "pyarrow":
        return X.schema.names
    return list(X.columns) if hasattr(X, "columns") else None


def _dtypes(X):
    """Types of the columns of a frame or table."""
    return X.schema.types if _library(X) == "pyarrow" else list(X.dtypes)


def _is_nested(dtype):
    """Whether a type of any of the three libraries is one of lists."""
    if hasattr(dtype, "is_nested"):
        return dtype.is_nested() and not hasattr(dtype, "fields")  # of polars, no struct
    return _depth(getattr(dtype, "pyarrow_dtype", dtype)) > 0


def _holds_lists(column):
    """Whether the cells of an object column of pandas are lists or arrays, by the first that is there."""
    cells = column.dropna()
    return len(cells) > 0 and isinstance(cells.iloc[0], (list, tuple, np.ndarray))


def _refuse_categories(name, dtype):
    if str(dtype).lower().startswith(("category", "categorical", "enum", "dictionary")):
        raise ValueError(f"column {name!r} is categorical ({dtype}); encode categories as numbers first.")


# -- Arrow, Awkward ----------------------------------------------------------------------------------------------------


def _depth(arrow_type):
    """How many lists are nested in an Arrow type; dictionaries and extensions are none."""
    depth = 0
    while (
        hasattr(arrow_type, "value_type")
        and not hasattr(arrow_type, "index_type")
        and not hasattr(arrow_type, "storage_type")
    ):
        arrow_type, depth = arrow_type.value_type, depth + 1
    return depth


def _arrow(X):
    """One pyarrow array of a column of any library that speaks Arrow."""
    import pyarrow

    if not isinstance(X, (pyarrow.Array, pyarrow.ChunkedArray)):
        X = pyarrow.chunked_array(X) if hasattr(X, "__arrow_c_stream__") else pyarrow.array(X)
    if isinstance(X, pyarrow.ChunkedArray):
        X = X.chunk(0) if X.num_chunks == 1 else X.combine_chunks()
    return X


def from_arrow(X):
    """Lists of lists of numbers, one list a token; lists of numbers are series of one channel."""
    array = _arrow(X)
    depth = _depth(array.type)
    if depth not in (1, 2):
        raise ValueError(
            f"Sequences are lists of tokens, tokens lists of numbers (or, for series, numbers); got Arrow type {array.type}."
        )
    _refuse_nulls(array, np.arange(len(array)), "missing sequences")
    offsets, values = _lists(array)
    owners = np.arange(len(array)).repeat(np.diff(offsets)) if values.null_count else None
    _refuse_nulls(values, owners, "missing values")
    if depth == 1:
        return _arrow_numbers(values)[:, None], offsets
    ends, numbers = _lists(values)
    dims = np.diff(ends)
    if len(dims) and (dims != dims[0]).any():
        odd = sequences_with_tokens(np.flatnonzero(dims != dims[0]), offsets)
        raise ValueError(
            f"All tokens need the same number of features: the first has {dims[0]}, tokens of sequences {format_indices(odd)} "
            "have others."
        )
    token_dim = int(dims[0]) if len(dims) else 1
    if numbers.null_count:
        tokens = np.flatnonzero(numbers.is_null().to_numpy(zero_copy_only=False)) // token_dim
        _name_missing(sequences_with_tokens(tokens, offsets), "missing values")
    return _arrow_numbers(numbers).reshape(len(dims), token_dim), offsets


def _refuse_nulls(array, owners, what):
    if array.null_count:
        _name_missing(owners[array.is_null().to_numpy(zero_copy_only=False)], what)


def _name_missing(sequences, what):
    raise ValueError(
        f"There are {what} (nulls) in sequences {format_indices(np.unique(sequences))}; drop or fill them first."
    )


def _lists(array):
    """Offsets of a list array without nulls, from 0, and what its lists hold one after another."""
    if hasattr(array.type, "list_size"):
        return np.arange(len(array) + 1) * array.type.list_size, array.flatten()
    if hasattr(array, "sizes"):  # a list view
        return np.append(0, np.cumsum(array.sizes.to_numpy(), dtype=np.int64)), array.flatten()
    offsets = array.offsets.to_numpy()
    return offsets - offsets[0] if len(offsets) and offsets[0] else offsets, array.flatten()


def _arrow_numbers(array):
    import pyarrow.types as types

    if not any(is_kind(array.type) for is_kind in (types.is_integer, types.is_floating, types.is_boolean)):
        raise ValueError(
            f"tokens must be real numbers, got Arrow type {array.type}; encode texts, dates and categories first."
        )
    return as_float_tokens(array.to_numpy(zero_copy_only=False))


def to_arrow(tokens, offsets):
    """LargeListArray of FixedSizeList, on the memory of both."""
    import pyarrow

    rows = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(tokens.ravel()), tokens.shape[1])
    return pyarrow.LargeListArray.from_arrays(pyarrow.array(offsets), rows)


def from_awkward(X):
    """An array of type N * var * token_dim * number, or N * var * number, series of one channel."""
    return from_arrow(_from_awkward_to_arrow(X))


def _from_awkward_to_arrow(X):
    import awkward

    return awkward.to_arrow(X, list_to32=False, extensionarray=False)


def to_awkward(tokens, offsets):
    """Array of type N * var * token_dim * number, on the memory of both."""
    import awkward

    contents, index = awkward.contents, awkward.index.Index64(offsets)
    return awkward.Array(contents.ListOffsetArray(index, contents.NumpyArray(tokens)))


# -- data frames -------------------------------------------------------------------------------------------------------


def from_frame(frame, group=None):
    """A column of sequences, a frame with one column of lists a feature, or with `group` one row a token."""
    if _library(frame) not in _FRAMES:
        raise TypeError(
            f"from_frame takes a Series, data frame or table of {', '.join(_FRAMES)}, got {type(frame).__name__}."
        )
    names = _columns(frame)
    if group is not None:
        return _from_long(frame, names, group)
    if names is None:
        return _from_column(frame, "the column")
    if not names or len(set(names)) < len(names):
        raise ValueError(
            f"A data frame needs one column of lists a feature, each with a name of its own, got columns {names}."
        )
    parts = [_from_column(frame[name], f"column {name!r}") for name in names]
    offsets = parts[0][1]
    for name, (tokens, ends) in zip(names, parts):
        if tokens.shape[1] != 1:
            raise ValueError(
                f"Each cell of column {name!r} must be a list of numbers, got lists of {tokens.shape[1]} features."
            )
        odd = np.flatnonzero(np.diff(ends) != np.diff(offsets))
        if len(odd):
            raise ValueError(
                f"All features of a sequence need one length: columns {names[0]!r} and {name!r} differ in sequences "
                f"{format_indices(odd)}."
            )
    return np.hstack([tokens for tokens, _ in parts]), offsets


def _from_column(column, what):
    if _is_nested(getattr(column, "dtype", getattr(column, "type", None))):
        return from_arrow(column)
    cells = next(getattr(column, name) for name in ("tolist", "to_list", "to_pylist") if hasattr(column, name))()
    missing = [i for i, cell in enumerate(cells) if cell is None or (np.ndim(cell) == 0 and cell != cell)]
    if missing:
        _name_missing(missing, "missing cells")
    odd = [i for i, cell in enumerate(cells) if not isinstance(cell, (list, tuple, np.ndarray))]
    if odd:
        raise ValueError(
            f"Cells of {what} must be lists or arrays, one a sequence; cells {format_indices(odd)} are no such things (cell "
            f"{odd[0]} is {type(cells[odd[0]]).__name__}); a table with one token a row needs group=, the name of the column "
            "that names the sequences."
        )
    return from_list(cells) if cells and _dimensions(cells[0]) > 1 else from_series(cells)


def _dimensions(cell):
    if isinstance(cell, np.ndarray) and cell.dtype != object:
        return cell.ndim
    return 1 + (len(cell) > 0 and isinstance(cell[0], (list, tuple, np.ndarray)))


def _from_long(frame, names, group):
    if names is None or group not in names or len(names) < 2 or len(set(names)) < len(names):
        raise ValueError(
            f"A table with one token a row needs a column {group!r} and features with names of their own, got {names}."
        )
    features = []
    for name, dtype in zip(names, _dtypes(frame)):
        if name != group:
            _refuse_categories(name, dtype)
            features.append(as_float_tokens(np.asarray(frame[name]), f"entries of column {name!r}"))
    return from_flat(np.column_stack(features), groups=np.asarray(frame[group]))


def _long(tokens, offsets, group, names):
    """Columns of a table with one row a token, by name."""
    names = [f"x{j}" for j in range(tokens.shape[1])] if names is None else [str(name) for name in names]
    if len(names) != tokens.shape[1] or len({group, *names}) != len(names) + 1:
        raise ValueError(f"names must be {tokens.shape[1]} different names other than {group!r}, got {names}.")
    owners = sequence_of_each_token(np.diff(offsets))
    return {group: owners, **{name: tokens[:, j] for j, name in enumerate(names)}}


def to_pandas(tokens, offsets, group=None, names=None):
    """Series of arrays (n_i, token_dim), views; with `group` a data frame with one row a token."""
    import pandas

    if group is not None:
        return pandas.DataFrame(_long(tokens, offsets, group, names))
    cells = np.empty(len(offsets) - 1, dtype=object)
    for i in range(len(cells)):
        cells[i] = tokens[offsets[i] : offsets[i + 1]]
    return pandas.Series(cells)


def to_polars(tokens, offsets, group=None, names=None):
    """Series of lists of arrays, on the memory of the tokens; with `group` a data frame with one row a token."""
    import polars

    if group is not None:
        return polars.DataFrame(_long(tokens, offsets, group, names))
    return polars.Series(to_arrow(tokens, offsets))


# -- torch -------------------------------------------------------------------------------------------------------------


def from_torch(nested):
    """A nested tensor (N, ragged, token_dim) of either layout, from any device."""
    import torch

    if not isinstance(nested, torch.Tensor) or not nested.is_nested or nested.dim() != 3:
        what = f"{type(nested).__name__}"
        if isinstance(nested, torch.Tensor):
            what = f"a {'nested ' * nested.is_nested}tensor of {nested.dim()} dimensions"
        raise ValueError(f"from_torch takes a nested tensor of shape (n_sequences, ragged, token_dim), got {what}.")
    nested = nested.detach()
    # the second dimension is what is ragged, and there are no holes
    if nested.layout == torch.jagged and isinstance(nested.shape[1], torch.SymInt) and nested.lengths() is None:
        return _numbers(nested.values()), nested.offsets().cpu().numpy()
    return from_list([_numbers(component) for component in nested.unbind()])


def _numbers(tensor):
    tensor = tensor.cpu()
    return (tensor if tensor.dtype.itemsize > 2 else tensor.float()).numpy()  # NumPy knows no bfloat16


def to_torch(tokens, offsets):
    """A jagged nested tensor on the memory of the tokens."""
    import torch

    with warnings.catch_warnings():  # that the memory is read-only; the docstring says so
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable", category=UserWarning)
        values, offsets = torch.from_numpy(tokens), torch.from_numpy(offsets)
    return torch.nested.nested_tensor_from_jagged(values, offsets)
