"""What a fitted HardmaxTransformerClassifier says of sequences: labels, scores, probabilities."""

from __future__ import annotations

from numpy.typing import ArrayLike
from sklearn.utils.metaestimators import available_if

from sklearn_hardmax._typing import AnyArray, Auto, FloatArray
from sklearn_hardmax.constructions.classification.code_classifier import CodeClassifier
from sklearn_hardmax.constructions.scoring.pooled_classifier import PooledClassifier
from sklearn_hardmax.estimators._bases import ClassifierMixin
from sklearn_hardmax.estimators._mixins import BuiltNetworkMixin
from sklearn_hardmax.estimators.transactions import reads_one_fit
from sklearn_hardmax.estimators.validation import check_alignment, is_auto, validate_sequences
from sklearn_hardmax.sequences import SequencesLike


def _has_probabilities(estimator):
    """Whether there are heads, whose regression gives left-out scores; AttributeError otherwise."""
    if not is_auto(estimator.n_heads) and estimator.n_heads == 0:
        raise AttributeError(
            "With n_heads=0 there are no left-out scores that probabilities could be learned from; use heads, or "
            "CalibratedClassifierCV around the classifier."
        )
    return True


class PredictionMixin(BuiltNetworkMixin, ClassifierMixin):
    """Labels and scores; probabilities, `predict_proba` and `predict_log_proba`, where there are heads."""

    classes_: AnyArray
    n_heads: int | Auto
    n_heads_: int
    n_jobs: int | None
    proba_scale_: float
    _built: CodeClassifier | PooledClassifier

    @reads_one_fit
    def predict(self, X: SequencesLike) -> AnyArray:
        """Class label of each sequence, computed without running the layers of the transformer.

        Parameters
        ----------
        X : RaggedSequences or anything that as_sequences reads
            Sequences of any lengths, with the token_dim of the training sequences.

        Returns
        -------
        ndarray of shape (n_sequences,)
            Equal to ``decode(apply(to_transformer(), encode(X)))``, unless the two largest scores of an unseen sequence are
            equal up to rounding; the same for any batch, order and n_jobs.
        """
        return self.classes_[self._built.labels(validate_sequences(self, X, reset=False), self.n_jobs)]

    def score(self, X: SequencesLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Fraction of sequences whose label is predicted.

        Parameters
        ----------
        X : RaggedSequences or anything that as_sequences reads
        y : array-like of shape (n_sequences,)
        sample_weight : array-like of shape (n_sequences,), optional

        Returns
        -------
        float

        Raises
        ------
        ValueError
            The index of y, a Series of pandas, differs from the ids of the sequences.
        """
        check_alignment(X, y)
        return super().score(X, y, sample_weight)

    @reads_one_fit
    def decision_function(self, X: SequencesLike) -> FloatArray:
        """Score of every class.

        With heads: the score of the ridge regression, about 1 for the class of a sequence and -1 for the others, plus the
        correction of a training sequence. With n_heads=0: minus the distance of the code to the nearest training codes of
        each class, divided by the weight of the class. Codes lie between 1 and 2; a class that lost all its sequences in
        conflicts has distance 2.

        Parameters
        ----------
        X : RaggedSequences or anything that as_sequences reads

        Returns
        -------
        ndarray of shape (n_sequences, n_classes), or (n_sequences,) with two classes
            With two classes the score of the second less that of the first, with heads half of it.
        """
        scores = self._built.scores(validate_sequences(self, X, reset=False), self.n_jobs)
        if len(self.classes_) > 2:
            return scores
        if len(self.classes_) == 1:
            return scores[:, 0]
        return (scores[:, 1] - scores[:, 0]) / (2 if self.n_heads_ else 1)

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
