"""One BLAS thread inside the context and as many as before behind it, beside other threads and after interrupts too."""

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from cases.threads import three_blas_threads
from tracing import Interrupts

from sklearn_hardmax.constructions.common.threads import one_blas_thread


@pytest.fixture
def blas():
    with three_blas_threads() as blas:
        yield blas


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
