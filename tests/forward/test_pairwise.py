"""Attention of rank above one: batches, pre-selection and blocks change no bit, and ties are those of exact arithmetic."""

import numpy as np
import pytest
from cases.pairwise import EVERY_STACK, exact_sets, head, one, problem, same

from sklearn_hardmax import Attention, Transformer
from sklearn_hardmax.forward import apply, distinct_tokens, pair_scores, pairwise, trace
from sklearn_hardmax.sequences.segments import Segments


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


@pytest.mark.parametrize("seed", range(12))
def test_attended_sets_are_the_exact_ones_on_lattices_with_copies(seed):
    rng = np.random.default_rng(seed)
    layer = head(3, rank=1 + seed % 4, seed=seed)
    X = [rng.integers(-1, 2, size=(n, 3)).astype(float) for n in rng.integers(1, 12, size=6)]
    (step,) = trace(Transformer([layer]), X)
    for sequence, found in zip(X, step.attended):
        assert [f.tolist() for f in found] == exact_sets(layer, sequence)


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


def test_tokens_that_attend_only_to_themselves_and_their_copies_are_found():
    _, alone = attend(same(2), [[2.0, 0.0], [1.0, 0.0], [2.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    assert alone.tolist() == [True, False, True, True, False]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # the overflow is what is asked for
def test_a_stream_that_left_float64_before_an_attention_is_refused():
    grow = Attention(np.zeros((0, 2)), np.zeros((0, 2)), 1e300 * np.eye(2), 1e300 * np.eye(2), 0.0)
    forget = Attention(np.eye(2), np.eye(2), np.zeros((1, 2)), np.zeros((2, 1)), 0.0)
    with pytest.raises(ValueError, match="left the range of float64"):
        apply(Transformer([grow, forget]), [[[1.0, 0.0], [0.0, 1.0]]])
