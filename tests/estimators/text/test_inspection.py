"""Known words, the leaders of a text, and how many texts each word leads."""

import numpy as np
import pytest
from cases.text import corpus


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
