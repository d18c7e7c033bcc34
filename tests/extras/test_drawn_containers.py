"""Drawn containers of every library are read as plain Python reads their content: values, order, ids, names, missing cells.

A case is a plain data set: for every sequence a list of tokens, for every token a list of Python numbers or None. A layout
writes it into a container and says what of ids and names the container holds. What `as_sequences` or a converter returns must
be the plain data set again.
"""

import datetime as dt
import warnings
from collections import deque
from decimal import Decimal
from typing import NamedTuple

import awkward as ak
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from effort import slow

from sklearn_hardmax import RaggedSequences, as_sequences

NUMBERS = {
    "float": lambda rng: float(rng.normal() * 10.0 ** rng.integers(-3, 4)),
    "int": lambda rng: int(rng.integers(-(2**60), 2**60)),
    "small int": lambda rng: int(rng.integers(-100, 100)),
    "bool": lambda rng: bool(rng.integers(2)),
    "float32": lambda rng: float(np.float32(rng.normal())),
    "decimal": lambda rng: Decimal(int(rng.integers(-(10**6), 10**6))) / 1000,
}
# texts of one length and of several, numbers, dates, and dates with a time of day
IDS = {
    "none": None,
    "texts": lambda i: f"case {i % 3}-{i}",
    "digits": lambda i: f"{i:05d}",
    "integers": lambda i: (-1) ** i * 7 * i,
    "huge integers": lambda i: 2**62 + i,
    "dates": lambda i: np.datetime64("2024-01-31", "s") + 86400 * i,
    "floats": lambda i: i / 4,
}


class Case(NamedTuple):
    """A plain data set: rows[i][t] are the numbers of token t of sequence i, ids and names lists or None."""

    rows: list
    ids: list | None
    names: list | None

    @property
    def dim(self):
        return len(self.rows[0][0])

    def has_nulls(self):
        return any(v is None for s in self.rows for token in s for v in token)

    def flat(self):
        return [token for s in self.rows for token in s]

    def features(self):
        """For every feature its values in all sequences: lists of lists."""
        return [[[token[j] for token in s] for s in self.rows] for j in range(self.dim)]

    def group_of_rows(self):
        ids = range(len(self.rows)) if self.ids is None else self.ids
        return [name for name, s in zip(ids, self.rows) for _ in s]


def draw(rng):
    """One case; every feature has a type of its own."""
    dim = int(rng.integers(1, 4))
    kinds = [NUMBERS[name] for name in rng.choice(list(NUMBERS), dim)]
    missing = rng.choice([0.0, 0.0, 0.2])
    lengths = rng.integers(1, 5, size=rng.integers(1, 6))
    rows = [
        [[None if rng.random() < missing else kind(rng) for kind in kinds] for _ in range(length)] for length in lengths
    ]
    numbers = rng.permutation(len(rows)).tolist()
    name = IDS[str(rng.choice(list(IDS)))]
    ids = None if name is None else [name(i) for i in numbers]
    names = None if rng.random() < 0.3 else rng.permutation(["b", "a", "speed m/s", "Länge", "A"])[:dim].tolist()
    return Case(rows, ids, names)


def floats(token):
    return [np.nan if v is None else float(v) for v in token]


def expected(case, has_ids, has_names):
    """The sequences as plain Python reads them."""
    return (
        [[floats(token) for token in s] for s in case.rows],
        case.ids if has_ids else None,
        case.names if has_names else None,
    )


# -- layouts: functions from the case and a generator to (sequences as read, has ids, has names), or None ----------------


def _array(token_rows):
    return np.array([floats(token) for token in token_rows])


def read(X):
    with warnings.catch_warnings():
        # a few tokens of many features look channels-first
        warnings.filterwarnings("ignore", message="Every sequence has")
        return as_sequences(X, allow_nan=True)


def _dated(ids):
    """Dates as those of Python, which Arrow and polars take; other ids as they are."""
    return [i.item() if isinstance(i, np.datetime64) else i for i in ids]


