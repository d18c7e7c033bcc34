"""Signatures, as mypy sees them from a user's script outside the package: right use is clean, and each mistake is found."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

SCRIPTS = Path(__file__).parents[1] / "typing"


def run(folder, name, *before):
    """Standard output of a command on a copy of a script, in a folder of its own, so that no setting is found there."""
    shutil.copy(SCRIPTS / name, folder)
    command = [sys.executable, *before, name]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def errors(folder, name):
    """(line, code) of each error of mypy in the script, and the whole output."""
    options = ["--strict", "--no-incremental", "--follow-imports=silent", "--config-file="]
    _, out, err = run(folder, name, "-m", "mypy", *options)
    assert not err
    found = [
        re.fullmatch(rf"{name}:(\d+): error: .*  \[(.*)\]", line) for line in out.splitlines() if " error: " in line
    ]
    assert all(found), out  # none lies in another file
    return [(int(match[1]), match[2]) for match in found], out


def test_a_script_that_uses_every_estimator_is_clean(tmp_path):
    found, out = errors(tmp_path, "every_estimator.py")
    assert found == [], out
    assert out.startswith("Success: no issues found in 1 source file")


def test_the_script_runs_and_prints_one_line(tmp_path):
    code, out, err = run(tmp_path, "every_estimator.py")
    assert (code, err) == (0, "")
    assert len(out.splitlines()) == 1


def test_mistakes_are_found_where_they_are_marked_and_nowhere_else(tmp_path):
    marked = []
    for number, line in enumerate((SCRIPTS / "wrong_use.py").read_text(encoding="utf-8").splitlines(), start=1):
        marked += [(number, code) for code in re.findall(r"  # error: ([a-z-]+)", line)]
    found, out = errors(tmp_path, "wrong_use.py")
    assert len(marked) > 20
    assert found == marked, out
