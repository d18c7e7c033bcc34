"""Fixtures of this room."""

import pytest
from cases.token_flow import LABELS, TEXTS, classifier


@pytest.fixture(scope="module")
def fitted():
    return classifier().fit(TEXTS, LABELS)
