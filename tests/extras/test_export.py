"""Exported weights are the engine, in every runtime: attended sets, labels and exact values alike."""

import numpy as np
import oracle
import pytest
import torch
from cases.export import assert_equal_values, onnx_session
from cases.forward import lattice_problems, random_transformer
from effort import examples
from hypothesis import given
from hypothesis import strategies as st

from sklearn_hardmax import (
    Attention,
    FeedForward,
    HardmaxTransformerClassifier,
    HardmaxTransformerInterpolator,
    RaggedSequences,
    ThirdOrderAttention,
    Transformer,
    datasets,
)
from sklearn_hardmax.constructions import build_match3
from sklearn_hardmax.export import to_onnx, to_torch
from sklearn_hardmax.forward import apply

law = examples(60)


def torch_with_gradients(transformer, X, **options):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    out = RaggedSequences.from_torch(to_torch(transformer, **options)(X.to_torch()))
    torch.set_num_threads(threads)
    return out


def torch_without_gradients(transformer, X, **options):
    with torch.no_grad():
        return torch_with_gradients(transformer, X, **options)


def onnx(transformer, X, **options):
    runtime = onnx_session(to_onnx(transformer, **options))
    return RaggedSequences.from_list([runtime.run(None, {"tokens": sequence})[0] for sequence in X])


RUNTIMES = pytest.mark.parametrize("run", [torch_with_gradients, torch_without_gradients, onnx])


def sequences(*arrays):
    return RaggedSequences.from_list(arrays)


def gaussian(rng, token_dim, lengths=(1, 2, 3, 30, 17)):
    return RaggedSequences.from_list([rng.normal(size=(n, token_dim)) for n in lengths])


@RUNTIMES
@pytest.mark.parametrize("temperature", [0.0, 0.5, 1e-9])
@pytest.mark.parametrize("token_dim", [1, 4, 17])
def test_a_runtime_gives_what_the_engine_gives(run, temperature, token_dim):
    rng = np.random.default_rng(token_dim)
    transformer, X = random_transformer(rng, token_dim, temperature), gaussian(rng, token_dim)
    assert_equal_values(run(transformer, X), apply(transformer, X))


@RUNTIMES
@law
@given(lattice_problems())
def test_ties_on_an_integer_lattice_are_those_of_exact_arithmetic(run, problem):
    """One member more or fewer moves a mean of at most five integers by 1/20 at least; rounding, by less than 1e-12."""
    (layer, *_), X = problem
    for sequence, tokens in zip(X, run(Transformer([layer]), X)):
        exact = np.array(oracle.run(Transformer([layer]), sequence)[-1], dtype=np.float64)
        np.testing.assert_allclose(tokens, exact, rtol=1e-12, atol=1e-12)


@RUNTIMES
@pytest.mark.parametrize("rank", [1, 2])
def test_scores_that_differ_by_rounding_only_tie(run, rank):
    """0.1 + 0.2 and 0.3 tie as sums of two terms and differ as numbers; of rank one, and of rank two."""
    ones, first = np.eye(rank)[:, :1] @ [[1.0, 1.0]], [[1.0, 0.0]]
    layer = Attention(ones, ones, np.eye(2), np.eye(2), rho=0.0)
    tied = RaggedSequences.from_list([[[0.1, 0.2], [0.3, 0.0]]])
    assert run(Transformer([layer]), tied).tokens.tolist() == [[0.2, 0.1]] * 2
    layer = Attention(first, first, np.eye(2), np.eye(2), rho=0.0)
    apart = RaggedSequences.from_list([[[0.1 + 0.2, 0.0], [0.3, 0.0]]])
    assert run(Transformer([layer]), apart).tokens.tolist() == [[0.1 + 0.2, 0.0]] * 2


@RUNTIMES
@pytest.mark.parametrize("rank", [1, 2])
def test_scores_that_differ_by_more_than_rounding_do_not_tie(run, rank):
    """Sums of two terms near 0.3 err by 2 eps 0.3 < 2^-52 each: 2^-48 more is more, and makes the leader."""
    ones = np.eye(rank)[:, :1] @ [[1.0, 1.0]]
    layer = Attention(ones, ones, np.eye(2), np.eye(2), rho=0.0)
    tokens = [[0.1, 0.2], [0.1 + 2.0**-48, 0.2]]
    assert run(Transformer([layer]), sequences(tokens)).tokens.tolist() == [tokens[1]] * 2


@RUNTIMES
def test_a_query_that_is_rounding_only_asks_for_all(run):
    """0.1 + 0.2 - 0.3 is 5.6e-17 in float64 and no more than its bound: the first token attends to both."""
    layer = Attention([[1.0, 1.0, -1.0]], [[1.0, 0.0, 0.0]], np.eye(3), np.eye(3), rho=0.0)
    tokens = [[0.1, 0.2, 0.3], [1.1, 0.2, 0.3]]
    assert 0.1 + 0.2 - 0.3 != 0
    assert run(Transformer([layer]), sequences(tokens)).tokens[:, 0].tolist() == [0.1 + 1.0 / 2, 1.1]


