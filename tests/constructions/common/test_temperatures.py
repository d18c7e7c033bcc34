"""How far softmax leaders err from hardmax leaders, and the temperature that keeps an error bound."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest
from cases.families import FAMILIES
from cases.targets import random_targets
from cases.temperatures import soft_mean
from effort import slow
from hypothesis import given
from hypothesis import strategies as st

from sklearn_hardmax import (
    Attention,
    ConstructionError,
    HardmaxTransformerClassifier,
    HardmaxTransformerInterpolator,
    RaggedSequences,
    Transformer,
    datasets,
)
from sklearn_hardmax.constructions import build_classifier, build_interpolator
from sklearn_hardmax.constructions.common.temperatures import HEAD_TEMPERATURE, max_temperature
from sklearn_hardmax.forward import apply

SCORES = st.lists(st.integers(0, 64).map(lambda k: 1 + k / 64), min_size=2, max_size=12).filter(
    lambda s: len(set(s)) > 1
)


@given(SCORES, st.floats(1e-6, 0.5))
def test_at_the_admissible_temperature_and_below_no_mean_strays_further_than_its_tolerance(scores, tolerance):
    largest = max(scores)
    gap = largest - max(s for s in scores if s < largest)
    admissible = max_temperature(np.array([gap]), np.array([len(scores)]), np.array([tolerance]))
    for temperature in (admissible, admissible / 2, admissible / 10):
        assert 0 <= largest - soft_mean(scores, temperature) + 1e-15
        assert largest - soft_mean(scores, temperature) <= tolerance * (1 + 1e-12)


def test_the_bound_is_the_published_form_and_the_smallest_of_all_sequences():
    # gap / log((n - 1) gap / tau): 1 / log(9 / .001), and never more than the gap itself
    found = max_temperature(np.array([1.0, np.inf, 0.5]), np.array([10, 3, 2]), np.array([1e-3, 1e-9, 0.4]))
    assert found == 1 / math.log(9000)
    assert max_temperature(np.array([0.5]), np.array([2]), np.array([0.4])) == 0.5
    assert max_temperature(np.array([np.inf]), np.array([4]), np.array([1e-9])) == np.inf


def problem(name, n_classes, n=40):
    return getattr(datasets, f"make_{name}")(n, n_classes=n_classes, random_state=0)


def unseen(X):
    rng, spread = np.random.default_rng(3), np.abs(X.tokens).max()
    new = [rng.normal(size=(rng.integers(1, 9), X.token_dim)) * s for s in (spread, 1e-9 * spread, 1e6 * spread, 1e300)]
    return RaggedSequences.from_list([*new, X[0] + spread * 1e-7, *(x + spread * 1e-9 for x in X[1:4])])


@pytest.mark.parametrize("n_heads", [0, 30])
@pytest.mark.parametrize("ordered", [False, *slow(True)])
@pytest.mark.parametrize("name", FAMILIES)
def test_softmax_classification_is_exact_at_the_certified_temperature_and_below(name, ordered, n_heads):
    X, y = problem(name, 5)
    options = {"n_heads": n_heads, "ordered": ordered, "random_state": 0}
    hard = HardmaxTransformerClassifier(**options).fit(X, y)
    soft = HardmaxTransformerClassifier(attention="softmax", **options).fit(X, y)
    assert (soft.n_blocks_, soft.n_parameters_, hard.temperature_) == (hard.n_blocks_, hard.n_parameters_, 0.0)
    assert soft.margin_ > 1
    transformer = soft.to_transformer(None)
    reads = [a for a in transformer.layers if isinstance(a, Attention) and a.rank]
    assert {a.temperature for a in reads} <= {soft.temperature_}
    for data, labels in ((X, y), (unseen(X), soft.predict(unseen(X)))):
        assert np.array_equal(soft.predict(data), labels)
        assert np.array_equal(soft.decode(apply(transformer, soft.encode(data))), labels)
    lower = HardmaxTransformerClassifier(attention="softmax", temperature=soft.temperature_ / 7, **options).fit(X, y)
    assert np.array_equal(lower.predict(X), y)
    assert lower.temperature_ == soft.temperature_ / 7


@pytest.mark.parametrize("n_heads", [0, 30])
def test_a_temperature_above_the_admissible_one_is_refused_and_the_message_says_which_would_do(n_heads):
    X, y = problem("labelled_sequences", 3)
    options = {"n_heads": n_heads, "attention": "softmax", "random_state": 0}
    with pytest.raises(
        ConstructionError, match=r"At temperature 0\.9 leader attention may leave its plateaus"
    ) as error:
        HardmaxTransformerClassifier(temperature=0.9, **options).fit(X, y)
    allowed = float(re.search(r"; (\S+) is the largest allowed", str(error.value)).group(1))
    clf = HardmaxTransformerClassifier(temperature=allowed, **options).fit(X, y)
    assert (clf.temperature_, clf.score(X, y)) == (allowed, 1.0)
    assert HardmaxTransformerClassifier(**options).fit(X, y).temperature_ == allowed
    with pytest.raises(ConstructionError, match="leader attention may leave its plateaus"):
        HardmaxTransformerClassifier(temperature=np.nextafter(allowed, 1), **options).fit(X, y)


def test_max_heads_are_the_largest_integer_bit_for_bit_at_any_length():
    key = [[1.0, 0.0]]
    layer = Attention([[0.0, 1.0]], key, key, [[1.0], [0.0]], rho=0.0, temperature=HEAD_TEMPERATURE)
    tokens = np.ones((100_000, 2))
    tokens[:, 0] = 2.0**24 - 1
    tokens[77, 0] = 2.0**24
    assert (apply(Transformer([layer]), [tokens])[0][:, 0] == 2.0**24).all()
    assert np.exp(-1 / HEAD_TEMPERATURE) == 0.0


def test_without_a_leader_code_any_temperature_will_do():
    X, y = problem("swaps", 5)  # no leader attention tells these apart: bumps and a mean
    for temperature, expected in (("auto", 1.0), (1e6, 1e6)):
        clf = HardmaxTransformerClassifier(
            n_heads=0, ordered=False, attention="softmax", temperature=temperature, random_state=0
        ).fit(X, y)
        assert (clf.temperature_, clf.score(X, y)) == (expected, 1.0)
    built = build_classifier(X, y, attention="softmax", temperature=5.0)
    assert np.array_equal(built.decode(apply(built.transformer, built.encode(X))), y)


def test_soft_interpolation_breaks_not_far_above_the_certified_temperature():
    """The bound is no empty one: at a few times the temperature targets are lost."""
    X, _ = problem("labelled_sequences", 2)
    Y = random_targets(X, 1)
    model = HardmaxTransformerInterpolator(ordered=False, attention="softmax", random_state=0).fit(X, Y)
    transformer = model.to_transformer()

    def exact_at(temperature):
        layers = [
            replace(layer, temperature=layer.temperature / model.temperature_ * temperature)
            if isinstance(layer, Attention) and layer.rank
            else layer
            for layer in transformer.layers
        ]
        out = model.decode(apply(Transformer(layers, transformer.names), model.encode(X)))
        return all(np.array_equal(rows[: len(y)], y) for rows, y in zip(out, Y))

    assert exact_at(model.temperature_)
    assert exact_at(model.temperature_ / 100)
    assert not exact_at(10 * model.temperature_)


def test_the_interpolator_says_which_temperature_would_do():
    X, _ = problem("labelled_sequences", 2)
    Y = random_targets(X, 1)
    with pytest.raises(ConstructionError, match="leader attention may leave its plateaus") as error:
        build_interpolator(X, Y, attention="softmax", temperature=0.5)
    allowed = float(re.search(r"; (\S+) is the largest allowed", str(error.value)).group(1))
    assert build_interpolator(X, Y, attention="softmax", temperature=allowed).margin >= 1


@pytest.mark.parametrize("temperature", [0, -1.0, np.nan, np.inf, "cold", True, None])
def test_what_is_no_temperature_is_refused_by_the_classifier(temperature):
    X, y = problem("labelled_sequences", 2)
    for attention in ("hardmax", "softmax"):
        clf = HardmaxTransformerClassifier(attention=attention, temperature=temperature)
        with pytest.raises(ValueError, match="temperature must be 'auto' or a positive finite number"):
            clf.fit(X, y)
    with pytest.raises(ValueError, match="attention must be 'hardmax' or 'softmax', got None"):
        HardmaxTransformerClassifier(attention=None).fit(X, y)


def test_without_corrections_softmax_heads_read_what_hardmax_heads_read():
    X, y = problem("labelled_sequences", 3)
    options = {"n_heads": 30, "exact": False, "random_state": 0}
    hard = HardmaxTransformerClassifier(**options).fit(X, y)
    soft = HardmaxTransformerClassifier(attention="softmax", **options).fit(X, y)
    assert (soft.temperature_, soft.n_corrections_) == (HEAD_TEMPERATURE, 0)
    assert np.array_equal(soft.decision_function(X), hard.decision_function(X))
    assert np.array_equal(soft.decode(apply(soft.to_transformer(None), soft.encode(X))), soft.predict(X))


def test_explain_names_the_same_leaders_with_softmax():
    X, y = problem("labelled_sequences", 3)
    options = {"n_heads": 60, "random_state": 0}
    tables = [
        HardmaxTransformerClassifier(attention=kind, **options).fit(X, y).explain(X[:5], top=None)
        for kind in ("hardmax", "softmax")
    ]
    for hard, soft in zip(*tables):
        assert np.array_equal(hard["leader"], soft["leader"])
        assert np.array_equal(hard["contribution"], soft["contribution"])
