"""Explain LeaderTextClassifier: the known words of a text, its leaders, and the number of texts that each word leads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sklearn_hardmax._typing import AnyArray, FloatArray, TextsLike
from sklearn_hardmax.estimators.text.word_leaders import WordLeaders
from sklearn_hardmax.estimators.text.words import tokenize_texts
from sklearn_hardmax.estimators.transactions import reads_one_fit
from sklearn_hardmax.estimators.validation import check_flag


class TextInspectionMixin:
    """The methods of LeaderTextClassifier that explain its decisions, word by word."""

    max_length: int | None
    vocabulary_: dict[str, int]
    _leaders: WordLeaders

    @reads_one_fit
    def known_words(self, X: TextsLike) -> list[list[str]]:
        """The words of each text that the classifier uses: those of its vocabulary among the first max_length words.

        Parameters
        ----------
        X : list, array or Series of str, or of lists of str
            Texts, or their words.

        Returns
        -------
        list of lists of str
            One list per text, in the order of the text, with repetitions.
        """
        return [[word for word in text if word in self.vocabulary_] for text in tokenize_texts(X, self.max_length)]

    def _known(self, X):
        """The indices in `embeddings_` of the known words of each text, in order."""
        # bound once, called for every word
        index_of = self.vocabulary_.get
        texts = tokenize_texts(X, self.max_length)
        return [np.array([i for word in text if (i := index_of(word)) is not None], dtype=np.int64) for text in texts]

    @reads_one_fit
    def explain(self, X: TextsLike) -> list[AnyArray]:
        """Score and weight of each word of each text in its decision.

        Parameters
        ----------
        X : list, array or Series of str, or of lists of str
            Texts, or their words.

        Returns
        -------
        list of structured arrays, one per text
            One row per distinct known word, by decreasing share, with the fields

            - "word": the word;
            - "leader": the first layer at which it attends only to itself, -1 if there is none;
            - "share": its weight in the mean after the flow, from 0 to 1; the shares of a text add up to 1;
            - "logit": the score of a text that is this word alone; with more than two classes an array of one score per
              class.

            The sum of shares times logits is `decision_function`. Texts without a known word have no rows.
        """
        return [self._leaders.table(text) for text in self._known(X)]

    @reads_one_fit
    def leaders(self, text: str | Sequence[str]) -> list[tuple[str, float | FloatArray]]:
        """The leaders of one text, by decreasing share in its mean.

        Parameters
        ----------
        text : str, or list of str
            One text, or its words.

        Returns
        -------
        list of (word, logit)
            The logit is the score of a text that is this word alone. With two classes it is positive in favour of the second
            one; with more it is an array of one score per class.
        """
        table = self.explain([text])[0]
        return [(row["word"], row["logit"]) for row in table[table["leader"] >= 0]]

    @reads_one_fit
    def leader_counts(self, X: TextsLike, strongest: bool = False) -> list[tuple[str, int, float | FloatArray]]:
        """How many texts each word leads.

        Parameters
        ----------
        X : list, array or Series of str, or of lists of str
            Texts, or their words.
        strongest : bool, default=False
            Whether to count in each text only the leader with the largest absolute logit (with more than two classes, with
            the widest range of scores). Every direction of the embeddings has its leader, so that most texts have one that
            is not informative.

        Returns
        -------
        list of (word, count, logit)
            By decreasing count, then in alphabetical order; logit as in `leaders`.
        """
        check_flag(strongest, "strongest")
        texts = [text for text in self._known(X) if len(text)]
        return self._leaders.counts(texts, strongest)
