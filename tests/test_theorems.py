"""The published claims, one test each.

[E1] A. Alcalde, G. Fantuzzi, E. Zuazua, Exact Sequence Classification with Hardmax Transformers, arXiv 2502.02270v1.
[E2] the same, Exact Sequence Interpolation with Transformers, arXiv 2502.02270v3: 2 M + 2 N + 1 blocks for M outputs in all.
[R] C. Sanford, D. Hsu, M. Telgarsky, Representational Strengths and Limitations of Transformers, arXiv 2306.02896.
"""

import math
from fractions import Fraction

import numpy as np
import oracle
import pytest
from cases.targets import first_rows, random_targets
from effort import slow
from hypothesis import given
from hypothesis import strategies as st

from sklearn_hardmax import (
    Attention,
    FeedForward,
    LeaderClustering,
    LeaderFlow,
    RaggedSequences,
    ThirdOrderAttention,
    Transformer,
    datasets,
)
from sklearn_hardmax.constructions import (
    build_classifier,
    build_interpolator,
    build_match2,
    build_match3,
    build_match3_bigram,
    build_match3_local,
    build_sparse_averaging,
)
from sklearn_hardmax.forward import apply, trace


def built_for(n, token_dim=2, n_classes=3, length=1):
    X, y = datasets.make_labelled_sequences(n, n_classes=n_classes, token_dim=token_dim, max_length=6, random_state=0)
    X = RaggedSequences.from_list([np.tile(x, (length, 1)) for x in X])
    return build_classifier(X, y), X, y


@pytest.mark.parametrize("n", [3, 10, 40])
@pytest.mark.parametrize("token_dim", [1, 2, 8])
def test_sequences_of_any_lengths_are_classified_exactly(n, token_dim):
    """[E1], abstract."""
    built, X, y = built_for(n, token_dim)
    assert np.array_equal(built.decode(apply(built.transformer, built.encode(X))), y)


@pytest.mark.parametrize("n", [3, 10, 40, 160])
def test_the_number_of_blocks_is_linear_in_the_number_of_sequences_with_a_smaller_constant(n):
    """[E1]: O(N) blocks; [E2] at one output a sequence: 4 N + 1."""
    for make in (datasets.make_labelled_sequences, datasets.make_swaps):
        X, y = make(n, n_classes=3, random_state=0)
        assert build_classifier(X, y).transformer.n_blocks <= (3 * n + 1) // 2 <= 2 * n - 1 < 4 * n + 1


@pytest.mark.parametrize("token_dim", [4, 8, *slow(16, 64)])
def test_the_number_of_parameters_is_linear_in_sequences_times_dimension(token_dim):
    """[E1]: O(N d) parameters."""
    for n in (10, 40):
        for make in (datasets.make_labelled_sequences, datasets.make_swaps):
            X, y = make(n, n_classes=3, token_dim=token_dim, random_state=0)
            assert build_classifier(X, y).transformer.n_parameters <= 16 * token_dim * n


def test_the_size_is_independent_of_the_lengths():
    """[E1], abstract."""
    sizes = {(t.n_blocks, t.n_parameters) for t in (built_for(20, length=k)[0].transformer for k in (1, 2, 50))}
    assert len(sizes) == 1


@pytest.mark.parametrize("attention", ["hardmax", "softmax"])
@pytest.mark.parametrize("q", [1, 3])
def test_many_targets_of_sequences_of_any_lengths_are_interpolated_exactly(q, attention):
    """[E2], abstract: with hardmax and with softmax attention."""
    X, _ = datasets.make_labelled_sequences(30, token_dim=2, random_state=0)
    Y = random_targets(X, q, most=20)
    built = build_interpolator(X, Y, attention=attention)
    assert np.array_equal(first_rows(built.decode(apply(built.transformer, built.encode(X))), Y), Y.tokens)


@pytest.mark.parametrize("name", ["labelled_sequences", "shared_tokens", "swaps"])
@pytest.mark.parametrize("most", [1, 5, 20])
def test_blocks_grow_with_targets_and_sequences_and_by_smaller_constants(name, most):
    """[E2]: 2 M + 2 N + 1 blocks with hardmax, 2 M + 3 N with softmax; independent of the lengths."""
    X, _ = getattr(datasets, f"make_{name}")(30, random_state=0)
    Y = random_targets(X, most=most)
    long = RaggedSequences.from_list([np.tile(x, (3, 1)) for x in X])
    for attention, published in (("hardmax", 2 * Y.n_tokens + 2 * 30 + 1), ("softmax", 2 * Y.n_tokens + 3 * 30)):
        transformer = build_interpolator(X, Y, attention=attention).transformer
        assert transformer.n_blocks <= Y.n_tokens + 30 < published
        longer = build_interpolator(long, Y, attention=attention).transformer
        assert (longer.n_blocks, longer.n_parameters) == (transformer.n_blocks, transformer.n_parameters)


