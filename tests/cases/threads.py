"""The number of threads of BLAS, and BLAS with three of them."""

import contextlib

import pytest
from threadpoolctl import ThreadpoolController


class BlasThreads:
    """How many threads each BLAS library of the process uses."""

    def __init__(self):
        self.libraries = ThreadpoolController().select(user_api="blas").lib_controllers

    def now(self):
        return [library.num_threads for library in self.libraries]

    def set(self, numbers):
        for library, n_threads in zip(self.libraries, numbers, strict=True):
            library.set_num_threads(n_threads)
            # from threadpoolctl 3.7 on only the thread that came first may go on setting
            getattr(library, "clear_controlling_thread", lambda: None)()


@contextlib.contextmanager
def three_blas_threads():
    """BLAS with three threads, whatever the machine has."""
    blas = BlasThreads()
    if not blas.libraries:
        pytest.skip("no BLAS whose number of threads can be set, as with Accelerate on macOS")
    before = blas.now()
    blas.set([3] * len(before))
    try:
        yield blas
    finally:
        blas.set(before)
