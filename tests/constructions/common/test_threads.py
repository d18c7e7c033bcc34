"""One BLAS thread inside the context and as many as before behind it, beside other threads and after interrupts too."""

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from threadpoolctl import ThreadpoolController
from tracing import Interrupts

from sklearn_hardmax.constructions.common.threads import one_blas_thread


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


@pytest.fixture
def blas():
    """BLAS with three threads, whatever the machine has."""
    blas = BlasThreads()
    if not blas.libraries:
        pytest.skip("no BLAS whose number of threads can be set, as with Accelerate on macOS")
    before = blas.now()
    blas.set([3] * len(before))
    yield blas
    blas.set(before)


def test_the_number_of_blas_threads_is_that_of_before_when_contexts_that_overlap_have_been_left(blas):
    before, inside = blas.now(), threading.Barrier(2, timeout=600)

    def stay(leaves_first):
        with one_blas_thread:
            inside.wait()
            if not leaves_first:
                inside.wait()
        if leaves_first:
            inside.wait()

    for order in ([True, False], [False, True]) * 4:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(stay, order))
        assert blas.now() == before == [3] * len(before)


def test_in_the_context_there_is_one_blas_thread(blas):
    with one_blas_thread:
        assert set(blas.now()) == {1}
    assert set(blas.now()) == {3}


def test_an_interrupt_while_the_number_of_blas_threads_changes_is_made_good_by_release(blas):
    with Interrupts() as calls, one_blas_thread:
        pass
    for at in range(1, calls.count):
        with contextlib.suppress(KeyboardInterrupt), Interrupts(at), one_blas_thread:
            pass
        one_blas_thread.release()
        assert set(blas.now()) == {3}, at
