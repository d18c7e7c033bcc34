"""Known words, the leaders of a text, and how many texts each word leads."""

import pickle
from collections import Counter

import numpy as np
import pytest
from cases.text import corpus


def test_known_words_are_those_of_the_vocabulary_in_the_order_of_the_text(fitted):
    texts = ["a great, great film", "Film? unknown: GREAT", "", ["great", "Great", "zzz", "film"]]
    # words of a string are its runs of two letters and more in lower case; a list is taken as it is
    assert fitted.known_words(texts) == [["great", "great", "film"], ["film", "great"], [], ["great", "film"]]


def test_known_words_end_with_the_first_words_that_are_read(fitted):
    clf = pickle.loads(pickle.dumps(fitted)).set_params(max_length=3)
    with pytest.warns(UserWarning, match="Texts 1 have more than max_length=3 words"):
        assert clf.known_words(["zzz dull film", "zzz dull film great"]) == [["dull", "film"]] * 2


@pytest.mark.parametrize("name", ["fitted", "three"])
@pytest.mark.parametrize("strongest", [False, True])
def test_a_word_is_counted_once_per_text_that_it_leads(name, strongest, request):
    """By a loop over the leaders of each text; the most frequent words first, equally frequent ones in alphabetical order."""
    clf = request.getfixturevalue(name)
    X, _ = corpus(30, seed=7)
    expected = Counter()
    for text in X:
        sizes = {word: np.ptp(logit) if np.ndim(logit) else abs(logit) for word, logit in clf.leaders(text)}
        expected.update([max(sizes, key=sizes.get)] if strongest else list(sizes))
    found = clf.leader_counts([*X, "", "zzz"], strongest=strongest)
    assert [(word, count) for word, count, _ in found] == sorted(expected.items(), key=lambda item: (-item[1], item[0]))


@pytest.mark.parametrize("name", ["fitted", "three"])
def test_the_strongest_leader_of_a_text_has_the_widest_scores(name, request):
    clf = request.getfixturevalue(name)
    X, _ = corpus(20, seed=6)
    for text in X:
        sizes = {word: np.ptp(logit) if np.ndim(logit) else abs(logit) for word, logit in clf.leaders(text)}
        ((word, count, _),) = clf.leader_counts([text], strongest=True)
        assert (sizes[word], count) == (max(sizes.values()), 1)
    with pytest.raises(ValueError, match="strongest must be True or False, got 1"):
        clf.leader_counts(X, strongest=1)


def test_the_logit_of_a_leader_is_the_score_of_the_word_alone(fitted):
    for word, logit in fitted.leaders("great plot, the awful film"):
        assert logit == pytest.approx(fitted.decision_function([word])[0], rel=1e-12)
