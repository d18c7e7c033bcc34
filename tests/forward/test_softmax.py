"""Softmax attention: means of rows that share a query, large values, gaps beyond float64, blocks."""

from dataclasses import replace

import numpy as np
import pytest

from sklearn_hardmax import (
    Attention,
    Transformer,
)
from sklearn_hardmax.forward import apply


def test_tokens_that_ask_alike_get_what_each_would_get_by_itself():
    rng = np.random.default_rng(0)
    layer = Attention(*rng.normal(size=(2, 1, 3)), np.eye(3), np.eye(3), temperature=0.3)
    alike, other = rng.normal(size=(2, 5, 3))
    # a query that reads nothing that differs: all tokens of the first sequence ask alike
    layer = replace(layer, query=[[1.0, 0.0, 0.0]])
    alike[:, 0] = 1.5
    both = apply(Transformer([layer]), [alike, other])
    scores = (alike[:, :1] @ layer.query[:, :1]) @ (alike @ layer.key.T).T / 0.3
    weights = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(both[0], alike + weights @ alike, rtol=1e-14)
    for i, x in enumerate((alike, other)):
        assert np.array_equal(apply(Transformer([layer]), [x])[0], both[i])


def test_tokens_that_ask_alike_in_one_of_two_factors_only_get_their_own_means():
    tokens = np.array([[1.0, 0.0], [1.0, 2.0], [1.0, -1.0]])  # the first coordinate asks alike, the second does not
    out = apply(Transformer([Attention(*[np.eye(2)] * 4, 0.0, temperature=0.5)]), [tokens])[0]
    scores = tokens @ tokens.T / 0.5
    weights = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(out, weights @ tokens, rtol=1e-14)


@pytest.mark.parametrize("rank", [1, 2])
def test_the_value_of_the_best_score_is_not_lost_beside_a_large_one(rank):
    read, heard = np.eye(3)[1 : 1 + rank], np.eye(3)[:1]
    layer = Attention(read, read, heard, heard.T, 0.0, temperature=1e-3)
    out = apply(Transformer([layer]), [[[0.1, 1.0, 0.0], [1e17, 0.5, -1.0]]])[0][:, 0]
    assert out.tolist() == [0.1, 0.1 if rank == 1 else 1e17]


@pytest.mark.parametrize("rank", [1, 2])
def test_a_gap_beyond_the_range_of_float64_has_no_weight(rank):
    tokens = np.array([[1e150, 1e150], [-1e150, 1e150], [1e149, 0.0]])
    eye = np.eye(2)[:rank]
    layer = Attention(eye, eye, np.eye(2)[:1], np.eye(2)[:, :1], 0.0, temperature=1e-10)
    assert apply(Transformer([layer]), [tokens])[0][:, 0].tolist() == [1e150, -1e150, 1e150]


@pytest.mark.parametrize("block", [1, 64])
def test_rows_of_scores_are_taken_in_blocks_that_change_no_bit(block, monkeypatch):
    rng = np.random.default_rng(0)
    layer = Attention(*rng.normal(size=(2, 2, 3)), np.eye(3), np.eye(3), temperature=0.3)
    X = [rng.normal(size=(n, 3)) for n in (7, 1, 30)]
    whole = apply(Transformer([layer]), X)
    monkeypatch.setattr("sklearn_hardmax.forward.softmax._BLOCK_SCORES", block)
    assert apply(Transformer([layer]), X) == whole
