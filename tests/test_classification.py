"""The exact construction: every training label, through the fast path and through the weights."""

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import oracle
import pytest
from effort import examples, slow
from hypothesis import given, settings
from hypothesis import strategies as st
from joblib import parallel_config

from sklearn_hardmax import Attention, ConstructionError, RaggedSequences, datasets
from sklearn_hardmax.constructions import build_classifier
from sklearn_hardmax.constructions.classification.build import build_classification, certified_margin
from sklearn_hardmax.constructions.codes.projection import Projection, normalise_directions
from sklearn_hardmax.constructions.codes.selection import CodeProblem, select_code
from sklearn_hardmax.constructions.codes.sequence_code import SAFE_GAP, label_runs
from sklearn_hardmax.encoding import TokenScale
from sklearn_hardmax.forward import apply, trace

WORK = 10**7  # layers x tokens that a test lets the engine run


def build(X, y, *, ordered=False, seed=0, weights=None):
    weights = np.ones(max(int(max(y)) + 1, 2)) if weights is None else np.asarray(weights, dtype=float)
    return build_classification(
        X, np.asarray(y, dtype=np.int64), weights, ordered=ordered, rng=np.random.RandomState(seed)
    )


def labels_by_network(built, X, max_width=4):
    return built.decode(apply(built.transformer(max_width), built.encode(X)))


