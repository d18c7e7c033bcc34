"""TokenFlowDisplay draws the tokens after every layer."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from cases.token_flow import LABELS, TEXTS, TRIANGLE, classifier, paths

from sklearn_hardmax import (
    FeedForward,
    LeaderClustering,
    LeaderFlow,
    Transformer,
)
from sklearn_hardmax.forward import trace
from sklearn_hardmax.plotting import LeaderBarDisplay, TokenFlowDisplay


def test_paths_go_through_the_tokens_after_every_layer_and_leaders_are_ringed():
    X = [TRIANGLE[:3], TRIANGLE]
    flow = LeaderFlow(depth=3, alpha=0.5).fit(X)
    display = TokenFlowDisplay.from_estimator(flow, X, 1)
    steps = trace(flow.to_transformer(), [TRIANGLE])
    expected = np.stack([TRIANGLE, *(step.tokens[0] for step in steps)], axis=1)
    np.testing.assert_array_equal(paths(display), expected)
    np.testing.assert_array_equal(display.starts_.get_offsets(), TRIANGLE)
    np.testing.assert_array_equal(display.ends_.get_offsets(), expected[:, -1])
    leaders = flow.leader_layers(X)[1] >= 0
    np.testing.assert_array_equal(display.leaders_.get_offsets(), TRIANGLE[leaders])
    assert display.ax_.get_title() == "3 layers, alpha = 0.5"
    display.figure_.canvas.draw()


def test_without_layers_every_token_is_its_own_end():
    display = TokenFlowDisplay.from_estimator(classifier(depth=0).fit(TEXTS, LABELS), ["it is great fun"])
    np.testing.assert_array_equal(display.ends_.get_offsets(), display.starts_.get_offsets())
    assert display.labels.tolist() == [0, 1, 2, 3]


def test_tokens_of_one_cluster_have_one_colour():
    found = LeaderClustering().fit(TRIANGLE)
    display = TokenFlowDisplay.from_estimator(found, TRIANGLE)
    colors = display.starts_.get_facecolor()
    same = (colors[:, None] == colors).all(axis=2)
    np.testing.assert_array_equal(same, found.labels_[:, None] == found.labels_)
    np.testing.assert_allclose(paths(display)[:, -1], found.cluster_centers_[found.labels_], rtol=0, atol=1e-7)
    np.testing.assert_array_equal(display.leaders_.get_offsets(), TRIANGLE[found.leader_indices_])


def test_weights_are_drawn_with_the_same_paths_and_leaders():
    flow = LeaderFlow(depth=4).fit([TRIANGLE])
    one = TokenFlowDisplay.from_estimator(flow, [TRIANGLE])
    other = TokenFlowDisplay.from_transformer(flow.to_transformer(), [TRIANGLE])
    np.testing.assert_array_equal(paths(one), paths(other))
    np.testing.assert_array_equal(one.leaders_.get_offsets(), other.leaders_.get_offsets())
    line = np.array([[3.0], [1.0], [-1.0]])
    flow = LeaderFlow(depth=3).fit([line])
    one, other = (
        TokenFlowDisplay.from_estimator(flow, [line]),
        TokenFlowDisplay.from_transformer(flow.to_transformer(), [line]),
    )
    np.testing.assert_array_equal(paths(one), paths(other))
    # 1 moves half of the way to 3 in every layer; 3 and -1 attend to themselves
    np.testing.assert_array_equal(paths(other)[1, :, 0], [1.0, 2.0, 2.5, 2.75])
    assert other.leader_layers.tolist() == [0, -1, 0]
    still = TokenFlowDisplay.from_transformer(Transformer([FeedForward(np.eye(2), [0, 0], np.eye(2))]), [TRIANGLE])
    assert len(still.leaders_.get_offsets()) == 0


def test_names_of_columns_are_on_the_axes():
    frame = pd.DataFrame(TRIANGLE, columns=["height", "width"])
    ax = TokenFlowDisplay.from_estimator(LeaderClustering().fit(frame), frame).ax_
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("height", "width")


@pytest.mark.parametrize("n_components", [1, 2, 3])
def test_words_are_named_and_the_decision_line_parts_their_logits(n_components):
    clf = classifier(n_components=n_components).fit(TEXTS, LABELS)
    text = "great film, dull film, it is unknown"
    display = TokenFlowDisplay.from_estimator(clf, [TEXTS[0], text], 1)
    words = clf.known_words([text])[0]
    assert {t.get_text() for t in display.texts_} == set(words)
    bold = {t.get_text() for t in display.texts_ if t.get_fontweight() == "bold"}
    assert bold == {word for word, _ in clf.leaders(text)}
    starts = np.asarray(display.starts_.get_offsets())
    logits = clf.decision_function([[word] for word in words])
    # the line stands upright: a word is to its right where its logit is above 0
    line = display.decision_.get_xdata()[0] if n_components == 1 else display.decision_.get_xy1()[0]
    side = starts[:, 0] > line
    if n_components == 1 and clf.coef_[0, 0] < 0:
        side = ~side
    np.testing.assert_array_equal(side, logits > 0)
    chance = clf.predict_proba([text])[0, 1]
    assert display.ax_.get_title().startswith(f"P(good) = {chance:.2f}; 8 layers")
    display.figure_.canvas.draw()


def test_an_axes_that_is_given_is_drawn_on(fitted):
    _, axes = plt.subplots(2)
    assert TokenFlowDisplay.from_estimator(fitted, TEXTS, ax=axes[0]).ax_ is axes[0]
    assert LeaderBarDisplay.from_estimator(fitted, TEXTS, ax=axes[1]).ax_ is axes[1]


def test_texts_without_known_words_are_refused(fitted):
    with pytest.raises(ValueError, match="Texts 0 hold no known word"):
        TokenFlowDisplay.from_estimator(fitted, ["unknown"])
    with pytest.raises(ValueError, match="No text has a leader"):
        LeaderBarDisplay.from_estimator(fitted, ["unknown"])
