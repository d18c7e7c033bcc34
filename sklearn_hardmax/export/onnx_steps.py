"""The layers of a Transformer as operations of an ONNX graph, on the stream (D, n) of one sequence.

The formulas are those of `sklearn_hardmax.forward` (run.py, ties.py, third_order.py). Means over attended sets are computed
by a Scan over the coordinates that enter values. ONNX has no frexp: the exponent of
a number is floor(log2), which rounding may put one off; scaling by either power of two is exact.

A step is a function of (graph, layer, stream, temperature), where `stream` is the name of a value, and returns the name of
the new stream. `STEPS` holds one for each type of layer.
"""

import numpy as np

from sklearn_hardmax.export.onnx_sums import product, square_of_zeros, sums
from sklearn_hardmax.layers import Attention, FeedForward, ThirdOrderAttention

_EPS = float(np.finfo(np.float64).eps)
_EXACT_BELOW = 2.0**53  # below it sums of integers are exact
_MAX_SHIFT = 2000.0  # 2^(53 - 2000) is 0 in float64, as is every smaller power of two


def _add_to_residual(graph, stream, residual, weights, values):
    """residual * stream + weights times values; rows of zeros left out."""
    outputs = np.flatnonzero(weights.any(axis=1))
    change = product(graph, weights[outputs], values)
    if len(outputs) < len(weights):
        # One row of zeros is appended, and every coordinate without weights takes that row.
        row_of = np.full(len(weights), len(outputs))
        row_of[outputs] = np.arange(len(outputs))
        change = graph.op("Gather", graph.op("Concat", change, graph.zeros, axis=0), graph.integers(row_of), axis=0)
    if residual == 0:
        return change
    if residual != 1:
        stream = graph.op("Mul", stream, graph.constant(residual))
    return graph.op("Add", stream, change)


def _feed_forward(graph, layer, stream, temperature):
    hidden = graph.op("Add", product(graph, layer.U, stream), graph.constant(layer.b[:, None]))
    return _add_to_residual(graph, stream, layer.eta, layer.W, graph.op("Relu", hidden))


def _attention(graph, layer, stream, temperature):
    used = np.flatnonzero(layer.value.any(axis=0))
    if len(used) == 0:  # all values are 0: only the residual is left
        return _add_to_residual(graph, stream, layer.rho, np.zeros((layer.token_dim, 1)), graph.zeros)
    values = graph.rows(stream, used, layer.token_dim)
    if layer.rank == 0:
        # One query that attends to all tokens; adding zeros copies its mean to every token.
        all_tokens = graph.op("Equal", graph.zeros, graph.zeros)
        means = graph.op("Add", _hard_means(graph, values, all_tokens), graph.zeros)
    elif temperature > 0:
        means = _soft_means(graph, layer, stream, values, temperature)
    elif layer.rank == 1:
        means = _leader_means(graph, layer, stream, values)
    else:
        means = _hard_means(graph, values, _attended_tokens(graph, layer, stream))
    return _add_to_residual(graph, stream, layer.rho, layer.output, product(graph, layer.value[:, used], means))


def _hard_means(graph, values, is_attended):
    """Means of values (c, n) over is_attended (Q, n), as v + mean(z - v), v the smallest: (c, Q)."""
    counts = graph.reduce("Sum", _as_numbers(graph, is_attended), 1)
    infinity = graph.constant(np.inf)
    zero = graph.constant(0.0)

    def mean(inner, value):
        smallest = inner.reduce("Min", inner.op("Where", is_attended, value, infinity), 1)
        above = inner.op("Where", is_attended, inner.op("Sub", value, smallest), zero)
        mean_above = inner.op("Div", inner.reduce("Sum", above, 1), counts)
        return inner.op("Squeeze", inner.op("Add", smallest, mean_above), inner.integers([1]))

    return graph.scan(mean, [values], ["value"])


def _soft_means(graph, layer, stream, values, temperature):
    """Softmax means of values (c, n), as v + sum w (z - v) / sum w, v the value of the best score: (c, n)."""
    query_values = product(graph, layer.query, stream)
    key_values = product(graph, layer.key, stream)
    scores = sums(graph, query_values, key_values, square_of_zeros(graph))
    best = graph.op("ArgMax", scores, axis=1, keepdims=0)
    gaps = graph.op("Sub", scores, graph.reduce("Max", scores, 1))
    weights = graph.op("Exp", graph.op("Div", gaps, graph.constant(temperature)))
    total = graph.reduce("Sum", weights, 1)

    def mean(inner, value):
        best_value = inner.op("Unsqueeze", inner.op("Gather", value, best), inner.integers([1]))
        weighted = inner.reduce("Sum", inner.op("Mul", weights, inner.op("Sub", value, best_value)), 1)
        means = inner.op("Add", best_value, inner.op("Div", weighted, total))
        return inner.op("Squeeze", means, inner.integers([1]))

    return graph.scan(mean, [values], ["value"])


