"""What can be exported."""

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


def check_layers(transformer, known, what):
    """Raise TypeError unless this is a Transformer whose layers all are of known kinds."""
    if not isinstance(transformer, Transformer):
        raise TypeError(
            f"Only a Transformer can be exported, got {type(transformer).__name__}; a fitted estimator gives one by "
            "to_transformer()."
        )
    for i, layer in enumerate(transformer.layers):
        if type(layer) not in known:
            names = ", ".join(kind.__name__ for kind in known)
            raise TypeError(
                f"Layer {i} is {type(layer).__name__}, which has no {what} form; layers that have: {names}."
            )
