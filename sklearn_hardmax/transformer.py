"""A Transformer is a stack of layers on one residual stream; it can be saved to a file.

A file is one npz of plain arrays: the types of the layers, their sizes, and all weights one after another. What was read
goes through the checks of the layers, so that a file with other shapes is refused and not run.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sklearn_hardmax._files import atomic_write
from sklearn_hardmax.layers import Attention, FeedForward, Layer, ThirdOrderAttention

_FORMAT = "sklearn_hardmax.Transformer/2"
# the arrays of a file: kind of dtype and number of dimensions
_PARTS = {"format": ("U", 0), "names": ("U", 1), "kinds": ("i", 1), "sizes": ("i", 2), "entries": ("f", 1)}
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
        """Write the weights to one npz file (plain arrays, no pickle); `path` is replaced only by a whole file.

        Parameters
        ----------
        path : str or path-like
            File name; taken as it is, no ending is added.
        """
        kinds = np.array([_LAYER_TYPES.index(type(layer)) for layer in self.layers])
        entries = [
            np.concatenate([np.ravel(getattr(layer, n)) for n in layer.array_names + layer.scalar_names])
            for layer in self.layers
        ]
        with atomic_write(path) as file:
            np.savez(
                file,
                format=np.array(_FORMAT),
                names=np.array(self.names),
                kinds=kinds,
                sizes=np.array([layer.sizes for layer in self.layers], dtype=np.int64),
                entries=np.concatenate(entries),
            )

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Transformer:
        """Read a file that `save` wrote.

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
            The file is damaged, or was not written by `save`.
        FileNotFoundError
            There is no such file.
        """
        path = os.fspath(path)
        try:
            with open(path, "rb") as raw, np.load(raw, allow_pickle=False) as file:
                parts = {name: file[name] for name in _PARTS}
            if str(parts["format"]) != _FORMAT:
                raise ValueError(f"its format is {str(parts['format'])!r}, not {_FORMAT!r}")
            for name, (kind, ndim) in _PARTS.items():
                if parts[name].dtype.kind != kind or parts[name].ndim != ndim:
                    raise ValueError(f"its {name} are {parts[name].dtype} of shape {parts[name].shape}")
            return cls(_layers_from(parts), parts["names"].tolist())
        except FileNotFoundError:
            raise
        except Exception as error:  # zipfile, zlib, NumPy and our own shape checks each raise their own kind
            raise ValueError(f"{path!r} holds no Transformer as written by save, or a damaged one: {error}.") from error


def _layers_from(parts):
    """The layers of a file, from its arrays; ValueError or TypeError where these do not fit each other."""
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
            size = int(np.prod(shape))
            # too few entries are left: reshape raises
            arguments.append(entries[position : position + size].reshape(shape))
            position += size
        layers.append(layer_type(*arguments))
    if position != len(entries):
        raise ValueError(f"{len(entries)} weights where the layers need {position}")
    return layers
