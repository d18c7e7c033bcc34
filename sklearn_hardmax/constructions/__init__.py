"""Build transformers with explicit weights: in closed form from labelled sequences, or from the definition of a task.

Each function `build_...` returns a `Construction`: the transformer, a function that encodes user input for it, a function
that decodes its output, and the margin of the inequalities that guarantee the answers. The subpackages:

    codes            one number per sequence, which differs wherever labels differ
    classification   every training label exactly, by one code and its decision intervals
    interpolation    every training target exactly, of tokens or of sequences; regularised training
    heads, scoring   a classifier that generalises: pooled features, a ridge regression, and corrections
    tasks            matching and sparse averaging, from the definition of the task
    leaders          the leader flow, in which tokens gather around leaders, and training through it
    common           parts that all of them share
"""

from sklearn_hardmax.constructions.classification.build import build_classifier
from sklearn_hardmax.constructions.common.construction import Construction, ConstructionError, SequenceConflictWarning
from sklearn_hardmax.constructions.interpolation.build import build_interpolator
from sklearn_hardmax.constructions.interpolation.training import Trained, balanced, minimise_regularised
from sklearn_hardmax.constructions.leaders.flow import build_leader_flow
from sklearn_hardmax.constructions.tasks.matching import build_match2, build_match3
from sklearn_hardmax.constructions.tasks.matching_variants import build_match3_bigram, build_match3_local
from sklearn_hardmax.constructions.tasks.position_keys import moment_keys, query_gaps, random_keys
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
    "moment_keys",
    "query_gaps",
    "random_keys",
]
