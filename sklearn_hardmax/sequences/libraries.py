"""Convert containers of other libraries to the pair (tokens, offsets) of RaggedSequences, and back.

These containers hold sequences in one of three layouts. *Nested*: a list of lists of tokens, stored as flat values and
offsets (Arrow, Awkward, jagged tensors), as in RaggedSequences, so that nothing is copied. *Columns*: a data frame with one
row per sequence and one column per feature, each cell a list of numbers. *Long*: a table with one row per token, and a
column that names its sequence. Lists of plain numbers are series of one channel. A library is imported where it is used.
"""

import warnings

import numpy as np

from sklearn_hardmax.sequences import arrays
from sklearn_hardmax.sequences.arrays import format_indices, sequences_containing
from sklearn_hardmax.sequences.segments import sequence_of_each_token

_FRAMES = ("pandas", "polars", "pyarrow")  # libraries of data frames and tables

# -- detection, for as_sequences ---------------------------------------------------------------------------------------


def parse_container(X):
    """Return (tokens, offsets) if X is a container of another library that can only mean sequences, else None.

    Raises ValueError for categories, and for lists of plain numbers: series of one channel or rows of a matrix.
    """
    library = _library(X)
    if library == "torch" and getattr(X, "is_nested", False):
        return from_torch(X)
    if library == "awkward":
        return _read_if_nested(_awkward_to_arrow(X), "from_awkward")
    if library == "pyarrow" and hasattr(X, "null_count"):  # arrays have it, tables and scalars do not
        return _read_if_nested(_arrow_array(X), "from_arrow")
    if library in _FRAMES:
        return _parse_frame(X)
    return None


def _library(X):
    return type(X).__module__.partition(".")[0]


def _read_if_nested(array, converter):
    """Read lists of lists; refuse lists of numbers, which only the method named `converter` reads, as series."""
    if _depth(array.type) == 1:
        raise ValueError(
            "Lists of numbers are series of one channel or rows of a matrix; "
            f"use RaggedSequences.{converter} for series, a 2-D NumPy array for one token per row."
        )
    return from_arrow(array)


def _parse_frame(X):
    names = _column_names(X)
    if names is None:  # a single column; as_sequences reads object columns by NumPy
        return _read_if_nested(_arrow_array(X), "from_frame") if _is_nested(getattr(X, "dtype", None)) else None
    columns = list(zip(names, _dtypes(X)))
    for name, dtype in columns:
        _refuse_categories(name, dtype)
    has_lists = any(_is_nested(dtype) or (str(dtype) == "object" and _holds_lists(X[name])) for name, dtype in columns)
    return from_frame(X) if has_lists else None


def _column_names(X):
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
    """Whether a type of pandas, polars or pyarrow is a type of lists."""
    if hasattr(dtype, "is_nested"):
        return dtype.is_nested() and not hasattr(dtype, "fields")  # polars; structs have fields
    return _depth(getattr(dtype, "pyarrow_dtype", dtype)) > 0


def _holds_lists(column):
    """Whether the cells of an object column of pandas are lists or arrays, judged by the first that is not missing."""
    cells = column.dropna()
    return len(cells) > 0 and isinstance(cells.iloc[0], (list, tuple, np.ndarray))


def _refuse_categories(name, dtype):
    if str(dtype).lower().startswith(("category", "categorical", "enum", "dictionary")):
        raise ValueError(f"column {name!r} is categorical ({dtype}); encode categories as numbers first.")


# -- Arrow, Awkward ----------------------------------------------------------------------------------------------------


def _depth(arrow_type):
    """Number of list levels of an Arrow type; dictionaries (index_type) and extensions (storage_type) are not lists."""
    depth = 0
    while hasattr(arrow_type, "value_type") and not (
        hasattr(arrow_type, "index_type") or hasattr(arrow_type, "storage_type")
    ):
        arrow_type = arrow_type.value_type
        depth += 1
    return depth


def _arrow_array(X):
    """One pyarrow array from a column of any library that supports Arrow."""
    import pyarrow

    if not isinstance(X, (pyarrow.Array, pyarrow.ChunkedArray)):
        X = pyarrow.chunked_array(X) if hasattr(X, "__arrow_c_stream__") else pyarrow.array(X)
    if isinstance(X, pyarrow.ChunkedArray):
        X = X.chunk(0) if X.num_chunks == 1 else X.combine_chunks()
    return X


