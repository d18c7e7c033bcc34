"""The classifier with heads as layers: the labels, scores and codes of the fast path."""

from fractions import Fraction

import numpy as np
import oracle
import pytest
from cases.families import FAMILIES, family
from cases.scoring import classifier
from rounding import rounding_bound

from sklearn_hardmax import (
    Attention,
    RaggedSequences,
)
from sklearn_hardmax.constructions.heads.pooled import MAX
from sklearn_hardmax.forward import apply


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
    assert len(reads) == (kinds == MAX).sum() + (4 if fitted.n_corrections_ else 0)  # and four of the random code


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


def test_corrections_change_no_prediction_of_generic_data():
    """A correction covers at most 2^-28 of the line of codes."""
    X, y = family("labelled_sequences", 60, n_classes=3)
    new, _ = family("labelled_sequences", 1000, seed=1)
    for ordered in (False, True):
        with_corrections, without = (classifier(ordered=ordered, exact=exact).fit(X, y) for exact in (True, False))
        assert with_corrections.n_corrections_ > 5
        assert without.n_corrections_ == 0
        assert np.array_equal(with_corrections.decision_function(new), without.decision_function(new))
        assert without.score(X, y) < 1 == with_corrections.score(X, y)


def test_weights_beyond_the_memory_limit_are_refused_before_they_are_made(monkeypatch):
    X, y = family("labelled_sequences", 20)
    fitted = classifier().fit(X, y)
    monkeypatch.setattr("sklearn_hardmax.constructions.common.plans.MEMORY_LIMIT", 100)
    with pytest.raises(MemoryError, match=r"The weights would take 0\.0 GiB"):
        fitted.to_transformer()


@pytest.mark.parametrize("max_width", [3, 0, 4.0, "4"])
def test_a_width_that_no_bump_fits_into_is_refused(max_width):
    X, y = family("labelled_sequences", 20)
    with pytest.raises(ValueError, match="max_width must be None or an integer of at least 4"):
        classifier().fit(X, y).to_transformer(max_width)


def test_decode_refuses_tokens_that_are_no_output():
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
