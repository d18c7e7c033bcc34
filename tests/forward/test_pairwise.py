"""Attention of rank above one: batches, pre-selection and blocks change no bit, and ties are those of exact arithmetic."""

from fractions import Fraction

import numpy as np
import oracle
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_hardmax import Attention, RaggedSequences, Transformer
from sklearn_hardmax.forward import apply, distinct_tokens, pair_scores, pairwise, trace
from sklearn_hardmax.sequences.segments import Segments


def head(token_dim, rank=None, rho=0.0, seed=0, integer=True):
    """Attention of full value with small integer or Gaussian factors."""
    rng = np.random.default_rng(seed)
    shape = (rank or token_dim, token_dim)
    query, key = rng.integers(-2, 3, size=(2, *shape)) if integer else rng.normal(size=(2, *shape))
    return Attention(query, key, np.eye(token_dim), np.eye(token_dim), rho)


def same(token_dim, rho=0.0):
    return Attention(*[np.eye(token_dim)] * 4, rho)


def problem(token_dim, n=60, seed=0):
    """Gaussian and lattice sequences of 1 to 40 tokens, with copies."""
    rng = np.random.default_rng(seed)
    sequences = []
    for length in rng.integers(1, 41, size=n):
        Z = (
            rng.normal(size=(length, token_dim))
            if rng.random() < 0.5
            else rng.integers(-2, 3, size=(length, token_dim))
        )
        sequences.append(Z[rng.integers(length, size=length)] if rng.random() < 0.5 else Z)
    return RaggedSequences.from_list([Z.astype(float) for Z in sequences])


def one(Z):
    return RaggedSequences.from_list([Z])


STACKS = [
    Transformer([same(2, 0.5)] * 3),
    Transformer([head(3, rho=1.0, integer=False), head(3, 2)]),
    Transformer([head(3, 5, integer=False)]),
    Transformer([head(7, 2, rho=0.25)] * 2),
]
EVERY_STACK = pytest.mark.parametrize("transformer", STACKS, ids=lambda t: f"dim {t.token_dim}")


@EVERY_STACK
def test_every_sequence_moves_the_same_bits_alone_and_among_others_of_similar_length(transformer):
    X = problem(transformer.token_dim)
    whole = apply(transformer, X)
    order = np.random.default_rng(1).permutation(len(X))
    assert apply(transformer, X[order]) == whole[order]
    by_length = np.argsort(X.lengths)
    assert apply(transformer, X[by_length]) == whole[by_length]
    for i in range(len(X)):
        assert apply(transformer, X[i : i + 1]) == whole[i : i + 1]


@EVERY_STACK
def test_permuting_tokens_permutes_outputs_bit_for_bit(transformer):
    rng = np.random.default_rng(2)
    for Z, moved in zip(problem(transformer.token_dim), apply(transformer, problem(transformer.token_dim))):
        order = rng.permutation(len(Z))
        assert np.array_equal(apply(transformer, one(Z[order]))[0], moved[order])


@EVERY_STACK
@pytest.mark.parametrize(
    ("module", "name", "value"),
    [
        (pairwise, "_BLOCK_SCORES", 1),
        (pairwise, "_BLOCK_SCORES", 50),
        (distinct_tokens, "_SMALL_BATCH_SCORES", 0),
        (distinct_tokens, "_MAX_LENGTH_RATIO", 1.0),
        (distinct_tokens, "_MAX_LENGTH_RATIO", 100.0),
        (pair_scores, "_UNDERFLOW", 2.0**900),
    ],
)
def test_blocks_batches_and_preselection_change_no_bit(transformer, module, name, value, monkeypatch):
    """_UNDERFLOW at 2^900 lets all pairs through the pre-selection, so that the tie rule alone decides."""
    X = problem(transformer.token_dim)
    before = apply(transformer, X)
    monkeypatch.setattr(module, name, value)
    assert apply(transformer, X) == before


def exact_sets(layer, sequence):
    return oracle.attended(layer, oracle.fractions_of(sequence))


@pytest.mark.parametrize("seed", range(12))
def test_attended_sets_are_the_exact_ones_on_lattices_with_copies(seed):
    rng = np.random.default_rng(seed)
    layer = head(3, rank=1 + seed % 4, seed=seed)
    X = [rng.integers(-1, 2, size=(n, 3)).astype(float) for n in rng.integers(1, 12, size=6)]
    (step,) = trace(Transformer([layer]), X)
    for sequence, found in zip(X, step.attended):
        assert [f.tolist() for f in found] == exact_sets(layer, sequence)


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


