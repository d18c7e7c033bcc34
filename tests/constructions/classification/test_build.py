"""Every family is classified exactly, within the bounds of the theorem, and certified."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import oracle
import pytest
from cases.classification import build, check_exact, check_network
from cases.families import FAMILIES, family
from effort import examples, slow
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_hardmax import ConstructionError, RaggedSequences
from sklearn_hardmax.constructions import build_classifier
from sklearn_hardmax.constructions.classification.build import certified_margin
from sklearn_hardmax.forward import apply, trace


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("n_classes", [2, 10, *slow(3, 60)])
def test_every_family_is_classified_exactly(name, n_classes):
    X, y = family(name, 60, n_classes=n_classes)
    check_exact(X, y)


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("token_dim", [1, 3, *slow(50)])
def test_every_family_is_classified_exactly_in_every_dimension(name, token_dim):
    X, y = family(name, 50, n_classes=4, token_dim=token_dim)
    check_exact(X, y)


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("scale", [1e-310, 1e300, *slow(1e-200, 1e-3, 1e200)])
def test_every_family_is_classified_exactly_at_every_scale(name, scale):
    options = {"offset": 1.0} if name == "large_offsets" and scale < 1e-300 else {}
    X, y = family(name, 40, n_classes=3, **options)
    if name in ("large_offsets", "near_equal_tokens") and scale < 1e-300:
        return  # subnormal numbers have not the digits that tell these tokens apart
    if name == "large_offsets" and scale > 1e299:
        scale = 1e290  # the offset of 1e8 would leave float64
    check_exact(RaggedSequences(X.tokens * scale, X.offsets), y)


@pytest.mark.parametrize("name", FAMILIES)
def test_with_ordered_every_family_is_classified_exactly(name):
    X, y = family(name, 60, n_classes=5)
    check_exact(X, y, ordered=True)


def test_permutations_of_one_sequence_are_told_apart_when_ordered_and_are_one_conflict_when_not():
    rng = np.random.default_rng(0)
    base = rng.normal(size=(5, 2))
    X = RaggedSequences.from_list([base[rng.permutation(5)] for _ in range(4)] + [base])
    y = np.array([0, 1, 2, 2, 1])
    distinct = {x.tobytes() for x in X}
    assert len(distinct) == 5
    check_exact(X, y, ordered=True)
    built, conflicts = build(X, y)
    (conflict,) = conflicts
    assert conflict.kind == "order"
    assert conflict.indices.tolist() == [0, 1, 2, 3, 4]
    assert built.labels_of(built.codes(X)).tolist() == [1] * 5  # 1 and 2 are equally frequent: the first


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("n_classes", [2, 10, 5000])
def test_thousands_of_sequences_are_classified_exactly(name, n_classes):
    n = {"nested_prefixes": 4400, "leave_one_out": 3100}.get(name, 5000)  # 2e7 numbers, for n^2 / 2 and n^2 tokens
    X, y = family(name, n, n_classes=min(n_classes, n))
    check_exact(X, y)


@pytest.mark.slow
@pytest.mark.parametrize("copies", [1, 25_000])
def test_long_sequences_are_classified_exactly(copies):
    X, y = family("swaps", 60, n_classes=3)
    X = RaggedSequences.from_list([np.tile(x, (copies, 1)) for x in X])
    check_exact(X, y)
    n = 100_000
    rng = np.random.default_rng(0)
    X = RaggedSequences.from_list([rng.normal(size=(n - i, 2)) for i in range(50)])
    check_exact(X, np.arange(50) % 7)
    X = RaggedSequences.from_list([np.repeat([0.0, 1.0], [n // 2 + i, n // 2 - i])[:, None] for i in range(50)])
    check_exact(X, np.arange(50) % 7)


@pytest.mark.parametrize("gap", [1e-3, 1e-6, 1e-9])
def test_swaps_that_are_near_to_each_other_are_classified_exactly(gap):
    n = 100
    a = 0.5 + gap * np.arange(n)
    X = RaggedSequences(np.stack([-np.ones(n), np.ones(n), a, -a], axis=1).reshape(-1, 1), 4 * np.arange(n + 1))
    for n_classes in (2, n):
        check_exact(X, np.random.default_rng(1).permutation(np.arange(n) % n_classes))


TOKENS = st.integers(-2, 2).map(float)


@st.composite
def multiset_problems(draw):
    token_dim = draw(st.integers(1, 2))
    token = st.tuples(*[TOKENS] * token_dim)
    sequences = draw(st.lists(st.lists(token, min_size=1, max_size=5), min_size=1, max_size=8))
    multisets = [frozenset((t, Fraction(s.count(t), len(s))) for t in s) for s in sequences]
    labels = {m: draw(st.integers(0, 4)) for m in multisets}
    y = np.array([labels[m] for m in multisets])
    return RaggedSequences.from_list([np.array(s) for s in sequences]), y


def check_multisets(problem):
    X, y = problem
    check_exact(X, np.unique(y, return_inverse=True)[1])


@given(multiset_problems())
@examples(100)
def test_labels_that_depend_on_the_normalised_multiset_only_are_reproduced(problem):
    check_multisets(problem)


@pytest.mark.slow
@given(multiset_problems())
@settings(max_examples=2000)
def test_two_thousand_data_sets_of_multisets_are_reproduced(problem):
    check_multisets(problem)


@given(multiset_problems())
@examples(40)
def test_in_exact_arithmetic_the_network_gives_the_labels_too(problem):
    """The weights are right as real numbers, not only as the engine rounds."""
    X, y = problem
    y = np.unique(y, return_inverse=True)[1]
    built, _ = build(X, y)
    transformer, encoded = built.transformer(), built.encode(X)
    for i in range(min(len(X), 3)):
        tokens = oracle.run(transformer, encoded[i])[-1]
        digits = [[z > Fraction(1, 2) for z in token[1 : 1 + built.n_digits]] for token in tokens]
        assert all(sum(bit << k for k, bit in enumerate(row)) == y[i] for row in digits)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 30])
def test_the_hard_case_needs_one_bump_a_sequence_and_keeps_within_the_bounds(n):
    """Swaps with a label each: 1 + (N - 1) + ceil(N / 2) blocks, the worst case of the theorem, against 4 N + 1."""
    X, y = family("swaps", n, n_classes=n)
    built = check_exact(X, y)
    assert built.n_blocks() == (1 if n == 1 else n + (n + 1) // 2)
    assert built.n_blocks() <= max(1, 2 * n - 1) < 4 * n + 1
    assert built.transformer().width <= 4


def test_swaps_have_equal_extremes_and_means_in_every_direction():
    """So that leader attentions and the mean must fail, and bumps are needed."""
    X, y = family("swaps", 20, n_classes=20)
    built, _ = build(X, y)
    assert built.code.kind == "bumps"


def test_size_does_not_change_when_every_sequence_is_lengthened():
    for name in ("labelled_sequences", "swaps", "shared_tokens"):
        X, y = family(name, 30, n_classes=3)
        long = RaggedSequences.from_list([np.tile(x, (7, 1)) for x in X])
        built, longer = check_exact(X, y), check_exact(long, y)
        assert (built.n_blocks(), built.n_parameters()) == (longer.n_blocks(), longer.n_parameters())
        assert np.array_equal(built.labels_of(built.codes(long)), y)


def test_two_classes_stay_inside_the_plane_and_one_dimension_is_lifted():
    for token_dim, width in ((1, 2), (2, 2), (3, 3), (50, 50)):
        X, y = family("labelled_sequences", 20, n_classes=2, token_dim=token_dim)
        assert build(X, y)[0].token_dim == width
    X, y = family("labelled_sequences", 20, n_classes=17, token_dim=2)
    assert build(X, y)[0].token_dim == 6  # the code and five binary digits


def test_one_label_needs_one_block_and_no_code():
    X, _ = family("labelled_sequences", 5)
    built, _ = build(X, np.zeros(5, dtype=int), weights=np.ones(1))
    assert built.n_blocks() == 1
    assert built.margin == np.inf
    check_network(built, X, np.zeros(5, dtype=int))


def test_weights_beyond_the_memory_limit_are_refused_before_they_are_made(monkeypatch):
    X, y = family("labelled_sequences", 20)
    built, _ = build(X, y)
    monkeypatch.setattr("sklearn_hardmax.constructions.common.plans.MEMORY_LIMIT", 100)
    with pytest.raises(MemoryError, match=r"The weights would take 0\.0 GiB"):
        built.transformer()


@pytest.mark.parametrize("max_width", [3, 0, 4.0, "4"])
def test_a_width_that_no_bump_fits_into_is_refused(max_width):
    X, y = family("labelled_sequences", 20)
    with pytest.raises(ValueError, match="max_width must be None or an integer of at least 4"):
        build(X, y)[0].transformer(max_width)


def test_the_leader_margin_is_the_one_that_trace_reports():
    X, y = family("labelled_sequences", 30)
    built, _ = build(X, y)
    assert built.code.uses_leader_attention
    steps = trace(built.transformer(), built.encode(X))
    assert min(step.margin for step in steps) == built.code.evaluate_training(X)[1]
    assert built.margin <= built.code.evaluate_training(X)[1]


def test_the_margin_is_that_of_the_nearest_follower_of_a_leader_where_that_is_the_smallest():
    # tokens fill [-1, 1], so that z is encoded as z / 2 and read as s = 3/2 + z / 8: 2^-48 becomes 2^-51, two ulps of s
    X = RaggedSequences.from_list([[[-1.0], [0.5], [0.5 - 2.0**-48]], [[-1.0], [1.0]]])
    built, _ = build(X, [0, 1])
    assert built.code.kind == "max"
    assert built.margin == 2.0


def test_what_the_codes_do_not_certify_is_refused_by_name():
    X, y = family("labelled_sequences", 12, n_classes=3)
    built, _ = build(X, y)
    codes = built.codes(X)
    wrong = y.copy()
    wrong[[3, 8]] = (wrong[[3, 8]] + 1) % 3
    with pytest.raises(ConstructionError, match=r"^Sequences 3, 8 are not certified: smallest margin \S+, 1 is needed"):
        certified_margin(built, X, codes, wrong)
    first = codes.argmin()
    codes[first] = np.nextafter(built.intervals.boundaries[0], 0.0)  # its label still, but on the ramp
    with pytest.raises(ConstructionError, match=f"^Sequences {first} are not certified: smallest margin -"):
        certified_margin(built, X, codes, y)
    with pytest.raises(ConstructionError, match="A ramp is not flat on the training codes"):
        replace(built, code_scale=built.code_scale * 2.0**-20).transformer()


@pytest.mark.parametrize("weights", [[1.0, 1.0], [1.0, 1e4], [1e4, 1.0]])
def test_boundaries_of_weighted_classes_leave_room_for_the_rounding_of_means(weights):
    """Two sequences of 100 tokens from 0 to 1, whose means differ by little more than a mean must, 16 n eps = 1600 eps.

    They differ in one token, by 2^-32; along the line tokens are half as far apart. So the means differ by 2^-33 / 100, which
    is 5243 eps. By the weights alone the boundary would be 1 eps away from the lighter class, and the error of a mean is 200.
    """
    x = np.repeat([0.0, 0.5, 1.0], [1, 98, 1])[:, None]
    moved = x.copy()
    moved[50] += 2.0**-32
    X = RaggedSequences.from_list([x, moved])
    built, conflicts = build(X, [0, 1], weights=weights)
    assert (built.code.kind, conflicts) == ("mean", [])
    assert built.labels_of(built.codes(X)).tolist() == [0, 1]
    assert built.margin > 1


def test_build_classifier_returns_a_network_between_encode_and_decode():
    X, y = family("labelled_sequences", 30, n_classes=4)
    built = build_classifier(X, y)
    assert np.array_equal(built.decode(apply(built.transformer, built.encode(X))), y)
    assert built.margin > 1


def test_build_classifier_names_conflicting_sequences():
    X, y = family("labelled_sequences", 10)
    with pytest.raises(ConstructionError, match="cannot be told apart: sequences 3, 10 are equal"):
        build_classifier(RaggedSequences.from_list([*X, X[3]]), [*y, 1 - y[3]])


@pytest.mark.parametrize("y", [[0, 1], [0, 1, -1], [0.0, 1.0, 1.0], ["a", "b", "c"]])
def test_build_classifier_refuses_what_are_no_class_indices(y):
    with pytest.raises(ValueError, match="one class index, an integer from 0, for each of the 3 sequences"):
        build_classifier([[[0.0, 0.0]] * 2, [[1.0, 1.0]] * 2, [[2.0, 2.0]]], y)


def test_decode_refuses_tokens_that_are_no_output():
    X, y = family("labelled_sequences", 10, n_classes=2)
    built = build_classifier(X, y)
    out = apply(built.transformer, built.encode(X))
    with pytest.raises(ValueError, match="The network has 2 coordinates"):
        built.decode(RaggedSequences(out.tokens[:, :1], out.offsets))
    broken = out.tokens.copy()
    i = int(np.argmax(X.lengths))
    broken[X.offsets[i], 1] = 1 - broken[X.offsets[i], 1]
    with pytest.raises(ValueError, match="has another label than its sequence"):
        built.decode(RaggedSequences(broken, out.offsets))
