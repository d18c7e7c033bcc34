"""Compute what TokenFlowDisplay draws: paths of tokens, leaders, the plane that shows a decision, places, colours."""

import numpy as np

from sklearn_hardmax import forward
from sklearn_hardmax.transformer import Transformer


def paths(layers, one):
    """Paths of the tokens of one sequence through layers, and the first layer at which each token is a leader.

    Returns the tokens before the first layer and after each, (n_layers + 1, n_tokens, token_dim) float64, and the layers
    (n_tokens,) of ints, -1 for none.
    """
    steps = forward.trace(Transformer(layers), one) if layers else []
    trajectory = np.stack([one.tokens.astype(np.float64), *(step.tokens.tokens for step in steps)])
    attended = [None if step.attended is None else step.attended[0] for step in steps]
    return trajectory, _leader_layers(trajectory, attended)


def _leader_layers(trajectory, attended):
    """First layer at which each token attends only to itself and its copies, -1 for none."""
    leaders = np.full(trajectory.shape[1], -1)
    # backwards, so that the first layer overwrites later ones
    for layer, sets in reversed(list(enumerate(attended))):
        # feed-forward layers and softmax have no attended sets
        if sets is None:
            continue
        before = trajectory[layer]
        for i, members in enumerate(sets):
            if i in members and (before[members] == before[i]).all():
                leaders[i] = layer
    return leaders


def deciding_plane(coef, tokens):
    """Two orthogonal unit vectors: normal to the decision line, and the widest direction of tokens along it; None in R^1."""
    if len(coef) == 1:
        return None
    along = coef / np.linalg.norm(coef)
    across = tokens - tokens @ along[:, None] * along
    _, _, directions = np.linalg.svd(across - across.mean(axis=0), full_matrices=False)
    return np.stack([along, directions[0]])


def places(trajectory, plane):
    """Places of the tokens in the picture before the first layer and after each, (n_layers + 1, n_tokens, 2)."""
    trajectory = np.asarray(trajectory, dtype=np.float64)
    if trajectory.shape[2] == 1:
        layers = np.broadcast_to(np.arange(len(trajectory))[:, None, None], trajectory.shape)
        return np.concatenate([trajectory, layers], axis=2)
    plane = np.eye(trajectory.shape[2])[:2] if plane is None else np.asarray(plane)
    return trajectory @ plane.T


def colors(trajectory, labels, decision, cmap):
    """One RGBA row per token: the colour of its limit, or with a decision of the logit where the token ends."""
    import matplotlib

    if decision is None:
        cmap = matplotlib.colormaps.get_cmap("tab10" if cmap is None else cmap)
        return cmap(np.asarray(labels) % cmap.N)
    coef, intercept = decision
    logits = np.asarray(trajectory)[-1] @ np.asarray(coef) + intercept
    cmap = matplotlib.colormaps.get_cmap("coolwarm_r" if cmap is None else cmap)
    # from (-inf, inf) to the interval of the map, (0, 1)
    return cmap(0.5 + 0.5 * np.tanh(logits / 2))
