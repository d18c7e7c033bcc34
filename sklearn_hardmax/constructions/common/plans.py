"""Networks as plans: the sizes of all layers before any weight is made.

A plan is a list of planned layers, each with its shape and a function that makes it. Blocks and parameters are counted, and
memory is asked for, from the plan; the weights are made from the same list.
"""

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from sklearn_hardmax.layers import Attention
from sklearn_hardmax.transformer import Transformer

MEMORY_LIMIT = 2 * 2**30  # bytes of weights that are built without asking
DEFAULT_WIDTH = 4  # hidden units per layer, as in the theorems


class PlannedLayer(NamedTuple):
    """Hidden units of a feed-forward layer, or None and the two ranks of an attention; `make()` gives the layer."""

    n_units: int | None
    ranks: tuple
    make: Callable

    def n_parameters(self, token_dim):
        """Parameters of the layer."""
        if self.n_units is None:
            return 2 * token_dim * sum(self.ranks) + 1
        return self.n_units * (2 * token_dim + 1) + 1


def planned_layer(units, eta=1.0):
    """All units as one feed-forward layer."""
    return PlannedLayer(len(units.b), (), lambda: units.layer(eta))


def planned_stack(units, max_width):
    """The groups of units in their order as residual layers of at most max_width units (None: one layer)."""
    return planned_groups(units.part, units.n_groups, units.group, max_width)


def planned_groups(part, n_groups, group, max_width, lead=None):
    """As planned_stack, for units that are made a layer at a time: part(first, last) gives groups first to last.

    `lead`, other Units, stands in front in the first layer. No group is torn apart.
    """
    taken = 0 if lead is None else len(lead.b)
    layers, done = [], 0
    while done < n_groups or (taken and not layers):
        room = n_groups if max_width is None else (max_width - (0 if layers else taken)) // group
        last = min(n_groups, done + room)
        first_units = None if layers else lead
        n_units = group * (last - done) + (0 if layers else taken)
        layers.append(PlannedLayer(n_units, (), partial(_made, part, done, last, first_units)))
        done = last
    return layers


def _made(part, first, last, lead):
    units = part(first, last)
    return (units if lead is None else lead.followed_by(units)).layer()


def planned_attention(query, key, value, output, rho=1.0, temperature=0.0):
    """Attention with these arguments."""
    return PlannedLayer(None, (len(query), len(value)), lambda: Attention(query, key, value, output, rho, temperature))


def n_blocks(plan):
    """Blocks of the network: feed-forward layers, and attentions not directly followed by one."""
    attention = [layer.n_units is None for layer in plan]
    return len(plan) - sum(a and not b for a, b in pairwise(attention))


def n_parameters(plan, token_dim):
    """Parameters of the network."""
    return sum(layer.n_parameters(token_dim) for layer in plan)


def check_memory(n_parameters):
    """MemoryError above the limit, with the estimate."""
    size = 8 * n_parameters
    if size > MEMORY_LIMIT:
        raise MemoryError(
            f"The weights would take {size / 2**30:.1f} GiB; {MEMORY_LIMIT / 2**30:.0f} GiB is the limit."
        )


def check_width(max_width):
    """ValueError unless max_width is None or an integer of at least 4."""
    if max_width is not None and (not isinstance(max_width, (int, np.integer)) or max_width < 4):
        raise ValueError(f"max_width must be None or an integer of at least 4 hidden units, got {max_width!r}.")


def build_transformer(plan, names):
    """The Transformer on a stream of coordinates with these names."""
    return Transformer([layer.make() for layer in plan], names)
