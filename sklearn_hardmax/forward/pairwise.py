"""Hardmax attention whose score is a sum of several products: every token is compared with every token of its sequence.

The score of token l for token i is sum_r <query_r, z_i> <key_r, z_l>. Three measures keep the n^2 scores of a sequence cheap.
None of them changes a bit of the result:

*Equal tokens* of a sequence have equal queries and keys. Sequences of similar length are put side by side in tables that hold
each distinct token once, with the number of its copies (distinct_tokens.py).

*Pre-selection.* Matrix products (BLAS) give all scores of a table quickly. Their summation order is unspecified, so that they
decide no tie: they only rule out tokens that lie so far below the largest score of their row, by more than 4 (k + r + 2 D)
eps M_i, that rounding in any order cannot make them tie with it (pair_scores.py has the symbols and the bound). Rows with one
token left are done. In the others, the tie rule decides from sums in fixed order.

*Blocks.* A sequence with more than 2^18 scores is processed in blocks of rows: memory is O(block + n), not O(n^2).
"""

import itertools

import numpy as np

from sklearn_hardmax.forward import distinct_tokens
from sklearn_hardmax.forward.pair_scores import PairScores
from sklearn_hardmax.forward.ties import leaders
from sklearn_hardmax.sequences.segments import Segments, changes, sequence_of_each_token

_BLOCK_SCORES = 2**18  # scores that are held at once
_PADDING_SCORE = -(2.0**1000)  # below the product of every pair of tokens


def attend(layer, stream, segments, coordinates):
    """Mean of the tokens that each token attends to, and which tokens are leaders.

    Parameters
    ----------
    layer : Attention
        Of positive rank.
    stream : ndarray of shape (D, n)
        Finite.
    segments : Segments
    coordinates : list of int
        Where the means are computed.

    Returns
    -------
    means : ndarray of shape (D, n)
        0 at all other coordinates.
    is_leader : ndarray of shape (n,), bool
        Whether a token attends to itself and its copies, and to no other token.
    """
    stream = stream + 0.0  # -0.0 becomes 0.0: equal tokens have equal bits
    n_tokens = stream.shape[1]
    attended = np.empty(n_tokens, dtype=np.int64)
    is_leader = np.empty(n_tokens, dtype=bool)
    scores = PairScores.from_stream(layer, stream, segments)
    tied_means = []
    for batch in distinct_tokens.batches(stream, segments, _BLOCK_SCORES):
        places = np.arange(batch.representatives.size)
        # The place that each place attends to; -1 for several. Their tokens get any index in `attended`, and their means
        # from `tied_means` at the end.
        attended_place = np.full(places.size, -1)
        for queries, keys, rows, _ in _attended_pairs(scores, batch):
            if rows is None:
                attended_place[queries] = keys
            else:
                values = stream[coordinates][:, batch.representatives]
                tied_means.append(_of_copies(batch, queries, _means(values, keys, rows, batch.copies)))
                attended_place[queries] = np.where(rows.lengths == 1, keys[rows.starts], -1)
        # from places of distinct tokens back to all tokens: copies share a place
        attended[batch.tokens] = batch.representatives[attended_place][batch.places]
        is_leader[batch.tokens] = (attended_place == places)[batch.places]
    means = np.zeros_like(stream)
    for c in coordinates:
        means[c] = stream[c][attended]
    for tokens, values in tied_means:
        means[np.ix_(coordinates, tokens)] = values
    return means, is_leader


def _of_copies(batch, queries, values):
    """The tokens at the places `queries` (q,), copies included, and for each its column of values (c, q)."""
    # The column of values of each place, -1 where the place is not among the queries; then of each token.
    column = np.full(batch.representatives.size, -1)
    column[queries] = np.arange(len(queries))
    column = column[batch.places]
    is_chosen = column >= 0
    return batch.tokens[is_chosen], values[:, column[is_chosen]]


def _means(values, keys, rows, copies):
    """Means of the values (c, n_places) at the keys of each row, (c, n_rows), as v + mean(z - v), v the smallest."""
    # An attended place counts as many times as it has copies.
    copies = copies[keys]
    n_copies = np.add.reduceat(copies, rows.starts)
    means = np.empty((len(values), len(rows.starts)))
    for mean, attended_values in zip(means, values[:, keys]):
        smallest = np.minimum.reduceat(attended_values, rows.starts)
        above = (attended_values - rows.per_token(smallest)) * copies
        mean[:] = smallest + np.add.reduceat(above, rows.starts) / n_copies
    return means


