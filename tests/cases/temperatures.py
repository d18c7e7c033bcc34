"""The softmax mean by its definition."""

import math


def soft_mean(scores, temperature):
    """Mean of the scores by their softmax weights, in sums without rounding error."""
    weights = [math.exp((s - max(scores)) / temperature) for s in scores]
    return math.fsum(w * s for w, s in zip(weights, scores)) / math.fsum(weights)
