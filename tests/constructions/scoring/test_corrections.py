"""Corrections against exact arithmetic: 0 or the height on training codes, 0 beyond the slopes."""

from dataclasses import replace

import numpy as np
import oracle
import pytest
from cases.families import FAMILIES, family
from effort import examples
from hypothesis import given
from hypothesis import strategies as st

from sklearn_hardmax import FeedForward, RaggedSequences, datasets
from sklearn_hardmax.constructions.codes.random_code import RandomCode
from sklearn_hardmax.constructions.codes.sequence_code import SequenceCode
from sklearn_hardmax.constructions.common.units import bump_units_between
from sklearn_hardmax.constructions.scoring import build as scoring
from sklearn_hardmax.constructions.scoring.build import build_scoring
from sklearn_hardmax.constructions.scoring.corrections import Corrections, place_corrections, widest
from sklearn_hardmax.forward import apply

HEIGHT = 4.0

GRID = 2.0**-52  # of codes in [1, 2)


def on_grid(codes):
    return np.rint(np.asarray(codes) / GRID) * GRID


def place(codes, labels, needed=None, error_bound=8 * GRID):
    needed = np.ones(len(codes), dtype=bool) if needed is None else np.asarray(needed)
    return place_corrections(None, np.asarray(codes, dtype=float), error_bound, np.asarray(labels), needed, HEIGHT)


def by_layer(corrections, codes):
    """What the layers of the network add to each class, in fractions: its hidden units read a code and nothing else."""
    n_classes = int(corrections.labels.max()) + 1
    places = corrections.low, corrections.high, corrections.widths, corrections.height
    units = bump_units_between(1 + n_classes, 0, 1 + corrections.labels, *places)
    layer = FeedForward(units.U, units.b, units.W)
    tokens = oracle.fractions_of(np.column_stack([codes, np.zeros((len(codes), n_classes))]))
    return [[float(v) for v in row[1:]] for row in oracle.feed_forward(layer, tokens)]


def lifts(corrections, codes):
    """What the fast path adds to each class, (n_codes, n_classes)."""
    out = np.zeros((int(corrections.labels.max()) + 1, len(codes)))
    corrections.add_to(out, np.asarray(codes, dtype=float))
    return out.T


def groups_of(codes, labels, error_bound):
    """Lists of indices of ascending codes that share a place, by a plain loop: near ones, or nearly near of one label."""
    groups = [[0]]
    for i in range(1, len(codes)):
        step, alike = codes[i] - codes[i - 1], labels[i] == labels[i - 1]
        if step <= 2 * error_bound or (alike and step <= 2.0**-40):
            groups[-1].append(i)
        else:
            groups.append([i])
    return groups


def codes_of(rng, n, smallest):
    """n codes in [1, 7/4] on the grid, neighbours at distances from `smallest` to 2^-20, and labels."""
    gaps = 2.0 ** rng.uniform(np.log2(smallest) + 1, -20, n)
    return on_grid(1 + rng.uniform(0, 0.5) + np.cumsum(gaps)), rng.integers(0, 3, n)


@examples(40)
@given(st.integers(0, 2**32), st.integers(1, 12), st.sampled_from([2.0**-46, 2.0**-44, 2.0**-41, 2.0**-33, 2.0**-25]))
def test_corrections_are_0_or_the_height_on_training_codes_and_within_the_error_bound(seed, n, smallest):
    """Chains of codes of random labels: one correction per group of near codes that needs one, 0 on all others."""
    rng = np.random.default_rng(seed)
    codes, labels = codes_of(rng, n, smallest)
    if rng.uniform() < 0.5:  # equally fine everywhere
        codes = on_grid(codes[0] + smallest * np.arange(n))
    needed = rng.uniform(size=n) < 0.7
    error_bound = rng.choice([0.0, GRID, 8 * GRID])
    corrections = place(codes, labels, needed, error_bound)
    groups = [group for group in groups_of(codes, labels, error_bound) if needed[group].any()]
    assert corrections.labels.tolist() == [labels[group[0]] for group in groups]
    assert corrections.margin >= 1
    if not groups:
        return
    wanted = np.zeros((n, corrections.labels.max() + 1))
    for group in groups:
        wanted[group, labels[group]] = HEIGHT
    for shift in (0.0, error_bound, -error_bound):
        moved = codes + shift
        assert np.array_equal(by_layer(corrections, moved), wanted)
        assert np.array_equal(lifts(corrections, moved), wanted)