@pytest.mark.parametrize(("token_dim", "q"), [(1, 1), (8, 1), (2, 8), (64, 64)])
def test_parameters_are_linear_in_targets_and_sequences_times_dimension(token_dim, q):
    """[E2]: O((d + q) (M + N)); here (2 D + 2) (3 M + 6 N + 8) with D = max(d, q + 3)."""
    for make in (datasets.make_labelled_sequences, datasets.make_swaps):
        X, _ = make(25, token_dim=token_dim, random_state=0)
        Y = random_targets(X, q)
        D = max(token_dim, q + 3)
        assert build_interpolator(X, Y).transformer.n_parameters <= (2 * D + 2) * (3 * Y.n_tokens + 6 * 25 + 8)


def test_the_construction_needs_no_coordinates_but_those_of_the_tokens():
    """[E2]: the statement inside R^d, outputs in R^d; in float64 to 8 ulps of the height that tokens are moved by."""
    X, _ = datasets.make_labelled_sequences(30, token_dim=3, random_state=0)
    Y = random_targets(X, 3)
    built = build_interpolator(X, Y, registers=False)
    assert built.transformer.token_dim == 3
    height = built.transformer.layers[-1].W[0, -1]
    errors = first_rows(built.decode(apply(built.transformer, built.encode(X))), Y) - Y.tokens
    assert np.abs(errors).max() <= 8 * np.spacing(height)


SMALL = st.integers(-2, 2).map(float)


@given(st.data())
def test_every_network_is_a_function_of_the_normalised_multiset(data):
    """Equal multisets with different labels are beyond any weights: permuting and repeating tokens changes nothing."""

    def matrix(rows, columns):
        return np.array(data.draw(st.lists(SMALL, min_size=rows * columns, max_size=rows * columns))).reshape(
            rows, columns
        )

    rank = data.draw(st.integers(0, 2))
    network = Transformer(
        [
            FeedForward(matrix(2, 2), matrix(1, 2)[0], matrix(2, 2), 0.5),
            Attention(matrix(rank, 2), matrix(rank, 2), matrix(1, 2), matrix(2, 1)),
            FeedForward(matrix(2, 2), matrix(1, 2)[0], matrix(2, 2)),
        ]
    )
    tokens = matrix(3, 2)
    order = data.draw(st.permutations(range(3)))
    outputs = oracle.run(network, tokens)[-1]
    assert oracle.run(network, tokens[order])[-1] == [outputs[i] for i in order]
    assert oracle.run(network, np.tile(tokens, (2, 1)))[-1] == outputs * 2
    assert all(isinstance(value, Fraction) for row in outputs for value in row)


# -- [R]: what attention is for ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("q", [1, 2, 4])
def test_sparse_averaging_takes_one_attention_layer_of_width_logarithmic_in_the_length(q):
    """[R]: an embedding of order d + q log n is enough, where feed-forward and recurrent nets grow polynomially."""
    for n in (16, 128, 1024):
        X, Y = datasets.make_sparse_averaging(1, length=n, q=q, token_dim=2, random_state=n)
        built = build_sparse_averaging(n, q, token_dim=2, random_state=0)
        assert [type(layer) for layer in built.transformer.layers] == [Attention]
        assert built.transformer.token_dim <= 2 * 2 + 2 * (8 * q * math.log(n) + 1)
        assert np.abs(built.decode(apply(built.transformer, built.encode(X))).tokens - Y.tokens).max() <= 1e-12


def test_a_first_layer_narrower_than_the_values_gives_opposite_targets_one_output():
    """[R]: a feed-forward net for sparse averaging needs a wide first layer; here by the kernel of that layer."""
    n, width = 12, 11
    rng = np.random.default_rng(0)
    U, V = rng.integers(-2, 3, size=(width, n)), rng.integers(-2, 3, size=(width, n))
    # an integer vector that U maps to 0: the cofactors of U with one row more
    v = np.array([(-1) ** j * round(np.linalg.det(np.delete(U, j, axis=1))) for j in range(n)], dtype=object)
    assert any(v)
    assert not (U.astype(object) @ v).any()
    asked = int(np.argmax(np.abs(v)))
    sets = np.full(n, asked)  # every token asks for this position
    first_layer = [U.astype(object) @ values + V @ sets for values in (v, -v)]
    assert (first_layer[0] == first_layer[1]).all()  # so whatever follows gives one output
    assert v[asked] != -v[asked]  # where the targets are opposite


