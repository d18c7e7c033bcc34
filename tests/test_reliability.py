"""A few cases of the reliability campaign for every estimator; tests/reliability.py runs very many."""

import re
import sys
from itertools import count, islice

import numpy as np
import pytest
import reliability
from campaign import forms, laws, subjects

EACH = pytest.mark.parametrize("subject", subjects.SUBJECTS, ids=lambda subject: subject.__name__)


def seeds_of(subject, first):
    """The seeds from `first` on that draw this subject."""
    return (seed for seed in count(first) if type(laws.draw(seed)[1]) is subject)


@EACH
def test_every_law_holds_on_drawn_cases(subject):
    for seed in islice(seeds_of(subject, 0), 4):
        laws.check(seed)


@pytest.mark.slow
@EACH
def test_every_law_holds_on_many_drawn_cases(subject):
    for seed in islice(seeds_of(subject, 10**6), 100):
        laws.check(seed)


@pytest.mark.slow
def test_every_law_holds_with_worker_processes():
    for seed in range(2 * 10**6, 2 * 10**6 + 60):
        laws.check(seed, backend="loky")


def test_the_script_names_the_case_that_broke_and_how_to_replay_it(monkeypatch, capsys):
    def check(seed, backend):
        if seed == 12:
            raise laws.Broken("a law")
        return ["Flow", "gaussian", "layout strided"]

    monkeypatch.setattr(laws, "check", check)
    monkeypatch.setattr(reliability, "parts", lambda args: [reliability.run(10, 12, "x"), reliability.run(12, 13, "x")])
    monkeypatch.setattr(sys, "argv", ["reliability.py", "--cases", "3", "--seed", "10"])
    assert reliability.main() == 1
    printed = capsys.readouterr().out
    name = type(laws.draw(12)[1]).__name__
    assert re.search(rf"BROKEN {name} on \w+: Broken: a law\n +replay: .* --replay 12\n", printed)
    assert "| layout strided | 2 |" in printed
    assert re.search(r"^3 cases, 1 broken, \d+ s$", printed, re.MULTILINE)


def test_a_broken_law_tells_how_to_replay_it(monkeypatch):
    monkeypatch.setattr(laws, "_check", lambda *_: laws._hold(False, "a law"))
    with pytest.raises(laws.Broken, match="a law") as found:
        laws.check(7)
    assert found.value.__notes__ == ["replay: python tests/reliability.py --replay 7"]


@pytest.mark.parametrize("lay", forms.LAYOUTS, ids=lambda lay: lay.__name__)
def test_layouts_are_what_they_are_called_and_hold_the_same_numbers(lay):
    array = np.arange(24.0).reshape(2, 3, 4)
    other = lay(array)
    assert np.array_equal(other, array)
    assert not np.shares_memory(other, array) or lay in (forms.contiguous,)
    flags, strides = other.flags, other.strides
    expected = {
        "contiguous": flags.c_contiguous,
        "fortran": flags.f_contiguous and not flags.c_contiguous,
        "strided": not flags.c_contiguous and not flags.f_contiguous and min(strides) > 0,
        "backwards": max(strides) < 0,
        "read_only": not flags.writeable,
        "unaligned": not flags.aligned,
        "mapped": isinstance(other, np.memmap),
    }
    assert expected[lay.__name__]


def test_bits_tell_zeros_dtypes_and_shapes_apart():
    things = [np.zeros(2), -np.zeros(2), np.zeros(2, np.float32), np.zeros((1, 2)), [0.0, 0.0], np.array(["a"], object)]
    assert len({repr(forms.bits(thing)) for thing in things}) == len(things)


def test_a_dtype_holds_numbers_that_come_back_as_they_were():
    held = {dtype.str for dtype in forms.holding(np.array([[-0.0, 1.0]]))}
    assert held == {"<f8", ">f8", "<f4", ">f4", "<f2", ">f2", np.dtype("g").str}  # integers lose the sign of zero
    assert np.dtype("u1") not in forms.holding(np.array([[256.0]]))
    assert np.dtype("f4") not in forms.holding(np.array([[0.1]]))
