"""Attention whose matrix B has rank above one: every token asks every other, in batches of sequences of similar length.

The score of token l for token i is sum_r <query_r, z_i> <key_r, z_l>. Three things keep n^2 scores a sequence cheap, and none
of them shows in the result:

*Equal tokens* of a sequence ask and answer alike: each batch holds its distinct tokens once, with the number of their
copies. They stand in the order of a hash of their values, so that sums do not depend on the order of tokens either.

*Filter.* BLAS products give all scores of a batch, in orders of summation that nobody knows. They decide nothing. With
k terms a score in fixed order (ties.py) and M_i = sum_r |query_r|.|z_i| max_l |key_r|.|z_l|, the products differ from it by
at most (k + r + 2 D) eps M_i, and two scores of row i tie only within 2 k eps M_i. So a token that they put more than
4 (k + r + 2 D) eps M_i below the largest is attended in no order of summation. Rows where one token is left are done; in
the others the tie rule decides.

*Blocks.* A sequence whose scores exceed the block is done in blocks of rows: memory is O(block + n), not O(n^2).

Scores are compared within a row only. So each query may be scaled by a power of two, each sequence of keys too, and neither
squares of 1e-200 nor of 1e200 leave the range of float64.
"""

import itertools
from typing import NamedTuple

import numpy as np

from sklearn_hardmax.forward.ties import EPS, inner_products, integral, leaders
from sklearn_hardmax.sequences.segments import Segments, changes

_BLOCK_SCORES = 2**18  # scores that are held at once
_SMALL = 2**15  # scores that cost less than a batch of their own
_SIMILAR = 1.25  # lengths that are padded to one another
_PLAIN = 256  # exponents that need no scaling before products of two numbers
_BELOW = -(2.0**1000)  # the score of padding
_NOTHING = 2.0**-1000  # what underflow may take from a score
_MIXERS = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F), np.uint64(29)  # odd factors, and a shift
_BEHIND = np.uint64(2**64 - 1)  # sorts behind the hash, of 63 bits, of every token


def attend(layer, stream, segments, coordinates):
    """Mean of the tokens that each token attends to (D, n), filled at these coordinates, and who attends to itself only.

    The second, bool (n,), is true where a token attends to itself and its copies and to no other token.
    """
    stream = stream + 0.0  # -0.0 is 0.0
    heads, alone = np.empty(stream.shape[1], dtype=np.int64), np.empty(stream.shape[1], dtype=bool)
    scores, tied = _Scores.from_stream(layer, stream, segments), []
    for batch in _batches(stream, segments):
        own = np.arange(batch.first.size)
        head = np.full(batch.first.size, -1)
        for queries, keys, rows, _ in _blocks(scores, batch):
            if rows is None:  # one key a query
                head[queries] = keys
            else:
                tied.append(
                    _of_copies(batch, queries, _means(stream[coordinates][:, batch.first], keys, rows, batch.copies))
                )
                head[queries] = np.where(rows.lengths == 1, keys[rows.starts], -1)
        heads[batch.tokens] = batch.first[head][batch.place]
        alone[batch.tokens] = (head == own)[batch.place]
    means = np.zeros_like(stream)
    for c in coordinates:
        means[c] = stream[c][heads]
    for tokens, values in tied:
        means[np.ix_(coordinates, tokens)] = values
    return means, alone


def _of_copies(batch, queries, values):
    """The tokens that stand at these places, and for each its column of values (c, m)."""
    column = np.full(batch.first.size, -1)
    column[queries] = np.arange(len(queries))
    column = column[batch.place]
    chosen = column >= 0
    return batch.tokens[chosen], values[:, column[chosen]]


def _means(values, keys, rows, copies):
    """Means of the values (c, m) at the keys of each row, (c, n_rows), as v + mean(z - v), v the smallest."""
    copies = copies[keys]
    n_copies = np.add.reduceat(copies, rows.starts)
    out = np.empty((len(values), len(rows.starts)))
    for mean, taken in zip(out, values[:, keys]):
        smallest = np.minimum.reduceat(taken, rows.starts)
        mean[:] = smallest + np.add.reduceat((taken - rows.per_token(smallest)) * copies, rows.starts) / n_copies
    return out


def attended_sets(layer, stream, segments):
    """For every sequence the list of the tokens that each of its tokens attends to, and the margin; nothing is filtered."""
    stream = stream + 0.0
    sets = [[None] * n for n in segments.lengths.tolist()]
    owners = segments.per_token(np.arange(len(segments.starts)))
    scores, smallest = _Scores.from_stream(layer, stream, segments), np.inf
    for batch in _batches(stream, segments):
        order = np.argsort(batch.place, kind="stable")
        borders = np.searchsorted(batch.place[order], np.arange(batch.first.size + 1))
        copies = [batch.tokens[order[a:b]] for a, b in itertools.pairwise(borders)]
        for queries, keys, rows, margin in _blocks(scores, batch, keep_all=True):
            smallest = min(smallest, margin)
            for query, start, length in zip(queries.tolist(), rows.starts.tolist(), rows.lengths.tolist()):
                owner = owners[batch.first[query]]
                first = segments.starts[owner]
                found = np.sort(np.concatenate([copies[k] for k in keys[start : start + length].tolist()])) - first
                for token in copies[query].tolist():
                    sets[owner][token - first] = found
    return sets, smallest


