"""Heads of ordered sequences: kernels of nine taps on dilated windows, in fixed point.

A *virtual channel* is a sum of a few features with signs; it is rounded to the integers of [-1365, 1365]. Kernels are the 84
of MiniRocket (Dempster, Schmidt, Webb, KDD 2021): nine taps, three of weight 2, six of weight -1, at a dilation; so S = 3
(x_a + x_b + x_c) - (sum of the nine), |S| <= 12 * 1365 = 16380, with zeros beyond the ends of a sequence. A *tilted* kernel
adds tilt * rint(255 t / (n - 1)), |tilt| <= 64, which tells when: |S| <= 16380 + 16320 < 2^15, so nothing overflows int16.
Where the amplitudes of series differ by orders of magnitude all constants are 2^16 times larger, and integers have 32 bits.

Plain kernels give shares, tilted ones the maximum. Biases stand midway between neighbouring scores of 1,024 training tokens
at quantiles of a low-discrepancy sequence.
"""

from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from scipy.sparse import csr_array, vstack

from sklearn_hardmax.constructions.folds import folded, halved_maximum
from sklearn_hardmax.constructions.heads import MAX, SHARE, PooledHeads, Standardisation, mid_gaps, unique_names
from sklearn_hardmax.encoding import relative_positions, window_shifts, windows

N_TAPS = 9
TRIPLES = np.array(list(combinations(range(N_TAPS), 3)))
_LEVELS = 1365
_POSITIONS = 255
_LARGEST_TILT = 64
_WIDE = 2**16  # times finer, where 16 bits are too few
_FEW_STEPS = 16  # interquartile range of scores, in steps, below which they are
_DILATIONS = 12
_TILTED_SHARE = 0.06  # of the heads
_KERNELS_A_CHANNEL = 8  # of more than one feature
_BIASES_A_KERNEL = 4  # there
_SAMPLE = 1024  # tokens that biases are taken from
_MOST_FEATURES = 9  # in one virtual channel
_BLOCK = 2**18  # scores that are held together
_FEW_TOKENS = 2**12  # in a chunk: all kernels at once
_COLLECTED_ROWS = 16  # of counts, before all kernels are folded together


@dataclass(frozen=True)
class Group:
    """Kernels that read one virtual channel at one dilation.

    features, signs : (c,) which features are added, with signs +-1; scale : levels for a unit of their sum;
    plain : (k,) kernels that give shares, biases : (k, q); tilted : (t,) kernels that give maxima, tilts : (t,).
    """

    dilation: int
    features: np.ndarray
    signs: np.ndarray
    scale: float
    plain: np.ndarray
    biases: np.ndarray
    tilted: np.ndarray
    tilts: np.ndarray

    @property
    def n_columns(self):
        """Heads of the group."""
        return self.biases.size + len(self.tilted)

    def channel(self, z, levels):
        """Integers of the virtual channel from standardised tokens (token_dim, n), as float64."""
        u = self.signs[0] * z[self.features[0]]
        for j, sign in zip(self.features[1:].tolist(), self.signs[1:].tolist()):
            u += sign * z[j]
        u *= self.scale
        np.rint(u, out=u)
        return np.clip(u, -levels, levels, out=u)


