"""How much a property test tries: a seventh of its examples in the suite, all of them under the profile "thorough"."""

import pytest
from hypothesis import HealthCheck, settings

# nothing that a busy machine makes slower may fail
ALL = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow], "print_blob": True}
settings.register_profile("suite", max_examples=15, derandomize=True, **ALL)
settings.register_profile("thorough", max_examples=100, derandomize=True, **ALL)
settings.register_profile("other seeds", max_examples=15, **ALL)


def examples(n):
    """Settings of a property test with n examples where it is tried thoroughly, and five at least in the suite."""
    return settings(max_examples=max(5, n * settings.default.max_examples // 100))


def slow(*values):
    """Parameters of a test that repeat what others show: for the slow tests. A tuple is one value for each name."""
    rows = [value if isinstance(value, tuple) else (value,) for value in values]
    return [pytest.param(*row, marks=pytest.mark.slow) for row in rows]
