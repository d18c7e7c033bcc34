"""LeaderTextClassifier classifies texts by leaders: the few words towards which attention moves all others."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from sklearn_hardmax import forward
from sklearn_hardmax._typing import AnyArray, FloatArray, RandomStateLike, TextsLike
from sklearn_hardmax.constructions.common.construction import as_network_output
from sklearn_hardmax.constructions.leaders import text_training
from sklearn_hardmax.estimators._bases import BaseEstimator, ClassifierMixin
from sklearn_hardmax.estimators._mixins import Progress, VersionedMixin
from sklearn_hardmax.estimators.text import training
from sklearn_hardmax.estimators.text.inspection import TextInspectionMixin
from sklearn_hardmax.estimators.text.word_leaders import WordLeaders
from sklearn_hardmax.estimators.text.words import count_words, tokenize_texts
from sklearn_hardmax.estimators.transactions import reads_one_fit, transactional_fit
from sklearn_hardmax.estimators.validation import check_random_state, validate_class_labels
from sklearn_hardmax.sequences import RaggedSequences, SequencesLike
from sklearn_hardmax.sequences.messages import format_indices
from sklearn_hardmax.transformer import Transformer


class LeaderTextClassifier(TextInspectionMixin, VersionedMixin, ClassifierMixin, BaseEstimator):
    """Classify texts by their leaders, the few words that all other words of a text move to, so that decisions can be read.

    Every word has an embedding in R^n_components. The words of a text move through `depth` layers of the leader flow: in each
    layer a word moves towards the words with which it has the largest inner product, and leaders, which attend to themselves
    only, stay. The mean of the words after the flow is decoded by a linear classifier. Embeddings, step size and classifier
    are trained together, by gradients through the hardmax attention itself.

    Parameters
    ----------
    n_components : int, default=2
        Dimension of the embeddings. With 2 they can be drawn; 16 is more accurate.
    depth : int, default=8
        Number of layers of the flow. 0 is plain pooling: the mean of the embeddings.
    min_df : int or float, default=2
        Words that occur in fewer training texts (float: in a smaller proportion of them) are ignored.
    max_length : int or None, default=128
        Number of words that are used of a text, from its beginning; a UserWarning names the texts that were cut off.
    max_iter : int, default=30
        Largest number of epochs.
    learning_rate_init : float, default=0.003
        Step size of Adam.
    batch_size : int, default=64
        Number of texts per step.
    word_dropout : float, default=0.5
        Probability that a word of a training text is left out of a step, at least 0 and below 1.
    penalty : float, default=0.06
        Weight, divided by n_components, of the mean norm of the embeddings of the words of a text in the loss. It draws words
        that are not informative to the origin, where they follow other words. 0 is none.
    validation_fraction : float, default=0.1
        Proportion of the training texts, drawn class by class, that is held out to choose the epoch with the smallest loss.
        0: no text is held out and the last epoch is used.
    n_iter_no_change : int, default=5
        Training stops after so many epochs without a smaller held-out loss.
    random_state : int, RandomState or None, default=None
        Seed of the embeddings (normal, of standard deviation 0.005 n_components), batches, dropout and held-out texts.
    verbose : int, default=0
        1 prints one line per epoch.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels, sorted.
    vocabulary_ : dict
        Index of each word in `embeddings_`.
    embeddings_ : ndarray of shape (n_words, n_components)
        Embedding of each word.
    alpha_ : float
        Step size of the flow.
    coef_ : ndarray of shape (1, n_components) with two classes, else (n_classes, n_components)
        Coefficients of the linear classifier.
    intercept_ : ndarray of shape (1,) with two classes, else (n_classes,)
        Intercept of the linear classifier.
    class_prior_ : ndarray of shape (n_classes,)
        Proportion of each class in the training texts; the probabilities of texts without a known word.
    loss_curve_ : list of float
        Mean training loss of each epoch.
    validation_loss_curve_, validation_scores_ : list of float
        Loss and accuracy on the held-out texts after each epoch; empty with validation_fraction=0.
    n_iter_ : int
        Number of epochs that were run.

    See Also
    --------
    LeaderFlow : The flow of any sequences.
    sklearn_hardmax.plotting.TokenFlowDisplay : The paths of the words of a text.
    sklearn_hardmax.plotting.LeaderBarDisplay : The words that lead most texts.

    Notes
    -----
    Source: A. Alcalde, G. Fantuzzi, E. Zuazua, Clustering in pure-attention hardmax transformers and its role in sentiment
    analysis, arXiv 2407.01602. docs/leaders.md compares the accuracy with that of plain pooling. CountVectorizer's analyzer
    splits texts into words; pass lists of words to split them in another way. Predictions and leaders are the same for a text
    alone and in any batch. An epoch costs O(depth n_components n^2) for a text of n distinct words.

    Examples
    --------
    >>> from sklearn_hardmax import LeaderTextClassifier
    >>> X = ["a great film", "great fun", "love it, great", "so dull a film", "dull and dull", "it is dull"] * 5
    >>> clf = LeaderTextClassifier(max_iter=100, batch_size=4, validation_fraction=0, random_state=0)
    >>> clf = clf.fit(X, ["good", "good", "good", "bad", "bad", "bad"] * 5)
    >>> clf.predict(["great, a great evening", "dull"])
    array(['good', 'bad'], dtype='<U4')
    >>> clf.leaders("a great film")[0][0]
    'great'
    """

    classes_: AnyArray
    embeddings_: FloatArray
    alpha_: float
    coef_: FloatArray
    intercept_: FloatArray
    class_prior_: FloatArray
    loss_curve_: list[float]
    validation_loss_curve_: list[float]
    validation_scores_: list[float]
    n_iter_: int

    def __init__(
        self,
        *,
        n_components: int = 2,
        depth: int = 8,
        min_df: int | float = 2,
        max_length: int | None = 128,
        max_iter: int = 30,
        learning_rate_init: float = 0.003,
        batch_size: int = 64,
        word_dropout: float = 0.5,
        penalty: float = 0.06,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
        random_state: RandomStateLike = None,
        verbose: int = 0,
    ) -> None:
        self.n_components = n_components
        self.depth = depth
        self.min_df = min_df
        self.max_length = max_length
        self.max_iter = max_iter
        self.learning_rate_init = learning_rate_init
        self.batch_size = batch_size
        self.word_dropout = word_dropout
        self.penalty = penalty
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.random_state = random_state
        self.verbose = verbose

    @transactional_fit
    def fit(self, X: TextsLike, y: ArrayLike) -> Self:
        """Train embeddings, step size and linear classifier.

        Parameters
        ----------
        X : list, array or Series of str, or of lists of str
            Texts, or their words.
        y : array-like of shape (n_texts,)
            Class labels, of at least two classes.

        Returns
        -------
        LeaderTextClassifier
            The estimator itself.

        Raises
        ------
        ValueError
            X does not hold texts, or y one class only; no word is frequent enough; a class has too few texts to hold one
            out; the training diverges; a parameter is out of range.

        Warns
        -----
        UserWarning
            A text has more than max_length words.
        """
        training.check_parameters(self)
        log = Progress(self)
        rng = check_random_state(self.random_state)
        words = tokenize_texts(X, self.max_length)
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None.")
        self.classes_, labels = validate_class_labels(words, y)
        if len(self.classes_) < 2:
            raise ValueError(f"y must hold at least 2 classes, got one: {self.classes_.tolist()[0]!r}.")
        counts, self.vocabulary_ = count_words(words, self.min_df)
        self.class_prior_ = np.bincount(labels) / len(labels)
        log(f"read {len(words)} texts, {len(self.vocabulary_)} words in at least min_df={self.min_df} of them")
        # texts without a known word are neither trained on nor held out
        rows, held_out = training.hold_out(self, np.flatnonzero(np.diff(counts.indptr)), labels, rng)
        # two classes have one score, the logit of the second
        n_scores = 1 if len(self.classes_) == 2 else len(self.classes_)
        start = text_training.Parameters.sample(counts.shape[1], int(self.n_components), n_scores, rng)
        trained = training.train(
            self,
            start,
            counts[rows],
            labels[rows],
            (counts[held_out], labels[held_out]) if len(held_out) else None,
            rng,
            log,
        )
        self._leaders = WordLeaders.from_vocabulary(trained.parameters, self.vocabulary_, int(self.depth))
        self.embeddings_, self.coef_, self.intercept_, _ = trained.parameters
        self.alpha_ = trained.parameters.alpha
        self.loss_curve_ = trained.losses
        self.n_iter_ = len(trained.losses)
        self.validation_loss_curve_ = trained.held_out_losses
        self.validation_scores_ = trained.held_out_accuracies
        return self

    @reads_one_fit
    def encode(self, X: TextsLike) -> RaggedSequences:
        """Turn texts into the input of `to_transformer()`: the embeddings of their known words.

        Parameters
        ----------
        X : list, array or Series of str, or of lists of str
            Texts, or their words.

        Returns
        -------
        RaggedSequences
            One sequence per text, one token per known word.

        Raises
        ------
        ValueError
            A text has no known word.
        """
        indices = self._known(X)
        empty = np.flatnonzero([len(text) == 0 for text in indices])
        if len(empty):
            raise ValueError(f"Texts {format_indices(empty)} hold no known word: there is nothing to encode.")
        return self._leaders.sequences(indices)

    @reads_one_fit
    def to_transformer(self) -> Transformer:
        """The weights as a Transformer: `depth` layers of the flow, and one uniform attention that averages the words.

        Returns
        -------
        Transformer
        """
        return self._leaders.parameters.transformer(self._leaders.depth)

    @reads_one_fit
    def decode(self, tokens: SequencesLike) -> AnyArray:
        """Class label of each text from the output of the transformer.

        Parameters
        ----------
        tokens : RaggedSequences
            ``apply(to_transformer(), encode(X))``.

        Returns
        -------
        ndarray of shape (n_texts,)
            The labels that `predict` returns for texts with a known word.

        Raises
        ------
        ValueError
            The tokens do not have the width of the network.
        """
        return self._classes_of(self._decoded_scores(as_network_output(tokens, self.embeddings_.shape[1])))

    def _decoded_scores(self, tokens):
        # after the last layer all tokens of a text are equal, namely the mean: the first one is enough
        return self._leaders.parameters.scores(tokens.tokens[tokens.offsets[:-1]])

    def _classes_of(self, scores):
        """Class label of each row of scores (n_texts, n_scores)."""
        one_score = scores.shape[1] == 1
        return self.classes_[(scores[:, 0] > 0).astype(int) if one_score else scores.argmax(axis=1)]

    def _scores(self, X):
        """Scores (n_texts, n_scores), and which texts have known words; the others get the scores of the prior."""
        indices = self._known(X)
        known = np.array([len(text) > 0 for text in indices], dtype=bool)
        prior = np.log(self.class_prior_)
        scores = np.tile(prior[1:] - prior[:1] if len(prior) == 2 else prior, (len(indices), 1))
        if known.any():
            sequences = self._leaders.sequences([text for text in indices if len(text)])
            scores[known] = self._decoded_scores(forward.apply(self.to_transformer(), sequences))
        return scores, known

    @reads_one_fit
    def decision_function(self, X: TextsLike) -> FloatArray:
        """Score of every class before the sigmoid or softmax; for texts without a known word that of `class_prior_`.

        Parameters
        ----------
        X : list, array or Series of str, or of lists of str
            Texts, or their words.

        Returns
        -------
        ndarray of shape (n_texts, n_classes), or (n_texts,) with two classes
            With two classes the logit of the second one.
        """
        scores, _ = self._scores(X)
        return scores[:, 0] if scores.shape[1] == 1 else scores

    @reads_one_fit
    def predict_proba(self, X: TextsLike) -> FloatArray:
        """Probability of each class.

        Parameters
        ----------
        X : list, array or Series of str, or of lists of str
            Texts, or their words.

        Returns
        -------
        ndarray of shape (n_texts, n_classes)
            Probabilities; `class_prior_` for texts without a known word.
        """
        scores, known = self._scores(X)
        probabilities = text_training.probabilities(scores)
        probabilities[~known] = self.class_prior_
        return probabilities

    @reads_one_fit
    def predict(self, X: TextsLike) -> AnyArray:
        """Class label of each text, that of the largest probability.

        Parameters
        ----------
        X : list, array or Series of str, or of lists of str
            Texts, or their words.

        Returns
        -------
        ndarray of shape (n_texts,)
        """
        return self._classes_of(self._scores(X)[0])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags
