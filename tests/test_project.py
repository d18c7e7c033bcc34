"""What the files of the project say about each other is true."""

import configparser
import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.version import Version

import sklearn_hardmax

ROOT = Path(__file__).parents[1]


def text_of(name):
    return ROOT.joinpath(name).read_text(encoding="utf-8")


def setup():
    parser = configparser.ConfigParser()
    parser.read_string(text_of("setup.cfg"))
    return parser


def test_a_commit_is_linted_by_the_version_of_ruff_that_the_gate_uses():
    (hook,) = re.findall(r"/ruff-pre-commit\n +rev: v(\S+)$", text_of(".pre-commit-config.yaml"), re.MULTILINE)
    assert f"ruff=={hook}" in setup()["options.extras_require"]["dev"].split()


def is_named_rightly(named):
    """A release is named by its version; a development version, as 0.2.0.dev0, by the release before it or to come."""
    version = Version(sklearn_hardmax.__version__)
    return Version(named) <= Version(version.base_version) if version.is_devrelease else Version(named) == version


def test_what_is_cited_is_the_version_of_the_package():
    (cited,) = re.findall(r"^version: (\S+)$", text_of("CITATION.cff"), re.MULTILINE)
    assert is_named_rightly(cited)


def test_the_changelog_begins_with_the_version_of_the_package():
    assert is_named_rightly(re.search(r"^## (\d\S*),", text_of("CHANGELOG.md"), re.MULTILINE).group(1))


def test_the_versions_of_python_are_the_same_everywhere():
    listed = re.findall(r"Python :: (3\.\d+)$", setup()["metadata"]["classifiers"], re.MULTILINE)
    (gate,) = re.findall(r"^for version in (.*); do$", text_of(".ci/run"), re.MULTILINE)
    (matrix,) = re.findall(r"^ +python: \[(.*)\]$", text_of(".github/workflows/tests.yml"), re.MULTILINE)
    assert listed == gate.split() == re.findall(r"[\d.]+", matrix)
    assert setup()["options"]["python_requires"] == f">={listed[0]}"


def test_public_rooms_are_reachable_from_the_package():
    """In a new process, in which nothing has imported them."""
    code = "import sklearn_hardmax as s; print(*(getattr(s, name).__name__ for name in 'datasets export plotting'.split()))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert run.stdout.split() == ["sklearn_hardmax.datasets", "sklearn_hardmax.export", "sklearn_hardmax.plotting"]
    with pytest.raises(AttributeError, match="module 'sklearn_hardmax' has no attribute 'dataset'"):
        sklearn_hardmax.dataset  # noqa: B018
