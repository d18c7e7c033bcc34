"""Runs of torch modules and ONNX models, Gaussian data, and equality up to the rounding of sums."""

import numpy as np

from sklearn_hardmax import RaggedSequences


def run(module, X):
    """RaggedSequences that a torch module gives, with gradients."""
    return RaggedSequences.from_torch(module(X.to_torch()))


def served(module, X):
    """RaggedSequences that a torch module gives, without gradients."""
    import torch  # here, so that the suite runs without it

    with torch.no_grad():
        return run(module, X)


def assert_equal_values(got, expected):
    """To 1e-12 of the largest entry of the coordinate."""
    assert np.array_equal(got.offsets, expected.offsets)
    error = np.abs(got.tokens - expected.tokens).max(axis=0)
    assert (error <= 1e-12 * np.abs(expected.tokens).max(axis=0)).all()


def gaussian(rng, token_dim, n_sequences=40, longest=30):
    return RaggedSequences.from_list(
        [rng.normal(size=(n, token_dim)) for n in rng.integers(1, longest + 1, size=n_sequences)]
    )


def onnx_session(model):
    """The ONNX model in a runtime on one thread: as many workers run side by side as there are cores."""
    import onnxruntime  # here, as torch above

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = settings.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), settings, providers=["CPUExecutionProvider"])
