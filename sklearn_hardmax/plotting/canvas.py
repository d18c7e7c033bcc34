"""Checks that all displays share: a fitted estimator, the index of a sequence, a class label, and matplotlib."""

from sklearn.utils.validation import check_is_fitted

from sklearn_hardmax._extras import extra
from sklearn_hardmax.estimators.transactions import snapshot
from sklearn_hardmax.estimators.validation import check_integer


def fitted_snapshot(display, estimator, *kinds):
    """A copy of a fitted estimator, of which a picture is drawn: it shows one fit.

    TypeError unless the estimator is of one of these kinds; NotFittedError unless it is fitted.
    """
    if not isinstance(estimator, kinds):
        shown = " or ".join(kind.__name__ for kind in kinds)
        raise TypeError(
            f"{display.__name__} shows a {shown} (of a pipeline: its last step, with X transformed by the others), got "
            f"{type(estimator).__name__}."
        )
    estimator = snapshot(estimator)
    check_is_fitted(estimator)
    return estimator


def check_index(index, n_sequences):
    """Raise ValueError unless this is the index of one of n_sequences sequences."""
    check_integer(index, "index", 0, n_sequences - 1)


def check_class_label(class_label, classes):
    """Raise ValueError unless this is one of the classes."""
    if class_label not in classes:
        raise ValueError(f"class_label must be one of {', '.join(map(str, classes[:10]))}, got {class_label!r}.")


def pyplot():
    """The module matplotlib.pyplot; raise ImportError with the name of the extra if matplotlib is not installed."""
    # imported when something is drawn, so that the package works without matplotlib
    with extra("plot"):
        import matplotlib.pyplot as plt
    return plt
