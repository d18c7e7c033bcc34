"""What cannot be exported is refused by every export, by name."""

import numpy as np
import pytest
from cases.forward import random_transformer

from sklearn_hardmax import FeedForward, HardmaxTransformerClassifier, ThirdOrderAttention, Transformer
from sklearn_hardmax.export import to_onnx, to_torch

EXPORTS = pytest.mark.parametrize(("export", "name"), [(to_torch, "torch"), (to_onnx, "ONNX")])


@EXPORTS
def test_attention_to_pairs_has_no_softmax(export, name):
    zeros = np.zeros((1, 1))
    layer = ThirdOrderAttention(*[zeros] * 6)
    with pytest.raises(ValueError, match="Layer 0 is ThirdOrderAttention, which is the hardmax only"):
        export(Transformer([layer]), temperature=0.5)


class Foreign(FeedForward):
    pass


@EXPORTS
def test_a_layer_without_a_form_is_named(export, name):
    layer = FeedForward([[1.0]], [0.0], [[1.0]])
    foreign = Foreign(layer.U, layer.b, layer.W)
    message = (
        f"Layer 1 is Foreign, which has no {name} form; layers that have: FeedForward, Attention, ThirdOrderAttention"
    )
    with pytest.raises(TypeError, match=message):
        export(Transformer([layer, foreign]))


@EXPORTS
@pytest.mark.parametrize("X", [[], HardmaxTransformerClassifier()], ids=["list", "estimator"])
def test_what_is_no_transformer_is_refused(export, name, X):
    with pytest.raises(TypeError, match=f"got {type(X).__name__}; a fitted estimator gives one by to_transf"):
        export(X)


@EXPORTS
@pytest.mark.parametrize("temperature", [-1.0, np.inf, np.nan])
def test_temperatures_below_zero_and_infinite_ones_are_refused(export, name, temperature):
    with pytest.raises(ValueError, match="temperature must be 0"):
        export(random_transformer(np.random.default_rng(0), 3), temperature=temperature)
