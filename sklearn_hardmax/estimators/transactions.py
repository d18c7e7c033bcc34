"""A fit that changes nothing unless it succeeds: neither the estimator nor the settings of the Python session.

scikit-learn's configuration, NumPy's error state, warning filters and the number of BLAS threads are changed and changed back
by context managers written in Python. An interrupt that arrives in the middle of one leaves the change in place: scikit-learn
then takes parameters that it would refuse, say, until the session ends.
"""

import functools
import warnings
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

import numpy as np
import sklearn

from sklearn_hardmax.constructions.common.threads import one_blas_thread

Self = TypeVar("Self")
P = ParamSpec("P")
R = TypeVar("R")


class SessionSettings:
    """The settings as they are now; `restore` brings them back. Takes about 3 microseconds."""

    def __init__(self):
        self.configuration = sklearn.get_config()
        self.error_state = np.geterr()
        self.filters, self.entries = warnings.filters, list(warnings.filters)

    def restore(self):
        """Set what differs from the settings of before, for this thread where there is one state per thread."""
        one_blas_thread.release()
        sklearn.set_config(**self.configuration)
        np.seterr(**self.error_state)
        if warnings.filters is not self.filters or warnings.filters != self.entries:
            warnings.filters = self.filters
            warnings.filters[:] = self.entries
            with warnings.catch_warnings():
                pass  # entering and leaving tells Python that filters have changed


def transactional_fit(fit: Callable[Concatenate[Self, P], R]) -> Callable[Concatenate[Self, P], R]:
    """A fit that works on a draft, which takes the place of the estimator in one step.

    So one that fails or is interrupted, however often, leaves the estimator as it was, and while it runs other threads find
    the estimator as it was. After an interrupt the settings of the session are those of before.
    """

    @functools.wraps(fit)
    def wrapped(self, *args, **kwargs):
        draft = object.__new__(type(self))
        vars(draft).update(vars(self))
        settings = SessionSettings()
        try:
            result = fit(draft, *args, **kwargs)
        except Exception:
            raise  # every context manager has done its work, and other threads may be in theirs
        except BaseException:
            settings.restore()
            raise
        self.__dict__ = vars(draft)
        return self if result is draft else result

    return wrapped
