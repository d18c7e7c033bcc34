"""scikit-learn estimators for sequences of any length, on hardmax transformers whose weights are computed in closed form.

A hardmax transformer is a transformer in which a token attends to the tokens of the largest score alone, the limit of softmax
attention at temperature 0. The estimators are

HardmaxTransformerClassifier    sequences to class labels; it reproduces the training labels.
HardmaxTransformerInterpolator  sequences to targets, one per sequence or per token; it reproduces the training targets.
HardmaxPooling                  sequences to a matrix, one row per sequence, for any other estimator.
RaggedSequenceTransformer       scaled tokens, positions and windows, as a step before other estimators.
TokenwiseTransformer            any transformer of scikit-learn on every token: encoders of categories, texts, dates.
SequenceImputer                 missing values, filled along each sequence.
SequenceResampler               irregular times, resampled to a regular grid.
LeaderFlow                      the tokens of each sequence move towards its leaders, by attention alone.
LeaderClustering                clusters of the rows of a matrix, by the same flow.
LeaderTextClassifier            texts to class labels, by the words that lead them; here the weights are trained.

RaggedSequences holds sequences of any lengths, and `as_sequences` reads arrays, lists and data frames into it. A Transformer
is a list of layers: FeedForward, Attention, ThirdOrderAttention. It comes from `to_transformer()` of a fitted estimator or
from sklearn_hardmax.constructions; sklearn_hardmax.forward runs it, and sklearn_hardmax.export converts it.
"""

from importlib import import_module
from typing import Any

from sklearn_hardmax._version import __version__ as __version__
from sklearn_hardmax.constructions.common.construction import ConstructionError, SequenceConflictWarning
from sklearn_hardmax.estimators.classifier import HardmaxTransformerClassifier
from sklearn_hardmax.estimators.clustering import LeaderClustering
from sklearn_hardmax.estimators.flow import LeaderFlow
from sklearn_hardmax.estimators.imputation import SequenceImputer
from sklearn_hardmax.estimators.interpolator import HardmaxTransformerInterpolator
from sklearn_hardmax.estimators.pooling import HardmaxPooling
from sklearn_hardmax.estimators.preprocessing import RaggedSequenceTransformer
from sklearn_hardmax.estimators.resampling import SequenceResampler
from sklearn_hardmax.estimators.text.classifier import LeaderTextClassifier
from sklearn_hardmax.estimators.tokenwise import TokenwiseTransformer
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
    "SequenceImputer",
    "SequenceResampler",
    "ThirdOrderAttention",
    "TokenwiseTransformer",
    "Transformer",
    "as_sequences",
]


def __getattr__(name: str) -> Any:
    # these rooms are imported at their first use
    if name in ("datasets", "export", "plotting"):
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
