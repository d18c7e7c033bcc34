"""Targets are met bit for bit, within the bounds of the theorem, and certified."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import oracle
import pytest
from cases.families import FAMILIES
from cases.interpolation import ATTENTIONS, X3, build, by_tokens, check_exact, problems, sequences
from cases.targets import multiset_of, random_targets
from effort import examples, slow
from hypothesis import given, settings

from sklearn_hardmax import ConstructionError, RaggedSequences
from sklearn_hardmax.constructions import build_interpolator
from sklearn_hardmax.constructions.codes.sequence_code import SequenceCode
from sklearn_hardmax.constructions.interpolation import build as interpolation
from sklearn_hardmax.constructions.interpolation import selectors
from sklearn_hardmax.constructions.interpolation.targets import as_targets, assign_targets
from sklearn_hardmax.constructions.interpolation.token_code import scales_with_ranks, scales_without_ranks
from sklearn_hardmax.forward import apply, trace


@ATTENTIONS
@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize(("token_dim", "q"), [(1, 1), (2, 10), *slow((2, 2), (10, 10), (10, 1))])
def test_every_family_is_interpolated_exactly(name, token_dim, q, attention):
    X = sequences(name, 40, token_dim=token_dim)
    check_exact(X, random_targets(X, q), attention=attention)


@ATTENTIONS
@pytest.mark.parametrize("name", FAMILIES)
def test_with_ordered_any_targets_of_any_tokens_are_interpolated(name, attention):
    X, rng = sequences(name, 40), np.random.default_rng(1)
    Y = RaggedSequences.from_list([rng.normal(size=(rng.integers(1, len(x) + 1), 2)) for x in X])
    check_exact(X, Y, ordered=True, attention=attention)


def test_all_prefixes_as_outputs():
    X = sequences("nested_prefixes", 40)
    Y = RaggedSequences.from_list([np.random.default_rng(len(x)).normal(size=(len(x), 1)) for x in X])
    assert Y.n_tokens == X.n_tokens
    check_exact(X, Y)


@pytest.mark.slow
@ATTENTIONS
@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize(("token_dim", "q"), [(1, 2), (2, 10), (10, 1)])
def test_a_thousand_sequences_are_interpolated_exactly(name, token_dim, q, attention):
    n = 200 if name == "nested_prefixes" else 1000  # there all prefixes are outputs: 20,100 targets
    X = sequences(name, n, token_dim=token_dim)
    Y = random_targets(X, q, most=200 if n == 200 else 35)
    if n == 200:
        Y = RaggedSequences.from_list([np.random.default_rng(len(x)).normal(size=(len(x), q)) for x in X])
    check_exact(X, Y, attention=attention, work=10**7)


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


@pytest.mark.parametrize("name", ["labelled_sequences", "shared_tokens", "swaps"])
def test_size_does_not_depend_on_the_lengths(name):
    X = sequences(name, 20)
    Y = random_targets(X)
    long = RaggedSequences.from_list([np.tile(x, (9, 1)) for x in X])
    built, longer = check_exact(X, Y), check_exact(long, Y)
    assert (built.n_blocks(), built.n_parameters()) == (longer.n_blocks(), longer.n_parameters())


def test_equal_targets_share_a_plateau_and_one_target_needs_one_block():
    X = sequences("labelled_sequences", 20)
    Y = RaggedSequences.from_list([np.full((1, 2), 7.5)] * 20)
    built = check_exact(X, Y)
    assert (built.n_blocks(), built.margin) == (1, np.inf)
    assert (built.outputs(X) == 7.5).all()
    one = X[3:4]
    Y = random_targets(one, most=len(one[0]))
    assert check_exact(one, Y).token_code.code is None  # a multiset alone needs no code


@pytest.mark.parametrize("name", FAMILIES)
def test_outputs_of_a_training_sequence_are_its_targets_as_a_set(name):
    X = sequences(name, 30)
    Y = random_targets(X, 2)
    table = {}
    for x, y in zip(X, Y):
        table.setdefault(multiset_of(x), set()).update(map(tuple, y.tolist()))
    for x, rows in zip(X, by_tokens(build(X, Y), X)):
        assert set(map(tuple, rows.tolist())) == table[multiset_of(x)]


@ATTENTIONS
@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("q", [1, 3])
def test_one_target_a_sequence_is_met_and_all_its_tokens_say_it(name, q, attention):
    X = sequences(name, 40)
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
    X = sequences("labelled_sequences", 40)
    built = build(X, np.arange(40.0) // 20)
    assert len(built.plateaus.target_indices) < 40


def test_minus_zero_is_written_as_zero_by_both_paths():
    X = sequences("labelled_sequences", 5)
    built = build(X, np.array([-0.0, 1.0, 0.0, -1.0, -0.0]))
    for given_rows in (built.outputs(X), built.decode(apply(built.transformer(), built.encode(X)))):
        assert not np.signbit(given_rows[[0, 2, 4]]).any()
    assert len(built.targets) == 3


def test_the_margin_counts_leaders_as_trace_does():
    # the largest token is followed by one 2^-44 below it: s = 3/2 + z / 8 or so, a gap of few ulps of s
    X = RaggedSequences.from_list([[[-1.0], [0.5], [0.5 - 2.0**-46]], [[-1.0], [1.0]]])
    built = build(X, RaggedSequences.from_list([[[1.0]], [[2.0]]]))
    steps = trace(built.transformer(), built.encode(X))
    assert min(step.margin for step in steps) >= built.margin


def test_targets_that_the_plateaus_do_not_give_are_never_certified():
    X = sequences("labelled_sequences", 10)
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
    X = sequences("labelled_sequences", 10)
    built, (targets, one_target) = build(X, random_targets(X)), as_targets(random_targets(X), X)
    assignment = assign_targets(X, targets, one_target, False)
    assert interpolation._margin(built, X, assignment, built.token_code.evaluate(X), None) == built.margin
    monkeypatch.setattr(
        SequenceCode, "error_bounds", lambda self, lengths: np.ones(len(lengths))
    )  # as far as all codes lie apart
    with pytest.raises(ConstructionError, match=r"not certified: smallest margin \d.*, 1 is needed"):
        interpolation._margin(built, X, assignment, built.token_code.evaluate(X), None)


def test_tokens_closer_than_float64_resolves_are_named():
    X = [[[-1.0], [1.0], [2.0**-60], [2.0**-59]]]
    with pytest.raises(ConstructionError, match="float64 resolves: token 2 of sequence 0 and token 3 of sequence 0"):
        build_interpolator(X, [[[1.0], [2.0], [3.0], [4.0]]])


def test_sequences_closer_than_float64_resolves_are_named():
    X = [[[-1.0]], [[1.0]], [[2.0**-60]], [[2.0**-59]]]
    with pytest.raises(ConstructionError, match="sequences 2, 3 are closer than float64 resolves"):
        build_interpolator(X, [1.0, 2.0, 3.0, 4.0])


def test_weights_beyond_the_memory_limit_are_refused_before_they_are_made(monkeypatch):
    X = sequences("labelled_sequences", 20)
    built = build(X, random_targets(X))
    monkeypatch.setattr("sklearn_hardmax.constructions.common.plans.MEMORY_LIMIT", 100)
    with pytest.raises(MemoryError, match=r"The weights would take 0\.0 GiB"):
        built.transformer()


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
    X = sequences("labelled_sequences", 10)
    for registers in (True, False):
        built = build_interpolator(X, random_targets(X), registers=registers)
        width = built.transformer.token_dim
        with pytest.raises(ValueError, match=f"The network has {width} coordinates, these tokens have {width + 1}"):
            built.decode(RaggedSequences(np.zeros((X.n_tokens, width + 1)), X.offsets))
