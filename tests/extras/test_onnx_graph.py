"""What is particular to the ONNX graph; test_export.py has what it shares with torch."""

import numpy as np
import onnx
import pytest
from cases.export import onnx_session
from cases.forward import random_transformer

from sklearn_hardmax.export import to_onnx


def test_the_graph_takes_sequences_of_any_length_and_of_its_token_dim_only():
    runtime = onnx_session(to_onnx(random_transformer(np.random.default_rng(0), 3)))
    for n in (1, 2, 100):
        assert runtime.run(None, {"tokens": np.ones((n, 3))})[0].shape == (n, 3)
    with pytest.raises(Exception, match="Got invalid dimensions for input: tokens"):
        runtime.run(None, {"tokens": np.ones((2, 4))})


def test_the_model_passes_the_full_check_of_onnx_and_survives_a_file(tmp_path):
    model = to_onnx(random_transformer(np.random.default_rng(0), 3))
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, tmp_path / "weights.onnx")
    assert onnx.load(tmp_path / "weights.onnx") == model
