"""Detect containers of other libraries; convert data frames to the pair (tokens, offsets) of RaggedSequences, and back.

Containers hold sequences in one of three layouts. *Nested*: a list of lists of tokens, which nested.py converts. *Columns*:
a data frame with one row per sequence and one column per feature, each cell a list of numbers. *Long*: a table with one row
per token, and a column that names its sequence. Lists of plain numbers are series of one channel. A library is imported
where it is used.
"""

import numpy as np

from sklearn_hardmax._extras import check_version, extra
from sklearn_hardmax.sequences import arrays
from sklearn_hardmax.sequences.messages import format_indices
from sklearn_hardmax.sequences.names import id_array, index_ids, scalars
from sklearn_hardmax.sequences.nested import (
    arrow_array,
    from_arrow,
    from_torch,
    list_depth,
    raise_missing,
    to_arrow,
)
from sklearn_hardmax.sequences.raw_tokens import RawTokens
from sklearn_hardmax.sequences.readers import NUMERIC
from sklearn_hardmax.sequences.times import read_times
from sklearn_hardmax.sequences.values import (
    awkward_to_arrow,
    columns_of,
    library_of,
    refuse_categories,
    type_of,
)

_LIBRARIES = ("pandas", "polars", "pyarrow", "awkward")  # libraries of data frames, of tables and of records
_TO_LIST = ("tolist", "to_list", "to_pylist")  # the method of columns of pandas, of polars and of pyarrow

# -- detection, for as_sequences ---------------------------------------------------------------------------------------


def parse_container(X, reader=NUMERIC):
    """Return (tokens, offsets) if X is a container of another library that can only mean sequences, else None.

    Raises ValueError for categories, and for lists of plain numbers: series of one channel or rows of a matrix.
    """
    library = library_of(X)
    if library == "torch" and getattr(X, "is_nested", False):
        return from_torch(X)
    if library not in _LIBRARIES:
        return None
    check_version(library)
    columns = columns_of(X)
    if columns is not None:
        return _parse_table(X, columns, reader)
    if library == "awkward":
        return _read_if_nested(awkward_to_arrow(X), "from_awkward", reader)
    if library == "pyarrow" and hasattr(X, "null_count"):  # arrays have it, tables and scalars do not
        return _read_if_nested(arrow_array(X), "from_arrow", reader)
    # a single column; as_sequences reads object columns by NumPy
    return _read_if_nested(arrow_array(X), "from_frame", reader) if _is_nested(type_of(X)) else None


def _read_if_nested(array, converter, reader):
    """Read lists of lists or records; refuse lists of numbers, which only the method named `converter` reads, as series."""
    parts = from_arrow(array, reader)
    if list_depth(array.type) == 1 and parts.feature_names is None:
        raise ValueError(
            "Lists of numbers are series of one channel or rows of a matrix; "
            f"use RaggedSequences.{converter} for series, a 2-D NumPy array for one token per row."
        )
    return parts


def _parse_table(X, columns, reader):
    _refuse_single_numbers(columns)
    _refuse_levels(X)
    if reader is NUMERIC:
        for name, column in columns:
            refuse_categories(type_of(column), f"entries of column {name!r}")
    return from_frame(X, reader=reader) if any(_holds_lists(column) for _, column in columns) else None


def _refuse_single_numbers(columns):
    """Raise ValueError for the layout of sktime with one number per row, which the columns name by their fixed names."""
    if columns is not None and {name for name, _ in columns} == {"case_id", "dim_id", "reading_id", "value"}:
        raise ValueError(
            "The columns are those of a long table with one number per row; write RaggedSequences.from_frame("
            "X.pivot(index=['case_id', 'reading_id'], columns='dim_id', values='value').rename(columns=str).reset_index(), "
            "group='case_id', time='reading_id')."
        )


def _refuse_levels(X):
    """Raise ValueError for a data frame whose index has several levels: the first may name the sequences."""
    levels = getattr(getattr(X, "index", None), "nlevels", 1)
    if levels > 1:
        group, time = (f"level_{i}" if name is None else name for i, name in enumerate(X.index.names[:2]))
        raise ValueError(
            f"The index of the data frame has {levels} levels. If the first names the sequence of each row, and the second "
            f"the time, write RaggedSequences.from_frame(X.reset_index(), group={group!r}, time={time!r}); for sequences of "
            "one token per row X.reset_index(drop=True)."
        )


