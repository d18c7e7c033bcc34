"""Sequences, strategies and estimators that the tests of several modules use."""
