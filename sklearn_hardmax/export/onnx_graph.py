"""A Transformer as an ONNX graph that runs one sequence.

The stream is (D, n) as in forward.py. A sum of products in fixed order is a Scan, one step a term: acc + w v, elementwise; of
weights with tokens, and of queries with keys. Scan over the coordinates that are read gives means over attended sets. ONNX
has no frexp: the power of two of a size is 2^floor(log2), which may be the next one; scaling by either is exact.
"""

import itertools

import numpy as np

from sklearn_hardmax.export.torch_module import check_layers, check_temperature
from sklearn_hardmax.transformer import Attention, FeedForward, ThirdOrderAttention

_OPSET, _IR = 18, 9
_LIMIT = 2.0**53  # below it sums of integers are exact
_EPS = float(np.finfo(np.float64).eps)


def to_onnx(transformer, *, temperature=None):
    """An ONNX model with these weights, on one sequence of any length, in float64.

    Parameters
    ----------
    transformer : Transformer
    temperature : float, optional
        Of all attention layers: 0 for the hardmax, above 0 for the softmax. Default: each layer keeps its own.

    Returns
    -------
    onnx.ModelProto
        Input ``tokens`` and output ``out``, both double tensors of shape (n_tokens, token_dim). Opset 18.

    Raises
    ------
    ImportError
        onnx is not installed (extra ``torch``).
    TypeError
        A layer of a kind that has no ONNX form, or no Transformer at all.
    ValueError
        A negative or infinite temperature, or one above 0 for ThirdOrderAttention.

    Notes
    -----
    In onnxruntime on a CPU the model gives what `forward.apply` gives: feed-forward layers and attended sets are the same
    bits, means agree to the rounding of a sum over the tokens of the sequence. Values beyond the range of float64 come out as
    infinity or NaN; where `apply` raises, look at them.

    Time and memory are O(n) a layer for feed-forward layers and hardmax attention of rank 0 and 1, O(n^2) for the rest.

    Examples
    --------
    ::

        import onnxruntime
        from sklearn_hardmax.export import to_onnx

        model = to_onnx(clf.to_transformer())
        session = onnxruntime.InferenceSession(model.SerializeToString())
        (out,) = session.run(None, {"tokens": clf.encode([x])[0]})
        (label,) = clf.read_labels([out])
    """
    from onnx import TensorProto, checker, helper

    check_layers(transformer, _STEPS, "ONNX")
    check_temperature(temperature, transformer)
    graph = _Graph()
    stream = graph.op("Transpose", "tokens", perm=[1, 0])
    n_tokens = graph.op("Gather", graph.op("Shape", "tokens"), graph.integers([0]))
    graph.zeros = graph.op(
        "Expand", graph.constant(np.zeros((1, 1))), graph.op("Concat", graph.integers([1]), n_tokens, axis=0)
    )
    for layer in transformer.layers:
        heat = getattr(layer, "temperature", 0.0) if temperature is None else float(temperature)
        stream = _STEPS[type(layer)](graph, layer, stream, heat)
    graph.op("Transpose", stream, perm=[1, 0], output="out")
    ends = [
        helper.make_tensor_value_info(name, TensorProto.DOUBLE, ["n_tokens", transformer.token_dim])
        for name in ("tokens", "out")
    ]
    model = helper.make_model(
        helper.make_graph(graph.nodes, "transformer", ends[:1], ends[1:], graph.constants),
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=_IR,
        producer_name="sklearn_hardmax",
    )
    checker.check_model(model)
    return model


class _Graph:
    """Nodes and constants under construction; `zeros` is a row (1, n) of zeros."""

    def __init__(self, counter=None):
        self.nodes, self.constants = [], []
        self.counter = itertools.count() if counter is None else counter

    def op(self, kind, *inputs, output=None, **attributes):
        """One more node; the name of its output."""
        from onnx import helper

        output = output or f"v{next(self.counter)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def constant(self, array, dtype=np.float64):
        """The name of an array."""
        from onnx import numpy_helper

        name = f"c{next(self.counter)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array, dtype=dtype), name))
        return name

    def integers(self, values):
        """The name of an array of integers."""
        return self.constant(values, np.int64)

    def reduce(self, how, values, axis):
        """Sum, Min or Max along an axis, which stays with length 1."""
        return self.op(f"Reduce{how}", values, self.integers([axis]), keepdims=1)

    def rows(self, values, indices, n_rows):
        """These rows of (n_rows, n)."""
        if len(indices) == n_rows:
            return values
        return self.op("Gather", values, self.integers(indices), axis=0)

    def scan(self, body, inputs, names, state=None):
        """For each row of the inputs: body(graph, *names of rows) -> name; with a state, which comes first, that alone."""
        from onnx import TensorProto, helper

        inner = _Graph(self.counter)
        parts = [f"{name}{next(self.counter)}" for name in names]
        result = inner.op("Identity", body(inner, *parts))
        infos = [helper.make_tensor_value_info(name, TensorProto.DOUBLE, None) for name in (*parts, result)]
        graph = helper.make_graph(inner.nodes, "body", infos[:-1], infos[-1:], inner.constants)
        given = inputs if state is None else [state, *inputs]
        return self.op("Scan", *given, body=graph, num_scan_inputs=len(inputs))


