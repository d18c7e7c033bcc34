"""WordLeaders computes the weight and the score of each word of a text, and the layer at which it becomes a leader."""

from collections import Counter
from typing import NamedTuple

import numpy as np

from sklearn_hardmax.constructions.leaders import text_training
from sklearn_hardmax.sequences import RaggedSequences


class WordLeaders(NamedTuple):
    """The trained parameters of a leader flow of words, with the words.

    In all methods a text is an array of the indices of its known words, in order.

    Attributes
    ----------
    parameters : Parameters
        Embeddings, step size and linear classifier.
    words : list of str
        The word of each row of the embeddings.
    depth : int
        Number of layers.
    """

    parameters: text_training.Parameters
    words: list
    depth: int

    @classmethod
    def from_vocabulary(cls, parameters, vocabulary, depth):
        """From the index of each word, a dict."""
        words = [None] * len(vocabulary)
        for word, index in vocabulary.items():
            words[index] = word
        return cls(parameters, words, depth)

    def sequences(self, texts):
        """RaggedSequences of the embeddings of the words of texts, none of which is empty."""
        embeddings = self.parameters.embeddings[np.concatenate(texts)]
        return RaggedSequences.from_flat(embeddings, lengths=[len(text) for text in texts])

    def leader_layers(self, texts):
        """The first layer at which each word of the concatenated texts is a leader, (n_tokens,); -1 for none."""
        return text_training.leader_layers(self.parameters, self.sequences(texts), self.depth)

    def logits(self, words):
        """Scores of texts of one word each: (n_words,) with two classes, else (n_words, n_classes)."""
        scores = self.parameters.scores(self.parameters.embeddings[words])
        return scores if scores.shape[1] > 1 else scores[:, 0]

    def table(self, text):
        """One row per distinct word, by decreasing share: word, first layer as a leader, share, logit."""
        words, place = np.unique(text, return_inverse=True)
        logits = self.logits(words)
        kinds = [("word", object), ("leader", np.int64), ("share", np.float64), ("logit", np.float64, logits.shape[1:])]
        table = np.empty(len(words), kinds)
        if len(words) == 0:
            return table
        tokens = self.parameters.embeddings[text]
        table["word"] = [self.words[i] for i in words.tolist()]
        table["share"] = text_training.shares(self.parameters, tokens, place, self.depth)
        # occurrences of one word have one value: tokens that are equal lead together
        table["leader"][place] = self.leader_layers([text])
        table["logit"] = logits
        return table[np.argsort(-table["share"], kind="stable")]

    def counts(self, texts, strongest):
        """List of (word, number of texts that it leads, logit), by decreasing number, then in alphabetical order."""
        if not texts:
            return []
        ends = np.cumsum([len(text) for text in texts])[:-1]
        is_leader = np.split(self.leader_layers(texts) >= 0, ends)
        logits = self.logits(np.arange(len(self.words)))
        sizes = np.abs(logits) if logits.ndim == 1 else np.ptp(logits, axis=1)
        counts = Counter()
        for text, leads in zip(texts, is_leader):
            words = np.unique(text[leads])
            if strongest and len(words):
                words = words[[sizes[words].argmax()]]
            counts.update(words.tolist())
        found = [(self.words[i], count, logits[i]) for i, count in counts.items()]
        return sorted(found, key=lambda entry: (-entry[1], entry[0]))
