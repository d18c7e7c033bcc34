"""Running a Transformer: the only interpreter of its weights.

The residual stream is held coordinate by coordinate, shape (D, n_tokens): each coordinate is one contiguous row. All sums
are elementwise and in a fixed order (coordinates in order, then the bias; hidden units in stored order, then the residual;
tokens of a sequence in order), and a zero weight is never multiplied. No BLAS product decides anything. So every token's
value is the same bits alone, in any batch, in any order of sequences and for any chunking.

*Ties* are decided by the rule of ties.py. For B of rank one the score is <query, z_i> <key, z_l>: the query gives the sign
only (none within its own bound), and the keys are compared; above, pairwise.py compares all pairs of tokens of a sequence.

*Means.* The mean over a set is v + mean(z_l - v) with v the smallest of its values, coordinate by coordinate: equal values
return themselves bit for bit, and sums of a few leading bits (bumps) do not depend on the order of tokens. softmax.py has the
means of the softmax.
"""

from typing import NamedTuple

import numpy as np

from sklearn_hardmax.forward import pairwise, softmax, third_order
from sklearn_hardmax.forward.ties import inner_products, leaders, rounding_bound
from sklearn_hardmax.layers import Attention, FeedForward, ThirdOrderAttention
from sklearn_hardmax.sequences import RaggedSequences, as_sequences
from sklearn_hardmax.sequences.segments import Segments, chunks

_BLOCK_NUMBERS = 2**20  # numbers that one step of a layer may hold


def apply(transformer, sequences):
    """Run a transformer on sequences, layer by layer.

    Parameters
    ----------
    transformer : Transformer
    sequences : RaggedSequences or anything that as_sequences reads
        token_dim must be that of the transformer.

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
    O(n_tokens x non-zero weights) for feed-forward layers and attention of rank 0 and 1; general attention takes O(n^2) a
    sequence of n tokens, attention of third order O(n^3).

    Examples
    --------
    >>> from sklearn_hardmax import Attention, Transformer
    >>> from sklearn_hardmax.forward import apply
    >>> leader = Attention(query=[[1., 0.]], key=[[1., 0.]], value=[[1., 0.]], output=[[0.], [1.]])
    >>> apply(Transformer([leader]), [[[1., 0.], [3., 0.]]])[0]
    array([[1., 3.],
           [3., 3.]])
    """
    sequences = _fitting(transformer, sequences)
    steps = [_prepare(layer) for layer in transformer.layers]
    out = np.empty(sequences.tokens.shape)
    for i, j in chunks(sequences.offsets):
        first, last = sequences.offsets[i], sequences.offsets[j]
        segments = Segments.from_offsets(sequences.offsets[i : j + 1])
        stream = np.array(sequences.tokens[first:last].T, dtype=np.float64, order="C")
        for layer, plan in zip(transformer.layers, steps):
            _step(layer, plan, stream, segments)
        _check_range(stream)
        out[first:last] = stream.T
    return RaggedSequences._trusted(out, sequences.offsets)


class LayerTrace(NamedTuple):
    """What one layer did.

    Attributes
    ----------
    layer : FeedForward, Attention or ThirdOrderAttention
    tokens : RaggedSequences
        After the layer.
    attended : list or None
        ``attended[j][i]`` is the array of the tokens of sequence j that its token i attends to, for third order of the pairs
        of tokens, shape (n_pairs, 2). None for a feed-forward layer and for softmax.
    margin : float
        Smallest gap between an attended and an unattended score over the sum of their rounding bounds, a bound of 0
        counting as one ulp; inf where there is no such pair.
    """

    layer: object
    tokens: RaggedSequences
    attended: list | None
    margin: float


