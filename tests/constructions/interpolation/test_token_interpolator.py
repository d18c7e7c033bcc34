"""Unseen tokens get the same bits by the search and by the network."""

import numpy as np
import pytest
from cases.families import FAMILIES
from cases.interpolation import ATTENTIONS, build, by_tokens, nearly_equal_pairs, sequences
from cases.targets import first_rows, random_targets
from joblib import parallel_config

from sklearn_hardmax import RaggedSequences, Transformer
from sklearn_hardmax.constructions.interpolation import selectors
from sklearn_hardmax.forward import apply


def selected(built, codes):
    """What the selector layers alone make of codes, (n, q)."""
    width, own = built.token_dim, built.targets[built.plateaus.target_indices]
    plan = selectors.selector_layers(built.token_code, built.plateaus.thresholds, own, width)
    tokens = np.zeros((len(codes), width))
    tokens[:, selectors.CODE], tokens[:, selectors.ON_PLATEAU] = codes, 1.0
    out = apply(
        Transformer([layer.make() for layer in plan]), RaggedSequences.from_flat(tokens, np.ones(len(codes), int))
    )
    return out.tokens[:, selectors.TARGETS : selectors.TARGETS + own.shape[1]]


def test_on_all_codes_the_fast_path_is_the_network_bit_for_bit():
    X = sequences("labelled_sequences", 20)
    built = build(X, random_targets(X, 3))
    thresholds, offset = built.plateaus.thresholds, built.token_code.offset
    steps = np.concatenate([np.linspace(-1, 2, 13), np.array([-1, 1, 3]) * np.spacing(offset)])
    codes = np.concatenate([(thresholds[:, None] + steps).ravel(), np.linspace(offset, 2 * offset - 8, 500)])
    assert np.array_equal(selected(built, codes), built.plateaus.evaluate(built.targets, codes))


@ATTENTIONS
@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("name", FAMILIES)
def test_unseen_tokens_get_the_same_bits_by_both_paths(name, ordered, attention):
    X = sequences(name, 25)
    built = build(X, random_targets(X, 2), ordered=ordered, attention=attention)
    rng, largest = np.random.default_rng(3), np.abs(X.tokens).max()
    new = [
        rng.normal(size=(rng.integers(1, 9), X.token_dim)) * s for s in (largest, 1e-9 * largest, 1e6 * largest, 1e300)
    ]
    new += [np.zeros((3, X.token_dim)), np.full((1, X.token_dim), 1.7e308), X[0] + largest * 1e-7]
    new = RaggedSequences.from_list(new)
    read = built.decode(apply(built.transformer(), built.encode(new)))
    assert np.array_equal(read.tokens, built.outputs(new))


def test_with_the_leaders_of_a_training_sequence_an_unseen_token_takes_the_target_of_the_nearest_token():
    X = RaggedSequences.from_list([[[-1.0], [0.0]], [[0.5], [1.0]]])
    built = build(X, RaggedSequences.from_list([[[1.0], [2.0]], [[3.0], [4.0]]]))
    assert built.token_code.code.uses_leader_attention
    near = RaggedSequences.from_list([[[-0.9], [0.0], [-0.1], [-1.0]], [[0.5], [0.55], [0.95], [1.0]]])
    assert built.outputs(near)[:, 0].tolist() == [1.0, 2.0, 2.0, 1.0, 3.0, 3.0, 4.0, 4.0]


def test_with_ranks_an_unseen_token_takes_the_target_of_the_nearest_token_of_the_sequence_with_the_nearest_code():
    X = nearly_equal_pairs(20)
    Y = RaggedSequences.from_list([[[j + 0.25], [j + 0.5], [j + 0.75]] for j in range(20)])  # of x + 2^-27, x and -1
    built = build(X, Y)
    assert built.token_code.code.kind == "mean"
    moved = [x + np.array([[2.0**-29], [2.0**-29], [2.0**-24], [0.0]]) for x in X]
    new = RaggedSequences.from_list(moved)
    assert np.array_equal(first_rows(by_tokens(built, new), Y), Y.tokens)


def test_outputs_do_not_depend_on_batch_order_or_jobs():
    X = sequences("large_offsets", 40)
    built = build(X, random_targets(X, 2))
    whole, order = by_tokens(built, X), np.random.default_rng(0).permutation(len(X))
    assert by_tokens(built, X[order]) == whole[order]
    assert np.array_equal(np.concatenate([built.outputs(X[i : i + 7]) for i in range(0, len(X), 7)]), whole.tokens)
    with parallel_config("threading"):
        assert np.array_equal(built.outputs(X, n_jobs=2), whole.tokens)
