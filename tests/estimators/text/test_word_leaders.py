"""Shares times logits add up to the scores, and leaders are those of the tie rule."""

import numpy as np
import pytest
from cases.text import corpus

from sklearn_hardmax.forward import trace


@pytest.mark.parametrize("name", ["fitted", "three"])
def test_shares_times_logits_add_up_to_the_scores(name, request):
    clf = request.getfixturevalue(name)
    X, _ = corpus(30, seed=4)
    for table, score in zip(clf.explain(X), clf.decision_function(X)):
        assert table["share"].sum() == pytest.approx(1.0, rel=1e-12)
        assert (table["share"] >= 0).all()
        assert (np.diff(table["share"]) <= 0).all()
        assert len(set(table["word"])) == len(table)
        np.testing.assert_allclose(table["share"] @ table["logit"], score, rtol=0, atol=1e-12)


def test_leaders_are_those_of_the_tie_rule(fitted):
    X, _ = corpus(30, seed=5)
    for text in X:
        words = [word for word in text.split() if word in fitted.vocabulary_]
        leading = set()
        for step in trace(fitted.to_transformer(), fitted.encode([text]))[:-1]:
            for i, members in enumerate(step.attended[0]):
                if i in members and {words[m] for m in members} == {words[i]}:
                    leading.add(words[i])
        assert {word for word, _ in fitted.leaders(text)} == leading
        counted = fitted.leader_counts([text])
        assert {(word, count) for word, count, _ in counted} == {(word, 1) for word in leading}


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
