"""What fits and methods of an estimator see of each other, and what a fit that does not end leaves behind.

All fits are in tests/test_faults.py, all methods in tests/test_threads.py.
"""

import inspect
import warnings

import numpy as np
import pytest
import session_guard
import sklearn
from cases.threads import three_blas_threads
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.exceptions import NotFittedError

from sklearn_hardmax import HardmaxTransformerClassifier
from sklearn_hardmax.constructions.common.threads import one_blas_thread
from sklearn_hardmax.estimators.transactions import reads_one_fit, transactional_fit


class Summary(BaseEstimator):
    """Learns two attributes, and calls a function between them; methods call it between reading them."""

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

    @reads_one_fit
    def limits(self, *, closed=True):
        """The least and the largest."""
        least = self.least_
        self.between()
        return [least, self.largest_, closed]

    @reads_one_fit
    def labelled_limits(self):
        return {"limits": self.limits()}

    @property
    @reads_one_fit
    def spread_(self):
        """The largest less the least."""
        return self.largest_[0] - self.least_[0]


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


def test_a_method_and_a_property_keep_their_names_docstrings_and_parameters():
    assert (Summary.limits.__name__, Summary.limits.__doc__) == ("limits", "The least and the largest.")
    assert str(inspect.signature(Summary.limits)) == "(self, *, closed=True)"
    assert Summary.spread_.__doc__ == "The largest less the least."
    assert Summary().fit([1, 3]).spread_ == 2


def test_before_a_fit_a_method_is_refused():
    for ask in (Summary().limits, lambda: Summary().spread_):
        with pytest.raises(NotFittedError, match="This Summary instance is not fitted yet"):
            ask()


def test_a_method_reads_one_fit_though_another_ends_meanwhile():
    summary = Summary().fit([1, 2])
    summary.between = lambda: Summary.fit(summary.set_params(between=int), [3, 4])
    assert summary.limits(closed=False) == [[1], [2], False]
    assert summary.limits(closed=False) == [[3], [4], False]


def test_a_method_reads_parameters_of_one_moment():
    summary = Summary().fit([1, 2])

    def between():
        summary.largest_ = [5]  # in place, as set_params does

    summary.between = between
    assert summary.limits() == [[1], [2], True]
    assert summary.limits() == [[1], [5], True]


def test_methods_of_a_subclass_are_called_on_a_snapshot_and_what_they_set_on_it_is_gone():
    class Doubled(Summary):
        def limits(self, *, closed=True):
            self.asked_ = True
            return super().limits(closed=closed) * 2

    doubled = Doubled().fit([1, 2])
    assert doubled.labelled_limits() == {"limits": [[1], [2], True] * 2}
    assert not hasattr(doubled, "asked_")
    assert doubled.limits(closed=False) == [[1], [2], False] * 2
    assert doubled.asked_


def test_of_two_fits_at_once_the_one_that_ends_later_replaces_all_that_the_other_has_learned():
    def other_fit():
        Summary.fit(summary.set_params(between=int), [3, 4])
        summary.only_there_ = True

    summary = Summary(other_fit)
    summary.fit([1, 2])
    assert (summary.least_, summary.largest_) == ([1], [2])
    assert not hasattr(summary, "only_there_")


class Step(TransformerMixin, Summary):
    """Its output may be a data frame."""

    def transform(self, numbers):
        return np.array(numbers)[:, None]

    def get_feature_names_out(self):
        return ["number"]


def test_what_is_chosen_during_a_fit_stays_chosen():
    def choose():
        step.set_params(between=int)
        step.set_output(transform="pandas")
        step.set_fit_request(numbers=True)

    step = Step(choose)
    with sklearn.config_context(enable_metadata_routing=True):
        step.fit([1, 2])
    assert step.largest_ == [2]
    assert step.between is int
    assert list(step.transform([1]).columns) == ["number"]
    assert step.get_metadata_routing().fit.requests == {"numbers": True}


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
