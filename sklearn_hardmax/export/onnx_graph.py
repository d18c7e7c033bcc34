"""Export a Transformer as an ONNX graph that runs one sequence.

Inside the graph the residual stream has the shape (D, n), as in `sklearn_hardmax.forward`: one row per coordinate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sklearn_hardmax._extras import extra
from sklearn_hardmax.export.checks import check_layers, check_temperature, exported_temperature
from sklearn_hardmax.export.onnx_steps import STEPS
from sklearn_hardmax.export.onnx_sums import Graph
from sklearn_hardmax.transformer import Transformer

if TYPE_CHECKING:
    from onnx import ModelProto

_OPSET_VERSION = 18
_IR_VERSION = 9


def to_onnx(transformer: Transformer, *, temperature: float | None = None) -> ModelProto:
    """An ONNX model with these weights, on one sequence of any length, in float64.

    Parameters
    ----------
    transformer : Transformer
    temperature : float, optional
        Replaces that of all attention layers: 0 for the hardmax, above 0 for the softmax. Default: each layer keeps its own.

    Returns
    -------
    onnx.ModelProto
        Input ``tokens`` and output ``out``, both double tensors of shape (n_tokens, token_dim). Opset 18.

    Raises
    ------
    ImportError
        onnx is not installed (extra ``torch``).
    TypeError
        A layer of a type that has no ONNX form, or no Transformer at all.
    ValueError
        A negative or infinite temperature, or one above 0 for ThirdOrderAttention.

    Notes
    -----
    In onnxruntime on a CPU the model agrees with `forward.apply`: feed-forward layers and attended sets are the same bits,
    and means agree up to the rounding of a sum over the tokens of the sequence. Values beyond the range of float64, for which
    `apply` raises, become infinity or NaN: check for them.

    Time and memory per layer are O(n) for feed-forward layers and hardmax attention of rank 0 and 1, O(n^3) for
    ThirdOrderAttention and O(n^2) for the rest.

    Examples
    --------
    ::

        import onnxruntime
        from sklearn_hardmax.export import to_onnx

        model = to_onnx(clf.to_transformer())
        session = onnxruntime.InferenceSession(model.SerializeToString())
        (out,) = session.run(None, {"tokens": clf.encode([x])[0]})
        (label,) = clf.decode([out])
    """
    with extra("onnx"):
        from onnx import TensorProto, checker, helper

    check_layers(transformer, STEPS, "ONNX")
    check_temperature(temperature, transformer)
    graph = Graph()
    # The length of the sequence is unknown until the graph runs: the row of zeros (1, n) takes it from the input, and all
    # steps take it from that row.
    stream = graph.op("Transpose", "tokens", perm=[1, 0])
    n_tokens = graph.op("Gather", graph.op("Shape", "tokens"), graph.integers([0]))
    graph.zeros = graph.op(
        "Expand", graph.constant(np.zeros((1, 1))), graph.op("Concat", graph.integers([1]), n_tokens, axis=0)
    )
    for layer in transformer.layers:
        stream = STEPS[type(layer)](graph, layer, stream, exported_temperature(layer, temperature))
    graph.op("Transpose", stream, perm=[1, 0], output="out")
    input_and_output = [
        helper.make_tensor_value_info(name, TensorProto.DOUBLE, ["n_tokens", transformer.token_dim])
        for name in ("tokens", "out")
    ]
    model = helper.make_model(
        helper.make_graph(graph.nodes, "transformer", input_and_output[:1], input_and_output[1:], graph.constants),
        opset_imports=[helper.make_opsetid("", _OPSET_VERSION)],
        ir_version=_IR_VERSION,
        producer_name="sklearn_hardmax",
    )
    checker.check_model(model)
    return model
