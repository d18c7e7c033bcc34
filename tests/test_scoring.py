"""The classifier with heads: training labels without exception, the fast path and the network, what it explains."""

import pickle
import re
import tracemalloc
import warnings
from fractions import Fraction

import numpy as np
import oracle
import pandas as pd
import pytest
from effort import slow
from hypothesis import given
from hypothesis import strategies as st
from joblib import parallel_config
from rounding import rounding_bound

from sklearn_hardmax import (
    Attention,
    ConstructionError,
    HardmaxTransformerClassifier,
    RaggedSequences,
    SequenceConflictWarning,
    datasets,
)
from sklearn_hardmax.constructions.heads.pooled import KINDS, MAX
from sklearn_hardmax.constructions.heads.sampling import default_n_heads
from sklearn_hardmax.constructions.scoring import build as scoring
from sklearn_hardmax.constructions.scoring import corrections as corrections
from sklearn_hardmax.constructions.scoring.explanation import strongest
from sklearn_hardmax.forward import apply

FAMILIES = [
    "labelled_sequences", "shared_tokens", "nested_prefixes", "leave_one_out", "swaps", "frequencies", "near_equal_tokens",
    "large_offsets",
]  # fmt: skip


def family(name, n=40, seed=0, **options):
    return getattr(datasets, f"make_{name}")(n, random_state=seed, **options)


def classifier(n_heads=42, **options):
    return HardmaxTransformerClassifier(n_heads=n_heads, **{"random_state": 0, **options})


def shifted_walks(n, seed=0, n_classes=2):
    """Learnable series: noise, with a bump whose size is the class somewhere."""
    rng = np.random.default_rng(seed)
    X, y = [], rng.integers(0, n_classes, n)
    for label in y:
        x = rng.normal(size=(rng.integers(20, 60), 1))
        at = rng.integers(0, len(x) - 8)
        x[at : at + 8] += 2.0 * label
        X.append(x)
    return RaggedSequences.from_list(X), y


# -- training labels -------------------------------------------------------------------------------------------------------


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


def test_the_fewest_heads_leave_the_most_to_spikes():
    """One head is nearly no classifier: a third of random labels needs a correction at least; 64 heads a sequence interpolate."""
    X, y = family("labelled_sequences", 60)
    assert classifier(1).fit(X, y).n_corrections_ >= 20
    assert classifier("auto", alphas=[1e-3]).fit(X, y).n_corrections_ == 0


def test_auto_is_64_heads_a_sequence_and_8000_at_most():
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


# -- conflicts -------------------------------------------------------------------------------------------------------------


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


# -- the network -----------------------------------------------------------------------------------------------------------


def unseen(X, rng):
    spread = np.abs(X.tokens).max()
    new = [
        rng.normal(size=(rng.integers(1, 30), X.token_dim)) * s for s in [spread] * 8 + [1e-9 * spread, 1e6 * spread]
    ]
    return RaggedSequences.from_list([*new, np.full((2, X.token_dim), 1e300), X[0] + spread * 1e-7])


@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("name", FAMILIES)
def test_the_network_gives_the_labels_and_scores_of_the_fast_path(name, ordered):
    X, y = family(name, 25, n_classes=3)
    fitted = classifier(35, ordered=ordered).fit(X, y)
    new = RaggedSequences.from_list([*X, *unseen(X, np.random.default_rng(0))])
    scores, labels = fitted.decision_function(new), fitted.predict(new)
    for max_width in (4, None):
        transformer = fitted.to_transformer(max_width)
        out = apply(transformer, fitted.encode(new))
        assert np.array_equal(fitted.decode(out), labels)
        registers = [transformer.names.index(f"score {c}") for c in range(3)]
        found = out.tokens[new.offsets[:-1]][:, registers]
        assert (np.abs(found - scores) <= rounding_bound(fitted, new)).all()
    assert (rounding_bound(fitted, new) < 1e-4).all()


