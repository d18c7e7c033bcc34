"""Export a Transformer as a torch.nn.Module that runs batches of sequences of unequal length.

The residual stream is held as in `sklearn_hardmax.forward`, coordinate by coordinate, shape (D, n_tokens), with all sequences
of a batch side by side. Zero weights have gradients as well, and these need all terms. Only under torch.no_grad() are terms
left out whose weight is 0, which changes no bit.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from sklearn_hardmax._extras import extra
from sklearn_hardmax.export.checks import check_layers, check_temperature, exported_temperature
from sklearn_hardmax.export.torch_steps import STEPS
from sklearn_hardmax.export.torch_sums import Segments, check_range
from sklearn_hardmax.transformer import Transformer

if TYPE_CHECKING:
    import torch

    class TorchTransformer(torch.nn.Module):
        """The part of the class of `_module_class` that users call."""

        def forward(self, tokens: torch.Tensor, offsets: torch.Tensor | None = None) -> torch.Tensor:
            """The tokens after the last layer."""

        def to_transformer(self) -> Transformer:
            """The weights as they are now."""


def to_torch(
    transformer: Transformer, *, temperature: float | None = None, dtype: torch.dtype | None = None
) -> TorchTransformer:
    """A torch module with these weights, for batches of sequences of unequal length, on any device.

    ``module(tokens, offsets)`` takes a tensor (n_tokens, token_dim) and the offsets (n_sequences + 1,) of its sequences, as
    in RaggedSequences, and returns the tokens after the last layer; without offsets the tokens are one sequence.
    ``module(nested)`` takes and returns a jagged nested tensor, as `RaggedSequences.to_torch` makes it.

    Parameters
    ----------
    transformer : Transformer
    temperature : float, optional
        Replaces that of all attention layers: 0 for the hardmax, above 0 for the softmax. Default: each layer keeps its own.
    dtype : torch.dtype, default=torch.float64
        Of weights and tokens. In float32 outputs agree up to float32 rounding, and constructed weights, which use all digits
        of float64, may lose their labels.

    Returns
    -------
    TorchTransformer
        A torch.nn.Module. All weights are parameters, ``layers.0.U`` and so on, eta and rho among them; temperatures are
        fixed. ``module.to_transformer()`` returns the weights, trained or not, as a Transformer.

    Raises
    ------
    ImportError
        torch is not installed (extra ``torch``).
    TypeError
        A layer of a type that has no torch form, or no Transformer at all.
    ValueError
        A negative or infinite temperature, or one above 0 for ThirdOrderAttention. The module itself raises ValueError for
        offsets or tokens that do not fit, and for values that leave the range of its dtype.

    Notes
    -----
    With float64 on a CPU the module agrees with `forward.apply`: feed-forward layers and attended sets are the same bits, and
    means agree up to the rounding of a sum over the tokens of a sequence. Through hardmax attention gradients flow to the
    attended tokens, not to the scores; through softmax attention to both, so that constructed weights can start a training.

    Time is O(n_tokens x weights) for feed-forward layers and hardmax attention of rank 0 and 1. For a sequence of n tokens it
    is O(n^3) for ThirdOrderAttention and O(n^2) for the rest. Under ``torch.no_grad()`` zero weights cost nothing.

    Examples
    --------
    ::

        from sklearn_hardmax import RaggedSequences
        from sklearn_hardmax.export import to_torch

        module = to_torch(clf.to_transformer())
        X_out = module(clf.encode(X).to_torch())
        labels = clf.decode(RaggedSequences.from_torch(X_out))
    """
    with extra("torch"):
        import torch

    check_layers(transformer, STEPS, "torch")
    check_temperature(temperature, transformer)
    return _module_class()(transformer, temperature, torch.float64 if dtype is None else dtype)


def __getattr__(name: str) -> Any:
    # TorchTransformer derives from torch.nn.Module, and torch is imported only where it is needed: so the class is made at
    # its first use, which may be the import by name when a pickle is loaded.
    if name == "TorchTransformer":
        return _module_class()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@functools.cache
def _module_class():
    from torch import nn

    class TorchTransformer(nn.Module):
        """The weights of a Transformer as parameters; see `to_torch`."""

        def __init__(self, transformer, temperature, dtype):
            super().__init__()
            self.names = transformer.names
            self.kinds = tuple(type(layer) for layer in transformer.layers)
            self.temperatures = tuple(exported_temperature(layer, temperature) for layer in transformer.layers)
            # a temperature is no parameter: it is kept beside the weights
            self.layers = nn.ModuleList(_parameters(layer, dtype) for layer in transformer.layers)

        def forward(self, tokens, offsets=None):
            if not hasattr(tokens, "is_nested"):
                raise TypeError(
                    f"The module takes a tensor (n_tokens, token_dim) or a nested tensor, got {type(tokens).__name__}; "
                    "clf.encode(X).to_torch() gives one."
                )
            if tokens.is_nested:
                return _on_nested(self, tokens)
            segments = Segments.from_offsets(tokens, offsets)
            # the first array of a layer has the shape (.., token_dim)
            first_weights = self.layers[0][self.kinds[0].array_names[0]]
            _check_tokens(tokens, first_weights)
            stream = tokens.T.contiguous()  # one row per coordinate
            for layer_type, weights, temperature in zip(self.kinds, self.layers, self.temperatures):
                stream = STEPS[layer_type](weights, stream, segments, temperature)
            check_range(stream)
            return stream.T.contiguous()

        def to_transformer(self):
            """The weights as they are now, as a Transformer of sklearn_hardmax."""
            layers = []
            for layer_type, weights, temperature in zip(self.kinds, self.layers, self.temperatures):
                values = {name: weight.detach().cpu().double().numpy() for name, weight in weights.items()}
                if "temperature" in layer_type.scalar_names:
                    values["temperature"] = temperature
                layers.append(layer_type(**values))
            return Transformer(layers, self.names)

        def extra_repr(self):
            return f"{len(self.layers)} layers, token_dim={len(self.names)}"

    TorchTransformer.__qualname__ = "TorchTransformer"
    return TorchTransformer


def _parameters(layer, dtype):
    """Arrays and residual of a layer as parameters by name; its temperature is none."""
    import torch

    names = (*layer.array_names, layer.scalar_names[0])
    return torch.nn.ParameterDict(
        {name: torch.nn.Parameter(torch.tensor(getattr(layer, name), dtype=dtype)) for name in names}
    )


def _on_nested(module, nested):
    import torch

    is_plain = nested.layout == torch.jagged and nested.dim() == 3 and nested.lengths() is None
    if not is_plain or not isinstance(nested.shape[1], torch.SymInt):  # the ragged dimension has to be the second one
        raise ValueError(
            "A nested tensor must have the layout torch.jagged, shape (n_sequences, ragged, token_dim) and no holes; "
            "RaggedSequences.from_torch(nested).to_torch() has."
        )
    return torch.nested.nested_tensor_from_jagged(module(nested.values(), nested.offsets()), nested.offsets())


def _check_tokens(tokens, weights):
    if tokens.ndim != 2:
        raise ValueError(
            f"Tokens of all sequences stand in one tensor (n_tokens, {weights.shape[1]}), without padding, got shape "
            f"{tuple(tokens.shape)}; give encoded sequences as a jagged nested tensor, clf.encode(X).to_torch()."
        )
    if tokens.shape[1] != weights.shape[1]:
        raise ValueError(
            f"The module acts on tokens of {weights.shape[1]} coordinates, shape (n_tokens, {weights.shape[1]}), got shape "
            f"{tuple(tokens.shape)}; encode the sequences first."
        )
    if tokens.dtype != weights.dtype:
        raise ValueError(f"The module has dtype {weights.dtype}, the tokens {tokens.dtype}; convert one of them.")
