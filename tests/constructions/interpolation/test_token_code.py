"""Scales of the token code: without ranks while float64 holds both distances, with ranks otherwise."""

import numpy as np
import pytest
from cases.interpolation import ATTENTIONS, assert_in_place, check_exact, nearly_equal_pairs, place_in_space, sequences
from cases.targets import random_targets

from sklearn_hardmax import RaggedSequences


@ATTENTIONS
def test_codes_are_ranked_where_tokens_and_codes_are_near_at_once(attention):
    X = nearly_equal_pairs(30)
    built = check_exact(X, random_targets(X, 2), attention=attention)
    assert built.token_code.boundaries is not None
    assert len(built.token_code.boundaries) == 29
    in_place = place_in_space(built, X, random_targets(X, 2))
    assert_in_place(in_place, X, random_targets(X, 2))


@pytest.mark.parametrize("n", [1, 2, 3, 4, 9])
def test_ranked_codes_with_bumps_keep_within_the_bound(n):
    # swaps need a bump a sequence; with pairs 2^-39 apart, 2^-42 on the line, c needs ranks
    a = 0.25 + 2.0**-18 * np.arange(n)
    X = RaggedSequences.from_list([np.array([b, -b, b + 2.0**-39, -b - 2.0**-39, 1, -1])[:, None] for b in a])
    Y = random_targets(X, 1, most=4)
    built = check_exact(X, Y)
    assert n == 1 or built.token_code.code.kind == "bumps"
    assert n == 1 or built.token_code.boundaries is not None
    assert built.n_blocks() <= 1 + (n - 1) + (n + 2) // 2 + len(built.plateaus.target_indices)


def test_a_mean_that_rounding_may_carry_from_one_sequence_to_another_is_not_read():
    # 4096 tokens: a mean errs by 2 n eps = 2^-39 of s at most, and must leave 8 times that; these differ by 2^-38
    X = np.zeros((3, 4096, 1))
    X[:, 0], X[:, 1], X[:, 2, 0] = -1.0, 1.0, [0.0, 2.0**-22, 2.0**-21]
    X = RaggedSequences.from_list(list(X))
    built = check_exact(X, random_targets(X, 1))
    assert built.token_code.code.kind == "bumps"


def test_without_ranks_there_is_one_block_and_one_per_bump_and_per_plateau():
    for name, bumps in (("labelled_sequences", 0), ("swaps", 29)):
        X = sequences(name, 30)
        Y = random_targets(X)
        built = check_exact(X, Y)
        assert built.token_code.boundaries is None
        assert (built.token_code.n_bumps, len(built.plateaus.target_indices)) == (bumps, Y.n_tokens)
        assert built.n_blocks() == 1 + bumps + Y.n_tokens <= Y.n_tokens + len(X)
