"""Families of sequences: what every family keeps, and what each one is made for."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from cases.datasets import frequencies_of, normalised_multiset

from sklearn_hardmax import RaggedSequences
from sklearn_hardmax import datasets as families

MAKERS = [
    families.make_labelled_sequences,
    families.make_shared_tokens,
    families.make_nested_prefixes,
    families.make_leave_one_out,
    families.make_swaps,
    families.make_frequencies,
    families.make_near_equal_tokens,
    families.make_large_offsets,
]


every_family = pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)


@every_family
@pytest.mark.parametrize("token_dim", [1, 3])
@pytest.mark.parametrize("n_sequences", [2, 50])
@pytest.mark.parametrize("seed", range(2))
def test_no_two_sequences_have_equal_normalised_multisets(make, n_sequences, token_dim, seed):
    X, y = make(n_sequences, token_dim=token_dim, random_state=seed)
    assert len({normalised_multiset(Z) for Z in X}) == n_sequences == len(X) == len(y)
    assert X.token_dim == token_dim


@every_family
def test_sequences_are_float64_and_labels_int64(make):
    X, y = make(random_state=0)
    assert isinstance(X, RaggedSequences)
    assert X.dtype == np.float64
    assert y.dtype == np.int64
    assert y.shape == (len(X),)


@every_family
@pytest.mark.parametrize("n_classes", [1, 2, 5, 6])
def test_every_class_occurs_as_soon_as_there_are_enough_sequences(make, n_classes):
    for seed in range(20):
        _, y = make(6, n_classes=n_classes, random_state=seed)
        assert set(y.tolist()) == set(range(n_classes))


@every_family
def test_with_more_classes_than_sequences_no_class_comes_twice(make):
    seen = set()
    for seed in range(20):
        _, y = make(3, n_classes=7, random_state=seed)
        assert len(set(y.tolist())) == 3
        seen.update(y.tolist())
    assert seen == set(range(7))


@every_family
def test_every_sequence_can_get_every_class(make):
    labels = np.array([make(4, n_classes=3, random_state=seed)[1] for seed in range(60)])
    assert all(set(column) == {0, 1, 2} for column in labels.T)


@every_family
def test_one_random_state_gives_one_data_set(make):
    X, y = make(20, token_dim=2, random_state=7)
    again, labels = make(20, token_dim=2, random_state=np.random.RandomState(7))
    assert again == X
    assert labels.tolist() == y.tolist()


@every_family
def test_two_random_states_give_two_data_sets(make):
    X, y = make(40, token_dim=2, random_state=0)
    other, labels = make(40, token_dim=2, random_state=1)
    assert other != X
    assert labels.tolist() != y.tolist()


@every_family
def test_global_random_state_is_left_alone(make):
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    make(10, random_state=0)
    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@every_family
@pytest.mark.parametrize("name", ["n_sequences", "n_classes", "token_dim"])
def test_counts_that_are_no_positive_integers_are_refused(make, name):
    for value in (0, -1, 2.0, True, "3", None):
        with pytest.raises(ValueError, match=rf"^{name} must be an integer of at least \d, got {value!r}\.$"):
            make(**{name: value})


@every_family
def test_parameters_after_the_first_go_by_name(make):
    with pytest.raises(TypeError, match="positional"):
        make(10, 2)


@pytest.mark.parametrize(
    ("make", "parameters", "message"),
    [
        (families.make_labelled_sequences, {"min_length": 0}, "min_length must be an integer of at least 1, got 0"),
        (families.make_labelled_sequences, {"max_length": 1.5}, "max_length must be an integer of at least 1, got 1.5"),
        (families.make_labelled_sequences, {"min_length": 5, "max_length": 4}, "at least min_length = 5, got 4"),
        (families.make_shared_tokens, {"min_length": 5, "max_length": 4}, "at least min_length = 5, got 4"),
        (
            families.make_shared_tokens,
            {"vocabulary_size": 0},
            "vocabulary_size must be an integer of at least 1, got 0",
        ),
        (
            families.make_shared_tokens,
            {"vocabulary_size": 1},
            "have 1 different normalised multisets, but n_sequences is",
        ),
        (families.make_leave_one_out, {"n_sequences": 1}, "n_sequences must be an integer of at least 2, got 1"),
        (families.make_swaps, {"n_sequences": 2**28 + 1}, r"at most 2\*\*28 for exact tokens, got 268435457"),
        (families.make_frequencies, {"support_size": 0}, "support_size must be an integer of at least 1, got 0"),
        (families.make_frequencies, {"n_sequences": 2, "support_size": 1}, "support_size must be at least 2 for more"),
        (families.make_near_equal_tokens, {"length": 0}, "length must be an integer of at least 1, got 0"),
        (families.make_near_equal_tokens, {"gap": 0.0}, "gap must lie in"),
        (families.make_near_equal_tokens, {"gap": 2.0**-52}, "gap must lie in"),
        (families.make_near_equal_tokens, {"gap": 0.011}, r"1 / n_sequences = 0.01\], got 0.011"),
        (families.make_near_equal_tokens, {"gap": math.nan}, "gap must lie in"),
        (families.make_large_offsets, {"min_length": 5, "max_length": 4}, "at least min_length = 5, got 4"),
        (families.make_large_offsets, {"gap_ulp": 0}, "gap_ulp must be an integer of at least 1, got 0"),
        (families.make_large_offsets, {"gap_ulp": 2**52}, "offset must be finite and at least twice the extent"),
        (families.make_large_offsets, {"offset": 0.0}, "offset must be finite and at least twice the extent"),
        (families.make_large_offsets, {"offset": math.inf}, "offset must be finite"),
        (families.make_large_offsets, {"offset": math.nan}, "offset must be finite"),
    ],
)
def test_parameters_outside_their_bounds_are_refused(make, parameters, message):
    with pytest.raises(ValueError, match=message):
        make(random_state=0, **parameters)


@pytest.mark.parametrize(
    ("make", "defaults"),
    [
        (families.make_labelled_sequences, {"n_sequences": 100, "token_dim": 2, "min_length": 1, "max_length": 20}),
        (families.make_shared_tokens, {"n_sequences": 100, "token_dim": 2, "vocabulary_size": 8, "max_length": 20}),
        (families.make_nested_prefixes, {"n_sequences": 50, "token_dim": 2}),
        (families.make_leave_one_out, {"n_sequences": 50, "token_dim": 2}),
        (families.make_swaps, {"n_sequences": 100, "token_dim": 1}),
        (families.make_frequencies, {"n_sequences": 100, "token_dim": 2, "support_size": 2}),
        (families.make_near_equal_tokens, {"n_sequences": 100, "token_dim": 2, "length": 5, "gap": 1e-9}),
        (families.make_large_offsets, {"n_sequences": 100, "token_dim": 2, "offset": 1e8, "gap_ulp": 4096}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_defaults_are_the_documented_ones(make, defaults):
    X, y = make(random_state=0)
    same, labels = make(**defaults, n_classes=2, random_state=0)
    assert same == X
    assert labels.tolist() == y.tolist()


@pytest.mark.parametrize("make", [families.make_labelled_sequences, families.make_large_offsets])
def test_lengths_take_all_values_between_their_bounds(make):
    X, _ = make(500, min_length=3, max_length=7, random_state=0)
    assert set(X.lengths.tolist()) == {3, 4, 5, 6, 7}


@pytest.mark.parametrize("make", [families.make_labelled_sequences, families.make_large_offsets])
def test_all_tokens_of_generic_sequences_differ(make):
    X, _ = make(300, token_dim=2, random_state=0)
    assert len(set(map(tuple, X.tokens.tolist()))) == X.n_tokens


def test_shared_tokens_come_from_one_vocabulary():
    X, _ = families.make_shared_tokens(200, vocabulary_size=5, min_length=2, max_length=12, random_state=0)
    assert len(np.unique(X.tokens, axis=0)) == 5
    assert X.lengths.min() >= 2
    assert X.lengths.max() <= 12


@pytest.mark.parametrize(
    ("size", "shortest", "longest"),
    [(1, 1, 3), (1, 4, 4), (2, 1, 3), (2, 1, 12), (2, 4, 6), (2, 6, 6), (3, 1, 5), (3, 4, 4), (4, 2, 3), (5, 1, 1)],
)
def test_shared_tokens_reach_every_normalised_multiset_and_no_more(size, shortest, longest):
    known = frequencies_of(size, shortest, longest)
    parameters = {"vocabulary_size": size, "min_length": shortest, "max_length": longest, "random_state": 0}
    X, _ = families.make_shared_tokens(len(known), **parameters)
    vocabulary = sorted(set(map(tuple, X.tokens.tolist())))
    got = {tuple(dict(normalised_multiset(Z)).get(token, Fraction(0)) for token in vocabulary) for Z in X}
    assert got == known
    assert X.lengths.min() >= shortest
    assert X.lengths.max() <= longest
    with pytest.raises(ValueError, match=rf"have {len(known)} different normalised multisets, but n_sequences is"):
        families.make_shared_tokens(len(known) + 1, **parameters)


@pytest.mark.parametrize(("size", "longest"), [(2, 15), (3, 6), (40, 2)])
def test_shared_tokens_stay_different_when_drawn_close_to_the_listing(size, longest):
    known = len(frequencies_of(size, 1, longest))
    for n_sequences in ((known - 1) // 4, (known - 1) // 4 + 1):  # the last that are drawn, the first that are listed
        parameters = {"vocabulary_size": size, "max_length": longest, "random_state": 0}
        X, _ = families.make_shared_tokens(n_sequences, **parameters)
        assert len({normalised_multiset(Z) for Z in X}) == n_sequences
        assert len(set(X.lengths.tolist())) > 1


@pytest.mark.parametrize("make", [families.make_shared_tokens, families.make_frequencies])
def test_equal_tokens_do_not_stand_side_by_side(make):
    X, _ = make(100, token_dim=1, random_state=0)
    runs = [1 + int((Z[1:] != Z[:-1]).sum()) for Z in X]
    kinds = [len(np.unique(Z)) for Z in X]
    assert sum(runs) > 1.2 * sum(kinds)


def test_prefixes_begin_the_longest_sequence():
    X, _ = families.make_nested_prefixes(30, token_dim=3, random_state=0)
    assert X.lengths.tolist() == list(range(1, 31))
    for j, Z in enumerate(X):
        assert np.array_equal(Z, X[29][: j + 1])


@pytest.mark.parametrize("n_sequences", [2, 3, 25])
def test_leaving_one_out_leaves_out_one(n_sequences):
    X, _ = families.make_leave_one_out(n_sequences, token_dim=3, random_state=0)
    base = np.concatenate([X[1][:1], X[0]])  # sequence 0 lacks only token 0, with which sequence 1 begins
    assert len(np.unique(base, axis=0)) == n_sequences
    for j, Z in enumerate(X):
        assert np.array_equal(Z, np.delete(base, j, axis=0))


def exact_scores(sequence, direction):
    return [sum(u * Fraction(z) for u, z in zip(direction, token)) for token in sequence.tolist()]


@pytest.mark.parametrize("token_dim", [1, 2, 3])
def test_swaps_agree_in_maximum_minimum_and_mean_in_every_direction(token_dim):
    X, _ = families.make_swaps(50, token_dim=token_dim, random_state=0)
    rng = np.random.default_rng(0)
    for _ in range(15):
        direction = [Fraction(float(u)) for u in rng.standard_normal(token_dim)]
        scores = [exact_scores(Z, direction) for Z in X]
        assert len({max(s) for s in scores}) == 1
        assert len({min(s) for s in scores}) == 1
        assert {sum(s) for s in scores} == {0}


def test_swaps_agree_even_where_the_direction_is_almost_orthogonal_to_the_line():
    X, _ = families.make_swaps(50, token_dim=2, random_state=0)
    v = [Fraction(x) for x in X[0][1].tolist()]
    for tilt in (Fraction(1, 10**40), Fraction(-1, 10**40), Fraction(0)):
        direction = [-v[1] + tilt, v[0]]
        scores = [exact_scores(Z, direction) for Z in X]
        assert {(max(s), min(s)) for s in scores} == {(abs(tilt * v[0]), -abs(tilt * v[0]))}


@pytest.mark.parametrize("n_sequences", [1, 2, 3, 4, 7, 8, 100])
def test_swapped_tokens_stand_apart_between_zero_and_one(n_sequences):
    for seed in range(4):
        X, _ = families.make_swaps(n_sequences, random_state=seed)
        a = [Fraction(float(Z[2, 0])) for Z in X]
        assert all(Z.ravel().tolist() == [-1.0, 1.0, float(b), -float(b)] for Z, b in zip(X, a))
        assert 0 < a[0]
        assert a[-1] < 1
        assert all(c - b >= Fraction(1, 4 * n_sequences) for b, c in itertools.pairwise(a))


@pytest.mark.parametrize("token_dim", [2, 5])
def test_the_line_of_the_swaps_has_length_one(token_dim):
    X, _ = families.make_swaps(3, token_dim=token_dim, random_state=0)
    v = X[0][1]
    assert abs(math.hypot(*v) - 1) <= token_dim * 2.0**-25
    assert all(np.array_equal(Z, np.outer([-1, 1, b, -b], v)) for Z, b in zip(X, [0.25, 0.5, 0.75]))


def test_one_sequence_may_have_a_single_token_as_support():
    X, _ = families.make_frequencies(1, support_size=1, random_state=0)
    assert len(np.unique(X.tokens, axis=0)) == 1