def lists(case, rng):
    wrap = [list, tuple, deque][rng.integers(3)]
    return read(wrap([[tuple(token) for token in s] for s in case.rows])), False, False


def list_of_arrays(case, rng):
    return read([np.array(s, dtype=object) if rng.random() < 0.5 else _array(s) for s in case.rows]), False, False


def object_array(case, rng):
    cells = np.empty(len(case.rows), dtype=object)
    cells[:] = [_array(s)[None][0] for s in case.rows]
    return read(cells), False, False


def padded(case, rng):
    if case.has_nulls():
        return None
    longest = max(map(len, case.rows))
    X = np.full((len(case.rows), longest, case.dim), np.nan)
    for i, s in enumerate(case.rows):
        X[i, : len(s)] = _array(s)
    return RaggedSequences.from_padded(torch.tensor(X) if rng.random() < 0.3 else X), False, False


def aeon(case, rng):
    if case.has_nulls():
        return None
    return RaggedSequences.from_aeon([np.asfortranarray(_array(s)).T for s in case.rows]), False, False


def flat(case, rng):
    if case.has_nulls():
        return None
    tokens = _array(case.flat())
    if rng.random() < 0.5:
        return RaggedSequences.from_flat(tokens, lengths=[len(s) for s in case.rows]), False, False
    if case.ids is None:
        return None
    groups = case.group_of_rows()
    groups = [groups, np.array(groups), pd.Series(groups), pa.array(_dated(groups))][rng.integers(4)]
    return RaggedSequences.from_flat(tokens, groups=groups), True, False


def list_of_frames(case, rng):
    if case.names is None:
        return None
    libraries = [pd.DataFrame, lambda c: pl.DataFrame(c, strict=False), pa.table]
    if all(any(v is not None for v in column) for s in case.rows for column in zip(*s)):
        make = libraries[rng.integers(3)]
    else:
        make = libraries[0]
    return read([make({n: list(c) for n, c in zip(case.names, zip(*s))}) for s in case.rows]), False, True


def index_of(case):
    """The index of a frame of pandas, named if it would count rows otherwise."""
    return None if case.ids is None else pd.Index(case.ids, name="case")


def pandas_series(case, rng):
    cells = [_array(s) if rng.random() < 0.5 else s for s in case.rows]
    column = pd.Series([None] * len(cells), index=index_of(case), dtype=object)
    for i, cell in enumerate(cells):
        column.iloc[i] = cell
    return read(column), True, False


def pandas_columns(case, rng):
    if case.names is None:
        return None
    frame = pd.DataFrame(dict(zip(case.names, case.features())), index=index_of(case))
    return RaggedSequences.from_frame(frame, allow_nan=True), True, True


def polars_lists(case, rng):
    content = [[floats_or_nulls(token) for token in s] for s in case.rows]
    return read(pl.Series(content, dtype=pl.List(pl.List(pl.Float64)))), False, False


def floats_or_nulls(token):
    return [None if v is None else float(v) for v in token]


def arrow_types(rng):
    """A type of lists of tokens of floats."""
    token = [pa.list_, pa.large_list][rng.integers(2)](pa.float64())
    return [pa.list_, pa.large_list, pa.list_view][rng.integers(3)](token)


def arrow_lists(case, rng):
    content = [[floats_or_nulls(token) for token in s] for s in case.rows]
    array = pa.array(content, arrow_types(rng))
    if rng.random() < 0.3:
        array = pa.chunked_array([array[:1], array[1:]])
    elif rng.random() < 0.3:  # a slice of a larger array
        array = pa.concat_arrays([array, array])[len(array) :]
    return read(array), False, False


def arrow_records(case, rng):
    if case.names is None:
        return None
    types = pa.struct([(name, pa.float64()) for name in case.names])
    content = [[dict(zip(case.names, floats_or_nulls(token))) for token in s] for s in case.rows]
    array = pa.array(content, pa.list_(types))
    if rng.random() < 0.5:
        array = pl.from_arrow(array)
    return read(array), False, True