def test_pairs_take_one_attention_layer_of_constant_size():
    """[R]: one unit of self-attention of constant embedding does match2 at any length."""
    for n in (5, 50, 500):
        X, Y = datasets.make_match(1, task="match2", length=n, modulus=10**6, random_state=n)
        built = build_match2(10**6)
        assert [type(layer) for layer in built.transformer.layers] == [Attention]
        assert built.transformer.n_parameters == 41
        assert built.decode(apply(built.transformer, built.encode(X))) == Y


def test_triples_take_one_layer_of_third_order_of_constant_size():
    """[R]: match3, beyond one standard layer of modest width, is one unit of third-order attention."""
    for n in (5, 20, 80):
        X, Y = datasets.make_match(1, task="match3", length=n, modulus=10**6, random_state=n)
        built = build_match3(10**6)
        assert [type(layer) for layer in built.transformer.layers] == [ThirdOrderAttention]
        assert built.transformer.n_parameters == 91
        assert built.decode(apply(built.transformer, built.encode(X))) == Y


@pytest.mark.parametrize("task", ["match3_bigram", "match3_local"])
def test_triples_of_neighbours_or_nearby_take_standard_attention_of_constant_size(task):
    """[R]: the variants of match3 that standard transformers do efficiently."""
    sizes = set()
    for n in (5, 50, 500):
        X, Y = datasets.make_match(1, task=task, length=n, modulus=10**6, random_state=n)
        built = build_match3_bigram(n, 10**6) if task == "match3_bigram" else build_match3_local(n, 10**6, window=2)
        assert {type(layer) for layer in built.transformer.layers} == {Attention, FeedForward}
        sizes.add(built.transformer.n_parameters)
        assert built.decode(apply(built.transformer, built.encode(X))) == Y
    assert len(sizes) == 1


# -- [C] A. Alcalde, G. Fantuzzi, E. Zuazua, Clustering in pure-attention hardmax transformers and its role in sentiment
# analysis, arXiv 2407.01602, and case 0 of the dynamics notebook published with it --------------------------------------

CASE_0 = [[1, 4 / 12], [-1 / 12, 1 / 12], [-1, -1], [0, 3 / 12], [-0.3, -0.7], [-0.6, -0.9], [0.8, 0.1], [0.6, 0.15]]


def test_the_published_tokens_cluster_at_the_published_limits():
    """[C], case 0 at alpha = 1/2: three limits; the leader in the middle emerges at layer 1 only."""
    found = LeaderClustering(alpha=0.5).fit(CASE_0)
    assert found.labels_.tolist() == [0, 1, 2, 0, 2, 2, 0, 0]
    np.testing.assert_allclose(found.cluster_centers_, [[1, 1 / 3], [-1 / 18, 5 / 36], [-1, -1]], rtol=0, atol=1e-6)
    assert found.leader_layers_.tolist() == [0, 1, 0, -1, -1, -1, -1, -1]
    ends = LeaderFlow(alpha=0.5, depth=None).fit_transform([CASE_0])[0]
    np.testing.assert_allclose(ends, found.cluster_centers_[found.labels_], rtol=0, atol=1e-6)


def test_with_a_larger_step_the_published_tokens_have_two_clusters():
    """[C], case 0 at alpha = 2: the middle leader does not emerge."""
    found = LeaderClustering(alpha=2.0).fit(CASE_0)
    assert found.labels_.tolist() == [0, 0, 1, 0, 1, 1, 0, 0]
    assert found.leader_layers_.tolist() == [0, -1, 0, -1, -1, -1, -1, -1]


@pytest.mark.parametrize("token_dim", [1, 2, 3])
@pytest.mark.parametrize("alpha", [1.0, *slow(0.3, 4.0)])
def test_tokens_converge_to_an_equilibrium_that_leaders_determine(token_dim, alpha):
    """[C], abstract: for distinct tokens that are not zero every limit is a leader or lies between leaders."""
    for seed in range(5):
        X = np.random.default_rng(seed).normal(size=(30, token_dim))
        found = LeaderClustering(alpha=alpha).fit(X)
        (step,) = trace(LeaderFlow(alpha=alpha, depth=1).fit(X).to_transformer(), [found.cluster_centers_])
        np.testing.assert_allclose(step.tokens[0], found.cluster_centers_, rtol=0, atol=1e-6)
        assert len(found.leader_indices_) == len(found.cluster_centers_)  # generic tokens: no ties
        assert sorted(found.labels_[found.leader_indices_].tolist()) == list(range(len(found.cluster_centers_)))
