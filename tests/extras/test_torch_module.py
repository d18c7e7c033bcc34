"""A torch module like others: weights, copies, training, input; test_export.py has what it shares with ONNX."""

import copy
import pickle

import numpy as np
import pytest
import torch
from cases.export import gaussian, served
from cases.forward import random_transformer

from sklearn_hardmax import (
    HardmaxTransformerClassifier,
    RaggedSequences,
    datasets,
)
from sklearn_hardmax.export import to_torch, torch_module
from sklearn_hardmax.forward import apply

pytestmark = pytest.mark.usefixtures("one_torch_thread")


# -- gradients ---------------------------------------------------------------------------------------------------------


def test_exact_weights_start_a_training():
    """Softmax weights of a classifier reach new targets by descent from the constructed outputs."""
    X, y = datasets.make_labelled_sequences(12, n_classes=2, token_dim=2, random_state=0)
    clf = HardmaxTransformerClassifier(n_heads=20, random_state=0).fit(X, y)
    encoded = clf.encode(X)
    module = to_torch(clf.to_transformer(max_width=None), temperature=0.1)
    tokens, offsets = torch.tensor(encoded.tokens), torch.tensor(encoded.offsets)
    with torch.no_grad():
        targets = module(tokens, offsets) + 0.01
    optimizer = torch.optim.LBFGS(module.parameters(), max_iter=5, line_search_fn="strong_wolfe")

    def loss():
        optimizer.zero_grad()
        value = ((module(tokens, offsets) - targets) ** 2).mean()
        value.backward()
        return value

    start = optimizer.step(loss).item()
    assert start == pytest.approx(1e-4)
    assert loss().item() < start / 2
    trained = module.to_transformer()
    with torch.no_grad():
        np.testing.assert_allclose(
            apply(trained, encoded).tokens, module(tokens, offsets), rtol=1e-9, atol=1e-9 * np.abs(encoded.tokens).max()
        )


# -- a module like others ----------------------------------------------------------------------------------------------


def example(temperature=0.0):
    return random_transformer(np.random.default_rng(9), 3, temperature)


def test_the_weights_come_back_bit_for_bit():
    assert to_torch(example()).to_transformer() == example()
    assert to_torch(example(0.5)).to_transformer() == example(0.5)
    assert to_torch(example(), temperature=0.5).to_transformer().layers[3] == example(0.5).layers[3]


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))], ids=["copy", "pickle"])
def test_copies_and_pickles_of_a_module_hold_its_weights(copied):
    module = to_torch(example())
    assert copied(module).to_transformer() == example()
    assert isinstance(copied(module), torch_module.TorchTransformer)


def test_the_repr_of_a_module_shows_its_size():
    module = to_torch(random_transformer(np.random.default_rng(0), 3))
    assert "5 layers, token_dim=3" in repr(module)


def test_a_state_dict_carries_all_weights():
    module = to_torch(example())
    other = to_torch(random_transformer(np.random.default_rng(10), 3))
    other.load_state_dict(module.state_dict())
    assert other.to_transformer() == example()
    assert sum(p.numel() for p in module.parameters()) == example().n_parameters


def test_float32_modules_take_float32_tokens():
    rng = np.random.default_rng(11)
    X = gaussian(rng, 3)
    single = RaggedSequences(X.tokens.astype(np.float32), X.offsets)
    soft = example(0.5)
    got = served(to_torch(soft, dtype=torch.float32), single)
    assert got.dtype == np.float32
    expected = apply(soft, X).tokens
    np.testing.assert_allclose(got.tokens, expected, rtol=1e-3, atol=1e-5 * np.abs(expected).max())


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tokens", "offsets", "message"),
    [
        (torch.zeros(3, 2).double(), [0, 3], r"acts on tokens of 3 coordinates, .* got shape \(3, 2\)"),
        (torch.zeros(3).double(), [0, 3], r"got shape \(3,\)"),
        (torch.zeros(3, 3), [0, 3], "The module has dtype torch.float64, the tokens torch.float32"),
        (torch.zeros(3, 3).double(), [0, 2], "offsets must rise from 0 to n_tokens = 3.* got 0 to 2"),
        (torch.zeros(3, 3).double(), [1, 3], "offsets must rise"),
        (torch.zeros(3, 3).double(), [0, 1, 1, 3], "at least one token per sequence"),
        (torch.zeros(3, 3).double(), [0.0, 3.0], "must be at least two integers in one dimension, got torch.float32"),
        (torch.zeros(3, 3).double(), [0], r"shape \(1,\)"),
        (torch.full((3, 3), torch.nan).double(), [0, 3], "left the range of torch.float64"),
        (torch.full((3, 3), 1e308, dtype=torch.float64), [0, 3], "left the range of torch.float64"),
    ],
)
def test_tokens_and_offsets_that_do_not_fit_are_refused(tokens, offsets, message):
    with pytest.raises(ValueError, match=message):
        to_torch(example())(tokens, torch.tensor(offsets))


def test_nested_tensors_of_another_layout_are_refused():
    module, X = to_torch(example()), RaggedSequences.from_list([np.ones((2, 3)), np.ones((1, 3))])
    with pytest.raises(ValueError, match=r"layout torch\.jagged"):
        module(X.to_torch().transpose(1, 2))


@pytest.mark.parametrize("make", [list, np.array, RaggedSequences.from_list], ids=["list", "array", "sequences"])
def test_what_is_no_tensor_is_told_how_to_become_one(make):
    X = [[[0.0], [1.0]]]
    clf = HardmaxTransformerClassifier(n_heads=0, random_state=0).fit([*X, [[3.0]]], [0, 1])
    module = to_torch(clf.to_transformer())
    with pytest.raises(TypeError, match=r"takes a tensor .*, got \w+; clf\.encode\(X\)\.to_torch\(\) gives one"):
        module(make(X))
    assert clf.decode(RaggedSequences.from_torch(module(clf.encode(X).to_torch()))).tolist() == [0]


def test_a_padded_batch_is_told_how_sequences_stand_side_by_side():
    module = to_torch(random_transformer(np.random.default_rng(0), 2))
    with pytest.raises(ValueError, match=r"without padding, got shape \(3, 4, 2\); give encoded sequences as a jagged"):
        module(torch.zeros(3, 4, 2, dtype=torch.float64))