@pytest.mark.parametrize("ordered", [False, True])
def test_the_network_in_exact_arithmetic_gives_the_scores_of_the_fast_path(ordered):
    """The layers run in fractions on three short sequences, corrections and all."""
    X, y = family("labelled_sequences", 6, n_classes=2, max_length=4)
    fitted = classifier(5, ordered=ordered, alphas=[1e3]).fit(X, y)
    assert fitted.n_corrections_ > 0
    encoded, scores = fitted.encode(X), fitted.decision_function(X)
    transformer = fitted.to_transformer()
    first = transformer.names.index("score 0")
    for j in range(len(X)):
        last = oracle.run(transformer, encoded[j])[-1]
        values = {(row[first + 1] - row[first]) / 2 for row in last}
        assert len(values) == 1  # all tokens hold it
        assert abs(values.pop() - Fraction(scores[j])) < 1e-13


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("ordered", [False, True])
def test_counts_are_those_of_the_built_network(ordered, exact):
    X, y = family("labelled_sequences", n_classes=3)
    fitted = classifier(ordered=ordered, exact=exact).fit(X, y)
    for max_width in (4, 5, 64, None):
        transformer = fitted.to_transformer(max_width)
        assert transformer.n_blocks == fitted._built.n_blocks(max_width)
        assert transformer.n_parameters == fitted._built.n_parameters(max_width)
        assert transformer.width <= (max_width or np.inf)
        if max_width == 4:
            assert (transformer.n_blocks, transformer.n_parameters) == (fitted.n_blocks_, fitted.n_parameters_)
    reads = [layer for layer in transformer.layers if isinstance(layer, Attention) and layer.rank == 1]
    kinds = fitted._built.heads.kinds
    assert len(reads) == (kinds == MAX).sum() + (4 if fitted.n_corrections_ else 0)  # and four of the random_code


@pytest.mark.parametrize("name", ["labelled_sequences", "frequencies", "shared_tokens"])
def test_size_does_not_change_when_every_sequence_is_lengthened(name):
    X, y = family(name, n_classes=3)
    sizes = []
    for copies in (1, 3, 50):
        long = RaggedSequences.from_list([np.tile(x, (copies, 1)) for x in X])
        fitted = classifier(ordered=False).fit(long, y)
        assert fitted.score(long, y) == fitted.score(X, y) == 1.0
        assert fitted.n_corrections_ > 0
        # other tokens are drawn, so that other sequences need corrections: one block and four hidden units each
        width = fitted._built.token_dim
        sizes.append(
            (fitted.n_blocks_ - fitted.n_corrections_, fitted.n_parameters_ - fitted.n_corrections_ * (8 * width + 5))
        )
    assert len(set(sizes)) == 1


def test_spikes_change_no_prediction_of_generic_data():
    """A correction covers at most 2^-28 of the line of codes."""
    X, y = family("labelled_sequences", 60, n_classes=3)
    new, _ = family("labelled_sequences", 1000, seed=1)
    for ordered in (False, True):
        with_spikes, without = (classifier(ordered=ordered, exact=exact).fit(X, y) for exact in (True, False))
        assert with_spikes.n_corrections_ > 5
        assert without.n_corrections_ == 0
        assert np.array_equal(with_spikes.decision_function(new), without.decision_function(new))
        assert without.score(X, y) < 1 == with_spikes.score(X, y)


def test_weights_beyond_the_memory_limit_are_refused_before_they_are_made(monkeypatch):
    X, y = family("labelled_sequences", 20)
    fitted = classifier().fit(X, y)
    monkeypatch.setattr("sklearn_hardmax.constructions.common.plans.MEMORY_LIMIT", 100)
    with pytest.raises(MemoryError, match=r"The weights would take 0\.0 GiB"):
        fitted.to_transformer()


@pytest.mark.parametrize("max_width", [3, 0, 4.0, "4"])
def test_a_width_that_no_hat_fits_into_is_refused(max_width):
    X, y = family("labelled_sequences", 20)
    with pytest.raises(ValueError, match="max_width must be None or an integer of at least 4"):
        classifier().fit(X, y).to_transformer(max_width)


def test_read_labels_refuses_tokens_that_are_no_output():
    X, y = family("labelled_sequences", 10)
    fitted = classifier().fit(X, y)
    out = apply(fitted.to_transformer(None), fitted.encode(X))
    with pytest.raises(ValueError, match="these tokens have 1"):
        fitted.decode(RaggedSequences(out.tokens[:, :1], out.offsets))
    broken, i = out.tokens.copy(), int(np.argmax(X.lengths))
    at = fitted.to_transformer(None).names.index("score 0")
    broken[X.offsets[i], at : at + 2] = broken[X.offsets[i], at : at + 2][::-1]
    with pytest.raises(ValueError, match="has another label than its sequence"):
        fitted.decode(RaggedSequences(broken, out.offsets))


