"""What feed-forward and attention layers do to a stream (D, n) of one sequence in ONNX; see forward.py and ties.py.

A Scan over the coordinates that are read gives means over attended sets. ONNX has no frexp: the power of two of a size is
2^floor(log2), which may be the next one; scaling by either is exact.

A step takes (graph, layer, stream, temperature) and gives the name of the new stream; `STEPS` holds one for each kind of
layer.
"""

import numpy as np

from sklearn_hardmax.export.onnx_sums import product, square, sums
from sklearn_hardmax.layers import Attention, FeedForward, ThirdOrderAttention

_LIMIT = 2.0**53  # below it sums of integers are exact
_EPS = float(np.finfo(np.float64).eps)


def _written(graph, stream, residual, weights, values):
    """residual * stream + weights times values; rows of zeros left out."""
    touched = np.flatnonzero(weights.any(axis=1))
    change = product(graph, weights[touched], values)
    if len(touched) < len(weights):  # the others get the row of zeros behind
        place = np.full(len(weights), len(touched))
        place[touched] = np.arange(len(touched))
        change = graph.op("Gather", graph.op("Concat", change, graph.zeros, axis=0), graph.integers(place), axis=0)
    if residual == 0:
        return change
    if residual != 1:
        stream = graph.op("Mul", stream, graph.constant(residual))
    return graph.op("Add", stream, change)


def _feed_forward(graph, layer, stream, temperature):
    hidden = graph.op("Add", product(graph, layer.U, stream), graph.constant(layer.b[:, None]))
    return _written(graph, stream, layer.eta, layer.W, graph.op("Relu", hidden))


def _attention(graph, layer, stream, temperature):
    read = np.flatnonzero(layer.value.any(axis=0))
    if len(read) == 0:  # nothing is read, and zeros are written
        return _written(graph, stream, layer.rho, np.zeros((layer.token_dim, 1)), graph.zeros)
    values = graph.rows(stream, read, layer.token_dim)
    if layer.rank == 0:
        everybody = graph.op("Equal", graph.zeros, graph.zeros)
        means = graph.op("Add", _hard_means(graph, values, everybody), graph.zeros)
    elif temperature > 0:
        means = _soft_means(graph, layer, stream, values, temperature)
    elif layer.rank == 1:
        means = _leader_means(graph, layer, stream, values)
    else:
        means = _hard_means(graph, values, _pair_members(graph, layer, stream))
    return _written(graph, stream, layer.rho, layer.output, product(graph, layer.value[:, read], means))


def _hard_means(graph, values, member):
    """Means of values (c, n) over member (Q, n), as v + mean(z - v), v the smallest: (c, Q)."""
    counts = graph.reduce("Sum", _as_numbers(graph, member), 1)
    infinite, nothing = graph.constant(np.inf), graph.constant(0.0)

    def mean(inner, value):
        smallest = inner.reduce("Min", inner.op("Where", member, value, infinite), 1)
        above = inner.op("Where", member, inner.op("Sub", value, smallest), nothing)
        apart = inner.op("Div", inner.reduce("Sum", above, 1), counts)
        return inner.op("Squeeze", inner.op("Add", smallest, apart), inner.integers([1]))

    return graph.scan(mean, [values], ["value"])


def _soft_means(graph, layer, stream, values, temperature):
    """Softmax means of values (c, n), as v + sum w (z - v) / sum w, v the value of the best score: (c, n)."""
    asks, answers = product(graph, layer.query, stream), product(graph, layer.key, stream)
    scores = sums(graph, asks, answers, square(graph))
    leader = graph.op("ArgMax", scores, axis=1, keepdims=0)
    gaps = graph.op("Sub", scores, graph.reduce("Max", scores, 1))
    weights = graph.op("Exp", graph.op("Div", gaps, graph.constant(temperature)))
    total = graph.reduce("Sum", weights, 1)

    def mean(inner, value):
        first = inner.op("Unsqueeze", inner.op("Gather", value, leader), inner.integers([1]))
        apart = inner.reduce("Sum", inner.op("Mul", weights, inner.op("Sub", value, first)), 1)
        return inner.op("Squeeze", inner.op("Add", first, inner.op("Div", apart, total)), inner.integers([1]))

    return graph.scan(mean, [values], ["value"])


