"""Run matrix products on one thread, where the threads would wait for each other longer than the product takes."""

import threading
from functools import cache

from threadpoolctl import ThreadpoolController


class OneBlasThread:
    """Context manager in which matrix products (BLAS) use one thread.

    The number of threads is a setting of the whole process, and two contexts that overlap would reset each other's setting.
    Therefore a context that is entered while another thread is inside one has no effect: its products may use more threads,
    with the same results.
    """

    def __init__(self):
        self._lock = threading.Lock()
        self._owner = None  # id of the thread inside the context
        self._before = []  # BLAS libraries, and their numbers of threads before the context
        self._limits = None

    def __enter__(self):
        with self._lock:
            if self._owner is None:
                pools = _blas_pools()
                self._before = [(library, library.num_threads) for library in pools.lib_controllers]
                # the owner is set before the limit, so that `release` undoes a limit that an interrupt left half set
                self._owner = threading.get_ident()
                self._limits = pools.limit(limits=1)
                self._limits.__enter__()

    def __exit__(self, *_):
        self.release()

    def release(self):
        """Restore the number of threads if this thread has changed it.

        May be called once more after the context, if an interrupt may have kept `__exit__` from its work.
        """
        with self._lock:
            if self._owner == threading.get_ident():
                for library, n_threads in self._before:
                    library.set_num_threads(n_threads)
                if self._limits is not None:
                    self._limits.__exit__(None, None, None)
                self._before = []
                self._limits = None
                self._owner = None


@cache
def _blas_pools():
    return ThreadpoolController().select(user_api="blas")


one_blas_thread = OneBlasThread()
