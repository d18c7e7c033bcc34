"""Layers check, copy and freeze their weights."""

import copy
import pickle

import numpy as np
import pytest
from cases.transformer import example

from sklearn_hardmax import Attention, FeedForward, ThirdOrderAttention, Transformer


def third_order(**changes):
    factors = {"query": [[1.0, 0.0]], "key": [[0.0, 3.0]], "second_key": [[2.0, 0.0]]}
    value, output = [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [[0.0, 1.0, 0.0], [5.0, 0.0, 0.0]]
    values = {"value": value, "second_value": np.ones((3, 2)), "output": output}
    return ThirdOrderAttention(**{**factors, **values, "rho": 0.5, **changes})


def test_third_order_attention_counts_and_is_saved_as_the_others(tmp_path):
    stack = Transformer([*example().layers, third_order(), third_order()], names=["code", "digit"])
    # query, keys 3 * 2, values 2 * 6, output 6, rho; non-zero: 1 + 1 + 1, 4 + 6, 2, rho
    assert third_order().n_parameters == 6 + 12 + 6 + 1
    assert third_order().n_nonzero == 3 + 10 + 2 + 1
    assert stack.n_blocks == example().n_blocks + 2
    assert stack.width == 2
    stack.save(tmp_path / "weights")
    assert Transformer.load(tmp_path / "weights") == stack
    assert third_order() != third_order(second_key=[[2.0, 1.0]])
    assert third_order() != third_order(rho=1.0)
    assert third_order() != example().layers[1]


def test_weights_are_read_only_copies():
    U = np.ones((1, 2))
    layer = FeedForward(U, [0.0], [[1.0], [1.0]])
    U[:] = 7
    assert (layer.U == 1).all()
    with pytest.raises(ValueError, match="read-only"):
        layer.U[0, 0] = 2
    with pytest.raises(AttributeError):
        layer.eta = 2.0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FeedForward([[1.0, 2.0]], [0.0, 0.0], [[1.0], [1.0]]), r"needs b of shape \(1,\)"),
        (lambda: FeedForward([1.0, 2.0], [0.0], [[1.0]]), "FeedForward.U must have 2 dimensions"),
        (lambda: FeedForward([[np.nan]], [0.0], [[1.0]]), "FeedForward.U contains NaN"),
        (lambda: FeedForward([[1.0]], [0.0], [[1.0]], eta=np.inf), "FeedForward.eta must be finite"),
        (lambda: Attention([[1.0]], [[1.0, 2.0]], [[1.0]], [[1.0]]), r"needs key of shape \(1, 1\), got \(1, 2\)\."),
        (lambda: Attention([[1.0]], [[1.0]], [[1.0]], [[1.0]], temperature=-1), "temperature must be 0"),
        (lambda: third_order(second_key=[[1.0]]), r"needs second_key of shape \(1, 2\), got \(1, 1\)"),
        (lambda: third_order(key=np.eye(2)), r"needs key of shape \(1, 2\), got \(2, 2\)"),
        (lambda: third_order(second_value=[[1.0, 1.0]]), r"needs second_value of shape \(3, 2\), got \(1, 2\)"),
        (lambda: third_order(output=[[1.0], [1.0]]), r"needs output of shape \(2, 3\), got \(2, 1\)"),
        (lambda: third_order(value=[[np.inf, 0.0]]), "ThirdOrderAttention.value contains NaN or infinity"),
        (lambda: third_order(rho=np.nan), "ThirdOrderAttention.rho must be finite"),
        (lambda: Transformer([]), "at least one layer"),
        (
            lambda: Transformer([example().layers[0], FeedForward([[1.0]], [0.0], [[1.0]])]),
            "Layer 1 acts on token_dim 1",
        ),
        (lambda: Transformer(example().layers, names=["one"]), "1 names were given"),
    ],
)
def test_misfitting_weights_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_complex_weights_are_refused():
    with pytest.raises(ValueError, match=r"FeedForward\.b must be real, got complex numbers"):
        FeedForward([[1.0]], [1.0 + 2.0j], [[1.0]])


@pytest.mark.parametrize("again", [copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))], ids=["copy", "pickle"])
def test_copies_and_pickles_are_equal_and_read_only(again):
    twin = again(example())
    assert twin == example()
    assert not any(getattr(layer, name).flags.writeable for layer in twin.layers for name in layer.array_names)


def test_a_pickle_of_misfitting_weights_is_refused():
    layer = copy.copy(example().layers[0])
    layer.__dict__["b"] = np.zeros(3)
    data = pickle.dumps(layer)
    with pytest.raises(ValueError, match=r"needs b of shape \(2,\)"):
        pickle.loads(data)
