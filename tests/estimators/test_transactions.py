"""A fit that does not end changes neither the estimator nor, after an interrupt, the session (test_faults.py: all fits)."""

import inspect
import warnings

import numpy as np
import pytest
import session_guard
import sklearn
from cases.threads import three_blas_threads

from sklearn_hardmax import HardmaxTransformerClassifier
from sklearn_hardmax.constructions.common.threads import one_blas_thread
from sklearn_hardmax.estimators.transactions import transactional_fit


class Summary:
    """Learns two attributes, and calls a function between them."""

    def __init__(self, between=lambda: None):
        self.between = between

    @transactional_fit
    def fit(self, numbers):
        """Learn the least and the largest."""
        self.least_ = [min(numbers)]
        self.between()
        self.largest_ = [max(numbers)]
        return self

    @transactional_fit
    def fit_transform(self, numbers):
        self.largest_ = max(numbers)
        return [number / self.largest_ for number in numbers]


def raising(error):
    def between():
        raise error

    return between


@pytest.mark.parametrize("error", [ValueError, MemoryError, KeyboardInterrupt, SystemExit])
def test_a_fit_that_raises_half_way_leaves_every_attribute_as_it_was(error):
    for summary in (Summary(), Summary().fit([1, 2])):
        summary.between = raising(error)
        before = dict(vars(summary))
        with pytest.raises(error):
            summary.fit([3, 4])
        assert list(vars(summary)) == list(before)
        assert all(vars(summary)[name] is value for name, value in before.items())


def test_until_a_fit_ends_the_estimator_shows_what_it_learned_before():
    seen = []
    summary = Summary().fit([1, 2])
    summary.between = lambda: seen.append((summary.least_, summary.largest_))
    summary.fit([3, 4])
    assert seen == [([1], [2])]
    assert (summary.least_, summary.largest_) == ([3], [4])


def test_a_fit_returns_the_estimator_itself_or_what_it_computed():
    summary = Summary()
    assert summary.fit([1, 2]) is summary
    assert summary.fit_transform([1, 2]) == [0.5, 1.0]
    assert summary.largest_ == 2


def test_a_fit_keeps_its_name_docstring_and_parameters():
    assert (Summary.fit.__name__, Summary.fit.__doc__) == ("fit", "Learn the least and the largest.")
    assert list(inspect.signature(Summary.fit).parameters) == ["self", "numbers"]


def entered_and_left_open():
    """Settings as in the middle of context managers that an interrupt has cut off."""
    one_blas_thread.__enter__()
    sklearn.set_config(assume_finite=True, skip_parameter_validation=True)
    np.seterr(all="ignore")
    warnings.catch_warnings().__enter__()
    warnings.simplefilter("ignore")
    raise KeyboardInterrupt


def changed_in_place():
    warnings.filters.insert(0, ("ignore", None, Warning, None, 0))
    raise KeyboardInterrupt


@pytest.mark.parametrize("between", [entered_and_left_open, changed_in_place])
def test_an_interrupt_brings_back_the_settings_of_the_session(between):
    with three_blas_threads() as blas:
        session, filters = session_guard.read(), warnings.filters
        with pytest.raises(KeyboardInterrupt):
            Summary(between).fit([1, 2])
        assert warnings.filters is filters
        assert session_guard.put_back(session) == []
        assert set(blas.now()) == {3}


def test_a_fit_that_is_refused_leaves_alone_what_another_thread_has_set_for_a_while():
    """The filters of a block `catch_warnings` that was open when the fit began do not come back when it has been left."""
    filters = list(warnings.filters)

    class Bad(list):
        def __iter__(self):
            block.__exit__(None, None, None)
            raise ValueError("no sequences")

    block = warnings.catch_warnings()
    block.__enter__()
    warnings.simplefilter("ignore")
    with pytest.raises(ValueError, match="no sequences"):
        HardmaxTransformerClassifier().fit(Bad([1.0]), [0])
    assert warnings.filters == filters
