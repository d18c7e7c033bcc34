"""Scores from pooled sums against exact arithmetic: integers of any size, rounded where it is said and nowhere else."""

from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
from effort import examples
from hypothesis import given
from hypothesis import strategies as st

from sklearn_hardmax.constructions.heads.pooled import MAX, MEAN, PPV
from sklearn_hardmax.constructions.scoring.readout import Readout


def heads_of(kinds, unit=2.0**14):
    """What a readout asks heads for."""
    kinds = np.asarray(kinds)
    return SimpleNamespace(kinds=kinds, n_heads=len(kinds), scales=np.where(kinds == PPV, 1.0, 1.0 / unit))


def drawn(n_heads, n_classes, rng, spread=0.0):
    """Heads of all kinds, coefficients (F, C) whose sizes vary by 10^spread, and the readout."""
    heads = heads_of(rng.choice([PPV, MEAN, MAX], n_heads), 2.0 ** rng.integers(0, 30))
    coefficients = rng.normal(size=(n_heads, n_classes)) * 10.0 ** rng.uniform(-spread, spread, (n_heads, 1))
    return (
        heads,
        coefficients,
        Readout.from_coefficients(coefficients, rng.normal(size=n_classes), np.zeros(n_heads), heads),
    )


def integer_sums(heads, n, largest, rng):
    """Sums (F, n): counts and sums of relu are not negative, maxima may be."""
    sums = np.floor(rng.uniform(-1, 1, (heads.n_heads, n)) * largest)
    return np.where((heads.kinds == MAX)[:, None], sums, np.abs(sums))


def integers_of(readout, kind):
    """Integers (C, F) of one kind of heads, 0 where there is none."""
    n_classes, n_heads = len(readout.intercept), readout.integers.shape[1]
    if kind not in readout.kinds:
        return np.zeros((n_classes, n_heads))
    return readout.integers.reshape(len(readout.kinds), n_classes, n_heads)[readout.kinds.index(kind)]


def step_of(readout, kind):
    return dict(zip(readout.kinds, readout.steps.tolist())).get(kind, 1.0)


def scores_of(readout, lengths, sums, slack=1):
    """Under a bound on the sums that is `slack` times their largest modulus."""
    return readout.scores(lengths, sums, slack * np.abs(sums).max(initial=0))


def exact_products(readout, kind, sums):
    """For every class and sequence the integer that the heads of one kind add up to, as Python ints."""
    columns = [[int(s) for s in column] for column in sums.T]
    rows = [[int(i) for i in row] for row in integers_of(readout, kind)]
    return [[sum(i * s for i, s in zip(row, column)) for column in columns] for row in rows]


SEEDS = st.integers(0, 2**32)


@examples(60)
@given(SEEDS, st.integers(1, 40), st.integers(1, 4), st.integers(0, 40), st.sampled_from([0.0, 3.0]))
def test_scores_are_exact_sums_with_five_roundings(seed, n_heads, n_classes, bits, spread):
    """Sums below 2^40: each kind adds up to one integer, which is rounded once; +, /, + and + are rounded once each."""
    rng = np.random.default_rng(seed)
    heads, _, readout = drawn(n_heads, n_classes, rng, spread)
    sums, lengths = integer_sums(heads, 5, 2.0**bits, rng), rng.integers(1, 100_000, 5)
    share, mean, best = (
        [[float(p) for p in row] for row in exact_products(readout, k, sums)] for k in (PPV, MEAN, MAX)
    )
    step = [step_of(readout, kind) for kind in (PPV, MEAN, MAX)]
    wanted = [
        [((step[0] * a + step[1] * b) / n + beta) + step[2] * c for a, b, c, n in zip(*rows, lengths.tolist())]
        for beta, *rows in zip(readout.intercept.tolist(), share, mean, best)
    ]
    assert np.array_equal(scores_of(readout, lengths, sums), wanted)


@examples(40)
@given(SEEDS, st.integers(1, 300), st.integers(41, 53))
def test_sums_up_to_two_to_the_53_err_by_two_roundings_of_their_integer(seed, n_heads, bits):
    rng = np.random.default_rng(seed)
    for kind in (PPV, MAX):
        heads = heads_of([kind] * n_heads, 1.0)
        readout = Readout.from_coefficients(rng.normal(size=(n_heads, 2)), np.zeros(2), np.zeros(n_heads), heads)
        sums = integer_sums(heads, 3, 2.0**bits, rng)
        scores = scores_of(readout, np.ones(3), sums)
        for row, wanted in zip(scores.tolist(), exact_products(readout, kind, sums)):
            for score, exact in zip(row, wanted):
                # the last but one rounding is of a multiple of 2^20, its size at most |exact| + 2^52
                bound = 2 * Fraction(2) ** -53 * (abs(exact) + 2**52)
                assert abs(Fraction(score) / Fraction(step_of(readout, kind)) - exact) <= bound


