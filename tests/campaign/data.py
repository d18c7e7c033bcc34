"""Data sets drawn from a generator: the numbers, the lengths, and what is to be learned from them."""

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

EPS = np.finfo(np.float64).eps


def gaussian(rng, shape):
    return rng.standard_normal(shape)


def integers(rng, shape):
    return rng.integers(-3, 4, shape).astype(float)


def flags(rng, shape):
    return rng.integers(0, 2, shape).astype(float)


def halves(rng, shape):
    return rng.standard_normal(shape).astype(np.float16).astype(float)


def singles(rng, shape):
    return rng.standard_normal(shape).astype(np.float32).astype(float)


def constant(rng, shape):
    """Some features are the same number everywhere."""
    tokens = rng.standard_normal(shape)
    tokens[:, rng.random(shape[1]) < 0.7] = rng.standard_normal()
    return tokens


def scales(rng, shape):
    """Every feature has a size of its own, from 1e-150 to 1e150."""
    return rng.standard_normal(shape) * 10.0 ** rng.uniform(-150, 150, shape[1])


def signs(rng, shape):
    """Zeros of both signs among ones."""
    return rng.choice([-1.0, -0.0, 0.0, 1.0], shape)


def offsets(rng, shape):
    return 1e8 + rng.standard_normal(shape)


def huge(rng, shape):
    return rng.uniform(-1, 1, shape) * np.finfo(np.float64).max


def tiny(rng, shape):
    """A few multiples of the smallest number that there is."""
    return rng.integers(-50, 51, shape) * 5e-324


def wide(rng, shape):
    """Tokens of one feature from 1e-12 to 1e12."""
    return rng.standard_normal(shape) * 10.0 ** rng.uniform(-12, 12, (shape[0], 1))


def ulps(rng, shape):
    """Numbers a few ulps apart."""
    return 1 + rng.integers(0, 4, shape) * EPS


# tokens that float64 keeps apart once they are scaled: here nothing may be refused, and no conflict found but real ones
PLAIN = (gaussian, integers, flags, halves, singles, constant, scales, signs)
# here it may not: sequences may be nearer to each other than rounding
EXTREME = (offsets, huge, tiny, wide, ulps)
LENGTHS = ("one", "equal", "ragged", "one long")


@dataclass(frozen=True)
class Data:
    """Sequences: tokens (n_tokens, token_dim) float64, one after another, and lengths (N,)."""

    family: str
    tokens: np.ndarray
    lengths: np.ndarray
    is_plain: bool  # of a plain family, and without sequences that differ by an ulp

    @property
    def sequences(self):
        return np.split(self.tokens, np.cumsum(self.lengths)[:-1])


def draw_lengths(rng, n):
    """Lengths of n sequences."""
    kind = LENGTHS[rng.integers(len(LENGTHS))]
    if kind == "one":
        return np.ones(n, dtype=np.int64)
    if kind == "equal":
        return np.full(n, rng.integers(2, 6))
    lengths = rng.integers(1, 7, n)
    if kind == "one long":
        lengths[rng.integers(n)] = rng.integers(20, 80)
    return lengths


def draw_data(rng):
    """(Data to learn from, new Data of the same kind): 1 to 16 sequences, some of them equal or nearly equal to others."""
    families = PLAIN if rng.random() < 0.7 else EXTREME
    family, dim, drawn = families[rng.integers(len(families))], int(rng.integers(1, 5)), []
    for most in (16, 6):
        lengths = draw_lengths(rng, int(rng.integers(1, most + 1)))
        tokens = family(rng, (int(lengths.sum()), dim))
        if drawn and family in PLAIN and rng.random() < 0.2:
            tokens = tokens * 1e6  # far beyond what was learned from
        sequences, nearly = np.split(tokens, np.cumsum(lengths)[:-1]), False
        if rng.random() < 0.4:
            sequences, nearly = with_copies(rng, sequences)
        lengths = np.array([len(sequence) for sequence in sequences])
        drawn.append(Data(family.__name__, np.concatenate(sequences), lengths, family in PLAIN and not nearly))
    return tuple(drawn)


def draw_words(rng):
    """(Words to learn from, new words): 10 to 10,000 sequences of up to 12 letters from few points, rarely many of them."""
    n_letters, dim, drawn = int(rng.integers(2, 9)), int(rng.integers(1, 4)), []
    letters = rng.integers(-2, 4, (n_letters, dim)).astype(float)  # on a lattice: sums of different letters are equal
    for n in (int(10 ** (1 + 3 * rng.random() ** 3)), int(rng.integers(1, 7))):
        lengths = rng.integers(1, 13, n)
        drawn.append(Data("words", letters[rng.integers(n_letters, size=lengths.sum())], lengths, True))
    return tuple(drawn)


def with_copies(rng, sequences):
    """The sequences and some once more, as they are, permuted, repeated or moved by an ulp; and whether one was moved."""
    copies, nearly = [], False
    for i in rng.integers(len(sequences), size=1 + len(sequences) // 4).tolist():
        copy = sequences[i].copy()
        change = rng.integers(8)
        if change == 0:
            copy[rng.integers(len(copy))] = np.nextafter(copy[0], 0)
            nearly = True
        elif change < 3:
            copy = rng.permutation(copy)
        elif change < 5:
            copy = np.concatenate([copy, copy])
        copies.append(copy)
    return sequences + copies, nearly


# -- what is to be learned ---------------------------------------------------------------------------------------------


def keys_of(data, ordered):
    """What a network can know of each sequence: its tokens in order, or with their frequencies."""
    rows = [list(map(tuple, (sequence + 0.0).tolist())) for sequence in data.sequences]  # -0.0 becomes 0.0
    if ordered and (data.lengths > 1).any():
        return [tuple(tokens) for tokens in rows]
    return [
        frozenset((token, Fraction(count, len(tokens))) for token, count in Counter(tokens).items()) for tokens in rows
    ]


def draw_labels(rng, keys, contradict):
    """Class indices (N,), equal for equal keys, unless contradict is set."""
    labels = rng.integers(0, rng.integers(1, 6), len(keys))
    if not contradict:
        first = {}
        labels = np.array([first.setdefault(key, label) for key, label in zip(keys, labels.tolist())])
    labels = np.unique(labels, return_inverse=True)[1]
    labels.flags.writeable = False  # they are compared with what comes back
    return labels


def settled(labels, keys):
    """Labels with each group of equal keys under its majority label, of equally frequent ones the first."""
    counts = {}
    for key, label in zip(keys, labels.tolist()):
        counts.setdefault(key, Counter())[label] += 1
    best = {key: min(count, key=lambda label: (-count[label], label)) for key, count in counts.items()}
    return np.array([best[key] for key in keys]), sum(len(count) > 1 for count in counts.values())


def draw_targets(rng, data, keys):
    """Targets (m_j, q) of the first m_j tokens of each sequence, or one target (q,) a sequence.

    Equal for equal tokens in sequences with equal keys.
    """
    q, table = int(rng.integers(1, 4)), {}
    target = lambda *key: table.setdefault(key, rng.standard_normal(q))  # noqa: E731
    if rng.random() < 0.5:
        return np.array([target(key) for key in keys])
    out = []
    for key, sequence in zip(keys, data.sequences):
        rows = map(tuple, (sequence[: rng.integers(1, min(len(sequence), 3) + 1)] + 0.0).tolist())
        out.append(np.array([target(key, row) for row in rows]))
    return out
