"""What feed-forward and attention layers do to a stream (D, n_tokens) of torch; see forward.py, ties.py and pairwise.py.

Hardmax attention has gradients through the tokens that are attended to and none through the scores, which are piecewise
constant; softmax attention has both. A mean v + mean(z - v) has the same gradient whatever v is, so that v counts as a
constant.

A step takes (weights by name, stream, segments, temperature) and gives the new stream; `STEPS` holds one for each kind of
layer.
"""

import numpy as np

from sklearn_hardmax.export.torch_sums import check_range, eps, exponents, product, shifted
from sklearn_hardmax.layers import Attention, FeedForward, ThirdOrderAttention

_BLOCK_SCORES = 2**22  # scores that are held at once
_SIMILAR = 1.25  # lengths that are padded to one another


def _feed_forward(p, stream, segments, temperature):
    hidden = (product(p["U"], stream) + p["b"][:, None]).relu()
    return p["eta"] * stream + product(p["W"], hidden)


def _attention(p, stream, segments, temperature):
    import torch

    rank, coordinates = len(p["query"]), torch.arange(len(stream), device=stream.device)
    if not torch.is_grad_enabled():
        coordinates = (p["value"] != 0).any(dim=0).nonzero().flatten()
    values = stream[coordinates]
    if rank == 0:
        means = segments.means(values)
    elif temperature > 0:
        means = _soft_means(p, stream, values, segments, temperature)
    elif rank == 1:
        means = _leader_means(p, stream.detach(), values, segments)
    else:
        means = _pair_means(p, stream.detach(), values, segments)
    return p["rho"] * stream + product(p["output"], product(p["value"][:, coordinates], means))


# -- the tie rule (ties.py) ------------------------------------------------------------------------------------------------


def _integral(factors, stream):
    """Which tokens meet these factors in integers only, (n,)."""
    used = stream[(factors != 0).any(dim=0)]
    return (used == used.round()).all(dim=0) & (factors == factors.round()).all()


def _scored(factor, stream):
    """Inner products of one factor (1, D) with every token, and their rounding bounds: two (n,)."""
    scores, moduli = product(factor, stream)[0], product(factor.abs(), stream.abs())[0]
    terms, unit = int(factor.count_nonzero()), eps(stream)
    if terms <= 1:
        return scores, moduli * 0.0
    exact = _integral(factor, stream) & (moduli < 2 / unit)
    return scores, (terms * unit * moduli).where(~exact, 0.0)


def _leader_means(p, stream, values, segments):
    """Means of the leaders' values: the query gives the sign, the keys are compared."""
    import torch

    with torch.no_grad():
        asks, bounds = _scored(p["query"], stream)
        signs = asks.where(asks.abs() > bounds, 0.0).sign()
        keys, bounds = _scored(p["key"], stream)
    means = 0.0
    for sign in signs.unique().tolist():
        member = _leaders(sign * keys, bounds, segments) if sign else None
        means = segments.means(values, member).where(signs == sign, means)
    return means


def _leaders(scores, bounds, segments):
    best = segments.extremes(scores, "max")
    best_bounds = segments.extremes(bounds.where(scores == best, 0.0), "max")
    return best - scores <= best_bounds + bounds


# -- pairs of tokens -------------------------------------------------------------------------------------------------------


def _pair_sums(asks, answers):
    """Sums over the rank of (r, G, Q) times (r, G, L), in order: (G, Q, L)."""
    scores = asks.new_zeros(*asks.shape[1:], answers.shape[2])
    for ask, answer in zip(asks, answers):
        scores = scores + ask[:, :, None] * answer[:, None, :]
    return scores


def _sides(p, stream, segments):
    """What scores are made of: (values, moduli) of queries and of keys, which are exact, and the power of two taken out."""
    ends = exponents(segments.extremes(stream.abs().amax(dim=0), "max"))
    scaled, scales, sides = shifted(stream, -ends), 2 * ends, []
    for factors in (p["query"], p["key"]):
        size = exponents(factors.abs().amax())
        factors = shifted(factors, -size)
        sides.append((product(factors, scaled), product(factors.abs(), scaled.abs())))
        scales = scales + size
    shift = exponents(sides[0][1].amax(dim=0))
    sides[0] = tuple(shifted(part, -shift) for part in sides[0])
    exact = _integral(p["query"], stream) & _integral(p["key"], stream)
    return *sides, exact, scales + shift


