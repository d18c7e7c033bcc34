"""The interpolating construction: every target bit for bit, through the fast path, the weights and exact fractions."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import oracle
import pytest
from effort import examples, slow
from hypothesis import given, settings
from hypothesis import strategies as st
from joblib import parallel_config
from riding import FAMILIES, first_rows, measure_of, random_targets

from sklearn_hardmax import ConstructionError, FeedForward, RaggedSequences, Transformer, datasets
from sklearn_hardmax.constructions import build_interpolator
from sklearn_hardmax.constructions.codes.sequence_code import SequenceCode
from sklearn_hardmax.constructions.common.units import distance_to_nearest_ramp
from sklearn_hardmax.constructions.interpolation import build as interpolation
from sklearn_hardmax.constructions.interpolation import selectors
from sklearn_hardmax.constructions.interpolation.build import build_interpolation
from sklearn_hardmax.constructions.interpolation.in_place import build_in_place
from sklearn_hardmax.constructions.interpolation.plateaus import StepFunction, widest_gaps
from sklearn_hardmax.constructions.interpolation.targets import as_targets, assign_targets
from sklearn_hardmax.constructions.interpolation.token_code import scales_with_ranks, scales_without_ranks
from sklearn_hardmax.forward import apply, trace

WORK = 10**6  # layers x tokens that a test lets the engine run
ATTENTIONS = pytest.mark.parametrize("attention", ["hardmax", "softmax"])


def family(name, n, **options):
    return getattr(datasets, f"make_{name}")(n, random_state=0, **options)[0]


def build(X, Y, *, ordered=False, attention="hardmax", temperature="auto", seed=0):
    targets, one_target = as_targets(Y, X)
    temperature = temperature if attention == "softmax" else 0.0
    rng = np.random.RandomState(seed)
    return build_interpolation(X, targets, one_target, ordered=ordered, temperature=temperature, rng=rng)[0]


def by_tokens(built, X):
    return RaggedSequences(built.outputs(X), X.offsets)


def some_of(X, n):
    return np.linspace(0, len(X) - 1, min(len(X), max(n, 1))).astype(int)


def check_exact(X, Y, *, ordered=False, attention="hardmax", work=WORK):
    """All ways of asking for the training targets, and the bounds on size."""
    built = build(X, Y, ordered=ordered, attention=attention)
    assert np.array_equal(first_rows(by_tokens(built, X), Y), Y.tokens)
    for i in some_of(X, 5).tolist():
        assert np.array_equal(built.outputs(X[i : i + 1]), built.outputs(X)[X.offsets[i] : X.offsets[i + 1]])
    if not ordered:
        orders = [np.random.default_rng(i).permutation(len(x)) for i, x in enumerate(X)]
        shuffled = RaggedSequences.from_list([x[order] for x, order in zip(X, orders)])
        back = [rows[np.argsort(order)] for rows, order in zip(by_tokens(built, shuffled), orders)]
        assert np.array_equal(first_rows(back, Y), Y.tokens)
    transformer = built.transformer()
    layers, n, m, D = len(transformer.layers), len(X), Y.n_tokens, built.token_dim
    assert (transformer.n_blocks, transformer.n_parameters) == (built.n_blocks(), built.n_parameters())
    ranked = built.token_code.boundaries is not None
    assert transformer.n_blocks <= (m + 3 * n // 2 + 1 if ranked else m + n) <= m + 2 * n + 1
    assert transformer.n_parameters <= (2 * D + 2) * (3 * m + 6 * n + 8)
    assert transformer.width <= 4
    assert built.margin >= 1
    some = some_of(X, work * len(X) // (layers * X.n_tokens))
    read = built.decode(apply(transformer, built.encode(X[some])))
    assert np.array_equal(read.tokens, built.outputs(X[some]))
    return built


@ATTENTIONS
@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize(("token_dim", "q"), [(1, 1), (2, 10), *slow((2, 2), (10, 10), (10, 1))])
def test_every_family_is_interpolated_exactly(name, token_dim, q, attention):
    X = family(name, 40, token_dim=token_dim)
    check_exact(X, random_targets(X, q), attention=attention)


@ATTENTIONS
@pytest.mark.parametrize("name", FAMILIES)
def test_with_ordered_any_targets_of_any_tokens_are_interpolated(name, attention):
    X, rng = family(name, 40), np.random.default_rng(1)
    Y = RaggedSequences.from_list([rng.normal(size=(rng.integers(1, len(x) + 1), 2)) for x in X])
    check_exact(X, Y, ordered=True, attention=attention)


def test_all_prefixes_as_outputs():
    X = family("nested_prefixes", 40)
    Y = RaggedSequences.from_list([np.random.default_rng(len(x)).normal(size=(len(x), 1)) for x in X])
    assert Y.n_tokens == X.n_tokens
    check_exact(X, Y)


@pytest.mark.slow
@ATTENTIONS
@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize(("token_dim", "q"), [(1, 2), (2, 10), (10, 1)])
def test_a_thousand_sequences_are_interpolated_exactly(name, token_dim, q, attention):
    n = 200 if name == "nested_prefixes" else 1000  # there all prefixes are outputs: 20,100 targets
    X = family(name, n, token_dim=token_dim)
    Y = random_targets(X, q, most=200 if n == 200 else 35)
    if n == 200:
        Y = RaggedSequences.from_list([np.random.default_rng(len(x)).normal(size=(len(x), q)) for x in X])
    check_exact(X, Y, attention=attention, work=10**7)


TOKENS = st.integers(-2, 2).map(float)


@st.composite
def problems(draw):
    """Sequences of few integer tokens, and a target for every token of every multiset, with many ties."""
    token = st.tuples(*[TOKENS] * draw(st.integers(1, 2)))
    sequences = draw(st.lists(st.lists(token, min_size=1, max_size=5), min_size=1, max_size=6))
    table = {}
    targets = [
        [[table.setdefault((measure_of(s), t), draw(TOKENS) / 3)] for t in s[: draw(st.integers(1, len(s)))]]
        for s in sequences
    ]
    as_ragged = [RaggedSequences.from_list([np.array(rows) for rows in part]) for part in (sequences, targets)]
    return *as_ragged, draw(st.sampled_from(["hardmax", "softmax"]))


def check_problem(problem):
    X, Y, attention = problem
    check_exact(X, Y, attention=attention)


@given(problems())
@examples(60)
def test_targets_that_depend_on_token_and_multiset_are_reproduced(problem):
    check_problem(problem)


@pytest.mark.slow
@given(problems())
@settings(max_examples=1000)
def test_a_thousand_data_sets_are_reproduced(problem):
    check_problem(problem)


@given(problems())
@examples(25)
def test_in_exact_arithmetic_the_network_gives_the_targets_too(problem):
    """The weights are right as real numbers, not only as the engine rounds."""
    X, Y, _ = problem
    built = build(X, Y)
    transformer, tokens = built.transformer(), built.encode(X)
    span = slice(selectors.TARGETS, selectors.TARGETS + 1)
    for x, y in zip(tokens, Y):
        outputs = oracle.run(transformer, x)[-1]
        assert [row[span] for row in outputs[: len(y)]] == [[Fraction(value)] for value in y[:, 0].tolist()]


def nearly_equal_pairs(n):
    """Sequences of -1, 1, x_j and x_j + 2^-27 with x_j 2^-22 apart: too near each other for codes without ranks."""
    x = np.arange(n) * 2.0**-22
    return RaggedSequences.from_list([np.array([a + 2.0**-27, a, -1.0, 1.0])[:, None] for a in x])


@ATTENTIONS
def test_codes_are_ranked_where_tokens_and_codes_are_near_at_once(attention):
    X = nearly_equal_pairs(30)
    built = check_exact(X, random_targets(X, 2), attention=attention)
    assert built.token_code.boundaries is not None
    assert len(built.token_code.boundaries) == 29
    in_place = place_in_space(built, X, random_targets(X, 2))
    assert_in_place(in_place, X, random_targets(X, 2))


@pytest.mark.parametrize("n", [1, 2, 3, 4, 9])
def test_ranked_codes_with_hats_keep_within_the_bound(n):
    # swaps need a bump a sequence; with pairs 2^-39 apart, 2^-42 on the line, c needs ranks
    a = 0.25 + 2.0**-18 * np.arange(n)
    X = RaggedSequences.from_list([np.array([b, -b, b + 2.0**-39, -b - 2.0**-39, 1, -1])[:, None] for b in a])
    Y = random_targets(X, 1, most=4)
    built = check_exact(X, Y)
    assert n == 1 or built.token_code.code.kind == "bumps"
    assert n == 1 or built.token_code.boundaries is not None
    assert built.n_blocks() <= 1 + (n - 1) + (n + 2) // 2 + len(built.plateaus.target_indices)


def test_codes_need_no_ranks_at_distances_that_float64_holds_together():
    # token_scale 2^13 brings 2^-10 to 8; code_scale 2^45 brings 2^-30 to more than 2 token_scale + 8; the offset 2^47 is more
    # than 2 code_scale
    assert scales_without_ranks(2.0**-10, 2.0**-30, 2.0**-45, False) == (2.0**13, 2.0**45, 2.0**47)
    assert scales_without_ranks(2.0**-10, 2.0**-30, 2.0**-44, False) is None  # a mean may err by two units
    assert scales_without_ranks(2.0**-10, 2.0**-35, 0.0, False) is None  # the offset would be 2^52
    assert scales_without_ranks(np.inf, 2.0**-30, 0.0, True) == (0.0, 2.0**33, 2.0**35)
    assert scales_without_ranks(2.0**-10, np.inf, 0.0, False) == (2.0**13, 0.0, 2.0**15)
    assert scales_with_ranks(2.0**-10, 100) == (2.0**13, 0.0, 2.0**21)
    assert scales_with_ranks(2.0**-41, 100) is None  # token_scale 2^44 times 2 (100 + 1) is beyond 2^51
    assert scales_with_ranks(0.0, 1) is scales_without_ranks(0.0, np.inf, 0.0, False) is None


def test_a_mean_that_rounding_may_carry_from_one_sequence_to_another_is_not_read():
    # 4096 tokens: a mean errs by 2 n eps = 2^-39 of s at most, and must leave 8 times that; these differ by 2^-38
    X = np.zeros((3, 4096, 1))
    X[:, 0], X[:, 1], X[:, 2, 0] = -1.0, 1.0, [0.0, 2.0**-22, 2.0**-21]
    X = RaggedSequences.from_list(list(X))
    built = check_exact(X, random_targets(X, 1))
    assert built.token_code.code.kind == "bumps"


def test_without_ranks_there_is_one_block_and_one_per_bump_and_per_plateau():
    for name, bumps in (("labelled_sequences", 0), ("swaps", 29)):
        X = family(name, 30)
        Y = random_targets(X)
        built = check_exact(X, Y)
        assert built.token_code.boundaries is None
        assert (built.token_code.n_bumps, len(built.plateaus.target_indices)) == (bumps, Y.n_tokens)
        assert built.n_blocks() == 1 + bumps + Y.n_tokens <= Y.n_tokens + len(X)


@pytest.mark.parametrize("name", ["labelled_sequences", "shared_tokens", "swaps"])
def test_size_does_not_depend_on_the_lengths(name):
    X = family(name, 20)
    Y = random_targets(X)
    long = RaggedSequences.from_list([np.tile(x, (9, 1)) for x in X])
    built, longer = check_exact(X, Y), check_exact(long, Y)
    assert (built.n_blocks(), built.n_parameters()) == (longer.n_blocks(), longer.n_parameters())


def test_equal_targets_share_a_plateau_and_one_target_needs_one_block():
    X = family("labelled_sequences", 20)
    Y = RaggedSequences.from_list([np.full((1, 2), 7.5)] * 20)
    built = check_exact(X, Y)
    assert (built.n_blocks(), built.margin) == (1, np.inf)
    assert (built.outputs(X) == 7.5).all()
    one = X[3:4]
    Y = random_targets(one, most=len(one[0]))
    assert check_exact(one, Y).token_code.code is None  # a multiset alone needs no code


@pytest.mark.parametrize("name", FAMILIES)
def test_outputs_of_a_training_sequence_are_its_targets_as_a_set(name):
    X = family(name, 30)
    Y = random_targets(X, 2)
    table = {}
    for x, y in zip(X, Y):
        table.setdefault(measure_of(x), set()).update(map(tuple, y.tolist()))
    for x, rows in zip(X, by_tokens(build(X, Y), X)):
        assert set(map(tuple, rows.tolist())) == table[measure_of(x)]


# -- unseen tokens -------------------------------------------------------------------------------------------------------


def selected(built, codes):
    """What the selector layers alone make of codes, (n, q)."""
    width, own = built.token_dim, built.targets[built.plateaus.target_indices]
    plan = selectors.selector_layers(built.token_code, built.plateaus.thresholds, own, width)
    tokens = np.zeros((len(codes), width))
    tokens[:, selectors.CODE], tokens[:, selectors.ON_PLATEAU] = codes, 1.0
    out = apply(
        Transformer([layer.make() for layer in plan]), RaggedSequences.from_flat(tokens, np.ones(len(codes), int))
    )
    return out.tokens[:, selectors.TARGETS : selectors.TARGETS + own.shape[1]]


def test_on_all_codes_the_fast_path_is_the_network_bit_for_bit():
    X = family("labelled_sequences", 20)
    built = build(X, random_targets(X, 3))
    thresholds, offset = built.plateaus.thresholds, built.token_code.offset
    steps = np.concatenate([np.linspace(-1, 2, 13), np.array([-1, 1, 3]) * np.spacing(offset)])
    codes = np.concatenate([(thresholds[:, None] + steps).ravel(), np.linspace(offset, 2 * offset - 8, 500)])
    assert np.array_equal(selected(built, codes), built.plateaus.evaluate(built.targets, codes))


def test_between_plateaus_outputs_are_linear_and_on_them_constant_in_exact_arithmetic():
    # three plateaus with targets 0, 1 and 5, ramps from 8 to 9 and from 20 to 21: at 8.25 a quarter of the way to 1
    plateaus = StepFunction(np.array([8.0, 20.0]), np.array([0, 1, 2]))
    targets = np.array([[0.0], [1.0], [5.0]])
    line = np.array([0.0, 8.0, 8.25, 9.0, 14.0, 20.0, 20.5, 21.0, 100.0])
    assert plateaus.evaluate(targets, line)[:, 0].tolist() == [0.0, 0.0, 0.25, 1.0, 1.0, 1.0, 3.0, 5.0, 5.0]


def test_the_layer_of_a_plateau_is_the_difference_of_two_ramps_as_real_numbers():
    layer = selectors._selector(4.0, np.array([7.0]), 4)
    assert (layer.width, isinstance(layer, FeedForward)) == (3, True)
    for c, passed, here in [
        (2.0, 0, 0),
        (4.5, 0, 0),
        (9.0, 0, 0),
        (20.0, Fraction(1, 3), Fraction(1, 3)),
        (30.0, 1, 0),
    ]:
        ramp = min(max(Fraction(c) - 4, Fraction(0)), Fraction(1))
        (row,) = oracle.feed_forward(layer, [[Fraction(c), Fraction(passed), Fraction(here), Fraction(2)]])
        assert row == [Fraction(c), ramp, ramp - Fraction(passed), 2 + 7 * Fraction(here)]


@ATTENTIONS
@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("name", FAMILIES)
def test_unseen_tokens_get_the_same_bits_by_both_paths(name, ordered, attention):
    X = family(name, 25)
    built = build(X, random_targets(X, 2), ordered=ordered, attention=attention)
    rng, token_scale = np.random.default_rng(3), np.abs(X.tokens).max()
    new = [
        rng.normal(size=(rng.integers(1, 9), X.token_dim)) * s
        for s in (token_scale, 1e-9 * token_scale, 1e6 * token_scale, 1e300)
    ]
    new += [np.zeros((3, X.token_dim)), np.full((1, X.token_dim), 1.7e308), X[0] + token_scale * 1e-7]
    new = RaggedSequences.from_list(new)
    read = built.decode(apply(built.transformer(), built.encode(new)))
    assert np.array_equal(read.tokens, built.outputs(new))


def test_with_the_leaders_of_a_training_sequence_an_unseen_token_takes_the_target_of_the_nearest_token():
    X = RaggedSequences.from_list([[[-1.0], [0.0]], [[0.5], [1.0]]])
    built = build(X, RaggedSequences.from_list([[[1.0], [2.0]], [[3.0], [4.0]]]))
    assert built.token_code.code.uses_leader_attention
    near = RaggedSequences.from_list([[[-0.9], [0.0], [-0.1], [-1.0]], [[0.5], [0.55], [0.95], [1.0]]])
    assert built.outputs(near)[:, 0].tolist() == [1.0, 2.0, 2.0, 1.0, 3.0, 3.0, 4.0, 4.0]


def test_with_ranks_an_unseen_token_takes_the_target_of_the_nearest_token_of_the_sequence_with_the_nearest_code():
    X = nearly_equal_pairs(20)
    Y = RaggedSequences.from_list([[[j + 0.25], [j + 0.5], [j + 0.75]] for j in range(20)])  # of x + 2^-27, x and -1
    built = build(X, Y)
    assert built.token_code.code.kind == "mean"
    moved = [x + np.array([[2.0**-29], [2.0**-29], [2.0**-24], [0.0]]) for x in X]
    new = RaggedSequences.from_list(moved)
    assert np.array_equal(first_rows(by_tokens(built, new), Y), Y.tokens)


def test_outputs_do_not_depend_on_batch_order_or_jobs():
    X = family("large_offsets", 40)
    built = build(X, random_targets(X, 2))
    whole, order = by_tokens(built, X), np.random.default_rng(0).permutation(len(X))
    assert by_tokens(built, X[order]) == whole[order]
    assert np.array_equal(np.concatenate([built.outputs(X[i : i + 7]) for i in range(0, len(X), 7)]), whole.tokens)
    with parallel_config("threading"):
        assert np.array_equal(built.outputs(X, n_jobs=2), whole.tokens)


# -- one target a sequence -----------------------------------------------------------------------------------------------


@ATTENTIONS
@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("q", [1, 3])
def test_one_target_a_sequence_is_met_and_all_its_tokens_say_it(name, q, attention):
    X = family(name, 40)
    y = np.random.default_rng(0).normal(size=(40, q))
    built = build(X, y, attention=attention)
    assert np.array_equal(built.outputs(X), y)
    transformer = built.transformer()
    assert transformer.n_blocks == built.n_blocks() <= 2 * len(X)
    out = apply(transformer, built.encode(X))
    assert np.array_equal(built.decode(out), y)
    written = out.tokens[:, selectors.TARGETS : selectors.TARGETS + q]
    assert np.array_equal(written, np.repeat(y, X.lengths, axis=0))
    shuffled = RaggedSequences.from_list([np.random.default_rng(0).permutation(x) for x in X])
    assert np.array_equal(built.outputs(shuffled), y)
    new = RaggedSequences.from_list([x + 1e-7 for x in X])
    assert np.array_equal(built.outputs(new), built.decode(apply(transformer, built.encode(new))))


def test_sequences_with_one_target_need_no_codes_of_their_own():
    X = family("labelled_sequences", 40)
    built = build(X, np.arange(40.0) // 20)
    assert len(built.plateaus.target_indices) < 40


def test_minus_zero_is_written_as_zero_by_both_paths():
    X = family("labelled_sequences", 5)
    built = build(X, np.array([-0.0, 1.0, 0.0, -1.0, -0.0]))
    for given_rows in (built.outputs(X), built.decode(apply(built.transformer(), built.encode(X)))):
        assert not np.signbit(given_rows[[0, 2, 4]]).any()
    assert len(built.targets) == 3


# -- plateaus ------------------------------------------------------------------------------------------------------------


def test_the_line_is_cut_in_the_widest_gap_between_carriers_of_different_targets():
    # carriers at 0 (target 3), 40 (3), 80 (5), 100 (3); others at 50 and 79: the widest gap between 40 and 80 is 50 to 79
    line = np.array([100.0, 0.0, 40.0, 50.0, 79.0, 80.0])
    targets = np.array([3, 3, 3, -1, -1, 5])
    thresholds, labels = StepFunction.from_codes(line, targets)
    assert thresholds.tolist() == [64.0, 89.5]  # (50 + 79) / 2 - 1/2, (80 + 100) / 2 - 1/2
    assert labels.tolist() == [3, 5, 3]
    order = np.argsort(line)
    assert widest_gaps(np.diff(line[order]), targets[order]).tolist() == [2, 4]


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(-1, 3)), min_size=1, max_size=25))
def test_every_number_between_carriers_lies_on_the_plateau_of_one_of_them(pairs):
    points = {8.0 * x: t for x, t in pairs}
    if max(points.values()) < 0:
        return
    line, targets = np.array(list(points)), np.array(list(points.values()))
    found = StepFunction.from_codes(line, targets)
    assert (distance_to_nearest_ramp(found.thresholds, line) > 0).all()
    labels = found.target_indices[np.searchsorted(found.thresholds, line)]
    assert (labels[targets >= 0] == targets[targets >= 0]).all()
    carriers = np.sort(line[targets >= 0])
    for x, label in zip(line.tolist(), labels.tolist()):
        k = np.searchsorted(carriers, x)
        assert label in {points[carriers[max(k - 1, 0)]], points[carriers[min(k, len(carriers) - 1)]]}


def test_plateaus_that_stand_too_near_are_our_own_mistake():
    with pytest.raises(AssertionError, match="nearer than 4 units"):
        StepFunction.from_codes(np.array([8.0, 11.0]), np.array([0, 1]))
    assert StepFunction.from_codes(np.array([8.0, 12.0]), np.array([0, 1])).thresholds.tolist() == [9.5]


def test_the_distance_to_the_next_ramp_is_that_of_a_loop():
    thresholds, line = np.array([3.0, 10.0]), np.array([0.0, 3.5, 4.0, 7.0, 10.0, 12.5])
    assert distance_to_nearest_ramp(thresholds, line).tolist() == [3.0, -0.5, 0.0, 3.0, 0.0, 1.5]
    assert np.isinf(distance_to_nearest_ramp(np.zeros(0), line)).all()


# -- inside R^d ----------------------------------------------------------------------------------------------------------


def place_in_space(built, X, Y):
    targets, one_target = as_targets(Y, X)
    return build_in_place(
        built.token_code, X, assign_targets(X, targets, one_target, built.token_code.projection.with_position)
    )


def assert_in_place(in_place, X, Y):
    read = in_place.decode(apply(in_place.transformer(), in_place.encode(X)))
    errors = np.abs(first_rows(read, Y) - Y.tokens)
    assert errors.max() <= 8 * np.spacing(in_place.height)
    assert in_place.height <= 4 * (np.abs(Y.tokens).max() + 4)


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("q", [1, 2])
def test_inside_the_space_of_the_tokens_targets_are_met_to_eight_ulps_of_the_height(name, q):
    X = family(name, 40)
    Y = random_targets(X, q)
    built = build(X, Y)
    in_place = place_in_space(built, X, Y)
    assert in_place.transformer().token_dim == 2
    assert in_place.transformer().n_blocks <= Y.n_tokens + len(X)
    assert in_place.margin > 1
    assert in_place.n_parameters() == in_place.transformer().n_parameters
    assert in_place.n_blocks() == in_place.transformer().n_blocks
    assert_in_place(in_place, X, Y)
    orders = [np.random.default_rng(i).permutation(len(x)) for i, x in enumerate(X)]
    shuffled = RaggedSequences.from_list([x[order] for x, order in zip(X, orders)])
    out = in_place.decode(apply(in_place.transformer(), in_place.encode(shuffled)))
    back = [rows[np.argsort(order)] for rows, order in zip(out, orders)]
    assert np.abs(first_rows(back, Y) - Y.tokens).max() <= 8 * np.spacing(in_place.height)


@given(problems())
@examples(15)
def test_inside_the_space_of_the_tokens_targets_are_met_exactly_as_real_numbers(problem):
    X, Y, _ = problem
    in_place = place_in_space(build(X, Y), X, Y)
    for x, y in zip(in_place.encode(X), Y):
        for row, target in zip(oracle.run(in_place.transformer(), x)[-1], y[:, 0].tolist()):
            assert abs(row[0] - Fraction(target)) <= Fraction(float(np.spacing(in_place.height)))  # w1 is rounded once


def test_codes_that_do_not_tell_carriers_apart_are_refused_in_place():
    X = family("labelled_sequences", 30)
    Y = random_targets(X, 1)
    built = build(X, Y)
    blurred = replace(built, token_code=replace(built.token_code, token_scale=2.0**-60))
    with pytest.raises(ConstructionError, match=r"Codes of carriers coincide inside R\^d; use registers=True"):
        place_in_space(blurred, X, Y)


def test_large_targets_and_one_target_a_sequence_are_met_in_place_too():
    X = family("labelled_sequences", 30)
    Y = random_targets(X, 2)
    for scale in (1e-3, 1e9):
        scaled = RaggedSequences(Y.tokens * scale, Y.offsets)
        assert_in_place(place_in_space(build(X, scaled), X, scaled), X, scaled)
    y = np.random.default_rng(0).normal(size=30)
    built = build_interpolator(X, y, registers=False)
    height = built.transformer.layers[-1].W[0, -1]
    read = built.decode(apply(built.transformer, built.encode(X)))
    assert np.abs(read[:, 0] - y).max() <= 8 * np.spacing(height)


# -- margins and certification -------------------------------------------------------------------------------------------


def test_the_margin_counts_leaders_as_trace_does():
    # the largest token is followed by one 2^-44 below it: s = 3/2 + z / 8 or so, a gap of few ulps of s
    X = RaggedSequences.from_list([[[-1.0], [0.5], [0.5 - 2.0**-46]], [[-1.0], [1.0]]])
    built = build(X, RaggedSequences.from_list([[[1.0]], [[2.0]]]))
    steps = trace(built.transformer(), built.encode(X))
    assert min(step.margin for step in steps) >= built.margin


def test_targets_that_the_plateaus_do_not_give_are_never_certified():
    X = family("labelled_sequences", 10)
    Y = random_targets(X)
    built = build(X, Y)
    targets, one_target = as_targets(Y, X)
    assignment = assign_targets(X, targets, one_target, False)
    broken = replace(built, targets=built.targets + 1e-16 + np.spacing(built.targets))
    interpolation._margin(built, X, assignment, built.token_code.evaluate(X), None)
    wrong = replace(assignment, targets=assignment.targets, by_token=np.where(assignment.by_token >= 0, 0, -1))
    with pytest.raises(ConstructionError, match="are not certified"):
        interpolation._margin(broken, X, wrong, broken.token_code.evaluate(X), None)


def test_a_margin_below_one_is_refused(monkeypatch):
    X = family("labelled_sequences", 10)
    built, (targets, one_target) = build(X, random_targets(X)), as_targets(random_targets(X), X)
    assignment = assign_targets(X, targets, one_target, False)
    assert interpolation._margin(built, X, assignment, built.token_code.evaluate(X), None) == built.margin
    monkeypatch.setattr(
        SequenceCode, "error_bounds", lambda self, lengths: np.ones(len(lengths))
    )  # as far as all codes lie apart
    with pytest.raises(ConstructionError, match=r"not certified: smallest margin \d.*, 1 is needed"):
        interpolation._margin(built, X, assignment, built.token_code.evaluate(X), None)


# -- what cannot be interpolated -----------------------------------------------------------------------------------------


def test_equal_tokens_in_equal_measures_with_different_targets_are_named():
    X = RaggedSequences.from_list([[[0.0], [1.0]], [[1.0], [0.0]], [[2.0], [0.0]]])
    Y = [[[1.0]], [[5.0], [2.0]], [[1.0]]]
    with pytest.raises(ConstructionError, match="of tokens: token 0 of sequence 0 and token 1 of sequence 1"):
        build_interpolator(X, Y)
    build_interpolator(X, Y, ordered=True)
    build_interpolator(X, [[[1.0]], [[5.0], [1.0]], [[1.0]]])


def test_repeated_tokens_of_a_sequence_with_different_targets_are_named():
    with pytest.raises(ConstructionError, match="token 0 of sequence 1 and token 2 of sequence 1"):
        build_interpolator([[[4.0]], [[0.0], [1.0], [-0.0]]], [[[1.0]], [[1.0], [2.0], [3.0]]])


def test_equal_measures_with_different_targets_of_sequences_are_named():
    X = [[[0.0], [1.0]], [[3.0]], [[1.0], [0.0], [0.0], [1.0]]]
    with pytest.raises(ConstructionError, match="frequencies of tokens: sequence 0 and sequence 2"):
        build_interpolator(X, [1.0, 2.0, 3.0])
    build_interpolator(X, [1.0, 2.0, 1.0])


def test_many_conflicts_are_counted_and_five_are_shown():
    X = [[[float(j)]] for j in range(8)] * 2
    with pytest.raises(ConstructionError, match=r"(sequence \d and sequence \d+(; )?){5}, and 3 more\."):
        build_interpolator(X, np.arange(16.0))


def test_tokens_closer_than_float64_resolves_are_named():
    X = [[[-1.0], [1.0], [2.0**-60], [2.0**-59]]]
    with pytest.raises(ConstructionError, match="float64 resolves: token 2 of sequence 0 and token 3 of sequence 0"):
        build_interpolator(X, [[[1.0], [2.0], [3.0], [4.0]]])


def test_sequences_closer_than_float64_resolves_are_named():
    X = [[[-1.0]], [[1.0]], [[2.0**-60]], [[2.0**-59]]]
    with pytest.raises(ConstructionError, match="sequences 2, 3 are closer than float64 resolves"):
        build_interpolator(X, [1.0, 2.0, 3.0, 4.0])


def test_weights_beyond_the_memory_limit_are_refused_before_they_are_made(monkeypatch):
    X = family("labelled_sequences", 20)
    built = build(X, random_targets(X))
    monkeypatch.setattr("sklearn_hardmax.constructions.common.plans.MEMORY_LIMIT", 100)
    with pytest.raises(MemoryError, match=r"The weights would take 0\.0 GiB"):
        built.transformer()


X3 = [[[0.0]], [[1.0], [2.0]], [[3.0]]]


@pytest.mark.parametrize(
    ("Y", "message"),
    [
        ([[[1.0]], [[1.0], [2.0], [3.0]], [[1.0]]], "Sequences 1 have fewer tokens than targets"),
        ([[[1.0]], [[1.0, 2.0]], [[1.0]]], "targets Y cannot be read as sequences of targets"),
        ([[[1.0]], np.zeros((0, 1)), [[1.0]]], "targets Y cannot be read as sequences of targets"),
        ([[[1.0]], [[np.nan]], [[1.0]]], "targets Y cannot be read as sequences of targets"),
        ([[[1.0]], [[1.0]]], "Y must hold targets for 3 sequences, got 2"),
        (
            [[1.0], [1.0, 2.0], [3.0]],
            r"rows of shapes \(1,\) and \(2,\) \(sequences 0 and 1\): targets of tokens are 2-D",
        ),
        ([[1.0, 2.0], 3.0, 4.0], r"rows of shapes \(2,\) and \(\) \(sequences 0 and 1\)"),
        ([1.0, 2.0], "inconsistent numbers of samples"),
        ([1.0, np.inf, 2.0], "Input Y contains infinity"),
        (["a", "b", "c"], "could not convert string to float"),
        ("abc", "targets Y cannot be read as sequences of targets"),
    ],
)
def test_targets_that_fit_no_sequences_are_refused(Y, message):
    with pytest.raises(ValueError, match=message):
        build_interpolator(X3, Y)


@pytest.mark.parametrize("temperature", [0, -1.0, np.nan, np.inf, "cold", True, None])
def test_a_temperature_that_is_no_positive_number_is_refused(temperature):
    with pytest.raises(ValueError, match="temperature must be 'auto' or a positive finite number"):
        build_interpolator(X3, [1.0, 2.0, 3.0], attention="softmax", temperature=temperature)


def test_another_attention_and_softmax_without_registers_are_refused():
    with pytest.raises(ValueError, match="attention must be 'hardmax' or 'softmax', got 'linear'"):
        build_interpolator(X3, [1.0, 2.0, 3.0], attention="linear")
    with pytest.raises(ValueError, match="registers=False is for attention='hardmax'"):
        build_interpolator(X3, [1.0, 2.0, 3.0], attention="softmax", registers=False)


def test_tokens_of_another_width_are_no_output():
    X = family("labelled_sequences", 10)
    for registers in (True, False):
        built = build_interpolator(X, random_targets(X), registers=registers)
        width = built.transformer.token_dim
        with pytest.raises(ValueError, match=f"The network has {width} coordinates, these tokens have {width + 1}"):
            built.decode(RaggedSequences(np.zeros((X.n_tokens, width + 1)), X.offsets))
