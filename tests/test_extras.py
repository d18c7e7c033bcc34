"""A library that is missing or too old is named, together with the extra that installs it."""

import configparser
import re
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import sklearn_hardmax
from sklearn_hardmax import RaggedSequences, as_sequences
from sklearn_hardmax._extras import OLDEST, check_version, extra

ROOT = Path(__file__).parents[1]


@pytest.fixture
def old_polars(monkeypatch):
    """As if polars 1.9.2 were installed."""
    module = ModuleType("polars")
    module.__version__ = "1.9.2"
    monkeypatch.setitem(sys.modules, "polars", module)
    yield type("Series", (), {"__module__": "polars.series"})()
    check_version.cache_clear()


def test_a_missing_library_names_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "polars", None)  # as if it were not installed
    message = r'^polars is not installed; install it with pip install "sklearn-hardmax\[interop\]"\.$'
    with pytest.raises(ModuleNotFoundError, match=message) as error, extra("interop"):
        import polars  # noqa: F401
    assert error.value.name == "polars"


def test_a_library_that_is_there_is_imported():
    with extra("interop"):
        import numpy
    assert numpy is sys.modules["numpy"]


def test_a_library_that_is_too_old_is_refused_where_its_containers_are_read_and_written(old_polars):
    check_version.cache_clear()
    message = (
        r"^polars 1\.9\.2 is older than 1\.10, the oldest version .* pip install -U \"sklearn-hardmax\[interop\]\"\.$"
    )
    with pytest.raises(ImportError, match=message):
        as_sequences(old_polars)
    with pytest.raises(ImportError, match=message):
        RaggedSequences.from_frame(old_polars)
    with pytest.raises(ImportError, match=message):
        RaggedSequences.from_list([np.zeros((2, 1))]).to_polars()


@pytest.mark.parametrize("version", ["1.10", "1.10.0rc1", "2.0", "1.100.1+local"])
def test_other_versions_are_not(version, old_polars):
    check_version.cache_clear()
    sys.modules["polars"].__version__ = version
    check_version("polars")


def test_the_oldest_versions_are_those_that_are_installed_with_the_extra():
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    required = parser["options.extras_require"]
    for name, libraries in OLDEST.items():
        found = dict(re.findall(r"^(\w+)>=([\d.]+)$", required[name], re.MULTILINE))
        own = {library: ".".join(map(str, oldest)) for library, oldest in libraries.items()}
        assert own == {library: found[library] for library in own}
    code = "".join(path.read_text(encoding="utf-8") for path in Path(sklearn_hardmax.__file__).parent.rglob("*.py"))
    assert set(re.findall(r'with extra\("(\w+)"\)', code)) == set(OLDEST)