# -- the tie rule (ties.py) --------------------------------------------------------------------------------------------


def _as_numbers(graph, flags):
    from onnx import TensorProto

    return graph.op("Cast", flags, to=TensorProto.DOUBLE)


def _integral(graph, factors, stream):
    """Which tokens meet these integral factors in integers only, (1, n)."""
    used = np.flatnonzero(factors.any(axis=0))
    values = graph.rows(stream, used, factors.shape[1])
    whole = _as_numbers(graph, graph.op("Equal", values, graph.op("Round", values)))
    return graph.op("Greater", graph.reduce("Min", whole, 0), graph.constant(0.5))


def _leaders(graph, scores, bounds):
    """Which scores (Q, n) tie with the largest of their row."""
    best = graph.reduce("Max", scores, 1)
    of_best = graph.op("Where", graph.op("Equal", scores, best), bounds, graph.constant(0.0))
    allowed = graph.op("Add", graph.reduce("Max", of_best, 1), bounds)
    return graph.op("LessOrEqual", graph.op("Sub", best, scores), allowed)


def _scored(graph, factor, stream):
    """Inner products of one factor (1, D) with every token, and their rounding bounds: two (1, n)."""
    scores, terms = product(graph, factor, stream), np.count_nonzero(factor)
    if terms <= 1:
        return scores, graph.zeros
    moduli = product(graph, np.abs(factor), graph.op("Abs", stream))
    bounds = graph.op("Mul", graph.constant(terms * _EPS), moduli)
    if (factor == np.rint(factor)).all():
        small = graph.op("Less", moduli, graph.constant(_LIMIT))
        exact = graph.op("And", small, _integral(graph, factor, stream))
        bounds = graph.op("Where", exact, graph.constant(0.0), bounds)
    return scores, bounds


def _leader_means(graph, layer, stream, values):
    """Means of the leaders' values: the query gives the sign, the keys are compared; three groups of queries."""
    asks, bounds = _scored(graph, layer.query, stream)
    up = graph.op("Greater", asks, bounds)
    down = graph.op("Less", asks, graph.op("Neg", bounds))
    keys, bounds = _scored(graph, layer.key, stream)
    scores = graph.op("Concat", keys, graph.op("Neg", keys), axis=0)
    everybody = graph.op("Equal", graph.zeros, graph.zeros)
    means = _hard_means(graph, values, graph.op("Concat", _leaders(graph, scores, bounds), everybody, axis=0))
    zero, one, two = (graph.integers(i) for i in range(3))
    group = graph.op("Where", up, zero, graph.op("Where", down, one, two))
    return graph.op("Gather", means, graph.op("Squeeze", group, graph.integers([0])), axis=1)


# -- pairs of tokens ---------------------------------------------------------------------------------------------------


def _exponent(graph, sizes):
    """An integer e with size / 2 <= 2^e <= 2 size; that of the smallest normal number for less."""
    logarithm = graph.op("Log", graph.op("Max", sizes, graph.constant(np.finfo(np.float64).tiny)))
    return graph.op("Floor", graph.op("Div", logarithm, graph.constant(np.log(2.0))))


def _shifted(graph, values, exponents, sign):
    """Values times 2^(sign e); in two halves, each of which is in range."""
    half = graph.op("Floor", graph.op("Div", exponents, graph.constant(2.0)))
    for part in (half, graph.op("Sub", exponents, half)):
        power = graph.op("Pow", graph.constant(2.0), graph.op("Mul", graph.constant(float(sign)), part))
        values = graph.op("Mul", values, power)
    return values


