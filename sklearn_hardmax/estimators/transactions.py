"""The decorator `transactional_fit`: a fit that fails or is interrupted changes neither the estimator nor the session.

scikit-learn's configuration, NumPy's error state, warning filters and the number of BLAS threads are changed and changed back
by context managers written in Python. An interrupt (KeyboardInterrupt) in the middle of one would leave the change in place:
scikit-learn could then accept parameters that it should refuse, for example, until the session ends.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

import numpy as np
import sklearn

from sklearn_hardmax.constructions.common.threads import one_blas_thread

Estimator = TypeVar("Estimator")
P = ParamSpec("P")
R = TypeVar("R")


class SessionSettings:
    """A copy of the settings of the session, taken in about 3 microseconds; `restore` brings them back."""

    def __init__(self):
        self.configuration = sklearn.get_config()
        self.error_state = np.geterr()
        # the list itself and its entries: catch_warnings replaces the list, other code changes it in place
        self.filters = warnings.filters
        self.entries = list(warnings.filters)

    def restore(self):
        """Bring back the settings; those that exist once per thread, for this thread."""
        one_blas_thread.release()
        sklearn.set_config(**self.configuration)
        np.seterr(**self.error_state)
        if warnings.filters is not self.filters or warnings.filters != self.entries:
            warnings.filters = self.filters
            warnings.filters[:] = self.entries
            # entering and leaving invalidates Python's cache of which warnings were shown
            with warnings.catch_warnings():
                pass


def transactional_fit(fit: Callable[Concatenate[Estimator, P], R]) -> Callable[Concatenate[Estimator, P], R]:
    """Decorate a `fit` so that it works on a draft, whose state replaces that of the estimator in one step at the end.

    A fit that fails or is interrupted, however often, leaves the estimator as it was. Other threads see the old state until
    the new one is complete. After an interrupt the settings of the session are restored too.
    """

    @functools.wraps(fit)
    def wrapped(self, *args, **kwargs):
        # a shallow copy: attributes that fit sets are new objects, those of before stay untouched
        draft = object.__new__(type(self))
        vars(draft).update(vars(self))
        settings = SessionSettings()
        try:
            result = fit(draft, *args, **kwargs)
        except Exception:
            # Every context manager has restored its setting. Nothing is restored here: other threads may be inside theirs.
            raise
        except BaseException:
            settings.restore()
            raise
        # one assignment, so that no interrupt can separate old and new attributes
        self.__dict__ = vars(draft)
        return self if result is draft else result

    return wrapped
