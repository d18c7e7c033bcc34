"""What the README shows is what happens."""

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1].joinpath("README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```(?:\n\n```\n(.*?)```)?", README, flags=re.DOTALL)


def test_the_code_blocks_run_one_after_another_and_print_what_stands_below_them(capsys):
    names, shown = {}, 0
    for code, output in BLOCKS:
        exec(compile(code, "README.md", "exec"), names)
        printed = capsys.readouterr().out
        if output:
            shown += 1
            assert printed == output
    assert shown == 3
    assert names["search"].param_grid
    assert len(names["steps"]) == len(names["built"].transformer.layers)
    assert names["answers"] == names["partnered"]


def test_the_first_example_has_eight_lines():
    assert len([line for line in BLOCKS[0][0].splitlines() if line]) == 8


@pytest.mark.parametrize("name", ["main", "test"])
def test_each_command_stands_once_and_makes_its_own_environment(name):
    (command,) = re.findall(rf"<!-- command: {name} -->\n```bash\n(.*?)\n```", README)
    assert command.startswith("python3 -m venv .venv && .venv/bin/python -m pip install")


@pytest.mark.parametrize("path", re.findall(r"!\[[^\]]*\]\(([^)]*)\)", README))
def test_pictures_are_there(path):
    assert Path(__file__).parents[1].joinpath(path).stat().st_size > 5000
