"""Running a Transformer: `apply` gives the tokens after the last layer, `trace` what every layer did."""

from sklearn_hardmax.forward.run import LayerTrace, apply, trace

__all__ = ["LayerTrace", "apply", "trace"]
