"""Run a Transformer: `apply` returns the tokens after the last layer, `trace` the result of every layer."""

from sklearn_hardmax.forward.run import LayerTrace, apply, trace

__all__ = ["LayerTrace", "apply", "trace"]
