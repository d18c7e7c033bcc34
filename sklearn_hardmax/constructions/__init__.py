"""Constructions: data or a task to the explicit weights of a Transformer."""

from sklearn_hardmax.constructions.classification import build_classifier
from sklearn_hardmax.constructions.construction import Construction, ConstructionError, SequenceConflictWarning
from sklearn_hardmax.constructions.leader_flow import build_leader_flow

__all__ = ["Construction", "ConstructionError", "SequenceConflictWarning", "build_classifier", "build_leader_flow"]
