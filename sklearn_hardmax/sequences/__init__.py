"""Sequences of any length: the container RaggedSequences, and as_sequences, which reads user input into it."""

from sklearn_hardmax.sequences.parsing import SequencesLike, as_sequences
from sklearn_hardmax.sequences.ragged import RaggedSequences

__all__ = ["RaggedSequences", "SequencesLike", "as_sequences"]
