"""The leader flow. [C]: A. Alcalde, G. Fantuzzi, E. Zuazua, arXiv 2407.01602, and the notebook published with it."""

from fractions import Fraction
from functools import cache

import numpy as np
import oracle
import pytest
from effort import slow
from hypothesis import given
from hypothesis import strategies as st

from sklearn_hardmax import Attention, RaggedSequences, Transformer
from sklearn_hardmax.constructions import build_leader_flow
from sklearn_hardmax.constructions.leaders.flow import Flow
from sklearn_hardmax.forward.run import apply, attend_with_leaders, trace
from sklearn_hardmax.sequences.segments import Segments

ULP = 2.0**-52


def one(Z):
    return RaggedSequences.from_list([np.asarray(Z, dtype=float)])


@st.composite
def lattice_tokens(draw, token_dim=2, size=4, most=8):
    n = draw(st.integers(1, most))
    rows = st.lists(st.integers(-size, size).map(float), min_size=token_dim, max_size=token_dim)
    return np.array(draw(st.lists(rows, min_size=n, max_size=n)))


ALPHAS = st.sampled_from([0.5, 1.0, 3.0])
METRICS = st.sampled_from([np.eye(2), np.array([[4.0, 2.0], [2.0, 5.0]]), np.array([[1.0, -1.0], [-1.0, 10.0]])])


# -- against exact arithmetic ------------------------------------------------------------------------------------------


DEPTH = 4


@cache
def lattice_run(alpha, token_dim, seed):
    """Tokens of a lattice, and the exact tokens before every layer and after the last."""
    rng = np.random.default_rng([seed, token_dim, int(2 * alpha)])
    Z = rng.integers(-3, 4, size=(rng.integers(2, 7), token_dim)).astype(float)
    transformer = Flow.from_parameters(token_dim, alpha).transformer(DEPTH)
    return Z, transformer, [oracle.fractions_of(Z), *oracle.run(transformer, Z)]


def lattices(seeds):
    return [(alpha, token_dim, seed) for alpha in (0.5, 1.0, 3.0) for token_dim in (2, 3) for seed in seeds]


PROBLEMS = pytest.mark.parametrize("problems", [lattices(range(10)), *slow(lattices(range(10, 40)))], ids=[60, 180])


@PROBLEMS
def test_the_flow_on_lattices_is_the_exact_one_to_1e_12(problems):
    for problem in problems:
        Z, transformer, exact = lattice_run(*problem)
        moved = apply(transformer, one(Z))[0]
        assert (
            max(abs(Fraction(z) - e) for row, other in zip(moved.tolist(), exact[-1]) for z, e in zip(row, other))
            < 1e-12
        )


@PROBLEMS
def test_attended_sets_on_lattices_are_the_exact_ones(problems):
    for problem in problems:
        before, transformer, exact = lattice_run(*problem)
        for step, exact_before in zip(trace(transformer, one(before)), exact):
            assert [found.tolist() for found in step.attended[0]] == oracle.attended(
                transformer.layers[0], exact_before
            )


@pytest.mark.parametrize(
    ("alpha", "Z"),
    [
        (1.0, [[2.0, -2.0], [-3.0, -1.0], [0.0, 0.0], [0.0, 1.0], [3.0, 1.0], [2.0, 3.0]]),
        (3.0, [[2.0, -3.0], [3.0, 2.0], [0.0, 0.0]]),
        (3.0, [[2.0, -1.0, 0.0], [0.0, 0.0, 0.0], [-1.0, 0.0, 2.0]]),
    ],
)
def test_ties_are_the_exact_ones_where_floats_that_should_be_equal_are_not(alpha, Z):
    """After one layer the origin meets equal scores that floats, summed in order, tell apart."""
    transformer = Flow.from_parameters(len(Z[0]), alpha).transformer(2)
    first, second = trace(transformer, one(Z))
    columns = first.tokens[0].T
    scores = sum(np.multiply.outer(column, column) for column in columns)
    right = oracle.attended(transformer.layers[1], oracle.run(transformer, Z)[0])
    assert [np.flatnonzero(row == row.max()).tolist() for row in scores] != right
    assert [found.tolist() for found in second.attended[0]] == right


