"""Heads: features pooled from the tokens of a sequence, in integer arithmetic."""
