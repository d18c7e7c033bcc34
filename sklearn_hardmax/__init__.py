"""Exact, explicit hardmax transformers as scikit-learn estimators for sequences of any length."""

__version__ = "0.1.0"

from sklearn_hardmax.constructions.construction import ConstructionError, SequenceConflictWarning
from sklearn_hardmax.estimators.classifier import HardmaxTransformerClassifier
from sklearn_hardmax.estimators.clustering import LeaderClustering
from sklearn_hardmax.estimators.flow import LeaderFlow
from sklearn_hardmax.estimators.interpolator import HardmaxTransformerInterpolator
from sklearn_hardmax.estimators.pooling import HardmaxPooling
from sklearn_hardmax.estimators.preprocessing import RaggedSequenceTransformer
from sklearn_hardmax.estimators.text import LeaderTextClassifier
from sklearn_hardmax.layers import Attention, FeedForward, ThirdOrderAttention
from sklearn_hardmax.parsing import as_sequences
from sklearn_hardmax.sequences import RaggedSequences
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