@pytest.mark.parametrize("bits", [3, 19, 20, 21, 39, 40, 41, 53])
def test_scores_are_the_same_bits_for_any_batch_bound_and_order_of_heads(bits):
    """A sequence of small sums beside one of large ones too, or under a larger bound: its sums are cut into limbs as well."""
    rng = np.random.default_rng(bits)
    heads, coefficients, readout = drawn(500, 3, rng)
    sums, lengths = integer_sums(heads, 40, 2.0**bits, rng), rng.integers(1, 5000, 40)
    sums[:, 20:] = np.floor(sums[:, 20:] / 2.0 ** (bits - 2))
    scores = scores_of(readout, lengths, sums)
    for slack in (2, 2**7, 2**15):
        assert np.array_equal(scores_of(readout, lengths, sums, slack), scores)
    for i in range(40):
        assert np.array_equal(scores_of(readout, lengths[i : i + 1], sums[:, [i]])[:, 0], scores[:, i])
    for size in (3, 16, 33):
        parts = [scores_of(readout, lengths[i : i + size], sums[:, i : i + size]) for i in range(0, 40, size)]
        assert np.array_equal(np.hstack(parts), scores)
    assert np.array_equal(scores_of(readout, lengths, np.asfortranarray(sums)), scores)
    order = rng.permutation(500)
    again = heads_of(heads.kinds[order], 1 / heads.scales.min())
    moved = Readout.from_coefficients(coefficients[order], readout.intercept, np.zeros(500), again)
    assert moved.kinds == readout.kinds
    assert np.array_equal(moved.steps, readout.steps)
    assert np.array_equal(scores_of(moved, lengths, sums[order]), scores)


@pytest.mark.parametrize("n_heads", [1, 7, 8000])
@pytest.mark.parametrize("spread", [0.0, 6.0])
def test_coefficients_change_by_half_a_step_and_their_integers_stay_below_two_to_the_32(n_heads, spread):
    rng = np.random.default_rng(n_heads)
    heads, coefficients, readout = drawn(n_heads, 3, rng, spread)
    found = readout.coefficients(heads)
    assert found.shape == coefficients.shape
    assert set(readout.kinds) == set(heads.kinds.tolist())
    assert MAX not in readout.kinds[:-1]
    for kind in readout.kinds:
        mine, integers, step = heads.kinds == kind, integers_of(readout, kind), step_of(readout, kind)
        assert np.frexp(step)[0] == 0.5
        assert not integers[:, ~mine].any()
        assert np.array_equal(integers, np.rint(integers))
        sums = [sum(abs(int(i)) for i in row) for row in integers]
        assert max(sums) < 2**32
        assert max(sums) >= 2**30 - n_heads  # no bit more than one is left unused
        scale = heads.scales[mine][0]
        errors = np.abs(found[mine] - coefficients[mine]) * scale
        assert errors.max() <= step / 2
        assert np.array_equal(found[mine] * scale / step, integers[:, mine].T)


def test_a_score_by_hand():
    """Coefficients 3/4 of a share, -1/2 of a mean and 2 of a maximum in units of 4, intercept 1; n = 10.

    Count 5, sum 80, maximum -6: 1 + 3/4 * 5/10 - 1/2 * 80/4/10 + 2 * -6/4 = 1 + 0.375 - 1 - 3 = -2.625.
    """
    heads = heads_of([PPV, MEAN, MAX], 4.0)
    readout = Readout.from_coefficients(np.array([[0.75], [-0.5], [2.0]]), np.array([1.0]), np.zeros(3), heads)
    assert readout.scores(np.array([10]), np.array([[5.0], [80.0], [-6.0]]), 80).tolist() == [[-2.625]]
    assert readout.coefficients(heads).tolist() == [[0.75], [-0.5], [2.0]]


@pytest.mark.parametrize("kinds", [[PPV], [MEAN, MEAN], [MAX], [PPV, MAX]])
def test_without_coefficients_the_score_is_the_intercept(kinds):
    heads = heads_of(kinds)
    readout = Readout.from_coefficients(np.zeros((len(kinds), 2)), np.array([3.0, -1.0]), np.zeros(len(kinds)), heads)
    assert scores_of(readout, np.array([7]), np.full((len(kinds), 1), 2.0**40)).tolist() == [[3.0], [-1.0]]
    assert not readout.coefficients(heads).any()
