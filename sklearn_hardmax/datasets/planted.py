"""Data for the tasks of tasks.py: one answer a token, right by definition, and about as many ones as zeros.

Random residues of a large modulus hardly ever add up to 0, so matches are planted, in groups of tokens whose last one closes
the sum, and beside them near misses, groups that miss it by 1. The labels are those of the task's own function, accidental
matches included.
"""

import numpy as np
from sklearn.utils import check_random_state

from sklearn_hardmax import tasks
from sklearn_hardmax.sequences import RaggedSequences
from sklearn_hardmax.sequences.arrays import check_integer

# task : (function, coefficients of the free tokens of a group, share of closed groups, whether order may be lost). In a
# closed group (a, b, -a - b) every token is matched, but b is not where partners must be neighbours: a goes with b and the
# last, the last with a and b, so that three quarters of the groups make half of the tokens.
_PLANS = {
    "match2": (tasks.match2, (1,), 1 / 2, True),
    "match3": (tasks.match3, (1, 1), 1 / 2, True),
    "match3_bigram": (tasks.match3_bigram, (1, 1), 3 / 4, False),
    "match3_local": (tasks.match3_local, (1, 1), 1 / 2, False),
}
# nearer partners: with window 1 a closed group is (a, -2 a), with window 0 a token is its own partner twice: (0)
_NARROW = {1: (2,), 0: ()}


def make_sparse_averaging(n_sequences=10, *, length=64, q=4, token_dim=2, random_state=None):
    """Tokens that ask for the mean of q others, and the means.

    Parameters
    ----------
    n_sequences : int, default=10
    length : int, default=64
        Tokens of each sequence.
    q : int, default=4
        How many positions each token names, at most `length`.
    token_dim : int, default=2
        Coordinates d of a value.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    X : RaggedSequences
        Tokens (z, y, i) of d + q + 1 numbers: a value uniform in [-1, 1]^d, a set of q positions, ascending, every set as
        likely as any other, and the token's own position 0..length - 1, in this order.
    Y : RaggedSequences
        For every token the mean of the d coordinates over its set: `tasks.sparse_averages(X, q)`.

    Raises
    ------
    ValueError
        A count that is no integer of at least 1, or q above length.

    Notes
    -----
    Hard for networks without attention: any token may ask for any other (Sanford, Hsu, Telgarsky, arXiv 2306.02896).

    Examples
    --------
    >>> from sklearn_hardmax.datasets import make_sparse_averaging
    >>> X, Y = make_sparse_averaging(3, length=8, q=2, token_dim=1, random_state=0)
    >>> X, Y
    (RaggedSequences(3 sequences of 8 tokens, token_dim=4, float64),
     RaggedSequences(3 sequences of 8 tokens, token_dim=1, float64))
    >>> z, first, second, position = X[0][5]
    >>> bool(Y[0][5, 0] == (X[0][int(first), 0] + X[0][int(second), 0]) / 2)
    True
    """
    for name, value in (("n_sequences", n_sequences), ("length", length), ("token_dim", token_dim)):
        check_integer(value, name, 1)
    check_integer(q, "q", 1, length)
    rng = check_random_state(random_state)
    n_tokens = n_sequences * length
    values = rng.uniform(-1, 1, size=(n_tokens, token_dim))
    subsets = np.sort(_sample_subsets(n_tokens, length, q, rng), axis=1)
    own = np.tile(np.arange(length), n_sequences)
    X = RaggedSequences.from_flat(np.column_stack([values, subsets, own]), np.full(n_sequences, length))
    return X, tasks.sparse_averages(X, q)


