"""Texts classified by the words that lead them."""

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from sklearn_hardmax import forward
from sklearn_hardmax.constructions.common.construction import check_network_output
from sklearn_hardmax.constructions.leaders import text_training as sentiment
from sklearn_hardmax.estimators._bases import BaseEstimator, ClassifierMixin
from sklearn_hardmax.estimators._mixins import Progress, VersionedMixin, check_verbose
from sklearn_hardmax.estimators.text.word_leaders import WordLeaders
from sklearn_hardmax.estimators.text.words import count_words, tokenize_texts
from sklearn_hardmax.estimators.transactions import transactional_fit
from sklearn_hardmax.estimators.validation import (
    check_flag,
    check_from_zero,
    check_integer,
    check_positive,
    validate_class_labels,
)
from sklearn_hardmax.sequences import as_sequences
from sklearn_hardmax.sequences.arrays import format_indices


class LeaderTextClassifier(VersionedMixin, ClassifierMixin, BaseEstimator):
    """Classify texts by their leaders: words that attract all others, so that a decision rests on two or three of them.

    Every word has a place in R^n_components. The words of a text move through `depth` layers of the leader flow, which is
    attention and nothing else; where they end, on the leaders of the text, they are averaged, and a linear decoder gives the
    probability of each class. Places, step size and decoder are trained together, on the hardmax itself.

    Parameters
    ----------
    n_components : int, default=2
        Dimension of the embeddings. 2 can be drawn; 16 is more accurate.
    depth : int, default=8
        Layers of the flow. 0 is plain pooling: the mean of the embeddings.
    min_df : int or float, default=2
        Words that occur in fewer training texts (float: in a smaller share of them) are ignored.
    max_length : int or None, default=128
        Words of a text that are read, from its beginning; a UserWarning names the texts that were cut off.
    max_iter : int, default=30
        Most epochs.
    learning_rate_init : float, default=0.003
        Step size of Adam.
    batch_size : int, default=64
        Texts a step.
    word_dropout : float, default=0.5
        Probability that a word of a training text is left out of a step, from 0 to below 1.
    penalty : float, default=0.06
        Weight, divided by n_components, of the mean norm of the embeddings of the words of a text in the loss: draws words
        that say nothing to the origin, where they follow others. 0 is none.
    validation_fraction : float, default=0.1
        Share of the training texts, drawn class by class, that is held out to choose the epoch with the smallest loss. 0:
        nothing is held out and the last epoch is taken.
    n_iter_no_change : int, default=5
        Epochs without a smaller loss on the held-out texts after which training stops.
    random_state : int, RandomState or None, default=None
        Draws embeddings (normal, of standard deviation 0.005 n_components), batches, dropout and held-out texts.
    verbose : int, default=0
        1 prints a line an epoch.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    vocabulary_ : dict
        Index in `embeddings_` of each word.
    embeddings_ : ndarray of shape (n_words, n_components)
    alpha_ : float
        Step size of the flow.
    coef_ : ndarray of shape (1, n_components) with two classes, else (n_classes, n_components)
    intercept_ : ndarray of shape (1,) or (n_classes,)
        Of the decoder.
    class_prior_ : ndarray of shape (n_classes,)
        Share of each class in the training texts: what texts without a known word get.
    loss_curve_ : list of float
        Mean training loss of each epoch.
    validation_loss_curve_, validation_scores_ : list of float
        Loss and accuracy on the held-out texts after each epoch; empty with validation_fraction=0.
    n_iter_ : int
        Epochs that were run.

    See Also
    --------
    LeaderFlow : The flow of any sequences.
    sklearn_hardmax.plotting.TokenFlowDisplay : The way of the words of a text.

    Notes
    -----
    Source: A. Alcalde, G. Fantuzzi, E. Zuazua, Clustering in pure-attention hardmax transformers and its role in sentiment
    analysis, arXiv 2407.01602. What it is for is the explanation; README compares the accuracy with that of plain pooling
    and of TF-IDF. Texts are split into words by CountVectorizer's analyzer; pass lists of words to do it otherwise. Unknown
    words are ignored. Probabilities and leaders come from the engine and its tie rule, those of a text are the same in any
    batch. Cost of an epoch: O(depth n_components n^2) for a text of n distinct words.

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

    def __init__(
        self,
        *,
        n_components=2,
        depth=8,
        min_df=2,
        max_length=128,
        max_iter=30,
        learning_rate_init=0.003,
        batch_size=64,
        word_dropout=0.5,
        penalty=0.06,
        validation_fraction=0.1,
        n_iter_no_change=5,
        random_state=None,
        verbose=0,
    ):
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

    # -- training ----------------------------------------------------------------------------------------------------------

    @transactional_fit
    def fit(self, X, y):
        """Learn embeddings, step size and decoder.

        Parameters
        ----------
        X : list, array or Series of str, or of lists of str
            Texts, or their words.
        y : array-like of shape (n_texts,)
            Class labels, two classes or more.

        Returns
        -------
        LeaderTextClassifier
            The estimator itself.

        Raises
        ------
        ValueError
            X holds no texts, y one class only; no word is frequent enough; too few texts of a class to hold one out;
            parameters out of range.

        Warns
        -----
        UserWarning
            A text has more than max_length words.
        """
        self._check_parameters()
        log, rng = Progress(self), check_random_state(self.random_state)
        words = tokenize_texts(X, self.max_length)
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None.")
        self.classes_, labels = validate_class_labels(words, y)
        if len(self.classes_) < 2:
            raise ValueError(f"y must hold at least 2 classes, got one: {self.classes_.tolist()[0]!r}.")
        counts, self.vocabulary_ = count_words(words, self.min_df)
        self.class_prior_ = np.bincount(labels) / len(labels)
        log(f"read {len(words)} texts, {len(self.vocabulary_)} words in at least min_df={self.min_df} of them")
        rows, held_out = self._split(np.flatnonzero(np.diff(counts.indptr)), labels, rng)
        n_scores = 1 if len(self.classes_) == 2 else len(self.classes_)
        start = sentiment.Parameters.sample(counts.shape[1], int(self.n_components), n_scores, rng)
        trained = sentiment.train(
            start,
            counts[rows],
            labels[rows],
            (counts[held_out], labels[held_out]) if len(held_out) else None,
            self._settings(),
            rng,
            log,
        )
        self._leaders = WordLeaders.from_vocabulary(trained.parameters, self.vocabulary_, int(self.depth))
        self.embeddings_, self.coef_, self.intercept_, _ = trained.parameters
        self.alpha_ = trained.parameters.alpha
        self.loss_curve_, self.n_iter_ = trained.losses, len(trained.losses)
        self.validation_loss_curve_, self.validation_scores_ = trained.held_out_losses, trained.held_out_accuracies
        return self

    def _check_parameters(self):
        for name, low in (
            ("n_components", 1),
            ("depth", 0),
            ("max_iter", 1),
            ("batch_size", 1),
            ("n_iter_no_change", 1),
        ):
            check_integer(getattr(self, name), name, low)
        if self.max_length is not None:
            check_integer(self.max_length, "max_length", 1)
        check_positive(self.learning_rate_init, "learning_rate_init")
        check_from_zero(self.word_dropout, "word_dropout", below=1)
        check_from_zero(self.validation_fraction, "validation_fraction", below=1)
        check_from_zero(self.penalty, "penalty")
        check_verbose(self.verbose)

    def _settings(self):
        return sentiment.Settings(
            int(self.depth),
            int(self.max_iter),
            int(self.batch_size),
            float(self.learning_rate_init),
            float(self.word_dropout),
            float(self.penalty) / int(self.n_components),
            int(self.n_iter_no_change),
        )

    def _split(self, rows, labels, rng):
        """Texts to train on and to hold out, class by class, of those that have known words."""
        if self.validation_fraction == 0:
            return rows, rows[:0]
        sizes = np.bincount(labels[rows], minlength=len(self.classes_))
        if sizes.min() < 2:
            few = self.classes_[sizes < 2].tolist()
            raise ValueError(
                f"Holding out texts needs two with known words of each class; there are fewer of {few}: use "
                "validation_fraction=0, or give more texts."
            )
        n_held_out = max(len(sizes), round(self.validation_fraction * len(rows)))
        n_held_out = min(n_held_out, len(rows) - len(sizes))
        return train_test_split(rows, test_size=n_held_out, stratify=labels[rows], random_state=rng)

    # -- reading texts -----------------------------------------------------------------------------------------------------

    def known_words(self, X):
        """The words of each text that are read: known, and within max_length.

        Parameters
        ----------
        X : list, array or Series of str, or of lists of str

        Returns
        -------
        list of lists of str
            In order, repeated words repeated.
        """
        check_is_fitted(self)
        return [[word for word in text if word in self.vocabulary_] for text in tokenize_texts(X, self.max_length)]

    def _known(self, X):
        """The indices of the known words of each text, in order."""
        check_is_fitted(self)
        words, known = tokenize_texts(X, self.max_length), self.vocabulary_.get
        return [np.array([i for w in text if (i := known(w)) is not None], dtype=np.int64) for text in words]

    def encode(self, X):
        """The sequences that `to_transformer()` runs on: the embeddings of the known words.

        Parameters
        ----------
        X : list, array or Series of str, or of lists of str

        Returns
        -------
        RaggedSequences

        Raises
        ------
        ValueError
            A text without a known word.
        """
        indices = self._known(X)
        empty = np.flatnonzero([len(text) == 0 for text in indices])
        if len(empty):
            raise ValueError(f"Texts {format_indices(empty)} hold no known word: there is nothing to encode.")
        return self._leaders.sequences(indices)

    def to_transformer(self):
        """The explicit weights: `depth` layers of the flow, and one uniform attention, after which all words are the mean.

        Returns
        -------
        Transformer
        """
        check_is_fitted(self)
        return self._leaders.parameters.transformer(self._leaders.depth)

    def decode(self, tokens):
        """Predicted class of each text from the tokens that `apply` returns.

        Parameters
        ----------
        tokens : RaggedSequences
            ``apply(to_transformer(), encode(X))``.

        Returns
        -------
        ndarray of shape (n_texts,)
            The labels that `predict` returns.

        Raises
        ------
        ValueError
            The tokens have another width.
        """
        check_is_fitted(self)
        tokens = as_sequences(tokens)
        check_network_output(tokens, self.embeddings_.shape[1])
        return self._classes_of(self._decoded_scores(tokens))

    def _decoded_scores(self, tokens):
        # after the last layer every token of a text is the mean, so that the first one is enough
        return self._leaders.parameters.scores(tokens.tokens[tokens.offsets[:-1]])

    def _classes_of(self, scores):
        one_score = scores.shape[1] == 1
        return self.classes_[(scores[:, 0] > 0).astype(int) if one_score else scores.argmax(axis=1)]

    # -- predicting --------------------------------------------------------------------------------------------------------

    def _scores(self, X):
        """Scores (n_texts, n_scores), and which texts have known words."""
        indices = self._known(X)
        known = np.array([len(text) > 0 for text in indices], dtype=bool)
        prior = np.log(self.class_prior_)
        scores = np.tile(prior[1:] - prior[:1] if len(prior) == 2 else prior, (len(indices), 1))
        if known.any():
            sequences = self._leaders.sequences([text for text in indices if len(text)])
            scores[known] = self._decoded_scores(forward.apply(self.to_transformer(), sequences))
        return scores, known

    def decision_function(self, X):
        """Scores before the sigmoid or softmax; texts without a known word get those of the prior.

        Parameters
        ----------
        X : list, array or Series of str, or of lists of str

        Returns
        -------
        ndarray of shape (n_texts, n_classes), or (n_texts,) with two classes
        """
        scores, _ = self._scores(X)
        return scores[:, 0] if scores.shape[1] == 1 else scores

    def predict_proba(self, X):
        """Probability of each class.

        Parameters
        ----------
        X : list, array or Series of str, or of lists of str

        Returns
        -------
        ndarray of shape (n_texts, n_classes)
            `class_prior_` for texts without a known word.
        """
        scores, known = self._scores(X)
        chances = sentiment.probabilities(scores)
        chances[~known] = self.class_prior_
        return chances

    def predict(self, X):
        """The class of the largest probability.

        Parameters
        ----------
        X : list, array or Series of str, or of lists of str

        Returns
        -------
        ndarray of shape (n_texts,)
        """
        scores, _ = self._scores(X)
        return self._classes_of(scores)

    # -- explaining --------------------------------------------------------------------------------------------------------

    def explain(self, X):
        """What each word of each text has to say, and how much of the decision it is.

        Parameters
        ----------
        X : list, array or Series of str, or of lists of str

        Returns
        -------
        list of structured arrays, one a text
            One row a distinct known word, by falling share, with the fields

            - "word";
            - "leader": the first layer at which it attended to itself only, -1 for words that never did;
            - "share": its weight in the mean after the flow, from 0 to 1; those of a text add up to 1;
            - "logit": the score of a text that is this word alone, with more than two classes an array, one score a class.

            Shares times logits add up to `decision_function`. Texts without a known word have no rows.
        """
        return [self._leaders.table(text) for text in self._known(X)]

    def leaders(self, text):
        """The words that lead a text, those that others follow most first.

        Parameters
        ----------
        text : str, or list of str
            One text, or its words.

        Returns
        -------
        list of (word, logit)
            The logit is the score of a text that is this word alone: with two classes positive where it speaks for the
            second one; with more an array, one score a class.
        """
        table = self.explain([text])[0]
        return [(row["word"], row["logit"]) for row in table[table["leader"] >= 0]]

    def leader_counts(self, X, strongest=False):
        """How many texts each word leads.

        Parameters
        ----------
        X : list, array or Series of str, or of lists of str
        strongest : bool, default=False
            True counts in each text only the leader with the largest logit in size (with more than two classes, the widest
            range of scores). Every direction has its leader, so that most texts have one that says little.

        Returns
        -------
        list of (word, count, logit)
            By falling count, then in alphabetical order; logit as in `leaders`.
        """
        check_flag(strongest, "strongest")
        texts = [text for text in self._known(X) if len(text)]
        return self._leaders.counts(texts, strongest)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags
