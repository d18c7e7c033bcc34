"""The ONNX graph in onnxruntime is the engine, for one sequence: attended sets, labels and exact values alike."""

import numpy as np
import onnxruntime
import oracle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_forward import lattice_problems, random_transformer

from sklearn_hardmax import (
    Attention,
    FeedForward,
    HardmaxTransformerClassifier,
    HardmaxTransformerInterpolator,
    RaggedSequences,
    Transformer,
    datasets,
)
from sklearn_hardmax.export import to_onnx
from sklearn_hardmax.forward import apply

law = settings(deadline=None, derandomize=True, max_examples=60)


def session(transformer, **options):
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = settings.inter_op_num_threads = 1
    model = to_onnx(transformer, **options).SerializeToString()
    return onnxruntime.InferenceSession(model, settings, providers=["CPUExecutionProvider"])


def run(transformer, X, **options):
    runtime = session(transformer, **options)
    return RaggedSequences.from_list([runtime.run(None, {"tokens": sequence})[0] for sequence in X])


def assert_equal_values(got, expected):
    """To 1e-12 of the largest entry of the coordinate."""
    assert np.array_equal(got.offsets, expected.offsets)
    error = np.abs(got.tokens - expected.tokens).max(axis=0)
    assert (error <= 1e-12 * np.abs(expected.tokens).max(axis=0)).all()


def gaussian(rng, token_dim, lengths=(1, 2, 3, 30, 17)):
    return RaggedSequences.from_list([rng.normal(size=(n, token_dim)) for n in lengths])


@pytest.mark.parametrize("temperature", [0.0, 0.5, 1e-9])
@pytest.mark.parametrize("token_dim", [1, 4, 17])
def test_the_graph_gives_what_the_engine_gives(temperature, token_dim):
    rng = np.random.default_rng(token_dim)
    transformer, X = random_transformer(rng, token_dim, temperature), gaussian(rng, token_dim)
    assert_equal_values(run(transformer, X), apply(transformer, X))


