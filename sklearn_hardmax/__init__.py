"""Exact, explicit hardmax transformers as scikit-learn estimators for sequences of any length."""

__version__ = "0.1.0"

from sklearn_hardmax.sequences import RaggedSequences, as_sequences
from sklearn_hardmax.transformer import Attention, FeedForward, Transformer

__all__ = ["Attention", "FeedForward", "RaggedSequences", "Transformer", "as_sequences"]