@pytest.mark.parametrize(
    "tokens",
    [
        [[1e200, 0.0], [0.0, 1e-100]],
        [[1e-170, 0.0], [0.0, 1.0]],  # the first scores 1e-340 with itself
        [[1e-200, 2e-200], [2e-200, -1e-200], [1e-200, -1e-200]],
        [[1e300, -1e300], [3e299, 1e300], [1.0, 0.0]],
        [[5e-324, 0.0], [0.0, 5e-324], [0.0, -1e-323]],
        [[0.0, 0.0], [1.0, 0.0], [-0.0, 0.0]],
    ],
)
def test_large_and_small_numbers_attend_as_in_exact_arithmetic(tokens):
    layer = same(2)
    beside = [[1.0, 2.0], [3.0, 4.0], [0.5, 1e-30]]
    (step,) = trace(Transformer([layer]), [tokens, beside])
    assert [f.tolist() for f in step.attended[0]] == exact_sets(layer, np.array(tokens))
    moved = apply(Transformer([layer]), [tokens, beside])
    for i, members in enumerate(step.attended[0]):
        exact = [Fraction(0)] * 2
        for member in members:
            exact = [e + Fraction(z) / len(members) for e, z in zip(exact, tokens[member])]
        assert moved[0][i].tolist() == pytest.approx([float(e) for e in exact], rel=1e-15, abs=0)


def test_one_outlier_does_not_blur_the_scores_of_the_others():
    layer = same(2)
    X = [[[2.0**60, 0.0], [-1.0, 1.0], [-1.0, 1.0 + 2**-40], [-1.0, 1.0 - 2**-40]]]
    (step,) = trace(Transformer([layer]), X)
    assert [f.tolist() for f in step.attended[0]] == exact_sets(layer, np.array(X[0])) == [[0], [2], [2], [2]]


def test_the_margin_of_pairs_is_that_of_a_hand_computation():
    """Scores of (2, 0): 4 and 2; of (1, 0): 2 and 1; integers, so that the bound is 0 and the unit one ulp of the best.

    Each query is scaled by a power of two, tokens too: gaps 2 / ulp(4) and 1 / ulp(2) are both 2 / 2^-50.
    """
    (step,) = trace(Transformer([same(2)]), [[[2.0, 0.0], [1.0, 0.0]]])
    assert step.margin == 2.0**51


def attend(layer, tokens):
    tokens = np.asarray(tokens, dtype=float)
    return pairwise.attend(
        layer, np.ascontiguousarray(tokens.T), Segments.from_offsets(np.array([0, len(tokens)])), [0, 1]
    )


def test_who_attends_to_itself_and_its_copies_only_is_told():
    _, alone = attend(same(2), [[2.0, 0.0], [1.0, 0.0], [2.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    assert alone.tolist() == [True, False, True, True, False]


def test_equal_hashes_of_unequal_tokens_merge_nothing(monkeypatch):
    X = problem(2)
    expected = apply(STACKS[0], X)
    monkeypatch.setattr(distinct_tokens, "_hashes", lambda stream: np.zeros(stream.shape[1], dtype=np.uint64))
    np.testing.assert_allclose(apply(STACKS[0], X).tokens, expected.tokens, rtol=0, atol=1e-13)


@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(1, 30))
def test_scores_that_the_preselection_drops_are_lost_in_every_order_of_summation(seed, token_dim, n):
    """The pre-selection against the sets without it, on tokens of all sizes."""
    rng = np.random.default_rng(seed)
    layer = head(token_dim, rank=int(rng.integers(2, 4)), seed=seed, integer=False)
    Z = rng.normal(size=(n, token_dim)) * 10.0 ** rng.integers(-12, 13, size=(n, 1))
    (step,) = trace(Transformer([layer]), one(Z))
    moved = apply(Transformer([layer]), one(Z))[0]
    for z, members in zip(moved, step.attended[0]):
        np.testing.assert_allclose(z, Z[members].mean(axis=0), rtol=1e-12, atol=1e-14 * np.abs(Z[members]).max())


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # the overflow is what is asked for
def test_a_stream_that_left_float64_before_an_attention_is_refused():
    grow = Attention(np.zeros((0, 2)), np.zeros((0, 2)), 1e300 * np.eye(2), 1e300 * np.eye(2), 0.0)
    forget = Attention(np.eye(2), np.eye(2), np.zeros((1, 2)), np.zeros((2, 1)), 0.0)
    with pytest.raises(ValueError, match="left the range of float64"):
        apply(Transformer([grow, forget]), [[[1.0, 0.0], [0.0, 1.0]]])
