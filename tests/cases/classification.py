"""The exact classifier and its network on families of sequences."""

import numpy as np

from sklearn_hardmax import Attention, RaggedSequences
from sklearn_hardmax.constructions.classification.build import build_classification
from sklearn_hardmax.forward import apply

WORK = 10**7  # layers x tokens that a test lets the engine run


def build(X, y, *, ordered=False, seed=0, weights=None):
    weights = np.ones(max(int(max(y)) + 1, 2)) if weights is None else np.asarray(weights, dtype=float)
    return build_classification(
        X, np.asarray(y, dtype=np.int64), weights, ordered=ordered, rng=np.random.RandomState(seed)
    )


def labels_by_network(built, X, max_width=4):
    return built.decode(apply(built.transformer(max_width), built.encode(X)))


def check_exact(X, y, *, ordered=False):
    """All ways of asking for the training labels."""
    built, conflicts = build(X, y, ordered=ordered)
    assert conflicts == []
    codes = built.codes(X)
    assert np.array_equal(built.labels_of(codes), y)
    some = np.linspace(0, len(X) - 1, min(len(X), 20)).astype(int)
    for i in some:
        assert built.codes(X[i : i + 1])[0] == codes[i]
    if not ordered:
        rng = np.random.default_rng(0)
        shuffled = RaggedSequences.from_list([rng.permutation(X[i]) for i in some])
        assert np.array_equal(built.labels_of(built.codes(shuffled)), y[some])
        assert np.array_equal(labels_by_network(built, shuffled, None), y[some])
    check_network(built, X, y)
    assert built.n_blocks() <= min((3 * len(X) + 1) // 2, max(1, 2 * len(X) - 1))
    assert built.n_parameters() <= 16 * built.token_dim * len(X)
    assert built.margin > 1
    return built


def check_network(built, X, y):
    for max_width in (4, None):
        transformer = built.transformer(max_width)
        assert transformer.n_blocks == built.n_blocks(max_width)
        assert transformer.n_parameters == built.n_parameters(max_width)
        assert transformer.width <= (max_width or np.inf)
        n = WORK // len(transformer.layers) // max(1, X.n_tokens // len(X))
        if max_width is None:
            n = min(n, 4 * WORK // transformer.width // max(1, X.n_tokens // len(X)))
        some = X if n >= len(X) else X[np.linspace(0, len(X) - 1, max(n, 1)).astype(int)]
        wanted = y if n >= len(X) else y[np.linspace(0, len(X) - 1, max(n, 1)).astype(int)]
        out = apply(transformer, built.encode(some))
        assert np.isin(out.tokens[:, 1 : 1 + built.n_digits], [0.0, 1.0]).all()
        assert np.array_equal(built.decode(out), wanted)


def swept_codes(built):
    """Codes through every ramp: around each boundary at all scales, the ends of ramps, the runs, and a grid."""
    boundaries = built.intervals.boundaries
    ramp = 0.5 / built.code_scale
    steps = np.concatenate([[0.0], *(s * 2.0 ** -np.arange(1, 53) for s in (1, -1))])
    near = (boundaries[:, None] + np.concatenate([steps, ramp * np.linspace(-3, 3, 31)])).ravel()
    codes = np.concatenate([near, boundaries, built.runs.low, built.runs.high, np.linspace(1, 2, 501)])
    codes = np.unique(np.clip(codes, 1.0, 2.0))
    return np.unique(built.code.rounded(codes))


def digits_of(built, codes, max_width):
    """What the decode layers alone make of codes."""
    transformer = built.transformer(max_width)
    start = next(i for i, layer in enumerate(transformer.layers) if isinstance(layer, Attention)) + 1
    tokens = np.zeros((len(codes), built.token_dim))
    tokens[:, 0] = built.code_scale * codes
    decode = type(transformer)(transformer.layers[start:])
    return apply(decode, RaggedSequences.from_flat(tokens, lengths=np.ones(len(codes), dtype=int)))
