"""Which way of pooling becomes the code, and which sequences are conflicts."""

from itertools import pairwise

import numpy as np
import pytest
from cases.classification import build, check_exact
from cases.families import family

from sklearn_hardmax import RaggedSequences
from sklearn_hardmax.constructions.codes.projection import Projection
from sklearn_hardmax.constructions.codes.selection import CodeProblem, select_code
from sklearn_hardmax.constructions.codes.sequence_code import SAFE_GAP
from sklearn_hardmax.encoding import TokenScale


def problem_of(X, y, seed):
    projection = Projection(TokenScale.fit(X.tokens), False)
    return CodeProblem(X, np.array(y), projection, False, np.random.RandomState(seed), None)


def runs_and_gap(values, y):
    """How many runs of one label there are along the line, and the smallest distance between neighbours of two labels."""
    line = sorted(zip(values.tolist(), list(y)))
    steps = [b - a for (a, one), (b, other) in pairwise(line) if one != other]
    return 1 + len(steps), min(steps)


@pytest.mark.parametrize("seed", range(5))
def test_of_the_max_heads_that_are_drawn_first_the_one_with_the_fewest_label_runs_is_taken(seed):
    X, y = family("labelled_sequences", 30)
    read, _ = select_code(problem_of(X, y, seed))
    problem = problem_of(X, y, seed)
    drawn = problem.directions(4)
    candidates = [runs_and_gap(problem.candidate(u, kind).values, y) for u in drawn for kind in ("max", "min")]
    safe = {runs for runs, gap in candidates if gap >= SAFE_GAP}
    assert len(safe) > 1
    assert runs_and_gap(read.values, y)[0] == min(safe)


def test_max_heads_are_drawn_again_before_a_mean_is_taken():
    """Two tokens so near each other that few directions tell them apart by 2^-46: in some seeds none of the first four."""
    near = 2.0**-46 * 7.5
    X, y = RaggedSequences.from_list([[[0.0, 0.0]], [[near, 0.0]], [[1.0, 1.0]], [[-1.0, -1.0]]]), [0, 1, 0, 1]
    at_once = 0
    for seed in range(20):
        problem = problem_of(X, y, seed)
        reads = [problem.candidate(u, kind).values for u in problem.directions(4) for kind in ("max", "min")]
        at_once += any(runs_and_gap(values, y)[1] >= SAFE_GAP for values in reads)
        read, _ = select_code(problem_of(X, y, seed))
        assert read.code.kind in ("max", "min")
    assert 0 < at_once < 15


def test_conflicts_are_found_named_and_settled_by_majority():
    X, y = family("labelled_sequences", 12, n_classes=3)
    again = RaggedSequences.from_list([*X, X[4], X[4], X[7][::-1]])
    labels = np.concatenate([y, [(y[4] + 1) % 3] * 2, [(y[7] + 1) % 3]])
    built, conflicts = build(again, labels)
    found = {(c.kind, tuple(c.indices.tolist())) for c in conflicts}
    kind = "order" if len(X[7]) > 1 else "equal"
    assert found == {("equal", (4, 12, 13)), (kind, (7, 14))}
    out = built.labels_of(built.codes(again))
    assert (out[[4, 12, 13]] == labels[12]).all()  # two against one
    assert (out[[7, 14]] == min(labels[7], labels[14])).all()
    rest = np.delete(np.arange(15), [4, 12, 13, 7, 14])
    assert np.array_equal(out[rest], labels[rest])


def test_a_sequence_and_its_repetition_are_one_multiset():
    x = np.array([[0.5], [2.0]])
    X = RaggedSequences.from_list([x, np.tile(x, (3, 1)), x + 1])
    _, (conflict,) = build(X, [0, 1, 0])
    assert conflict.indices.tolist() == [0, 1]
    check_exact(X, np.array([0, 0, 1]))


def test_tokens_closer_than_float64_resolves_at_their_range_are_a_close_conflict():
    # range 2 around 0, two tokens 2^-60 apart: raw rows differ, no form on [1, 2] tells them apart
    X = RaggedSequences.from_list([[[-1.0]], [[1.0]], [[2.0**-60]], [[2.0**-59]]])
    built, conflicts = build(X, [0, 1, 0, 1])
    (conflict,) = conflicts
    assert (conflict.kind, conflict.indices.tolist()) == ("close", [2, 3])
    assert built.labels_of(built.codes(X)).tolist() == [0, 1, 0, 0]


def test_minus_zero_is_zero():
    X = RaggedSequences.from_list([[[0.0]], [[-0.0]], [[1.0]]])
    _, (conflict,) = build(X, [0, 1, 0])
    assert (conflict.kind, conflict.indices.tolist()) == ("equal", [0, 1])
