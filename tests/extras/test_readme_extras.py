"""What the README shows with other libraries is what happens."""

import re
from pathlib import Path

import aeon.datasets
import numpy as np
import pytest
import torch
import tslearn.utils

from sklearn_hardmax import HardmaxTransformerClassifier, RaggedSequences

README = Path(__file__).parents[2].joinpath("README.md").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_four_libraries_reach_a_score_in_three_lines_each_and_weights_reach_two_runtimes(capsys):
    names = {
        "aeon": aeon,
        "tslearn": tslearn,
        "torch": torch,
        "RaggedSequences": RaggedSequences,
        "HardmaxTransformerClassifier": HardmaxTransformerClassifier,
    }
    blocks = re.findall(r"```py\n(.*?)```", README, flags=re.DOTALL)
    assert len(blocks) == 2
    exec(compile(blocks[0], "README.md", "exec"), names)
    assert capsys.readouterr().out == "1.0\n" * 4
    examples = blocks[0].strip().split("\n\n")
    assert [len(example.splitlines()) for example in examples] == [3] * 4
    names["X"], y = names["X"][:40], names["y"][:40]
    names["clf"] = HardmaxTransformerClassifier(n_heads=100, random_state=0).fit(names["X"], y)
    exec(compile(blocks[1], "README.md", "exec"), names)
    assert np.array_equal(names["labels"], y)
    assert names["model"].producer_name == "sklearn_hardmax"
