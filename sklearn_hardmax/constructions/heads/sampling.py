"""Sample heads for training sequences: choose how many, and whether they are heads of series or of sets."""

from sklearn_hardmax.constructions.heads.series_sampling import sample_series_heads
from sklearn_hardmax.constructions.heads.sets import sample_set_heads

_MOST_HEADS = 8000
_HEADS_PER_SEQUENCE = 64


def default_n_heads(n_sequences):
    """Number of heads for n sequences: 64 per sequence, at most 8000."""
    return min(_HEADS_PER_SEQUENCE * n_sequences, _MOST_HEADS)


def sample_heads(sequences, labels, n_heads, *, ordered, rng, n_jobs=None):
    """Sample n_heads heads for training sequences.

    Parameters
    ----------
    sequences : RaggedSequences
    labels : ndarray of int, shape (n_sequences,), or None
        Class indices. Ignored if the result is a SeriesHeads.
    n_heads : int
    ordered : bool
        Whether the order of tokens is informative. Ignored if every sequence has one token, since then there is no order.
    rng : RandomState
    n_jobs : int or None
        Jobs that read the training tokens; the heads do not depend on it.

    Returns
    -------
    PooledHeads
        SeriesHeads for ordered sequences, otherwise SetHeads.
    """
    has_order = sequences.n_tokens > len(sequences)
    if ordered and has_order:
        return sample_series_heads(sequences, n_heads, rng, n_jobs)
    return sample_set_heads(sequences, labels, n_heads, rng, n_jobs)
