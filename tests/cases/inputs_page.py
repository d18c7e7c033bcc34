"""The tables of docs/inputs.md: what a container keeps, and the lines that read files of series."""

import re
from pathlib import Path

import numpy as np
import pandas as pd

from sklearn_hardmax import RaggedSequences, as_sequences

PAGE = Path(__file__).parents[2].joinpath("docs", "inputs.md").read_text(encoding="utf-8")
OTHER_LIBRARIES = re.compile(r"\b(pl|pa|ak|torch)\.")
IDS, NAMES = ["p", "q"], ["u", "v"]


def table_under(heading):
    """Rows of the table below a row of headings, as lists of cells."""
    rows = PAGE.split(heading + "\n")[1].split("\n\n")[0].splitlines()
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows[1:]]


KEPT = [row[1:] for row in table_under("| container | for example | ids | names | missing |")]
WRITTEN = table_under("| written by | ids | names |")
FILES = table_under("| file | write this |")


def check_what_is_kept(code, ids, names, missing, **libraries):
    """Read two sequences by the line of the page, and once more with a missing value."""
    tokens = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    X = _read(code, tokens, libraries)
    assert np.array_equal(X.tokens, tokens)
    assert X.offsets.tolist() == [0, 2, 3]
    assert (X.ids is None) == (ids == "no")
    assert ids == "no" or X.ids.tolist() == IDS
    assert (X.feature_names is None) == (names == "no")
    assert names == "no" or X.feature_names.tolist() == NAMES
    tokens[0, 1] = np.nan
    if missing == "kept":
        assert code.endswith(")`")
        X = _read(code[:-2] + ", allow_nan=True)`", tokens, libraries)
        assert np.array_equal(X.tokens, tokens, equal_nan=True)
        return
    assert missing == "refused"
    try:
        _read(code, tokens, libraries)
    except ValueError as error:
        assert "contains NaN" in str(error)
    else:
        raise AssertionError("a missing value was read")


def _read(code, tokens, libraries):
    a, b = tokens[:2], tokens[2:]
    padded = np.full((2, 2, 2), np.nan)
    padded[0], padded[1, :1] = a, b
    names = {"a": a, "b": b, "tokens": tokens, "padded": padded, "pd": pd, "np": np}
    names |= {"frame": lambda array: pd.DataFrame(array, columns=NAMES)}
    names |= {"RaggedSequences": RaggedSequences, "as_sequences": as_sequences}
    return eval(code.strip("`"), names | libraries)
