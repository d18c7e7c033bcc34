"""An exact engine in fractions.Fraction, plain loops: what sklearn_hardmax.forward answers to.

Floats are rational numbers, so a hardmax transformer on float tokens has an exact result. It imports the layers only.
"""

from fractions import Fraction

import numpy as np

from sklearn_hardmax.layers import Attention, FeedForward, ThirdOrderAttention


def fractions_of(array):
    """Nested lists of Fractions with exactly the values of a float array."""
    if np.ndim(array) == 0:
        return Fraction(float(array))
    return [fractions_of(a) for a in array]


def dot(a, b):
    return sum((x * y for x, y in zip(a, b) if x and y), Fraction(0))  # most weights are 0


def feed_forward(layer, tokens):
    U, b, W, eta = map(fractions_of, (layer.U, layer.b, layer.W, layer.eta))
    out = []
    for z in tokens:
        hidden = [max(dot(u, z) + c, Fraction(0)) for u, c in zip(U, b)]
        out.append([eta * z_c + dot(w, hidden) for z_c, w in zip(z, W)])
    return out


def attended(layer, tokens):
    """For every token the list of tokens that it attends to, ties in exact arithmetic."""
    query, key = fractions_of(layer.query), fractions_of(layer.key)
    keys = [[dot(k, z) for k in key] for z in tokens]
    sets = []
    for z in tokens:
        asks = [dot(q, z) for q in query]
        scores = [dot(asks, k) for k in keys]
        best = max(scores)
        sets.append([i for i, s in enumerate(scores) if s == best])
    return sets


def attention(layer, tokens):
    assert layer.temperature == 0
    value, output, rho = map(fractions_of, (layer.value, layer.output, layer.rho))
    out = []
    for z, members in zip(tokens, attended(layer, tokens)):
        mean = [sum(tokens[i][c] for i in members) / len(members) for c in range(len(z))]
        read = [dot(v, mean) for v in value]
        out.append([rho * z_c + dot(o, read) for z_c, o in zip(z, output)])
    return out


def attended_pairs(layer, tokens):
    """For every token the list of pairs of tokens that it attends to, ties in exact arithmetic."""
    query, key, second_key = map(fractions_of, (layer.query, layer.key, layer.second_key))
    keys = [[dot(k, z) for k in key] for z in tokens]
    second_keys = [[dot(k, z) for k in second_key] for z in tokens]
    sets = []
    for z in tokens:
        asks = [dot(q, z) for q in query]
        scores = {}
        for i, a in enumerate(keys):
            for j, b in enumerate(second_keys):
                scores[i, j] = sum((x * y * w for x, y, w in zip(asks, a, b)), Fraction(0))
        best = max(scores.values())
        sets.append([pair for pair, s in scores.items() if s == best])
    return sets


def third_order_attention(layer, tokens):
    value, second_value, output, rho = map(fractions_of, (layer.value, layer.second_value, layer.output, layer.rho))
    out = []
    for z, pairs in zip(tokens, attended_pairs(layer, tokens)):
        read = [
            sum(dot(v, tokens[i]) * dot(w, tokens[j]) for i, j in pairs) / len(pairs)
            for v, w in zip(value, second_value)
        ]
        out.append([rho * z_c + dot(o, read) for z_c, o in zip(z, output)])
    return out


LAYERS = {FeedForward: feed_forward, Attention: attention, ThirdOrderAttention: third_order_attention}


def run(transformer, sequence):
    """Tokens after each layer, exactly, for one sequence (n, D)."""
    tokens, steps = fractions_of(np.asarray(sequence, dtype=np.float64)), []
    for layer in transformer.layers:
        tokens = LAYERS[type(layer)](layer, tokens)
        steps.append(tokens)
    return steps