def _is_nested(dtype):
    """Whether a type of pandas, polars or pyarrow is a type of lists."""
    if hasattr(dtype, "is_nested"):
        return dtype.is_nested() and not hasattr(dtype, "fields")  # polars; structs have fields
    return list_depth(getattr(dtype, "pyarrow_dtype", dtype)) > 0


def _holds_lists(column):
    """Whether a column has a type of lists, or is an object column of pandas whose first cell, missing ones aside, is one."""
    if _is_nested(type_of(column)):
        return True
    if str(type_of(column)) != "object" or library_of(column) != "pandas":
        return False
    cells = column.dropna()
    return len(cells) > 0 and _is_sequence(cells.iloc[0])


def _is_sequence(cell):
    """Whether a cell is a list, or an array of any library with at least one dimension."""
    return isinstance(cell, (list, tuple)) or (hasattr(cell, "__array__") and np.ndim(cell) > 0)


# -- data frames -------------------------------------------------------------------------------------------------------


def from_frame(frame, group=None, time=None, time_unit="s", reader=NUMERIC):
    """Read a column or a table of pandas, polars or pyarrow; see `RaggedSequences.from_frame`."""
    check_version(library_of(frame))
    columns = columns_of(frame)
    if library_of(frame) not in _LIBRARIES or (columns is None and not any(hasattr(frame, name) for name in _TO_LIST)):
        raise TypeError(
            f"from_frame takes a Series, data frame or table of {', '.join(_LIBRARIES)}, got {type(frame).__name__}."
        )
    _refuse_single_numbers(columns)
    if group is not None:
        return _from_groups(frame, columns, group, time, time_unit, reader)
    if time is not None:
        raise ValueError("time= needs group=, the name of the column that names the sequence of each row.")
    if columns is None:
        return _from_column(frame, "the column", reader)._replace(ids=index_ids(frame))
    return _from_columns_of_lists(columns, reader)._replace(ids=index_ids(frame))


def _from_columns_of_lists(columns, reader):
    """Read a table with one row per sequence and a column of lists per feature, or a single column of sequences."""
    names = [name for name, _ in columns]
    if not names or len(set(names)) < len(names):
        raise ValueError(
            f"A data frame needs one column of lists per feature, each with a name of its own, got columns {names}."
        )
    # every column is read as series of one channel, and the columns must agree in the lengths of the series
    parts = [_from_column(column, f"column {name!r}", reader) for name, column in columns]
    if len(parts) == 1:  # its cells may be sequences of several features
        only = parts[0]
        is_one_feature = only.tokens.shape[1] == 1 and only.feature_names is None
        return only._replace(feature_names=names) if is_one_feature else only
    offsets = parts[0].offsets
    for name, part in zip(names, parts):
        if part.tokens.shape[1] != 1:
            raise ValueError(
                f"Each cell of column {name!r} must be a list of numbers, got lists of {part.tokens.shape[1]} features; one "
                f"column of sequences is read by RaggedSequences.from_frame(frame[{name!r}])."
            )
        odd = np.flatnonzero(np.diff(part.offsets) != np.diff(offsets))
        if len(odd):
            raise ValueError(
                f"All features of a sequence need the same length: columns {names[0]!r} and {name!r} differ in sequences "
                f"{format_indices(odd)}."
            )
    features = [part.tokens.columns[0] if isinstance(part.tokens, RawTokens) else part.tokens[:, 0] for part in parts]
    return arrays.Parts(reader.join(features), offsets, feature_names=names)


