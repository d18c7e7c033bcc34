"""Checks that a Transformer can be exported, and the temperatures of its layers."""

import numpy as np

from sklearn_hardmax.layers import ThirdOrderAttention
from sklearn_hardmax.transformer import Transformer


def check_temperature(temperature, transformer):
    """Raise ValueError unless it is None, 0 or a positive number that all attention layers can have."""
    if temperature is not None and not 0 <= temperature < np.inf:
        raise ValueError(f"temperature must be 0 (hardmax) or above and finite, got {temperature}.")
    for i, layer in enumerate(transformer.layers):
        if temperature and isinstance(layer, ThirdOrderAttention):
            raise ValueError(
                f"Layer {i} is ThirdOrderAttention, which is the hardmax only: temperature must be 0 or None."
            )


def exported_temperature(layer, temperature):
    """The temperature that replaces that of a layer, or its own where `temperature` is None; 0 for layers without one."""
    return getattr(layer, "temperature", 0.0) if temperature is None else float(temperature)


def check_layers(transformer, exported_types, runtime):
    """Raise TypeError unless this is a Transformer whose layers all are of these types; `runtime` is for the message."""
    if not isinstance(transformer, Transformer):
        raise TypeError(
            f"Only a Transformer can be exported, got {type(transformer).__name__}; a fitted estimator gives one by "
            "to_transformer()."
        )
    for i, layer in enumerate(transformer.layers):
        if type(layer) not in exported_types:
            names = ", ".join(layer_type.__name__ for layer_type in exported_types)
            raise TypeError(
                f"Layer {i} is {type(layer).__name__}, which has no {runtime} form; layers that have: {names}."
            )
