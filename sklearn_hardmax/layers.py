"""The layers of a transformer, as their weights: FeedForward, Attention and ThirdOrderAttention.

A layer here holds weights and checks their shapes; `sklearn_hardmax.forward` runs it. Tokens are the rows z_i of a sequence
of shape (n, D), the *residual stream*. FeedForward and Attention act on it, and ThirdOrderAttention where a token attends to
pairs of tokens:

    FeedForward          z_i <- eta z_i + W relu(U z_i + b)
    Attention            z_i <- rho z_i + V mean_{l in C_i} z_l,      C_i = argmax_l <B z_i, z_l>, ties averaged
    ThirdOrderAttention  z_i <- rho z_i + O mean_{(l, m) in C_i} (V z_l * V' z_m),
                         C_i = argmax_(l, m) sum_r <query_r, z_i> <key_r, z_l> <key'_r, z_m>, ties averaged

The hardmax over C_i is the limit of the softmax with weights exp(<B z_i, z_l> / temperature) as the temperature goes to 0.
The scalars eta and rho are those of the published code of Alcalde, Fantuzzi and Zuazua (arXiv 2407.01602, 2502.02270): 1
is the ordinary residual connection, 0 replaces the token.

    symbol   word                     shape                stored as
    D        token_dim of the stream
    U        input weights            (h, D)               FeedForward.U
    b        hidden biases            (h,)                 FeedForward.b
    W        output weights           (D, h)               FeedForward.W
    eta      residual of the layer    scalar               FeedForward.eta
    B        attention matrix         (D, D), rank r       Attention.key.T @ Attention.query, each (r, D)
    V        value matrix             (D, D), rank r'      Attention.output @ Attention.value, (D, r') and (r', D)
    rho      residual of the layer    scalar               Attention.rho

So the score of token l for token i is sum_r <query_r, z_i> <key_r, z_l>. With r = 0 every token attends to all. With r = 1 a
token with <query, z_i> > 0 attends to the leader argmax_l <key, z_l>. ThirdOrderAttention stores query, key and second_key
(key'), each (r, D), value (V) and second_value (V'), each (r', D), whose products * are taken coordinate by coordinate, and
output O (D, r') (Sanford, Hsu, Telgarsky, arXiv 2306.02896).
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from sklearn_hardmax._typing import FloatArray


def _frozen(array, ndim, name):
    """A read-only float64 copy; ValueError unless it is real, finite and of this number of dimensions."""
    if np.iscomplexobj(array):
        raise ValueError(f"{name} must be real, got complex numbers.")
    array = np.array(array, dtype=np.float64, order="C")
    if array.ndim != ndim:
        raise ValueError(f"{name} must have {ndim} dimensions, got shape {array.shape}.")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} contains NaN or infinity.")
    array.flags.writeable = False
    return array


def _finite(value, name):
    """A finite float."""
    value = float(value)
    if not np.isfinite(value):
        raise ValueError(f"{name} must be finite, got {value}.")
    return value


class _Layer:
    """Checks, counts and comparison for all layers, from the names of their arrays and scalars.

    Attributes
    ----------
    array_names : tuple of str
        The arrays, in the order of the constructor; the first has the shape (.., token_dim).
    scalar_names : tuple of str
        The scalars, which follow the arrays in the constructor; the first is the residual, eta or rho.
    """

    array_names: ClassVar[tuple[str, ...]]
    scalar_names: ClassVar[tuple[str, ...]]

    def __post_init__(self) -> None:
        kind = type(self).__name__
        # The dataclass is frozen: only object.__setattr__ can replace an argument by its checked copy.
        for name, shape in zip(self.array_names, self.array_shapes(0, 0, 0)):
            object.__setattr__(self, name, _frozen(getattr(self, name), len(shape), f"{kind}.{name}"))
        for name in self.scalar_names:
            object.__setattr__(self, name, _finite(getattr(self, name), f"{kind}.{name}"))
        required = self.array_shapes(self.token_dim, *self.sizes)
        actual = [getattr(self, name).shape for name in self.array_names]
        misfits = [
            f"{name} of shape {need}, got {has}"
            for name, need, has in zip(self.array_names, required, actual)
            if need != has
        ]
        if misfits:
            raise ValueError(f"{kind} with {self.array_names[0]} of shape {actual[0]} needs {'; '.join(misfits)}.")

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return all(np.array_equal(getattr(self, n), getattr(other, n)) for n in self.array_names + self.scalar_names)

    __hash__ = None  # type: ignore[assignment]

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.__post_init__()  # a pickle is checked as well, and its arrays are read-only again

    @property
    def token_dim(self) -> int:
        """Width D of the residual stream that the layer acts on."""
        return int(getattr(self, self.array_names[0]).shape[1])

    @property
    @abstractmethod
    def sizes(self) -> tuple[int, int]:
        """The two numbers that, with token_dim, determine the shapes of all arrays: see `array_shapes`."""

    @staticmethod
    @abstractmethod
    def array_shapes(token_dim: int, size: int, value_rank: int, /) -> tuple[tuple[int, ...], ...]:
        """Shapes of the arrays, in the order of `array_names`, for a token_dim and `sizes`."""

    @property
    def n_parameters(self) -> int:
        """Entries of all arrays, zeros included, and one for the residual scalar."""
        return sum(int(getattr(self, n).size) for n in self.array_names) + 1

    @property
    def n_nonzero(self) -> int:
        """Entries of all arrays, and of the residual scalar, that are not zero."""
        return sum(int(np.count_nonzero(getattr(self, n))) for n in (*self.array_names, self.scalar_names[0]))


@dataclass(frozen=True, eq=False, repr=False)
class FeedForward(_Layer):
    """One hidden layer of ReLU units, applied to each token separately: z <- eta z + W relu(U z + b).

    Parameters
    ----------
    U : array-like of shape (width, token_dim)
    b : array-like of shape (width,)
    W : array-like of shape (token_dim, width)
    eta : float, default=1.0
        Factor of the residual connection: 1 keeps the token, 0 replaces it.

    Raises
    ------
    ValueError
        Shapes that do not fit each other; NaN or infinity.

    Examples
    --------
    >>> from sklearn_hardmax import FeedForward
    >>> FeedForward(U=[[1., 0.]], b=[-1.], W=[[0.], [1.]])
    FeedForward(token_dim=2, width=1, eta=1.0)
    """

    U: FloatArray
    b: FloatArray
    W: FloatArray
    eta: float = 1.0
    array_names: ClassVar[tuple[str, ...]] = ("U", "b", "W")
    scalar_names: ClassVar[tuple[str, ...]] = ("eta",)

    if TYPE_CHECKING:  # the dataclass writes it, and would allow ndarrays only

        def __init__(self, U: ArrayLike, b: ArrayLike, W: ArrayLike, eta: float = 1.0) -> None: ...

    @property
    def sizes(self) -> tuple[int, int]:
        """(width, 0)."""
        return len(self.U), 0

    @staticmethod
    def array_shapes(token_dim: int, width: int, _: int, /) -> tuple[tuple[int, ...], ...]:
        """Shapes of the arrays, in the order of `array_names`."""
        return (width, token_dim), (width,), (token_dim, width)

    @property
    def width(self) -> int:
        """Number of hidden units."""
        return len(self.b)

    def __repr__(self) -> str:
        return f"FeedForward(token_dim={self.token_dim}, width={self.width}, eta={self.eta})"


@dataclass(frozen=True, eq=False, repr=False)
class Attention(_Layer):
    """One attention layer: z_i <- rho z_i + V mean of the tokens that i attends to.

    Parameters
    ----------
    query, key : array-like of shape (rank, token_dim)
        Factors of B = key.T @ query; rank 0 (shape (0, token_dim)) is uniform attention.
    value : array-like of shape (value_rank, token_dim)
    output : array-like of shape (token_dim, value_rank)
        Factors of V = output @ value.
    rho : float, default=1.0
        Factor of the residual connection: 1 keeps the token, 0 replaces it.
    temperature : float, default=0.0
        0 is the hardmax; above 0 the weights are softmax(scores / temperature).

    Raises
    ------
    ValueError
        Shapes that do not fit each other; NaN or infinity; a negative temperature.

    Examples
    --------
    Leader attention: tokens with a positive first coordinate add the largest one of their sequence to their second.

    >>> from sklearn_hardmax import Attention
    >>> Attention(query=[[1., 0.]], key=[[1., 0.]], value=[[1., 0.]], output=[[0.], [1.]])
    Attention(token_dim=2, rank=1, value_rank=1, rho=1.0, temperature=0.0)
    """

    query: FloatArray
    key: FloatArray
    value: FloatArray
    output: FloatArray
    rho: float = 1.0
    temperature: float = 0.0
    array_names: ClassVar[tuple[str, ...]] = ("query", "key", "value", "output")
    scalar_names: ClassVar[tuple[str, ...]] = ("rho", "temperature")

    if TYPE_CHECKING:

        def __init__(
            self,
            query: ArrayLike,
            key: ArrayLike,
            value: ArrayLike,
            output: ArrayLike,
            rho: float = 1.0,
            temperature: float = 0.0,
        ) -> None: ...

    @property
    def sizes(self) -> tuple[int, int]:
        """(rank, value_rank)."""
        return len(self.query), len(self.value)

    @staticmethod
    def array_shapes(token_dim: int, rank: int, value_rank: int, /) -> tuple[tuple[int, ...], ...]:
        """Shapes of the arrays, in the order of `array_names`."""
        return (rank, token_dim), (rank, token_dim), (value_rank, token_dim), (token_dim, value_rank)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.temperature < 0:
            raise ValueError(f"temperature must be 0 (hardmax) or above, got {self.temperature}.")

    @property
    def rank(self) -> int:
        """Number of factors of B."""
        return len(self.query)

    def __repr__(self) -> str:
        return (
            f"Attention(token_dim={self.token_dim}, rank={self.rank}, value_rank={len(self.value)}, rho={self.rho}, "
            f"temperature={self.temperature})"
        )


@dataclass(frozen=True, eq=False, repr=False)
class ThirdOrderAttention(_Layer):
    """Attention to pairs of tokens: z_i <- rho z_i + O mean of V z_l * V' z_m over the pairs (l, m) that i attends to.

    Pair (l, m) has the score sum_r <query_r, z_i> <key_r, z_l> <second_key_r, z_m>; l and m may coincide. There is no softmax
    version.

    Parameters
    ----------
    query, key, second_key : array-like of shape (rank, token_dim)
    value, second_value : array-like of shape (value_rank, token_dim)
        The value of a pair is the product, coordinate by coordinate, of value @ z_l and second_value @ z_m.
    output : array-like of shape (token_dim, value_rank)
    rho : float, default=1.0
        Factor of the residual connection: 1 keeps the token, 0 replaces it.

    Raises
    ------
    ValueError
        Shapes that do not fit each other; NaN or infinity.

    Notes
    -----
    Source: Sanford, Hsu, Telgarsky, arXiv 2306.02896. Running it costs O(rank n^3) time for a sequence of n tokens.

    Examples
    --------
    Every token receives the largest product of two first coordinates of its sequence as its second.

    >>> from sklearn_hardmax import ThirdOrderAttention, Transformer
    >>> from sklearn_hardmax.forward import apply
    >>> first, one, out = [[1., 0., 0.]], [[0., 0., 1.]], [[0.], [1.], [0.]]
    >>> layer = ThirdOrderAttention(query=one, key=first, second_key=first, value=first, second_value=first, output=out)
    >>> layer
    ThirdOrderAttention(token_dim=3, rank=1, value_rank=1, rho=1.0)
    >>> apply(Transformer([layer]), [[[-3., 0., 1.], [2., 0., 1.]]])[0]
    array([[-3., 9., 1.],
           [ 2., 9., 1.]])
    """

    query: FloatArray
    key: FloatArray
    second_key: FloatArray
    value: FloatArray
    second_value: FloatArray
    output: FloatArray
    rho: float = 1.0
    array_names: ClassVar[tuple[str, ...]] = ("query", "key", "second_key", "value", "second_value", "output")
    scalar_names: ClassVar[tuple[str, ...]] = ("rho",)

    if TYPE_CHECKING:

        def __init__(
            self,
            query: ArrayLike,
            key: ArrayLike,
            second_key: ArrayLike,
            value: ArrayLike,
            second_value: ArrayLike,
            output: ArrayLike,
            rho: float = 1.0,
        ) -> None: ...

    @property
    def sizes(self) -> tuple[int, int]:
        """(rank, value_rank)."""
        return len(self.query), len(self.value)

    @staticmethod
    def array_shapes(token_dim: int, rank: int, value_rank: int, /) -> tuple[tuple[int, ...], ...]:
        """Shapes of the arrays, in the order of `array_names`."""
        return (*[(rank, token_dim)] * 3, *[(value_rank, token_dim)] * 2, (token_dim, value_rank))

    @property
    def rank(self) -> int:
        """Number of products that a score adds up."""
        return len(self.query)

    def __repr__(self) -> str:
        return (
            f"ThirdOrderAttention(token_dim={self.token_dim}, rank={self.rank}, value_rank={len(self.value)}, "
            f"rho={self.rho})"
        )


Layer: TypeAlias = FeedForward | Attention | ThirdOrderAttention
