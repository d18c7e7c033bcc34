"""Matrix products on one thread, where more would wait for each other longer than the product takes."""

import threading
from functools import cache

from threadpoolctl import ThreadpoolController


class OneBlasThread:
    """Context in which products of matrices use one thread.

    The number of threads belongs to the process, and two contexts that overlap would set back what the other one had set. So
    one that is entered while another thread is in it does nothing: its products may use more threads, with the same results.
    """

    def __init__(self):
        self._lock, self._owner = threading.Lock(), None
        self._before, self._limits = [], None

    def __enter__(self):
        with self._lock:
            if self._owner is None:
                pools = _blas_pools()
                self._before = [(library, library.num_threads) for library in pools.lib_controllers]
                self._owner = threading.get_ident()
                self._limits = pools.limit(limits=1)
                self._limits.__enter__()

    def __exit__(self, *_):
        self.release()

    def release(self):
        """Set the number of threads back if this thread has changed it, be it that an interrupt kept it from doing so."""
        with self._lock:
            if self._owner == threading.get_ident():
                for library, n_threads in self._before:
                    library.set_num_threads(n_threads)
                if self._limits is not None:
                    self._limits.__exit__(None, None, None)
                self._before, self._limits, self._owner = [], None, None


@cache
def _blas_pools():
    return ThreadpoolController().select(user_api="blas")


one_blas_thread = OneBlasThread()
