"""Which way of pooling becomes the code, and which sequences are conflicts."""

from itertools import pairwise

import numpy as np
import pytest
from cases.classification import build, check_exact
from cases.families import family
from cases.multisets import frequencies

from sklearn_hardmax import RaggedSequences
from sklearn_hardmax.constructions.codes import selection
from sklearn_hardmax.constructions.codes.coefficients import draw_coefficients
from sklearn_hardmax.constructions.codes.projection import Projection, normalise_directions, project
from sklearn_hardmax.constructions.codes.selection import CodeProblem, bump_code, select_code
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


# -- few distinct tokens -----------------------------------------------------------------------------------------------------


def words(n, ordered, seed=0):
    """n words of up to 8 letters over six points of a lattice, labels at random, and what a network can know of each."""
    rng = np.random.default_rng(seed)
    letters = np.array([(0, 0), (1, 0), (0, 1), (1, 1), (2, 3), (3, 1)], dtype=float)
    spelled = [rng.integers(6, size=rng.integers(1, 9)).tolist() for _ in range(n)]
    keys = [tuple(word) if ordered else frequencies(word) for word in spelled]
    return RaggedSequences.from_list([letters[word] for word in spelled]), rng.integers(3, size=n), keys


@pytest.mark.parametrize("n", [40, 600])
@pytest.mark.parametrize("ordered", [False, True])
def test_of_words_over_few_letters_only_those_that_are_equal_are_conflicts(n, ordered):
    """Sums of different letters are equal on the lattice, so that neither leaders nor means tell words apart."""
    X, y, keys = words(n, ordered)
    members = {}
    for j, key in enumerate(keys):
        members.setdefault(key, []).append(j)
    built, conflicts = build(X, y, ordered=ordered)
    assert built.code.kind == "bumps"
    found = {tuple(conflict.indices.tolist()) for conflict in conflicts}
    assert found == {tuple(group) for group in members.values() if len(set(y[group].tolist())) > 1}
    wanted = y.copy()
    for group in members.values():
        wanted[group] = np.bincount(y[group]).argmax()
    assert np.array_equal(built.labels_of(built.codes(X)), wanted)
    assert built.margin > 1
    assert built.n_blocks() <= (3 * len(members) + 1) // 2


@pytest.mark.parametrize("rows", [[[1.0, 0.0], [0.25, 0.125]], [[0.25, 0.125], [1.0, 0.0]]])
def test_bumps_stand_along_the_direction_that_merges_the_fewest_tokens(rows):
    """Along (1, 0) the tokens (0, 0) and (0, 1) are one."""
    X = RaggedSequences.from_list([[[0.0, 0.0]], [[0.0, 1.0]], [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]])
    found, conflicts = bump_code(problem_of(X, [0, 1, 2], 0), normalise_directions(np.array(rows)))
    assert (found.code.direction[1] > 0, conflicts) == (True, [])


def test_of_directions_that_merge_no_tokens_the_one_with_the_largest_gap_is_taken():
    X = RaggedSequences.from_list([[[0.0, 0.0]], [[0.0, 1.0]], [[1.0, 0.0]]])
    rows = normalise_directions(np.array([[1.0, 0.9], [1.0, 0.4], [1.0, 0.1]]))
    found, _ = bump_code(problem_of(X, [0, 1, 0], 0), rows)
    assert np.array_equal(found.code.direction, rows[1])


def all_ones(limits, n_bits, rng):
    return np.ones(len(limits), dtype=np.int64)


# half of two letters each: with heights of one, (a, b) and (c, d) have equal sums
PAIRS = RaggedSequences.from_list([[[0.0], [1.0]], [[2.0], [3.0]], [[0.0], [2.0]], [[1.0], [3.0]], [[0.0], [3.0]]])


def test_heights_are_drawn_again_where_codes_of_different_labels_meet(monkeypatch):
    draws = iter([all_ones, all_ones, draw_coefficients])
    monkeypatch.setattr(selection, "draw_coefficients", lambda *given: next(draws)(*given))
    problem = problem_of(PAIRS, [0, 1, 2, 3, 4], 0)
    found, conflicts = bump_code(problem, problem.directions(1))
    assert conflicts == []
    assert runs_and_gap(found.values, [0, 1, 2, 3, 4])[1] >= SAFE_GAP
    assert next(draws, None) is None


def test_sequences_that_no_draw_tells_apart_are_a_close_conflict(monkeypatch):
    monkeypatch.setattr(selection, "draw_coefficients", all_ones)
    problem = problem_of(PAIRS, [0, 1, 2, 3, 4], 0)
    found, conflicts = bump_code(problem, problem.directions(1))
    assert {conflict.kind for conflict in conflicts} == {"close"}
    for conflict in conflicts:
        assert len(set(problem.labels[conflict.indices].tolist())) == 1
    assert runs_and_gap(found.values, problem.labels)[1] >= SAFE_GAP


def test_the_more_coordinates_tokens_have_the_fewer_directions_are_tried_for_the_mean(monkeypatch):
    """Calls of NumPy count as a thousand terms each: 300,000 terms are 300 of one coordinate, 30 of ten or 4, the least."""
    monkeypatch.setattr(selection, "_MEAN_TERMS", 300_000)
    drawn = []
    draw = CodeProblem.directions
    monkeypatch.setattr(CodeProblem, "directions", lambda problem, n: drawn.append(n) or draw(problem, n))
    tried = []
    for width in (1, 10, 300):
        # (a, a, c) and (a, c, c): along any direction their leaders are equal, and their means differ
        a, c = np.zeros(width), np.ones(width)
        read, _ = select_code(problem_of(RaggedSequences.from_list([[a, a, c], [a, c, c]]), [0, 1], 0))
        assert read.code.kind == "mean"
        tried.append(drawn[-1])
    assert tried == [300, 30, 4]


@pytest.mark.parametrize(
    ("distance", "labels", "coincide"), [(2.0**-60, [0, 1], True), (2.0**-60, [1, 1], False), (0.1, [0, 1], False)]
)
def test_means_coincide_where_they_are_nearer_than_any_direction_could_separate(distance, labels, coincide):
    means = np.array([[0.5, 0.5, -0.5], [0.25, 0.25 + distance, 0.0]])
    line = project(np.array([0.25, 0.125]), means)
    assert selection._some_means_coincide(line, means, np.array([*labels, 0]), SAFE_GAP) is coincide


def test_means_that_no_direction_separates_enough_are_given_up_for_bumps():
    """Of -1, 1, 0 and -1, 1, d the means differ by 2.5 * 2^-46 on the scale of the code, and a direction is 1/4 there."""
    d = 15 * 2.0**-46
    X = RaggedSequences.from_list([[[-1.0], [1.0], [0.0]], [[-1.0], [1.0], [d]]])
    found, conflicts = select_code(problem_of(X, [0, 1], 0))
    assert (found.code.kind, conflicts) == ("bumps", [])
    assert runs_and_gap(found.values, [0, 1])[1] >= SAFE_GAP
