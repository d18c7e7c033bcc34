"""Exact, explicit hardmax transformers as scikit-learn estimators for sequences of any length."""

__version__ = "0.1.0"

from sklearn_hardmax.sequences import RaggedSequences, as_sequences

__all__ = ["RaggedSequences", "as_sequences"]
