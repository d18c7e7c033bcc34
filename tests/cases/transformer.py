"""Transformers that several tests use."""

import numpy as np

from sklearn_hardmax import Attention, FeedForward, Transformer


def example():
    return Transformer(
        [
            FeedForward(U=[[1.0, 0.0], [0.5, -2.0]], b=[-1.0, 0.0], W=[[0.0, 1.0], [1.0, 0.0]], eta=0.0),
            Attention(query=[[1.0, 0.0]], key=[[0.0, 3.0]], value=[[1.0, 1.0]], output=[[0.0], [2.0]], rho=0.5),
            Attention(
                query=np.zeros((0, 2)), key=np.zeros((0, 2)), value=np.eye(2), output=np.eye(2), temperature=0.25
            ),
            FeedForward(U=np.zeros((1, 2)), b=[1.0], W=[[1.0], [0.0]]),
        ],
        names=["code", "digit"],
    )