def _pair_members(graph, layer, stream):
    """Which tokens each token attends to, (n, n)."""
    ends = _exponent(graph, graph.reduce("Max", graph.reduce("Max", graph.op("Abs", stream), 0), 1))
    scaled = _shifted(graph, stream, ends, -1)
    sizes = [int(np.frexp(np.abs(f).max())[1]) for f in (layer.query, layer.key)]
    query, key = (np.ldexp(f, -size) for f, size in zip((layer.query, layer.key), sizes))
    ask_moduli = product(graph, np.abs(query), graph.op("Abs", scaled))
    shift = _exponent(graph, graph.reduce("Max", ask_moduli, 0))
    asks = _shifted(graph, product(graph, query, scaled), shift, -1)
    scores = sums(graph, asks, product(graph, key, scaled), square(graph))
    key_moduli = product(graph, np.abs(key), graph.op("Abs", scaled))
    moduli = sums(graph, _shifted(graph, ask_moduli, shift, -1), key_moduli, square(graph))
    terms = sum(np.count_nonzero(f, axis=1).max() for f in (layer.query, layer.key)) + layer.rank + 1
    bounds = graph.op("Mul", graph.constant(terms * _EPS), moduli)
    factors = np.concatenate([layer.query, layer.key])
    if (factors == np.rint(factors)).all():
        exact = _integral(graph, factors, stream)
        scales = graph.op("Add", shift, graph.op("Add", graph.op("Add", ends, ends), graph.constant(float(sum(sizes)))))
        scales = graph.op("Clip", scales, graph.constant(0.0), graph.constant(2000.0))
        limits = _shifted(graph, graph.constant(_LIMIT), scales, -1)
        limits = graph.op("Transpose", graph.op("Where", exact, limits, graph.constant(0.0)), perm=[1, 0])
        whole = graph.op("And", exact, graph.op("Less", moduli, limits))
        bounds = graph.op("Where", whole, graph.constant(0.0), bounds)
    return _leaders(graph, scores, bounds)


# -- pairs that tokens attend to (third_order.py) ----------------------------------------------------------------------


def _outer(graph, first, second):
    """All products of (r, n) with (r, n): (r, n^2)."""
    columns = graph.op("Unsqueeze", first, graph.integers([2]))
    products = graph.op("Mul", columns, graph.op("Unsqueeze", second, graph.integers([1])))
    return graph.op("Reshape", products, graph.integers([0, -1]))


def _third_order_attention(graph, layer, stream, temperature):
    values, second = product(graph, layer.value, stream), product(graph, layer.second_value, stream)
    means = _hard_means(graph, _outer(graph, values, second), _third_order_members(graph, layer, stream))
    return _written(graph, stream, layer.rho, layer.output, means)


def _third_order_members(graph, layer, stream):
    """Which pairs each token attends to, (n, n^2)."""
    start = graph.op("Add", graph.op("Transpose", graph.zeros, perm=[1, 0]), _outer(graph, graph.zeros, graph.zeros))
    if layer.rank == 0:
        return graph.op("Equal", start, start)
    factors = (layer.query, layer.key, layer.second_key)
    ends = _exponent(graph, graph.reduce("Max", graph.reduce("Max", graph.op("Abs", stream), 0), 1))
    scaled = _shifted(graph, stream, ends, -1)
    sizes = [int(np.frexp(np.abs(f).max(initial=0.0))[1]) for f in factors]
    asks, keys, others = (product(graph, np.ldexp(f, -size), scaled) for f, size in zip(factors, sizes))
    moduli = (product(graph, np.abs(np.ldexp(f, -size)), graph.op("Abs", scaled)) for f, size in zip(factors, sizes))
    scores = sums(graph, asks, _outer(graph, keys, others), start)
    ask_moduli, key_moduli, other_moduli = moduli
    moduli = sums(graph, ask_moduli, _outer(graph, key_moduli, other_moduli), start)
    terms = sum(np.count_nonzero(f, axis=1).max(initial=0) for f in factors) + layer.rank + 2
    bounds = graph.op("Mul", graph.constant(terms * _EPS), moduli)
    factors = np.concatenate(factors)
    if factors.any() and (factors == np.rint(factors)).all():
        scales = graph.op("Add", graph.op("Mul", ends, graph.constant(3.0)), graph.constant(float(sum(sizes))))
        limits = _shifted(
            graph, graph.constant(_LIMIT), graph.op("Clip", scales, *map(graph.constant, (0.0, 2000.0))), -1
        )
        whole = graph.reduce("Min", _as_numbers(graph, _integral(graph, factors, stream)), 1)
        exact = graph.op("Less", moduli, graph.op("Mul", limits, whole))
        bounds = graph.op("Where", exact, graph.constant(0.0), bounds)
    return _leaders(graph, scores, bounds)


STEPS = {FeedForward: _feed_forward, Attention: _attention, ThirdOrderAttention: _third_order_attention}
