"""An ONNX graph under construction, and sums in fixed order in it.

A sum of products is a Scan, one step a term: acc + w v, elementwise; of weights with tokens, and of queries with keys.
"""

import itertools

import numpy as np


class Graph:
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

        inner = Graph(self.counter)
        parts = [f"{name}{next(self.counter)}" for name in names]
        result = inner.op("Identity", body(inner, *parts))
        infos = [helper.make_tensor_value_info(name, TensorProto.DOUBLE, None) for name in (*parts, result)]
        graph = helper.make_graph(inner.nodes, "body", infos[:-1], infos[-1:], inner.constants)
        given = inputs if state is None else [state, *inputs]
        return self.op("Scan", *given, body=graph, num_scan_inputs=len(inputs))


def sums(graph, weights, values, start):
    """start + the sum over k of weights[k][:, None] values[k], in order of k; weights (k, m), values (k, n)."""

    def step(inner, total, weight, value):
        column = inner.op("Unsqueeze", weight, inner.integers([1]))
        return inner.op("Add", total, inner.op("Mul", column, value))

    return graph.scan(step, [weights, values], ["total", "weight", "value"], state=start)


def square(graph):
    """Zeros (n, n)."""
    return graph.op("Add", graph.zeros, graph.op("Transpose", graph.zeros, perm=[1, 0]))


def product(graph, weights, values):
    """A matrix of weights times values (k, n), in fixed order, columns of zeros left out: (m, n)."""
    start = graph.op("Add", graph.constant(np.zeros((len(weights), 1))), graph.zeros)
    used = np.flatnonzero(weights.any(axis=0))
    if len(used) == 0:
        return start
    return sums(graph, graph.constant(weights[:, used].T), graph.rows(values, used, weights.shape[1]), start)