@dataclass(frozen=True)
class SeriesHeads(PooledHeads):
    """Heads of ordered sequences; `refinement` is 1 (16 bits) or 2^16 (32 bits)."""

    standardisation: Standardisation
    groups: tuple
    n_heads: int
    refinement: int

    @property
    def dtype(self):
        """Of scores."""
        return np.dtype(np.int16 if self.refinement == 1 else np.int32)

    @property
    def unit(self):
        """Of scores in features."""
        return 2.0**14 * self.refinement

    @property
    def n_columns(self):
        """Heads that are evaluated."""
        return sum(group.n_columns for group in self.groups)

    @property
    def kinds(self):
        """MAX, SHARE or MEAN of every head, (n_heads,)."""
        parts = []
        for group in self.groups:
            parts += [np.full(group.biases.size, SHARE), np.full(len(group.tilted), MAX)]
        return np.concatenate(parts)[: self.n_heads]

    # -- evaluation --------------------------------------------------------------------------------------------------------

    def _pool(self, chunk, z, out, scratch):
        taps = _Taps(chunk, max(group.dilation for group in self.groups), self.dtype, scratch)
        limit = position = None
        if chunk.is_ragged:
            ends = np.iinfo(self.dtype)
            limit = np.where(chunk.is_token(), ends.max, ends.min).astype(self.dtype).ravel()
        if any(len(group.tilted) for group in self.groups):
            position = self._positions(chunk.relative_positions().ravel())
        first, before = 0, None
        for group in self.groups:
            channel = _channel_key(group)
            if before is None or channel != before[0]:
                taps.fill(group.channel(z, _LEVELS * self.refinement))
            if (channel, group.dilation) != before:
                taps.at(group.dilation)
            before = channel, group.dilation
            stop = first + group.biases.size
            if stop > first:
                _pool_plain(taps, group, limit, out[first:stop])
            first = stop + len(group.tilted)
            if first > stop:
                _pool_tilted(taps, group, limit, position, out[stop:first])

    def _positions(self, relative):
        return (np.rint(_POSITIONS * relative) * self.refinement).astype(self.dtype)

    # -- what a network reads ----------------------------------------------------------------------------------------------

    def _layout(self):
        """First column of each virtual channel and dilation among the coordinates, and their number (position last)."""
        first, n = {}, 0
        for group in self.groups:
            key = _channel_key(group), group.dilation
            if key not in first:
                first[key] = n
                n += N_TAPS
        return first, n + 1

    @property
    def coordinates(self):
        """Names of the integers that a network reads of a token."""
        names, named = [], set()
        for group in self.groups:
            key = _channel_key(group), group.dilation
            if key not in named:
                named.add(key)
                shifts = window_shifts(N_TAPS, group.dilation).tolist()
                names += [f"{_channel_name(group)}[{shift:+d}]" for shift in shifts]
        return [*names, "position"]

    def tokens(self, sequences):
        """The integers that a network reads of every token, (n_tokens, n_coordinates) float64."""
        first, width = self._layout()
        out = np.zeros((sequences.n_tokens, width))
        z = self.standardisation.columns(sequences.tokens)
        done = set()
        for group in self.groups:
            at = first[_channel_key(group), group.dilation]
            if at not in done:
                done.add(at)
                channel = group.channel(z, _LEVELS * self.refinement)[:, None]
                out[:, at : at + N_TAPS] = windows(channel, sequences.offsets, N_TAPS, group.dilation)
        out[:, -1] = self._positions(relative_positions(sequences.offsets))
        return out

    def forms(self):
        """Scores as linear forms: (n_scores, n_coordinates) CSR of integers; and for every head its score and bias."""
        first, width = self._layout()
        rows, index, biases, n = [], [], [], 0
        for group in self.groups:
            at = first[_channel_key(group), group.dilation] + np.arange(N_TAPS)
            kernels, tilts = np.concatenate([group.plain, group.tilted]), np.zeros(len(group.plain) + len(group.tilted))
            tilts[len(group.plain) :] = group.tilts
            weights = np.full((len(kernels), N_TAPS + 1), -1.0)
            np.put_along_axis(weights, TRIPLES[kernels], 2.0, axis=1)
            weights[:, -1] = tilts
            columns = np.broadcast_to(np.append(at, width - 1), weights.shape)
            place = np.repeat(np.arange(len(kernels)), N_TAPS + 1)
            rows.append(csr_array((weights.ravel(), (place, columns.ravel())), shape=(len(kernels), width)))
            q = group.biases.shape[1]
            index += [n + np.repeat(np.arange(len(group.plain)), q), n + np.arange(len(group.plain), len(kernels))]
            biases += [group.biases.ravel(), np.zeros(len(group.tilted), np.int64)]
            n += len(kernels)
        forms = vstack(rows, format="csr")
        forms.eliminate_zeros()
        return forms, np.concatenate(index)[: self.n_heads], np.concatenate(biases)[: self.n_heads]

    def names(self, features=None):
        """What each head reads, unique, (n_heads,) list of str; `features` are names for the features of a token."""
        names = []
        for group in self.groups:
            where = f"dilation {group.dilation}, channels {_channel_name(group, features)}"
            for kernel, biases in zip(group.plain.tolist(), group.biases.tolist()):
                names += [f"share of kernel {kernel}, {where}, above {bias}" for bias in biases]
            for kernel, tilt in zip(group.tilted.tolist(), group.tilts.tolist()):
                names.append(f"max of kernel {kernel}, {where}, tilt {tilt}")
        return unique_names(names[: self.n_heads])


def _channel_key(group):
    return group.features.tobytes() + group.signs.tobytes()


def _channel_name(group, features=None):
    signs = ["-" if sign < 0 else "" for sign in group.signs]
    return " ".join(sign + (str(j) if features is None else features[j]) for sign, j in zip(signs, group.features))


