"""Training labels are exact whatever the heads leave; conflicts, class weights, penalties, temperatures."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from cases.families import FAMILIES, family
from cases.scoring import classifier, shifted_walks
from effort import slow

from sklearn_hardmax import (
    ConstructionError,
    RaggedSequences,
    SequenceConflictWarning,
)
from sklearn_hardmax.constructions.codes.random_code import RandomCode
from sklearn_hardmax.constructions.heads.families import default_n_heads
from sklearn_hardmax.constructions.scoring import build as scoring
from sklearn_hardmax.constructions.scoring import corrections
from sklearn_hardmax.forward import apply


@pytest.mark.parametrize("ordered", [True, *slow(False)])
@pytest.mark.parametrize("n_classes", [5, *slow(2)])
@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_is_classified_exactly_in_any_batch(name, n_classes, ordered):
    X, y = family(name, n_classes=n_classes)
    fitted = classifier(ordered=ordered).fit(X, y)
    assert fitted.n_conflicts_ == 0
    assert fitted.margin_ > 1
    assert np.array_equal(fitted.predict(X), y)
    scores = fitted.decision_function(X)
    assert [fitted.predict(X[i : i + 1])[0] for i in range(len(X))] == y.tolist()
    assert all(np.array_equal(fitted.decision_function(X[i : i + 1])[0], scores[i]) for i in range(0, len(X), 7))
    order = np.random.default_rng(0).permutation(len(X))
    assert np.array_equal(fitted.decision_function(X[order]), scores[order])


@pytest.mark.parametrize("n_heads", [1, 2, 8, 200])
@pytest.mark.parametrize("name", ["labelled_sequences", "frequencies"])
def test_any_number_of_heads_classifies_exactly(name, n_heads):
    X, y = family(name, n_classes=3)
    for ordered in (False, True):
        fitted = classifier(n_heads, ordered=ordered).fit(X, y)
        assert fitted.score(X, y) == 1.0
        assert fitted.n_heads_ == n_heads


def test_the_fewest_heads_leave_the_most_to_corrections():
    """One head is nearly no classifier: a third of random labels needs corrections; 64 heads per sequence interpolate."""
    X, y = family("labelled_sequences", 60)
    assert classifier(1).fit(X, y).n_corrections_ >= 20
    assert classifier("auto", alphas=[1e-3]).fit(X, y).n_corrections_ == 0


def test_auto_is_64_heads_per_sequence_and_8000_at_most():
    assert [default_n_heads(n) for n in (1, 2, 125, 126, 10**6)] == [64, 128, 8000, 8000, 8000]
    X, y = family("labelled_sequences", 5)
    assert classifier("auto").fit(X, y).n_heads_ == 320


@pytest.mark.parametrize("scale", [1e-300, 1e-3, 1e200, 1e300])
def test_classification_is_exact_at_every_scale(scale):
    for name in ("labelled_sequences", "swaps", "near_equal_tokens"):
        X, y = family(name, n_classes=3)
        X = RaggedSequences(X.tokens * scale, X.offsets)
        for ordered in (False, True):
            assert classifier(ordered=ordered).fit(X, y).score(X, y) == 1.0


def test_what_is_learned_generalises():
    """Bumps of height 2 on unit noise: unseen accuracy far above the majority, where labels without a rule leave 1/2."""
    X, y = shifted_walks(100)
    new, z = shifted_walks(200, seed=1)
    assert classifier(500).fit(X, y).score(new, z) > 0.9


@pytest.mark.parametrize("gap", [2.0**-30, 2.0**-36, 2.0**-38, 2.0**-40])
def test_whatever_the_construction_without_heads_tells_apart_heads_do_too(gap):
    X, y = family("near_equal_tokens", 30, gap=gap)
    assert classifier(0, ordered=False).fit(X, y).score(X, y) == 1.0
    assert classifier(ordered=False).fit(X, y).score(X, y) == 1.0


def conflicting(n_classes=3):
    """Sequence 3 three times and its other label in the majority; sequence 5 once more, in reverse."""
    X, y = family("labelled_sequences", n_classes=n_classes)
    assert len(X[5]) > 1
    more = [(y[3] + 1) % n_classes] * 2 + [(y[5] + 1) % n_classes]
    return RaggedSequences.from_list([*X, X[3], X[3], X[5][::-1]]), np.append(y, more)


@pytest.mark.parametrize("ordered", [False, True])
def test_equal_sequences_get_their_majority_label_under_one_warning_as_without_heads(ordered):
    X, y = conflicting()
    labels, messages = [], []
    for n_heads in (0, 42):
        with pytest.warns(SequenceConflictWarning, match="sequences 3, 40, 41 are equal") as caught:
            fitted = classifier(n_heads, ordered=ordered).fit(X, y)
        assert len(caught) == 1
        assert caught[0].filename == __file__
        messages.append(str(caught[0].message))
        labels.append(fitted.predict(X))
        assert fitted.n_conflicts_ == (1 if ordered else 2)
    assert messages[0] == messages[1]
    assert np.array_equal(labels[0], labels[1])
    wrong = np.flatnonzero(labels[1] != y)
    assert wrong.tolist() == [3] if ordered else set(wrong) < {3, 5, 42}


def test_settling_conflicts_leaves_the_labels_of_the_caller_as_they_are():
    X, y = conflicting()
    labels = y.copy()
    options = {"n_heads": 20, "ordered": True, "alphas": np.ones(1), "exact": True, "rng": np.random.RandomState(0)}
    built, conflicts = scoring.build_scoring(X, labels, np.ones(3), **options)
    assert len(conflicts) == 1
    assert np.array_equal(labels, y)
    assert (built.labels(X) != y).sum() == 1


def test_raise_raises_and_inexact_does_not_look():
    X, y = conflicting()
    with pytest.raises(ConstructionError, match="sequences 3, 40, 41 are equal"):
        classifier(on_conflict="raise").fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted = classifier(exact=False, on_conflict="raise").fit(X, y)
    assert fitted.n_corrections_ == fitted.n_conflicts_ == 0


def test_two_equal_sequences_of_two_classes_are_one_class():
    with pytest.warns(SequenceConflictWarning, match="sequences 0, 1 are equal"):
        fitted = classifier(5).fit([[[1.0], [2.0]]] * 2, ["b", "a"])
    assert fitted.predict([[[1.0], [2.0]], [[7.0]]]).tolist() == ["a", "a"]  # equally frequent: the first class


@pytest.mark.parametrize("n", [59, 60, 61, 62])
def test_classification_is_exact_on_both_sides_of_the_boundary(n):
    X, y = family("labelled_sequences", n, n_classes=3)
    for ordered in (False, True):
        assert classifier(60, ordered=ordered).fit(X, y).score(X, y) == 1.0


def test_class_weights_move_the_regression_and_keep_training_labels():
    X, y = family("labelled_sequences", 80)
    new, _ = family("labelled_sequences", 300, seed=1)
    shares = []
    for weight in (1e-3, 1, 1e3):
        fitted = classifier(class_weight={0: 1, 1: weight}, alphas=[1.0]).fit(X, y)
        assert fitted.score(X, y) == 1.0
        shares.append(fitted.predict(new).mean())
    assert shares[0] < shares[1] < shares[2]


def test_balanced_weights_are_those_of_scikit_learn():
    """10 of class 0 and 30 of class 1 among 40: 40 / (2 * 10) = 2 and 40 / (2 * 30) = 2/3."""
    X, _ = family("labelled_sequences", 40)
    y = np.arange(40) % 4 > 0
    balanced = classifier(class_weight="balanced").fit(X, y)
    by_hand = classifier(class_weight={False: 2.0, True: 2 / 3}).fit(X, y)
    assert np.array_equal(balanced.decision_function(X), by_hand.decision_function(X))


def test_a_large_penalty_leaves_the_weighted_mean_target():
    """30 of 40 in the class: every score tends to (30 - 10) / 40 = 1/2."""
    X, _ = family("labelled_sequences", 40)
    y = np.arange(40) % 4 > 0
    fitted = classifier(alphas=[1e14], exact=False).fit(X, y)
    np.testing.assert_allclose(fitted.decision_function(X), 0.5, atol=1e-9)


def test_one_decision_of_two_classes_is_half_the_difference_of_scores():
    X, y = family("labelled_sequences", 30)
    fitted = classifier().fit(X, y)
    scores = fitted._built.scores(X)
    assert np.array_equal(fitted.decision_function(X), (scores[:, 1] - scores[:, 0]) / 2)
    assert np.array_equal(fitted.decision_function(X) > 0, y == 1)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_heads": -1}, "n_heads must be an integer of at least 0, got -1"),
        ({"n_heads": 3.0}, "n_heads must be an integer of at least 0, got 3.0"),
        ({"n_heads": True}, "n_heads must be an integer of at least 0, got True"),
        ({"alphas": []}, "alphas must be 'auto' or a list of positive finite numbers, got"),
        ({"alphas": [0.0]}, "alphas must be 'auto' or a list of positive finite numbers, got"),
        ({"alphas": [1.0, -1.0]}, "alphas must be 'auto' or a list of positive finite numbers, got"),
        ({"alphas": [1.0, np.inf]}, "alphas must be 'auto' or a list of positive finite numbers, got"),
        ({"alphas": [np.nan]}, "alphas must be 'auto' or a list of positive finite numbers, got"),
        ({"alphas": 1.0}, "alphas must be 'auto' or a list of positive finite numbers, got"),
        ({"alphas": [[1.0]]}, "alphas must be 'auto' or a list of positive finite numbers, got"),
        ({"exact": 1}, "exact must be True or False, got 1"),
    ],
)
def test_parameters_out_of_range_are_refused(parameters, message):
    X, y = family("labelled_sequences", 6)
    with pytest.raises(ValueError, match=message):
        classifier(**parameters).fit(X, y)


@pytest.mark.parametrize("alphas", [[1], (0.5, 2.0), np.array([3], dtype=np.float32), range(1, 4)])
def test_penalties_may_be_any_list_of_positive_numbers(alphas):
    X, y = family("labelled_sequences", 6)
    assert classifier(alphas=alphas).fit(X, y).score(X, y) == 1.0


def check_edge(X, y, n_heads=42, orders=(True, False)):
    for ordered in orders:
        fitted = classifier(n_heads, ordered=ordered).fit(X, y)
        assert np.array_equal(fitted.predict(X), y)
        assert np.isfinite(fitted.decision_function(X)).all()
        assert np.array_equal(fitted.decode(apply(fitted.to_transformer(None), fitted.encode(X))), y)


def test_windows_longer_than_every_sequence_read_zeros_beyond():
    X = RaggedSequences.from_list([[[0.0], [1.0]], [[1.0], [0.0]], [[2.0], [5.0], [4.0]]])
    check_edge(X, ["a", "b", "b"], orders=[True])


def test_constant_features_and_constant_data_carry_nothing():
    X, y = family("labelled_sequences", 30, token_dim=3)
    check_edge(RaggedSequences(X.tokens * [1, 0, 1] + [0, 7.3, 0], X.offsets), y)
    X = RaggedSequences(np.full((12, 2), 1 / 3), np.arange(0, 13, 4))
    with pytest.warns(SequenceConflictWarning, match="sequences 0, 1, 2 are equal"):
        fitted = classifier().fit(X, [0, 1, 1])
    assert fitted.predict(X).tolist() == [1, 1, 1]


def test_lengths_alone_tell_ordered_constant_sequences_apart():
    X = RaggedSequences.from_list([np.full((n, 1), 2.5) for n in range(1, 9)])
    check_edge(X, np.arange(8) % 2, orders=[True])


@pytest.mark.parametrize("n", [2, 3, 5])
def test_few_sequences_and_classes_of_one_member(n):
    X, _ = family("labelled_sequences", n)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # as many classes as sequences
        check_edge(X, np.arange(n))
    check_edge(X, ["one"] + ["rest"] * (n - 1), n_heads=1)


def test_one_class_is_predicted_for_everything_by_both_paths():
    X, _ = family("labelled_sequences", 10)
    check_edge(X, ["only"] * 10)
    assert classifier().fit(X, ["only"] * 10).n_corrections_ == 0
    assert classifier().fit(X[:1], ["only"]).predict(X).tolist() == ["only"] * 10


def test_a_thousand_features():
    X, y = family("labelled_sequences", 20, token_dim=1000, max_length=5)
    for ordered in (True, False):
        fitted = classifier(100, ordered=ordered).fit(X, y)
        assert fitted.score(X, y) == 1.0


def test_one_token_beside_a_hundred_thousand():
    rng = np.random.default_rng(0)
    X = RaggedSequences.from_list([rng.normal(size=(n, 1)) for n in (1, 100_000, 1, 3, 100, 2)])
    y = np.array([0, 1, 1, 0, 1, 0])
    for ordered in (True, False):
        fitted = classifier(20, ordered=ordered).fit(X, y)
        assert np.array_equal(fitted.predict(X), y)
        scores = fitted.decision_function(X)
        assert [fitted.decision_function(X[i : i + 1])[0] for i in range(6)] == scores.tolist()
        assert np.array_equal(fitted.decode(apply(fitted.to_transformer(None), fitted.encode(X))), y)


@pytest.mark.parametrize("n_heads", [20, 42])  # the regression among heads and among sequences
@pytest.mark.parametrize("ordered", [False, True])
def test_class_weights_of_any_size_are_taken_but_not_further_apart_than_float64_resolves(ordered, n_heads):
    X, y = family("labelled_sequences", 40)
    with pytest.raises(ConstructionError, match=r"Class weights from 1e-308 to 1e\+308 are further apart than float64"):
        classifier(n_heads, ordered=ordered, class_weight={0: 1e-308, 1: 1e308}).fit(X, y)
    decisions = [
        classifier(n_heads, ordered=ordered, class_weight={0: w, 1: w}).fit(X, y).decision_function(X)
        for w in (1.0, 2.0**1000, 2.0**-1000)
    ]
    assert np.array_equal(decisions[0], decisions[1])
    assert np.array_equal(decisions[0], decisions[2])


def test_codes_without_room_for_corrections_are_refused(monkeypatch):
    monkeypatch.setattr(corrections, "_NARROWEST", 1.0)
    X, y = family("labelled_sequences", 30)
    with pytest.raises(
        ConstructionError, match="leaves room for the corrections that make them exact; use exact=False"
    ):
        classifier(3).fit(X, y)
    assert classifier(3, exact=False).fit(X, y).n_corrections_ == 0


def test_where_sums_of_few_tokens_meet_two_random_codes_are_tried_and_then_bumps(monkeypatch):
    """(0, 0) + (1, 1) = (0, 1) + (1, 0): no linear ramp tells the first two sequences apart."""
    square = np.array([[0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [1.0, 0.0]])
    corners = [*square[[0, 1, 0, 1]] * [[-3.0], [-3.0], [3.0], [3.0]], [3.0, -3.0], [-3.0, 3.0]]
    X = RaggedSequences.from_list([[*corners, *square[:2]], [*corners, *square[2:]]] * 4)
    y = np.array([0, 1] * 4)
    codes = []
    honest = RandomCode.sample

    def linear(projection, rng):
        """A random code whose ramps are linear on all tokens: its means are those of a projection."""
        codes.append(replace(code := honest(projection, rng), ramps=code.ramps / 16, biases=np.full(4, 0.5)))
        return codes[-1]

    monkeypatch.setattr(RandomCode, "sample", linear)
    monkeypatch.setattr(scoring, "_THIN_MARGIN", 10.0)  # all need a correction
    fitted = classifier(n_heads=7, ordered=False, alphas=[1e9]).fit(X, y)
    assert len(codes) == 2
    assert (fitted.n_conflicts_, fitted.score(X, y)) == (0, 1.0)
    assert fitted._built.corrections.code.kind == "bumps"
