"""Targets that an interpolator can meet: a function of the token and the normalised multiset, by plain loops."""

from collections import Counter
from fractions import Fraction

import numpy as np

from sklearn_hardmax import RaggedSequences


def multiset_of(sequence):
    counts = Counter(map(tuple, (np.asarray(sequence) + 0.0).tolist()))
    return frozenset((token, Fraction(count, len(sequence))) for token, count in counts.items())


def random_targets(X, q=1, most=5, seed=0):
    """RaggedSequences of 1 to `most` Gaussian targets (m_j, q), equal for equal tokens in equal multisets."""
    rng, table, out = np.random.default_rng(seed), {}, []
    for x in X:
        m = rng.integers(1, min(len(x), most) + 1)
        multiset = multiset_of(x)
        rows = [table.setdefault((multiset, *token.tolist()), rng.normal(size=q)) for token in x[:m] + 0.0]
        out.append(np.array(rows))
    return RaggedSequences.from_list(out)


def first_rows(outputs, Y):
    """Of every sequence the rows that carry targets, (M, q)."""
    return np.concatenate([rows[: len(y)] for rows, y in zip(outputs, Y)])
