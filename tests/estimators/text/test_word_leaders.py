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