@PROBLEMS
def test_leaders_on_lattices_are_those_of_the_exact_sets(problems):
    for alpha, token_dim, seed in problems:
        Z, transformer, exact = lattice_run(alpha, token_dim, seed)
        first = np.full(len(Z), -1)
        for layer, before in enumerate(exact[:-1]):
            for i, members in enumerate(oracle.attended(transformer.layers[0], before)):
                if first[i] < 0 and i in members and all(before[m] == before[i] for m in members):
                    first[i] = layer
        assert Flow.from_parameters(token_dim, alpha).run(one(Z), DEPTH).leader_layers.tolist() == first.tolist()


# -- the invariants of the theory --------------------------------------------------------------------------------------


@given(lattice_tokens(), ALPHAS, METRICS)
def test_the_norm_of_no_token_decreases(Z, alpha, A):
    moved = apply(Flow.from_parameters(2, alpha, A).transformer(1), one(Z))[0]
    before, after = (np.einsum("ni,ij,nj->n", z, A, z) for z in (Z, moved))
    # a coordinate errs by 2 ulp of the largest, a square of the norm by that times the sum of |A|
    assert (after >= before - 8 * ULP * np.abs(A).sum() * np.abs(Z).max() ** 2).all()


@given(lattice_tokens(), ALPHAS, METRICS)
def test_every_token_stays_in_the_convex_hull(Z, alpha, A):
    moved = apply(Flow.from_parameters(2, alpha, A).transformer(4), one(Z))[0]
    angles = np.arange(64) * np.pi / 32
    reach = np.stack([np.cos(angles), np.sin(angles)])
    # 2 ulp a layer in each of two coordinates
    assert ((moved @ reach).max(axis=0) <= (Z @ reach).max(axis=0) + 32 * ULP * np.abs(Z).max()).all()


@given(lattice_tokens(), ALPHAS, METRICS)
def test_a_leader_once_is_a_leader_for_ever_and_stays(Z, alpha, A):
    flow = Flow.from_parameters(2, alpha, A)
    leaders = flow.run(one(Z), 1).leader_layers == 0
    for step in trace(flow.transformer(4), one(Z)):
        for i in np.flatnonzero(leaders):
            assert (Z[step.attended[0][i]] == Z[i]).all()
    np.testing.assert_allclose(step.tokens[0][leaders], Z[leaders], rtol=16 * ULP, atol=0)


@given(lattice_tokens(), ALPHAS, st.sampled_from([[[2, 0], [1, 2]], [[1, 0], [-1, 3]]]))
def test_a_matrix_is_a_change_of_basis_by_its_cholesky_factor(Z, alpha, L):
    """run(Z, A) = run(Z L, I) L^-1, with integers, so that ties are exact at the first layer."""
    L = np.array(L, dtype=float)
    moved = Flow.from_parameters(2, alpha, L @ L.T).run(one(Z), 6)
    plain = Flow.from_parameters(2, alpha).run(one(Z @ L), 6)
    np.testing.assert_allclose(moved.tokens[0], plain.tokens[0] @ np.linalg.inv(L), rtol=0, atol=1e-12)
    assert moved.leader_layers.tolist() == plain.leader_layers.tolist()


@given(lattice_tokens(), ALPHAS, st.integers(-900, 900), st.integers(-300, 300))
def test_scaling_tokens_and_matrix_by_powers_of_two_commutes_bit_for_bit(Z, alpha, exponent, of_matrix):
    flow = Flow.from_parameters(2, alpha)
    scaled = apply(flow.transformer(6), one(np.ldexp(Z, exponent)))
    assert np.array_equal(scaled.tokens, np.ldexp(apply(flow.transformer(6), one(Z)).tokens, exponent))
    other = Flow.from_parameters(2, alpha, np.ldexp(np.eye(2), of_matrix))
    assert apply(other.transformer(6), one(Z)) == apply(flow.transformer(6), one(Z))
    assert other.converge(one(Z), 1e-6, 100).n_iter == flow.converge(one(Z), 1e-6, 100).n_iter