# -- the regression --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [60, 61])
@pytest.mark.parametrize("ordered", [False, True])
def test_dual_and_primal_ridge_give_close_decisions_at_the_boundary(ordered, n, monkeypatch):
    """60 sequences and 60 heads are solved among sequences, 61 sequences among heads; here each by the other way too."""
    X, y = family("labelled_sequences", n, n_classes=3)
    new, _ = family("labelled_sequences", 50, seed=1)
    fitted = classifier(60, ordered=ordered, exact=False, alphas=[0.1, 1.0])
    decisions, asked = fitted.fit(X, y).decision_function(new), []
    dual, primal = scoring.ridge_from_features, scoring.ridge_from_chunks

    def by_chunks(features, *others):
        asked.append("dual")
        parts = [np.arange(i, min(i + 7, n)) for i in range(0, n, 7)]
        return primal(lambda: ((rows, features[:, rows]) for rows in parts), n, *others)

    def from_features(chunks, n_sequences, *others):
        asked.append("primal")
        features = np.empty((60, n_sequences))
        for rows, block in chunks():
            features[:, rows] = block
        return dual(features, *others)

    monkeypatch.setattr(scoring, "ridge_from_features", by_chunks)
    monkeypatch.setattr(scoring, "ridge_from_chunks", from_features)
    others = fitted.fit(X, y).decision_function(new)
    assert asked == ["dual" if n == 60 else "primal"]
    np.testing.assert_allclose(others, decisions, rtol=0, atol=1e-6 * np.abs(decisions).max())


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


@pytest.mark.parametrize("ordered", [False, True])
def test_the_penalties_of_auto_are_those_of_the_docstring(ordered, monkeypatch):
    (documented,) = re.findall(r'"auto" is (np\.logspace\(.*?\))', HardmaxTransformerClassifier.__doc__)
    offered = []

    def solve(features, targets, sample_weight, alphas, *others):
        offered.append(alphas)
        return ridge_from_features(features, targets, sample_weight, alphas, *others)

    ridge_from_features = scoring.ridge_from_features
    monkeypatch.setattr(scoring, "ridge_from_features", solve)
    X, y = family("labelled_sequences", n_classes=3)
    classifier(ordered=ordered, alphas="auto").fit(X, y)
    assert len(offered) == 1
    assert np.array_equal(offered[0], eval(documented))


def test_jobs_and_batches_change_nothing():
    X, y = shifted_walks(60, n_classes=3)
    for ordered in (False, True):
        one = classifier(ordered=ordered).fit(X, y)
        with parallel_config("threading"):
            two = classifier(ordered=ordered, n_jobs=2).fit(X, y)
            assert np.array_equal(two.decision_function(X), one.decision_function(X))
        assert (two.margin_, two.n_corrections_) == (one.margin_, one.n_corrections_)


@pytest.mark.slow
@pytest.mark.parametrize("ordered", [False, True])
def test_two_processes_give_the_fit_and_the_predictions_of_one(ordered):
    X, y = family("labelled_sequences", n_classes=3)
    one = classifier(400, ordered=ordered, alphas=[1e3]).fit(X, y)
    assert one.n_corrections_ > 0
    with parallel_config("loky"):
        two = classifier(400, ordered=ordered, alphas=[1e3], n_jobs=2).fit(X, y)
        decisions = two.decision_function(X)
    assert np.array_equal(decisions, one.decision_function(X))
    ours, theirs = one._built.readout, two._built.readout
    assert np.array_equal(theirs.integers, ours.integers)
    assert np.array_equal(theirs.steps, ours.steps)
    assert np.array_equal(theirs.intercept, ours.intercept)
    assert np.array_equal(two._built.corrections.low, one._built.corrections.low)
    assert two.margin_ == one.margin_


# -- tokens in a file ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ordered", [False, True])
def test_mapped_tokens_give_the_fit_and_the_predictions_of_tokens_in_memory(ordered, tmp_path):
    X, y = family("labelled_sequences", 50, n_classes=3)
    X.save(tmp_path / "X")
    mapped = RaggedSequences.load(tmp_path / "X", mmap_mode="r")
    one, two = classifier(ordered=ordered).fit(X, y), classifier(ordered=ordered).fit(mapped, y)
    decisions = one.decision_function(X)
    assert np.array_equal(two.decision_function(mapped), decisions)
    assert np.array_equal(two.decision_function(X), decisions)
    assert np.array_equal(two.predict(mapped), y)
    assert two.to_transformer() == one.to_transformer()


