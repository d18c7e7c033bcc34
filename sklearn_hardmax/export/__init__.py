"""A Transformer for other runtimes: a torch module and an ONNX graph (extra ``torch``).

Both do what `sklearn_hardmax.forward` does, in its order: sums are elementwise, coordinates in order and hidden units in
stored order, since constructed weights cancel large numbers exactly, which no BLAS product promises; scores tie by the rule
of ties.py; means are v + mean(z - v). Only sums over the tokens of a sequence, and exp, may differ in their last bits.
"""

from sklearn_hardmax.export.onnx_graph import to_onnx
from sklearn_hardmax.export.torch_module import to_torch

__all__ = ["to_onnx", "to_torch"]
