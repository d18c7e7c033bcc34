"""Exact, explicit hardmax transformers as scikit-learn estimators for sequences of any length."""

from sklearn_hardmax._version import __version__ as __version__
from sklearn_hardmax.constructions.common.construction import ConstructionError, SequenceConflictWarning
from sklearn_hardmax.estimators.classifier import HardmaxTransformerClassifier
from sklearn_hardmax.estimators.clustering import LeaderClustering
from sklearn_hardmax.estimators.flow import LeaderFlow
from sklearn_hardmax.estimators.interpolator import HardmaxTransformerInterpolator
from sklearn_hardmax.estimators.pooling import HardmaxPooling
from sklearn_hardmax.estimators.preprocessing import RaggedSequenceTransformer
from sklearn_hardmax.estimators.text.classifier import LeaderTextClassifier
from sklearn_hardmax.layers import Attention, FeedForward, ThirdOrderAttention
from sklearn_hardmax.sequences import RaggedSequences, as_sequences
from sklearn_hardmax.transformer import Transformer

__all__ = [
    "Attention",
    "ConstructionError",
    "FeedForward",
    "HardmaxPooling",
    "HardmaxTransformerClassifier",
    "HardmaxTransformerInterpolator",
    "LeaderClustering",
    "LeaderFlow",
    "LeaderTextClassifier",
    "RaggedSequenceTransformer",
    "RaggedSequences",
    "SequenceConflictWarning",
    "ThirdOrderAttention",
    "Transformer",
    "as_sequences",
]
