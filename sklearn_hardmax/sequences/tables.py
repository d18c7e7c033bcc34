"""Tables with one row per token, of pandas, polars, pyarrow and Awkward: a column of ids, and a column for every feature.

They are written from a dictionary of columns, and read by `from_frame` in libraries.py. A library is imported where it is
used.
"""

from collections import Counter
from contextlib import contextmanager

import numpy as np

from sklearn_hardmax._extras import extra
from sklearn_hardmax.sequences.messages import MAX_SHOWN
from sklearn_hardmax.sequences.names import id_array, scalars
from sklearn_hardmax.sequences.raw_tokens import Categories, RawTokens, pandas_column
from sklearn_hardmax.sequences.segments import sequence_of_each_token


def long_columns(tokens, offsets, ids, group, names):
    """Columns of a table with one row per token, as a dictionary from name to array.

    The column `group` names the sequence of each row; several, in a list, hold the parts of ids that are tuples. Raises
    ValueError for names that do not tell the columns apart, and for ids that do not tell the sequences apart.
    """
    names = [f"x{j}" for j in range(tokens.shape[1])] if names is None else [str(name) for name in names]
    groups = group if isinstance(group, list) else [group]
    if len(names) != tokens.shape[1] or len({*groups, *names}) != len(names) + len(groups):
        raise ValueError(
            f"names must be {tokens.shape[1]} different names other than {', '.join(map(repr, groups))}, got {names}."
        )
    ids = np.arange(len(offsets) - 1) if ids is None else ids
    repeated = [name for name, count in Counter(scalars(ids)).items() if count > 1]
    if repeated:
        raise ValueError(
            f"A table with one row per token would join sequences of one id, and ids {repeated[:MAX_SHOWN]} repeat; give the "
            "sequences other ids first, such as X.with_ids(range(len(X)))."
        )
    owners = sequence_of_each_token(np.diff(offsets))
    parts = [ids] if group is groups[0] else _parts_of_tuples(ids, len(groups))
    return {
        **{name: part[owners] for name, part in zip(groups, parts)},
        **dict(zip(names, tokens.columns if isinstance(tokens, RawTokens) else tokens.T)),
    }


def _parts_of_tuples(ids, n_parts):
    """Arrays of the first entries of ids that are tuples, of the second ones, and so on."""
    odd = [i for i, entry in enumerate(ids) if not (isinstance(entry, tuple) and len(entry) == n_parts)]
    if odd:
        raise ValueError(
            f"A list of {n_parts} groups needs ids that are tuples of {n_parts}, but id {odd[0]} is {ids[odd[0]]!r}."
        )
    return map(id_array, zip(*ids))


@contextmanager
def ids_that_fit(library):
    """Turn the error of a library about ids that it cannot hold in one column into a ValueError that names the remedy."""
    try:
        yield
    except (TypeError, ValueError, OverflowError) as error:  # those of pyarrow are ValueErrors or TypeErrors
        raise ValueError(
            f"A column of {library} cannot hold these ids ({error}); give the sequences other ids first, such as "
            "X.with_ids(list(map(str, X.ids))), or for tuples give group= a list of names."
        ) from error


def long_pandas(columns):
    """A data frame of pandas of these columns; see `RaggedSequences.to_pandas`."""
    with extra("interop"):
        import pandas

    return pandas.DataFrame({name: pandas_column(column, pandas) for name, column in columns.items()})


def long_arrow(columns):
    """A table of pyarrow of these columns; see `RaggedSequences.to_arrow`."""
    with extra("interop"):
        import pyarrow

    with ids_that_fit("pyarrow"):
        return pyarrow.table({name: _arrow_column(column, pyarrow) for name, column in columns.items()})


def _arrow_column(column, pyarrow):
    if isinstance(column, Categories):
        codes = pyarrow.array(column.codes, mask=column.codes < 0)
        return pyarrow.DictionaryArray.from_arrays(codes, pyarrow.array(column.categories.tolist()))
    # objects as a list, so that the library sees tuples; NaN of objects and of raw floats is missing
    return pyarrow.array(column.tolist() if column.dtype == object else column, from_pandas=True)


def long_polars(columns):
    """A data frame of polars of these columns; see `RaggedSequences.to_polars`."""
    with extra("interop"):
        import polars

    return polars.from_arrow(long_arrow(columns))


def long_awkward(columns):
    """An Awkward array of records with these columns; see `RaggedSequences.to_awkward`."""
    with extra("interop"):
        import awkward

    return awkward.from_arrow(long_arrow(columns).to_struct_array())