class _Taps:
    """One virtual channel of a chunk, between zeros, and its nine shifted views."""

    def __init__(self, chunk, largest_dilation, dtype, scratch):
        self.shape, self.scratch = chunk.shape, scratch
        self.size = chunk.n_rows * len(chunk.rows)
        self.halo = int(-window_shifts(N_TAPS, largest_dilation)[0]) * len(chunk.rows)
        self.once = scratch("once", (self.size + 2 * self.halo,), dtype)
        self.thrice = scratch("thrice", self.once.shape, dtype)
        self.once[:] = self.thrice[:] = 0
        self.few = self.size <= _FEW_TOKENS

    def fill(self, values):
        """Place the integers of a virtual channel (L B,)."""
        inside = slice(self.halo, self.halo + self.size)
        self.once[inside] = values
        np.multiply(self.once[inside], 3, out=self.thrice[inside])

    def at(self, dilation):
        """Read at a dilation from now on."""
        starts = self.halo + window_shifts(N_TAPS, dilation) * self.shape[1]
        self.x3 = [self.thrice[s : s + self.size] for s in starts.tolist()]
        if self.few:
            self.x3 = np.stack(self.x3)
        sides = [self.once[s : s + self.size] for s in starts.tolist()]
        self.rest = np.add(sides[0], sides[1], out=self.scratch("rest", (self.size,), self.once.dtype))
        for side in sides[2:]:
            self.rest += side
        np.negative(self.rest, out=self.rest)

    def blocks(self, kernels, copies):
        """Slices of kernels whose scores, `copies` times, are held together."""
        step = len(kernels) if self.few else max(1, _BLOCK // (copies * self.size))
        return [slice(k, k + step) for k in range(0, len(kernels), step)]

    def scores(self, kernels, limit):
        """Scores of kernels on all tokens, at most `limit`, (k, L B)."""
        out = self.scratch("scores", (len(kernels), self.size), self.once.dtype)
        if self.few:
            a, b, c = TRIPLES[kernels].T
            np.take(self.x3, a, axis=0, out=out, mode="clip")
            out += self.x3[b]
            out += self.x3[c]
            out += self.rest
            return out if limit is None else np.minimum(out, limit, out=out)
        pair, sums = None, self.scratch("pair", (self.size,), self.once.dtype)
        for row, (a, b, c) in zip(out, TRIPLES[kernels].tolist()):
            if pair != (a, b):
                pair = a, b
                np.add(self.rest, self.x3[a], out=sums)
                np.add(sums, self.x3[b], out=sums)
            np.add(sums, self.x3[c], out=row)
            if limit is not None:
                np.minimum(row, limit, out=row)
        return out

    def above(self, scores, biases):
        """1[S > b] for scores (k, L B) and biases (k, q): (k q, L, B) uint8."""
        shape = (len(scores), biases.shape[1], self.size)
        above = np.greater(scores[:, None], biases[:, :, None], out=self.scratch("above", shape, bool))
        return above.view(np.uint8).reshape(-1, *self.shape)


def _pool_plain(taps, group, limit, out):
    """Counts of S > b, heads in the order (kernel, bias)."""
    biases = group.biases.astype(taps.once.dtype)
    parts = []
    for block in taps.blocks(group.plain, biases.shape[1]):
        scores = taps.scores(group.plain[block], limit)
        parts.append(folded(taps.above(scores, biases[block]), 1, _COLLECTED_ROWS)[0].copy())
    np.add.reduce(np.concatenate(parts), axis=1, out=out, dtype=np.float64)


def _pool_tilted(taps, group, limit, position, out):
    """Largest S + tilt * position of every kernel."""
    tilts = group.tilts.astype(position.dtype)
    parts = []
    for block in taps.blocks(group.tilted, 2):
        scores = taps.scores(group.tilted[block], None)
        scores += np.multiply(tilts[block, None], position, out=taps.scratch("tilt", scores.shape, position.dtype))
        if limit is not None:
            np.minimum(scores, limit, out=scores)
        parts.append(halved_maximum(scores.reshape(-1, *taps.shape), _COLLECTED_ROWS).copy())
    np.maximum.reduce(np.concatenate(parts), axis=1, out=out)


# -- drawing -----------------------------------------------------------------------------------------------------------


def draw_series_heads(sequences, n_heads, rng):
    """n_heads heads for the lengths and tokens of these sequences; labels are not looked at."""
    standardisation = Standardisation.fit(sequences.tokens, np.inf)
    sample = _Sample(sequences, standardisation, rng)
    groups = [
        _empty_group(sequences.token_dim, dilation, *sizes, rng)
        for dilation, *sizes in _plan(sequences.lengths, sequences.token_dim, n_heads)
    ]
    for refinement in (1, _WIDE):
        groups, steps = zip(*[_with_biases(group, sample, refinement) for group in groups])
        if np.quantile(np.concatenate(steps), 0.1) >= _FEW_STEPS:
            break
    return SeriesHeads(standardisation, tuple(groups), n_heads, refinement)


def dilations_for(lengths):
    """At most 12 dilations, evenly spaced in the logarithm, up to an eighth of the median length."""
    largest = max(1.0, (np.median(lengths) - 1) / (N_TAPS - 1))
    return np.unique(np.geomspace(1, largest, _DILATIONS).astype(int)).tolist()


def _plan(lengths, token_dim, n_heads):
    """(dilation, number of plain kernels, of biases of each, of tilted kernels) a group; at least n_heads heads in all."""
    dilations = dilations_for(lengths)
    if token_dim == 1:
        share = -(-n_heads // len(dilations))
        n_tilted = round(_TILTED_SHARE * share)
        n_plain = min(len(TRIPLES), share - n_tilted)
        return [(dilation, n_plain, -(-(share - n_tilted) // n_plain), n_tilted) for dilation in dilations]
    plain, biases = _KERNELS_A_CHANNEL, _BIASES_A_KERNEL
    n_tilted = round(plain * biases * _TILTED_SHARE / (1 - _TILTED_SHARE))
    n_groups = -(-n_heads // (plain * biases + n_tilted))
    return [(dilations[g * len(dilations) // n_groups], plain, biases, n_tilted) for g in range(n_groups)]


class _Sample:
    """Some training tokens with their windows: what biases are taken from."""

    def __init__(self, sequences, standardisation, rng):
        n = sequences.n_tokens
        self.index = np.arange(n) if n <= _SAMPLE else np.sort(rng.choice(n, _SAMPLE, replace=False))
        sequence = np.searchsorted(sequences.offsets, self.index, side="right") - 1
        self.low, self.high = sequences.offsets[sequence], sequences.offsets[sequence + 1]
        self.sequences, self.standardisation = sequences, standardisation
        self._windows = {}

    def window(self, dilation):
        """Standardised windows, (token_dim, 9, n), 0 beyond the ends of a sequence."""
        if dilation not in self._windows:
            at = self.index + window_shifts(N_TAPS, dilation)[:, None]
            inside = (at >= self.low) & (at < self.high)
            rows = np.where(inside, at, self.index).ravel()
            z = self.standardisation.columns(np.asarray(self.sequences.tokens[rows])).reshape(-1, *at.shape)
            self._windows = {dilation: np.where(inside, z, 0.0)}  # one is enough: groups come by dilation
        return self._windows[dilation]


def _empty_group(token_dim, dilation, n_plain, n_biases, n_tilted, rng):
    """Random channels, kernels and tilts; biases come later."""
    n_features = int(2 ** rng.uniform(0, np.log2(min(token_dim, _MOST_FEATURES) + 1))) if token_dim > 1 else 1
    features = np.sort(rng.choice(token_dim, n_features, replace=False))
    signs = np.ones(1) if token_dim == 1 else rng.choice([-1.0, 1.0], n_features)
    plain = np.sort(rng.choice(len(TRIPLES), n_plain, replace=False))
    tilted = np.sort(rng.randint(len(TRIPLES), size=n_tilted))
    tilts = rng.randint(8, _LARGEST_TILT + 1, size=n_tilted) * rng.choice([-1, 1], n_tilted)
    return Group(dilation, features, signs, np.nan, plain, np.zeros((n_plain, n_biases), np.int64), tilted, tilts)


def _with_biases(group, sample, refinement):
    """The group with the biases of its kernels, and the interquartile ranges of their scores on the sample."""
    levels = _LEVELS * refinement
    largest = sample.standardisation.largest[group.features].sum()
    group = replace(group, scale=levels / largest if largest > 0 else 0.0)
    window = sample.window(group.dilation)
    taps = group.channel(window.reshape(len(window), -1), levels).reshape(N_TAPS, -1).astype(np.int64)
    plain = _scores(taps, group.plain)
    plain.sort(axis=1)
    n = taps.shape[1]
    ranges = plain[:, 3 * (n - 1) // 4] - plain[:, (n - 1) // 4]
    return replace(group, biases=mid_gaps(plain, group.biases.shape[1])), ranges


def _scores(taps, kernels):
    return 3 * taps[TRIPLES[kernels]].sum(axis=1) - taps.sum(axis=0)
