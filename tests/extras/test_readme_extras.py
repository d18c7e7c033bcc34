"""What the pages show with other libraries is what happens."""

import re
from pathlib import Path

import aeon.datasets
import awkward as ak
import numpy as np
import polars as pl
import pyarrow as pa
import pytest
import torch
import tslearn.utils
from cases.inputs_page import FILES, KEPT, OTHER_LIBRARIES, check_what_is_kept

from sklearn_hardmax import HardmaxTransformerClassifier, RaggedSequences

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def shown(page):
    """Code and output of the blocks of a page that need other libraries."""
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(r"```py\n(.*?)```(?:\n\n```\n(.*?)```)?", text, flags=re.DOTALL)


def test_the_blocks_with_other_libraries_stand_on_two_pages():
    assert [page.name for page in sorted(DOCS.glob("*.md")) if shown(page)] == ["inputs.md", "runtimes.md"]


def test_four_libraries_reach_a_score_in_three_lines_each_and_weights_reach_two_runtimes(capsys):
    names = {
        "aeon": aeon,
        "tslearn": tslearn,
        "torch": torch,
        "RaggedSequences": RaggedSequences,
        "HardmaxTransformerClassifier": HardmaxTransformerClassifier,
    }
    ((libraries, output),) = shown("inputs.md")
    exec(compile(libraries, "inputs.md", "exec"), names)
    assert capsys.readouterr().out == output == "1.0\n" * 4
    examples = libraries.strip().split("\n\n")
    assert [len(example.splitlines()) for example in examples] == [3] * 4
    names["X"], y = names["X"][:40], names["y"][:40]
    names["clf"] = HardmaxTransformerClassifier(n_heads=100, random_state=0).fit(names["X"], y)
    ((runtimes, _),) = shown("runtimes.md")
    exec(compile(runtimes, "runtimes.md", "exec"), names)
    assert np.array_equal(names["labels"], y)
    assert names["model"].producer_name == "sklearn_hardmax"


@pytest.mark.parametrize("row", [row for row in KEPT if OTHER_LIBRARIES.search(row[0])], ids=lambda row: row[0])
def test_a_container_of_another_library_keeps_what_the_page_says(row):
    check_what_is_kept(*row, pl=pl, pa=pa, ak=ak, torch=torch)


def test_series_of_several_channels_are_read_by_the_lines_of_the_page(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    head = "@problemName p\n@timestamps false\n@missing false\n@univariate false\n@dimensions 2\n@equalLength false\n"
    data = "@classLabel true a b\n@data\n1.0,2.0:3.0,4.0:a\n5.0:6.0:b\n"
    Path("X.ts").write_text(head + data, encoding="utf-8")
    arff = "@relation r\n@attribute s relational\n@attribute t0 numeric\n@attribute t1 numeric\n@end s\n"
    rows = "@attribute y {a,b}\n@data\n'1.0,2.0\\n3.0,4.0',a\n'5.0,6.0\\n7.0,8.0',b\n"
    Path("X.arff").write_text(arff + rows, encoding="utf-8")
    second = {"X.ts": [[5.0, 6.0]], "X.arff": [[5.0, 7.0], [6.0, 8.0]]}
    for line, file in ((FILES[2][1], "X.ts"), (FILES[3][1], "X.arff")):
        names = {"aeon": aeon, "RaggedSequences": RaggedSequences}
        exec(line.strip("`"), names)
        assert names["X"] == RaggedSequences.from_list([[[1.0, 3.0], [2.0, 4.0]], second[file]])
        assert list(names["y"]) == ["a", "b"]
