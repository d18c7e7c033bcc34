"""Exact classification: one code per sequence, and intervals of codes that belong to one class."""
