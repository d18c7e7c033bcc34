"""What a picture of a flow shows, in numbers: the ways of tokens, their ends, their leaders, and the plane that decides."""

import numpy as np

from sklearn_hardmax import forward
from sklearn_hardmax.transformer import Transformer


def way(transformer, one):
    """Tokens of one sequence before the first layer and after each, (n_layers + 1, n_tokens, token_dim)."""
    tokens, out = one, [one.tokens.astype(np.float64)]
    for layer in transformer.layers:
        tokens = forward.apply(Transformer([layer]), tokens)
        out.append(tokens.tokens)
    return np.stack(out)


def leader_layers(trajectory, steps):
    """First layer at which each token attended to itself and its copies only, -1 for none, from a trace."""
    leaders = np.full(trajectory.shape[1], -1)
    for layer, step in reversed(list(enumerate(steps))):
        if step.attended is None:
            continue
        before = trajectory[layer]
        for i, members in enumerate(step.attended[0]):
            if i in members and (before[members] == before[i]).all():
                leaders[i] = layer
    return leaders


def ends(flow, one, depth):
    """Which limit each token goes to, whatever the depth that is drawn."""
    if depth == 0:
        return np.arange(one.n_tokens)
    return flow.clusters(flow.converge(one, 1e-6, 1000).tokens.tokens, 1e-6)


def deciding_plane(coef, tokens):
    """Unit vectors along the decision and along the widest direction across it; None in one dimension."""
    if len(coef) == 1:
        return None
    along = coef / np.linalg.norm(coef)
    across = tokens - tokens @ along[:, None] * along
    _, _, directions = np.linalg.svd(across - across.mean(axis=0), full_matrices=False)
    return np.stack([along, directions[0]])


def apart(heights, step):
    """Falling heights moved down until neighbours are a step apart, and all of them back by half of the last one's move."""
    out = []
    for height in heights:
        out.append(min(height, out[-1] - step) if out else height)
    back = (heights[-1] - out[-1]) / 2 if out else 0.0
    return [height + back for height in out]
