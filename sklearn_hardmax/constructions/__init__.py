"""Constructions: data or a task to the explicit weights of a Transformer."""

from sklearn_hardmax.constructions.classification import build_classifier
from sklearn_hardmax.constructions.construction import Construction, ConstructionError, SequenceConflictWarning
from sklearn_hardmax.constructions.interpolation import build_interpolator

__all__ = ["Construction", "ConstructionError", "SequenceConflictWarning", "build_classifier", "build_interpolator"]