def _from_column(column, name, reader):
    """Read a column with one sequence per cell; messages call it `name`."""
    if _is_nested(type_of(column)):
        return from_arrow(column, reader)
    to_list = next(getattr(column, method) for method in _TO_LIST if hasattr(column, method))
    cells = to_list()
    missing = [i for i, cell in enumerate(cells) if cell is None or (np.ndim(cell) == 0 and cell != cell)]
    if missing:
        raise_missing(missing, "missing cells")
    odd = [i for i, cell in enumerate(cells) if not _is_sequence(cell)]
    if odd:
        raise ValueError(
            f"Cells of {name} must be lists or arrays, one per sequence; cells {format_indices(odd)} are not (cell {odd[0]} "
            f"is {type(cells[odd[0]]).__name__}); a table with one token per row needs group=, the name of the column that "
            "names the sequences."
        )
    is_table = cells and _dimensions(cells[0]) > 1
    return arrays.from_list(cells, reader) if is_table else arrays.from_series(cells, reader)


def _dimensions(cell):
    """Number of dimensions of a cell; lists and object arrays have 2 if their first entry is a list or array, else 1."""
    if hasattr(cell, "__array__") and str(type_of(cell)) != "object":
        return np.ndim(cell)
    return 1 + (len(cell) > 0 and _is_sequence(next(iter(cell))))


def _from_groups(frame, columns, group, time, time_unit, reader):
    """Read a table with one row per token or, where the features are columns of lists, one row per sequence.

    The column `group` names the sequence, and the column `time` orders its tokens. Several groups, columns or levels of an
    index of pandas, name a sequence by a tuple.
    """
    names = None if columns is None else [name for name, _ in columns]
    groups = group if isinstance(group, list) else [group]
    wanted = groups if time is None else [*groups, time]
    levels = list(frame.index.names) if library_of(frame) == "pandas" else []
    from_index = [name for name in groups if names is not None and name not in names and name in levels]
    rest = [name for name in names or () if name not in groups]
    known = {*(names or ()), *from_index}
    absent = [name for name in wanted if name not in known]
    if absent:
        raise ValueError(f"There is no column {absent[0]!r}; the columns are {names}.")
    if not groups or not rest or len({*names}) < len(names) or time in groups:
        raise ValueError(
            f"A table with a group needs a column {' and a column '.join(map(repr, wanted))} and features with "
            f"names of their own, got {names}."
        )
    by_name = dict(columns) | {name: frame.index.get_level_values(name) for name in from_index}
    keys = [np.asarray(by_name[name]) for name in groups]
    keys = keys[0] if len(keys) == 1 else id_array(list(zip(*map(scalars, keys))))
    lists = [name for name in rest if _holds_lists(by_name[name])]
    if lists:
        single = [name for name in rest if name not in lists]
        if single or time is not None:
            raise ValueError(
                f"Columns {lists} hold one list per row, but {f'columns {single}' if single else f'time={time!r}'} one value "
                f"per token; make rows of the tokens first, by frame.explode({lists}), or leave out the others."
            )
        return _from_columns_of_lists([(name, by_name[name]) for name in rest], reader)._replace(ids=keys)
    order = None
    features = []
    for name, column in columns:
        if name == time:
            arrays.starts_of_groups(keys, len(column))
            seen = {}
            sequence_of_row = np.array([seen.setdefault(key, len(seen)) for key in keys.tolist()], dtype=np.int64)
            order, times = read_times(column, name, sequence_of_row, time_unit)
            features.append(times)
        elif name in rest:
            features.append(reader.column(column, f"entries of column {name!r}"))
    tokens = reader.join(features)
    if order is not None:
        tokens = tokens[order]
        keys = keys[order]
    return arrays.from_tokens(tokens, groups=keys)._replace(feature_names=rest)


def to_pandas(tokens, offsets, ids=None):
    """Return a Series of arrays; see `RaggedSequences.to_pandas`."""
    with extra("interop"):
        import pandas

    cells = np.empty(len(offsets) - 1, dtype=object)
    for i, sequence in enumerate(arrays.to_list(tokens, offsets)):
        cells[i] = sequence
    # a name, since an unnamed integer index would be row numbers
    return pandas.Series(cells, index=None if ids is None else pandas.Index(ids, name="id", tupleize_cols=False))


def to_polars(tokens, offsets):
    """Return a Series of lists of arrays; see `RaggedSequences.to_polars`."""
    with extra("interop"):
        import polars

    return polars.Series(to_arrow(tokens, offsets))
