"""Raw tokens survive a file with all types and missing values; damage and unknown objects are noticed."""

import datetime as dt
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_hardmax import RaggedSequences
from sklearn_hardmax.sequences.raw_columns import raw_column
from sklearn_hardmax.sequences.raw_sections import sections_of, tokens_from_sections
from sklearn_hardmax.sequences.raw_tokens import Categories, RawTokens, objects

NAN = float("nan")
COLUMNS = {
    "category": Categories(np.array([1, -1, 0]), objects(["a", "b"])),
    "categories of several types": Categories(np.array([1, 2, 0]), objects(["1", 1, dt.date(2024, 1, 1)])),
    "texts": objects(["a\0", "é", NAN]),
    "objects of equal value": objects([1, True, 1.0]),
    "tuples": objects([("a", 1), ("a", 2), NAN]),
    "floats": np.array([1.5, NAN, -0.0]),
    "whole floats": np.array([1.5, 2.5, 1e300]),
    "float32": np.array([0.1, NAN, 3.0], dtype=np.float32),
    "integers": np.array([-(2**63), 2**63 - 1, 0]),
    "short integers": np.array([-1, 2, 3], dtype=np.int8),
    "uint64": np.array([2**64 - 1, 0, 1], dtype=np.uint64),
    "booleans": np.array([True, False, True]),
    "dates": np.array(["2024-01-01", "NaT", "1969-01-01"], dtype="datetime64[ns]"),
    "days": np.array(["2024-01-01", "NaT", "1969-01-01"], dtype="datetime64[D]"),
    "durations": np.array([1, 2, "NaT"], dtype="timedelta64[s]"),
}


@pytest.mark.parametrize("columns", [*([name] for name in COLUMNS), list(COLUMNS)], ids=[*COLUMNS, "all"])
def test_columns_of_all_types_come_back(columns, tmp_path):
    X = RaggedSequences(
        RawTokens([COLUMNS[name] for name in columns]), [0, 1, 3], ids=["p", "q"], feature_names=columns
    )
    X.save(tmp_path / "file")
    for mmap_mode in (None, "r"):
        back = RaggedSequences.load(tmp_path / "file", mmap_mode)
        assert back == X
        assert back.tokens.dtypes == X.tokens.dtypes
        types = [[type(v) for v in np.asarray(Z).ravel()] for Z in (back.tokens, X.tokens)]
        assert types[0] == types[1]
        del back


@given(st.lists(st.one_of(st.text(max_size=3), st.none(), st.integers(), st.booleans()), min_size=1))
def test_any_column_comes_back(values):
    tokens = RawTokens([raw_column(values, "values")])
    sections = sections_of(tokens)
    assert json.loads(json.dumps(sections["columns"])) == sections["columns"]
    assert tokens_from_sections(sections) == tokens


def test_objects_that_no_file_holds_are_refused_by_name(tmp_path):
    X = RaggedSequences(RawTokens([objects([complex(1)])]), [0, 1])
    with pytest.raises(TypeError, match="A value of type complex cannot be saved"):
        X.save(tmp_path / "file")
    assert not (tmp_path / "file").exists()
