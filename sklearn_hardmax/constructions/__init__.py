"""Constructions: data or a task to the explicit weights of a Transformer."""

from sklearn_hardmax.constructions.classification.build import build_classifier
from sklearn_hardmax.constructions.common.construction import Construction, ConstructionError, SequenceConflictWarning
from sklearn_hardmax.constructions.interpolation.build import build_interpolator
from sklearn_hardmax.constructions.interpolation.training import Trained, balanced, minimise_regularised
from sklearn_hardmax.constructions.leaders.flow import build_leader_flow
from sklearn_hardmax.constructions.tasks.matching import build_match2, build_match3
from sklearn_hardmax.constructions.tasks.matching_variants import build_match3_bigram, build_match3_local
from sklearn_hardmax.constructions.tasks.sparse_averaging import build_sparse_averaging

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
