"""Two ways to read tokens: as numbers (dtype="numeric"), or with the type of every column (dtype=None).

All converters read through one of them, so that what counts as a sequence, an id or a name does not depend on it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from sklearn_hardmax.sequences.raw_columns import join_columns, join_tables, raw_column, raw_table
from sklearn_hardmax.sequences.values import as_numbers


class Reader(NamedTuple):
    """How tokens are read.

    Attributes
    ----------
    table : callable
        Anything with rows and columns -> tokens; the second argument is what messages call the values.
    column : callable
        One value per token -> a column; likewise.
    join : callable
        List of columns -> tokens.
    concatenate : callable
        List of tokens -> all of them, one below the other.
    """

    table: Callable[..., Any]
    column: Callable[..., Any]
    join: Callable[..., Any]
    concatenate: Callable[..., Any]


NUMERIC = Reader(as_numbers, as_numbers, np.column_stack, np.concatenate)
RAW = Reader(raw_table, raw_column, join_columns, join_tables)


def reader_of(dtype: Any) -> Reader:
    """The reader of a parameter dtype; ValueError unless that is "numeric" or None."""
    if dtype is None:
        return RAW
    if not (isinstance(dtype, str) and dtype == "numeric"):
        raise ValueError(f"dtype must be 'numeric' or None, which keeps tokens of any kind, got {dtype!r}.")
    return NUMERIC
