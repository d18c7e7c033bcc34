"""What the README and the pages under docs/ show is what happens."""

import importlib
import re
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.io.arff
import scipy.sparse
from cases.inputs_page import FILES, KEPT, OTHER_LIBRARIES, WRITTEN, check_what_is_kept, table_under

import sklearn_hardmax
from sklearn_hardmax import HardmaxTransformerClassifier, RaggedSequences, as_sequences, tasks
from sklearn_hardmax.estimators import inspection

ROOT = Path(__file__).parents[1]
README = ROOT.joinpath("README.md").read_text(encoding="utf-8")
PAGES = {path.name: path.read_text(encoding="utf-8") for path in sorted([ROOT / "README.md", *ROOT.glob("docs/*.md")])}
BLOCKS = {
    name: re.findall(r"```python\n(.*?)```(?:\n\n```\n(.*?)```)?", page, flags=re.DOTALL)
    for name, page in PAGES.items()
}
LINKS = [(name, target.split("#")[0]) for name, page in PAGES.items() for target in re.findall(r"\]\(([^)]*)\)", page)]
REFUSALS = [(code.strip("`"), told) for _, code, told in table_under("| input | example | part of the message |")]


@pytest.mark.parametrize("name", [name for name, blocks in BLOCKS.items() if blocks])
def test_the_code_blocks_of_a_page_run_one_after_another_and_print_what_stands_below_them(name, capsys):
    names = {}
    for code, output in BLOCKS[name]:
        exec(compile(code, name, "exec"), names)
        assert capsys.readouterr().out == output


def test_no_block_of_a_page_is_left_out():
    assert {name: page.count("```python") for name, page in PAGES.items()} == {n: len(b) for n, b in BLOCKS.items()}
    assert sum(map(len, BLOCKS.values())) > 15


def test_the_first_example_has_eight_lines():
    assert len([line for line in BLOCKS["README.md"][0][0].splitlines() if line]) == 8


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 120


@pytest.mark.parametrize("name", ["main", "test", "docs"])
def test_each_command_stands_once_and_makes_its_own_environment(name):
    (command,) = re.findall(rf"<!-- command: {name} -->\n```bash\n(.*?)\n```", README)
    assert command.startswith("python3 -m venv .venv && .venv/bin/python -m pip install")


@pytest.mark.parametrize(("name", "target"), [link for link in LINKS if "://" not in link[1]])
def test_links_and_pictures_lead_somewhere(name, target):
    base = ROOT if name == "README.md" else ROOT / "docs"
    path = (base / target).resolve()
    assert path.exists()
    assert path.suffix != ".png" or path.stat().st_size > 5000


def test_the_figures_of_the_readme_are_those_of_the_page():
    table = re.search(r"^\| \| ours.*?\n\n", README, re.MULTILINE | re.DOTALL).group()
    figures = re.findall(r"\d+\.\d+", table)
    assert len(figures) == 17
    assert set(figures) <= set(re.findall(r"\d+\.\d+", PAGES["accuracy.md"]))


@pytest.mark.parametrize(("code", "told"), REFUSALS, ids=range(len(REFUSALS)))
def test_what_is_refused_is_refused_with_the_words_of_the_page(code, told):
    names = {"HardmaxTransformerClassifier": HardmaxTransformerClassifier, "RaggedSequences": RaggedSequences}
    names |= {"as_sequences": as_sequences, "np": np, "pd": pd, "scipy": scipy}
    with warnings.catch_warnings(), pytest.raises((TypeError, ValueError, UserWarning), match=re.escape(told)):
        warnings.simplefilter("error")
        eval(code, names)


@pytest.mark.parametrize("row", [row for row in KEPT if not OTHER_LIBRARIES.search(row[0])], ids=lambda row: row[0])
def test_a_container_keeps_what_the_page_says(row):
    check_what_is_kept(*row)


def test_the_page_names_every_way_out_and_what_it_keeps(tmp_path):
    X = RaggedSequences([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], [0, 2, 3], ids=["p", "q"], feature_names=["u", "v"])
    named = {code for cells, *_ in WRITTEN for code in re.findall(r"`X\.(\w+)\(", cells)}
    assert named == {name for name in dir(X) if name.startswith("to_")} | {"save"}
    series = X.to_pandas()
    assert series.index.tolist() == ["p", "q"]
    long = X.to_pandas(group="id")
    assert long.columns.tolist() == ["id", "u", "v"]
    assert RaggedSequences.from_frame(long, group="id") == X
    X.save(tmp_path / "X")
    assert RaggedSequences.load(tmp_path / "X") == X


SERIES = "1\t0.5\t1.5\t2.5\n2\t3.5\t4.5\tNaN\n"
ARFF = "@relation r\n@attribute a real\n@attribute b real\n@attribute c real\n@attribute y {1,2}\n@data\n"


def test_files_of_series_are_read_by_the_lines_of_the_page(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("X.tsv").write_text(SERIES, encoding="utf-8")
    Path("X.arff").write_text(ARFF + "0.5,1.5,2.5,1\n3.5,4.5,?,2\n", encoding="utf-8")
    for line in (FILES[0][1], FILES[1][1]):
        names = {"np": np, "pd": pd, "scipy": scipy, "RaggedSequences": RaggedSequences}
        exec(line.strip("`"), names)
        assert names["X"] == RaggedSequences.from_series([[0.5, 1.5, 2.5], [3.5, 4.5]])
        assert list(map(int, names["y"])) == [1, 2]


def test_every_converter_of_the_pages_is_there():
    rows = re.findall(r"^\|.*", PAGES["inputs.md"] + README, re.MULTILINE)
    named = set(re.findall(r"\b(?:RaggedSequences|X)\.((?:from|to)_[a-z]+)", "".join(rows)))
    assert len(named) > 12
    assert [name for name in sorted(named) if not hasattr(RaggedSequences, name)] == []


def test_every_public_name_has_a_page():
    listed, module = {}, None
    for line in ROOT.joinpath("docs", "api.rst").read_text(encoding="utf-8").splitlines():
        if line.startswith(".. currentmodule:: "):
            module = line.split()[-1]
        elif re.fullmatch(r"   \w+", line):
            listed.setdefault(module, []).append(line.strip())
    first = set(listed["sklearn_hardmax"])
    assert first == set(sklearn_hardmax.__all__)
    for name in ("constructions", "datasets", "forward", "plotting", "export"):
        public = importlib.import_module(f"sklearn_hardmax.{name}").__all__
        assert sorted(listed.pop(f"sklearn_hardmax.{name}")) == sorted(set(public) - first)
    shown = [getattr(inspection, name) for name in listed.pop(inspection.__name__)]
    assert {thing.__module__ for thing in shown} == {inspection.__name__}
    own = [n for n, thing in vars(tasks).items() if getattr(thing, "__module__", "") == tasks.__name__]
    assert set(listed.pop(tasks.__name__)) <= set(own)
    assert list(listed) == ["sklearn_hardmax"]
