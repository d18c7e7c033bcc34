"""Fixtures of this room."""

import pytest
from cases.classifier import DEFAULTS


@pytest.fixture(params=[0, 60], ids=["code", "heads"])
def n_heads(request, monkeypatch):
    """The classifier of cases/classifier.py without heads and with some."""
    monkeypatch.setitem(DEFAULTS, "n_heads", request.param)
    return request.param