@given(lattice_tokens(), ALPHAS)
def test_rotation_commutes_with_the_flow(Z, alpha):
    """By the angle of the triangle 3, 4, 5, times 5: integers stay integers."""
    R = np.array([[3.0, -4.0], [4.0, 3.0]])
    flow = Flow.from_parameters(2, alpha)
    plain, turned = flow.run(one(Z), 6), flow.run(one(Z @ R), 6)
    np.testing.assert_allclose(turned.tokens[0], plain.tokens[0] @ R, rtol=0, atol=1e-11)
    assert turned.leader_layers.tolist() == plain.leader_layers.tolist()


def test_translation_does_not_commute_with_the_flow():
    """(1, 0) follows (2, 0); moved to the right by 10, both ask all along (1, 0), and (9, 1) follows (12, 0) too."""
    flow, Z = Flow.from_parameters(2, 1.0), np.array([[2.0, 0.0], [-1.0, 1.0]])
    assert flow.run(one(Z), 1).leader_layers.tolist() == [0, 0]
    assert flow.run(one(Z + np.array([10, 0])), 1).leader_layers.tolist() == [0, -1]


@pytest.mark.parametrize("alpha", [0.1, 0.5, 1.0, 3.0])
def test_followers_approach_by_one_over_one_plus_alpha_a_layer(alpha):
    Z, run = [[1.0, 0.0], [0.5, 0.25]], Flow.from_parameters(2, alpha).run
    gaps = [np.linalg.norm(run(one(Z), depth).tokens[0][1] - [1.0, 0.0]) for depth in range(1, 12)]
    np.testing.assert_allclose(np.divide(gaps[1:], gaps[:-1]), 1 / (1 + alpha), rtol=1e-9)


@pytest.mark.parametrize("seed", range(10))
def test_a_hundred_gaussian_tokens_take_25_to_30_layers_at_alpha_one(seed):
    Z = np.random.default_rng(seed).normal(size=(100, 2))
    assert 25 <= Flow.from_parameters(2, 1.0).converge(one(Z), 1e-8, 1000).n_iter[0] <= 30


@pytest.mark.parametrize("alpha", [1.0, *slow(0.2, 5.0)])
@pytest.mark.parametrize("tol", [1e-3, 1e-9])
def test_what_converge_calls_away_is_the_distance_to_the_limit(alpha, tol):
    X = RaggedSequences.from_list([np.random.default_rng(s).normal(size=(5 + 10 * s, 2)) for s in range(6)])
    flow = Flow.from_parameters(2, alpha)
    near, limit = flow.converge(X, tol, 1000), flow.run(X, 300)
    assert (near.distance_to_limit <= tol).all()
    for tokens, ends, start, distance_to_limit in zip(near.tokens, limit.tokens, X, near.distance_to_limit):
        distance = np.linalg.norm(tokens - ends, axis=1).max() / np.linalg.norm(start, axis=1).max()
        assert distance == pytest.approx(distance_to_limit, rel=1e-3, abs=1e-14)


# -- running -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token_dim", [1, 2, 5])
def test_run_gives_the_tokens_of_the_weights_and_converge_those_of_its_layers(token_dim):
    rng = np.random.default_rng(0)
    X = RaggedSequences.from_list([rng.normal(size=(n, token_dim)) for n in (1, 7, 30, 31)])
    flow = Flow.from_parameters(token_dim, 0.5)
    assert flow.run(X, 4).tokens == apply(flow.transformer(4), X)
    run = flow.converge(X, 1e-6, 1000)
    assert len(set(run.n_iter.tolist())) > 1
    for j, n_iter in enumerate(run.n_iter.tolist()):
        assert np.array_equal(run.tokens[j], apply(flow.transformer(n_iter), X[j : j + 1])[0])


