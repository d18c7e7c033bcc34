"""What all displays need: a fitted classifier, and matplotlib."""

from sklearn.utils.validation import check_is_fitted

from sklearn_hardmax.estimators.classifier import HardmaxTransformerClassifier


def check_classifier(display, estimator):
    """TypeError or NotFittedError unless this is a fitted HardmaxTransformerClassifier."""
    if not isinstance(estimator, HardmaxTransformerClassifier):
        raise TypeError(
            f"{display.__name__} shows a HardmaxTransformerClassifier (of a pipeline: its last step, with X transformed by "
            f"the others), got {type(estimator).__name__}."
        )
    check_is_fitted(estimator)


def check_fitted(display, estimator, *kinds):
    """TypeError or NotFittedError unless this is a fitted estimator of one of these kinds."""
    if not isinstance(estimator, kinds):
        shown = " or ".join(kind.__name__ for kind in kinds)
        raise TypeError(f"{display.__name__} shows a {shown}, got {type(estimator).__name__}.")
    check_is_fitted(estimator)


def pyplot(display):
    """matplotlib.pyplot, or an ImportError that names the extra."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            f'{type(display).__name__} draws with matplotlib; install it with pip install "sklearn-hardmax[plot]".'
        ) from error
    return plt
