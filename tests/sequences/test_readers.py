"""Two readers, one for each value of the parameter dtype."""

import numpy as np
import pytest

from sklearn_hardmax.sequences.raw_tokens import RawTokens
from sklearn_hardmax.sequences.readers import NUMERIC, RAW, reader_of


def test_the_parameter_names_the_reader():
    assert reader_of("numeric") is NUMERIC
    assert reader_of(None) is RAW
    for other in ("object", float, "None", [None]):
        with pytest.raises(ValueError, match="dtype must be 'numeric' or None, which keeps tokens of any kind, got"):
            reader_of(other)


@pytest.mark.parametrize("reader", [NUMERIC, RAW])
def test_both_read_floats_alike(reader):
    columns = [reader.column([1.0, 2.0], "values"), reader.column(np.array([3.0, 4.0]), "values")]
    assert np.array_equal(reader.join(columns), [[1.0, 3.0], [2.0, 4.0]])
    tables = [reader.table([[1.0, 3.0]], "rows"), reader.table(np.array([[2.0, 4.0]]), "rows")]
    assert np.array_equal(reader.concatenate(tables), [[1.0, 3.0], [2.0, 4.0]])


def test_only_one_keeps_texts():
    assert RAW.table([["a", 1.0]], "rows") == RawTokens([RAW.column(["a"], "texts"), np.array([1.0])])
    with pytest.raises(ValueError, match="rows must be real numbers, but hold texts"):
        NUMERIC.table([["a", 1.0]], "rows")
