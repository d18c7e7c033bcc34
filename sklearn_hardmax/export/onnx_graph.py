"""A Transformer as an ONNX graph that runs one sequence, held as in forward.py, shape (D, n)."""

import numpy as np

from sklearn_hardmax.export.checks import check_layers, check_temperature
from sklearn_hardmax.export.onnx_steps import STEPS
from sklearn_hardmax.export.onnx_sums import Graph

_OPSET, _IR = 18, 9


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
        (label,) = clf.decode([out])
    """
    from onnx import TensorProto, checker, helper

    check_layers(transformer, STEPS, "ONNX")
    check_temperature(temperature, transformer)
    graph = Graph()
    stream = graph.op("Transpose", "tokens", perm=[1, 0])
    n_tokens = graph.op("Gather", graph.op("Shape", "tokens"), graph.integers([0]))
    graph.zeros = graph.op(
        "Expand", graph.constant(np.zeros((1, 1))), graph.op("Concat", graph.integers([1]), n_tokens, axis=0)
    )
    for layer in transformer.layers:
        heat = getattr(layer, "temperature", 0.0) if temperature is None else float(temperature)
        stream = STEPS[type(layer)](graph, layer, stream, heat)
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
