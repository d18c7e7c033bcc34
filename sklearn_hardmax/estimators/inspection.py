"""Explain why a fitted HardmaxTransformerClassifier gives a sequence its label: heads, their windows, the line of codes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from sklearn_hardmax._typing import AnyArray, BoolArray, FloatArray, IntArray
from sklearn_hardmax.constructions.classification.code_classifier import CodeClassifier
from sklearn_hardmax.constructions.scoring.explanation import Explainer
from sklearn_hardmax.constructions.scoring.pooled_classifier import PooledClassifier
from sklearn_hardmax.estimators._mixins import BuiltNetworkMixin
from sklearn_hardmax.estimators.transactions import reads_one_fit
from sklearn_hardmax.estimators.validation import check_integer, validate_sequences
from sklearn_hardmax.sequences import SequencesLike


class CodeLine(NamedTuple):
    """The one-dimensional classifier behind n_heads=0: codes of sequences, and which interval of codes has which class.

    Attributes
    ----------
    codes : ndarray of shape (n_sequences,)
        Code of each sequence, one number from 1 to 2.
    boundaries : ndarray of shape (n_intervals - 1,)
        Codes at which one interval ends and the next begins, ascending.
    interval_labels : ndarray of int, shape (n_intervals,)
        Class of each interval, as index in `classes_`.
    """

    codes: FloatArray
    boundaries: FloatArray
    interval_labels: IntArray


class HeadWindows(NamedTuple):
    """The tokens and features that heads of ordered sequences score.

    The score of a token is a kernel applied to a window of nine tokens, in which that token is the middle one.

    Attributes
    ----------
    kernels : ndarray of int, shape (n_heads,)
        Index of the kernel, as in the name of the head.
    dilations : ndarray of int, shape (n_heads,)
        Distance between neighbouring tokens of the window.
    channels : ndarray of bool, shape (n_heads, token_dim)
        Which features of these tokens the kernel is applied to.
    """

    kernels: IntArray
    dilations: IntArray
    channels: BoolArray


class InspectionMixin(BuiltNetworkMixin):
    """The methods of HardmaxTransformerClassifier that explain its decisions."""

    classes_: AnyArray
    n_heads_: int
    n_jobs: int | None
    _built: CodeClassifier | PooledClassifier

    @reads_one_fit
    def explain(self, X: SequencesLike, top: int | None = 5) -> list[AnyArray]:
        """Explain decisions: the contribution of each head to each class, and the token that each max head attends to.

        Parameters
        ----------
        X : RaggedSequences or anything that as_sequences reads
            Sequences of any lengths, with the token_dim of the training sequences.
        top : int or None, default=5
            Number of heads per class, those of the largest absolute contribution; None gives all heads. Most heads of ordered
            sequences are proportions, which attend to all tokens: to find max heads use None and select
            ``["leader"] >= 0``.

        Returns
        -------
        list of structured arrays, one per sequence
            For each class its heads by decreasing size of the contribution, then the intercept, then the correction if there
            is one, with the fields

            - "class": class label;
            - "head": index of the head, -1 for the intercept, -2 for the correction;
            - "kind": "max" (maximum, hardmax attention), "ppv" (proportion of positive values), "mean", "intercept" or
              "correction";
            - "name": name of the head, as in `HardmaxPooling.get_feature_names_out`;
            - "contribution": its part of `decision_function`, relative to the average over the training sequences;
            - "leader": index of the token that a max head attends to, the first one of the largest score (with softmax too:
              all other weights are 0 in float64); -1 for every other kind;
            - "value": the features of that token, shape ``(n_features_in_,)``; nan if there is none.

            With top=None the contributions of a class add up to `decision_function`. With two classes there is one decision:
            all rows belong to the second class, and positive contributions are in favour of it.

        Raises
        ------
        ValueError
            The classifier was fitted with n_heads=0; see `code_line`.

        See Also
        --------
        HardmaxTransformerClassifier.head_windows : Kernel, dilation and features of heads.

        Examples
        --------
        >>> from sklearn_hardmax import HardmaxTransformerClassifier
        >>> X = [[[0.], [9.], [1.]], [[1.], [0.]], [[0.], [1.], [8.]], [[0.]]]
        >>> clf = HardmaxTransformerClassifier(ordered=False, random_state=0).fit(X, ["peak", "flat", "peak", "flat"])
        >>> found = clf.explain([[[0.], [8.5]]], top=None)[0]
        >>> heads = found[found["leader"] >= 0]  # the max heads, the strongest first
        >>> heads["kind"][0], heads["value"][0]
        ('max', array([8.5]))
        """
        built = self._built
        if not isinstance(built, PooledClassifier):
            raise ValueError("explain needs heads: without them one code decides; plotting.CodeLineDisplay shows it.")
        if top is not None:
            check_integer(top, "top", 1)
        sequences = validate_sequences(self, X, reset=False)
        explainer = Explainer(built, self.classes_, getattr(self, "feature_names_in_", None))
        return [explainer.table(sequences[j : j + 1], top) for j in range(len(sequences))]

    @reads_one_fit
    def head_windows(self, heads: ArrayLike) -> HeadWindows | None:
        """Kernel, dilation and features of heads of ordered sequences.

        Parameters
        ----------
        heads : array-like of int, shape (n_heads,)
            Indices of heads, such as the field "head" of `explain`.

        Returns
        -------
        HeadWindows or None
            One entry per given head. None if heads score single tokens: ordered=False, or one token per training sequence.

        Raises
        ------
        ValueError
            The classifier was fitted with n_heads=0, or an index is not from 0 to ``n_heads_ - 1``.

        See Also
        --------
        HardmaxTransformerClassifier.explain : The heads that decide, and the tokens that they attend to.
        sklearn_hardmax.plotting.LeaderDisplay : The windows in a picture of the sequence.

        Examples
        --------
        >>> from sklearn_hardmax import HardmaxTransformerClassifier
        >>> X = [[[0.], [9.], [1.]], [[1.], [0.]], [[0.], [1.], [8.]], [[0.]]]
        >>> clf = HardmaxTransformerClassifier(random_state=0).fit(X, ["peak", "flat", "peak", "flat"])
        >>> clf.head_windows([0, 1]).dilations
        array([1, 1])
        """
        built = self._built
        if not isinstance(built, PooledClassifier):
            raise ValueError("head_windows needs heads: the classifier was fitted with n_heads=0.")
        indices = np.asarray(heads)
        # an empty list is an array of floats
        is_integer = indices.dtype.kind in "iu" or indices.size == 0
        if indices.ndim != 1 or not is_integer or ((indices < 0) | (indices >= self.n_heads_)).any():
            raise ValueError(f"heads must be a list of integers from 0 to {self.n_heads_ - 1}, got {heads!r}.")
        if not built.heads.is_ordered:
            return None
        return HeadWindows(*built.heads.windows_of(indices))

    @reads_one_fit
    def code_line(self, X: SequencesLike) -> CodeLine:
        """Codes of sequences, and the intervals of codes of each class: the whole decision if n_heads=0.

        Parameters
        ----------
        X : RaggedSequences or anything that as_sequences reads
            Sequences of any lengths, with the token_dim of the training sequences.

        Returns
        -------
        CodeLine
            The codes of X, the boundaries between intervals, and the class of each interval.

        Raises
        ------
        ValueError
            The classifier was fitted with heads, or on one label.

        See Also
        --------
        HardmaxTransformerClassifier.explain : The same question for a classifier with heads.
        sklearn_hardmax.plotting.CodeLineDisplay : The code line as a picture.

        Notes
        -----
        Cost: one pass over the tokens. A code that equals a boundary, which no training code does, is of the class whose
        binary digits are those that both neighbouring intervals share.

        Examples
        --------
        >>> from sklearn_hardmax import HardmaxTransformerClassifier
        >>> X = [[[0., 1.], [2., 0.]], [[1., 1.]], [[0., 3.], [1., 1.], [2., 2.]]]
        >>> clf = HardmaxTransformerClassifier(n_heads=0, random_state=0).fit(X, ["a", "b", "a"])
        >>> line = clf.code_line(X)
        >>> clf.classes_[line.interval_labels[line.boundaries.searchsorted(line.codes)]]
        array(['a', 'b', 'a'], dtype='<U1')
        """
        built = self._built
        if not isinstance(built, CodeClassifier):
            raise ValueError(
                "The classifier was fitted with heads: it decides by scores, not on one line; use n_heads=0."
            )
        if built.code is None:
            raise ValueError("The classifier was fitted on one label: it reads no code, and there is no line to draw.")
        codes = built.codes(validate_sequences(self, X, reset=False), self.n_jobs)
        return CodeLine(codes, *built.intervals)