@examples(12)
@given(st.integers(0, 2**32), st.integers(1, 5), st.sampled_from([2.0**-46, 2.0**-40, 2.0**-33, 2.0**-25]))
def test_corrections_are_0_beyond_their_slopes_and_the_fast_path_is_the_layer_everywhere(seed, n, smallest):
    """A slope ends two widths from the last code, at most half way to the next one."""
    rng = np.random.default_rng(seed)
    codes, labels = codes_of(rng, n, smallest)
    corrections = place(codes, labels)
    low, high, widths = corrections.low, corrections.high, corrections.widths
    assert (widths <= 2.0**-36).all()
    assert (np.frexp(widths)[0] == 0.5).all()
    assert (high[:-1] + widths[:-1] <= low[1:] - widths[1:]).all()
    first, last = np.array([(group[0], group[-1]) for group in groups_of(codes, labels, 8 * GRID)]).T
    assert np.array_equal(low, codes[first] - widths)
    assert np.array_equal(high, codes[last] + widths)
    new = [np.linspace(1, 1.75, 9), codes - rng.uniform(0, 2.0**-24, n), (codes[1:] + codes[:-1]) / 2]
    for shift in (-1, 0, 0.25, 0.5, 0.875, 1, 1.25, 2, 3):
        new += [low - shift * widths, high + shift * widths]
    new = on_grid(np.concatenate(new))
    found = lifts(corrections, new)
    assert np.array_equal(found, by_layer(corrections, new))
    out = (new[:, None] <= low - widths) | (new[:, None] >= high + widths)
    assert not found[out.all(axis=1)].any()
    # between the ends of plateau and slope it is neither 0 nor the height
    for edge, sign in ((low, -1), (high, 1)):
        slope = lifts(corrections, edge + sign * widths / 4)[np.arange(len(widths)), corrections.labels]
        assert (slope == 0.75 * HEIGHT).all()


def test_a_place_that_carries_two_labels_or_is_too_narrow_has_no_correction():
    base = 1.25
    assert place([base, base], [0, 1]) is None
    assert place([base, base], [0, 1], [True, False]) is None
    assert place([base, base + 16 * GRID], [0, 1]) is None  # two tolerances of 8
    assert place([base, base], [1, 1]).labels.tolist() == [1]
    # a width of 2^-48 is the narrowest; it needs a gap of 2^-46
    assert place([base, base + 2.0**-46], [0, 1]).widths.tolist() == [2.0**-48] * 2
    assert place([base, base + 2.0**-46 - GRID], [0, 1]) is None
    # where no correction is needed, anything may stand
    assert place([base, base, 1.5], [0, 1, 1], [False, False, True]).labels.tolist() == [1]


def test_codes_of_one_label_at_2_to_the_minus_40_share_a_correction_and_farther_ones_do_not():
    base, near = 1.25, 2.0**-40
    shared = place([base, base + near, base + 2 * near], [1, 1, 1], [False, True, False])
    assert shared.labels.tolist() == [1]
    assert shared.low.tolist() == [base - 2.0**-36]
    assert shared.high.tolist() == [base + 2 * near + 2.0**-36]
    apart = place([base, base + near + GRID], [1, 1])
    assert apart.labels.tolist() == [1, 1]
    assert apart.widths.tolist() == [near / 4] * 2
    # codes that may meet share a correction at any distance, and so do codes in the wrong order
    met = place([base + 2.0**-36, base], [1, 1], error_bound=2.0**-36)
    assert met.labels.tolist() == [1]
    assert met.widths.tolist() == [2.0**-33]
    assert lifts(met, [base - 2.0**-36, base, base + 2.0**-35]).tolist() == [[0.0, HEIGHT]] * 3


def test_the_widest_width_is_2_to_the_minus_36_or_8_to_16_error_bounds():
    assert widest(0.0) == widest(GRID) == widest(2.0**-39) == 2.0**-36
    assert widest(2.0**-39 + GRID) == 2.0**-35
    assert widest(2.0**-30) == 2.0**-27
    assert place([1.25, 1.5], [0, 1]).widths.tolist() == [2.0**-36] * 2
    assert place([1.25, 1.5], [0, 1], error_bound=2.0**-30).widths.tolist() == [2.0**-27] * 2


def test_an_error_bound_wider_than_a_plateau_leaves_no_room():
    codes = [1.25, 1.25 + 2.0**-40]
    assert place(codes, [0, 1], error_bound=2.0**-42).margin == 1.0  # width 2^-42, a quarter of the gap
    assert place(codes, [0, 1], error_bound=2.0**-42 + GRID) is None


def test_the_margin_is_the_room_over_the_error_bound_by_hand():
    """Gap 2^-38, width 2^-40: the plateau leaves 2^-40, the foot 2^-38 - 2^-39 = 2^-39; over 2^-49 that is 2^9."""
    corrections = place([1.25, 1.25 + 2.0**-38], [0, 1], error_bound=2.0**-49)
    assert corrections.widths.tolist() == [2.0**-40] * 2
    assert corrections.margin == 2.0**9
    assert place([1.25], [0], [False]).margin == np.inf


