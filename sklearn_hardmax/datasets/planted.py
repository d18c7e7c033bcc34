"""Generate data for the tasks of sklearn_hardmax.tasks: sequences and the correct result for every token.

About half of the results of the match tasks are 1. Random residues of a large modulus hardly ever add up to 0, so the
generator plants matches: it samples groups of tokens and sets the last token of a group such that the sum is 0 mod M. The
other groups are near misses, whose sum is 1 or -1 instead. The results are computed by the function of the task, so that
accidental matches are included.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from sklearn.utils import check_random_state

from sklearn_hardmax import tasks
from sklearn_hardmax._typing import RandomStateLike
from sklearn_hardmax.datasets.sampling import check_integers
from sklearn_hardmax.sequences import RaggedSequences
from sklearn_hardmax.sequences.checks import check_integer

# task : (function, coefficients of the free tokens of a group, fraction of closed groups, whether order may be lost)
#
# A group is (a, b, last) for two free tokens, (a, last) for one. It is closed if the free tokens times their coefficients
# plus the last token are 0 mod M. In a closed group (a, b, -a - b) every token is matched, except that b is not matched
# where partners must be adjacent: a is matched with the pair (b, last) and the last with (a, b). That is two tokens out of
# three, so that three quarters of the groups match half of the tokens.
_PLANS = {
    "match2": (tasks.match2, (1,), 1 / 2, True),
    "match3": (tasks.match3, (1, 1), 1 / 2, True),
    "match3_bigram": (tasks.match3_bigram, (1, 1), 3 / 4, False),
    "match3_local": (tasks.match3_local, (1, 1), 1 / 2, False),
}
# match3_local with a small window : coefficients. With window 1 a closed group is (a, -2 a), since a may be used twice; with
# window 0 only the token itself can be used, three times, and a closed group is (0)
_NARROW = {1: (2,), 0: ()}


def make_sparse_averaging(
    n_sequences: int = 10, *, length: int = 64, q: int = 4, token_dim: int = 2, random_state: RandomStateLike = None
) -> tuple[RaggedSequences, RaggedSequences]:
    """Generate tokens that hold a value and q positions in their sequence, and the means of the values at these positions.

    Parameters
    ----------
    n_sequences : int, default=10
    length : int, default=64
        Tokens of each sequence.
    q : int, default=4
        Number of positions that each token holds, at most `length`.
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
        A count that is not an integer of at least 1, or q above length.

    Notes
    -----
    Hard for networks without attention: the result of a token may depend on any other token (Sanford, Hsu, Telgarsky, arXiv
    2306.02896).

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
    check_integers(1, n_sequences=n_sequences, length=length, token_dim=token_dim)
    check_integer(q, "q", 1, length)
    rng = check_random_state(random_state)
    n_tokens = n_sequences * length
    values = rng.uniform(-1, 1, size=(n_tokens, token_dim))
    subsets = np.sort(_sample_subsets(n_tokens, length, q, rng), axis=1)
    own_positions = np.tile(np.arange(length), n_sequences)
    X = RaggedSequences.from_flat(np.column_stack([values, subsets, own_positions]), np.full(n_sequences, length))
    return X, tasks.sparse_averages(X, q)


def make_match(
    n_sequences: int = 100,
    *,
    task: Literal["match2", "match3", "match3_bigram", "match3_local"] = "match2",
    length: int = 32,
    modulus: int = 10**6,
    window: int = 2,
    random_state: RandomStateLike = None,
) -> tuple[RaggedSequences, RaggedSequences]:
    """Generate sequences of integers; mark those that add up to a multiple of the modulus with partners of their sequence.

    Parameters
    ----------
    n_sequences : int, default=100
    task : {"match2", "match3", "match3_bigram", "match3_local"}, default="match2"
        The partners are one integer, two integers, two adjacent integers, or two integers within the window.
    length : int, default=32
        Integers in each sequence.
    modulus : int, default=1000000
        From 2 to 2^53. About half of the integers are matched if the modulus is large compared to the number of sums: the
        length of a sequence for "match2" and "match3_bigram", its square for "match3", the square of the window for
        "match3_local". For a small modulus nearly all are matched.
    window : int, default=2
        Largest distance of partners. Ignored unless task is "match3_local".
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    X : RaggedSequences
        Residues 0..modulus - 1, one per token, float64.
    Y : RaggedSequences
        1.0 (matched) or 0.0 for every token: the result of the function of `sklearn_hardmax.tasks`.

    Raises
    ------
    ValueError
        A count that is not an integer of at least 1, a modulus or window out of range, an unknown task.

    Notes
    -----
    Hard because only exact arithmetic on pairs or triples of tokens distinguishes matches from near misses, groups whose sum
    is 1 or -1 instead of 0 (Sanford, Hsu, Telgarsky, arXiv 2306.02896).

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
    check_integers(1, n_sequences=n_sequences, length=length)
    check_integer(modulus, "modulus", 2, tasks.LARGEST_TOKEN)
    check_integer(window, "window", 0)
    if task not in _PLANS:
        raise ValueError(f"task must be one of {', '.join(map(repr, _PLANS))}, got {task!r}.")
    modulus = int(modulus)
    function, coefficients, closed_fraction, shuffled = _PLANS[task]
    arguments = (modulus,)
    if task == "match3_local":
        arguments = (modulus, window)
        coefficients = _NARROW.get(window, coefficients)
    rng = check_random_state(random_state)
    x = _sample_groups(n_sequences, length, modulus, coefficients, closed_fraction, rng)
    if shuffled:
        x = np.stack([rng.permutation(row) for row in x])
    answers = np.concatenate([function(row, *arguments) for row in x])
    return (
        RaggedSequences.from_series(x.astype(np.float64)),
        RaggedSequences.from_flat(answers[:, None].astype(np.float64), np.full(n_sequences, length)),
    )


def _sample_groups(n_sequences, length, modulus, coefficients, closed_fraction, rng):
    """Sample residues (n_sequences, length) in groups of len(coefficients) free tokens and a last one.

    In a closed group the free tokens times their coefficients plus the last token are 0 mod M, in any other group 1 or -1.
    Tokens at the end that do not fill a group are random.
    """
    x = rng.randint(modulus, size=(n_sequences, length), dtype=np.int64)
    size = len(coefficients) + 1
    n_groups = length // size
    groups = x[:, : n_groups * size].reshape(n_sequences, n_groups, size)
    # argsort of random numbers: in every sequence the same number of closed groups, at random places
    closed = rng.random_sample((n_sequences, n_groups)).argsort(axis=1) < round(closed_fraction * n_groups)
    miss = np.where(closed, 0, rng.choice([-1, 1], size=(n_sequences, n_groups)))
    total = sum(c * groups[:, :, j] for j, c in enumerate(coefficients))
    groups[:, :, -1] = (miss - total) % modulus
    # groups may be a copy of x, not a view
    x[:, : n_groups * size] = groups.reshape(n_sequences, -1)
    return x


def _sample_subsets(n_subsets, n, q, rng):
    """Sample sets of q of n positions, each set as likely as any other; (n_subsets, q).

    Floyd's algorithm (R. W. Floyd): position k = 0..q - 1 of a set is drawn from the first n - q + k + 1 positions; if the
    set contains it already, the last of these n - q + k + 1 positions is taken instead.
    """
    out = np.empty((n_subsets, q), dtype=np.int64)
    for k, last in enumerate(range(n - q, n)):
        drawn = rng.randint(last + 1, size=n_subsets)
        taken = (out[:, :k] == drawn[:, None]).any(axis=1)
        out[:, k] = np.where(taken, last, drawn)
    return out
