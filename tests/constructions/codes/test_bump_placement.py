"""Bumps stand on single classes of tokens, and their means over a sequence are weighted frequencies."""

from cases.classification import build

from sklearn_hardmax import RaggedSequences


def test_sequences_that_no_bump_tells_apart_are_one_close_conflict():
    # the tokens 0 and 2^-60 are one place on every line, so that both sequences are one multiset
    ends = [[-1.0, 1.0], [1.0, -1.0]]
    X = RaggedSequences.from_list([[*ends, [0.0, 0.0]], [*ends, [2.0**-60, 0.0]]])
    built, (conflict,) = build(X, [1, 0])
    assert (conflict.kind, conflict.indices.tolist()) == ("close", [0, 1])
    assert built.labels_of(built.codes(X)).tolist() == [0, 0]
