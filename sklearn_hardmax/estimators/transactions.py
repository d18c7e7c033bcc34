"""The decorators `transactional_fit`, of methods that fit, and `reads_one_fit`, of those that read what was fitted.

A fit replaces all that it has learned in one step, and a method reads it in one step. Threads may therefore call the methods
of an estimator while others fit it: every result is that of one fit. A fit that fails or is interrupted changes nothing.

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
from sklearn.utils.validation import check_is_fitted

from sklearn_hardmax.constructions.common.threads import one_blas_thread

Estimator = TypeVar("Estimator")
P = ParamSpec("P")
R = TypeVar("R")

# where scikit-learn keeps what set_output and set_fit_request have chosen
_CHOICES = ("_sklearn_output_config", "_metadata_request")


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


def snapshot(estimator: Estimator) -> Estimator:
    """A shallow copy of an estimator as it is now, taken in half a microsecond.

    Its parameters and fitted attributes are those of one moment: `__dict__` is read once, and copied by one call of C.
    Slots are not copied; scikit-learn's estimators have none.
    """
    copy = object.__new__(type(estimator))
    copy.__dict__ = estimator.__dict__.copy()
    return copy


def reads_one_fit(method: Callable[Concatenate[Estimator, P], R]) -> Callable[Concatenate[Estimator, P], R]:
    """Decorate a method so that it reads one fit, and raises NotFittedError if there is none.

    `self` is a snapshot in the method, and in all methods that it calls, those of subclasses too: whatever they set on it is
    gone afterwards. Methods that change the estimator, such as `set_params`, are therefore not decorated. Those that fit are
    decorated by `transactional_fit`.
    """

    @functools.wraps(method)
    def wrapped(self, *args, **kwargs):
        self = snapshot(self)
        check_is_fitted(self)
        return method(self, *args, **kwargs)

    return wrapped


def transactional_fit(fit: Callable[Concatenate[Estimator, P], R]) -> Callable[Concatenate[Estimator, P], R]:
    """Decorate a `fit` so that it works on a snapshot, the draft, whose attributes replace those of the estimator at the end.

    They replace all attributes in one step. Until then other threads see the old ones, and of two fits at once the later one
    to end replaces all that the other has learned. Only parameters, and what `set_output` and `set_fit_request` have chosen,
    stay what they are when the fit ends: another thread may have set them since it began, and the fit has used the old ones.

    A fit that fails or is interrupted, however often, leaves the estimator as it was. After an interrupt the settings of the
    session are restored too.
    """

    @functools.wraps(fit)
    def wrapped(self, *args, **kwargs):
        draft = snapshot(self)
        chosen = [*draft.get_params(deep=False), *_CHOICES]
        settings = SessionSettings()
        try:
            result = fit(draft, *args, **kwargs)
        except Exception:
            # Every context manager has restored its setting. Nothing is restored here: other threads may be inside theirs.
            raise
        except BaseException:
            settings.restore()
            raise
        now = vars(snapshot(self))
        # one assignment, so that no interrupt can separate old and new attributes
        self.__dict__ = vars(draft) | {name: now[name] for name in chosen if name in now}
        return self if result is draft else result

    return wrapped
