"""Run a Transformer on sequences: `apply` for the tokens after the last layer, `trace` for the result of every layer.

This is the forward pass in NumPy; `sklearn_hardmax.export` follows it. The residual stream is held coordinate by coordinate,
shape (D, n_tokens): each coordinate is one contiguous row. All sums are elementwise and in a fixed order (coordinates in
order, then the bias; hidden units in stored order, then the residual; tokens of a sequence in order), and a zero weight is
never multiplied. No result depends on the rounding of a matrix product. So every token has the same bits alone, in any batch,
for any order of sequences and for any chunking.

*Ties* are decided by the rule of ties.py. For B of rank one the score is <query, z_i> <key, z_l>: the query contributes only
its sign (none within its own rounding bound), and the key values are compared. For higher rank, pairwise.py compares all
tokens of a sequence for each of its tokens, and third_order.py all pairs of tokens.

*Means.* The mean over a set is v + mean(z_l - v) with v the smallest of its values, coordinate by coordinate: equal values
give themselves bit for bit, and sums of a few leading bits (bumps) do not depend on the order of tokens. softmax.py computes
the means of softmax attention.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sklearn_hardmax._typing import IntArray
from sklearn_hardmax.forward import pairwise, softmax, third_order
from sklearn_hardmax.forward.feed_forward import NonzeroWeights, add_to_residual, apply_feed_forward
from sklearn_hardmax.forward.ties import inner_products, leaders, rounding_bound
from sklearn_hardmax.layers import Attention, FeedForward, Layer, ThirdOrderAttention
from sklearn_hardmax.sequences import RaggedSequences, SequencesLike
from sklearn_hardmax.sequences.parsing import read_sequences
from sklearn_hardmax.sequences.segments import Segments, chunks
from sklearn_hardmax.transformer import Transformer


def apply(transformer: Transformer, sequences: SequencesLike) -> RaggedSequences:
    """Run a transformer on sequences, layer by layer.

    Parameters
    ----------
    transformer : Transformer
    sequences : RaggedSequences or any input of as_sequences
        With the token_dim of the transformer.

    Returns
    -------
    RaggedSequences
        The tokens after the last layer, float64, same offsets.

    Raises
    ------
    ValueError
        Another token_dim; values that leave the range of float64.

    Notes
    -----
    O(n_tokens x non-zero weights) for feed-forward layers and attention of rank 0 and 1. For a sequence of n tokens,
    attention of higher rank takes O(n^2) and third-order attention O(n^3).

    Examples
    --------
    >>> from sklearn_hardmax import Attention, Transformer
    >>> from sklearn_hardmax.forward import apply
    >>> leader = Attention(query=[[1., 0.]], key=[[1., 0.]], value=[[1., 0.]], output=[[0.], [1.]])
    >>> apply(Transformer([leader]), [[[1., 0.], [3., 0.]]])[0]
    array([[1., 3.],
           [3., 3.]])
    """
    sequences = _with_token_dim(transformer, sequences)
    nonzero = [_nonzero_weights(layer) for layer in transformer.layers]
    out = np.empty(sequences.tokens.shape)
    # A chunk goes through all layers before the next one starts: the stream of all sequences is never held at once.
    for i, j in chunks(sequences.offsets):
        first = sequences.offsets[i]
        last = sequences.offsets[j]
        segments = Segments.from_offsets(sequences.offsets[i : j + 1])
        stream = np.array(sequences.tokens[first:last].T, dtype=np.float64, order="C")
        for layer, weights in zip(transformer.layers, nonzero):
            _apply_layer(layer, weights, stream, segments)
        _check_range(stream)
        out[first:last] = stream.T
    return RaggedSequences._trusted(out, sequences.offsets, sequences.ids)


class LayerTrace(NamedTuple):
    """The result of one layer: tokens, attended sets and margin.

    Attributes
    ----------
    layer : FeedForward, Attention or ThirdOrderAttention
    tokens : RaggedSequences
        After the layer.
    attended : list or None
        ``attended[j][i]`` is the array of the tokens of sequence j that its token i attends to, shape (n_attended,); for
        third-order attention of the pairs of tokens, shape (n_pairs, 2). None for a feed-forward layer and for softmax.
    margin : float
        Smallest gap between an attended and an unattended score over the sum of their rounding bounds, a bound of 0
        counting as one ulp; inf where there is no such pair.
    """

    layer: Layer
    tokens: RaggedSequences
    attended: list[list[IntArray]] | None
    margin: float


def trace(transformer: Transformer, sequences: SequencesLike) -> list[LayerTrace]:
    """Run a transformer and keep the result of every layer, for inspection: it takes more time and memory than `apply`.

    Parameters
    ----------
    transformer : Transformer
    sequences : RaggedSequences or any input of as_sequences
        With the token_dim of the transformer.

    Returns
    -------
    list of LayerTrace
        One per layer: the tokens after it, the attended sets and the margin. Memory: all tokens once per layer.

    Raises
    ------
    ValueError
        As in `apply`.

    Examples
    --------
    >>> from sklearn_hardmax import Attention, Transformer
    >>> from sklearn_hardmax.forward import trace
    >>> leader = Attention(query=[[1., 0.]], key=[[1., 0.]], value=[[1., 0.]], output=[[0.], [1.]])
    >>> step, = trace(Transformer([leader]), [[[1., 0.], [3., 0.]]])
    >>> step.attended[0]
    [array([1]), array([1])]
    """
    sequences = _with_token_dim(transformer, sequences)
    segments = Segments.from_offsets(sequences.offsets)
    stream = np.array(sequences.tokens.T, dtype=np.float64, order="C")
    steps = []
    for layer in transformer.layers:
        attended = None
        margin = np.inf
        # from the tokens before the layer, which the next lines overwrite
        if isinstance(layer, ThirdOrderAttention):
            attended, margin = third_order.attended_sets(layer, stream, segments)
        elif isinstance(layer, Attention) and layer.temperature == 0:
            attended, margin = _attended_sets(layer, stream, segments)
        _apply_layer(layer, _nonzero_weights(layer), stream, segments)
        _check_range(stream)
        # always a copy: with one coordinate or one token the transposed stream is contiguous, and later layers overwrite it
        tokens = RaggedSequences._trusted(np.array(stream.T, order="C"), sequences.offsets)
        steps.append(LayerTrace(layer, tokens, attended, margin))
    return steps


def _with_token_dim(transformer: Transformer, sequences: SequencesLike) -> RaggedSequences:
    """The input as RaggedSequences; ValueError unless it has the token_dim of the transformer."""
    sequences = read_sequences(sequences)
    if sequences.token_dim != transformer.token_dim:
        raise ValueError(
            f"The transformer acts on tokens of {transformer.token_dim} coordinates, the sequences have token_dim "
            f"{sequences.token_dim}; encode them first."
        )
    return sequences


def _check_range(stream):
    if not np.isfinite(stream).all():
        raise ValueError("The residual stream left the range of float64 (infinity or NaN); scale the tokens.")


def _nonzero_weights(layer):
    return NonzeroWeights.from_layer(layer) if isinstance(layer, FeedForward) else None


def _apply_layer(layer, nonzero, stream, segments):
    """One layer, in place on the stream (D, n)."""
    if isinstance(layer, FeedForward):
        apply_feed_forward(layer, nonzero, stream)
    elif isinstance(layer, ThirdOrderAttention):
        _third_order_attention(layer, stream, segments)
    elif layer.temperature > 0 and layer.rank > 0:
        _soft_attention(layer, stream, segments)
    elif layer.rank > 1:
        _general_attention(layer, stream, segments)
    else:
        _leader_attention(layer, _query_groups(layer, stream, segments), stream, segments)


def attend_with_leaders(layer, stream, segments):
    """Like one layer of `apply`, but also returns which tokens are leaders.

    Parameters
    ----------
    layer : Attention
        With temperature 0.
    stream : ndarray of shape (D, n), float64
        Changed in place.
    segments : Segments

    Returns
    -------
    ndarray of shape (n,), bool
        True for a leader: a token that attends to itself and to its copies, and to no other token.
    """
    if layer.rank > 1:
        return _general_attention(layer, stream, segments)
    groups = _query_groups(layer, stream, segments)
    is_leader = _is_leader(groups, stream, segments)
    _leader_attention(layer, groups, stream, segments)
    return is_leader


# -- values and residual -----------------------------------------------------------------------------------------------


def _used_coordinates(layer):
    """Coordinates that the value factor uses: no other ones need means."""
    return np.flatnonzero(layer.value.any(axis=0)).tolist()


def _project_values(layer, means):
    """V times the means (D, n): yields (coordinate, values (n,))."""
    values, _ = inner_products(layer.value, means)
    return _apply_output(layer, values)


def _apply_output(layer, values):
    """The output factor times values (value_rank, n): yields (coordinate, values (n,))."""
    for c in np.flatnonzero(layer.output.any(axis=1)).tolist():
        total = np.zeros(values.shape[1])
        for r in np.flatnonzero(layer.output[c]).tolist():
            total += layer.output[c, r] * values[r]
        yield c, total


# -- attention of rank 0 and 1 -----------------------------------------------------------------------------------------


def _query_groups(layer, stream, segments):
    """Hardmax attention of rank 0 or 1 as at most three groups of tokens that attend alike in each sequence.

    A list of (is_query, is_attended, margin): which tokens are in the group and which ones they attend to, both bool (n,) or
    None for all tokens, and the margin of the tie rule. A token is in the group of positive, of negative or of zero query.
    """
    if layer.rank == 0:
        return [(None, None, np.inf)]
    (query_values,), (query_moduli,) = inner_products(layer.query, stream)
    # A query within its own rounding bound has no reliable sign: it counts as 0, and its token attends to all.
    query_values[np.abs(query_values) <= rounding_bound(layer.query[0], stream, query_moduli)] = 0.0
    (key_values,), (key_moduli,) = inner_products(layer.key, stream)
    bounds = rounding_bound(layer.key[0], stream, key_moduli)
    groups = []
    # A positive query attends to the largest key values, a negative one to the smallest.
    for sign in (1.0, -1.0):
        is_query = query_values * sign > 0
        if is_query.any():
            is_attended, margin = leaders(sign * key_values, bounds, segments)
            groups.append((None if is_query.all() else is_query, is_attended, margin))
    is_zero = query_values == 0
    if is_zero.any():
        groups.append((is_zero, None, np.inf))
    return groups


def _leader_attention(layer, groups, stream, segments):
    written = {}  # values by coordinate
    for is_query, is_attended, _ in groups:
        # one mean per sequence, (D, n_sequences): it serves all queries of the group
        means = np.zeros((len(stream), len(segments.starts)))
        for c in _used_coordinates(layer):
            means[c] = segments.means(stream[c], is_attended)
        for c, values in _project_values(layer, means):
            values = segments.per_token(values)
            # Groups are disjoint: a later one replaces the values of its own tokens only.
            written[c] = values if is_query is None else np.where(is_query, values, written.get(c, 0.0))
    add_to_residual(stream, layer.rho, written.items())


def _is_leader(groups, stream, segments):
    """Which tokens attend to themselves and their copies only, bool (n,), for the groups of `_query_groups`."""
    is_leader = np.zeros(stream.shape[1], dtype=bool)
    for is_query, is_attended, _ in groups:
        # A token equals all attended tokens where it equals their smallest and their largest values in every coordinate.
        # It is then one of them, as a copy of an attended token is attended to as well.
        is_equal = np.ones_like(is_leader)
        for values in stream:
            if is_attended is None:
                low = high = values
            else:
                low, high = np.where(is_attended, values, [[np.inf], [-np.inf]])
            is_equal &= values == segments.per_token(np.minimum.reduceat(low, segments.starts))
            is_equal &= values == segments.per_token(np.maximum.reduceat(high, segments.starts))
        is_leader |= is_equal if is_query is None else is_equal & is_query
    return is_leader


def _attended_sets(layer, stream, segments):
    """For every sequence the list of the tokens that each of its tokens attends to, and the margin."""
    if layer.rank > 1:
        return pairwise.attended_sets(layer, stream, segments)
    spans = [slice(start, start + n) for start, n in zip(segments.starts.tolist(), segments.lengths.tolist())]
    attended = [[None] * (span.stop - span.start) for span in spans]
    groups = _query_groups(layer, stream, segments)
    for is_query, is_attended, _ in groups:
        for sets, span in zip(attended, spans):
            members = np.arange(len(sets)) if is_attended is None else np.flatnonzero(is_attended[span])
            for i in range(len(sets)) if is_query is None else np.flatnonzero(is_query[span]).tolist():
                sets[i] = members
    return attended, min(margin for _, _, margin in groups)


# -- other attention ---------------------------------------------------------------------------------------------------


def _general_attention(layer, stream, segments):
    """Hardmax attention of rank above one, in place; returns which tokens are leaders."""
    _check_range(stream)  # scores of infinity cannot be compared
    means, is_leader = pairwise.attend(layer, stream, segments, _used_coordinates(layer))
    add_to_residual(stream, layer.rho, _project_values(layer, means))
    return is_leader


def _soft_attention(layer, stream, segments):
    means = softmax.attend(layer, stream, segments, _used_coordinates(layer))
    add_to_residual(stream, layer.rho, _project_values(layer, means))


def _third_order_attention(layer, stream, segments):
    _check_range(stream)  # as above
    add_to_residual(stream, layer.rho, _apply_output(layer, third_order.attend(layer, stream, segments)))
