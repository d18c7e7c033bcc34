"""What is particular to the layers in torch: batches, blocks, gradients; test_export.py has what they share with ONNX."""

import numpy as np
import pytest
import torch
from cases.export import assert_equal_values, gaussian, run, served
from cases.forward import random_transformer

from sklearn_hardmax import Attention, RaggedSequences, Transformer
from sklearn_hardmax.export import to_torch, torch_steps
from sklearn_hardmax.forward import apply

pytestmark = pytest.mark.usefixtures("one_torch_thread")


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


def test_a_product_of_one_term_has_no_bound_even_where_it_overflows():
    """As in ties.rounding_bound: one term is monotone in one number, so that its sign is certain."""
    products, bounds = torch_steps._product_with_bound(
        torch.tensor([[1e10, 0.0]]).double(), torch.tensor([[1e300], [1.0]]).double()
    )
    assert (products.tolist(), bounds.tolist()) == ([np.inf], [0.0])
