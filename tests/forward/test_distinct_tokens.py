"""Tables of distinct tokens: equal tokens count as often as they occur, and no others are merged."""

import numpy as np
from cases.pairwise import EVERY_STACK, STACKS, problem, same

from sklearn_hardmax import RaggedSequences, Transformer
from sklearn_hardmax.forward import apply, distinct_tokens


def test_the_mean_weighs_copies_by_their_number():
    """Both ties score 1 for the token (1, 0): the mean of (1, 3), (1, 3) and (1, -3) is (1, 1)."""
    moved = apply(Transformer([same(2)]), [[[0.5, 0.0], [1.0, 3.0], [1.0, 3.0], [1.0, -3.0]]])[0]
    assert moved[0].tolist() == [1.0, 1.0]


@EVERY_STACK
def test_repeating_every_token_changes_no_output(transformer):
    """The sums differ in their order only: a mean errs by at most n ulp of the largest value."""
    X = problem(transformer.token_dim)
    twice = RaggedSequences.from_list([np.repeat(Z, 2, axis=0) for Z in X])
    once, doubled = apply(transformer, X), apply(transformer, twice)
    np.testing.assert_allclose(doubled.tokens[::2], once.tokens, rtol=0, atol=40 * 2**-50 * np.abs(once.tokens).max())


def test_equal_hashes_of_unequal_tokens_merge_nothing(monkeypatch):
    X = problem(2)
    expected = apply(STACKS[0], X)
    monkeypatch.setattr(distinct_tokens, "_hashes", lambda stream: np.zeros(stream.shape[1], dtype=np.uint64))
    np.testing.assert_allclose(apply(STACKS[0], X).tokens, expected.tokens, rtol=0, atol=1e-13)
