"""What the stored files hold, written down by hand."""

import numpy as np

from sklearn_hardmax import Attention, FeedForward, RaggedSequences, ThirdOrderAttention, Transformer


def counted(first, *shape):
    """Numbers from `first` on, each once, so that no two entries can change places unnoticed."""
    return first + np.arange(float(np.prod(shape))).reshape(shape)


SEQUENCES = RaggedSequences(counted(0, 6, 2).astype(np.float32) / 4, [0, 1, 4, 6])
TRANSFORMER = Transformer(
    [
        FeedForward(counted(1, 4, 3), counted(13, 4), counted(17, 3, 4), eta=29.0),
        Attention(counted(30, 1, 3), counted(33, 1, 3), counted(36, 2, 3), counted(42, 3, 2), rho=48.0, temperature=0.0),
        Attention(counted(49, 2, 3), counted(55, 2, 3), counted(61, 1, 3), counted(64, 3, 1), rho=67.0, temperature=68.0),
        ThirdOrderAttention(
            counted(69, 1, 3), counted(72, 1, 3), counted(75, 1, 3), counted(78, 1, 3), counted(81, 1, 3), counted(84, 3, 1),
            rho=87.0,
        ),
    ],
    names=["first", "second", "third"],
)  # fmt: skip
SERIES = [[[0.0], [1.0]], [[1.0], [0.0]], [[0.0], [0.0], [1.0]], [[1.0], [1.0], [0.0]], [[0.5]], [[1.0], [0.5], [0.0]]]
LABELS = ["up", "down", "up", "down", "flat", "down"]
