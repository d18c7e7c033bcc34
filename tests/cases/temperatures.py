"""Softmax means by their definition, and labelled sequences."""

import math


def soft_mean(scores, temperature):
    """By definition, in sums without rounding error."""
    weights = [math.exp((s - max(scores)) / temperature) for s in scores]
    return math.fsum(w * s for w, s in zip(weights, scores)) / math.fsum(weights)
