"""The layers of a Transformer as torch functions of a stream (D, n_tokens).

The formulas are those of `sklearn_hardmax.forward` (run.py, ties.py, pairwise.py, third_order.py). Hardmax attention has
gradients through the attended tokens and none through the scores: small changes of scores do not change which tokens are
attended to. Softmax attention has both. A mean v + mean(z - v) has the same gradient for every v, so that v counts as a
constant (`detach`).

A step is a function of (weights by name, stream, segments, temperature) and returns the new stream. `STEPS` holds one for
each type of layer. Scores of pairs are computed for sequences of similar length together: `tokens` (G, L) are then the token
indices of G sequences, padded to length L, and `is_real` (G, L) is False for padding.
"""

import numpy as np

from sklearn_hardmax.export.torch_sums import check_range, eps, exponents, product, shifted
from sklearn_hardmax.layers import Attention, FeedForward, ThirdOrderAttention
from sklearn_hardmax.sequences.segments import similar_length_runs

_BLOCK_SCORES = 2**22  # scores that are held at once
_MAX_LENGTH_RATIO = 1.25  # of sequences that are padded to one another
_MAX_SHIFT = 2000  # 2^(53 - 2000) is 0 in float64, as is every smaller power of two


def _feed_forward(weights, stream, segments, temperature):
    hidden = (product(weights["U"], stream) + weights["b"][:, None]).relu()
    return weights["eta"] * stream + product(weights["W"], hidden)


def _attention(weights, stream, segments, temperature):
    import torch

    rank = len(weights["query"])
    if torch.is_grad_enabled():  # a zero in the value factor has a gradient as well
        coordinates = torch.arange(len(stream), device=stream.device)
    else:
        coordinates = (weights["value"] != 0).any(dim=0).nonzero().flatten()
    values = stream[coordinates]
    if rank == 0:
        means = segments.means(values)
    elif temperature > 0:
        means = _soft_means(weights, stream, values, segments, temperature)
    elif rank == 1:
        means = _leader_means(weights, stream.detach(), values, segments)
    else:
        means = _pair_means(weights, stream.detach(), values, segments)
    return weights["rho"] * stream + product(weights["output"], product(weights["value"][:, coordinates], means))


# -- the tie rule (ties.py) ------------------------------------------------------------------------------------------------


def _integral(factors, stream):
    """Which tokens have integer products with these factors: integer factors, and integers wherever one is not 0; (n,)."""
    used = stream[(factors != 0).any(dim=0)]
    return (used == used.round()).all(dim=0) & (factors == factors.round()).all()


def _product_with_bound(factor, stream):
    """Inner products of one factor (1, D) with every token, and their rounding bounds: two (n,)."""
    products = product(factor, stream)[0]
    terms = int(factor.count_nonzero())
    if terms <= 1:
        return products, products.new_zeros(products.shape)
    moduli = product(factor.abs(), stream.abs())[0]
    unit = eps(stream)
    # 2 / eps is 2^53 for float64: sums of integers below it are exact
    is_exact = _integral(factor, stream) & (moduli < 2 / unit)
    return products, (terms * unit * moduli).where(~is_exact, 0.0)


def _leader_means(weights, stream, values, segments):
    """Means over the attended tokens for rank one: the query contributes its sign, and the key values are compared."""
    import torch

    with torch.no_grad():
        query_values, query_bounds = _product_with_bound(weights["query"], stream)
        signs = query_values.where(query_values.abs() > query_bounds, 0.0).sign()
        key_values, key_bounds = _product_with_bound(weights["key"], stream)
    # One mean per sequence for each sign that occurs; tokens with this sign take it. Sign 0 attends to all tokens.
    means = 0.0
    for sign in signs.unique().tolist():
        is_attended = _leaders(sign * key_values, key_bounds, segments) if sign else None
        means = segments.means(values, is_attended).where(signs == sign, means)
    return means


def _leaders(scores, bounds, segments):
    """Which scores (n,) tie with the largest of their sequence."""
    best = segments.extremes(scores, "max")
    best_bounds = segments.extremes(bounds.where(scores == best, 0.0), "max")
    return best - scores <= best_bounds + bounds


def _pair_leaders(scores, bounds):
    """Which scores (G, Q, L) tie with the largest along the last axis."""
    best = scores.amax(dim=2, keepdim=True)
    best_bounds = bounds.where(scores == best, 0.0).amax(dim=2, keepdim=True)
    return best - scores <= best_bounds + bounds


# -- batches of sequences of similar length --------------------------------------------------------------------------------