@pytest.fixture(scope="module")
def long_file(tmp_path_factory):
    """3000 sequences of 400 tokens of 5 features, 48 MB, and the file that maps them."""
    X = RaggedSequences.from_flat(np.random.default_rng(0).normal(size=(1_200_000, 5)), np.full(3000, 400))
    path = tmp_path_factory.mktemp("long") / "X"
    X.save(path)
    return X, path


@pytest.mark.parametrize("ordered", [False, *slow(True)])
def test_mapped_tokens_are_not_read_into_memory_as_a_whole(ordered, long_file):
    """What is held while predicting is chunks: here a third of what stands in the file at most."""
    X, path = long_file
    y = np.arange(30) % 2
    fitted = classifier(4, ordered=ordered).fit(X[:30], y)
    assert fitted.n_corrections_ > 0
    mapped = RaggedSequences.load(path, mmap_mode="r")
    tracemalloc.start()
    try:
        found = fitted.predict(mapped)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < X.tokens.nbytes / 3
    assert np.array_equal(found[:30], y)
    assert np.array_equal(found[-200:], fitted.predict(X[-200:]))


@pytest.mark.parametrize("ordered", [False, True])
def test_pickles_keep_every_bit(ordered):
    X, y = family("labelled_sequences", n_classes=3)
    fitted = classifier(ordered=ordered).fit(X, y)
    again = pickle.loads(pickle.dumps(fitted))
    assert np.array_equal(again.decision_function(X), fitted.decision_function(X))
    assert again.to_transformer() == fitted.to_transformer()


# -- explain -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_all_contributions_add_up_to_the_decision(n_classes, ordered):
    X, y = family("labelled_sequences", n_classes=n_classes)
    fitted = classifier(ordered=ordered).fit(X, y)
    assert fitted.n_corrections_ > 0
    new = RaggedSequences.from_list([*X, *family("labelled_sequences", 10, seed=1)[0]])
    decisions, lifted = fitted.decision_function(new), 0
    for found, decision in zip(fitted.explain(new, top=None), decisions):
        sums = [found["contribution"][found["class"] == c].sum() for c in np.unique(found["class"])]
        np.testing.assert_allclose(sums, np.atleast_1d(decision), rtol=0, atol=1e-9)
        assert (found["head"] == -1).sum() == (1 if n_classes == 2 else n_classes)
        lifted += (found["head"] == -2).sum() > 0
        assert set(found["name"][found["head"] == -2]) <= {"correction"}
        assert set(found["name"][found["head"] == -1]) == {"intercept"}
    assert lifted >= fitted.n_corrections_  # none on the ten new ones, by the next test
    assert not any((found["head"] == -2).any() for found in fitted.explain(new, top=None)[len(X) :])


@pytest.mark.parametrize("ordered", [False, True])
def test_leaders_are_the_first_tokens_of_largest_score_by_plain_loops(ordered):
    X, y = family("shared_tokens", 20, vocabulary_size=3)
    fitted = classifier(140, ordered=ordered).fit(X, y)
    heads = fitted._built.heads
    forms, index, _ = heads.forms()
    forms, seen = forms.toarray().astype(int).tolist(), 0
    for j, found in enumerate(fitted.explain(X, top=None)):
        tokens = heads.tokens(X[j : j + 1]).astype(int).tolist()
        for row in found:
            if row["head"] >= 0 and heads.kinds[row["head"]] == MAX:
                form = forms[index[row["head"]]]
                scores = [sum(a * b for a, b in zip(form, z) if a) for z in tokens]
                assert row["leader"] == scores.index(max(scores))
                assert np.array_equal(row["value"], X[j][row["leader"]])
                seen += 1
            else:
                assert row["leader"] == -1
                assert np.isnan(row["value"]).all()
    assert seen == len(X) * (heads.kinds == MAX).sum()