@law
@given(lattice_problems())
def test_ties_on_an_integer_lattice_are_those_of_exact_arithmetic(problem):
    """One member more or fewer moves a mean of at most five integers by 1/20 at least; rounding, by less than 1e-12."""
    (layer, *_), X = problem
    for sequence, tokens in zip(X, run(Transformer([layer]), X)):
        exact = np.array(oracle.run(Transformer([layer]), sequence)[-1], dtype=np.float64)
        np.testing.assert_allclose(tokens, exact, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("rank", [1, 2])
def test_scores_that_differ_by_rounding_only_tie(rank):
    """0.1 + 0.2 and 0.3 tie as sums of two terms and differ as numbers; of rank one, and of rank two."""
    ones, first = np.eye(rank)[:, :1] @ [[1.0, 1.0]], [[1.0, 0.0]]
    layer = Attention(ones, ones, np.eye(2), np.eye(2), rho=0.0)
    tied = RaggedSequences.from_list([[[0.1, 0.2], [0.3, 0.0]]])
    assert run(Transformer([layer]), tied).tokens.tolist() == [[0.2, 0.1]] * 2
    layer = Attention(first, first, np.eye(2), np.eye(2), rho=0.0)
    apart = RaggedSequences.from_list([[[0.1 + 0.2, 0.0], [0.3, 0.0]]])
    assert run(Transformer([layer]), apart).tokens.tolist() == [[0.1 + 0.2, 0.0]] * 2


@law
@given(lattice_problems(), st.sampled_from([-900, -300, 300, 900]))
def test_attended_sets_do_not_change_with_the_scale_of_a_sequence(problem, exponent):
    (layer, *_), X = problem
    if isinstance(layer, FeedForward):
        return
    transformer = Transformer([Attention(layer.query, layer.key, layer.value, layer.output, rho=0.0)])
    huge = RaggedSequences(np.ldexp(X.tokens, exponent), X.offsets)
    assert np.array_equal(run(transformer, huge).tokens, np.ldexp(run(transformer, X).tokens, exponent))


CLASSIFIERS = {
    "code alone": {"n_heads": 0},
    "heads": {"n_heads": 60},
    "sets": {"n_heads": 60, "ordered": False},
    "softmax": {"n_heads": 60, "attention": "softmax"},
    "softmax code": {"n_heads": 0, "attention": "softmax"},
}


@pytest.mark.parametrize("max_width", [4, None])
@pytest.mark.parametrize("options", CLASSIFIERS.values(), ids=CLASSIFIERS)
def test_labels_of_exported_classifiers_are_exact(options, max_width):
    X, y = datasets.make_labelled_sequences(40, n_classes=3, token_dim=2, random_state=0)
    new, _ = datasets.make_labelled_sequences(40, n_classes=3, token_dim=2, random_state=1)
    clf = HardmaxTransformerClassifier(random_state=0, **options).fit(X, y)
    transformer = clf.to_transformer(max_width=max_width)
    assert np.array_equal(clf.read_labels(run(transformer, clf.encode(X))), y)
    assert np.array_equal(clf.read_labels(run(transformer, clf.encode(new))), clf.predict(new))


@pytest.mark.parametrize("attention", ["hardmax", "softmax"])
def test_targets_of_exported_interpolators_are_their_bits(attention):
    rng = np.random.default_rng(0)
    X = [rng.normal(size=(n, 2)) for n in (5, 9, 1, 4)]
    Y = [rng.normal(size=(max(1, len(x) - 1), 3)) for x in X]
    model = HardmaxTransformerInterpolator(attention=attention, random_state=0).fit(X, Y)
    outputs = model.read_targets(run(model.to_transformer(), model.encode(X)))
    for rows, targets in zip(outputs, Y):
        assert np.array_equal(rows[: len(targets)], targets)


def test_temperature_replaces_that_of_every_layer():
    rng = np.random.default_rng(7)
    hard, X = random_transformer(np.random.default_rng(8), 3), gaussian(rng, 3)
    soft = random_transformer(np.random.default_rng(8), 3, 0.5)
    assert_equal_values(run(hard, X, temperature=0.5), apply(soft, X))
    assert_equal_values(run(soft, X, temperature=0), apply(hard, X))


@pytest.mark.parametrize("rank", [0, 1, 2])
@pytest.mark.parametrize("temperature", [0.0, 0.5])
def test_layers_of_zero_weights_are_exported(rank, temperature):
    layers = [
        FeedForward(np.zeros((2, 2)), [1.0, -1.0], np.zeros((2, 2)), eta=2.0),
        Attention(np.ones((rank, 2)), np.zeros((rank, 2)), np.eye(2), np.eye(2), temperature=temperature),
        Attention(np.ones((rank, 2)), np.ones((rank, 2)), np.zeros((1, 2)), np.ones((2, 1)), rho=0.0),
        FeedForward(np.zeros((1, 2)), [1.0], [[1.0], [0.0]]),
    ]
    X = [[[1.0, 2.0], [3.0, 4.0]]]
    assert np.array_equal(run(Transformer(layers[:2]), X).tokens, [[6.0, 10.0], [10.0, 14.0]])  # 2 z + mean 2 z
    assert np.array_equal(run(Transformer(layers), X).tokens, [[1.0, 0.0], [1.0, 0.0]])


def test_the_graph_takes_sequences_of_any_length_and_of_its_token_dim_only():
    runtime = session(random_transformer(np.random.default_rng(0), 3))
    for n in (1, 2, 100):
        assert runtime.run(None, {"tokens": np.ones((n, 3))})[0].shape == (n, 3)
    with pytest.raises(Exception, match="Got invalid dimensions for input: tokens"):
        runtime.run(None, {"tokens": np.ones((2, 4))})


class Foreign(FeedForward):
    pass


def test_a_layer_without_onnx_form_is_named():
    with pytest.raises(
        TypeError, match="Layer 0 is Foreign, which has no ONNX form; layers that have: FeedForward, Att"
    ):
        to_onnx(Transformer([Foreign([[1.0]], [0.0], [[1.0]])]))


def test_what_is_no_transformer_and_no_temperature_is_refused():
    with pytest.raises(TypeError, match="Only a Transformer can be exported, got list"):
        to_onnx([])
    with pytest.raises(ValueError, match="temperature must be 0"):
        to_onnx(random_transformer(np.random.default_rng(0), 3), temperature=-1)