def from_arrow(X):
    """Read Arrow lists of lists of numbers, or of numbers; see `RaggedSequences.from_arrow`."""
    array = _arrow_array(X)
    depth = _depth(array.type)
    if depth not in (1, 2):
        raise ValueError(
            f"Sequences are lists of tokens, tokens lists of numbers (for series, numbers); got Arrow type {array.type}."
        )
    _refuse_nulls(array, np.arange(len(array)), "missing sequences")
    offsets, values = _lists(array)
    owners = sequence_of_each_token(np.diff(offsets)) if values.null_count else None
    _refuse_nulls(values, owners, "missing values")
    if depth == 1:
        return _arrow_numbers(values)[:, None], offsets
    # second level: the boundaries of the tokens among the numbers
    boundaries, numbers = _lists(values)
    dims = np.diff(boundaries)
    if len(dims) and (dims != dims[0]).any():
        odd = sequences_containing(np.flatnonzero(dims != dims[0]), offsets)
        raise ValueError(
            f"All tokens need the same number of features: the first has {dims[0]}, tokens of sequences "
            f"{format_indices(odd)} have others."
        )
    token_dim = int(dims[0]) if len(dims) else 1
    if numbers.null_count:
        tokens = np.flatnonzero(numbers.is_null().to_numpy(zero_copy_only=False)) // token_dim
        _raise_missing(sequences_containing(tokens, offsets), "missing values")
    return _arrow_numbers(numbers).reshape(len(dims), token_dim), offsets


def _refuse_nulls(array, owners, kind):
    """Raise ValueError for nulls; owners[k] is the sequence of entry k, `kind` the name of the nulls in the message."""
    if array.null_count:
        _raise_missing(owners[array.is_null().to_numpy(zero_copy_only=False)], kind)


def _raise_missing(sequences, kind):
    listed = format_indices(np.unique(sequences))
    raise ValueError(f"There are {kind} (nulls) in sequences {listed}; drop or fill them first.")


def _lists(array):
    """Offsets of a list array without nulls, beginning with 0, and the concatenated entries of its lists."""
    if hasattr(array.type, "list_size"):  # lists of fixed size
        return np.arange(len(array) + 1) * array.type.list_size, array.flatten()
    if hasattr(array, "sizes"):  # a list view
        return arrays.offsets_of(array.sizes.to_numpy()), array.flatten()
    # a slice of an Arrow array has the offsets of the whole array
    offsets = array.offsets.to_numpy()
    return offsets - offsets[0] if len(offsets) and offsets[0] else offsets, array.flatten()


def _arrow_numbers(array):
    import pyarrow.types as types

    if not any(is_kind(array.type) for is_kind in (types.is_integer, types.is_floating, types.is_boolean)):
        raise ValueError(
            f"tokens must be real numbers, got Arrow type {array.type}; encode texts, dates and categories first."
        )
    return arrays.as_float_tokens(array.to_numpy(zero_copy_only=False))


def to_arrow(tokens, offsets):
    """Inverse of `from_arrow`; see `RaggedSequences.to_arrow`."""
    import pyarrow

    rows = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(tokens.ravel()), tokens.shape[1])
    return pyarrow.LargeListArray.from_arrays(pyarrow.array(offsets), rows)


def from_awkward(X):
    """Read an Awkward array; see `RaggedSequences.from_awkward`."""
    return from_arrow(_awkward_to_arrow(X))


def _awkward_to_arrow(X):
    import awkward

    return awkward.to_arrow(X, list_to32=False, extensionarray=False)


def to_awkward(tokens, offsets):
    """Inverse of `from_awkward`; see `RaggedSequences.to_awkward`."""
    import awkward

    values = awkward.contents.NumpyArray(tokens)
    return awkward.Array(awkward.contents.ListOffsetArray(awkward.index.Index64(offsets), values))


# -- data frames -------------------------------------------------------------------------------------------------------


def from_frame(frame, group=None):
    """Read a column or a table of pandas, polars or pyarrow; see `RaggedSequences.from_frame`."""
    if _library(frame) not in _FRAMES:
        raise TypeError(
            f"from_frame takes a Series, data frame or table of {', '.join(_FRAMES)}, got {type(frame).__name__}."
        )
    names = _column_names(frame)
    if group is not None:
        return _from_long(frame, names, group)
    if names is None:
        return _from_column(frame, "the column")
    if not names or len(set(names)) < len(names):
        raise ValueError(
            f"A data frame needs one column of lists per feature, each with a name of its own, got columns {names}."
        )
    # every column is read as series of one channel, and the columns must agree in the lengths of the series
    parts = [_from_column(frame[name], f"column {name!r}") for name in names]
    offsets = parts[0][1]
    for name, (tokens, column_offsets) in zip(names, parts):
        if tokens.shape[1] != 1:
            raise ValueError(
                f"Each cell of column {name!r} must be a list of numbers, got lists of {tokens.shape[1]} features."
            )
        odd = np.flatnonzero(np.diff(column_offsets) != np.diff(offsets))
        if len(odd):
            raise ValueError(
                f"All features of a sequence need the same length: columns {names[0]!r} and {name!r} differ in sequences "
                f"{format_indices(odd)}."
            )
    return np.hstack([tokens for tokens, _ in parts]), offsets


