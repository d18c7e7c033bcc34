"""What the pages show with other libraries is what happens."""

import re
from pathlib import Path

import aeon.datasets
import numpy as np
import pytest
import torch
import tslearn.utils

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
