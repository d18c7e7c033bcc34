"""The probabilities of a fitted HardmaxTransformerClassifier: a softmax of its scores."""

from __future__ import annotations

from sklearn.utils.metaestimators import available_if

from sklearn_hardmax._typing import Auto, FloatArray
from sklearn_hardmax.constructions.classification.code_classifier import CodeClassifier
from sklearn_hardmax.constructions.scoring.pooled_classifier import PooledClassifier
from sklearn_hardmax.estimators._mixins import BuiltNetworkMixin
from sklearn_hardmax.estimators.transactions import reads_one_fit
from sklearn_hardmax.estimators.validation import is_auto, validate_sequences
from sklearn_hardmax.sequences import SequencesLike


def _has_probabilities(estimator):
    """Whether there are heads, whose regression gives left-out scores; AttributeError otherwise."""
    if not is_auto(estimator.n_heads) and estimator.n_heads == 0:
        raise AttributeError(
            "With n_heads=0 there are no left-out scores that probabilities could be learned from; use heads, or "
            "CalibratedClassifierCV around the classifier."
        )
    return True


class ProbabilitiesMixin(BuiltNetworkMixin):
    """`predict_proba` and `predict_log_proba`, which exist where there are heads."""

    n_heads: int | Auto
    n_jobs: int | None
    proba_scale_: float
    _built: CodeClassifier | PooledClassifier

    @available_if(_has_probabilities)
    @reads_one_fit
    def predict_proba(self, X: SequencesLike) -> FloatArray:
        """Probability of every class: the softmax of ``proba_scale_`` times the scores.

        Parameters
        ----------
        X : RaggedSequences or anything that as_sequences reads

        Returns
        -------
        ndarray of shape (n_sequences, n_classes)
            The largest one is at the label that `predict` gives. With two classes the second is
            ``expit(2 * proba_scale_ * decision_function(X))``. Not available with n_heads=0.

        Notes
        -----
        The scale is chosen on the scores of training sequences by the ridge regression without them: there is no second fit.
        Of a training sequence with a correction, which says nothing of unseen ones, its label is the most probable class.
        """
        return self._built.probabilities(validate_sequences(self, X, reset=False), self.n_jobs)

    @available_if(_has_probabilities)
    @reads_one_fit
    def predict_log_proba(self, X: SequencesLike) -> FloatArray:
        """Logarithm of the probability of every class, finite also where `predict_proba` rounds to 0.

        Parameters
        ----------
        X : RaggedSequences or anything that as_sequences reads

        Returns
        -------
        ndarray of shape (n_sequences, n_classes)
        """
        return self._built.log_probabilities(validate_sequences(self, X, reset=False), self.n_jobs)
