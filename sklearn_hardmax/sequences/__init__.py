"""Sequences of any length: the container, and the parser of everything that can be read as one."""

from sklearn_hardmax.sequences.parsing import SequencesLike, as_sequences
from sklearn_hardmax.sequences.ragged import RaggedSequences

__all__ = ["RaggedSequences", "SequencesLike", "as_sequences"]