def awkward_lists(case, rng):
    return read(ak.Array([[floats_or_nulls(token) for token in s] for s in case.rows])), False, False


def awkward_records(case, rng):
    if case.names is None:
        return None
    content = [[dict(zip(case.names, floats_or_nulls(token))) for token in s] for s in case.rows]
    return read(ak.Array(content)), False, True


def rows_of_lists(case, rng):
    """One row per sequence, with a column of ids and a column of lists per feature."""
    if case.ids is None or case.names is None:
        return None
    lists = [[floats_or_nulls(values) for values in feature] for feature in case.features()]
    make = [pd.DataFrame, pl.DataFrame, pa.table, lambda c: ak.from_arrow(pa.table(c).to_struct_array())][
        rng.integers(4)
    ]
    table = make({"case": _dated(case.ids), **dict(zip(case.names, lists))})
    return RaggedSequences.from_frame(table, group="case", allow_nan=True), True, True


def long_table(case, rng):
    """One row per token, in order, in a table of any library; the ids may stand in any column."""
    if case.ids is None or case.names is None:
        return None
    columns = {name: [token[j] for token in case.flat()] for j, name in enumerate(case.names)}
    groups = _dated(case.group_of_rows())
    place = rng.integers(len(columns) + 1)
    items = list(columns.items())
    items.insert(place, ("case", groups))
    # Awkward has no decimals
    kind = rng.integers(3 if any(isinstance(v, Decimal) for token in case.flat() for v in token) else 4)
    if kind == 0:
        table = pd.DataFrame({name: pd.Series(column) for name, column in items})
    elif kind == 1:
        table = pl.DataFrame({name: pl.Series(column, strict=False) for name, column in items})
    else:
        table = pa.table({name: pa.array(column) for name, column in items})
        table = table if kind == 2 else ak.from_arrow(table.to_struct_array())
    return RaggedSequences.from_frame(table, group="case", allow_nan=True), True, True


def shuffled_long_table(case, rng):
    """Rows in any order, and a column of times that sorts them; sequences in the order of their first rows."""
    if case.ids is None or case.names is None:
        return None
    start = dt.datetime(2024, 3, 30, 23)
    records = [
        (name, t, start + dt.timedelta(hours=t), token)
        for name, s in zip(case.ids, case.rows)
        for t, token in enumerate(s)
    ]
    order = rng.permutation(len(records))
    # the first row of every sequence stays before those of later ones, so that the order of sequences is known
    shuffled = sorted((records[i] for i in order), key=lambda record: case.ids.index(record[0]))
    table = pd.DataFrame({"case": [r[0] for r in shuffled], "when": [r[2] for r in shuffled]})
    for j, name in enumerate(case.names):
        table[name] = [r[3][j] for r in shuffled]
    table = [lambda t: t, pl.from_pandas, pa.Table.from_pandas][rng.integers(3) if not case.has_nulls() else 0](table)
    X = RaggedSequences.from_frame(table, group="case", time="when", time_unit="h", allow_nan=True)
    hours = [float(t) for s in case.rows for t in range(len(s))]
    assert X.feature_names.tolist() == ["when", *case.names]
    assert X.tokens[:, 0].tolist() == hours
    bare = read(RaggedSequences._trusted(X.tokens[:, 1:], X.offsets, X.ids, X.feature_names[1:], True))
    return bare, True, True


def several_groups(case, rng):
    if case.ids is None or case.names is None:
        return None
    parts = [(i % 2, name) for i, name in enumerate(case.ids)]
    rows = [part for part, s in zip(parts, case.rows) for _ in s]
    table = pd.DataFrame({"site": [r[0] for r in rows], "case": [r[1] for r in rows]})
    for j, name in enumerate(case.names):
        table[name] = [token[j] for token in case.flat()]
    if rng.random() < 0.5:
        table = table.set_index(["site", "case"])
    X = RaggedSequences.from_frame(table, group=["site", "case"], allow_nan=True)
    assert [i[0] for i in X.ids] == [part[0] for part in parts]
    return X.with_ids([i[1] for i in X.ids]), True, True


