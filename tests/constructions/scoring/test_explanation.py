"""Contributions add up to the decision, and leaders are the first tokens of the largest score."""

import numpy as np
import pandas as pd
import pytest
from cases.families import family
from cases.scoring import classifier, shifted_walks
from hypothesis import given
from hypothesis import strategies as st

from sklearn_hardmax import (
    RaggedSequences,
)
from sklearn_hardmax.constructions.heads.pooled import KINDS, MAX
from sklearn_hardmax.constructions.scoring.explanation import strongest


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


def test_top_heads_are_the_largest_of_all_and_sorted_and_intercept_and_correction_follow_always():
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


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=30), st.integers(1, 40))
def test_the_strongest_are_those_of_a_stable_sort(values, top):
    wanted = sorted(range(len(values)), key=lambda i: -abs(values[i]))
    assert strongest(np.array(values), top).tolist() == wanted[:top]
    assert strongest(np.array(values), None).tolist() == wanted
