"""Sums of products in an ONNX graph have the bits of a plain loop, and leave out columns of zeros."""

import numpy as np
import pytest
from cases.export import onnx_session
from onnx import TensorProto, helper

from sklearn_hardmax.export import onnx_sums


def computed(build, values):
    """What the graph gives for the values (k, n) that `build` makes with a Graph and the name of its input."""
    graph = onnx_sums.Graph()
    first = graph.op("Gather", "values", graph.integers([0]), axis=0)
    graph.zeros = graph.op("Sub", first, first)
    graph.op("Identity", build(graph, "values"), output="out")
    shapes = {"values": [len(values), "n"], "out": None}
    infos = [helper.make_tensor_value_info(name, TensorProto.DOUBLE, shape) for name, shape in shapes.items()]
    proto = helper.make_graph(graph.nodes, "test", infos[:1], infos[1:], graph.constants)
    model = helper.make_model(proto, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return onnx_session(model).run(None, {"values": values})[0]


def looped(weights, values):
    """Sums over k in order, by Python's floats."""
    out = np.zeros((len(weights), values.shape[1]))
    for j, i in np.ndindex(out.shape):
        total = 0.0
        for weight, value in zip(weights[j].tolist(), values[:, i].tolist()):
            total += weight * value
        out[j, i] = total
    return out


@pytest.mark.parametrize(("m", "k", "n"), [(1, 1, 1), (2, 3, 4), (5, 30, 7), (3, 8, 1)])
def test_a_product_is_summed_in_order(m, k, n):
    rng = np.random.default_rng(k)
    weights, values = rng.normal(size=(m, k)), rng.normal(size=(k, n))
    weights[:, 1::3] = 0.0
    found = computed(lambda graph, name: onnx_sums.product(graph, weights, name), values)
    assert np.array_equal(found, looped(weights, values))


def test_a_column_of_zeros_is_never_multiplied():
    values = np.array([[1.0, 2.0], [np.inf, np.nan], [3.0, 4.0]])
    weights = np.array([[1.0, 0.0, 1.0], [2.0, 0.0, 0.0]])
    assert computed(lambda graph, name: onnx_sums.product(graph, weights, name), values).tolist() == [[4, 6], [2, 4]]
    zeros = np.zeros((2, 3))
    assert computed(lambda graph, name: onnx_sums.product(graph, zeros, name), values).tolist() == [[0, 0], [0, 0]]


def test_a_scan_without_a_state_applies_its_function_to_every_row():
    def doubled(graph, name):
        return graph.scan(lambda inner, row: inner.op("Add", row, row), [name], ["row"])

    assert computed(doubled, np.array([[1.0, 2.0], [3.0, 4.0]])).tolist() == [[2.0, 4.0], [6.0, 8.0]]


def test_zeros_are_square_in_the_number_of_tokens():
    assert np.array_equal(
        computed(lambda graph, name: onnx_sums.square_of_zeros(graph), np.ones((2, 3))), np.zeros((3, 3))
    )
