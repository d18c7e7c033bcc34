"""A fit that does not end changes neither the estimator nor, after an interrupt, the session (test_faults.py: all fits)."""

import warnings

import pytest

from sklearn_hardmax import HardmaxTransformerClassifier


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
