"""What the files of the project say about each other is true."""

import configparser
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def text_of(name):
    return ROOT.joinpath(name).read_text(encoding="utf-8")


def requirements(extra):
    """The lines of an extra in setup.cfg."""
    setup = configparser.ConfigParser()
    setup.read_string(text_of("setup.cfg"))
    return setup["options.extras_require"][extra].split()


def test_a_commit_is_linted_by_the_version_of_ruff_that_the_gate_uses():
    (hook,) = re.findall(r"/ruff-pre-commit\n +rev: v(\S+)$", text_of(".pre-commit-config.yaml"), re.MULTILINE)
    assert f"ruff=={hook}" in requirements("dev")
