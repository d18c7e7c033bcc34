"""Constructions: data or a task to the explicit weights of a Transformer."""

from sklearn_hardmax.constructions.classification import build_classifier
from sklearn_hardmax.constructions.construction import Construction, ConstructionError, SequenceConflictWarning
from sklearn_hardmax.constructions.interpolation import build_interpolator
from sklearn_hardmax.constructions.training import Trained, balanced, minimise_regularised

__all__ = [
    "Construction",
    "ConstructionError",
    "SequenceConflictWarning",
    "Trained",
    "balanced",
    "build_classifier",
    "build_interpolator",
    "minimise_regularised",
]
