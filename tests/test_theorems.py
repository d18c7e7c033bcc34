"""The published claims, one test each.

[E1] A. Alcalde, G. Fantuzzi, E. Zuazua, Exact Sequence Classification with Hardmax Transformers, arXiv 2502.02270v1.
[E2] the same, Exact Sequence Interpolation with Transformers, arXiv 2502.02270v3: 2 M + 2 N + 1 blocks for M outputs in all.
"""

from fractions import Fraction

import numpy as np
import oracle
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_hardmax import (
    Attention,
    FeedForward,
    LeaderClustering,
    LeaderFlow,
    RaggedSequences,
    Transformer,
    datasets,
)
from sklearn_hardmax.constructions import build_classifier
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
    assert np.array_equal(built.read(apply(built.transformer, built.encode(X))), y)


@pytest.mark.parametrize("n", [3, 10, 40, 160])
def test_the_number_of_blocks_is_linear_in_the_number_of_sequences_with_a_smaller_constant(n):
    """[E1]: O(N) blocks; [E2] at one output a sequence: 4 N + 1."""
    for make in (datasets.make_labelled_sequences, datasets.make_swaps):
        X, y = make(n, n_classes=3, random_state=0)
        assert build_classifier(X, y).transformer.n_blocks <= (3 * n + 1) // 2 <= 2 * n - 1 < 4 * n + 1


@pytest.mark.parametrize("token_dim", [4, 8, 16, 64])
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


SMALL = st.integers(-2, 2).map(float)


@given(st.data())
def test_every_network_is_a_function_of_the_normalised_multiset(data):
    """So that equal measures with different labels are beyond any weights: permuting and repeating tokens changes nothing."""

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
@pytest.mark.parametrize("alpha", [0.3, 1.0, 4.0])
def test_tokens_converge_to_an_equilibrium_that_leaders_determine(token_dim, alpha):
    """[C], abstract: for distinct tokens that are not zero every limit is a leader or lies between leaders."""
    for seed in range(5):
        X = np.random.default_rng(seed).normal(size=(30, token_dim))
        found = LeaderClustering(alpha=alpha).fit(X)
        (step,) = trace(LeaderFlow(alpha=alpha, depth=1).fit(X).to_transformer(), [found.cluster_centers_])
        np.testing.assert_allclose(step.tokens[0], found.cluster_centers_, rtol=0, atol=1e-6)
        assert len(found.leader_indices_) == len(found.cluster_centers_)  # generic tokens: no ties
        assert sorted(found.labels_[found.leader_indices_].tolist()) == list(range(len(found.cluster_centers_)))
