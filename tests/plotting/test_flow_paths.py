"""Paths, leaders, places and colours of tokens as numbers."""

import matplotlib
import numpy as np
import pytest
from cases.token_flow import TEXTS, TRIANGLE, paths

from sklearn_hardmax import Attention, FeedForward, LeaderFlow, RaggedSequences, Transformer
from sklearn_hardmax.forward import trace
from sklearn_hardmax.plotting import TokenFlowDisplay, flow_paths


def test_paths_are_those_of_the_whole_stack_and_leaders_attend_only_to_copies_of_themselves():
    """Sets of lattice points with copies, by plain loops; feed-forward layers and softmax have no leaders."""
    eye, seen = np.eye(2), set()
    layers = [
        FeedForward(eye, [-1.0, 0.0], -eye),
        Attention([[1.0, 0.0]], [[1.0, 0.0]], eye, eye, rho=0.0),
        Attention(eye, eye, eye, eye, temperature=1.0),
        Attention(eye, [[0.0, 1.0], [-1.0, 0.0]], eye, eye),
    ]
    for seed in range(10):
        tokens = np.random.default_rng(seed).integers(-2, 3, size=(6, 2)).astype(float)
        trajectory, leaders = flow_paths.paths(layers, RaggedSequences(tokens, [0, 6]))
        steps = trace(Transformer(layers), [tokens])
        assert np.array_equal(trajectory, [tokens, *(step.tokens.tokens for step in steps)])
        expected = [-1] * 6
        for i in range(6):
            for layer in (3, 1):
                before, members = steps[layer - 1].tokens[0], steps[layer].attended[0][i].tolist()
                if i in members and all((before[member] == before[i]).all() for member in members):
                    expected[i] = layer
        assert leaders.tolist() == expected
        seen |= set(expected)
    assert seen == {-1, 1, 3}


@pytest.mark.parametrize("token_dim", [2, 3, 6])
def test_the_plane_of_a_decision_shows_its_normal_and_the_widest_spread_along_it(token_dim):
    rng = np.random.default_rng(token_dim)
    coef, tokens = rng.normal(size=token_dim), 9.0 + rng.normal(size=(20, token_dim)) * 2.0 ** np.arange(token_dim)
    normal, widest = flow_paths.deciding_plane(coef, tokens)
    np.testing.assert_allclose(normal, coef / np.sqrt(sum(coef**2)), rtol=0, atol=1e-15)
    np.testing.assert_allclose([normal @ widest, widest @ widest], [0.0, 1.0], rtol=0, atol=1e-12)
    for direction in rng.normal(size=(200, token_dim)):
        across = direction - direction @ normal * normal
        assert np.std(tokens @ across) / np.linalg.norm(across) <= np.std(tokens @ widest) * (1 + 1e-12)


def test_one_coordinate_has_no_plane():
    assert flow_paths.deciding_plane(np.array([2.0]), np.ones((3, 1))) is None


def test_places_are_the_first_two_coordinates_or_the_products_with_the_plane():
    trajectory = [[[1.0, 2.0, 4.0]], [[8.0, 16.0, 32.0]]]
    assert flow_paths.places(trajectory, None).tolist() == [[[1.0, 2.0]], [[8.0, 16.0]]]
    plane = [[0.0, 0.0, 1.0], [1.0, -1.0, 0.0]]
    assert flow_paths.places(trajectory, plane).tolist() == [[[4.0, -1.0]], [[32.0, -8.0]]]


def test_the_colour_of_a_token_is_that_of_its_limit_or_of_the_probability_where_it_ends():
    tab10 = matplotlib.colormaps["tab10"]
    found = flow_paths.colors(np.zeros((2, 3, 2)), [0, 3, 13], None, None)
    assert found.tolist() == [list(tab10(0)), list(tab10(3)), list(tab10(3))]  # ten colours
    # logits 2 x - y + 1 at the ends: 0, log 3 and -log 3, so probabilities 1/2, 3/4 and 1/4
    ends = [[0.0, 1.0], [np.log(3.0) / 2, 1.0], [0.0, 1.0 + np.log(3.0)]]
    found = flow_paths.colors([np.ones((3, 2)), ends], None, ([2.0, -1.0], 1.0), "gray")
    np.testing.assert_allclose(found[:, 0], [0.5, 0.75, 0.25], rtol=0, atol=1 / 255)


def test_a_colormap_is_taken_by_name_or_as_it_is(fitted):
    for estimator, X in ((LeaderFlow().fit([TRIANGLE]), [TRIANGLE]), (fitted, TEXTS)):
        displays = [
            TokenFlowDisplay.from_estimator(estimator, X, cmap=cmap) for cmap in ("Set1", matplotlib.colormaps["Set1"])
        ]
        colors = [display.starts_.get_facecolor() for display in displays]
        np.testing.assert_array_equal(*colors)


def test_one_coordinate_runs_down_the_layers():
    display = TokenFlowDisplay.from_estimator(LeaderFlow(depth=2).fit([[[3.0], [1.0]]]), [[[3.0], [1.0]]])
    np.testing.assert_array_equal(paths(display)[1], [[1.0, 0.0], [2.0, 1.0], [2.5, 2.0]])
    assert display.ax_.yaxis_inverted()
    assert display.ax_.get_ylabel() == "layer"
