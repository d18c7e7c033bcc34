"""A stack of layers on one residual stream, and the file that keeps it.

A file is one npz of plain arrays: which layers there are, their sizes, and all weights one after another. What is read back
goes through the checks of the layers, so that a file with other shapes is refused and not run.
"""

import os
from dataclasses import dataclass, field

import numpy as np

from sklearn_hardmax._files import atomic_write
from sklearn_hardmax.layers import Attention, FeedForward, ThirdOrderAttention

_FORMAT = "sklearn_hardmax.Transformer/2"
# what a file holds: kind of dtype and number of dimensions
_PARTS = {"format": ("U", 0), "names": ("U", 1), "kinds": ("i", 1), "sizes": ("i", 2), "entries": ("f", 1)}
_KINDS = (FeedForward, Attention, ThirdOrderAttention)  # a layer is saved as its place here


@dataclass(frozen=True, eq=False, repr=False)
class Transformer:
    """A stack of feed-forward and attention layers on one residual stream: the weights, and nothing that runs them.

    (scikit-learn's transformers, objects with `transform`, are another thing.)

    Parameters
    ----------
    layers : sequence of FeedForward, Attention and ThirdOrderAttention
        At least one; all of one token_dim.
    names : sequence of str, optional
        What the coordinates of the residual stream hold, one name each; default z0, z1, ...

    Raises
    ------
    ValueError
        No layers, layers of unequal token_dim, names of another number.
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

    layers: tuple
    names: tuple = field(default=None)

    def __post_init__(self):
        object.__setattr__(self, "layers", tuple(self.layers))
        if not self.layers:
            raise ValueError("A Transformer needs at least one layer.")
        for i, layer in enumerate(self.layers):
            if not isinstance(layer, _KINDS):
                raise TypeError(
                    f"Layer {i} must be FeedForward, Attention or ThirdOrderAttention, got {type(layer).__name__}."
                )
            if layer.token_dim != self.token_dim:
                raise ValueError(f"Layer {i} acts on token_dim {layer.token_dim}, layer 0 on {self.token_dim}.")
        names = tuple(f"z{j}" for j in range(self.token_dim)) if self.names is None else tuple(map(str, self.names))
        if len(names) != self.token_dim:
            raise ValueError(f"{len(names)} names were given for a residual stream of {self.token_dim} coordinates.")
        object.__setattr__(self, "names", names)

    def __eq__(self, other):
        if not isinstance(other, Transformer):
            return NotImplemented
        return self.names == other.names and self.layers == other.layers

    __hash__ = None

    @property
    def token_dim(self):
        """Width D of the residual stream."""
        return self.layers[0].token_dim

    @property
    def width(self):
        """Largest number of hidden units of a feed-forward layer (0 without any)."""
        return max((layer.width for layer in self.layers if isinstance(layer, FeedForward)), default=0)

    @property
    def n_blocks(self):
        """Blocks: an optional attention followed by an optional feed-forward layer.

        That is, feed-forward layers plus attentions not directly followed by one.
        """
        is_feed_forward = [isinstance(layer, FeedForward) for layer in self.layers]
        alone = sum(not a and not b for a, b in zip(is_feed_forward, [*is_feed_forward[1:], False]))
        return sum(is_feed_forward) + alone

    @property
    def n_parameters(self):
        """Entries of U, b, W and of the factors of attention, zeros included, plus one scalar a layer."""
        return sum(layer.n_parameters for layer in self.layers)

    @property
    def n_nonzero(self):
        """The same entries that are not zero."""
        return sum(layer.n_nonzero for layer in self.layers)

    def __repr__(self):
        return (
            f"Transformer({self.n_blocks} blocks, {len(self.layers)} layers, {self.n_parameters} parameters, "
            f"width={self.width}, token_dim={self.token_dim})"
        )

    def save(self, path):
        """Write the weights to one npz file (plain arrays, no pickle); `path` is replaced only by a whole file.

        Parameters
        ----------
        path : str or path-like
            File name; taken as it is, no ending is added.
        """
        kinds = np.array([_KINDS.index(type(layer)) for layer in self.layers])
        entries = [
            np.concatenate([np.ravel(getattr(layer, n)) for n in layer._arrays + layer._scalars])
            for layer in self.layers
        ]
        with atomic_write(path) as file:
            np.savez(
                file,
                format=np.array(_FORMAT),
                names=np.array(self.names),
                kinds=kinds,
                sizes=np.array([layer._sizes for layer in self.layers], dtype=np.int64),
                entries=np.concatenate(entries),
            )

    @classmethod
    def load(cls, path):
        """Read what `save` wrote.

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
            The file is damaged, or none of ours.
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
    for name in ("kinds", "sizes"):
        if (parts[name] < 0).any():
            raise ValueError(f"its {name} are negative")
    token_dim, entries, at, layers = len(parts["names"]), parts["entries"], 0, []
    for kind, sizes in zip(parts["kinds"].tolist(), parts["sizes"].tolist(), strict=True):
        layer, arrays = _KINDS[kind], []
        for shape in (*layer._shapes(token_dim, *sizes), *[()] * len(layer._scalars)):
            size = int(np.prod(shape))
            arrays.append(entries[at : at + size].reshape(shape))
            at += size
        layers.append(layer(*arrays))
    if at != len(entries):
        raise ValueError(f"{len(entries)} weights where the layers need {at}")
    return layers