@RUNTIMES
@pytest.mark.parametrize(
    ("rank", "large", "small", "leads"),
    [
        (1, 2.0**52, 1.0, True),  # scores 2^52 + 1 and 2^52, sums of integers below 2^53
        (1, 2.0**54, 4.0, False),  # above: four units apart, and rounded by as much
        (1, 2.0**50 + 0.5, 0.25, False),  # no integers
        (2, 2.0**26, 1.0, True),  # the square of the first gives 2^52 + 1
        (2, 2.0**27, 2.0, False),  # 2^54 + 4 and 2^54
        (2, 2.0**24 + 0.5, 0.125, False),
    ],
)
def test_scores_of_integers_are_exact_below_two_to_the_53(run, rank, large, small, leads):
    B = np.eye(2) if rank == 2 else [[1.0, 1.0]]
    tokens = [[large, small], [large, 0.0]]
    out = run(Transformer([Attention(B, B, np.eye(2), np.eye(2), rho=0.0)]), sequences(tokens))
    assert out.tokens[0].tolist() == (tokens[0] if leads else [large, small / 2])


@RUNTIMES
def test_softmax_at_a_small_temperature_returns_the_value_of_the_leader_bit_for_bit(run):
    """1e16 + (0.1 - 1e16) would be 0."""
    layer = Attention([[0.0, 1.0]], [[0.0, 1.0]], [[1.0, 0.0]], [[1.0], [0.0]], rho=0.0, temperature=1e-3)
    assert (
        run(Transformer([layer]), sequences([[1e16, 1.0], [0.1, 2.0], [-1e16, 0.5]])).tokens[:, 0].tolist() == [0.1] * 3
    )


@RUNTIMES
@law
@given(lattice_problems(), st.sampled_from([-900, -300, 300, 900]))
def test_attended_sets_do_not_change_with_the_scale_of_a_sequence(run, problem, exponent):
    (layer, *_), X = problem
    if isinstance(layer, FeedForward):
        return
    transformer = Transformer([Attention(layer.query, layer.key, layer.value, layer.output, rho=0.0)])
    huge = RaggedSequences(np.ldexp(X.tokens, exponent), X.offsets)
    assert np.array_equal(run(transformer, huge).tokens, np.ldexp(run(transformer, X).tokens, exponent))


@RUNTIMES
@pytest.mark.parametrize("exponent", [-1070, -1000, 0, 1000, 1020])
def test_leaders_are_found_over_the_whole_range_of_float64(run, exponent):
    """Inner products 1, 3, 2 for the first token, 3, 9, 6 for the second, 2, 6, 5 for the third: the second leads."""
    transformer = Transformer([Attention(np.eye(2), np.eye(2), np.eye(2), np.eye(2), rho=0.0)])
    tokens = np.ldexp([[1.0, 0.0], [3.0, 0.0], [2.0, 1.0]], exponent)
    out = run(transformer, sequences(tokens))
    assert out.tokens.tolist() == [tokens[1].tolist()] * 3


@RUNTIMES
@pytest.mark.parametrize("exponent", [-1073, 0, 1023])
def test_sums_of_coordinates_may_leave_the_range_of_float64(run, exponent):
    """Sums and differences are 1.5 and 0.5, 2 and 0: the scores 2.5 and 3, 3 and 4, and the second token leads."""
    B = [[1.0, 1.0], [1.0, -1.0]]
    tokens = np.ldexp([[1.0, 0.5], [1.0, 1.0]], exponent)
    layer = Attention(B, B, np.eye(2), np.eye(2), rho=0.0)
    assert run(Transformer([layer]), sequences(tokens)).tokens.tolist() == [tokens[1].tolist()] * 2


CLASSIFIERS = {
    "code alone": {"n_heads": 0},
    "heads": {"n_heads": 60},
    "sets": {"n_heads": 60, "ordered": False},
    "softmax": {"n_heads": 60, "attention": "softmax"},
    "softmax code": {"n_heads": 0, "attention": "softmax"},
}


@RUNTIMES
@pytest.mark.parametrize("max_width", [4, None])
@pytest.mark.parametrize("options", CLASSIFIERS.values(), ids=CLASSIFIERS)
def test_labels_of_exported_classifiers_are_exact(run, options, max_width):
    X, y = datasets.make_labelled_sequences(40, n_classes=3, token_dim=2, random_state=0)
    new, _ = datasets.make_labelled_sequences(40, n_classes=3, token_dim=2, random_state=1)
    clf = HardmaxTransformerClassifier(random_state=0, **options).fit(X, y)
    transformer = clf.to_transformer(max_width=max_width)
    assert np.array_equal(clf.decode(run(transformer, clf.encode(X))), y)
    assert np.array_equal(clf.decode(run(transformer, clf.encode(new))), clf.predict(new))


