"""What all tests share: one BLAS thread a process, pictures without a screen, the same examples every time, and a guard.

Workers run side by side on machines that others use, so that nothing here is bound to seconds.
"""

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")  # before NumPy is imported; examples run in processes that inherit it
os.environ["MPLBACKEND"] = "agg"

import random  # noqa: E402

import numpy as np  # noqa: E402
import pytest  # noqa: E402
import session_guard  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402

pytest_plugins = ["pytester"]  # for the test of the guard
settings.register_profile("suite", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")


def pytest_configure(config):
    config.pluginmanager.register(session_guard)  # for doctests too, which lie elsewhere


@pytest.fixture
def seeded():
    """For code of other libraries that draws from the global generators: the same numbers every time, and nobody notices."""
    before = np.random.get_state(), random.getstate()  # noqa: NPY002
    np.random.seed(0)  # noqa: NPY002
    random.seed(0)
    yield
    np.random.set_state(before[0])  # noqa: NPY002
    random.setstate(before[1])
