"""Explicit weights, layer by layer: what a transformer of this package is made of, before anybody runs it.

Tokens are the rows z_i of a sequence of shape (n, D), the *residual stream*. Two kinds of layer act on it, and a third one
where pairs of tokens are asked for:

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

so that the score of token l for token i is sum_r <query_r, z_i> <key_r, z_l>. With r = 0 every token attends to all, with
r = 1 to the leader argmax_l <key, z_l> where <query, z_i> > 0. The factors of third order have names of their own: query,
key and second_key, each (r, D), value and second_value, each (r', D), whose products * are taken coordinate by coordinate,
and output O (D, r') (Sanford, Hsu, Telgarsky, arXiv 2306.02896).
"""

from dataclasses import dataclass

import numpy as np


def _frozen(array, ndim, what):
    if np.iscomplexobj(array):
        raise ValueError(f"{what} must be real, got complex numbers.")
    array = np.array(array, dtype=np.float64, order="C")
    if array.ndim != ndim:
        raise ValueError(f"{what} must have {ndim} dimensions, got shape {array.shape}.")
    if not np.isfinite(array).all():
        raise ValueError(f"{what} contains NaN or infinity.")
    array.flags.writeable = False
    return array


def _scalar(value, what):
    value = float(value)
    if not np.isfinite(value):
        raise ValueError(f"{what} must be finite, got {value}.")
    return value


class _Layer:
    """What all layers check, count and compare, from the names of their arrays and scalars.

    _arrays names the arrays, the first of shape (.., token_dim), _scalars the scalars, the first the residual;
    `_shapes(token_dim, *sizes)` are the shapes of the arrays, `_sizes` these sizes, two of them.
    """

    def __post_init__(self):
        kind = type(self).__name__
        for name, shape in zip(self._arrays, self._shapes(0, 0, 0)):
            object.__setattr__(self, name, _frozen(getattr(self, name), len(shape), f"{kind}.{name}"))
        for name in self._scalars:
            object.__setattr__(self, name, _scalar(getattr(self, name), f"{kind}.{name}"))
        wanted = self._shapes(self.token_dim, *self._sizes)
        got = [getattr(self, name).shape for name in self._arrays]
        odd = [f"{n} of shape {need}, got {has}" for n, need, has in zip(self._arrays, wanted, got) if need != has]
        if odd:
            raise ValueError(f"{kind} with {self._arrays[0]} of shape {got[0]} needs {'; '.join(odd)}.")

    def __eq__(self, other):
        if type(self) is not type(other):
            return NotImplemented
        return all(np.array_equal(getattr(self, n), getattr(other, n)) for n in self._arrays + self._scalars)

    __hash__ = None

    def __setstate__(self, state):
        self.__dict__.update(state)
        self.__post_init__()  # what was pickled is checked, and its arrays are read-only again

    @property
    def token_dim(self):
        """Width D of the residual stream that the layer acts on."""
        return getattr(self, self._arrays[0]).shape[1]

    @property
    def n_parameters(self):
        """Entries of all arrays, zeros included, and one for the residual scalar."""
        return sum(getattr(self, n).size for n in self._arrays) + 1

    @property
    def n_nonzero(self):
        """Entries of all arrays, and of the residual scalar, that are not zero."""
        return sum(int(np.count_nonzero(getattr(self, n))) for n in (*self._arrays, self._scalars[0]))


