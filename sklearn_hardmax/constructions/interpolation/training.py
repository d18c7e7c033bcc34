"""Regularised training of a softmax transformer, from its constructed weights and other starts.

    J(theta) = (1 / M) sum over the M targets of |output - target|^2  +  lambda |theta|^2

theta holds all entries of the layers; the scalars eta, rho and temperature stay. Exact weights theta* have loss 0, so that
min J <= lambda |theta*|^2: the optimal value falls at least linearly with lambda (Alcalde, Fantuzzi, Zuazua, arXiv
2502.02270v3), while that of the zero network does not fall at all. To make the certificate small, theta* is *balanced*
first: the function is the same when the input weights and bias of a hidden unit are multiplied by a positive number and its
output weights divided by it, and the sum of squares is smallest where both have equal norms; so for the factors of attention.

The squared loss is meant: cross-entropy has no finite minimiser on exact weights. Single runs end in local minima; the best
of several starts is returned, never one above the certificate, since the balanced weights are a start.

Gradients are exact derivatives, layer by layer from the last to the first. With G that of J by the tokens behind a layer and
' the transpose:

    FeedForward   H = Z U' + b;  dW = G' relu(H), dH = (G W) [H > 0], dU = dH' Z, db = dH' 1;  dZ = eta G + dH U
    Attention     P = softmax(Q K' / T), Q = Z query', K = Z key', means P Z;  A = (G output value) Z';
                  dS = P (A - row sums of P A) / T;  dZ = rho G + P' G output value + dS K query + dS' Q key
"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize
from sklearn.utils import check_random_state

from sklearn_hardmax.constructions.interpolation.targets import as_targets, carrier_indices
from sklearn_hardmax.layers import Attention, FeedForward
from sklearn_hardmax.sequences import as_sequences
from sklearn_hardmax.transformer import Transformer

_ARRAYS = {FeedForward: ("U", "b", "W"), Attention: ("query", "key", "value", "output")}


class Trained(NamedTuple):
    """What `minimise_regularised` found.

    Attributes
    ----------
    transformer : Transformer
        The best weights.
    objective : float
        J, never above `certificate`.
    loss : float
        The mean squared loss.
    squared_norm : float
        ``|theta|^2``.
    certificate : float
        J of the balanced weights that training started from.
    start : int
        Which start led there: 0 the balanced weights, then `starts`, then random ones.
    """

    transformer: Transformer
    objective: float
    loss: float
    squared_norm: float
    certificate: float
    start: int


def minimise_regularised(
    transformer, sequences, targets, lambda_, *, coordinates=None, starts=(), n_random=3, max_iter=2000, random_state=0
):
    """Train a softmax transformer on mean squared loss plus ``lambda |theta|^2``.

    Parameters
    ----------
    transformer : Transformer
        Weights to start from, such as `build_interpolator` makes; attention of rank 1 and more must be softmax.
    sequences : RaggedSequences
        What the transformer takes: `encode(X)`.
    targets : ragged or array
        (m_j, q) targets of the first m_j tokens, or (N, q), (N,): one target a sequence, on its first token.
    lambda_ : float
        Positive.
    coordinates : sequence of int, optional
        Coordinates of the residual stream that hold the q outputs; default those named "target ...".
    starts : sequence of Transformer, default=()
        More starts, of the same layers: solutions for another lambda.
    n_random : int, default=3
        Random starts: Gaussian weights of standard deviation 0.5.
    max_iter : int, default=2000
        Iterations of each run.
    random_state : int or RandomState, default=0

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
    through the network, attention of n tokens n^2 each.

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
    best, at = None, 0
    for k, point in enumerate(points):
        found = minimize(
            problem.objective,
            point,
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": max_iter, "maxfun": 2 * max_iter, "ftol": 1e-12, "gtol": 1e-10},
        )
        if best is None or found.fun < best.fun:
            best, at = found, k
    norm = float(best.x @ best.x)
    certificate = problem.objective(exact)[0]
    loss = float(best.fun - lambda_ * norm)
    return Trained(problem.transformer(best.x), float(best.fun), loss, norm, float(certificate), at)


def balanced(transformer):
    """The same function with the smallest sum of squares that rescaling hidden units and attention factors can reach.

    Parameters
    ----------
    transformer : Transformer

    Returns
    -------
    Transformer
    """
    return Transformer([_balanced_layer(layer) for layer in transformer.layers], transformer.names)


def _balanced_layer(layer):
    if isinstance(layer, FeedForward):
        scale = _ratio(np.column_stack([layer.U, layer.b]), layer.W.T)
        return FeedForward(layer.U * scale[:, None], layer.b * scale, layer.W / scale, layer.eta)
    q, v = _ratio(layer.query, layer.key), _ratio(layer.value, layer.output.T)
    factors = layer.query * q[:, None], layer.key / q[:, None], layer.value * v[:, None], layer.output / v
    return Attention(*factors, layer.rho, layer.temperature)