def nested_tensor(case, rng):
    if case.has_nulls():
        return None
    nested = torch.nested.nested_tensor([torch.tensor(_array(s)) for s in case.rows], layout=torch.jagged)
    return read(nested), False, False


def tensors(case, rng):
    return read([torch.tensor(_array(s), requires_grad=bool(rng.integers(2))) for s in case.rows]), False, False


def container(case, rng):
    tokens = _array(case.flat())
    if np.isnan(tokens).any():
        return None
    offsets = np.cumsum([0, *map(len, case.rows)])
    return RaggedSequences(tokens, offsets, ids=case.ids, feature_names=case.names), True, True


LAYOUTS = [
    *(lists, list_of_arrays, object_array, padded, aeon, flat, list_of_frames, pandas_series, pandas_columns),
    *(polars_lists, arrow_lists, arrow_records, awkward_lists, awkward_records, rows_of_lists, long_table),
    *(shuffled_long_table, several_groups, nested_tensor, tensors, container),
]


def plain_ids(ids):
    return None if ids is None else [i.astype("M8[s]") if isinstance(i, np.datetime64) else i for i in ids]


def as_read(X):
    """The sequences as lists, ids as scalars, names as texts."""
    ids = None if X.ids is None else (list(X.ids) if X.ids.dtype.kind == "M" else X.ids.tolist())
    ids = None if ids is None else [np.datetime64(i, "s") if isinstance(i, dt.datetime) else i for i in ids]
    return [s.tolist() for s in X], plain_ids(ids), None if X.feature_names is None else X.feature_names.tolist()


def differs(case, result):
    """What differs between the case and what was read, or None."""
    X, has_ids, has_names = result
    rows, ids, names = expected(case, has_ids, has_names)
    found_rows, found_ids, found_names = as_read(X)
    same_rows = len(rows) == len(found_rows) and all(
        np.array_equal(a, b, equal_nan=True) for a, b in zip(rows, found_rows)
    )
    if not same_rows:
        return rows, found_rows
    if found_ids != ids:
        return ids, found_ids
    return None if found_names == names else (names, found_names)


ROUND_TRIPS = {
    "pandas": lambda X: RaggedSequences.from_frame(X.to_pandas(group="the id"), group="the id"),
    "polars": lambda X: RaggedSequences.from_frame(X.to_polars(group="the id"), group="the id"),
    "arrow": lambda X: RaggedSequences.from_frame(X.to_arrow(group="the id"), group="the id"),
    "awkward": lambda X: RaggedSequences.from_frame(X.to_awkward(group="the id"), group="the id"),
    "selection": lambda X: X[::-1][::-1],
}


@pytest.mark.parametrize("layout", LAYOUTS, ids=[layout.__name__ for layout in LAYOUTS])
@pytest.mark.parametrize("seeds", [range(15), *slow(range(15, 500))], ids=str)
def test_what_is_read_is_what_plain_python_reads(layout, seeds, tmp_path):
    tried = 0
    for seed in seeds:
        rng = np.random.default_rng(seed)
        case = draw(rng)
        result = layout(case, rng)
        if result is None:
            continue
        tried += 1
        assert differs(case, result) is None, f"seed {seed}"
        X = result[0]
        if X._may_hold_nan and np.isnan(X.tokens).any():
            continue
        for trip, go in ROUND_TRIPS.items():
            back = go(X)
            same = (
                back
                if X.ids is not None
                else RaggedSequences(back.tokens, back.offsets, feature_names=back.feature_names)
            )
            if X.feature_names is None:
                same = RaggedSequences(same.tokens, same.offsets, ids=same.ids)
            assert same == X, (seed, trip)
        X.save(tmp_path / "X")
        assert RaggedSequences.load(tmp_path / "X") == X, seed
    assert tried > len(seeds) // 4
