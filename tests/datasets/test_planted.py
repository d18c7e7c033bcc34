"""The data of the tasks: right by definition, half ones, with near misses."""

import itertools
from collections import Counter

import numpy as np
import pytest

from sklearn_hardmax import RaggedSequences, tasks
from sklearn_hardmax.datasets import make_match, make_sparse_averaging
from sklearn_hardmax.datasets.planted import _sample_subsets

TASKS = {"match2": 2, "match3": 3, "match3_bigram": 3, "match3_local": 3}
each_task = pytest.mark.parametrize("task", TASKS)


@each_task
@pytest.mark.parametrize("modulus", [2, 7, 10**6, 2**53])
def test_answers_are_those_of_the_task(task, modulus):
    X, Y = make_match(5, task=task, length=9, modulus=modulus, random_state=0)
    function, more = getattr(tasks, task), (2,) if task == "match3_local" else ()
    assert (X.tokens >= 0).all()
    assert (X.tokens < modulus).all()
    for x, y in zip(X, Y):
        assert y.ravel().tolist() == function(x.ravel(), modulus, *more).tolist()


@each_task
@pytest.mark.parametrize("length", [12, 24, 60])
def test_half_of_the_integers_are_matched_where_accidents_are_rare(task, length):
    for modulus in (10**9, 2**53):
        _, Y = make_match(20, task=task, length=length, modulus=modulus, random_state=1)
        assert 0.45 < Y.tokens.mean() < 0.55


@pytest.mark.parametrize("window", [0, 1, 2, 7])
def test_half_are_matched_in_any_window(window):
    _, Y = make_match(20, task="match3_local", length=24, modulus=10**9, window=window, random_state=1)
    assert Y.tokens.mean() == 0.5


@each_task
def test_the_other_half_misses_by_one(task):
    """Without the residues -1 and 1 next to 0 nothing would be near: sums of the groups are 0 or +-1, and both occur."""
    modulus, size = 10**9, TASKS[task]
    X, _ = make_match(10, task=task, length=12, modulus=modulus, random_state=2)
    for x in X:
        x = x.ravel().astype(np.int64)
        sums = [sum(group) % modulus for group in itertools.combinations(x.tolist(), size)]
        found = Counter(s for s in sums if s in (0, 1, modulus - 1))
        n_groups = 12 // size
        assert found[0] == round(n_groups * (0.75 if task == "match3_bigram" else 0.5))
        assert found[1] + found[modulus - 1] == n_groups - found[0]


def test_every_set_of_positions_is_as_likely_as_any_other():
    drawn = _sample_subsets(60_000, 5, 2, np.random.RandomState(0))
    counts = Counter(tuple(sorted(row)) for row in drawn.tolist())
    assert set(counts) == set(itertools.combinations(range(5), 2))
    # 10 sets, 6000 each: the standard deviation is 73
    assert max(abs(n - 6000) for n in counts.values()) < 5 * 73


def test_sets_are_sorted_and_positions_in_order():
    X, Y = make_sparse_averaging(3, length=10, q=4, token_dim=3, random_state=0)
    assert (X.token_dim, Y.token_dim) == (3 + 4 + 1, 3)
    assert (np.diff(X.tokens[:, 3:7], axis=1) > 0).all()
    assert all(x[:, -1].tolist() == list(range(10)) for x in X)
    assert np.abs(X.tokens[:, :3]).max() <= 1
    assert tasks.sparse_averages(X, 4) == Y


def test_all_positions_may_be_asked_for():
    X, Y = make_sparse_averaging(1, length=3, q=3, token_dim=1, random_state=0)
    assert X[0][:, 1:4].tolist() == [[0, 1, 2]] * 3
    assert len(set(Y.tokens.ravel())) == 1


MAKERS = {**{t: lambda s, t=t: make_match(3, task=t, random_state=s) for t in TASKS}, "averages": None}
MAKERS["averages"] = lambda s: make_sparse_averaging(3, random_state=s)


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_one_random_state_gives_one_data_set_and_two_give_two(make):
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    (X, Y), (again, same), (other, _) = make(7), make(np.random.RandomState(7)), make(8)
    assert X == again
    assert Y == same
    assert X != other
    assert isinstance(X, RaggedSequences)
    assert isinstance(Y, RaggedSequences)
    assert (X.offsets == Y.offsets).all()
    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@pytest.mark.parametrize(
    ("make", "parameters", "message"),
    [
        (make_match, {"n_sequences": 0}, "n_sequences must be an integer of at least 1, got 0"),
        (make_match, {"length": 1.5}, "length must be an integer of at least 1, got 1.5"),
        (make_match, {"modulus": 1}, r"modulus must be an integer from 2 to 9007199254740992, got 1\."),
        (make_match, {"modulus": 2**53 + 1}, "modulus must be an integer from 2 to 9007199254740992"),
        (make_match, {"window": -1}, "window must be an integer of at least 0, got -1"),
        (
            make_match,
            {"task": "match4"},
            "task must be one of 'match2', 'match3', 'match3_bigram', 'match3_local', got",
        ),
        (make_sparse_averaging, {"n_sequences": True}, "n_sequences must be an integer of at least 1, got True"),
        (make_sparse_averaging, {"length": 0}, "length must be an integer of at least 1, got 0"),
        (make_sparse_averaging, {"token_dim": 0}, "token_dim must be an integer of at least 1, got 0"),
        (make_sparse_averaging, {"length": 3}, "q must be an integer from 1 to 3, got 4"),
        (make_sparse_averaging, {"q": 0}, "q must be an integer from 1 to 64, got 0"),
    ],
)
def test_parameters_out_of_range_are_refused(make, parameters, message):
    with pytest.raises(ValueError, match=message):
        make(**parameters)