@pytest.mark.parametrize("step", [2.0**-34, 2.0**-41, 2.0**-45])
def test_near_codes_of_any_labels_have_their_corrections_wherever_neighbours_leave_four_narrowest_widths(step):
    """Random labels along a fine chain of codes: near codes of one label share a correction, others have their own."""
    rng = np.random.default_rng(0)
    codes, labels = on_grid(1.25 + step * np.arange(30)), rng.integers(0, 2, 30)
    corrections = place(codes, labels, error_bound=GRID)
    assert corrections is not None
    wanted = np.zeros((30, 2))
    wanted[np.arange(30), labels] = HEIGHT
    assert np.array_equal(lifts(corrections, codes), wanted)
    assert np.array_equal(by_layer(corrections, codes), wanted)


def built(X, y, *, ordered=False, n_heads=21, **options):
    options = {"alphas": np.array([1e2]), "exact": True, **options}
    weights = np.ones(int(max(y)) + 1)
    rng = np.random.RandomState(0)
    return build_scoring(X, np.asarray(y), weights, n_heads=n_heads, ordered=ordered, rng=rng, **options)[0]


@pytest.fixture(params=["random_code", "code"])
def kind(request, monkeypatch):
    """Corrections on a random code, and on the sequence code that takes its place where none leaves clearance."""
    if request.param == "code":
        monkeypatch.setattr(scoring, "_MAX_RANDOM_CODES", 0)
    return {"random_code": RandomCode, "code": SequenceCode}[request.param]


def codes_by_network(found, X, max_width):
    transformer = found.transformer(max_width)
    out = apply(transformer, found.encode(X))
    return out.tokens[X.offsets[:-1], transformer.names.index("code")]


@pytest.mark.parametrize("ordered", [False, True])
def test_training_sequences_whose_score_leads_by_a_hundredth_or_less_get_a_correction_too(ordered):
    """So that labels are certain, and do not depend on the last digits of a score."""
    X, y = datasets.make_labelled_sequences(300, n_classes=3, random_state=0)
    found = built(X, y, ordered=ordered, n_heads=100)
    scores, rows = replace(found, corrections=None).scores(X), np.arange(len(X))
    others = scores.copy()
    others[rows, y] = -np.inf
    leads = (scores[rows, y] - others.max(axis=1)) / np.abs(scores).max(axis=1)
    has_correction = found.corrections.values(found.corrections.code.evaluate(X))[0] > 0
    assert (leads[~has_correction] > 0.01).all()
    assert (leads[has_correction] > 1e-6).any()  # right as it is, and thin


WAYS = pytest.mark.parametrize("ordered", [False, True])


SOME = pytest.mark.parametrize("name", ["labelled_sequences", "swaps", "shared_tokens"])


@WAYS
@SOME
def test_the_network_holds_the_code_bit_for_bit(name, ordered, kind):
    X, y = family(name, 20)
    found = built(X, y, ordered=ordered)
    assert isinstance(found.corrections.code, kind)
    new = RaggedSequences.from_list([*X, *(x[::-1] * 1.5 for x in X), X[0] * 1e9])
    for max_width in (4, None):
        assert np.array_equal(codes_by_network(found, new, max_width), found.corrections.code.evaluate(new))


@pytest.mark.parametrize("name", FAMILIES)
def test_corrections_stand_on_training_sequences_and_permutations_of_them_and_on_no_others(name, kind):
    X, y = family(name, 30, n_classes=3)
    found = built(X, y)
    assert isinstance(found.corrections, Corrections)
    corrections, codes = found.corrections, found.corrections.code.evaluate(X)
    lift, index = corrections.values(codes)
    assert np.frexp(corrections.height)[0] == 0.5
    assert set(lift.tolist()) <= {0.0, corrections.height}
    assert set(index[lift > 0].tolist()) == set(range(found.n_corrections))
    assert np.array_equal(corrections.labels[index[lift > 0]], y[lift > 0])
    assert found.n_corrections > 0
    assert np.array_equal(np.sum(by_layer(corrections, codes), axis=1), lift)
    rng = np.random.default_rng(0)
    shuffled = RaggedSequences.from_list([rng.permutation(x) for x in X])
    assert np.array_equal(corrections.values(corrections.code.evaluate(shuffled))[0], lift)
    if kind is RandomCode:
        moved = RaggedSequences(X.tokens + rng.normal(size=X.tokens.shape) * X.tokens.std(), X.offsets)
        assert not corrections.values(corrections.code.evaluate(moved))[0].any()


def test_clearances_are_the_distances_to_the_nearest_slope_and_negative_on_one():
    # plateaus 1.25 to 1.5 and 1.75 to 1.75, slopes 1/16 and 1/32 wide
    corrections = Corrections(
        None, np.array([1.25, 1.75]), np.array([1.5, 1.75]), np.array([1 / 16, 1 / 32]), 4.0, np.array([0, 1]), 1.0
    )
    codes = np.array([1.0, 1.25, 1.375, 1.53125, 1.5625, 1.75, 1.765625, 1.875])
    expected = [0.1875, 0.0, 0.125, -0.03125, 0.0, 0.0, -0.015625, 0.09375]
    assert corrections.clearances(codes).tolist() == expected
