"""Tables of the distinct tokens of sequences: equal tokens are stored once, with the number of their copies.

In attention of rank above one, equal tokens of a sequence have equal queries and equal keys, so that one row and one column
of the scores serve all copies. The tables hold sequences of similar length side by side, each padded to the longest.

*Hash.* Equal tokens are found by sorting: each token gets one 63-bit hash of the bits of its coordinates, the hashes of a
sequence are sorted, and a token whose hash equals that of its predecessor is compared with it coordinate by coordinate. So
two different tokens are never merged, even if their hashes agree. The distinct tokens stay in the order of their hashes,
which depends on their values only: sums over a row of a table do not depend on the order of the tokens in the sequence.
"""

from typing import NamedTuple

import numpy as np

from sklearn_hardmax.sequences.segments import similar_length_runs

_SMALL_BATCH_SCORES = 2**15  # scores that cost less than a batch of their own: such a batch may have any lengths
_MAX_LENGTH_RATIO = 1.25  # of sequences that are padded to one another
# They mix the bits of a token. Factors are odd: multiplication modulo 2^64 then maps different numbers to different numbers.
_FIRST_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_SECOND_FACTOR = np.uint64(0xC2B2AE3D27D4EB4F)
_SHIFT = np.uint64(29)
_PADDING_HASH = np.uint64(2**64 - 1)  # larger than the 63-bit hash of every token, so that padding is sorted to the end


class DistinctTokens(NamedTuple):
    """The distinct tokens of G sequences of similar length in a table (G, L), each row padded at its end.

    A place is an index into the flattened table. Tokens are indexed as in the chunk that holds the sequences.

    Attributes
    ----------
    representatives : ndarray of shape (G L,), int64
        For each place one of the equal tokens that it stands for; any token for padding.
    copies : ndarray of shape (G L,), float64
        For each place the number of equal tokens that it stands for, 0 for padding.
    tokens : ndarray of shape (m,), int64
        All tokens of the G sequences, copies included.
    places : ndarray of shape (m,), int64
        The place of each of `tokens`.
    shape : tuple of int
        (G, L).
    """

    representatives: np.ndarray
    copies: np.ndarray
    tokens: np.ndarray
    places: np.ndarray
    shape: tuple


def batches(stream, segments, max_scores):
    """Yield one DistinctTokens per run of sequences of similar length, for all sequences of a chunk.

    A batch of several sequences has at most max_scores scores, (number of sequences) x (largest length)^2. The stream (D, n)
    must hold no -0.0: equal tokens have equal bits.
    """
    hashes = _hashes(stream)
    order = np.argsort(segments.lengths, kind="stable")
    runs = similar_length_runs(
        segments.lengths[order].tolist(), lambda n: n**2, max_scores, _MAX_LENGTH_RATIO, small=_SMALL_BATCH_SCORES
    )
    for run in runs:
        yield _distinct_tokens(stream, hashes, segments.starts[order[run]], segments.lengths[order[run]])


def _hashes(stream):
    """One 63-bit number per token, from the bits of its coordinates in order."""
    hashes = np.zeros(stream.shape[1], dtype=np.uint64)
    for values in stream:
        # A product moves information to higher bits only (it is taken modulo 2^64); the shift brings it back to lower ones.
        hashes = (hashes ^ values.view(np.uint64)) * _FIRST_FACTOR
        hashes ^= hashes >> _SHIFT
        hashes *= _SECOND_FACTOR
    return hashes >> np.uint64(1)


def _distinct_tokens(stream, hashes, starts, lengths):
    """The table of these sequences, whose lengths are in ascending order."""
    columns = np.arange(lengths[-1])
    rows = np.arange(len(starts))[:, None]
    tokens = starts[:, None] + columns
    if lengths[0] < lengths[-1]:
        is_real = columns < lengths[:, None]
        tokens = np.where(is_real, tokens, starts[:, None])  # padding repeats the first token of its sequence
        row_hashes = np.where(is_real, hashes[tokens], _PADDING_HASH)
    else:
        is_real = None
        row_hashes = hashes[tokens]
    # Sort each row by hash. Padding stays at the end, so that is_real describes the sorted table as well.
    order = np.argsort(row_hashes, axis=1, kind="stable") + columns.size * rows
    tokens = tokens.ravel()[order]
    row_hashes = row_hashes.ravel()[order]
    # A token is new where it differs from its predecessor: certainly so if the hashes differ, else if a coordinate does.
    is_new = np.ones(tokens.shape, dtype=bool)
    np.not_equal(row_hashes[:, 1:], row_hashes[:, :-1], out=is_new[:, 1:])
    same_hash = np.flatnonzero(~is_new)
    if len(same_hash):
        flat = tokens.ravel()
        is_new.ravel()[same_hash] = (stream[:, flat[same_hash]] != stream[:, flat[same_hash - 1]]).any(axis=0)
    if is_real is not None:
        is_new &= is_real
    # The k-th new token of a row has column k - 1 of the table, and so have its copies behind it.
    places = np.cumsum(is_new, axis=1) - 1
    length = int(places[:, -1].max()) + 1
    places += length * rows
    places = places.ravel() if is_real is None else places[is_real]
    tokens = tokens.ravel() if is_real is None else tokens[is_real]
    representatives = np.zeros(len(starts) * length, dtype=np.int64)
    representatives[places] = tokens
    copies = np.bincount(places, minlength=len(representatives)).astype(np.float64)
    return DistinctTokens(representatives, copies, tokens, places, (len(starts), length))