def test_each_sequence_converges_the_same_bits_alone_and_among_others():
    rng = np.random.default_rng(1)
    X = RaggedSequences.from_list([rng.normal(size=(n, 2)) for n in rng.integers(1, 30, size=40)])
    flow = Flow.from_parameters(2, 2.0)
    run = flow.converge(X, 1e-8, 1000)
    leaders = np.split(run.leader_layers, X.offsets[1:-1])
    for j in range(len(X)):
        alone = flow.converge(X[j : j + 1], 1e-8, 1000)
        assert alone.tokens == run.tokens[j : j + 1]
        assert (alone.n_iter[0], alone.distance_to_limit[0]) == (run.n_iter[j], run.distance_to_limit[j])
        assert np.array_equal(alone.leader_layers, leaders[j])


def test_chunks_change_nothing(monkeypatch):
    from sklearn_hardmax.constructions.leaders import flow as leader_flow

    rng = np.random.default_rng(2)
    X = RaggedSequences.from_list([rng.normal(size=(n, 2)) for n in rng.integers(1, 30, size=20)])
    before = Flow.from_parameters(2, 1.0).converge(X, 1e-8, 100)
    chunks = leader_flow.chunks
    monkeypatch.setattr(leader_flow, "chunks", lambda offsets: chunks(offsets, 40))
    after = Flow.from_parameters(2, 1.0).converge(X, 1e-8, 100)
    assert after.tokens == before.tokens
    assert all(np.array_equal(a, b) for a, b in zip(after[1:], before[1:]))


def test_on_a_line_the_ends_lead_and_zero_attends_to_all():
    """3 and -2 lead; 1 follows 3, -1 follows -2; 0 attends to all five, whose mean is 1/5, then to 3."""
    run = Flow.from_parameters(1, 1.0).run(one([[3.0], [1.0], [0.0], [-1.0], [-2.0]]), 1)
    assert run.tokens.tokens.ravel().tolist() == pytest.approx([3.0, 2.0, 0.1, -1.5, -2.0], rel=1e-15)
    assert run.leader_layers.tolist() == [0, -1, -1, -1, 0]


def test_tokens_that_attend_to_each_other_lead_nobody():
    """Score - z_i z_l: 1 and -1 attend to each other, 0 to all."""
    layer, stream = Attention([[1.0]], [[-1.0]], [[1.0]], [[1.0]], 0.0), np.array([[1.0, -1.0, 0.0]])
    assert not attend_with_leaders(layer, stream, Segments.from_offsets(np.array([0, 3]))).any()
    assert stream.tolist() == [[-1.0, 1.0, 0.0]]


def test_zeros_alone_lead_and_stay():
    run = Flow.from_parameters(2, 1.0).converge(one(np.zeros((4, 2))), 1e-8, 10)
    assert not run.tokens.tokens.any()
    assert run.leader_layers.tolist() == [0] * 4
    assert (run.n_iter[0], run.distance_to_limit[0]) == (1, 0.0)


def test_copies_of_a_leader_lead_together():
    run = Flow.from_parameters(2, 1.0).run(one([[1.0, 0.0], [0.5, 0.1], [1.0, 0.0], [-0.0, -1.0], [0.0, -1.0]]), 3)
    assert run.leader_layers.tolist() == [0, -1, 0, 0, 0]


@pytest.mark.parametrize("Z", [[[3.0, 4.0]], [[3.0, 4.0]] * 5])
def test_one_token_or_equal_tokens_lead_at_once(Z):
    run = Flow.from_parameters(2, 0.5).converge(one(Z), 1e-8, 10)
    np.testing.assert_allclose(run.tokens.tokens, Z, rtol=4 * ULP)
    assert (run.leader_layers == 0).all()
    assert run.n_iter[0] == 1


