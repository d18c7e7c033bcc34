"""Every example runs, without a warning, and ends with its picture or its number."""

import re
import runpy
import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
SMALLEST_PNG = 5000  # bytes; an empty figure of this size takes fewer
EXACT = ("plot_exact_classification", "plot_point_sets", "plot_series_classification")
SUM_BOUND = 1e-11  # rounding of a sum of 2,000 numbers, moduli summing to at most 40: 2000 * 40 * 2^-53 is below


@pytest.fixture
def shown(tmp_path, monkeypatch, capsys):
    """What an example prints, run in an empty folder; this process has imported already what all examples need."""

    def run_example(script):
        monkeypatch.chdir(tmp_path)
        with matplotlib.rc_context(), np.printoptions():
            runpy.run_path(str(script), run_name="__main__")
        return capsys.readouterr().out

    return run_example


def run(script, folder, *arguments):
    """What a script prints, run in `folder` with warnings as errors."""
    command = [sys.executable, "-W", "error", str(script), *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("script", sorted(EXAMPLES.glob("*.py")), ids=lambda script: script.stem)
def test_every_example_runs_and_ends_with_what_it_is_about(script, shown, tmp_path):
    printed = shown(script)
    assert printed.strip()
    if script.stem.startswith("plot_"):
        picture = tmp_path / f"{script.stem.removeprefix('plot_')}.png"
        assert picture.stat().st_size > SMALLEST_PNG
        assert printed.splitlines()[-1] == f"saved {picture.name}"
    if script.stem in EXACT:
        accuracy = re.search(r"^training accuracy: (\S*)", printed, re.MULTILINE)
        assert float(accuracy.group(1)) == 1.0
    if script.stem == "plot_explain_leaders":
        gaps = re.findall(r"= decision_function up to (.*)$", printed, re.MULTILINE)
        assert len(gaps) == 2
        assert max(map(float, gaps)) < SUM_BOUND
    if script.stem == "plot_exact_classification":
        labels_right = re.findall(r"run on .*: (\d+) labels right", printed)
        assert labels_right == ["300", "1797"]

    if script.stem == "plot_matching":
        assert re.findall(r"^match\w*: (\d+) of 1200 answers wrong", printed, re.MULTILINE) == ["0"] * 4
    if script.stem == "plot_sparse_averaging":
        error = re.search(r"^largest error of 1,024 means through the weights: (\S*)$", printed, re.MULTILINE)
        assert float(error.group(1)) <= 1e-12


def test_the_walk_from_theorem_to_weights_shows_what_its_text_says(shown):
    printed = shown(EXAMPLES.parent / "docs" / "walk" / "plot_from_theorem_to_weights.py")
    labels = re.findall(r"^sequence \d: digits .*, label (\d), wanted (\d)$", printed, re.MULTILINE)
    assert [read for read, _ in labels] == [wanted for _, wanted in labels] == ["0", "1", "2", "1"]
    codes = re.search(r"^codes: \[(.*)\]$", printed, re.MULTILINE).group(1).split()
    assert codes[1] == codes[3]  # "the same leader, hence the same code"
    assert len(set(codes)) == 3
    assert re.search(r"^output=\n\[\[ 256\. -512\.\]", printed, re.MULTILINE)  # "times code_scale = 256"
    assert "labels: [0 1 2] in 5 blocks" in printed
    assert "nine heads and a ridge: [0 1 1 1]" in printed  # "wrong about the third sequence"
    assert re.search(r"^with 1 correction: +\[0 1 2 1\], wanted \[0 1 2 1\]$", printed, re.MULTILINE)


def test_examples_are_short():
    lengths = {
        script.name: len(script.read_text(encoding="utf-8").splitlines()) for script in EXAMPLES.glob("plot_*.py")
    }
    assert len(lengths) >= 3
    assert {name: n for name, n in lengths.items() if n >= 80} == {}


@pytest.mark.slow
def test_the_cost_benchmark_prints_one_row_a_size(tmp_path):
    sizes = ["--tokens", "2e3", "1e4", "--dims", "2", "3", "--repeats", "2"]
    table = run(EXAMPLES / "benchmarks" / "linear_cost.py", tmp_path, *sizes).splitlines()
    assert [row.split("|")[1:3] for row in table[2:]] == [
        [f" {n} ", f" {d} "] for n in ("2e+03", "1e+04") for d in (2, 3)
    ]
    assert len({row.count("|") for row in table}) == 1


@pytest.mark.slow
def test_the_benchmark_of_tasks_prints_one_row_a_size(tmp_path):
    sizes = ["--positions", "20", "300", "--averaging", "32", "--sizes", "1", "3", "--repeats", "2"]
    triples, averaging = run(EXAMPLES / "benchmarks" / "attention_tasks.py", tmp_path, *sizes).split("\n\n")
    assert [row.split("|")[1] for row in triples.splitlines()[2:]] == [" 20 ", " 300 "]
    assert [row.split("|")[2] for row in averaging.splitlines()[2:]] == [" 1 ", " 3 "]


@pytest.mark.slow
def test_the_flow_benchmark_prints_one_row_a_case(tmp_path):
    sizes = ["--documents", "2", "--depth", "2", "--long", "50", "--repeats", "1"]
    table = run(EXAMPLES / "benchmarks" / "leader_flow_speed.py", tmp_path, *sizes).splitlines()
    assert [row.split("|")[1:3] for row in table[2:6]] == [[f" {n} ", f" {d} "] for d in (2, 16) for n in (20, 128)]
    assert [row.split("|")[1].strip() for row in table[-3:]] == ["random", "zero", "cross"]


@pytest.mark.slow
def test_the_sentence_benchmark_prints_one_row_a_model(tmp_path):
    for kind, word in (("positive", "great"), ("negative", "dull")):
        (tmp_path / f"{kind}.txt").write_text(f"a {word} film\nso {word}\n" * 10, encoding="utf-8")
    printed = run(
        EXAMPLES / "benchmarks" / "sentence_polarity.py", tmp_path, str(tmp_path), "--components", "2", "--seeds", "1"
    )
    models = [line.split("|")[1].strip() for line in printed.splitlines() if line.startswith("| ")]
    assert models[2:] == ["2 components, depth 8", "2 components, plain pooling", "TF-IDF, logistic regression"]
    assert "strongest: " in printed


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="memory is read through the module resource, which Windows lacks")
def test_the_benchmark_of_scale_prints_one_row_a_call_and_equal_labels(tmp_path):
    sizes = ["--parts", "mapped", "--sequences", "300", "--tokens", "3e3", "--heads", "20"]
    rows = run(EXAMPLES / "benchmarks" / "scale.py", tmp_path, *sizes).splitlines()[5:]
    assert [row.split("|")[1].strip() for row in rows] == ["fit"] * 4 + ["predict"] * 4
    assert {row.split("|")[-2].strip() for row in rows} == {"equal"}
    assert {row.split("|")[-3].strip() for row in rows[:4]} == {"1.000000"}


