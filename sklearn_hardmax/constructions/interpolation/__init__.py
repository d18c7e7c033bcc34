"""Exact interpolation: a target for every token, or one for every sequence."""