def _pair_means(p, stream, values, segments):
    """Means over the tokens that tie for the best score of each token."""
    import torch

    check_range(stream)
    terms = sum(int(f.count_nonzero(dim=1).amax()) for f in (p["query"], p["key"])) + len(p["query"]) + 1
    parts, order = [], []
    with torch.no_grad():
        (asks, ask_moduli), (answers, moduli), exact, scales = _sides(p, stream, segments)
        integers = shifted(torch.full_like(stream[0], 2 / eps(stream)), -scales.clamp(0, 2000)).where(exact, 0.0)
    for tokens, real in _batches(segments, lambda n: n**2):
        for block, asking in _by_rows(real, tokens.numel()):
            queries = tokens[:, block]
            with torch.no_grad():
                scores = _pair_sums(asks[:, queries], answers[:, tokens])
                sizes = _pair_sums(ask_moduli[:, queries], moduli[:, tokens])
                whole = exact[tokens][:, None] & (sizes < integers[queries][:, :, None])
                bounds = (terms * eps(stream) * sizes).where(~whole, 0.0)
                member = _pair_leaders(scores.where(real[:, None], -np.inf), bounds)
            parts.append(_means_of(values[:, tokens], member)[:, asking])
            order.append(queries[asking])
    return _assembled(parts, order)


def _pair_leaders(scores, bounds):
    best = scores.amax(dim=2, keepdim=True)
    best_bounds = bounds.where(scores == best, 0.0).amax(dim=2, keepdim=True)
    return best - scores <= best_bounds + bounds


def _means_of(values, member):
    """Means of values (c, G, L) over member (G, Q, L): (c, G, Q)."""
    import torch

    counts, means = member.sum(dim=2), []
    for taken in values[:, :, None, :]:
        smallest = taken.detach().where(member, np.inf).amin(dim=2)
        means.append(smallest + (taken - smallest[:, :, None]).where(member, 0.0).sum(dim=2) / counts)
    return torch.stack(means) if means else values.new_zeros(0, *counts.shape)


def _soft_means(p, stream, values, segments, temperature):
    """Softmax means. Without gradients, where all tokens of every sequence ask alike, one row a sequence serves all."""
    import torch

    asks, answers, parts, order = product(p["query"], stream), product(p["key"], stream), [], []
    one_row = not torch.is_grad_enabled() and torch.equal(*(segments.extremes(asks, how) for how in ("min", "max")))
    for tokens, real in _batches(segments, (lambda n: n) if one_row else (lambda n: n**2)):
        for block, asking in [(slice(1), real)] if one_row else _by_rows(real, tokens.numel()):
            scores = _pair_sums(asks[:, tokens[:, block]], answers[:, tokens]).where(real[:, None], -np.inf)
            means = _soft_means_of(values[:, tokens], scores, temperature)
            parts.append(means.expand(-1, -1, asking.shape[1])[:, asking])
            order.append(tokens[:, : asking.shape[1]][asking] if one_row else tokens[:, block][asking])
    return _assembled(parts, order)


def _soft_means_of(values, scores, temperature):
    """Means of values (c, G, L) by the softmax of scores (G, Q, L), as v + sum w (z - v) / sum w, v of the best."""
    import torch

    best, leader = scores.detach().max(dim=2)
    weights, means = ((scores - best[:, :, None]) / temperature).exp(), []
    for taken in values:
        first = taken.detach().gather(1, leader)
        apart = (weights * (taken[:, None, :] - first[:, :, None])).sum(dim=2)
        means.append(first + apart / weights.sum(dim=2))
    return torch.stack(means) if means else values.new_zeros(0, *scores.shape[:2])