def attended_sets(layer, stream, segments):
    """The tokens that each token attends to, and the margin of the tie rule over all pairs, without pre-selection.

    Returns (sets, margin): ``sets[j][i]`` are the sorted indices, within sequence j, of the tokens that its token i attends
    to.
    """
    stream = stream + 0.0  # as in `attend`
    sets = [[None] * n for n in segments.lengths.tolist()]
    sequences = sequence_of_each_token(segments.lengths)
    scores = PairScores.from_stream(layer, stream, segments)
    smallest_margin = np.inf
    for batch in distinct_tokens.batches(stream, segments, _BLOCK_SCORES):
        # copies[p] are the tokens of the chunk at place p: runs of equal places, once these are sorted
        order = np.argsort(batch.places, kind="stable")
        ends = np.searchsorted(batch.places[order], np.arange(batch.representatives.size + 1))
        copies = [batch.tokens[order[start:stop]] for start, stop in itertools.pairwise(ends)]
        for queries, keys, rows, margin in _attended_pairs(scores, batch, keep_all=True):
            smallest_margin = min(smallest_margin, margin)
            for query, start, length in zip(queries.tolist(), rows.starts.tolist(), rows.lengths.tolist()):
                sequence = sequences[batch.representatives[query]]
                first_token = segments.starts[sequence]
                attended = np.concatenate([copies[key] for key in keys[start : start + length].tolist()])
                attended = np.sort(attended) - first_token
                for token in copies[query].tolist():
                    sets[sequence][token - first_token] = attended
    return sets, smallest_margin


# -- attended pairs of a batch -----------------------------------------------------------------------------------------


def _attended_pairs(scores, batch, keep_all=False):
    """Which places of a table each of its places attends to, in blocks of columns of the table.

    Parameters
    ----------
    scores : PairScores
    batch : DistinctTokens
    keep_all : bool
        True skips the pre-selection, so that the tie rule compares all pairs.

    Yields
    ------
    queries : ndarray of shape (q,)
        Places; over all blocks every place but padding once.
    keys : ndarray of shape (p,)
        The places that they attend to, those of one query after those of another.
    rows : Segments or None
        Where the keys of each query are; None if every query has one key.
    margin : float
        Of the tie rule, over the pairs that it compared; inf where it compared none.
    """
    n_sequences, length = batch.shape
    table = batch.representatives.reshape(batch.shape)
    is_real = batch.copies.reshape(batch.shape) > 0
    first_places = length * np.arange(n_sequences)[:, None]  # of each sequence
    query_values, key_values = _factors_of_products(scores, table, is_real)
    slack = scores.slack[table]
    factors = None  # of scores in fixed order: computed where a tie is possible
    n_columns = max(1, _BLOCK_SCORES // (n_sequences * length))
    for start in range(0, length, n_columns):
        block = slice(start, start + n_columns)
        is_query = is_real[:, block]
        places = first_places + np.arange(length)[block]
        if keep_all:
            undecided = is_query
        else:
            products = query_values[:, block] @ key_values  # (G, queries of the block, L)
            winner, undecided = _winners(products, slack[:, block])
            # Padding has rows of scores as well, which is_query drops.
            decided = is_query & ~undecided
            yield places[decided], (first_places + winner)[decided], None, np.inf
            undecided &= is_query
        if undecided.any():
            # one row of keys per undecided query: those that may tie for its largest score
            if keep_all:
                is_candidate = is_real[np.nonzero(undecided)[0]]
            else:
                is_candidate = _candidates(products[undecided], slack[:, block][undecided])
            row, key = np.nonzero(is_candidate)
            if factors is None:
                factors = scores.in_fixed_order(batch.representatives)
            first_key = np.broadcast_to(first_places, places.shape)[undecided]
            yield _tied(factors, places[undecided][row], key + first_key[row])


def _factors_of_products(scores, table, is_real):
    """Query values (G, L, r) and key values (G, r, L) of a table; their matrix products are the scores.

    A table with padding has one more factor, 1 for every query, and for keys 0 or the score of padding. So padding never has
    the largest score.
    """
    query_values = scores.query_values[table]
    key_values = scores.key_values[:, table]
    if not is_real.all():
        query_values = np.concatenate([query_values, np.ones((*table.shape, 1))], axis=2)
        key_values = np.concatenate([key_values, np.where(is_real, 0.0, _PADDING_SCORE)[None]])
    return query_values, key_values.transpose(1, 0, 2)


def _winners(products, slack):
    """Column of the largest product of each row, and the rows whose second largest is not below it by more than the slack."""
    flat = products.reshape(-1, products.shape[2])
    rows = np.arange(len(flat))
    winner = flat.argmax(axis=1)
    best = flat[rows, winner]
    # Put the largest out of the way in place, which needs no second array of this size, and restore it afterwards.
    flat[rows, winner] = _PADDING_SCORE
    second = flat[rows, flat.argmax(axis=1)]
    flat[rows, winner] = best
    undecided = second >= best - slack.ravel()
    shape = products.shape[:2]
    return winner.reshape(shape), undecided.reshape(shape)


def _candidates(products, slack):
    """Which products of rows (m, L) are not below the largest of their row by more than the slack."""
    return products >= (products.max(axis=1) - slack)[:, None]


def _tied(factors, queries, keys):
    """The pairs, sorted by query, that the tie rule leaves; as `_attended_pairs` yields them."""
    scores, bounds = factors.scores(queries, keys)
    is_attended, margin = leaders(scores, bounds, _runs(queries))
    queries = queries[is_attended]
    keys = keys[is_attended]
    rows = _runs(queries)
    return queries[rows.starts], keys, rows, margin


def _runs(queries):
    """Segments of the runs of equal queries."""
    starts = np.append(0, changes(queries) + 1)
    return Segments(starts, np.diff(np.append(starts, len(queries))))