def _ratio(first, second):
    """What rows of `first` are multiplied by, and those of `second` divided, to have equal norms; 1 where one is 0."""
    a, b = np.linalg.norm(first, axis=1), np.linalg.norm(second, axis=1)
    return np.sqrt(np.where((a > 0) & (b > 0), b, 1.0) / np.where((a > 0) & (b > 0), a, 1.0))


class _Problem:
    """J and its gradient for the layers of one transformer and one set of sequences."""

    def __init__(self, transformer, sequences, targets, lambda_, coordinates):
        _check(transformer, sequences, lambda_)
        self.layers, self.names, self.lambda_ = transformer.layers, transformer.names, float(lambda_)
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
        """All entries of a transformer of these layers, (n,)."""
        arrays = [getattr(layer, name) for layer in transformer.layers for name in _ARRAYS[type(layer)]]
        shapes = [getattr(layer, name).shape for layer in self.layers for name in _ARRAYS[type(layer)]]
        if [array.shape for array in arrays] != shapes:
            raise ValueError("A start has other layers than the transformer.")
        return np.concatenate([array.ravel() for array in arrays])

    def _arrays(self, theta):
        """For each layer its arrays, from the vector."""
        parts, at = [], 0
        for layer in self.layers:
            arrays = []
            for name in _ARRAYS[type(layer)]:
                like = getattr(layer, name)
                arrays.append(theta[at : at + like.size].reshape(like.shape))
                at += like.size
            parts.append(arrays)
        return parts

    def transformer(self, theta):
        """The Transformer with these entries."""
        made = []
        for layer, arrays in zip(self.layers, self._arrays(theta)):
            scalars = (layer.eta,) if isinstance(layer, FeedForward) else (layer.rho, layer.temperature)
            made.append(type(layer)(*arrays, *scalars))
        return Transformer(made, self.names)

    def objective(self, theta):
        """J and its gradient (n,)."""
        arrays, z, steps = self._arrays(theta), self.tokens, []
        for layer, parts in zip(self.layers, arrays):
            forward = _forward if isinstance(layer, FeedForward) else self._attend
            before, (z, kept) = z, forward(layer, parts, z)
            steps.append((before, kept))
        errors = z[np.ix_(self.carriers, self.coordinates)] - self.targets
        gradient = np.zeros_like(z)
        gradient[np.ix_(self.carriers, self.coordinates)] = 2.0 / len(errors) * errors
        by_layer = []
        for layer, parts, (before, kept) in zip(self.layers[::-1], arrays[::-1], steps[::-1]):
            backward = _backward if isinstance(layer, FeedForward) else self._attend_backward
            gradient, changes = backward(layer, parts, before, kept, gradient)
            by_layer = changes + by_layer
        by_theta = np.concatenate([change.ravel() for change in by_layer])
        value = float((errors**2).sum()) / len(errors) + self.lambda_ * float(theta @ theta)
        return value, by_theta + 2 * self.lambda_ * theta

    def _attend(self, layer, parts, z):
        query, key, value, output = parts
        weights, means = [], np.empty_like(z)
        for span in self.spans:
            scores = (z[span] @ query.T) @ (z[span] @ key.T).T / (layer.temperature or 1.0)
            scores -= scores.max(axis=1, keepdims=True)
            p = np.exp(scores)
            p /= p.sum(axis=1, keepdims=True)
            weights.append(p)
            means[span] = p @ z[span]
        return layer.rho * z + means @ value.T @ output.T, (weights, means)

    def _attend_backward(self, layer, parts, z, kept, gradient):
        query, key, value, output = parts
        weights, means = kept
        read = gradient @ output
        changes = [np.zeros_like(query), np.zeros_like(key), read.T @ means, gradient.T @ (means @ value.T)]
        by_means, back = read @ value, layer.rho * gradient
        for span, p in zip(self.spans, weights):
            back[span] += p.T @ by_means[span]
            if len(query):
                by_weight = by_means[span] @ z[span].T
                by_score = p * (by_weight - (p * by_weight).sum(axis=1, keepdims=True)) / layer.temperature
                asks, keys = by_score @ (z[span] @ key.T), by_score.T @ (z[span] @ query.T)
                changes[0] += asks.T @ z[span]
                changes[1] += keys.T @ z[span]
                back[span] += asks @ query + keys @ key
        return back, changes


def _forward(layer, parts, z):
    U, b, W = parts
    hidden = z @ U.T + b
    active = np.maximum(hidden, 0.0)
    return layer.eta * z + active @ W.T, (hidden > 0, active)


def _backward(layer, parts, z, kept, gradient):
    U, _, W = parts
    passes, active = kept
    by_hidden = (gradient @ W) * passes
    changes = [by_hidden.T @ z, by_hidden.sum(axis=0), gradient.T @ active]
    return layer.eta * gradient + by_hidden @ U, changes


def _check(transformer, sequences, lambda_):
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