# -- scores ------------------------------------------------------------------------------------------------------------


class _Scores(NamedTuple):
    """Scores of a chunk: what the filter multiplies, and what the tie rule is asked with.

    asks (n, r), keys (r, n) : products of BLAS; slack : (n,), what the filter leaves to each query;
    scale : (n,), the sequence of a token was multiplied by 2^-scale; scaled : (D, n), the tokens after that.
    """

    layer: object
    segments: Segments
    asks: np.ndarray
    keys: np.ndarray
    slack: np.ndarray
    scale: np.ndarray
    scaled: np.ndarray

    @classmethod
    def from_stream(cls, layer, stream, segments):
        """For all tokens (D, n) of a chunk."""
        sizes = np.abs(stream)
        largest = segments.maxima(sizes.max(axis=0))
        scale = np.frexp(largest)[1]
        scale[np.abs(scale) <= _PLAIN] = 0
        scale = segments.per_token(scale)
        if scale.any():
            stream, sizes = np.ldexp(stream, -scale), np.ldexp(sizes, -scale)
        query, key = _scaled(layer.query)[0], _scaled(layer.key)[0]
        reach = (np.abs(query) * np.abs(key).sum(axis=1)[:, None]).sum(axis=0).max()
        terms = _terms(layer) + layer.rank + 2 * len(stream)
        asking, answering = sizes[query.any(axis=0)].sum(axis=0), sizes[key.any(axis=0)].max(axis=0, initial=0.0)
        slack = 4 * terms * EPS * reach * segments.per_token(segments.maxima(answering)) * asking + _NOTHING
        return cls(layer, segments, stream.T @ query.T, key @ stream, slack, scale, stream)

    def sides(self, tokens):
        """What scores of these tokens in fixed order are made of: two pairs (values, moduli) of (r, m), exactness, scales.

        The score of query i is 2^scales[i] times what the values of both sides give.
        """
        scaled, sides, scales = self.scaled[:, tokens], [], 2 * self.scale[tokens]
        for factors in (self.layer.query, self.layer.key):
            factors, size = _scaled(factors)
            values, moduli = inner_products(factors, scaled)
            shift = np.frexp(moduli.max(axis=0))[1]
            if sides:  # keys of a sequence are compared with each other
                ends = np.frexp(self.segments.maxima(np.abs(self.scaled).max(axis=0)))[1]
                shift = self.segments.per_token(ends)[tokens]
            sides.append((np.ldexp(values, -shift), np.ldexp(moduli, -shift)))
            scales = scales + shift + size
        exact = integral(np.concatenate([self.layer.query, self.layer.key]), np.ldexp(scaled, self.scale[tokens]))
        return *sides, exact, scales


def _scaled(factors):
    """Factors between -1 and 1, and the power of two that they were divided by."""
    exponent = np.frexp(np.abs(factors).max())[1]
    return np.ldexp(factors, -exponent), exponent


def _terms(layer):
    return sum(np.count_nonzero(f, axis=1).max() for f in (layer.query, layer.key)) + layer.rank + 1


def _pair_scores(layer, sides, queries, keys):
    """Scores of pairs in fixed order, and their rounding bounds."""
    (asks, ask_moduli), (answers, answer_moduli), exact, scales = sides
    values, moduli = np.zeros((2, len(queries)))
    for r in range(len(asks)):
        values += asks[r, queries] * answers[r, keys]
        moduli += ask_moduli[r, queries] * answer_moduli[r, keys]
    bounds = _terms(layer) * EPS * moduli
    exact = exact[queries] & exact[keys]
    if exact.any():  # the scores of integers are integers: scales of at least 0
        bounds[exact & (moduli < np.ldexp(2.0**53, -np.maximum(scales[queries], 0)))] = 0.0
    return values, bounds


# -- batches -----------------------------------------------------------------------------------------------------------


class _Batch(NamedTuple):
    """The distinct tokens of sequences of similar length, side by side in a table (G, L), each row padded at its end.

    first : (G L,), one of the equal tokens of the chunk; copies : (G L,), how many there are, 0 for padding;
    tokens, place : the tokens of the chunk, and where in the table each of them stands; shape : (G, L).
    """

    first: np.ndarray
    copies: np.ndarray
    tokens: np.ndarray
    place: np.ndarray
    shape: tuple


def _batches(stream, segments):
    """All sequences of a chunk, in batches."""
    hashes = _hashes(stream)
    order = np.argsort(segments.lengths, kind="stable")
    lengths = segments.lengths[order].tolist()
    start = 0
    for stop in range(1, len(order) + 1):
        if stop < len(order):
            area = (stop + 1 - start) * lengths[stop] ** 2
            if area <= _SMALL or (area <= _BLOCK_SCORES and lengths[stop] <= _SIMILAR * lengths[start]):
                continue
        yield _batch(stream, hashes, *(part[order[start:stop]] for part in segments))
        start = stop