def test_limits_closer_than_what_is_known_of_them_are_one_cluster():
    """Coordinates 0, 3, 4 at radius 1/4 of the norm 4: gaps of 3 and 1 against 2; chains hold together."""
    flow = Flow.from_parameters(1, 1.0)
    assert flow.clusters(np.array([[3.0], [0.0], [4.0]]), 0.25).tolist() == [0, 1, 0]
    assert flow.clusters(np.array([[3.0], [0.0], [4.0]]), 0.1).tolist() == [0, 1, 2]
    assert flow.clusters(np.array([[3.0], [1.0], [4.0]]), 0.25).tolist() == [0, 0, 0]


def test_clusters_are_parted_by_coordinates_in_turn():
    """On the first coordinate all four hang together; the second parts two groups, and then the first each of them."""
    Z = np.array([[0.0, 0.0], [2.0, 9.0], [4.0, 0.0], [6.0, 9.0]])
    assert Flow.from_parameters(2, 1.0).clusters(Z, 1.25 / np.sqrt(117)).tolist() == [0, 1, 2, 3]


# -- parameters --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("alpha", [0, -1.0, np.inf, np.nan, "1", True, None])
def test_alpha_must_be_positive(alpha):
    with pytest.raises(ValueError, match="alpha must be a positive finite number, got"):
        Flow.from_parameters(2, alpha)


def test_an_alpha_that_moves_nothing_is_refused():
    with pytest.raises(ValueError, match=r"alpha must be at least 2\^-53"):
        Flow.from_parameters(2, 1e-17)


@pytest.mark.parametrize(
    ("A", "message"),
    [
        ([[1.0, 0.0]], r"finite matrix of shape \(2, 2\), got shape \(1, 2\)"),
        ([[1.0, np.nan], [np.nan, 1.0]], "finite matrix"),
        ([[1.0, 0.5], [0.25, 1.0]], r"symmetric; it differs from its transpose by up to 0.25.*pass \(A \+ A.T\) / 2"),
        ([[1.0, 2.0], [2.0, 1.0]], "positive definite; with a diagonal near 1 its smallest eigenvalue is -1"),
        ([[1.0, 1.0], [1.0, 1.0]], "positive definite; with"),
        ([[1.0, 0.0], [0.0, 0.0]], "positive definite; its diagonal holds 0"),
        ([[-1.0, 0.0], [0.0, 1.0]], "positive definite; its diagonal holds -1"),
    ],
)
def test_a_matrix_that_is_not_symmetric_positive_definite_is_refused(A, message):
    with pytest.raises(ValueError, match=message):
        Flow.from_parameters(2, 1.0, A)


@pytest.mark.parametrize("sizes", [(1e-100, 1e100), (1.0, 1e-30)])
def test_a_positive_diagonal_of_any_sizes_is_positive_definite(sizes):
    flow = Flow.from_parameters(2, 1.0, np.diag(sizes))
    # powers of two bring the diagonal into [1/2, 2): the smallest eigenvalue over 8 eps
    assert 1 / (16 * ULP) <= flow.margin <= 2 / (8 * ULP)


def test_the_construction_reads_what_the_weights_give():
    built = build_leader_flow(2, alpha=0.5, depth=3, A=np.eye(2) * 3)
    X = [[[2.0, 0.0], [0.0, 2.0], [1.0, 0.5]]]
    assert (
        built.decode(apply(built.transformer, built.encode(X))) == Flow.from_parameters(2, 0.5).run(one(X[0]), 3).tokens
    )
    assert len(built.transformer.layers) == built.transformer.n_blocks == 3
    assert isinstance(built.transformer, Transformer)
    assert build_leader_flow(2).margin == np.inf
    assert 1 < built.margin < np.inf
    with pytest.raises(ValueError, match="The network has 2 coordinates, these tokens have 1"):
        built.encode([[[1.0]]])


@pytest.mark.parametrize(("name", "value"), [("token_dim", 0), ("depth", 0), ("depth", 1.5), ("token_dim", True)])
def test_sizes_must_be_positive_integers(name, value):
    with pytest.raises(ValueError, match=f"{name} must be an integer of at least 1, got {value!r}"):
        build_leader_flow(**{"token_dim": 2, name: value})
