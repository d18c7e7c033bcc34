"""What a trained flow says about texts: the share and the logit of every word, and how often words lead."""

from collections import Counter
from typing import NamedTuple

import numpy as np

from sklearn_hardmax.constructions.leaders import text_training as sentiment
from sklearn_hardmax.sequences import RaggedSequences


class WordLeaders(NamedTuple):
    """A trained flow of words: what has been learned, and the word of each row of the embeddings.

    A text is the array of the indices of its known words, in order.
    """

    parameters: sentiment.Parameters
    words: list
    depth: int

    @classmethod
    def from_vocabulary(cls, parameters, vocabulary, depth):
        """From the index of each word."""
        words = [None] * len(vocabulary)
        for word, index in vocabulary.items():
            words[index] = word
        return cls(parameters, words, depth)

    def sequences(self, texts):
        """The embeddings of the words of texts, none empty."""
        embeddings = self.parameters.embeddings[np.concatenate(texts)]
        return RaggedSequences.from_flat(embeddings, lengths=[len(text) for text in texts])

    def leader_layers(self, texts):
        """The first layer at which each word of texts, one after another, was a leader; -1 for none."""
        return sentiment.leader_layers(self.parameters, self.sequences(texts), self.depth)

    def logits(self, words):
        """Scores of texts that are one word each: numbers with two classes, else rows of one score a class."""
        scores = self.parameters.scores(self.parameters.embeddings[words])
        return scores if scores.shape[1] > 1 else scores[:, 0]

    def table(self, text):
        """One row a distinct word, by falling share: word, layer at which it led first, share, logit."""
        words, place = np.unique(text, return_inverse=True)
        logits = self.logits(words)
        kinds = [("word", object), ("leader", np.int64), ("share", np.float64), ("logit", np.float64, logits.shape[1:])]
        table = np.empty(len(words), kinds)
        if len(words) == 0:
            return table
        tokens = self.parameters.embeddings[text]
        table["word"] = [self.words[i] for i in words.tolist()]
        table["share"] = sentiment.shares(self.parameters, tokens, place, self.depth)
        table["leader"][place] = self.leader_layers([text])  # equal words lead together
        table["logit"] = logits
        return table[np.argsort(-table["share"], kind="stable")]

    def counts(self, texts, strongest):
        """(word, number of texts that it leads, logit), by falling number, then in alphabetical order."""
        if not texts:
            return []
        ends = np.cumsum([len(text) for text in texts])[:-1]
        leading = np.split(self.leader_layers(texts) >= 0, ends)
        logits, counts = self.logits(np.arange(len(self.words))), Counter()
        sizes = np.abs(logits) if logits.ndim == 1 else np.ptp(logits, axis=1)
        for text, lead in zip(texts, leading):
            words = np.unique(text[lead])
            counts.update(words[[sizes[words].argmax()]].tolist() if strongest and len(words) else words.tolist())
        found = [(self.words[i], count, logits[i]) for i, count in counts.items()]
        return sorted(found, key=lambda entry: (-entry[1], entry[0]))
