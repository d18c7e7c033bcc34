"""Estimators: fit, predict and transform around the constructions."""
