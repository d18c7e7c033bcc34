"""Sums and extremes over weights and over sequences, and the powers of two, with torch.

A sum of products is one autograd function, `product`: forward in the fixed order of the engine, backward by matrix products,
since gradients are no codes.
"""

import functools
from typing import NamedTuple

import numpy as np


def check_range(stream):
    """Raise ValueError for infinity and NaN."""
    if not stream.isfinite().all():
        raise ValueError(f"The residual stream left the range of {stream.dtype} (infinity or NaN); scale the tokens.")


class Segments(NamedTuple):
    """Where the sequences lie: number of tokens of each (N,), and the sequence of each token (n,), int64."""

    lengths: object
    owner: object

    @classmethod
    def from_offsets(cls, tokens, offsets):
        """From offsets (N + 1,), checked; None for one sequence."""
        import torch

        if offsets is None:
            offsets = torch.tensor([0, len(tokens)])
        offsets = torch.as_tensor(offsets, device=tokens.device)
        if offsets.ndim != 1 or len(offsets) < 2 or offsets.is_floating_point() or offsets.dtype == torch.bool:
            raise ValueError(
                f"offsets must be at least two integers in one dimension, got {offsets.dtype}, shape {tuple(offsets.shape)}."
            )
        offsets = offsets.long()
        if offsets[0] != 0 or offsets[-1] != len(tokens) or (offsets.diff() <= 0).any():
            raise ValueError(
                f"offsets must rise from 0 to n_tokens = {len(tokens)}, one token a sequence at least, got "
                f"{offsets[0]} to {offsets[-1]}."
            )
        lengths = offsets.diff()
        return cls(lengths, torch.arange(len(lengths), device=tokens.device).repeat_interleave(lengths))

    def sums(self, values):
        """Sum of each sequence: (c, n) to (c, N)."""
        return values.new_zeros(len(values), len(self.lengths)).index_add(1, self.owner, values)

    def extremes(self, values, how):
        """Smallest ("min") or largest ("max") value of each sequence, for each of its tokens; (.., n), no gradients."""
        import torch

        columns = values.detach().movedim(-1, 0).contiguous()
        found = torch.segment_reduce(columns, how, lengths=self.lengths, axis=0, unsafe=True)
        return found.movedim(0, -1)[..., self.owner]

    def means(self, values, member=None):
        """Mean of the values (c, n) of each sequence, of those that are `member` (n,), for each of its tokens."""
        if member is None:
            smallest = self.extremes(values, "min")
            return smallest + (self.sums(values - smallest) / self.lengths)[:, self.owner]
        smallest = self.extremes(values.where(member, np.inf), "min")
        above = self.sums((values - smallest).where(member, 0.0))
        return smallest + (above / self.sums(member[None].to(values.dtype)))[:, self.owner]


@functools.cache
def _product_function():
    import torch

    class Product(torch.autograd.Function):
        @staticmethod
        def forward(ctx, weights, values):
            ctx.save_for_backward(weights, values)
            out = values.new_zeros(len(weights), values.shape[1])
            used = weights != 0
            for k in used.any(dim=0).nonzero().flatten().tolist():
                if used[:, k].all():
                    out += weights[:, k, None] * values[k]
                else:
                    rows = used[:, k].nonzero().flatten()
                    out[rows] += weights[rows, k, None] * values[k]
            return out

        @staticmethod
        def backward(ctx, gradient):
            weights, values = ctx.saved_tensors
            return gradient @ values.T, weights.T @ gradient

    return Product.apply


def product(weights, values):
    """Weights (m, k) times values (k, n), summed in order of k, elementwise."""
    return _product_function()(weights, values)


def _power(exponents, dtype):
    """2 to integers between -1022 and 1023, from the bits of float64."""
    import torch

    return ((exponents.long() + 1023) << 52).view(torch.float64).to(dtype)


def shifted(values, exponents):
    """Values times 2 to these integers; in two halves, each of which is in range."""
    half = exponents.long().div(2, rounding_mode="floor")
    return values * _power(half, values.dtype) * _power(exponents - half, values.dtype)


def exponents(sizes):
    """The power of two just above each size."""
    return sizes.frexp().exponent.long()


def eps(stream):
    """Distance from 1 to the next number of this dtype."""
    import torch

    return torch.finfo(stream.dtype).eps