def _batches(segments, area):
    """Sequences of similar length, side by side: yields tokens (G, L) and which of them are real.

    `area` is the number of scores that a sequence of n tokens needs at once. Padding repeats the first token.
    """
    import torch

    order = segments.lengths.argsort(stable=True)
    lengths, starts = segments.lengths[order].tolist(), (segments.lengths.cumsum(0) - segments.lengths)[order]
    first = 0
    for stop in range(1, len(lengths) + 1):
        if stop < len(lengths):
            fits = (stop + 1 - first) * area(lengths[stop]) <= _BLOCK_SCORES
            if fits and lengths[stop] <= _SIMILAR * lengths[first]:
                continue
        at = torch.arange(lengths[stop - 1], device=starts.device)
        real = at < segments.lengths[order[first:stop], None]
        yield starts[first:stop, None] + at * real, real
        first = stop


def _assembled(parts, order):
    """Columns that were made batch by batch, in the order of the tokens."""
    import torch

    return torch.cat(parts, dim=1)[:, torch.cat(order).argsort()]


def _by_rows(real, n_scores):
    """Queries of a batch in blocks: (block of columns, which of it are real); n_scores for one column."""
    step = max(1, _BLOCK_SCORES // n_scores)
    for start in range(0, real.shape[1], step):
        yield slice(start, start + step), real[:, start : start + step]


# -- pairs that tokens attend to (third_order.py) --------------------------------------------------------------------------


def _third_order_attention(p, stream, segments, temperature):
    import torch

    parts, order = [], []
    with torch.no_grad():
        sides, terms, integers = _third_order_sides(p, stream.detach(), segments)
    values, second = product(p["value"], stream), product(p["second_value"], stream)
    for tokens, real in _batches(segments, lambda n: n**3):
        both = _outer(real[None], real[None])[0]
        products = _outer(values[:, tokens], second[:, tokens])
        pairs, sizes = (_outer(key[:, tokens], other[:, tokens]) for key, other in zip(*sides[1:]))
        for block, asking in _by_rows(real, both.numel()):
            queries = tokens[:, block]
            with torch.no_grad():
                scores = _pair_sums(sides[0][0][:, queries], pairs).where(both[:, None], -np.inf)
                moduli = _pair_sums(sides[0][1][:, queries], sizes)
                bounds = (terms * eps(stream) * moduli).where(moduli >= integers[queries][:, :, None], 0.0)
                member = _pair_leaders(scores, bounds)
            parts.append(_means_of(products, member)[:, asking])
            order.append(queries[asking])
    return p["rho"] * stream + product(p["output"], _assembled(parts, order))


def _outer(a, b):
    """All products of (r, G, L) with (r, G, L), of a sequence: (r, G, L^2)."""
    return (a[:, :, :, None] * b[:, :, None, :]).flatten(2)


def _third_order_sides(p, stream, segments):
    """(values, moduli) of queries, keys and second keys; terms of a score; below what a score of each token is exact."""
    import torch

    check_range(stream)
    factors = [p[name] for name in ("query", "key", "second_key")]
    ends = exponents(segments.extremes(stream.abs().amax(dim=0), "max"))
    scaled, scales, sides = shifted(stream, -ends), 3 * ends, []
    whole = segments.extremes(_integral(torch.cat(factors), stream).to(stream.dtype), "min") > 0
    for factor in factors:
        size = exponents(torch.cat([factor.abs().flatten(), factor.new_zeros(1)]).amax())
        factor = shifted(factor, -size)
        sides.append((product(factor, scaled), product(factor.abs(), scaled.abs())))
        scales = scales + size
    terms = sum(int((f != 0).sum(dim=1).amax()) if len(f) else 0 for f in factors) + len(factors[0]) + 2
    limits = shifted(torch.full_like(stream[0], 2 / eps(stream)), -scales.clamp(0, 2000))
    return sides, terms, limits.where(whole, 0.0)


STEPS = {FeedForward: _feed_forward, Attention: _attention, ThirdOrderAttention: _third_order_attention}
