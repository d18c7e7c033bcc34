"""Sample heads for sequences, ordered or not."""

from sklearn_hardmax.constructions.heads.series_sampling import sample_series_heads
from sklearn_hardmax.constructions.heads.sets import sample_set_heads

_MOST_HEADS, _HEADS_A_SEQUENCE = 8000, 64


def default_n_heads(n_sequences):
    """Heads for n sequences: 64 each, at most 8000."""
    return min(_HEADS_A_SEQUENCE * n_sequences, _MOST_HEADS)


def sample_heads(sequences, labels, n_heads, *, ordered, rng):
    """Heads for these sequences; labels (N,) class indices, or None. One token a sequence has no order."""
    if ordered and sequences.n_tokens > len(sequences):
        return sample_series_heads(sequences, n_heads, rng)
    return sample_set_heads(sequences, labels, n_heads, rng)
