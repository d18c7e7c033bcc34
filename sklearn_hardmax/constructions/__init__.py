"""Constructions: data or a task to the explicit weights of a Transformer."""

from sklearn_hardmax.constructions.classification import build_classifier
from sklearn_hardmax.constructions.construction import Construction, ConstructionError, SequenceConflictWarning
from sklearn_hardmax.constructions.interpolation import build_interpolator
from sklearn_hardmax.constructions.leader_flow import build_leader_flow
from sklearn_hardmax.constructions.matching import build_match2, build_match3
from sklearn_hardmax.constructions.residues import build_match3_bigram, build_match3_local
from sklearn_hardmax.constructions.sparse_averaging import build_sparse_averaging
from sklearn_hardmax.constructions.training import Trained, balanced, minimise_regularised

__all__ = [
    "Construction",
    "ConstructionError",
    "SequenceConflictWarning",
    "Trained",
    "balanced",
    "build_classifier",
    "build_interpolator",
    "build_leader_flow",
    "build_match2",
    "build_match3",
    "build_match3_bigram",
    "build_match3_local",
    "build_sparse_averaging",
    "minimise_regularised",
]