@RUNTIMES
@pytest.mark.parametrize("attention", ["hardmax", "softmax"])
def test_targets_of_exported_interpolators_are_their_bits(run, attention):
    rng = np.random.default_rng(0)
    X = [rng.normal(size=(n, 2)) for n in (5, 9, 1, 4)]
    Y = [rng.normal(size=(max(1, len(x) - 1), 3)) for x in X]
    model = HardmaxTransformerInterpolator(attention=attention, random_state=0).fit(X, Y)
    outputs = model.decode(run(model.to_transformer(), model.encode(X)))
    for rows, targets in zip(outputs, Y):
        assert np.array_equal(rows[: len(targets)], targets)


@RUNTIMES
def test_temperature_replaces_that_of_every_layer(run):
    rng = np.random.default_rng(7)
    hard, X = random_transformer(np.random.default_rng(8), 3), gaussian(rng, 3)
    soft = random_transformer(np.random.default_rng(8), 3, 0.5)
    assert_equal_values(run(hard, X, temperature=0.5), apply(soft, X))
    assert_equal_values(run(soft, X, temperature=0), apply(hard, X))


@RUNTIMES
@pytest.mark.parametrize("rank", [0, 1, 2])
@pytest.mark.parametrize("temperature", [0.0, 0.5])
def test_layers_of_zero_weights_are_exported(run, rank, temperature):
    layers = [
        FeedForward(np.zeros((2, 2)), [1.0, -1.0], np.zeros((2, 2)), eta=2.0),
        Attention(np.ones((rank, 2)), np.zeros((rank, 2)), np.eye(2), np.eye(2), temperature=temperature),
        Attention(np.ones((rank, 2)), np.ones((rank, 2)), np.zeros((1, 2)), np.ones((2, 1)), rho=0.0),
        FeedForward(np.zeros((1, 2)), [1.0], [[1.0], [0.0]]),
    ]
    X = sequences([[1.0, 2.0], [3.0, 4.0]])
    assert np.array_equal(run(Transformer(layers[:2]), X).tokens, [[6.0, 10.0], [10.0, 14.0]])  # 2 z + mean 2 z
    assert np.array_equal(run(Transformer(layers), X).tokens, [[1.0, 0.0], [1.0, 0.0]])


@RUNTIMES
@pytest.mark.parametrize("rank", [0, 1, 3])
def test_attention_to_pairs_is_that_of_the_engine(run, rank):
    """On a lattice scores of pairs tie, in the engine by exact arithmetic; means of ties differ by rounding only."""
    rng = np.random.default_rng(rank)
    X = RaggedSequences.from_list([rng.integers(-2, 3, size=(n, 3)).astype(float) for n in (1, 2, 5, 6, 7)])
    for half in (1.0, 0.3):  # integers, and others
        shapes = [(rank, 3)] * 3 + [(2, 3)] * 2 + [(3, 2)]
        transformer = Transformer(
            [ThirdOrderAttention(*(half * rng.integers(-2, 3, size=shape) for shape in shapes), 0.5)]
        )
        for exponent in (0, 200):
            scaled = RaggedSequences(np.ldexp(X.tokens, exponent), X.offsets)
            assert_equal_values(run(transformer, scaled), apply(transformer, scaled))


@RUNTIMES
@pytest.mark.parametrize(
    ("first", "second", "leads"),
    [
        ((0.1, 0.2), (0.3, 0.0), False),  # rounding only
        ((0.3 + 2.0**-48, 0.0), (0.1, 0.2), True),
        ((2.0**52, 1.0), (2.0**52, 0.0), True),  # sums of integers below 2^53
        ((2.0**54, 4.0), (2.0**54, 0.0), False),
    ],
)
def test_pairs_tie_by_the_rule_of_all_scores(run, first, second, leads):
    """A pair scores the sum of two coordinates of its first token, and its value is the third."""
    one, both, third = np.eye(4)[3:], [[1.0, 1.0, 0.0, 0.0]], np.eye(4)[2:3]
    layer = ThirdOrderAttention(one, both, one, third, one, third.T, rho=0.0)
    out = run(Transformer([layer]), sequences([[*first, 1.0, 1.0], [*second, 0.0, 1.0]]))
    assert out.tokens[:, 2].tolist() == [1.0 if leads else 0.5] * 2


@RUNTIMES
def test_match3_answers_in_every_runtime(run):
    built = build_match3(7)
    X = [np.array([[1.0], [2.0], [4.0], [6.0]]), np.array([[3.0], [5.0]])]
    encoded = built.encode(X)
    assert built.decode(run(built.transformer, encoded)) == built.decode(apply(built.transformer, encoded))
