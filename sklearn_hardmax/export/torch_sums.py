"""Torch helpers: sums of products in fixed order, reductions over each sequence of a batch, scaling by powers of two.

A sum of products is one autograd function, `product`. Its forward pass sums in the fixed order of `sklearn_hardmax.forward`,
on which constructed weights rely; its backward pass uses matrix products, as gradients need not be the same to the last bit.
"""

import functools
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import torch


def check_range(stream):
    """Raise ValueError for infinity and NaN."""
    if not stream.isfinite().all():
        raise ValueError(f"The residual stream left the range of {stream.dtype} (infinity or NaN); scale the tokens.")


class Segments(NamedTuple):
    """Which of n tokens, stored one sequence after another, belong to each of N sequences.

    Attributes
    ----------
    lengths : tensor of shape (N,), int64
        Number of tokens of each sequence.
    sequence : tensor of shape (n,), int64
        Index of the sequence of each token.
    """

    lengths: "torch.Tensor"
    sequence: "torch.Tensor"

    @classmethod
    def from_offsets(cls, tokens, offsets):
        """From offsets (N + 1,), which are checked; None for one sequence."""
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
                f"offsets must rise from 0 to n_tokens = {len(tokens)}, at least one token per sequence, got "
                f"{offsets[0]} to {offsets[-1]}."
            )
        lengths = offsets.diff()
        return cls(lengths, torch.arange(len(lengths), device=tokens.device).repeat_interleave(lengths))

    def sums(self, values):
        """Sum of each sequence: (c, n) to (c, N)."""
        return values.new_zeros(len(values), len(self.lengths)).index_add(1, self.sequence, values)

    def extremes(self, values, how):
        """Smallest ("min") or largest ("max") value of each sequence, for each of its tokens; (.., n), without gradients."""
        import torch

        columns = values.detach().movedim(-1, 0).contiguous()
        # unsafe=True skips a check of the lengths, which `from_offsets` has made
        extremes = torch.segment_reduce(columns, how, lengths=self.lengths, axis=0, unsafe=True)
        return extremes.movedim(0, -1)[..., self.sequence]

    def means(self, values, is_member=None):
        """Mean of the values (c, n) of each sequence, or of its members only, for each of its tokens: (c, n)."""
        # v + mean(z - v) with v the smallest value, so that equal values give themselves
        if is_member is None:
            smallest = self.extremes(values, "min")
            return smallest + (self.sums(values - smallest) / self.lengths)[:, self.sequence]
        smallest = self.extremes(values.where(is_member, np.inf), "min")
        above = self.sums((values - smallest).where(is_member, 0.0))
        counts = self.sums(is_member[None].to(values.dtype))
        return smallest + (above / counts)[:, self.sequence]


@functools.cache
def _product_function():
    """The autograd function behind `product`; made at its first use, as its base class needs torch."""
    import torch

    class Product(torch.autograd.Function):
        @staticmethod
        def forward(ctx, weights, values):
            ctx.save_for_backward(weights, values)
            out = values.new_zeros(len(weights), values.shape[1])
            used = weights != 0
            for k in used.any(dim=0).nonzero().flatten().tolist():
                if used[:, k].all():  # the same sum without an indexed copy
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
    """2 to integers between -1022 and 1023, exactly."""
    import torch

    # The bits of a float64: a sign, 11 bits of the exponent plus 1023, and 52 bits of the fraction, which is 0 here.
    return ((exponents.long() + 1023) << 52).view(torch.float64).to(dtype)


def shifted(values, exponents):
    """Values times 2 to these integers; in two halves, because 2^e itself may leave the range of float64."""
    half = exponents.long().div(2, rounding_mode="floor")
    return values * _power(half, values.dtype) * _power(exponents - half, values.dtype)


def exponents(sizes):
    """For each size the smallest e with size < 2^e; 0 for 0."""
    return sizes.frexp().exponent.long()


def eps(stream):
    """Distance from 1 to the next number of the dtype of the stream."""
    import torch

    return torch.finfo(stream.dtype).eps