# -- the tie rule (ties.py) --------------------------------------------------------------------------------------------


def _as_numbers(graph, flags):
    """1.0 for true, 0.0 for false."""
    from onnx import TensorProto

    return graph.op("Cast", flags, to=TensorProto.DOUBLE)


def _integral(graph, factors, stream):
    """Which tokens have integer coordinates wherever one of these integer factors is not 0, (1, n)."""
    used = np.flatnonzero(factors.any(axis=0))
    values = graph.rows(stream, used, factors.shape[1])
    is_integer = _as_numbers(graph, graph.op("Equal", values, graph.op("Round", values)))
    # "all" of the flags of a token
    return graph.op("Greater", graph.reduce("Min", is_integer, 0), graph.constant(0.5))


def _leaders(graph, scores, bounds):
    """Which scores (Q, n) tie with the largest of their row, by their rounding bounds."""
    best = graph.reduce("Max", scores, 1)
    best_bounds = graph.op("Where", graph.op("Equal", scores, best), bounds, graph.constant(0.0))
    allowed = graph.op("Add", graph.reduce("Max", best_bounds, 1), bounds)
    return graph.op("LessOrEqual", graph.op("Sub", best, scores), allowed)


def _product_with_bound(graph, factor, stream):
    """Inner products of one factor (1, D) with every token, and their rounding bounds: two (1, n)."""
    products = product(graph, factor, stream)
    terms = np.count_nonzero(factor)
    if terms <= 1:
        return products, graph.zeros
    moduli = product(graph, np.abs(factor), graph.op("Abs", stream))
    bounds = graph.op("Mul", graph.constant(terms * _EPS), moduli)
    if (factor == np.rint(factor)).all():
        is_small = graph.op("Less", moduli, graph.constant(_EXACT_BELOW))
        is_exact = graph.op("And", is_small, _integral(graph, factor, stream))
        bounds = graph.op("Where", is_exact, graph.constant(0.0), bounds)
    return products, bounds


def _leader_means(graph, layer, stream, values):
    """Means over the attended tokens for rank one: the query contributes its sign, and the key values are compared."""
    query_values, query_bounds = _product_with_bound(graph, layer.query, stream)
    is_positive = graph.op("Greater", query_values, query_bounds)
    is_negative = graph.op("Less", query_values, graph.op("Neg", query_bounds))
    key_values, key_bounds = _product_with_bound(graph, layer.key, stream)
    # Three means for the whole sequence, one for each sign of a query: over the tokens with the largest key value, over those
    # with the smallest, and over all tokens. Then every token takes the mean of its sign.
    scores = graph.op("Concat", key_values, graph.op("Neg", key_values), axis=0)
    all_tokens = graph.op("Equal", graph.zeros, graph.zeros)
    is_attended = graph.op("Concat", _leaders(graph, scores, key_bounds), all_tokens, axis=0)
    means = _hard_means(graph, values, is_attended)
    positive, negative, zero = (graph.integers(i) for i in range(3))
    group = graph.op("Where", is_positive, positive, graph.op("Where", is_negative, negative, zero))
    return graph.op("Gather", means, graph.op("Squeeze", group, graph.integers([0])), axis=1)


# -- pairs of tokens ---------------------------------------------------------------------------------------------------


def _exponent(graph, sizes):
    """An integer e with size / 2 <= 2^e <= 2 size; that of the smallest normal number for smaller sizes."""
    logarithm = graph.op("Log", graph.op("Max", sizes, graph.constant(np.finfo(np.float64).tiny)))
    return graph.op("Floor", graph.op("Div", logarithm, graph.constant(np.log(2.0))))


def _shifted(graph, values, exponents, sign):
    """Values times 2^(sign e); in two halves, because 2^e itself may leave the range of float64."""
    half = graph.op("Floor", graph.op("Div", exponents, graph.constant(2.0)))
    for part in (half, graph.op("Sub", exponents, half)):
        power = graph.op("Pow", graph.constant(2.0), graph.op("Mul", graph.constant(float(sign)), part))
        values = graph.op("Mul", values, power)
    return values


def _exact_limits(graph, exponents):
    """2^(53 - e) with e the exponents, negative ones counted as 0: scaled scores of integers are exact below."""
    clipped = graph.op("Clip", exponents, graph.constant(0.0), graph.constant(_MAX_SHIFT))
    return _shifted(graph, graph.constant(_EXACT_BELOW), clipped, -1)


def _weight_exponent(factors):
    """The smallest e with |factor| < 2^e; 0 where all are 0."""
    return int(np.frexp(np.abs(factors).max(initial=0.0))[1])