def trace(transformer, sequences):
    """Run a transformer and keep what every layer did; for looking, not for serving.

    Parameters
    ----------
    transformer : Transformer
    sequences : RaggedSequences or anything that as_sequences reads

    Returns
    -------
    list of LayerTrace
        One a layer: the tokens after it, the attended sets and the margin. Memory: all tokens once a layer.

    Examples
    --------
    >>> from sklearn_hardmax import Attention, Transformer
    >>> from sklearn_hardmax.forward import trace
    >>> leader = Attention(query=[[1., 0.]], key=[[1., 0.]], value=[[1., 0.]], output=[[0.], [1.]])
    >>> step, = trace(Transformer([leader]), [[[1., 0.], [3., 0.]]])
    >>> step.attended[0]
    [array([1]), array([1])]
    """
    sequences = _fitting(transformer, sequences)
    segments = Segments.from_offsets(sequences.offsets)
    stream = np.array(sequences.tokens.T, dtype=np.float64, order="C")
    steps = []
    for layer in transformer.layers:
        attended, margin = None, np.inf
        if isinstance(layer, ThirdOrderAttention):
            attended, margin = third_order.attended_sets(layer, stream, segments)
        elif isinstance(layer, Attention) and layer.temperature == 0:
            attended, margin = _attended_sets(layer, stream, segments)
        _step(layer, _prepare(layer), stream, segments)
        _check_range(stream)
        tokens = RaggedSequences._trusted(np.ascontiguousarray(stream.T), sequences.offsets)
        steps.append(LayerTrace(layer, tokens, attended, margin))
    return steps


def _fitting(transformer, sequences):
    sequences = as_sequences(sequences)
    if sequences.token_dim != transformer.token_dim:
        raise ValueError(
            f"The transformer acts on tokens of {transformer.token_dim} coordinates, the sequences have token_dim "
            f"{sequences.token_dim}; encode them first."
        )
    return sequences


def _check_range(stream):
    if not np.isfinite(stream).all():
        raise ValueError("The residual stream left the range of float64 (infinity or NaN); scale the tokens.")


def _prepare(layer):
    """Where the non-zero weights of a feed-forward layer stand, found once and used for every chunk."""
    if not isinstance(layer, FeedForward):
        return None
    columns = np.flatnonzero(layer.U.any(axis=0))
    rows = [np.flatnonzero(row) for row in layer.W.T]
    touched = np.flatnonzero(layer.W.any(axis=1))
    return columns, rows, touched


def _step(layer, plan, stream, segments):
    """One layer, in place on the stream (D, n)."""
    if isinstance(layer, FeedForward):
        _feed_forward(layer, plan, stream)
    elif isinstance(layer, ThirdOrderAttention):
        _third_order_attention(layer, stream, segments)
    elif layer.temperature > 0 and layer.rank > 0:
        _soft_attention(layer, stream, segments)
    elif layer.rank > 1:
        _general_attention(layer, stream, segments)
    else:
        _leader_attention(layer, stream, segments)


def attend_with_leaders(layer, stream, segments):
    """One hardmax attention, in place on the stream (D, n), and its leaders, bool (n,).

    A leader attends to itself and to its copies, and to no other token. This is a step of `apply` for who asks for leaders.
    """
    if layer.rank > 1:
        return _general_attention(layer, stream, segments)
    alone = _is_leader(_leader_groups(layer, stream, segments), stream, segments)
    _leader_attention(layer, stream, segments)
    return alone


# -- feed-forward ------------------------------------------------------------------------------------------------------