@dataclass(frozen=True, eq=False, repr=False)
class FeedForward(_Layer):
    """One hidden layer of ReLU units on every token by itself: z <- eta z + W relu(U z + b).

    Parameters
    ----------
    U : array-like of shape (width, token_dim)
    b : array-like of shape (width,)
    W : array-like of shape (token_dim, width)
    eta : float, default=1.0
        How much of the token stays.

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

    U: np.ndarray
    b: np.ndarray
    W: np.ndarray
    eta: float = 1.0
    _arrays = ("U", "b", "W")
    _scalars = ("eta",)
    _sizes = property(lambda self: (len(self.U), 0))

    @staticmethod
    def _shapes(token_dim, width, _):
        return (width, token_dim), (width,), (token_dim, width)

    @property
    def width(self):
        """Number of hidden units."""
        return len(self.b)

    def __repr__(self):
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
        How much of the token stays.
    temperature : float, default=0.0
        0 is the hardmax; above 0 the weights are softmax(scores / temperature).

    Raises
    ------
    ValueError
        Shapes that do not fit each other; NaN or infinity; a negative temperature.

    Examples
    --------
    A leader read: every token receives the largest first coordinate in its second.

    >>> from sklearn_hardmax import Attention
    >>> Attention(query=[[1., 0.]], key=[[1., 0.]], value=[[1., 0.]], output=[[0.], [1.]])
    Attention(token_dim=2, rank=1, value_rank=1, rho=1.0, temperature=0.0)
    """

    query: np.ndarray
    key: np.ndarray
    value: np.ndarray
    output: np.ndarray
    rho: float = 1.0
    temperature: float = 0.0
    _arrays = ("query", "key", "value", "output")
    _scalars = ("rho", "temperature")
    _sizes = property(lambda self: (len(self.query), len(self.value)))

    @staticmethod
    def _shapes(token_dim, rank, value_rank):
        return (rank, token_dim), (rank, token_dim), (value_rank, token_dim), (token_dim, value_rank)

    def __post_init__(self):
        super().__post_init__()
        if self.temperature < 0:
            raise ValueError(f"temperature must be 0 (hardmax) or above, got {self.temperature}.")

    @property
    def rank(self):
        """Number of factors of B."""
        return len(self.query)

    def __repr__(self):
        return (
            f"Attention(token_dim={self.token_dim}, rank={self.rank}, value_rank={len(self.value)}, rho={self.rho}, "
            f"temperature={self.temperature})"
        )


@dataclass(frozen=True, eq=False, repr=False)
class ThirdOrderAttention(_Layer):
    """Attention to pairs of tokens: z_i <- rho z_i + O mean of V z_l * V' z_m over the pairs (l, m) that i attends to.

    Pair (l, m) has the score sum_r <query_r, z_i> <key_r, z_l> <second_key_r, z_m>; l and m may coincide. It is the hardmax
    only.

    Parameters
    ----------
    query, key, second_key : array-like of shape (rank, token_dim)
    value, second_value : array-like of shape (value_rank, token_dim)
        The value of a pair is the product, coordinate by coordinate, of value @ z_l and second_value @ z_m.
    output : array-like of shape (token_dim, value_rank)
    rho : float, default=1.0
        How much of the token stays.

    Raises
    ------
    ValueError
        Shapes that do not fit each other; NaN or infinity.

    Notes
    -----
    Source: Sanford, Hsu, Telgarsky, arXiv 2306.02896. Running it costs O(rank n^3) time for a sequence of n tokens.

    Examples
    --------
    Every token receives the largest product of two first coordinates in its second.

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

    query: np.ndarray
    key: np.ndarray
    second_key: np.ndarray
    value: np.ndarray
    second_value: np.ndarray
    output: np.ndarray
    rho: float = 1.0
    _arrays = ("query", "key", "second_key", "value", "second_value", "output")
    _scalars = ("rho",)
    _sizes = property(lambda self: (len(self.query), len(self.value)))

    @staticmethod
    def _shapes(token_dim, rank, value_rank):
        return (*[(rank, token_dim)] * 3, *[(value_rank, token_dim)] * 2, (token_dim, value_rank))

    @property
    def rank(self):
        """Number of products that a score adds up."""
        return len(self.query)

    def __repr__(self):
        return (
            f"ThirdOrderAttention(token_dim={self.token_dim}, rank={self.rank}, value_rank={len(self.value)}, "
            f"rho={self.rho})"
        )