def _attended_tokens(graph, layer, stream):
    """Which tokens each token attends to, (n, n), for attention of rank above one."""
    # Scores are compared for one query only: the sequence, the factors and each query are scaled by powers of two, so that
    # no product leaves the range of float64.
    token_exponent = _exponent(graph, graph.reduce("Max", graph.reduce("Max", graph.op("Abs", stream), 0), 1))
    scaled = _shifted(graph, stream, token_exponent, -1)
    weight_exponents = [_weight_exponent(f) for f in (layer.query, layer.key)]
    query, key = (np.ldexp(f, -e) for f, e in zip((layer.query, layer.key), weight_exponents))
    query_moduli = product(graph, np.abs(query), graph.op("Abs", scaled))
    query_exponents = _exponent(graph, graph.reduce("Max", query_moduli, 0))
    query_values = _shifted(graph, product(graph, query, scaled), query_exponents, -1)
    scores = sums(graph, query_values, product(graph, key, scaled), square_of_zeros(graph))
    key_moduli = product(graph, np.abs(key), graph.op("Abs", scaled))
    query_moduli = _shifted(graph, query_moduli, query_exponents, -1)
    moduli = sums(graph, query_moduli, key_moduli, square_of_zeros(graph))
    terms = sum(np.count_nonzero(f, axis=1).max() for f in (layer.query, layer.key)) + layer.rank + 1
    bounds = graph.op("Mul", graph.constant(terms * _EPS), moduli)
    factors = np.concatenate([layer.query, layer.key])
    if (factors == np.rint(factors)).all():
        # A score of the original numbers is 2^exponent times the scaled one, and exact below 2^53 if all of it are integers.
        is_integral = _integral(graph, factors, stream)
        twice = graph.op("Add", token_exponent, token_exponent)
        constant = graph.op("Add", twice, graph.constant(float(sum(weight_exponents))))
        limits = _exact_limits(graph, graph.op("Add", query_exponents, constant))
        limits = graph.op("Transpose", graph.op("Where", is_integral, limits, graph.constant(0.0)), perm=[1, 0])
        is_exact = graph.op("And", is_integral, graph.op("Less", moduli, limits))
        bounds = graph.op("Where", is_exact, graph.constant(0.0), bounds)
    return _leaders(graph, scores, bounds)


# -- third-order attention (third_order.py) ----------------------------------------------------------------------------


def _outer(graph, first, second):
    """All products of (r, n) with (r, n): (r, n^2)."""
    columns = graph.op("Unsqueeze", first, graph.integers([2]))
    products = graph.op("Mul", columns, graph.op("Unsqueeze", second, graph.integers([1])))
    return graph.op("Reshape", products, graph.integers([0, -1]))


def _third_order_attention(graph, layer, stream, temperature):
    first_values = product(graph, layer.value, stream)
    second_values = product(graph, layer.second_value, stream)
    pair_values = _outer(graph, first_values, second_values)
    means = _hard_means(graph, pair_values, _attended_pairs(graph, layer, stream))
    return _add_to_residual(graph, stream, layer.rho, layer.output, means)


def _attended_pairs(graph, layer, stream):
    """Which pairs each token attends to, (n, n^2); pair (l, m) is column l n + m."""
    zeros = graph.op("Add", graph.op("Transpose", graph.zeros, perm=[1, 0]), _outer(graph, graph.zeros, graph.zeros))
    if layer.rank == 0:
        return graph.op("Equal", zeros, zeros)
    factors = (layer.query, layer.key, layer.second_key)
    token_exponent = _exponent(graph, graph.reduce("Max", graph.reduce("Max", graph.op("Abs", stream), 0), 1))
    scaled = _shifted(graph, stream, token_exponent, -1)
    weight_exponents = [_weight_exponent(f) for f in factors]
    scaled_factors = [np.ldexp(f, -e) for f, e in zip(factors, weight_exponents)]
    query_values, key_values, second_key_values = (product(graph, f, scaled) for f in scaled_factors)
    scores = sums(graph, query_values, _outer(graph, key_values, second_key_values), zeros)
    query_moduli, key_moduli, second_key_moduli = (
        product(graph, np.abs(f), graph.op("Abs", scaled)) for f in scaled_factors
    )
    moduli = sums(graph, query_moduli, _outer(graph, key_moduli, second_key_moduli), zeros)
    terms = sum(np.count_nonzero(f, axis=1).max(initial=0) for f in factors) + layer.rank + 2
    bounds = graph.op("Mul", graph.constant(terms * _EPS), moduli)
    factors = np.concatenate(factors)
    if factors.any() and (factors == np.rint(factors)).all():
        # as above, with three factors; here all tokens of the sequence have to be integers
        exponent = graph.op("Mul", token_exponent, graph.constant(3.0))
        exponent = graph.op("Add", exponent, graph.constant(float(sum(weight_exponents))))
        limits = _exact_limits(graph, exponent)
        all_integer = graph.reduce("Min", _as_numbers(graph, _integral(graph, factors, stream)), 1)
        is_exact = graph.op("Less", moduli, graph.op("Mul", limits, all_integer))
        bounds = graph.op("Where", is_exact, graph.constant(0.0), bounds)
    return _leaders(graph, scores, bounds)


STEPS = {FeedForward: _feed_forward, Attention: _attention, ThirdOrderAttention: _third_order_attention}