def test_top_heads_are_the_largest_of_all_and_sorted_and_intercept_and_spike_follow_always():
    X, y = family("labelled_sequences", n_classes=3)
    fitted = classifier().fit(X, y)
    some = RaggedSequences.from_list([*X[:10], *family("labelled_sequences", 10, seed=1)[0]])
    heads, codes = fitted._built.heads, fitted._built.corrections.code.evaluate(some)
    lifts, correction = fitted._built.corrections.values(codes)
    assert 0 < (lifts > 0).sum() <= 10
    for top in (1, 41, 1000):
        for j, few in enumerate(fitted.explain(some, top=top)):
            every = fitted.explain(some[j : j + 1], top=None)[0]
            for c in range(3):
                lifted = lifts[j] > 0 and fitted._built.corrections.labels[correction[j]] == c
                tail = [-1, -2] if lifted else [-1]
                mine, of_all = few[few["class"] == c], every[every["class"] == c]
                assert len(mine) == min(top, 42) + len(tail)
                assert mine["head"][-len(tail) :].tolist() == tail
                assert sorted(of_all["head"].tolist()) == sorted([*range(42), *tail])
                assert (np.diff(np.abs(of_all["contribution"][:42])) <= 0).all()
                for field in ("head", "contribution"):
                    assert np.array_equal(mine[field][: -len(tail)], of_all[field][: min(top, 42)])
                    assert np.array_equal(mine[field][-len(tail) :], of_all[field][42:])
                if lifted:
                    assert mine["contribution"][-1] == lifts[j]
    names, kinds = (
        [*heads.names(), "correction", "intercept"],
        [*(KINDS[k] for k in heads.kinds), "correction", "intercept"],
    )
    assert every["name"].tolist() == [names[h] for h in every["head"]]
    assert every["kind"].tolist() == [kinds[h] for h in every["head"]]
    with pytest.raises(ValueError, match="top must be an integer of at least 1, got 0"):
        fitted.explain(X, top=0)
    with pytest.raises(ValueError, match="explain needs heads"):
        classifier(0).fit(X, y).explain(X)


@pytest.mark.parametrize("ordered", [False, True])
def test_the_kind_of_a_row_is_the_first_word_of_its_name(ordered):
    X, y = family("labelled_sequences", n_classes=3)
    found = np.concatenate(classifier(420, ordered=ordered, alphas=[1e3]).fit(X, y).explain(X, top=None))
    assert all(name.split()[0] == kind for name, kind in zip(found["name"], found["kind"]))
    assert set(found["kind"]) == {"max", "ppv", "intercept", "correction"} | (set() if ordered else {"mean"})
    assert ((found["leader"] >= 0) == (found["kind"] == "max")).all()


def test_contributions_average_to_nothing_over_the_training_sequences():
    X, y = family("labelled_sequences", 30)
    found = classifier().fit(X, y).explain(X, top=None)
    total = np.zeros(42)
    for rows in found:
        heads = rows[rows["head"] >= 0]
        total[heads["head"]] += heads["contribution"]
    assert np.abs(total).max() < 1e-6


def test_explanations_name_columns_and_classes():
    frame = pd.DataFrame({"height": [0.0, 1.0, 5.0, 2.0], "width": [1.0, 0.0, 2.0, 1.0]})
    fitted = classifier(14, ordered=False).fit(frame, ["a", "b", "c", "a"])
    (found, *_) = fitted.explain(frame, top=2)
    found = found[found["head"] >= 0]
    assert found["class"].tolist() == ["a", "a", "b", "b", "c", "c"]
    walks, y = shifted_walks(20)
    found = classifier(20).fit(walks, y).explain(walks, top=3)
    assert all("channels x0" in name for rows in found for name in rows["name"][rows["head"] >= 0])


# -- edges -----------------------------------------------------------------------------------------------------------------


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


def test_extreme_unseen_tokens_get_finite_scores():
    X, y = family("labelled_sequences", 30)
    new = RaggedSequences.from_list(
        [[[1.7e308, -1.7e308]] * 3, [[5e-324, 0.0]], np.zeros((1, 2)), np.full((500, 2), -1e300)]
    )
    for ordered in (True, False):
        assert np.isfinite(classifier(ordered=ordered).fit(X, y).decision_function(new)).all()


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


def test_no_room_for_spikes_is_said(monkeypatch):
    monkeypatch.setattr(corrections, "_NARROWEST", 1.0)
    X, y = family("labelled_sequences", 30)
    with pytest.raises(
        ConstructionError, match="leaves room for the corrections that make them exact; use exact=False"
    ):
        classifier(3).fit(X, y)
    assert classifier(3, exact=False).fit(X, y).n_corrections_ == 0


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=30), st.integers(1, 40))
def test_the_strongest_are_those_of_a_stable_sort(values, top):
    wanted = sorted(range(len(values)), key=lambda i: -abs(values[i]))
    assert strongest(np.array(values), top).tolist() == wanted[:top]
    assert strongest(np.array(values), None).tolist() == wanted
