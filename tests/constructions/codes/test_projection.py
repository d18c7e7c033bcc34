"""Projections in fixed order, and products that only pre-select."""

import numpy as np
import pytest
from cases.classification import build
from cases.families import FAMILIES, family

from sklearn_hardmax import RaggedSequences
from sklearn_hardmax.constructions.codes.projection import Projection, normalise_directions
from sklearn_hardmax.encoding import TokenScale


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


def test_a_shift_and_a_power_of_two_that_lose_no_digit_change_no_code():
    X, y = family("labelled_sequences", 30)
    X = RaggedSequences(np.rint(X.tokens * 1000), X.offsets)
    moved = RaggedSequences((X.tokens + 12345) * 2.0**-30, X.offsets)
    assert np.array_equal(build(X, y)[0].codes(X), build(moved, y)[0].codes(moved))


def test_single_tokens_are_encoded_as_with_all_others():
    X, _ = family("labelled_sequences", 30)
    projection = Projection.fit(X, ordered=True)
    together = np.concatenate([columns.T for *_, columns in projection.encoded(X)])
    indices = np.array([3, 0, X.n_tokens - 1, 7, 7])
    assert np.array_equal(np.concatenate([c.T for c in projection.encoded_tokens(X, indices)]), together[indices])
