"""Fixtures of this room."""

import pytest
from cases.text import classifier, corpus


@pytest.fixture(scope="module")
def fitted():
    return classifier().fit(*corpus())


@pytest.fixture(scope="module")
def three():
    return classifier(n_components=3).fit(*corpus(90, classes=("bad", "good", "strange")))