def make_match(n_sequences=100, *, task="match2", length=32, modulus=10**6, window=2, random_state=None):
    """Integers, and which of them add up to a multiple of the modulus with partners of their sequence.

    Parameters
    ----------
    n_sequences : int, default=100
    task : {"match2", "match3", "match3_bigram", "match3_local"}, default="match2"
        One partner; two; two neighbours; two within the window.
    length : int, default=32
        Integers in each sequence.
    modulus : int, default=1000000
        From 2 to 2^53. About half of the integers are matched where the modulus is large against the number of sums that a
        sequence has: its length for "match2" and "match3_bigram", the square for "match3", that of the window for
        "match3_local". Below that nearly all are.
    window : int, default=2
        How far partners may be, for "match3_local" only.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    X : RaggedSequences
        Residues 0..modulus - 1, one a token.
    Y : RaggedSequences
        1.0 or 0.0 for every token: what the function of `sklearn_hardmax.tasks` says.

    Raises
    ------
    ValueError
        A count that is no integer of at least 1, a modulus or window out of range, an unknown task.

    Notes
    -----
    Hard because matches cannot be told from near misses, groups whose sum is 1 or -1 instead of 0, by anything but exact
    arithmetic on pairs or triples of tokens (Sanford, Hsu, Telgarsky, arXiv 2306.02896).

    Examples
    --------
    >>> from sklearn_hardmax.datasets import make_match
    >>> X, Y = make_match(1, length=6, modulus=100, random_state=0)
    >>> X[0].ravel(), Y[0].ravel()  # 67 + 33 and 36 + 64; 44 + 55 is a near miss
    (array([67., 44., 36., 33., 55., 64.]), array([1., 0., 1., 1., 0., 1.]))
    >>> X, Y = make_match(task="match3_bigram", random_state=0)
    >>> bool(0.45 < Y.tokens.mean() < 0.55)
    True
    """
    for name, value in (("n_sequences", n_sequences), ("length", length)):
        check_integer(value, name, 1)
    check_integer(modulus, "modulus", 2, tasks.LARGEST_TOKEN)
    check_integer(window, "window", 0)
    if task not in _PLANS:
        raise ValueError(f"task must be one of {', '.join(map(repr, _PLANS))}, got {task!r}.")
    modulus = int(modulus)
    function, coefficients, share, shuffled = _PLANS[task]
    arguments = (modulus,)
    if task == "match3_local":
        arguments = (modulus, window)
        coefficients = _NARROW.get(window, coefficients)
    rng = check_random_state(random_state)
    x = _sample_groups(n_sequences, length, modulus, coefficients, share, rng)
    if shuffled:
        x = np.stack([rng.permutation(row) for row in x])
    answers = np.concatenate([function(row, *arguments) for row in x])
    return (
        RaggedSequences.from_series(x.astype(np.float64)),
        RaggedSequences.from_flat(answers[:, None].astype(np.float64), np.full(n_sequences, length)),
    )


def _sample_groups(n_sequences, length, modulus, coefficients, share, rng):
    """Residues (n_sequences, length) in groups (a, b, .., -(the sum of these with coefficients) + miss); a rest is random."""
    x = rng.randint(modulus, size=(n_sequences, length), dtype=np.int64)
    size = len(coefficients) + 1
    n_groups = length // size
    groups = x[:, : n_groups * size].reshape(n_sequences, n_groups, size)
    closed = rng.random_sample((n_sequences, n_groups)).argsort(axis=1) < round(share * n_groups)
    miss = np.where(closed, 0, rng.choice([-1, 1], size=(n_sequences, n_groups)))
    total = sum(c * groups[:, :, j] for j, c in enumerate(coefficients))
    groups[:, :, -1] = (miss - total) % modulus
    x[:, : n_groups * size] = groups.reshape(n_sequences, -1)
    return x


def _sample_subsets(n_subsets, n, q, rng):
    """Sets of q of n positions, each set as likely as any other; (n_subsets, q).

    One position after another (R. W. Floyd): the k-th is drawn from the first n - q + k + 1, and the last of these stands
    in for a position that is in the set already.
    """
    out = np.empty((n_subsets, q), dtype=np.int64)
    for k, last in enumerate(range(n - q, n)):
        drawn = rng.randint(last + 1, size=n_subsets)
        taken = (out[:, :k] == drawn[:, None]).any(axis=1)
        out[:, k] = np.where(taken, last, drawn)
    return out
