"""LeaderFlow gives the tokens of its weights, and names sequences that have not converged."""

import numpy as np
import pandas as pd
import pytest
from cases.leaders import TRIANGLE
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.pipeline import make_pipeline

from sklearn_hardmax import HardmaxTransformerClassifier, LeaderClustering, LeaderFlow, RaggedSequences
from sklearn_hardmax.datasets import make_labelled_sequences
from sklearn_hardmax.forward import apply


def ragged(n=20, **options):
    return make_labelled_sequences(n, random_state=0, **options)


@pytest.mark.parametrize("options", [{}, {"alpha": 0.25, "depth": 3}, {"A": [[2.0, 1.0], [1.0, 3.0]], "depth": 2}])
def test_transform_gives_the_tokens_of_the_weights(options):
    X, _ = ragged()
    flow = LeaderFlow(**options).fit(X)
    assert flow.transform(X) == apply(flow.to_transformer(), X) == LeaderFlow(**options).fit_transform(X)
    assert flow.n_iter_ == len(flow.to_transformer().layers) == options.get("depth", 8)


def test_without_a_depth_every_sequence_goes_on_to_its_limit():
    X, _ = ragged()
    flow = LeaderFlow(depth=None, tol=1e-6, alpha=0.5)
    moved = flow.fit_transform(X)
    assert moved == flow.transform(X)
    limits = LeaderFlow(depth=200, alpha=0.5).fit_transform(X)
    for tokens, ends, start in zip(moved, limits, X):
        assert np.linalg.norm(tokens - ends, axis=1).max() <= 1.001e-6 * np.linalg.norm(start, axis=1).max()
    assert flow.n_iter_ == len(flow.to_transformer().layers) > 20


def test_float32_stays_float32_and_is_the_rounded_flow_in_float64():
    X, _ = ragged()
    single = RaggedSequences(X.tokens.astype(np.float32), X.offsets)
    moved = LeaderFlow().fit_transform(single)
    double = LeaderFlow().fit_transform(RaggedSequences(single.tokens.astype(np.float64), X.offsets))
    assert moved.dtype == np.float32
    assert np.array_equal(moved.tokens, double.tokens.astype(np.float32))


def test_leader_layers_say_when_a_token_led_first():
    """The published example, [C]: the token at (-1/12, 1/12) leads from layer 1 on."""
    tokens = [
        [1, 4 / 12],
        [-1 / 12, 1 / 12],
        [-1, -1],
        [0, 3 / 12],
        [-0.3, -0.7],
        [-0.6, -0.9],
        [0.8, 0.1],
        [0.6, 0.15],
    ]
    found = LeaderFlow(alpha=0.5).fit([tokens]).leader_layers([tokens, tokens[:1]])
    assert [f.tolist() for f in found] == [[0, 1, 0, -1, -1, -1, -1, -1], [0]]


def test_a_flow_that_has_not_arrived_says_which_sequences():
    X = [[[1.0, 0.0]], [[1.0, 0.0], [0.0, 0.0]], [[1.0, 0.0], [0.5, 0.0]]]
    X = RaggedSequences.from_list(X)
    with pytest.warns(ConvergenceWarning, match=r"Sequences 1, 2 are not within tol=1e-08 .* after max_iter=3 layers"):
        flow = LeaderFlow(depth=None, max_iter=3).fit(X)
    assert flow.n_iter_ == 3
    with pytest.warns(ConvergenceWarning, match="Sequences 0 are not"):
        flow.transform(X[2:])


def test_the_flow_is_a_step_in_front_of_a_classifier():
    X, y = ragged(40)
    pipeline = make_pipeline(
        LeaderFlow(depth=2), HardmaxTransformerClassifier(ordered=False, n_heads=50, random_state=0)
    )
    assert pipeline.fit(X, y).score(X, y) == 1.0


def test_names_of_features_come_back():
    frame = pd.DataFrame({"height": [0.0, 1.0], "width": [1.0, 0.0]})
    flow = LeaderFlow().fit(frame)
    assert flow.get_feature_names_out().tolist() == ["height", "width"]
    assert LeaderFlow().fit(ragged()[0]).get_feature_names_out(["a", "b"]).tolist() == ["a", "b"]


@pytest.mark.parametrize("estimator", [LeaderFlow, LeaderClustering])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"alpha": 0.0}, "alpha must be a positive finite number, got 0.0"),
        ({"alpha": "fast"}, "alpha must be a positive finite number, got 'fast'"),
        ({"A": np.eye(3)}, r"A must be a finite matrix of shape \(2, 2\), got shape \(3, 3\)"),
        ({"A": [[1.0, 3.0], [3.0, 1.0]]}, "A must be positive definite"),
        ({"max_iter": 0}, "max_iter must be an integer of at least 1, got 0"),
        ({"tol": 0.0}, "tol must be a positive finite number, got 0.0"),
        ({"tol": True}, "tol must be a positive finite number, got True"),
    ],
)
def test_wrong_parameters_are_refused_and_leave_the_estimator_as_it_was(estimator, options, message):
    fitted = estimator().fit(TRIANGLE)
    before = dict(vars(fitted))
    with pytest.raises(ValueError, match=message):
        fitted.set_params(**options).fit(TRIANGLE)
    assert {name: value for name, value in vars(fitted).items() if name.endswith("_")} == {
        name: value for name, value in before.items() if name.endswith("_")
    }


@pytest.mark.parametrize("depth", [0, -1, 2.0, "deep", True])
def test_a_wrong_depth_is_refused(depth):
    with pytest.raises(ValueError, match="depth must be an integer of at least 1"):
        LeaderFlow(depth=depth).fit(TRIANGLE)


def test_an_empty_sequence_is_refused():
    with pytest.raises(ValueError, match="Sequences 1 are empty"):
        LeaderFlow().fit([np.ones((2, 2)), np.ones((0, 2))])


@pytest.mark.parametrize(
    "options", [{}, {"alpha": 0.3, "depth": 1, "tol": 0.2}, {"A": [[2.0, 1.0], [1.0, 3.0]], "depth": None}]
)
def test_limits_are_the_clusters_of_each_sequence(options):
    X, _ = ragged()
    alone = {name: value for name, value in options.items() if name != "depth"}
    found = LeaderFlow(**options).fit(X).limits(X)
    assert len(found) == len(X)
    for limits, tokens in zip(found, X):
        assert limits.tolist() == LeaderClustering(**alone).fit(tokens).labels_.tolist()


def test_limits_that_were_not_reached_are_named():
    flow = LeaderFlow(depth=2, max_iter=3).fit([TRIANGLE])
    with pytest.warns(
        ConvergenceWarning, match=r"Sequences 0 are not within tol=1e-08 .* after max_iter=3 layers"
    ) as told:
        flow.limits([TRIANGLE])
    assert told[0].filename == __file__


@pytest.mark.parametrize("call", ["transform", "leader_layers", "limits"])
def test_an_unfitted_flow_is_refused(call):
    with pytest.raises(NotFittedError, match="is not fitted yet"):
        getattr(LeaderFlow(), call)([TRIANGLE])
    with pytest.raises(NotFittedError, match="is not fitted yet"):
        LeaderFlow().to_transformer()
