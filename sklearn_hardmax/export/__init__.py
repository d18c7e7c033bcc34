"""Export a Transformer to other runtimes: as a torch module (`to_torch`) or an ONNX graph (`to_onnx`); extra ``torch``.

Both compute what `sklearn_hardmax.forward` computes, in its order. Sums are elementwise, coordinates in order and hidden
units in stored order: constructed weights cancel large numbers exactly, which no matrix product guarantees. Scores tie by the
rule of ties.py, and means are v + mean(z - v). Only sums over the tokens of a sequence, and exp, may differ in their last
bits.
"""

from sklearn_hardmax.export.onnx_graph import to_onnx
from sklearn_hardmax.export.torch_module import to_torch

__all__ = ["to_onnx", "to_torch"]
