"""Attention of rank above one with simple factors, sequences with copies of tokens, and attended sets in exact arithmetic."""

import numpy as np
import oracle
import pytest

from sklearn_hardmax import Attention, RaggedSequences, Transformer


def head(token_dim, rank=None, rho=0.0, seed=0, integer=True):
    """Attention of full value with small integer or Gaussian factors."""
    rng = np.random.default_rng(seed)
    shape = (rank or token_dim, token_dim)
    query, key = rng.integers(-2, 3, size=(2, *shape)) if integer else rng.normal(size=(2, *shape))
    return Attention(query, key, np.eye(token_dim), np.eye(token_dim), rho)


def same(token_dim, rho=0.0):
    """Attention whose four factors are the identity: a score is the inner product of two tokens."""
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


def exact_sets(layer, sequence):
    return oracle.attended(layer, oracle.fractions_of(sequence))