def _batches(segments, n_scores):
    """Sequences of similar length side by side: yields tokens (G, L) and is_real (G, L).

    ``n_scores(n)`` is the number of scores that a sequence of n tokens needs at once. Padding repeats the first token.
    """
    import torch

    order = segments.lengths.argsort(stable=True)
    lengths = segments.lengths[order]
    starts = (segments.lengths.cumsum(0) - segments.lengths)[order]
    for run in similar_length_runs(lengths.tolist(), n_scores, _BLOCK_SCORES, _MAX_LENGTH_RATIO):
        # The last sequence of a run is the longest one.
        columns = torch.arange(int(lengths[run][-1]), device=starts.device)
        is_real = columns < lengths[run, None]
        yield starts[run, None] + columns * is_real, is_real


def _query_blocks(is_real, n_scores):
    """Columns of a batch in blocks that share scores: yields (slice of columns, is_real of these); n_scores per column."""
    n_columns = max(1, _BLOCK_SCORES // n_scores)
    for start in range(0, is_real.shape[1], n_columns):
        block = slice(start, start + n_columns)
        yield block, is_real[:, block]


def _in_order_of_tokens(parts, tokens):
    """Columns (c, n_part) computed batch by batch, for these tokens, put in the order of the tokens: (c, n)."""
    import torch

    return torch.cat(parts, dim=1)[:, torch.cat(tokens).argsort()]


def _pair_sums(query_values, key_values):
    """Sums over the rank of (r, G, Q) times (r, G, L), in order: (G, Q, L)."""
    scores = query_values.new_zeros(*query_values.shape[1:], key_values.shape[2])
    for query_value, key_value in zip(query_values, key_values):
        scores = scores + query_value[:, :, None] * key_value[:, None, :]
    return scores


def _hard_means(values, is_attended):
    """Means of values (c, G, L) over is_attended (G, Q, L), as v + mean(z - v), v the smallest: (c, G, Q)."""
    import torch

    counts = is_attended.sum(dim=2)
    means = []
    for row in values[:, :, None, :]:
        smallest = row.detach().where(is_attended, np.inf).amin(dim=2)
        above = (row - smallest[:, :, None]).where(is_attended, 0.0)
        means.append(smallest + above.sum(dim=2) / counts)
    return torch.stack(means) if means else values.new_zeros(0, *counts.shape)


# -- attention of rank above one, and softmax ------------------------------------------------------------------------------


def _exact_limits(stream, scales, is_integral):
    """For each token the number below which its scaled scores are exact: 2^(53 - scale) in float64 for integers, else 0.

    A score of the original numbers is 2^scale times the scaled one. Counting a negative scale as 0 only lowers the limit.
    """
    import torch

    largest = torch.full_like(stream[0], 2 / eps(stream))
    return shifted(largest, -scales.clamp(0, _MAX_SHIFT)).where(is_integral, 0.0)


def _scaled_products(factors, stream, segments):
    """Inner products of the factors with the tokens, all scaled by powers of two so that no product of them overflows.

    Returns a list with one pair (values, moduli), each (r, n), per factor, and the sum of the exponents that were taken out
    of the factors and, once per factor, out of the sequence of each token: (n,).
    """
    import torch

    token_exponents = exponents(segments.extremes(stream.abs().amax(dim=0), "max"))
    scaled = shifted(stream, -token_exponents)
    scales = len(factors) * token_exponents
    products = []
    for factor in factors:
        # A zero is appended because factors of rank 0 have no largest entry
        factor_exponent = exponents(torch.cat([factor.abs().flatten(), factor.new_zeros(1)]).amax())
        factor = shifted(factor, -factor_exponent)
        products.append((product(factor, scaled), product(factor.abs(), scaled.abs())))
        scales = scales + factor_exponent
    return products, scales


def _pair_means(weights, stream, values, segments):
    """Means over the tokens that tie for the best score of each token."""
    import torch

    check_range(stream)
    query = weights["query"]
    key = weights["key"]
    terms = sum(int(f.count_nonzero(dim=1).amax()) for f in (query, key)) + len(query) + 1
    with torch.no_grad():
        products, scales = _scaled_products((query, key), stream, segments)
        query_values, query_moduli = products[0]
        key_values, key_moduli = products[1]
        # Scores are compared for one query only, so that each query may have a power of two of its own.
        query_exponents = exponents(query_moduli.amax(dim=0))
        query_values = shifted(query_values, -query_exponents)
        query_moduli = shifted(query_moduli, -query_exponents)
        is_integral = _integral(query, stream) & _integral(key, stream)
        limits = _exact_limits(stream, scales + query_exponents, is_integral)
    parts = []
    order = []
    for tokens, is_real in _batches(segments, lambda n: n**2):
        for block, is_query in _query_blocks(is_real, tokens.numel()):
            queries = tokens[:, block]
            with torch.no_grad():
                scores = _pair_sums(query_values[:, queries], key_values[:, tokens])
                moduli = _pair_sums(query_moduli[:, queries], key_moduli[:, tokens])
                is_exact = is_integral[tokens][:, None] & (moduli < limits[queries][:, :, None])
                bounds = (terms * eps(stream) * moduli).where(~is_exact, 0.0)
                is_attended = _pair_leaders(scores.where(is_real[:, None], -np.inf), bounds)
            parts.append(_hard_means(values[:, tokens], is_attended)[:, is_query])
            order.append(queries[is_query])
    return _in_order_of_tokens(parts, order)


def _soft_means(weights, stream, values, segments, temperature):
    """Softmax means. Without gradients, one row of scores per sequence is enough where its tokens have one query."""
    import torch

    query_values = product(weights["query"], stream)
    key_values = product(weights["key"], stream)
    smallest = segments.extremes(query_values, "min")
    largest = segments.extremes(query_values, "max")
    one_row = not torch.is_grad_enabled() and torch.equal(smallest, largest)
    parts = []
    order = []
    for tokens, is_real in _batches(segments, (lambda n: n) if one_row else (lambda n: n**2)):
        # With one row, the scores of the first token of a sequence give the mean of all its tokens.
        blocks = [(slice(1), is_real)] if one_row else _query_blocks(is_real, tokens.numel())
        for block, is_query in blocks:
            scores = _pair_sums(query_values[:, tokens[:, block]], key_values[:, tokens])
            means = _weighted_means(values[:, tokens], scores.where(is_real[:, None], -np.inf), temperature)
            # (c, G, 1) for one row, which all tokens of the sequence share; otherwise (c, G, Q), which stays as it is
            parts.append(means.expand(-1, -1, is_query.shape[1])[:, is_query])
            order.append((tokens if one_row else tokens[:, block])[is_query])
    return _in_order_of_tokens(parts, order)


def _weighted_means(values, scores, temperature):
    """Means of values (c, G, L) by the softmax of scores (G, Q, L), as v + sum w (z - v) / sum w, v of the best score."""
    import torch

    best_scores, best = scores.detach().max(dim=2)
    weights = ((scores - best_scores[:, :, None]) / temperature).exp()
    means = []
    for row in values:
        best_values = row.detach().gather(1, best)
        weighted = (weights * (row[:, None, :] - best_values[:, :, None])).sum(dim=2)
        means.append(best_values + weighted / weights.sum(dim=2))
    return torch.stack(means) if means else values.new_zeros(0, *scores.shape[:2])


# -- third-order attention (third_order.py) --------------------------------------------------------------------------------


def _third_order_attention(weights, stream, segments, temperature):
    first_values = product(weights["value"], stream)
    second_values = product(weights["second_value"], stream)
    means = _third_order_means(weights, stream.detach(), first_values, second_values, segments)
    return weights["rho"] * stream + product(weights["output"], means)


def _third_order_means(weights, stream, first_values, second_values, segments):
    """Means of the products of values over the pairs of tokens that tie for the best score of each token."""
    import torch

    check_range(stream)
    factors = [weights[name] for name in ("query", "key", "second_key")]
    terms = sum(int(f.count_nonzero(dim=1).amax()) if len(f) else 0 for f in factors) + len(factors[0]) + 2
    with torch.no_grad():
        products, scales = _scaled_products(factors, stream, segments)
        (query_values, query_moduli), keys, second_keys = products
        # Unlike for pairs of tokens, a score counts as exact only if all tokens of the sequence are integers.
        is_integral = segments.extremes(_integral(torch.cat(factors), stream).to(stream.dtype), "min") > 0
        limits = _exact_limits(stream, scales, is_integral)
    parts = []
    order = []
    for tokens, is_real in _batches(segments, lambda n: n**3):
        # (G, L^2): a pair is real if both of its tokens are
        is_real_pair = _outer(is_real[None], is_real[None])[0]
        pair_products = _outer(first_values[:, tokens], second_values[:, tokens])
        pair_values, pair_moduli = (_outer(a[:, tokens], b[:, tokens]) for a, b in zip(keys, second_keys))
        for block, is_query in _query_blocks(is_real, is_real_pair.numel()):
            queries = tokens[:, block]
            with torch.no_grad():
                scores = _pair_sums(query_values[:, queries], pair_values).where(is_real_pair[:, None], -np.inf)
                moduli = _pair_sums(query_moduli[:, queries], pair_moduli)
                bounds = (terms * eps(stream) * moduli).where(moduli >= limits[queries][:, :, None], 0.0)
                is_attended = _pair_leaders(scores, bounds)
            parts.append(_hard_means(pair_products, is_attended)[:, is_query])
            order.append(queries[is_query])
    return _in_order_of_tokens(parts, order)


def _outer(a, b):
    """All products of (r, G, L) with (r, G, L) within each sequence: (r, G, L^2)."""
    return (a[:, :, :, None] * b[:, :, None, :]).flatten(2)


STEPS = {FeedForward: _feed_forward, Attention: _attention, ThirdOrderAttention: _third_order_attention}