def _from_column(column, name):
    """Read a column with one sequence per cell; messages call it `name`."""
    if _is_nested(getattr(column, "dtype", getattr(column, "type", None))):
        return from_arrow(column)
    # the method of pandas, of polars and of pyarrow
    to_list = next(getattr(column, method) for method in ("tolist", "to_list", "to_pylist") if hasattr(column, method))
    cells = to_list()
    missing = [i for i, cell in enumerate(cells) if cell is None or (np.ndim(cell) == 0 and cell != cell)]
    if missing:
        _raise_missing(missing, "missing cells")
    odd = [i for i, cell in enumerate(cells) if not isinstance(cell, (list, tuple, np.ndarray))]
    if odd:
        raise ValueError(
            f"Cells of {name} must be lists or arrays, one per sequence; cells {format_indices(odd)} are not (cell {odd[0]} "
            f"is {type(cells[odd[0]]).__name__}); a table with one token per row needs group=, the name of the column that "
            "names the sequences."
        )
    return arrays.from_list(cells) if cells and _dimensions(cells[0]) > 1 else arrays.from_series(cells)


def _dimensions(cell):
    """Number of dimensions of a cell; lists and object arrays have 2 if their first entry is a list or array, else 1."""
    if isinstance(cell, np.ndarray) and cell.dtype != object:
        return cell.ndim
    return 1 + (len(cell) > 0 and isinstance(cell[0], (list, tuple, np.ndarray)))


def _from_long(frame, names, group):
    """Read a table with one row per token; the column `group` names the sequence."""
    if names is None or group not in names or len(names) < 2 or len(set(names)) < len(names):
        raise ValueError(
            f"A table with one token per row needs a column {group!r} and features with names of their own, got {names}."
        )
    features = []
    for name, dtype in zip(names, _dtypes(frame)):
        if name != group:
            _refuse_categories(name, dtype)
            features.append(arrays.as_float_tokens(np.asarray(frame[name]), f"entries of column {name!r}"))
    return arrays.from_flat(np.column_stack(features), groups=np.asarray(frame[group]))


def _long(tokens, offsets, group, names):
    """Columns of a table with one row per token, as a dictionary from name to array."""
    names = [f"x{j}" for j in range(tokens.shape[1])] if names is None else [str(name) for name in names]
    if len(names) != tokens.shape[1] or len({group, *names}) != len(names) + 1:
        raise ValueError(f"names must be {tokens.shape[1]} different names other than {group!r}, got {names}.")
    owners = sequence_of_each_token(np.diff(offsets))
    return {group: owners, **{name: tokens[:, j] for j, name in enumerate(names)}}


def to_pandas(tokens, offsets, group=None, names=None):
    """Return a Series of arrays, with `group` a long table; see `RaggedSequences.to_pandas`."""
    import pandas

    if group is not None:
        return pandas.DataFrame(_long(tokens, offsets, group, names))
    cells = np.empty(len(offsets) - 1, dtype=object)
    for i, sequence in enumerate(arrays.to_list(tokens, offsets)):
        cells[i] = sequence
    return pandas.Series(cells)


def to_polars(tokens, offsets, group=None, names=None):
    """Return a Series of lists of arrays, with `group` a long table; see `RaggedSequences.to_polars`."""
    import polars

    if group is None:
        return polars.Series(to_arrow(tokens, offsets))
    return polars.DataFrame(_long(tokens, offsets, group, names))


# -- torch -------------------------------------------------------------------------------------------------------------


def from_torch(nested):
    """Read a nested tensor of either layout, from any device; see `RaggedSequences.from_torch`."""
    import torch

    if not isinstance(nested, torch.Tensor) or not nested.is_nested or nested.dim() != 3:
        given = type(nested).__name__
        if isinstance(nested, torch.Tensor):
            given = f"a {'nested ' * nested.is_nested}tensor of {nested.dim()} dimensions"
        raise ValueError(f"from_torch takes a nested tensor of shape (n_sequences, ragged, token_dim), got {given}.")
    nested = nested.detach()
    # jagged, ragged in the second dimension and without holes: its values and offsets are ours
    if nested.layout == torch.jagged and isinstance(nested.shape[1], torch.SymInt) and nested.lengths() is None:
        return _numbers(nested.values()), nested.offsets().cpu().numpy()
    return arrays.from_list([_numbers(component) for component in nested.unbind()])


def _numbers(tensor):
    # NumPy has no bfloat16, so dtypes of one or two bytes become float32
    tensor = tensor.cpu()
    return (tensor if tensor.dtype.itemsize > 2 else tensor.float()).numpy()


def to_torch(tokens, offsets):
    """Inverse of `from_torch`; see `RaggedSequences.to_torch`."""
    import torch

    # torch warns that the memory is read-only; the docstring of the method warns too
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable", category=UserWarning)
        values = torch.from_numpy(tokens)
        boundaries = torch.from_numpy(offsets)
    return torch.nested.nested_tensor_from_jagged(values, boundaries)
