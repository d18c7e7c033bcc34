"""A built network of a few numbers: counts before any weight is made, names of coordinates, input and output."""

from typing import NamedTuple

import numpy as np
import pytest

from sklearn_hardmax import RaggedSequences
from sklearn_hardmax.constructions.common import plans
from sklearn_hardmax.constructions.common.built_network import BuiltNetwork
from sklearn_hardmax.constructions.common.units import ramp_units, unit_row
from sklearn_hardmax.forward import apply

X = [[[0.5]], [[2.0], [4.0]]]


class Widened(NamedTuple):
    """Encodes tokens by zeros behind them."""

    def encode(self, sequences, width):
        zeros = np.zeros((sequences.n_tokens, width - sequences.token_dim))
        return RaggedSequences(np.hstack([sequences.tokens, zeros]), sequences.offsets)


class Stairs(BuiltNetwork):
    """Coordinate 1 takes the largest number of the sequence; coordinate 2 counts the numbers 1..n that it exceeds by 1."""

    token_dim = 3
    projection = Widened()

    def __init__(self, n):
        self.n = n

    def _plan(self, max_width):
        changes = np.tile(unit_row(3, 2), (self.n, 1))
        first, second = unit_row(3, 0), unit_row(3, 1)
        return [
            plans.planned_attention(first, first, first, second.T),
            *plans.planned_stack(ramp_units(3, 1, 1.0 + np.arange(self.n), changes), max_width),
        ]

    def _coordinate_names(self):
        return ["number", "largest"]

    def decode(self, tokens):
        return self._checked_output(tokens).tokens[:, 2]


def test_the_network_gives_what_it_was_built_for():
    network = Stairs(5)
    for max_width in (4, 6, None):
        # 0.5 exceeds no threshold; 4 exceeds 1, 2 and 3 by 1 at least; both tokens have the largest number of their sequence
        assert network.decode(apply(network.transformer(max_width), network.encode(X))).tolist() == [0.0, 3.0, 3.0]


@pytest.mark.parametrize(
    ("max_width", "blocks", "units"), [(4, 3, [4, 4, 2]), (7, 2, [6, 4]), (10, 1, [10]), (None, 1, [10])]
)
def test_counts_without_weights_are_those_of_the_weights(max_width, blocks, units):
    """Five ramps of two units. Attention of ranks 1 and 1 has 4 x 3 numbers and rho; a unit has 3 + 3 + 1, a layer eta."""
    network = Stairs(5)
    transformer = network.transformer(max_width)
    assert [layer.width for layer in transformer.layers[1:]] == units
    assert network.n_blocks(max_width) == transformer.n_blocks == blocks
    assert network.n_parameters(max_width) == transformer.n_parameters == 13 + sum(7 * n + 1 for n in units)


def test_without_a_width_counts_are_those_of_layers_of_four_units():
    assert (Stairs(5).n_blocks(), Stairs(5).n_parameters()) == (3, 13 + 70 + 3)
    assert [layer.width for layer in Stairs(5).transformer().layers[1:]] == [4, 4, 2]


def test_coordinates_without_a_name_are_numbered():
    assert Stairs(5).transformer().names == ("number", "largest", "z2")


def test_input_of_any_form_is_encoded_in_the_width_of_the_network():
    encoded = Stairs(5).encode(X)
    assert encoded.tokens.tolist() == [[0.5, 0.0, 0.0], [2.0, 0.0, 0.0], [4.0, 0.0, 0.0]]
    assert encoded.lengths.tolist() == [1, 2]


def test_tokens_of_another_width_are_no_output():
    with pytest.raises(ValueError, match=r"^The network has 3 coordinates, these tokens have 1\.$"):
        Stairs(5).decode(X)


def test_weights_that_take_too_much_memory_are_refused_before_a_layer_is_made(monkeypatch):
    class Unmade(Stairs):
        def _plan(self, max_width):
            return [layer._replace(make=lambda: pytest.fail("a layer was made")) for layer in super()._plan(max_width)]

    monkeypatch.setattr(plans, "MEMORY_LIMIT", 8 * 86)  # the bytes of the weights of layers of four units
    assert Stairs(5).transformer().n_parameters == 86
    monkeypatch.setattr(plans, "MEMORY_LIMIT", 8 * 86 - 1)
    with pytest.raises(MemoryError, match="The weights would take"):
        Unmade(5).transformer()
