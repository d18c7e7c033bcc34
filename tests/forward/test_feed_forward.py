"""Feed-forward layers are plain loops in a fixed order, which leave out zero weights."""

from fractions import Fraction

import numpy as np
import oracle
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_hardmax import FeedForward
from sklearn_hardmax.forward import feed_forward
from sklearn_hardmax.forward.feed_forward import NonzeroWeights, apply_feed_forward


def applied(layer, tokens):
    """Tokens (n, D) after the layer."""
    stream = np.array(np.transpose(tokens), dtype=np.float64, order="C")
    apply_feed_forward(layer, NonzeroWeights.from_layer(layer), stream)
    return stream.T


def looped(layer, token):
    """One token by Python's floats: coordinates in order, then the bias; units in order, then the residual."""
    change = [0.0] * len(token)
    for unit, bias in enumerate(layer.b.tolist()):
        value = 0.0
        for weight, z in zip(layer.U[unit].tolist(), token):
            if weight:
                value += weight * z
        value = max(value + bias, 0.0)
        for c, weight in enumerate(layer.W[:, unit].tolist()):
            if weight:
                change[c] += weight * value
    return [(layer.eta * z if layer.eta else 0.0) + added for z, added in zip(token, change)]


def drawn(rng, width, token_dim, eta):
    """Gaussian weights, about half of which are 0."""
    U, W = rng.normal(size=(2, width, token_dim)) * rng.integers(0, 2, size=(2, width, token_dim))
    return FeedForward(U, rng.normal(size=width), W.T, eta)


@pytest.mark.parametrize("block", [1, 12, 2**20])
@pytest.mark.parametrize("eta", [0.0, 1.0, -0.3])
def test_every_token_has_the_bits_of_a_plain_loop_whatever_the_blocks_of_units(eta, block, monkeypatch):
    monkeypatch.setattr(feed_forward, "_BLOCK_NUMBERS", block)
    rng = np.random.default_rng(0)
    for token_dim, width in ((1, 1), (3, 7), (5, 2), (2, 30)):
        layer, tokens = drawn(rng, width, token_dim, eta), rng.normal(size=(4, token_dim))
        assert applied(layer, tokens).tolist() == [looped(layer, token) for token in tokens.tolist()]


EIGHTHS = st.integers(-20, 20).map(lambda k: k / 8)


@given(st.data())
def test_on_a_lattice_it_is_the_exact_layer(data):
    """Sums of products of eighths are far below 2^53 of their units: float64 rounds nothing."""
    token_dim, width = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 4))
    U, W, tokens = (
        np.array(data.draw(st.lists(EIGHTHS, min_size=n * m, max_size=n * m))).reshape(n, m)
        for n, m in ((width, token_dim), (token_dim, width), (2, token_dim))
    )
    b = data.draw(st.lists(EIGHTHS, min_size=width, max_size=width))
    layer = FeedForward(U, b, W, data.draw(EIGHTHS))
    found = [[Fraction(z) for z in token] for token in applied(layer, tokens).tolist()]
    assert found == oracle.feed_forward(layer, oracle.fractions_of(tokens))


@pytest.mark.parametrize("lost", [np.inf, -np.inf, np.nan])
def test_a_zero_weight_is_never_multiplied_by_what_left_the_range(lost):
    """Unit 0 reads coordinate 0 only, unit 1 coordinate 1, which is lost; coordinate 0 takes unit 0, coordinate 2 unit 1."""
    U, W = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], [[2.0, 0.0], [0.0, 0.0], [0.0, 3.0]]
    out = applied(FeedForward(U, [1.0, 0.0], W, eta=0.0), [[4.0, lost, 5.0], [6.0, 7.0, 8.0]])
    assert out[:, :2].tolist() == [[10.0, 0.0], [14.0, 0.0]]
    np.testing.assert_array_equal(out[:, 2], [3 * max(lost, 0.0) if lost == lost else np.nan, 21.0])


def test_the_nonzero_weights_of_a_layer_are_found():
    layer = FeedForward([[0.0, 1.0, 0.0], [0.0, 2.0, 3.0]], [5.0, 6.0], [[0.0, 0.0], [7.0, 0.0], [8.0, 9.0]])
    found = NonzeroWeights.from_layer(layer)
    assert (found.inputs.tolist(), found.outputs.tolist()) == ([1, 2], [1, 2])
    assert [outputs.tolist() for outputs in found.outputs_of_units] == [[1, 2], [2]]
