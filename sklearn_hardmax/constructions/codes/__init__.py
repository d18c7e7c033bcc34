"""Sequence codes: one number per sequence, which differs wherever the labels of sequences differ."""
