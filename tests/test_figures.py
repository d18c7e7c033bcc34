"""The benchmark of figures measures what it says, and tells changes from noise."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "examples" / "benchmarks" / "figures.py"
SPEC = importlib.util.spec_from_file_location("figures", SCRIPT)
figures = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(figures)

ABOUT = {"processor": "one", "threads": 1, "commit": "abc"}


def row(name, value, low=None, high=None, kind="time"):
    """A figure as it stands in a file; without quartiles they are the value."""
    quartiles = [value if low is None else low, value if high is None else high]
    return {"name": name, "kind": kind, "unit": figures.UNITS[kind], "value": value, "spread": quartiles}


def written(path, *rows, **about):
    path.write_text(json.dumps({"about": {**ABOUT, **about}, "figures": rows}), encoding="utf-8")
    return str(path)


# -- measuring ---------------------------------------------------------------------------------------------------------


def test_every_figure_has_a_name_of_its_own_and_a_unit():
    names = [one.name for one in figures.FIGURES]
    assert len(set(names)) == len(names) == 20
    assert {one.kind for one in figures.FIGURES} == set(figures.UNITS) == set(figures.WORDS)


def test_a_figure_is_the_median_and_its_spread_the_quartiles():
    one = figures.Figure("five", "memory", None)
    assert figures.row_of(one, [5, 1, 4, 2, 3]) == row("five", 3, 2, 4, "memory")


def test_a_machine_that_becomes_slower_changes_no_time(monkeypatch):
    """A call that takes three times as long as the calibration, on a machine that halves its speed with every round."""
    measured = []

    def seconds(call):
        measured.append(call)
        return call() * 2.0 ** ((len(measured) - 1) // 2)  # two calls per round

    monkeypatch.setattr(figures, "seconds", seconds)
    assert figures.in_calibrations({"three": lambda: 3}, 4, lambda: 1) == {"three": [3.0] * 4}
    assert len(measured) == 8


def test_the_peak_is_that_of_the_call_in_megabytes():
    assert 10 <= figures.peak(lambda: bytearray(10_000_000)) < 10.1


def test_the_commit_is_that_of_the_package_and_says_whether_files_have_changed(tmp_path):
    module = tmp_path / "__init__.py"
    module.write_text("")
    assert figures.commit_of(tmp_path) is None
    git = ["git", "-C", str(tmp_path), "-c", "user.name=n", "-c", "user.email=e"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *command], check=True, capture_output=True)
    commit = figures.commit_of(tmp_path)
    assert len(commit) == 40
    module.write_text("changed = True")
    assert figures.commit_of(tmp_path) == f"{commit}-dirty"


def test_without_git_there_is_no_commit(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert figures.commit_of(SCRIPT.parent) is None


# -- comparing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        (row("", 1.0, 0.9, 1.1), row("", 1.5, 1.4, 1.6), (1.5, "slower")),
        (row("", 1.5, 1.4, 1.6), row("", 0.75, 0.7, 0.8), (0.5, "faster")),
        (row("", 1.0, 0.9, 1.3), row("", 1.5, 1.3, 1.6), (1.5, "same")),  # the quartiles meet
        (row("", 1.5, 1.3, 1.6), row("", 0.75, 0.7, 1.3), (0.5, "same")),
        (row("", 1.0), row("", 1.25), (1.25, "same")),  # the threshold itself is no change
        (row("", 1.0), row("", 0.8), (0.8, "same")),
        (row("", 8.0, kind="memory"), row("", 16.0, kind="memory"), (2.0, "larger")),
        (row("", 8, kind="size"), row("", 4, kind="size"), (0.5, "smaller")),
        (row("", 0.5, kind="accuracy"), row("", 0.25, kind="accuracy"), (1.5, "worse")),  # errors 0.5 and 0.75
        (row("", 0.5, kind="accuracy"), row("", 0.75, kind="accuracy"), (0.5, "better")),
        (row("", 1.0, kind="accuracy"), row("", 0.75, kind="accuracy"), (float("inf"), "worse")),
        (row("", 1.0, kind="accuracy"), row("", 1.0, kind="accuracy"), (1.0, "same")),
    ],
)
def test_a_figure_moved_where_the_quartiles_are_apart_and_the_ratio_exceeds_the_threshold(before, after, found):
    assert figures.judge(before, after, 1.25) == found


def test_the_table_names_what_moved_and_what_only_one_file_has(tmp_path, capsys):
    before = written(tmp_path / "a", row("fit", 1.0, 0.9, 1.1), row("gone", 1.0), row("blocks", 7, kind="size"))
    after = written(tmp_path / "b", row("blocks", 7, kind="size"), row("fit", 2.0, 1.9, 2.1), row("new", 1.0))
    assert figures.main(["compare", before, after]) == 0
    printed = capsys.readouterr()
    _, *rows, gone, new = (line.split() for line in printed.out.splitlines())
    assert rows == [
        ["fit", "calibrations", "1", "(0.9-1.1)", "2", "(1.9-2.1)", "2.000", "slower"],
        ["blocks", "count", "7", "7", "1.000", "same"],
    ]
    assert (gone, new) == (["only", "in", f"{before}:", "gone"], ["only", "in", f"{after}:", "new"])
    assert printed.err == ""


@pytest.mark.parametrize(
    ("value", "threshold", "status"), [(2.0, "1.1", 1), (2.0, "2.5", 0), (1.0, "1.1", 0), (0.5, "1.1", 0)]
)
def test_what_became_slower_fails_where_it_was_asked_for(tmp_path, value, threshold, status):
    paths = [written(tmp_path / "a", row("fit", 1.0)), written(tmp_path / "b", row("fit", value))]
    assert figures.main(["compare", *paths, "--fail-on-slower", "--threshold", threshold]) == status
    assert figures.main(["compare", *paths, "--threshold", threshold]) == 0


def test_runs_on_other_machines_or_threads_are_compared_with_a_warning(tmp_path, capsys):
    paths = [written(tmp_path / "a"), written(tmp_path / "b", processor="two", threads=4, commit="def", repeats=3)]
    figures.main(["compare", *paths])
    assert capsys.readouterr().err.splitlines() == [
        "warning: processor differs: one before, two after",
        "warning: threads differs: 1 before, 4 after",
    ]


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"about": {}, "figures": [{"value": 1}]}'])
def test_a_file_of_something_else_is_refused_by_name(tmp_path, text):
    (tmp_path / "other.json").write_text(text)
    with pytest.raises(SystemExit, match=r"other\.json holds no figures as written by run"):
        figures.main(["compare", str(tmp_path / "other.json"), str(tmp_path / "other.json")])


# -- command line ------------------------------------------------------------------------------------------------------


def test_a_run_writes_the_figures_that_were_named_and_what_they_were_measured_on(tmp_path, capsys):
    path = tmp_path / "found.json"
    assert figures.main(["run", "--out", str(path), "--only", "*interpolator", "--repeats", "2"]) == 0
    found = json.loads(path.read_text(encoding="utf-8"))
    names = ["fit-interpolator", "predict-interpolator", "blocks-of-interpolator"]
    assert [one["name"] for one in found["figures"]] == names
    assert all(one["spread"][0] <= one["value"] <= one["spread"][1] for one in found["figures"])
    assert found["about"]["threads"] in (1, None)  # None where no library tells
    assert found["about"]["repeats"] == 2
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["figure", *names]
    assert figures.main(["compare", str(path), str(path), "--fail-on-slower"]) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "--out", "found.json", "--only", "nothing"], "no figure is named nothing; there are fit-series, "),
        (["run", "--out", "no/such/folder/found.json"], "there is no folder for "),
        (["run", "--out", "found.json", "--repeats", "0"], "must be at least 1, got 0"),
        (["run", "--out", "found.json", "--repeats", "2.5"], "must be an integer, got 2.5"),
        (["run", "--out", "found.json", "--repeats", "inf"], "must be an integer, got inf"),
        (["compare", "a", "b", "--threshold", "0.9"], "must be at least 1, got 0.9"),
    ],
)
def test_a_command_that_cannot_be_meant_is_refused_before_anything_is_measured(arguments, message, capsys):
    with pytest.raises(SystemExit, match="2"):
        figures.main(arguments)
    assert message in capsys.readouterr().err


@pytest.mark.slow
def test_all_figures_are_measured_without_a_warning(tmp_path):
    command = [sys.executable, "-W", "error", str(SCRIPT), "run", "--out", "found.json", "--repeats", "1"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))["figures"]
    assert {one["name"] for one in found} == {one.name for one in figures.FIGURES}
    assert all(one["value"] > 0 for one in found)
