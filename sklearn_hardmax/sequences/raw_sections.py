"""Raw tokens in a file: which sections hold the columns, and how they are read again.

Section "columns" has one JSON text per column: {"type": ..., "categories": [...]}. The types are those of `RawTokens.dtypes`.
Floats are the columns of section "tokens", all others those of section "integers": integers and booleans as they are, dates
and durations as their number of units, categories and objects (texts and numbers) as their index in "categories", -1 where
missing.
"""

import json

import numpy as np

from sklearn_hardmax.sequences.names import from_json, to_json
from sklearn_hardmax.sequences.raw_tokens import Categories, RawTokens, coded_objects, objects


def sections_of(tokens):
    """The sections that hold raw tokens, by name. TypeError for objects that a file cannot hold."""
    headers, floats, integers = [], [], []
    for name, column in zip(tokens.dtypes, tokens.columns):
        header = {"type": name}
        if name.startswith("float"):
            # what is missing is among the integers, since a file holds no NaN
            missing = np.isnan(column)
            floats.append(np.where(missing, 0.0, column))
            if missing.any():
                header["missing"] = True
                integers.append(missing.astype(np.int64))
        elif name in ("category", "object"):
            coded = column if isinstance(column, Categories) else coded_objects(column.tolist())
            header["categories"] = [to_json(value) for value in coded.categories.tolist()]
            integers.append(coded.codes)
        else:  # uint64 beyond int64 keeps its bits
            integers.append(column.view(np.int64) if column.dtype.itemsize == 8 else column.astype(np.int64))
        headers.append(json.dumps(header))
    empty = np.zeros((len(tokens), 0))
    return {
        "columns": headers,
        "tokens": np.column_stack([empty, *floats]),
        "integers": np.column_stack([empty.astype(np.int64), *integers]),
    }


def tokens_from_sections(sections):
    """Inverse of `sections_of`."""
    floats = iter(sections["tokens"].T)
    integers = iter(sections["integers"].T)
    columns = []
    for header in map(json.loads, sections["columns"]):
        name = header["type"]
        if name.startswith("float"):
            column = next(floats).astype(name)
            columns.append(
                np.where(next(integers) != 0, np.array(np.nan, name), column) if "missing" in header else column
            )
        elif name in ("category", "object"):
            coded = Categories(np.array(next(integers)), objects([from_json(value) for value in header["categories"]]))
            columns.append(coded if name == "category" else coded.values())
        else:
            dtype = np.dtype(name)
            stored = np.ascontiguousarray(next(integers))
            columns.append(stored.view(dtype) if dtype.itemsize == 8 else stored.astype(dtype))
    return RawTokens(columns)