# -- sums in fixed order -----------------------------------------------------------------------------------------------


def _sums(graph, weights, values, start):
    """start + the sum over k of weights[k][:, None] values[k], in order of k; weights (k, m), values (k, n)."""

    def step(inner, total, weight, value):
        column = inner.op("Unsqueeze", weight, inner.integers([1]))
        return inner.op("Add", total, inner.op("Mul", column, value))

    return graph.scan(step, [weights, values], ["total", "weight", "value"], state=start)


def _square(graph):
    """Zeros (n, n)."""
    return graph.op("Add", graph.zeros, graph.op("Transpose", graph.zeros, perm=[1, 0]))


def _product(graph, weights, values):
    """A matrix of weights times values (k, n), in fixed order, columns of zeros left out: (m, n)."""
    start = graph.op("Add", graph.constant(np.zeros((len(weights), 1))), graph.zeros)
    used = np.flatnonzero(weights.any(axis=0))
    if len(used) == 0:
        return start
    return _sums(graph, graph.constant(weights[:, used].T), graph.rows(values, used, weights.shape[1]), start)


def _written(graph, stream, residual, weights, values):
    """residual * stream + weights times values; rows of zeros left out."""
    touched = np.flatnonzero(weights.any(axis=1))
    change = _product(graph, weights[touched], values)
    if len(touched) < len(weights):  # the others get the row of zeros behind
        place = np.full(len(weights), len(touched))
        place[touched] = np.arange(len(touched))
        change = graph.op("Gather", graph.op("Concat", change, graph.zeros, axis=0), graph.integers(place), axis=0)
    if residual == 0:
        return change
    if residual != 1:
        stream = graph.op("Mul", stream, graph.constant(residual))
    return graph.op("Add", stream, change)


# -- layers ------------------------------------------------------------------------------------------------------------


def _feed_forward(graph, layer, stream, temperature):
    hidden = graph.op("Add", _product(graph, layer.U, stream), graph.constant(layer.b[:, None]))
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
    return _written(graph, stream, layer.rho, layer.output, _product(graph, layer.value[:, read], means))


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
    asks, answers = _product(graph, layer.query, stream), _product(graph, layer.key, stream)
    scores = _sums(graph, asks, answers, _square(graph))
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
    scores, terms = _product(graph, factor, stream), np.count_nonzero(factor)
    if terms <= 1:
        return scores, graph.zeros
    moduli = _product(graph, np.abs(factor), graph.op("Abs", stream))
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
    ask_moduli = _product(graph, np.abs(query), graph.op("Abs", scaled))
    shift = _exponent(graph, graph.reduce("Max", ask_moduli, 0))
    asks = _shifted(graph, _product(graph, query, scaled), shift, -1)
    scores = _sums(graph, asks, _product(graph, key, scaled), _square(graph))
    key_moduli = _product(graph, np.abs(key), graph.op("Abs", scaled))
    moduli = _sums(graph, _shifted(graph, ask_moduli, shift, -1), key_moduli, _square(graph))
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
    values, second = _product(graph, layer.value, stream), _product(graph, layer.second_value, stream)
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
    asks, keys, others = (_product(graph, np.ldexp(f, -size), scaled) for f, size in zip(factors, sizes))
    moduli = (_product(graph, np.abs(np.ldexp(f, -size)), graph.op("Abs", scaled)) for f, size in zip(factors, sizes))
    scores = _sums(graph, asks, _outer(graph, keys, others), start)
    ask_moduli, key_moduli, other_moduli = moduli
    moduli = _sums(graph, ask_moduli, _outer(graph, key_moduli, other_moduli), start)
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


_STEPS = {FeedForward: _feed_forward, Attention: _attention, ThirdOrderAttention: _third_order_attention}