def check_exact(X, y, *, ordered=False):
    """All ways of asking for the training labels."""
    built, conflicts = build(X, y, ordered=ordered)
    assert conflicts == []
    codes = built.codes(X)
    assert np.array_equal(built.labels_of(codes), y)
    some = np.linspace(0, len(X) - 1, min(len(X), 20)).astype(int)
    for i in some:
        assert built.codes(X[i : i + 1])[0] == codes[i]
    if not ordered:
        rng = np.random.default_rng(0)
        shuffled = RaggedSequences.from_list([rng.permutation(X[i]) for i in some])
        assert np.array_equal(built.labels_of(built.codes(shuffled)), y[some])
        assert np.array_equal(labels_by_network(built, shuffled, None), y[some])
    check_network(built, X, y)
    assert built.n_blocks() <= min((3 * len(X) + 1) // 2, max(1, 2 * len(X) - 1))
    assert built.n_parameters() <= 16 * built.token_dim * len(X)
    assert built.margin > 1
    return built


def check_network(built, X, y):
    for max_width in (4, None):
        transformer = built.transformer(max_width)
        assert transformer.n_blocks == built.n_blocks(max_width)
        assert transformer.n_parameters == built.n_parameters(max_width)
        assert transformer.width <= (max_width or np.inf)
        n = WORK // len(transformer.layers) // max(1, X.n_tokens // len(X))
        if max_width is None:
            n = min(n, 4 * WORK // transformer.width // max(1, X.n_tokens // len(X)))
        some = X if n >= len(X) else X[np.linspace(0, len(X) - 1, max(n, 1)).astype(int)]
        wanted = y if n >= len(X) else y[np.linspace(0, len(X) - 1, max(n, 1)).astype(int)]
        out = apply(transformer, built.encode(some))
        assert np.isin(out.tokens[:, 1 : 1 + built.n_digits], [0.0, 1.0]).all()
        assert np.array_equal(built.decode(out), wanted)


def family(name, n, **options):
    return getattr(datasets, f"make_{name}")(n, random_state=0, **options)


FAMILIES = [
    "labelled_sequences",
    "shared_tokens",
    "nested_prefixes",
    "leave_one_out",
    "swaps",
    "frequencies",
    "near_equal_tokens",
    "large_offsets",
]


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


# -- unseen codes --------------------------------------------------------------------------------------------------------


def swept_codes(built):
    """Codes through every ramp: around each boundary at all scales, the ends of ramps, the runs, and a grid."""
    boundaries = built.intervals.boundaries
    ramp = 0.5 / built.code_scale
    steps = np.concatenate([[0.0], *(s * 2.0 ** -np.arange(1, 53) for s in (1, -1))])
    near = (boundaries[:, None] + np.concatenate([steps, ramp * np.linspace(-3, 3, 31)])).ravel()
    codes = np.concatenate([near, boundaries, built.runs.low, built.runs.high, np.linspace(1, 2, 501)])
    codes = np.unique(np.clip(codes, 1.0, 2.0))
    return np.unique(built.code.rounded(codes))


def digits_of(built, codes, max_width):
    """What the decode layers alone make of codes."""
    transformer = built.transformer(max_width)
    start = next(i for i, layer in enumerate(transformer.layers) if isinstance(layer, Attention)) + 1
    tokens = np.zeros((len(codes), built.token_dim))
    tokens[:, 0] = built.code_scale * codes
    decode = type(transformer)(transformer.layers[start:])
    return apply(decode, RaggedSequences.from_flat(tokens, lengths=np.ones(len(codes), dtype=int)))


@pytest.mark.parametrize("n_classes", [2, 3, 8, 30])
@pytest.mark.parametrize("name", ["labelled_sequences", "shared_tokens", "swaps"])
def test_on_all_codes_the_fast_path_is_the_network_and_only_neighbours_labels_appear(name, n_classes):
    X, y = family(name, 30, n_classes=n_classes)
    built, _ = build(X, y)
    codes = swept_codes(built)
    fast = built.labels_of(codes)
    for max_width in (4, None):
        assert np.array_equal(built.decode(digits_of(built, codes, max_width)), fast)
    k = np.searchsorted(built.runs.low, codes, side="right")
    below = built.runs.labels[np.maximum(k - 1, 0)]
    above = built.runs.labels[np.minimum(k, len(built.runs.labels) - 1)]
    inside = codes <= built.runs.high[np.maximum(k - 1, 0)]
    assert np.where(inside, fast == below, (fast == below) | (fast == above)).all()


@pytest.mark.parametrize("n_classes", [2, *slow(3, 8, 30)])
def test_an_unseen_code_gets_the_label_of_the_nearest_run_in_exact_arithmetic(n_classes):
    X, y = family("labelled_sequences", 30, n_classes=n_classes)
    built, _ = build(X, y)
    low, high = ([Fraction(c) for c in ends.tolist()] for ends in (built.runs.low, built.runs.high))
    codes = swept_codes(built)[:: max(1, n_classes // 3)]
    for code, label in zip(codes.tolist(), built.labels_of(codes).tolist()):
        distances = [max(a - Fraction(code), Fraction(code) - b, 0) for a, b in zip(low, high)]
        nearest = {int(c) for c, d in zip(built.runs.labels, distances) if d == min(distances)}
        assert label == min(nearest)


# -- which read becomes the code: the cheapest that is safe, and of its kind the one with the fewest label runs ------------


def problem_of(X, y, seed):
    projection = Projection(TokenScale.fit(X.tokens), False)
    return CodeProblem(X, np.array(y), projection, False, np.random.RandomState(seed), None)


def runs_and_gap(values, y):
    """How many runs of one label there are along the line, and the smallest distance between adjacent_codes of two labels."""
    line = sorted(zip(values.tolist(), list(y)))
    steps = [b - a for (a, one), (b, other) in pairwise(line) if one != other]
    return 1 + len(steps), min(steps)


@pytest.mark.parametrize("seed", range(5))
def test_of_the_leader_reads_that_are_drawn_first_the_one_with_the_fewest_label_runs_is_taken(seed):
    X, y = family("labelled_sequences", 30)
    read, _ = select_code(problem_of(X, y, seed))
    problem = problem_of(X, y, seed)
    drawn = problem.directions(4)
    candidates = [runs_and_gap(problem.candidate(u, kind).values, y) for u in drawn for kind in ("max", "min")]
    safe = {runs for runs, gap in candidates if gap >= SAFE_GAP}
    assert len(safe) > 1
    assert runs_and_gap(read.values, y)[0] == min(safe)


def test_leader_reads_are_drawn_again_before_a_mean_is_taken():
    """Two tokens so near each other that few directions tell them apart by 2^-46: in some seeds none of the first four."""
    near = 2.0**-46 * 7.5
    X, y = RaggedSequences.from_list([[[0.0, 0.0]], [[near, 0.0]], [[1.0, 1.0]], [[-1.0, -1.0]]]), [0, 1, 0, 1]
    at_once = 0
    for seed in range(20):
        problem = problem_of(X, y, seed)
        reads = [problem.candidate(u, kind).values for u in problem.directions(4) for kind in ("max", "min")]
        at_once += any(runs_and_gap(values, y)[1] >= SAFE_GAP for values in reads)
        read, _ = select_code(problem_of(X, y, seed))
        assert read.code.kind in ("max", "min")
    assert 0 < at_once < 15


def test_labels_are_those_of_the_largest_decision_value():
    X, y = family("labelled_sequences", 40, n_classes=6)
    built, _ = build(X, y)
    codes = swept_codes(built)
    assert np.array_equal(np.argmin(built.distances(codes), axis=1), built.labels_of(codes))


@pytest.mark.parametrize("ordered", [False, *slow(True)])
@pytest.mark.parametrize("name", FAMILIES)
def test_unseen_sequences_get_one_label_by_both_paths(name, ordered):
    X, y = family(name, 40, n_classes=5)
    built, _ = build(X, y, ordered=ordered)
    rng = np.random.default_rng(3)
    spread = np.abs(X.tokens).max()
    new = [rng.normal(size=(rng.integers(1, 9), X.token_dim)) * s for s in (spread, 1e-9 * spread, 1e6 * spread, 1e300)]
    new += [np.zeros((3, X.token_dim)), np.full((1, X.token_dim), 1.7e308), X[0] + spread * 1e-7]
    new = RaggedSequences.from_list(new)
    fast = built.labels_of(built.codes(new))
    for max_width in (4, 9, None):
        assert np.array_equal(labels_by_network(built, new, max_width), fast)


# -- size ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 30])
def test_the_hard_case_needs_one_hat_a_sequence_and_keeps_within_the_bounds(n):
    """Swaps with a label each: 1 + (N - 1) + ceil(N / 2) blocks, the worst case of the theorem, against 4 N + 1."""
    X, y = family("swaps", n, n_classes=n)
    built = check_exact(X, y)
    assert built.n_blocks() == (1 if n == 1 else n + (n + 1) // 2)
    assert built.n_blocks() <= max(1, 2 * n - 1) < 4 * n + 1
    assert built.transformer().width <= 4


def test_swaps_have_equal_extremes_and_means_in_every_direction():
    """So that leader reads and the mean must fail, and bumps are needed."""
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
def test_a_width_that_no_hat_fits_into_is_refused(max_width):
    X, y = family("labelled_sequences", 20)
    with pytest.raises(ValueError, match="max_width must be None or an integer of at least 4"):
        build(X, y)[0].transformer(max_width)


# -- invariances -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FAMILIES)
def test_codes_do_not_depend_on_batch_order_or_jobs(name):
    X, y = family(name, 60, n_classes=4)
    built, _ = build(X, y)
    codes = built.codes(X)
    order = np.random.default_rng(0).permutation(len(X))
    assert np.array_equal(built.codes(X[order]), codes[order])
    assert np.array_equal(np.concatenate([built.codes(X[i : i + 7]) for i in range(0, len(X), 7)]), codes)
    with parallel_config("threading"):
        assert np.array_equal(built.codes(X, n_jobs=2), codes)


@pytest.mark.parametrize("name", ["labelled_sequences", "near_equal_tokens", "large_offsets"])
@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_the_choice_of_the_code_does_not_depend_on_the_rounding_of_products(name, offset, monkeypatch):
    X, y = family(name, 200, n_classes=4)
    X = RaggedSequences(X.tokens + offset, X.offsets)
    codes = build(X, y)[0].codes(X)
    products, rng = Projection._products, np.random.default_rng(0)

    def noisy(self, directions, sequences):
        noise = self.product_noise(directions)[:, None] / 2
        for i, j, segments, lines in products(self, directions, sequences):
            yield i, j, segments, lines + noise * rng.uniform(-1, 1, size=lines.shape)

    monkeypatch.setattr(Projection, "_products", noisy)
    assert np.array_equal(build(X, y)[0].codes(X), codes)


def test_products_stay_within_their_noise_of_the_sums_in_fixed_order():
    for name in FAMILIES:
        for offset in (0.0, 1e3, 1e7):
            X, _ = family(name, 40, token_dim=3)
            projection = Projection(TokenScale.fit(X.tokens + offset), name != "swaps")
            directions = normalise_directions(np.random.default_rng(1).normal(size=(5, projection.n_coordinates)))
            X = RaggedSequences(X.tokens + offset, X.offsets)
            exact, rough = (projection.extremes(directions, e, X) for e in (True, False))
            assert (np.abs(exact - rough) <= projection.product_noise(directions)).all()


def test_codes_do_not_depend_on_the_layout_of_the_tokens_in_memory():
    X, y = family("labelled_sequences", 30, token_dim=7)
    built, _ = build(X, y)
    shifted = np.empty(X.tokens.size + 1)[1:].reshape(X.tokens.shape)
    shifted[:] = X.tokens
    assert np.array_equal(built.codes(RaggedSequences(shifted, X.offsets)), built.codes(X))
    assert np.array_equal(built.codes(RaggedSequences(np.asfortranarray(X.tokens), X.offsets)), built.codes(X))


@pytest.mark.parametrize("name", ["labelled_sequences", "swaps", "large_offsets"])
def test_leader_and_hat_codes_of_training_sequences_are_bitwise_stable_under_permutation_and_repetition(name):
    X, y = family(name, 30, n_classes=30)
    built, _ = build(X, y)
    assert built.code.kind != "mean"
    rng = np.random.default_rng(0)
    shuffled = RaggedSequences.from_list([rng.permutation(np.tile(x, (3, 1))) for x in X])
    assert np.array_equal(built.codes(shuffled), built.codes(X))


def test_a_shift_and_a_power_of_two_that_lose_no_digit_change_no_code():
    X, y = family("labelled_sequences", 30)
    X = RaggedSequences(np.rint(X.tokens * 1000), X.offsets)
    moved = RaggedSequences((X.tokens + 12345) * 2.0**-30, X.offsets)
    assert np.array_equal(build(X, y)[0].codes(X), build(moved, y)[0].codes(moved))


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


def test_tokens_too_near_for_a_leader_read_are_told_apart_by_hats():
    # 2^-45 becomes a gap of 2^-48 in s, below the safe 2^-46
    X = RaggedSequences.from_list([[[-1.0]], [[1.0]], [[0.0]], [[2.0**-45]]])
    built = check_exact(X, np.array([0, 1, 0, 1]))
    assert built.code.kind == "bumps"


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


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3)), min_size=1, max_size=12))
def test_runs_of_labels_and_the_smallest_gap_are_those_of_a_loop_for_few_and_for_many_classes(pairs):
    values, labels = 1 + np.array([v for v, _ in pairs]) / 16, np.array([label for _, label in pairs])
    labels = dict(zip(values, labels))  # equal values with one label: no order among them
    values, labels = np.array(list(labels)), np.array(list(labels.values()))
    order = np.argsort(values)
    steps = [b - a for a, b, s, t in zip(*(x[order][i:] for x in (values, labels) for i in (0, 1))) if s != t]
    for factor in (1, 700):  # 2,100 classes and their values do not fit into one integer
        assert label_runs(values, factor * labels) == (1 + len(steps), min(steps, default=np.inf))
    assert label_runs(np.array([1.5, 1.5]), np.array([0, 2100]))[1] == 0


# -- conflicts -------------------------------------------------------------------------------------------------------------


def test_conflicts_are_found_named_and_settled_by_majority():
    X, y = family("labelled_sequences", 12, n_classes=3)
    again = RaggedSequences.from_list([*X, X[4], X[4], X[7][::-1]])
    labels = np.concatenate([y, [(y[4] + 1) % 3] * 2, [(y[7] + 1) % 3]])
    built, conflicts = build(again, labels)
    found = {(c.kind, tuple(c.indices.tolist())) for c in conflicts}
    kind = "order" if len(X[7]) > 1 else "equal"
    assert found == {("equal", (4, 12, 13)), (kind, (7, 14))}
    out = built.labels_of(built.codes(again))
    assert (out[[4, 12, 13]] == labels[12]).all()  # two against one
    assert (out[[7, 14]] == min(labels[7], labels[14])).all()
    rest = np.delete(np.arange(15), [4, 12, 13, 7, 14])
    assert np.array_equal(out[rest], labels[rest])


def test_a_sequence_and_its_repetition_are_one_measure():
    x = np.array([[0.5], [2.0]])
    X = RaggedSequences.from_list([x, np.tile(x, (3, 1)), x + 1])
    _, (conflict,) = build(X, [0, 1, 0])
    assert conflict.indices.tolist() == [0, 1]
    check_exact(X, np.array([0, 0, 1]))


def test_tokens_closer_than_float64_resolves_at_their_range_are_a_close_conflict():
    # range 2 around 0, two tokens 2^-60 apart: raw rows differ, no form on [1, 2] tells them apart
    X = RaggedSequences.from_list([[[-1.0]], [[1.0]], [[2.0**-60]], [[2.0**-59]]])
    built, conflicts = build(X, [0, 1, 0, 1])
    (conflict,) = conflicts
    assert (conflict.kind, conflict.indices.tolist()) == ("close", [2, 3])
    assert built.labels_of(built.codes(X)).tolist() == [0, 1, 0, 0]


def test_sequences_that_no_hat_tells_apart_are_one_close_conflict():
    # the tokens 0 and 2^-60 are one place on every line, so that both sequences are one multiset
    ends = [[-1.0, 1.0], [1.0, -1.0]]
    X = RaggedSequences.from_list([[*ends, [0.0, 0.0]], [*ends, [2.0**-60, 0.0]]])
    built, (conflict,) = build(X, [1, 0])
    assert (conflict.kind, conflict.indices.tolist()) == ("close", [0, 1])
    assert built.labels_of(built.codes(X)).tolist() == [0, 0]


def test_a_class_that_lost_its_sequences_to_a_conflict_stands_twice_the_line_away():
    X = RaggedSequences.from_list([[[0.0]], [[0.0]], [[0.0]], [[1.0]]])
    built, _ = build(X, [0, 1, 0, 2])
    assert built.distances(built.codes(X))[:, 1].tolist() == [2.0] * 4


def test_minus_zero_is_zero():
    X = RaggedSequences.from_list([[[0.0]], [[-0.0]], [[1.0]]])
    _, (conflict,) = build(X, [0, 1, 0])
    assert (conflict.kind, conflict.indices.tolist()) == ("equal", [0, 1])


# -- class weights ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("weights", [(1, 5), (5, 1), (1e6, 1), (1, 2, 3), (7, 0.01, 2)])
def test_with_class_weights_training_labels_stay_exact_and_both_paths_agree(weights):
    n_classes = len(weights)
    X, y = family("labelled_sequences", 60, n_classes=n_classes)
    built, _ = build(X, y, weights=weights)
    assert np.array_equal(built.labels_of(built.codes(X)), y)
    check_network(built, X, y)
    codes = swept_codes(built)
    assert np.array_equal(built.decode(digits_of(built, codes, 4)), built.labels_of(codes))


@pytest.mark.parametrize("weights", [(1, 5), (1, 2, 3), (7, 0.01, 2), (1, 1, 4)])
def test_a_weighted_cell_belongs_to_the_class_whose_weighted_distance_is_smallest(weights):
    X, y = family("labelled_sequences", 40, n_classes=len(weights))
    built, _ = build(X, y, weights=weights)
    codes = np.linspace(1, 2, 2001)
    distances = np.sort(built.distances(codes), axis=1)
    clear = distances[:, 1] - distances[:, 0] > 1e-9 / min(weights)
    assert clear.mean() > 0.9
    assert np.array_equal(np.argmin(built.distances(codes), axis=1)[clear], built.labels_of(codes)[clear])


# -- build_classifier --------------------------------------------------------------------------------------------------------


def test_build_classifier_returns_a_network_between_an_encoding_and_a_reading():
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


def test_read_refuses_tokens_that_are_no_output():
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
