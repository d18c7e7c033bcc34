"""A Transformer is a stack of layers on one residual stream; it can be saved to a file.

A file has four sections: the names of the coordinates, the types of the layers, their sizes, and all weights one after
another. What was read goes through the checks of the layers, so that a file with other shapes is refused and not run.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sklearn_hardmax._container import Expected, load_sections, save_sections
from sklearn_hardmax.layers import Attention, FeedForward, Layer, ThirdOrderAttention

# of a file: dtypes and number of dimensions
_SECTIONS = {
    "names": Expected(("text",), 1),
    "kinds": Expected(("int64",), 1),
    "sizes": Expected(("int64",), 2),
    "entries": Expected(("float64",), 1),
}
_LAYER_TYPES = (FeedForward, Attention, ThirdOrderAttention)  # a file names a layer type by its index here


@dataclass(frozen=True, eq=False, repr=False)
class Transformer:
    """A stack of feed-forward and attention layers on one residual stream. It holds weights; `forward.apply` runs them.

    (It is no transformer in the sense of scikit-learn, an object with `transform`.)

    Parameters
    ----------
    layers : sequence of FeedForward, Attention and ThirdOrderAttention
        At least one; all of one token_dim.
    names : sequence of str, optional
        Names of the coordinates of the residual stream, token_dim of them; default z0, z1, ...

    Raises
    ------
    ValueError
        No layers, layers of unequal token_dim, another number of names than token_dim.
    TypeError
        A layer of another type.

    Examples
    --------
    >>> from sklearn_hardmax import Attention, FeedForward, Transformer
    >>> step = FeedForward(U=[[1., 0.]], b=[-1.], W=[[0.], [1.]])
    >>> leader = Attention(query=[[1., 0.]], key=[[1., 0.]], value=[[1., 0.]], output=[[0.], [1.]])
    >>> transformer = Transformer([step, leader, step])
    >>> transformer
    Transformer(2 blocks, 3 layers, 21 parameters, width=1, token_dim=2)
    """

    layers: tuple[Layer, ...]
    names: tuple[str, ...] = None  # type: ignore[assignment]

    if TYPE_CHECKING:  # the dataclass writes it, and would allow tuples only

        def __init__(self, layers: Sequence[Layer], names: Sequence[str] | None = None) -> None: ...

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", tuple(self.layers))
        if not self.layers:
            raise ValueError("A Transformer needs at least one layer.")
        for i, layer in enumerate(self.layers):
            if not isinstance(layer, _LAYER_TYPES):
                raise TypeError(
                    f"Layer {i} must be FeedForward, Attention or ThirdOrderAttention, got {type(layer).__name__}."
                )
            if layer.token_dim != self.token_dim:
                raise ValueError(f"Layer {i} acts on token_dim {layer.token_dim}, layer 0 on {self.token_dim}.")
        names = tuple(f"z{j}" for j in range(self.token_dim)) if self.names is None else tuple(map(str, self.names))
        if len(names) != self.token_dim:
            raise ValueError(f"{len(names)} names were given for a residual stream of {self.token_dim} coordinates.")
        object.__setattr__(self, "names", names)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Transformer):
            return NotImplemented
        return self.names == other.names and self.layers == other.layers

    __hash__ = None  # type: ignore[assignment]

    @property
    def token_dim(self) -> int:
        """Width D of the residual stream."""
        return self.layers[0].token_dim

    @property
    def width(self) -> int:
        """Largest number of hidden units of a feed-forward layer (0 without any)."""
        return max((layer.width for layer in self.layers if isinstance(layer, FeedForward)), default=0)

    @property
    def n_blocks(self) -> int:
        """Number of blocks, each an optional attention followed by an optional feed-forward layer.

        That is, feed-forward layers plus attentions not directly followed by one.
        """
        is_feed_forward = [isinstance(layer, FeedForward) for layer in self.layers]
        lone_attentions = sum(not a and not b for a, b in zip(is_feed_forward, [*is_feed_forward[1:], False]))
        return sum(is_feed_forward) + lone_attentions

    @property
    def n_parameters(self) -> int:
        """Entries of U, b, W and of the factors of attention, zeros included, plus one scalar per layer."""
        return sum(layer.n_parameters for layer in self.layers)

    @property
    def n_nonzero(self) -> int:
        """Number of these entries that are not zero."""
        return sum(layer.n_nonzero for layer in self.layers)

    def __repr__(self) -> str:
        return (
            f"Transformer({self.n_blocks} blocks, {len(self.layers)} layers, {self.n_parameters} parameters, "
            f"width={self.width}, token_dim={self.token_dim})"
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the weights to one file: plain numbers and texts with checksums, no pickle.

        Parameters
        ----------
        path : str or path-like
            File name; taken as it is, no ending is added. An older file is replaced completely or, if writing fails, not at
            all. It keeps its permissions, owner and group.

        Raises
        ------
        OSError
            No space, no permission, or `path` is a folder, a FIFO, a device, a socket, or a file with further names (hard
            links), which would not be replaced; what is there is then left as it was.

        Warns
        -----
        UserWarning
            The system does not allow to give the new file the owner or the group of the one that it replaces.

        Examples
        --------
        >>> import os, tempfile
        >>> from sklearn_hardmax import FeedForward, Transformer
        >>> transformer = Transformer([FeedForward(U=[[1., 0.]], b=[-1.], W=[[0.], [1.]])], names=["position", "code"])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     transformer.save(os.path.join(folder, "weights"))
        ...     Transformer.load(os.path.join(folder, "weights")) == transformer
        True
        """
        entries = [np.ravel(getattr(layer, n)) for layer in self.layers for n in layer.array_names + layer.scalar_names]
        sections = {
            "names": list(self.names),
            "kinds": np.array([_LAYER_TYPES.index(type(layer)) for layer in self.layers], dtype=np.int64),
            "sizes": np.array([layer.sizes for layer in self.layers], dtype=np.int64),
            "entries": np.concatenate(entries),
        }
        save_sections(path, "Transformer", sections)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Transformer:
        """Read a file that `save` wrote, in this version or an earlier one.

        Parameters
        ----------
        path : str or path-like
            File name.

        Returns
        -------
        Transformer

        Raises
        ------
        ValueError
            The file is damaged, holds something else, or was written by a newer version.
        OSError
            There is no such file (FileNotFoundError), or it is a folder, a FIFO, a device or a socket.
        MemoryError
            There is too little memory.
        """
        return load_sections(
            path, "Transformer", _SECTIONS, lambda sections: cls(_layers_from(sections), sections["names"])
        )


def _layers_from(parts):
    """The layers of a file, from its sections; an exception where these do not fit each other."""
    for name in ("kinds", "sizes"):
        if (parts[name] < 0).any():
            raise ValueError(f"its {name} are negative")
    token_dim = len(parts["names"])
    entries = parts["entries"]
    position = 0
    layers = []
    for kind, sizes in zip(parts["kinds"].tolist(), parts["sizes"].tolist(), strict=True):
        layer_type = _LAYER_TYPES[kind]
        shapes = (*layer_type.array_shapes(token_dim, *sizes), *[()] * len(layer_type.scalar_names))
        arguments = []
        for shape in shapes:
            size = math.prod(shape)
            # too few entries are left: reshape raises
            arguments.append(entries[position : position + size].reshape(shape))
            position += size
        layers.append(layer_type(*arguments))
    if position != len(entries):
        raise ValueError(f"{len(entries)} weights where the layers need {position}")
    return layers
