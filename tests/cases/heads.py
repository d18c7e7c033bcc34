"""Series, heads that were drawn for them, and sums of heads by plain loops."""

import re
from itertools import combinations

import numpy as np
import pytest

from sklearn_hardmax import RaggedSequences
from sklearn_hardmax.constructions.heads.families import sample_families
from sklearn_hardmax.constructions.heads.pooled import MAX, PPV
from sklearn_hardmax.constructions.heads.sets import sample_set_heads

KERNELS = list(combinations(range(9), 3))  # the taps of weight 2


LEVELS = 1365


def series(n, token_dim=1, lengths=(1, 61), seed=0):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(*lengths, size=n)
    return RaggedSequences.from_flat(rng.normal(size=(lengths.sum(), token_dim)), lengths)


def uneven(n, token_dim=1, seed=0):
    """Series whose amplitudes differ by orders of magnitude, which 16 bits do not resolve."""
    X = series(n, token_dim, seed=seed)
    amplitudes = 10.0 ** np.random.default_rng(seed).uniform(-8, 0, size=n)
    return RaggedSequences(X.tokens * np.repeat(amplitudes, X.lengths)[:, None], X.offsets)


def extreme(n, token_dim, seed=0):
    """Tokens far outside the range of any training tokens."""
    rng = np.random.default_rng(seed)
    X = series(n, token_dim, seed=seed)
    sizes = rng.choice([1e300, 1.7e308, 1e20, 30.0, 1e-320], size=X.tokens.shape)
    return RaggedSequences(np.copysign(sizes, X.tokens), X.offsets)


def sums_of(heads, X):
    """Sums of all sequences, (N, n_heads), each sequence pooled exactly once."""
    out, pooled = np.full((len(X), heads.n_heads), np.nan), []
    for chunk, block in heads.sums(X):
        out[chunk.indices] = block.T
        pooled += chunk.indices.tolist()
    assert sorted(pooled) == list(range(len(X)))
    return out


def pool(kind, scores, bias):
    """The definition of a head: from the integer scores of the tokens of one sequence."""
    if kind == MAX:
        return max(scores)
    return sum(s > bias for s in scores) if kind == PPV else sum(max(s - bias, 0) for s in scores)


NAME = re.compile(r"(max|ppv) of kernel (\d+), dilation (\d+), channels ([-x\d ]+), (above|tilt) (-?\d+)(?: \(\d+\))?")


def parsed(heads):
    """Kind, kernel, dilation, [(channel, sign)] and last number of every head, read off its name, and its refinement.

    The refinement is 1 where 16 bits do, or 2^16; scores are divided by 2^14 times that in features.
    """
    out = []
    for name, unit in zip(heads.names(), np.broadcast_to(heads.unit, heads.n_heads)):
        kind, kernel, dilation, channels, _, last = NAME.fullmatch(name).groups()
        channels = tuple((int(c.lstrip("-x")), -1 if c.startswith("-") else 1) for c in channels.split())
        out.append((kind, int(kernel), int(dilation), channels, int(last), int(unit) // 2**14))
    return out


def channel_integers(heads, channels, refinement, tokens):
    """A sum of standardised features with signs, in steps of its largest training value / 1365, as Python integers.

    Features stand on multiples of 2^-32 before they are added.
    """
    levels, largest = LEVELS * refinement, sum(heads.standardisation.largest[j] for j, _ in channels)
    out = []
    for z in heads.standardisation.columns(np.asarray(tokens)).T.tolist():
        u = sum(sign * round(z[j] * 2.0**32) for j, sign in channels)
        out.append(max(-levels, min(levels, round(u / 2.0**32 * (levels / largest) if largest else 0.0))))
    return out


def kernel_score(x, t, kernel, dilation):
    """Nine taps around token t: 2 for three of them, -1 for the others, zeros beyond the ends."""
    total = 0
    for tap in range(9):
        at = t + (tap - 4) * dilation
        if 0 <= at < len(x):
            total += (2 if tap in KERNELS[kernel] else -1) * x[at]
    return total


def looped(heads, X):
    """All sums by plain loops, (N, n_heads), and the largest |S| / refinement without and with tilt."""
    out, plain, tilted = [], 0, 0
    for tokens in X:
        channels, scores, row = {}, {}, []
        for kind, kernel, dilation, which, last, refinement in parsed(heads):
            grid = which, refinement
            if grid not in channels:
                channels[grid] = channel_integers(heads, which, refinement, tokens)
            x = channels[grid]
            if (grid, kernel, dilation) not in scores:
                scores[grid, kernel, dilation] = [kernel_score(x, t, kernel, dilation) for t in range(len(x))]
            s = scores[grid, kernel, dilation]
            plain = max(plain, max(map(abs, s)) / refinement)
            if kind == "max":
                n = max(len(x) - 1, 1)
                s = [v + last * refinement * round(255 * (t / n)) for t, v in enumerate(s)]
                tilted = max(tilted, max(map(abs, s)) / refinement)
            row.append(pool(MAX if kind == "max" else PPV, s, last))
        out.append(row)
    return np.array(out), plain, tilted


def check_bits(heads, bits):
    """Whether there are heads of 32 bits, as wanted."""
    assert {h[-1] for h in parsed(heads)} <= {1, 2**16}
    assert (max(h[-1] for h in parsed(heads)) == 2**16) == (bits == 32)


SERIES = {
    "one channel": (series(25), 16),
    "several channels": (series(15, 4), 16),
    "constant channel": (RaggedSequences(series(10, 3).tokens * [1, 0, 1] + 7, series(10, 3).offsets), 16),
    "one channel, uneven": (uneven(20), 32),
    "several channels, uneven": (uneven(12, 3), 32),
    "an even beside an uneven channel": (
        RaggedSequences(np.hstack([series(12).tokens, uneven(12).tokens]), series(12).offsets),
        32,
    ),
}


def set_heads(X, n_heads, labels=None, seed=0):
    return sample_set_heads(X, labels, n_heads, np.random.RandomState(seed))


def drawn(kind, X, n_heads, seed=0):
    rng = np.random.RandomState(seed)
    if kind == "set":
        return sample_set_heads(X, None, n_heads, rng)
    heads, _ = sample_families(X, None, n_heads, ordered=True, families=KINDS[kind], rng=rng)
    return heads


KINDS = {
    "series": ("kernels",),
    "differences": ("difference_kernels",),
    "windows": ("windows",),
    "intervals": ("intervals",),
    "families": ("kernels", "difference_kernels", "windows", "intervals"),
}
ALL_KINDS = pytest.mark.parametrize("kind", ["set", *KINDS])


CASES = {
    "one": series(60),
    "three": series(40, 3),
    "uneven": uneven(30, 2),
    "equal lengths": series(30, 2, lengths=(40, 41)),
    "long": series(12, 2, lengths=(1000, 5000)),
    "very long": series(2, 1, lengths=(35_000, 50_000)),
}
