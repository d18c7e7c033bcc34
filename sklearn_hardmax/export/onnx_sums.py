"""A builder of ONNX graphs, and sums of products in fixed order in such a graph.

Values of a graph are referred to by their names. A sum of products is a Scan with one step per term, total + w v,
elementwise: so its order is fixed, for sums over weights and tokens as well as over query and key values.
"""

import itertools

import numpy as np


class Graph:
    """A graph under construction. All methods take and return names of values.

    Attributes
    ----------
    nodes : list of onnx.NodeProto
    constants : list of onnx.TensorProto
    counter : iterator of int
        Makes names unique, also between a graph and the bodies of its Scan nodes, which share the counter.
    zeros : str
        A row (1, n) of zeros, where n is the number of tokens; the caller sets it.
    """

    zeros: str

    def __init__(self, counter=None):
        self.nodes = []
        self.constants = []
        self.counter = itertools.count() if counter is None else counter

    def op(self, kind, *inputs, output=None, **attributes):
        """Add a node; returns the name of its output."""
        from onnx import helper

        output = output or f"v{next(self.counter)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def constant(self, array, dtype=np.float64):
        """Add an array as a constant."""
        from onnx import numpy_helper

        name = f"c{next(self.counter)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array, dtype=dtype), name))
        return name

    def integers(self, values):
        """Add an array of integers as a constant."""
        return self.constant(values, np.int64)

    def reduce(self, how, values, axis):
        """Reduce ("Sum", "Min" or "Max") along an axis, which stays with length 1."""
        return self.op(f"Reduce{how}", values, self.integers([axis]), keepdims=1)

    def rows(self, values, indices, n_rows):
        """The rows with these indices of values (n_rows, n)."""
        if len(indices) == n_rows:
            return values
        return self.op("Gather", values, self.integers(indices), axis=0)

    def scan(self, body, inputs, names, state=None):
        """Apply a function to the rows of inputs, one row after another.

        Without a state, ``body(graph, *rows)`` returns the row of the output. With a state, ``body(graph, state, *rows)``
        returns the next state, and the result is the last one. `names` are prefixes for the names of the arguments of body.
        """
        from onnx import TensorProto, helper

        inner = Graph(self.counter)
        arguments = [f"{name}{next(self.counter)}" for name in names]
        # Identity makes the output a value of this body, whatever name the function returns.
        result = inner.op("Identity", body(inner, *arguments))
        infos = [helper.make_tensor_value_info(name, TensorProto.DOUBLE, None) for name in (*arguments, result)]
        graph = helper.make_graph(inner.nodes, "body", infos[:-1], infos[-1:], inner.constants)
        initial = [] if state is None else [state]
        return self.op("Scan", *initial, *inputs, body=graph, num_scan_inputs=len(inputs))


def sums(graph, weights, values, start):
    """start + the sum over k of weights[k][:, None] values[k], in order of k; weights (k, m), values (k, n)."""

    def step(inner, total, weight, value):
        column = inner.op("Unsqueeze", weight, inner.integers([1]))
        return inner.op("Add", total, inner.op("Mul", column, value))

    return graph.scan(step, [weights, values], ["total", "weight", "value"], state=start)


def square_of_zeros(graph):
    """Zeros (n, n): a row of zeros added to a column of zeros."""
    return graph.op("Add", graph.zeros, graph.op("Transpose", graph.zeros, perm=[1, 0]))


def product(graph, weights, values):
    """A matrix of weights (m, k) times values (k, n), summed in order of k, columns of zeros left out: (m, n)."""
    start = graph.op("Add", graph.constant(np.zeros((len(weights), 1))), graph.zeros)
    used = np.flatnonzero(weights.any(axis=0))
    if len(used) == 0:
        return start
    return sums(graph, graph.constant(weights[:, used].T), graph.rows(values, used, weights.shape[1]), start)
