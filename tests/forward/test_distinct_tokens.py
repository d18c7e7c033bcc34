"""Tables of distinct tokens: equal tokens count as often as they occur, and no others are merged."""

import numpy as np
import pytest
from cases.pairwise import EVERY_STACK, STACKS, problem, same
from hypothesis import given
from hypothesis import strategies as st

from sklearn_hardmax import RaggedSequences, Transformer
from sklearn_hardmax.forward import apply, distinct_tokens
from sklearn_hardmax.sequences.segments import Segments

TOKENS = st.tuples(st.integers(-1, 1), st.integers(-1, 1)).map(lambda token: [float(z) for z in token])
SEQUENCES = st.lists(st.lists(TOKENS, min_size=1, max_size=7), min_size=1, max_size=6)


def tables(sequences, max_scores=2**18):
    """The stream (2, n), the index of the sequence of each token, and all DistinctTokens."""
    stream = np.ascontiguousarray(np.concatenate(sequences).T) + 0.0
    segments = Segments.from_offsets(np.cumsum([0, *map(len, sequences)]))
    owner = np.repeat(np.arange(len(sequences)), segments.lengths)
    return stream, owner, list(distinct_tokens.batches(stream, segments, max_scores))


@pytest.mark.parametrize("equal_hashes", [False, True])
@given(SEQUENCES)
def test_a_row_of_a_table_holds_the_distinct_tokens_of_a_sequence_with_their_copies(equal_hashes, sequences):
    """By a loop over the places; where all hashes are equal too, copies that stand side by side are one token."""
    with pytest.MonkeyPatch.context() as patch:
        if equal_hashes:
            patch.setattr(distinct_tokens, "_hashes", lambda stream: np.zeros(stream.shape[1], dtype=np.uint64))
        stream, owner, batches = tables(sequences)
    rows = {}
    for batch in batches:
        n_rows, length = batch.shape
        assert len(batch.representatives) == len(batch.copies) == n_rows * length
        for place in range(n_rows * length):
            here = batch.tokens[batch.places == place]
            assert batch.copies[place] == len(here)
            for token in here.tolist():
                assert np.array_equal(stream[:, token], stream[:, batch.representatives[place]])
                rows.setdefault((id(batch), place // length), set()).add(owner[token])
        filled = batch.copies.reshape(batch.shape) > 0
        assert filled.any(axis=0).all()  # no column is padding only
        assert (filled[:, 1:] <= filled[:, :-1]).all()  # padding is at the end of a row
        for row, places in enumerate(filled):
            tokens = batch.representatives.reshape(batch.shape)[row, places]
            assert len(set(map(tuple, stream[:, tokens].T.tolist()))) == len(tokens) or equal_hashes
    assert sorted(rows.values(), key=min) == [{j} for j in range(len(sequences))]
    assert sorted(np.concatenate([batch.tokens for batch in batches]).tolist()) == list(range(stream.shape[1]))


@given(SEQUENCES, st.randoms(use_true_random=False))
def test_the_distinct_tokens_of_a_row_do_not_depend_on_the_order_in_the_sequence(sequences, random):
    shuffled = [random.sample(sequence, len(sequence)) for sequence in sequences]
    found = []
    for some in (sequences, shuffled):
        stream, _, batches = tables(some)
        found.append([(stream[:, batch.representatives] * batch.copies, batch.copies) for batch in batches])
    for one, other in zip(*found, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one, other))


@given(st.lists(st.integers(1, 30), min_size=1, max_size=12), st.integers(1, 2000))
def test_sequences_of_a_batch_have_similar_lengths_and_no_more_scores_than_allowed(lengths, max_scores):
    """Unless a sequence is alone: (number of sequences) x (largest length)^2, and lengths at a ratio of 5/4 at most."""
    sequences = [np.random.default_rng(k).normal(size=(n, 2)) for k, n in enumerate(lengths)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distinct_tokens, "_SMALL_BATCH_SCORES", 0)
        _, owner, batches = tables(sequences, max_scores)
    for batch in batches:
        found = [lengths[j] for j in set(owner[batch.tokens].tolist())]
        assert batch.shape == (len(found), max(found))  # no token occurs twice
        assert len(found) == 1 or (len(found) * max(found) ** 2 <= max_scores and 4 * max(found) <= 5 * min(found))


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
