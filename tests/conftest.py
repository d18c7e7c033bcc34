"""What all tests share: one BLAS thread per process, pictures without a screen, the same examples every time, and a guard.

Workers run side by side on machines that others use, so that nothing here is bound to seconds.
"""

import os
import random

import pytest

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")  # before NumPy is imported; examples run in processes that inherit it
os.environ["MPLBACKEND"] = "agg"

pytest_plugins = ["pytester"]  # for the test of the guard


def pytest_addoption(parser):
    parser.addoption("--shuffle", type=int, metavar="SEED", help="run the tests in the order that this seed gives")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    if config.getoption("shuffle") is not None:
        random.Random(config.getoption("shuffle")).shuffle(items)  # the same in every worker


@pytest.hookimpl(tryfirst=True)  # before hypothesis looks up the profile that the command line names
def pytest_configure(config):
    if config.getoption("numprocesses", None) and not config.getoption("hypothesis_profile", None):
        return  # this process hands tests out and runs none: what follows takes seconds to import
    import effort
    import session_guard

    effort.settings.load_profile("suite")
    config.pluginmanager.register(session_guard)  # here, so that doctests are guarded too


@pytest.fixture
def seeded():
    """For code of other libraries that draws from the global generators: the same numbers every time, and nobody notices."""
    import numpy as np

    before = np.random.get_state(), random.getstate()  # noqa: NPY002
    np.random.seed(0)  # noqa: NPY002
    random.seed(0)
    yield
    np.random.set_state(before[0])  # noqa: NPY002
    random.setstate(before[1])
