"""Check the parameters of LeaderTextClassifier, gather the settings of its training, and hold texts out."""

import numbers

import numpy as np
from sklearn.model_selection import train_test_split

from sklearn_hardmax.constructions.leaders import text_training
from sklearn_hardmax.estimators.validation import check_from_zero, check_integer, check_positive, check_verbose


def check_parameters(estimator):
    """Raise ValueError if a parameter of the estimator is out of range."""
    for name, low in (
        ("n_components", 1),
        ("depth", 0),
        ("max_iter", 1),
        ("batch_size", 1),
        ("n_iter_no_change", 1),
    ):
        check_integer(getattr(estimator, name), name, low)
    if estimator.max_length is not None:
        check_integer(estimator.max_length, "max_length", 1)
    _check_min_df(estimator.min_df)
    check_positive(estimator.learning_rate_init, "learning_rate_init")
    check_from_zero(estimator.word_dropout, "word_dropout", below=1)
    check_from_zero(estimator.validation_fraction, "validation_fraction", below=1)
    check_from_zero(estimator.penalty, "penalty")
    check_verbose(estimator.verbose)


def _check_min_df(value):
    is_count = isinstance(value, numbers.Integral) and value >= 1
    is_proportion = isinstance(value, numbers.Real) and not isinstance(value, numbers.Integral) and 0 <= value <= 1
    if isinstance(value, bool) or not (is_count or is_proportion):
        raise ValueError(f"min_df must be an integer of at least 1 or a float from 0 to 1, got {value!r}.")


def train(estimator, start, counts, labels, held_out, rng, log):
    """Run text_training.train with the parameters of the estimator; ValueError if the training runs away."""
    with np.errstate(over="ignore", invalid="ignore"):  # numbers that are not finite are looked for at the end
        trained = text_training.train(start, counts, labels, held_out, settings(estimator), rng, log)
        converged = all(np.isfinite(array).all() for array in trained.parameters)
        alpha = trained.parameters.alpha
    try:
        trained.parameters.transformer(int(estimator.depth))  # refuses a step size that is too small or not finite
    except ValueError:
        converged = False
    if not converged:
        raise ValueError(
            f"The training diverged: after {len(trained.losses)} epochs the mean loss is {trained.losses[-1]:.3g} and the "
            f"step size of the flow {alpha:.3g}; choose a smaller learning_rate_init than {estimator.learning_rate_init!r}."
        )
    return trained


def settings(estimator):
    """The text_training.Settings of these parameters."""
    return text_training.Settings(
        int(estimator.depth),
        int(estimator.max_iter),
        int(estimator.batch_size),
        float(estimator.learning_rate_init),
        float(estimator.word_dropout),
        float(estimator.penalty) / int(estimator.n_components),
        int(estimator.n_iter_no_change),
    )


def hold_out(estimator, rows, labels, rng):
    """Indices of texts to train on and to hold out, class by class; `rows` are the texts that have known words."""
    if estimator.validation_fraction == 0:
        return rows, rows[:0]
    classes = estimator.classes_
    sizes = np.bincount(labels[rows], minlength=len(classes))
    if sizes.min() < 2:
        few = classes[sizes < 2].tolist()
        raise ValueError(
            f"Holding out texts needs two with known words of each class; there are fewer of {few}: use "
            "validation_fraction=0, or give more texts."
        )
    # a stratified split needs as many texts as classes on both sides
    n_held_out = max(len(sizes), round(estimator.validation_fraction * len(rows)))
    n_held_out = min(n_held_out, len(rows) - len(sizes))
    return train_test_split(rows, test_size=n_held_out, stratify=labels[rows], random_state=rng)
