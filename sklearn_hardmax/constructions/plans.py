"""Networks as plans: the sizes of all layers before any weight is made.

A plan is a list of planned layers, each with its shape and a function that makes it. Blocks and parameters are counted, and
memory is asked for, from the plan; the weights are made from the same list.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from sklearn_hardmax.transformer import Attention, FeedForward, Transformer

MEMORY_LIMIT = 2 * 2**30  # bytes of weights that are built without asking


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


def planned_units(units, n_groups, group, max_width):
    """Residual feed-forward layers of groups of hidden units, no group torn apart.

    units : function of (first group, last group) that gives the Units of these groups.
    """
    room = n_groups if max_width is None else max_width // group
    spans = [(k, min(n_groups, k + room)) for k in range(0, n_groups, room)] if n_groups else []
    return [PlannedLayer(group * (b - a), (), lambda a=a, b=b: _feed_forward(units(a, b))) for a, b in spans]


def _feed_forward(units):
    return FeedForward(units.U, units.b, units.W)


def planned_attention(query, key, value, output):
    """Residual attention that adds V times the mean of those attended to; arguments as of Attention."""
    return PlannedLayer(None, (len(query), len(value)), lambda: Attention(query, key, value, output))


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


def built(plan, stream):
    """The Transformer on a stream with `width` and `names`."""
    check_memory(n_parameters(plan, stream.width))
    return Transformer([layer.make() for layer in plan], stream.names)