@pytest.mark.slow
def test_the_benchmark_of_growth_prints_one_row_an_operation_and_one_a_size(tmp_path):
    exponents, ratios = run(
        EXAMPLES / "benchmarks" / "growth.py", tmp_path, "--sequences", "60", "120", "--factor", "2", "--repeats", "1"
    ).split("\n\n")
    rows = [row.split("|") for row in exponents.splitlines()[2:]]
    assert len(rows) > 25
    assert len({row[1] for row in rows}) == len(rows)
    assert {row[-2].strip() for row in rows} == {"1", "1.5", "2"}
    assert [row.split("|")[1:4] for row in ratios.splitlines()[2:]] == [
        [f" {n} ", f" {heads} ", f" {ordered} "] for n in (60, 120) for heads in (0, 100) for ordered in (False, True)
    ]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="memory is read through the module resource, which Windows lacks")
def test_the_benchmark_of_the_ridge_prints_one_row_a_size(tmp_path):
    sizes = ["--sequences", "30", "60", "--heads", "40", "--fresh", "20", "--penalties", "1", "--repeats", "1"]
    tables = run(EXAMPLES / "benchmarks" / "ridge.py", tmp_path, *sizes).strip().split("\n\n")
    assert [[row.split("|")[1].strip() for row in table.splitlines()[2:]] for table in tables] == [["30", "60"]] * 3
