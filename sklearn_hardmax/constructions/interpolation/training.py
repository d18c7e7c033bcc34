"""Regularised training of a softmax transformer, from its constructed weights and other starting points.

The objective is the mean squared loss plus a penalty on the weights,

    J(theta) = (1 / M) sum over the M targets of |output - target|^2  +  lambda |theta|^2

theta holds all entries of the layers; the scalars eta, rho and temperature stay as they are. Exact weights theta* have loss
0, so that min J <= lambda |theta*|^2, the *certificate*: the optimal value falls at least linearly with lambda (Alcalde,
Fantuzzi, Zuazua, arXiv 2502.02270v3), while the value of the zero network does not fall at all. To make the certificate
small, theta* is *balanced* first: the function is the same when the input weights and bias of a hidden unit are multiplied by
a positive number and its output weights divided by it, and the sum of squares is smallest where both have equal norms. The
same holds for the factors of attention.

The loss is squared on purpose: cross-entropy has no finite minimiser on exact weights. Single runs end in local minima; the
best of several starts is returned, never one above the certificate, since the balanced weights are a start.

Gradients are exact derivatives, computed layer by layer from the last to the first. Write Z for the tokens before a layer,
one row per token, G for the gradient of J by the tokens behind it, and ' for the transpose; dX is the gradient by X:

    FeedForward   forward    H = Z U' + b,    Z <- eta Z + relu(H) W'
                  backward   dW = G' relu(H),    dH = (G W) [H > 0],    dU = dH' Z,    db = dH' 1
                             dZ = eta G + dH U

    Attention     forward    Q = Z query',    K = Z key',    S = Q K',    P = softmax of the rows of S / T
                             M = P Z,    Z <- rho Z + M value' output'
                  backward   dvalue = (G output)' M,    doutput = G' M value',    dM = G output value,    dP = dM Z'
                             dS = P (dP - row sums of P dP) / T, products entry by entry
                             dquery = (dS K)' Z,    dkey = (dS' Q)' Z
                             dZ = rho G + P' dM + dS K query + dS' Q key
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize
from sklearn.utils import check_random_state

from sklearn_hardmax._typing import RandomStateLike
from sklearn_hardmax.constructions.interpolation.targets import as_targets, carrier_indices
from sklearn_hardmax.layers import Attention, FeedForward
from sklearn_hardmax.sequences import SequencesLike, as_sequences
from sklearn_hardmax.transformer import Transformer


class Trained(NamedTuple):
    """Result of `minimise_regularised`: the best weights that training found, and their objective.

    Attributes
    ----------
    transformer : Transformer
        The best weights.
    objective : float
        Their objective J = loss + lambda squared_norm, never above `certificate`.
    loss : float
        Mean over the targets of ``|output - target|^2``.
    squared_norm : float
        ``|theta|^2``, the sum of squares of all weights.
    certificate : float
        J of the balanced weights that training started from.
    start : int
        Index of the start that led to them: 0 for the balanced weights, then `starts`, then random ones.
    """

    transformer: Transformer
    objective: float
    loss: float
    squared_norm: float
    certificate: float
    start: int


def minimise_regularised(
    transformer: Transformer,
    sequences: SequencesLike,
    targets: SequencesLike,
    lambda_: float,
    *,
    coordinates: ArrayLike | None = None,
    starts: Iterable[Transformer] = (),
    n_random: int = 3,
    max_iter: int = 2000,
    random_state: RandomStateLike = 0,
) -> Trained:
    """Train a softmax transformer on mean squared loss plus ``lambda |theta|^2``.

    Parameters
    ----------
    transformer : Transformer
        Weights to start from, such as those of `build_interpolator`; attention of rank 1 and more must be softmax.
    sequences : RaggedSequences
        The encoded sequences that the transformer takes: `encode(X)`.
    targets : ragged or array
        (m_j, q) targets of the first m_j tokens, or (N, q), (N,): one target per sequence, which its first token must output.
    lambda_ : float
        Positive.
    coordinates : array-like of int, shape (q,), optional
        Coordinates of the residual stream that hold the q outputs; default those named "target ...".
    starts : iterable of Transformer, default=()
        More starting points, with the same layers, such as solutions for another lambda.
    n_random : int, default=3
        Number of random starts: Gaussian weights of standard deviation 0.5.
    max_iter : int, default=2000
        Largest number of iterations of each run.
    random_state : int or RandomState, default=0
        Draws the random starts.

    Returns
    -------
    Trained

    Raises
    ------
    ValueError
        Hardmax attention of rank 1 and more, which has no gradient; shapes that do not fit; `lambda_` that is not positive.

    Notes
    -----
    Source: Alcalde, Fantuzzi, Zuazua, arXiv 2502.02270v3. Optimiser: SciPy's L-BFGS-B. Cost of one gradient: three passes
    through the network, of cost n^2 in every attention for a sequence of n tokens.

    Examples
    --------
    >>> from sklearn_hardmax.constructions import build_interpolator, minimise_regularised
    >>> X, Y = [[[0.], [1.]], [[0.], [.5], [1.]]], [-1., 1.]
    >>> built = build_interpolator(X, Y, attention="softmax")
    >>> trained = minimise_regularised(built.transformer, built.encode(X), Y, 1e-3)
    >>> trained.objective <= trained.certificate
    True
    """
    problem = _Problem(transformer, as_sequences(sequences), targets, lambda_, coordinates)
    rng = check_random_state(random_state)
    exact = problem.vector(balanced(transformer))
    points = [exact, *(problem.vector(start) for start in starts)]
    points += [rng.normal(scale=0.5, size=len(exact)) for _ in range(n_random)]
    best = None
    best_start = 0
    for k, point in enumerate(points):
        found = minimize(
            problem.objective,
            point,
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": max_iter, "maxfun": 2 * max_iter, "ftol": 1e-12, "gtol": 1e-10},
        )
        if best is None or found.fun < best.fun:
            best = found
            best_start = k
    norm = float(best.x @ best.x)
    certificate = problem.objective(exact)[0]
    loss = float(best.fun - lambda_ * norm)
    return Trained(problem.transformer(best.x), float(best.fun), loss, norm, float(certificate), best_start)


def balanced(transformer: Transformer) -> Transformer:
    """Rescale hidden units and attention factors to the smallest sum of squares that leaves all outputs as they are.

    Parameters
    ----------
    transformer : Transformer

    Returns
    -------
    Transformer
        Weights of the same function of the tokens, in exact arithmetic.
    """
    return Transformer([_balanced_layer(layer) for layer in transformer.layers], transformer.names)


def _balanced_layer(layer):
    if isinstance(layer, FeedForward):
        # relu is positively homogeneous: units may be rescaled one by one
        scale = _ratio(np.column_stack([layer.U, layer.b]), layer.W.T)
        return FeedForward(layer.U * scale[:, None], layer.b * scale, layer.W / scale, layer.eta)
    # only the products key' query and output value matter, and they are sums over rows of the first factor
    q = _ratio(layer.query, layer.key)
    v = _ratio(layer.value, layer.output.T)
    factors = layer.query * q[:, None], layer.key / q[:, None], layer.value * v[:, None], layer.output / v
    return Attention(*factors, layer.rho, layer.temperature)


def _ratio(first, second):
    """Factors that make norms equal when rows of `first` are multiplied and rows of `second` divided by them, (r,).

    A factor is 1 where one of the two rows is 0.
    """
    a = np.linalg.norm(first, axis=1)
    b = np.linalg.norm(second, axis=1)
    both = (a > 0) & (b > 0)
    return np.sqrt(np.where(both, b, 1.0) / np.where(both, a, 1.0))


class _Problem:
    """J and its gradient for the layers of one transformer and one set of sequences."""

    def __init__(self, transformer, sequences, targets, lambda_, coordinates):
        _check(transformer, sequences, lambda_)
        self.layers = transformer.layers
        self.names = transformer.names
        self.lambda_ = float(lambda_)
        if coordinates is None:
            coordinates = [j for j, name in enumerate(transformer.names) if name.startswith("target")]
        rows, one_target = as_targets(targets, sequences)
        self.carriers = sequences.offsets[:-1] if one_target else carrier_indices(sequences, rows)
        self.targets = rows if one_target else np.asarray(rows.tokens, dtype=np.float64)
        self.coordinates = np.asarray(coordinates, dtype=np.int64)
        if self.coordinates.shape != (self.targets.shape[1],):
            raise ValueError(
                f"coordinates must name the {self.targets.shape[1]} coordinates of the stream that hold the outputs, got "
                f"{self.coordinates.tolist()}."
            )
        self.tokens = np.asarray(sequences.tokens, dtype=np.float64)
        self.spans = [slice(a, b) for a, b in zip(sequences.offsets[:-1].tolist(), sequences.offsets[1:].tolist())]

    def vector(self, transformer):
        """All entries of a transformer with the same shapes of layers, (n,)."""
        arrays = [getattr(layer, name) for layer in transformer.layers for name in layer.array_names]
        shapes = [getattr(layer, name).shape for layer in self.layers for name in layer.array_names]
        if [array.shape for array in arrays] != shapes:
            raise ValueError("A start has other layers than the transformer.")
        return np.concatenate([array.ravel() for array in arrays])

    def _arrays(self, theta):
        """The inverse of `vector`: a list of arrays for each layer, in the order of `array_names`."""
        by_layer = []
        start = 0
        for layer in self.layers:
            arrays = []
            for name in layer.array_names:
                like = getattr(layer, name)
                arrays.append(theta[start : start + like.size].reshape(like.shape))
                start += like.size
            by_layer.append(arrays)
        return by_layer

    def transformer(self, theta):
        """The Transformer with these entries."""
        layers = []
        for layer, arrays in zip(self.layers, self._arrays(theta)):
            scalars = [getattr(layer, name) for name in layer.scalar_names]
            layers.append(type(layer)(*arrays, *scalars))
        return Transformer(layers, self.names)

    def objective(self, theta):
        """J and its gradient (n,)."""
        # forward: keep the tokens before every layer, and its intermediate results
        arrays = self._arrays(theta)
        z = self.tokens
        steps = []
        for layer, parts in zip(self.layers, arrays):
            forward = _forward if isinstance(layer, FeedForward) else self._attend
            before = z
            z, kept = forward(layer, parts, before)
            steps.append((before, kept))
        # the loss depends on the output coordinates of the tokens that carry targets, and on nothing else
        outputs = np.ix_(self.carriers, self.coordinates)
        errors = z[outputs] - self.targets
        gradient = np.zeros_like(z)
        gradient[outputs] = 2.0 / len(errors) * errors
        # backward: `gradient` is that by the tokens before the layer that was done last
        array_gradients = []
        for layer, parts, (before, kept) in zip(self.layers[::-1], arrays[::-1], steps[::-1]):
            backward = _backward if isinstance(layer, FeedForward) else self._attend_backward
            gradient, of_layer = backward(layer, parts, before, kept, gradient)
            array_gradients = of_layer + array_gradients
        loss_gradient = np.concatenate([array.ravel() for array in array_gradients])
        value = float((errors**2).sum()) / len(errors) + self.lambda_ * float(theta @ theta)
        return value, loss_gradient + 2 * self.lambda_ * theta

    def _attend(self, layer, parts, z):
        """Tokens behind an attention layer, and (P of every sequence, M) for the way back."""
        query, key, value, output = parts
        weights = []
        means = np.empty_like(z)
        for span in self.spans:
            # rank 0 may have temperature 0: its scores are 0 whatever they are divided by
            scores = (z[span] @ query.T) @ (z[span] @ key.T).T / (layer.temperature or 1.0)
            scores -= scores.max(axis=1, keepdims=True)  # the softmax is the same, and exp cannot overflow
            p = np.exp(scores)
            p /= p.sum(axis=1, keepdims=True)
            weights.append(p)
            means[span] = p @ z[span]
        return layer.rho * z + means @ value.T @ output.T, (weights, means)

    def _attend_backward(self, layer, parts, z, kept, gradient):
        """Gradients dZ and [dquery, dkey, dvalue, doutput] of an attention layer."""
        query, key, value, output = parts
        weights, means = kept
        d_projected = gradient @ output  # by M value'
        d_query = np.zeros_like(query)
        d_key = np.zeros_like(key)
        d_value = d_projected.T @ means
        d_output = gradient.T @ (means @ value.T)
        d_means = d_projected @ value
        d_z = layer.rho * gradient
        for span, p in zip(self.spans, weights):
            # M = P Z depends on Z directly, ..
            d_z[span] += p.T @ d_means[span]
            # .. and with scores through P, a softmax of products of queries Q and keys K
            if len(query):
                d_weights = d_means[span] @ z[span].T
                d_scores = p * (d_weights - (p * d_weights).sum(axis=1, keepdims=True)) / layer.temperature
                d_queries = d_scores @ (z[span] @ key.T)
                d_keys = d_scores.T @ (z[span] @ query.T)
                d_query += d_queries.T @ z[span]
                d_key += d_keys.T @ z[span]
                d_z[span] += d_queries @ query + d_keys @ key
        return d_z, [d_query, d_key, d_value, d_output]


def _forward(layer, parts, z):
    """Tokens behind a feed-forward layer, and (H > 0, relu(H)) for the way back."""
    U, b, W = parts
    hidden = z @ U.T + b
    active = np.maximum(hidden, 0.0)
    return layer.eta * z + active @ W.T, (hidden > 0, active)


def _backward(layer, parts, z, kept, gradient):
    """Gradients dZ and [dU, db, dW] of a feed-forward layer."""
    U, _, W = parts
    positive, active = kept
    d_hidden = (gradient @ W) * positive
    d_arrays = [d_hidden.T @ z, d_hidden.sum(axis=0), gradient.T @ active]
    return layer.eta * gradient + d_hidden @ U, d_arrays


def _check(transformer, sequences, lambda_):
    """ValueError for arguments of `minimise_regularised` that cannot be trained on."""
    if not (isinstance(lambda_, (int, float)) and not isinstance(lambda_, bool) and 0 < lambda_ < np.inf):
        raise ValueError(f"lambda_ must be a positive finite number, got {lambda_!r}.")
    if sequences.token_dim != transformer.token_dim:
        raise ValueError(
            f"The transformer acts on tokens of {transformer.token_dim} coordinates, the sequences have "
            f"{sequences.token_dim}; encode them first."
        )
    hard = [i for i, a in enumerate(transformer.layers) if isinstance(a, Attention) and a.rank and not a.temperature]
    if hard:
        raise ValueError(f"Layers {hard} are hardmax attention, which has no gradient; use attention='softmax'.")
