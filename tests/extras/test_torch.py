"""What is particular to the torch module: batches, gradients, copies; test_export.py has what it shares with ONNX."""

import copy
import pickle

import numpy as np
import pytest
import torch
from cases.forward import random_transformer

from sklearn_hardmax import (
    Attention,
    HardmaxTransformerClassifier,
    RaggedSequences,
    Transformer,
    datasets,
)
from sklearn_hardmax.export import to_torch, torch_module, torch_steps
from sklearn_hardmax.forward import apply


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def run(module, X):
    return RaggedSequences.from_torch(module(X.to_torch()))


def served(module, X):
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


@pytest.mark.parametrize("temperature", [0.0, 0.5])
def test_batches_in_blocks_give_what_whole_ones_give(monkeypatch, temperature):
    rng = np.random.default_rng(5)
    transformer, X = random_transformer(rng, 3, temperature), gaussian(rng, 3)
    module = to_torch(transformer)
    whole = served(module, X)
    monkeypatch.setattr(torch_steps, "_BLOCK_SCORES", 100)
    assert_equal_values(served(module, X), whole)
    assert_equal_values(run(module, X), whole)


@pytest.mark.parametrize("temperature", [0.0, 0.5])
def test_a_sequence_alone_gives_what_it_gives_in_a_batch(temperature):
    rng = np.random.default_rng(6)
    transformer, X = random_transformer(rng, 3, temperature), gaussian(rng, 3, 8)
    module = to_torch(transformer)
    whole = served(module, X)
    for i, sequence in enumerate(X):
        with torch.no_grad():
            alone = module(torch.tensor(sequence)).numpy()
        np.testing.assert_allclose(alone, whole[i], rtol=1e-12, atol=1e-12 * np.abs(whole[i]).max())


def alike(temperature):
    """All tokens ask with their constant second coordinate."""
    layer = Attention([[0.0, 1.0]], [[1.0, 0.0]], np.eye(2), np.eye(2), temperature=temperature)
    X = [[[0.0, 1.0], [np.log(3.0), 1.0]], [[1.0, 1.0], [2.0, 1.0], [4.0, 1.0]]]
    return Transformer([layer]), RaggedSequences.from_list(X)


def test_one_row_for_tokens_that_ask_alike_is_the_softmax_of_all_rows():
    transformer, X = alike(1.0)
    out = served(to_torch(transformer), X)
    np.testing.assert_allclose(out[0][0, 0], 0.75 * np.log(3.0), rtol=1e-15)  # weights 1/4 and 3/4
    assert_equal_values(out, run(to_torch(transformer), X))
    assert_equal_values(out, apply(transformer, X))


# -- gradients ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("temperature", [0.0, 0.7])
@pytest.mark.parametrize("second", [False, True])
def test_gradients_are_those_of_finite_differences(temperature, second):
    """Of every weight, zeros included, and of the tokens; twice, too. No score ties here: a hardmax stays what it is."""
    rng = np.random.default_rng(8)
    module = to_torch(random_transformer(rng, 2, temperature))
    X = gaussian(rng, 2, 2, 3)
    with torch.no_grad():
        for name, weight in module.named_parameters():
            if name.endswith((".value", ".output", ".U", ".W")):
                weight[:, 0] = 0.0
    names, weights = zip(*((name, p) for name, p in module.named_parameters() if p.numel()))
    weights = [p.detach().clone().requires_grad_() for p in weights]
    tokens = torch.tensor(X.tokens, requires_grad=True)
    offsets = torch.tensor(X.offsets)

    def outputs(tokens, *weights):
        return torch.func.functional_call(module, dict(zip(names, weights)), (tokens, offsets))

    check = torch.autograd.gradgradcheck if second else torch.autograd.gradcheck
    some = weights if not second else weights[:7]  # of a feed-forward layer and a leader attention
    assert check(lambda tokens, *some: outputs(tokens, *some, *weights[len(some) :]), (tokens, *some), atol=1e-5)


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


def test_a_module_tells_its_size():
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
