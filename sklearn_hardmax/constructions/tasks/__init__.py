"""Explicit weights for tasks that show what attention can do: sparse averaging and matching of integers."""
