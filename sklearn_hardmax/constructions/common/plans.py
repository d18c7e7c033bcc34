"""Layer specifications: count blocks and parameters, and check memory, before any weight is allocated.

A *plan* is a list of `PlannedLayer`, one per layer of the network: its sizes, and a function that makes it. Counts and the
memory check take the sizes; `build_transformer` makes the weights from the same list.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from sklearn_hardmax._typing import FloatArray
from sklearn_hardmax.constructions.common.units import Units
from sklearn_hardmax.layers import Attention, FeedForward
from sklearn_hardmax.transformer import Transformer

MEMORY_LIMIT = 2 * 2**30  # bytes of weights; a larger network is refused
DEFAULT_WIDTH = 4  # hidden units per layer, as in the theorems


class PlannedLayer(NamedTuple):
    """The sizes of a layer that is not made yet, and a function that makes it.

    Attributes
    ----------
    n_units : int or None
        Hidden units of a feed-forward layer; None for attention.
    ranks : tuple of int
        Rank of the scores and rank of the values of attention; empty for a feed-forward layer.
    make : callable
        Takes nothing, returns the layer.
    """

    n_units: int | None
    ranks: tuple[int, ...]
    make: Callable[[], FeedForward | Attention]

    def n_parameters(self, token_dim: int) -> int:
        """Parameters of the layer on a stream of width token_dim."""
        if self.n_units is None:
            return 2 * token_dim * sum(self.ranks) + 1  # query and key, value and output, rho
        return self.n_units * (2 * token_dim + 1) + 1  # U and W, b, eta


def planned_layer(units: Units, eta: float = 1.0) -> PlannedLayer:
    """One feed-forward layer that holds all units."""
    return PlannedLayer(len(units.b), (), lambda: units.layer(eta))


def planned_stack(units: Units, max_width: int | None) -> list[PlannedLayer]:
    """Residual layers that hold the groups of units in their order, at most max_width units each (None: one layer)."""
    return planned_groups(units.part, units.n_groups, units.group, max_width)


def planned_groups(
    part: Callable[[int, int], Units],
    n_groups: int,
    group: int,
    max_width: int | None,
    prefix: Units | None = None,
) -> list[PlannedLayer]:
    """Residual layers like those of `planned_stack`, for units that are made only when their layer is made.

    Parameters
    ----------
    part : callable
        part(first, last) gives the Units of groups first to last (exclusive).
    n_groups : int
    group : int
        Units in a group. A group is never split between two layers.
    max_width : int or None
        Most units in a layer; None for one layer.
    prefix : Units, optional
        Further units, which go before the groups in the first layer. With no groups they are the only layer.

    Returns
    -------
    list of PlannedLayer
    """
    layers = []
    n_placed = 0
    n_before = 0 if prefix is None else len(prefix.b)
    while n_placed < n_groups or n_before:
        n_free = n_groups if max_width is None else (max_width - n_before) // group
        last = min(n_groups, n_placed + n_free)
        n_units = n_before + group * (last - n_placed)
        layers.append(PlannedLayer(n_units, (), partial(_make_layer, part, n_placed, last, prefix)))
        n_placed = last
        # the prefix belongs to the first layer only
        prefix = None
        n_before = 0
    return layers


def _make_layer(part: Callable[[int, int], Units], first: int, last: int, prefix: Units | None) -> FeedForward:
    units = part(first, last)
    return (units if prefix is None else prefix.followed_by(units)).layer()


def planned_attention(
    query: FloatArray,
    key: FloatArray,
    value: FloatArray,
    output: FloatArray,
    rho: float = 1.0,
    temperature: float = 0.0,
) -> PlannedLayer:
    """Attention with these arguments."""
    return PlannedLayer(None, (len(query), len(value)), lambda: Attention(query, key, value, output, rho, temperature))


def n_blocks(plan: Sequence[PlannedLayer]) -> int:
    """Blocks of the network: its feed-forward layers, and each attention that no feed-forward layer follows directly."""
    is_attention = [layer.n_units is None for layer in plan]
    # an attention and the feed-forward layer directly behind it are one block
    return len(plan) - sum(here and not behind for here, behind in pairwise(is_attention))


def n_parameters(plan: Sequence[PlannedLayer], token_dim: int) -> int:
    """Parameters of the network."""
    return sum(layer.n_parameters(token_dim) for layer in plan)


def check_memory(n_parameters: int) -> None:
    """Raise MemoryError, with the size, if this number of parameters takes more than MEMORY_LIMIT bytes."""
    size = 8 * n_parameters
    if size > MEMORY_LIMIT:
        raise MemoryError(
            f"The weights would take {size / 2**30:.1f} GiB; {MEMORY_LIMIT / 2**30:.0f} GiB is the limit."
        )


def check_width(max_width: Any) -> None:
    """Raise ValueError unless max_width is None or an integer of at least 4."""
    if max_width is not None and (not isinstance(max_width, (int, np.integer)) or max_width < 4):
        raise ValueError(f"max_width must be None or an integer of at least 4 hidden units, got {max_width!r}.")


def build_transformer(plan: Sequence[PlannedLayer], names: Sequence[str] | None) -> Transformer:
    """Make all layers: the Transformer on a residual stream of coordinates with these names (None: z0, z1, ...)."""
    return Transformer(tuple(layer.make() for layer in plan), names)
