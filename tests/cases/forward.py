"""Layers and sequences on integer lattices, which the exact oracle computes too; a random stack of all kinds of layers."""

import numpy as np
from hypothesis import strategies as st

from sklearn_hardmax import Attention, FeedForward, RaggedSequences, Transformer

SMALL = st.integers(-3, 3).map(float)


def matrices(draw, rows, columns, entries=SMALL):
    return np.array([[draw(entries) for _ in range(columns)] for _ in range(rows)]).reshape(rows, columns)


@st.composite
def layers(draw, token_dim):
    if draw(st.booleans()):
        width = draw(st.integers(1, 3))
        return FeedForward(
            matrices(draw, width, token_dim), matrices(draw, 1, width)[0], matrices(draw, token_dim, width), draw(SMALL)
        )
    rank, value_rank = draw(st.integers(0, 3)), draw(st.integers(1, 2))
    return Attention(
        matrices(draw, rank, token_dim),
        matrices(draw, rank, token_dim),
        matrices(draw, value_rank, token_dim),
        matrices(draw, token_dim, value_rank),
        draw(SMALL),
    )


@st.composite
def lattice_problems(draw):
    token_dim = draw(st.integers(1, 3))
    sequences = [matrices(draw, draw(st.integers(1, 5)), token_dim) for _ in range(draw(st.integers(1, 3)))]
    return [draw(layers(token_dim)) for _ in range(draw(st.integers(1, 2)))], RaggedSequences.from_list(sequences)


def random_transformer(rng, token_dim, temperature=0.0):
    def normal(*shape):
        return rng.normal(size=shape)

    return Transformer(
        [
            FeedForward(normal(5, token_dim), normal(5), normal(token_dim, 5), 0.5),
            Attention(
                normal(1, token_dim), normal(1, token_dim), normal(2, token_dim), normal(token_dim, 2), 1.0, temperature
            ),
            Attention(
                np.zeros((0, token_dim)), np.zeros((0, token_dim)), normal(1, token_dim), normal(token_dim, 1), 0.7
            ),
            Attention(
                normal(2, token_dim), normal(2, token_dim), normal(1, token_dim), normal(token_dim, 1), 1.0, temperature
            ),
            FeedForward(normal(3, token_dim), normal(3), normal(token_dim, 3)),
        ]
    )
