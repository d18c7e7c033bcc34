"""Plans count what the layers made from them have, and cut units into layers without splitting a group."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_hardmax.constructions.common import plans
from sklearn_hardmax.constructions.common.units import Units

D = 3


def numbered(n_groups, group, first=0):
    """Units whose biases are first, first + 1, ..."""
    n = n_groups * group
    weights = np.random.default_rng(n).normal(size=(2, n, D))
    return Units(weights[0], first + np.arange(float(n)), weights[1].T, group)


def attention(rank, value_rank):
    factors = (np.ones((rank, D)), np.ones((rank, D)), np.ones((value_rank, D)), np.ones((D, value_rank)))
    return plans.planned_attention(*factors)


@given(st.integers(0, 9), st.integers(1, 4), st.none() | st.integers(4, 13), st.none() | st.integers(1, 4))
def test_layers_hold_all_units_in_order_and_as_many_whole_groups_as_fit(n_groups, group, max_width, n_before):
    """A loop that opens a new layer wherever the next group does not fit; the prefix is in the first one."""
    units = numbered(n_groups, group)
    prefix = None if n_before is None else numbered(1, n_before, first=-n_before)
    layers = plans.planned_groups(units.part, n_groups, group, max_width, prefix)
    expected = [] if n_before is None else [[*range(-n_before, 0)]]
    for k in range(n_groups):
        if not expected or len(expected[-1]) + group > (max_width or np.inf):
            expected.append([])
        expected[-1] += range(k * group, (k + 1) * group)
    made = [layer.make() for layer in layers]
    assert [layer.b.tolist() for layer in made] == expected
    assert [layer.n_units for layer in layers] == [len(biases) for biases in expected]
    whole = units if prefix is None else prefix.followed_by(units)
    if made:
        assert np.array_equal(np.concatenate([layer.U for layer in made]), whole.U)
        assert np.array_equal(np.hstack([layer.W for layer in made]), whole.W)


def test_a_stack_is_one_residual_layer_after_another():
    layers = [layer.make() for layer in plans.planned_stack(numbered(5, 2), 4)]
    assert [(layer.width, layer.eta) for layer in layers] == [(4, 1.0), (4, 1.0), (2, 1.0)]
    assert plans.planned_layer(numbered(5, 2), eta=0.0).make().eta == 0.0


@given(st.text("AF", min_size=1, max_size=12))
def test_a_block_is_an_optional_attention_followed_by_an_optional_feed_forward_layer(kinds):
    planned = {"A": attention(1, 2), "F": plans.planned_layer(numbered(2, 2))}
    plan = [planned[kind] for kind in kinds]
    assert plans.n_blocks(plan) == len(re.findall("AF|A|F", kinds))
    assert plans.n_blocks(plan) == plans.build_transformer(plan, None).n_blocks


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3), st.integers(1, 4)), min_size=1, max_size=4))
def test_parameters_are_counted_as_in_the_layers(layers):
    """By hand: 2 D numbers per rank and one scalar; 2 D weights and a bias per unit and one scalar."""
    plan = [attention(rank, n) if attends else plans.planned_layer(numbered(n, 1)) for attends, rank, n in layers]
    by_hand = [2 * D * (rank + n) + 1 if attends else n * (2 * D + 1) + 1 for attends, rank, n in layers]
    assert [layer.n_parameters(D) for layer in plan] == by_hand
    assert plans.n_parameters(plan, D) == sum(by_hand) == plans.build_transformer(plan, None).n_parameters


def test_attention_is_made_with_its_scalars():
    factors = np.ones((1, D)), np.ones((1, D)), np.ones((2, D)), np.ones((D, 2))
    layer = plans.planned_attention(*factors, rho=0.0, temperature=0.5).make()
    assert (layer.rho, layer.temperature) == (0.0, 0.5)


def test_names_of_coordinates_are_those_that_are_given_or_numbers():
    plan = [attention(1, 1)]
    assert plans.build_transformer(plan, ["a", "b", "c"]).names == ("a", "b", "c")
    assert plans.build_transformer(plan, None).names == ("z0", "z1", "z2")


def test_two_gibibytes_of_numbers_are_allowed_and_no_number_more():
    assert plans.check_memory(2**28) is None  # 8 bytes each
    with pytest.raises(MemoryError, match=r"^The weights would take 2\.0 GiB; 2 GiB is the limit\.$"):
        plans.check_memory(2**28 + 1)
    with pytest.raises(MemoryError, match=r"^The weights would take 12\.5 GiB; 2 GiB"):
        plans.check_memory(25 * 2**26)


@pytest.mark.parametrize("max_width", [None, 4, np.int64(4), 1000])
def test_widths_of_four_units_and_more_are_allowed(max_width):
    assert plans.check_width(max_width) is None


@pytest.mark.parametrize("max_width", [3, -4, 8.0, "8", np.inf])
def test_other_widths_are_refused(max_width):
    with pytest.raises(ValueError, match="max_width must be None or an integer of at least 4 hidden units, got "):
        plans.check_width(max_width)