def _hashes(stream):
    """One 63-bit number a token, from the bits of its coordinates in order."""
    multiply, again, shift = _MIXERS
    out = np.zeros(stream.shape[1], dtype=np.uint64)
    for values in stream:
        out = (out ^ values.view(np.uint64)) * multiply
        out ^= out >> shift
        out *= again
    return out >> np.uint64(1)


def _batch(stream, hashes, starts, lengths):
    """The distinct tokens of these sequences."""
    at = np.arange(lengths[-1])
    tokens, real = starts[:, None] + at, None
    if lengths[0] < lengths[-1]:
        real = at < lengths[:, None]
        tokens = np.where(real, tokens, starts[:, None])
    keys = hashes[tokens] if real is None else np.where(real, hashes[tokens], _BEHIND)
    order = np.argsort(keys, axis=1, kind="stable") + at.size * np.arange(len(starts))[:, None]
    tokens, keys = tokens.ravel()[order], keys.ravel()[order]  # padding stays behind
    is_new = np.ones(tokens.shape, dtype=bool)
    np.not_equal(keys[:, 1:], keys[:, :-1], out=is_new[:, 1:])
    same = np.flatnonzero(~is_new)
    if len(same):  # one hash: almost certainly one token
        is_new.ravel()[same] = (stream[:, tokens.ravel()[same]] != stream[:, tokens.ravel()[same - 1]]).any(axis=0)
    if real is not None:
        is_new &= real
    place = np.cumsum(is_new, axis=1) - 1
    length = int(place[:, -1].max()) + 1
    place += length * np.arange(len(starts))[:, None]
    place, tokens = (a.ravel() if real is None else a[real] for a in (place, tokens))
    first = np.zeros(len(starts) * length, dtype=np.int64)
    first[place] = tokens
    copies = np.bincount(place, minlength=len(first)).astype(np.float64)
    return _Batch(first, copies, tokens, place, (len(starts), length))


# -- pairs -------------------------------------------------------------------------------------------------------------


def _blocks(scores, batch, keep_all=False):
    """Attended pairs of a batch, in blocks of rows: yields (queries, keys, rows, margin).

    queries (m,) are places in the table, keys (p,) too, those of one query after those of another: `rows`, Segments, says
    where; None where every query has one key. With keep_all nothing is filtered, and the margin is that of all pairs.
    """
    n_sequences, length = batch.shape
    table, real = batch.first.reshape(batch.shape), batch.copies.reshape(batch.shape) > 0
    base = length * np.arange(n_sequences)[:, None]  # places of the first tokens
    asks, keys = _products(scores, table, real)
    slack, sides = scores.slack[table], None
    step = max(1, _BLOCK_SCORES // (n_sequences * length))
    for block in (slice(start, start + step) for start in range(0, length, step)):
        asking, places = real[:, block], base + np.arange(length)[block]
        if keep_all:
            tied = asking
        else:
            products = asks[:, block] @ keys
            winner, tied = _winners(products, slack[:, block])
            done = asking & ~tied
            yield places[done], (base + winner)[done], None, np.inf
            tied &= asking
        if tied.any():
            near = real[np.nonzero(tied)[0]] if keep_all else _near(products[tied], slack[:, block][tied])
            row, key = np.nonzero(near)
            sides = scores.sides(batch.first) if sides is None else sides
            yield _settled(scores.layer, sides, places[tied][row], key + np.broadcast_to(base, places.shape)[tied][row])


def _products(scores, table, real):
    """What the filter multiplies: (G, L, r) and (G, r, L), with one more term where padding is to lose."""
    asks, keys = scores.asks[table], scores.keys[:, table]
    if not real.all():
        asks = np.concatenate([asks, np.ones((*table.shape, 1))], axis=2)
        keys = np.concatenate([keys, np.where(real, 0.0, _BELOW)[None]])
    return asks, keys.transpose(1, 0, 2)


def _winners(products, slack):
    """The largest product of each row, and the rows where a second one is not below it by more than the slack."""
    flat = products.reshape(-1, products.shape[2])
    rows = np.arange(len(flat))
    winner = flat.argmax(axis=1)
    best = flat[rows, winner]
    flat[rows, winner] = _BELOW
    second = flat[rows, flat.argmax(axis=1)]
    flat[rows, winner] = best
    shape = products.shape[:2]
    return winner.reshape(shape), (second >= best - slack.ravel()).reshape(shape)


def _near(products, slack):
    """Which products of rows (m, L) are not below the largest by more than the slack."""
    return products >= (products.max(axis=1) - slack)[:, None]


def _settled(layer, sides, queries, keys):
    """What the tie rule leaves of pairs, sorted by query, as _blocks yields it."""
    values, bounds = _pair_scores(layer, sides, queries, keys)
    member, margin = leaders(values, bounds, _rows(queries))
    queries, keys = queries[member], keys[member]
    rows = _rows(queries)
    return queries[rows.starts], keys, rows, margin


def _rows(queries):
    """Where the runs of equal queries begin, and how long they are."""
    starts = np.append(0, changes(queries) + 1)
    return Segments(starts, np.diff(np.append(starts, len(queries))))