def _feed_forward(layer, plan, stream):
    columns, rows, touched = plan
    n = stream.shape[1]
    change = np.zeros((len(touched), n))
    place = {int(c): k for k, c in enumerate(touched)}
    block = max(1, _BLOCK_NUMBERS // max(1, n))
    for first in range(0, layer.width, block):
        hidden = _hidden(layer, columns, stream, slice(first, first + block))
        for unit, values in enumerate(hidden, start=first):
            for c in rows[unit].tolist():
                change[place[c]] += layer.W[c, unit] * values
    if layer.eta == 0:
        stream[:] = 0.0
    elif layer.eta != 1:
        stream *= layer.eta
    for c, k in place.items():
        stream[c] += change[k]


def _hidden(layer, columns, stream, units):
    hidden = np.zeros((len(layer.b[units]), stream.shape[1]))
    for c in columns.tolist():
        weights = layer.U[units, c]
        used = np.flatnonzero(weights)
        if len(used) == len(weights):
            hidden += weights[:, None] * stream[c]
        else:
            hidden[used] += weights[used, None] * stream[c]
    hidden += layer.b[units, None]
    return np.maximum(hidden, 0.0, out=hidden)


# -- attention ---------------------------------------------------------------------------------------------------------


def _leader_groups(layer, stream, segments):
    """Attention of rank 0 or 1 as at most three groups: (tokens that ask, tokens that they attend to, margin).

    None stands for all tokens. The groups ask with positive, negative and zero query.
    """
    if layer.rank == 0:
        return [(None, None, np.inf)]
    (asks,), (ask_moduli,) = inner_products(layer.query, stream)
    asks[np.abs(asks) <= rounding_bound(layer.query[0], stream, ask_moduli)] = 0.0
    (keys,), (moduli,) = inner_products(layer.key, stream)
    bounds = rounding_bound(layer.key[0], stream, moduli)
    groups = []
    for sign in (1.0, -1.0):
        asking = asks * sign > 0
        if asking.any():
            member, margin = leaders(sign * keys, bounds, segments)
            groups.append((None if asking.all() else asking, member, margin))
    if (asks == 0).any():
        groups.append((asks == 0, None, np.inf))
    return groups


def _project_values(layer, stream, means):
    """V times the means, coordinate by coordinate: (coordinate, values) one after another."""
    return _apply_output(layer, inner_products(layer.value, means)[0])


def _apply_output(layer, values):
    """The output factor times values (value_rank, n): yields (coordinate, values)."""
    for c in np.flatnonzero(layer.output.any(axis=1)).tolist():
        total = np.zeros(values.shape[1])
        for r in np.flatnonzero(layer.output[c]).tolist():
            total += layer.output[c, r] * values[r]
        yield c, total


def _add_to_residual(layer, stream, written):
    """stream <- rho stream + written, for the coordinates in `written` (coordinate, one value a token)."""
    if layer.rho == 0:
        stream[:] = 0.0
    elif layer.rho != 1:
        stream *= layer.rho
    for c, values in written:
        stream[c] += values


def _read_coordinates(layer):
    return np.flatnonzero(layer.value.any(axis=0)).tolist()


def _leader_attention(layer, stream, segments):
    written = {}
    for asking, member, _ in _leader_groups(layer, stream, segments):
        means = np.zeros((len(stream), len(segments.starts)))
        for c in _read_coordinates(layer):
            means[c] = segments.means(stream[c], member)
        for c, values in _project_values(layer, stream, means):
            values = segments.per_token(values)
            written[c] = values if asking is None else np.where(asking, values, written.get(c, 0.0))
    _add_to_residual(layer, stream, written.items())


def _is_leader(groups, stream, segments):
    """Which tokens attend to themselves and their copies only, bool (n,), for attention of rank 0 or 1."""
    alone = np.zeros(stream.shape[1], dtype=bool)
    for asking, member, _ in groups:
        equal = np.ones_like(alone)  # to all members: a copy of a member is one too
        for values in stream:
            low, high = (values, values) if member is None else np.where(member, values, [[np.inf], [-np.inf]])
            equal &= values == segments.per_token(np.minimum.reduceat(low, segments.starts))
            equal &= values == segments.per_token(np.maximum.reduceat(high, segments.starts))
        alone |= equal if asking is None else equal & asking
    return alone


def _general_attention(layer, stream, segments):
    _check_range(stream)  # scores of infinity compare to nothing
    means, alone = pairwise.attend(layer, stream, segments, _read_coordinates(layer))
    _add_to_residual(layer, stream, _project_values(layer, stream, means))
    return alone


def _soft_attention(layer, stream, segments):
    means = softmax.attend(layer, stream, segments, _read_coordinates(layer))
    _add_to_residual(layer, stream, _project_values(layer, stream, means))


def _third_order_attention(layer, stream, segments):
    _check_range(stream)
    _add_to_residual(layer, stream, _apply_output(layer, third_order.attend(layer, stream, segments)))


def _attended_sets(layer, stream, segments):
    if layer.rank > 1:
        return pairwise.attended_sets(layer, stream, segments)
    spans = [slice(a, a + n) for a, n in zip(segments.starts.tolist(), segments.lengths.tolist())]
    attended = [[None] * (span.stop - span.start) for span in spans]
    groups = _leader_groups(layer, stream, segments)
    for asking, member, _ in groups:
        for row, span in zip(attended, spans):
            found = np.arange(len(row)) if member is None else np.flatnonzero(member[span])
            for i in range(len(row)) if asking is None else np.flatnonzero(asking[span]).tolist():
                row[i] = found
    return attended, min(margin for _, _, margin in groups)
