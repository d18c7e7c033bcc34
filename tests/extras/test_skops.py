"""skops stores what was fitted, trusts plain arrays, and asks about no types but ours."""

import re
import warnings

import numpy as np
import pytest
import test_stored
from skops import io
from stored import contents

import sklearn_hardmax
from sklearn_hardmax import (
    HardmaxPooling,
    HardmaxTransformerClassifier,
    HardmaxTransformerInterpolator,
    RaggedSequences,
    RaggedSequenceTransformer,
    datasets,
)

X, Y = datasets.make_labelled_sequences(30, n_classes=3, token_dim=2, random_state=0)
LABELS = np.array(["red", "green", "blue"])[Y]
RNG = np.random.default_rng(0)
TARGETS = RaggedSequences.from_list([RNG.normal(size=(len(x), 2)) for x in X])
ESTIMATORS = {
    "code alone": HardmaxTransformerClassifier(n_heads=0, random_state=0).fit(X, LABELS),
    "heads": HardmaxTransformerClassifier(n_heads=60, random_state=0).fit(X, LABELS),
    "sets": HardmaxTransformerClassifier(n_heads=60, ordered=False, random_state=0).fit(X, LABELS),
    "softmax": HardmaxTransformerClassifier(n_heads=60, attention="softmax", random_state=0).fit(X, LABELS),
    "not exact": HardmaxTransformerClassifier(n_heads=60, exact=False, random_state=0).fit(X, LABELS),
    "interpolator": HardmaxTransformerInterpolator(random_state=0).fit(X, TARGETS),
    "softmax interpolator": HardmaxTransformerInterpolator(attention="softmax", random_state=0).fit(X, TARGETS),
    "pooling": HardmaxPooling(n_heads=60, random_state=0).fit(X, LABELS),
    "pooling of sets": HardmaxPooling(n_heads=60, ordered=False, random_state=0).fit(X),
    "preprocessing": RaggedSequenceTransformer(positions="sinusoidal", window=3).fit(X),
}
NOUNS = {
    "sequences": X,
    "some of them": X[[3, 1]],
    "weights": ESTIMATORS["heads"].to_transformer(max_width=None),
}

VERSION = re.escape(sklearn_hardmax.__version__)


def back(data):
    untrusted = io.get_untrusted_types(data=data)
    assert all(name.startswith("sklearn_hardmax.") for name in untrusted)
    return io.loads(data, trusted=untrusted)


@pytest.mark.parametrize("fitted", ESTIMATORS.values(), ids=ESTIMATORS)
def test_a_fitted_estimator_comes_back_and_does_the_same(fitted):
    again = back(io.dumps(fitted))
    for name in ("predict", "decision_function", "transform"):
        if hasattr(fitted, name):
            old, new = getattr(fitted, name)(X), getattr(again, name)(X)
            assert new == old if isinstance(old, RaggedSequences) else np.array_equal(new, old)
    if hasattr(fitted, "to_transformer"):
        assert again.to_transformer() == fitted.to_transformer()


@pytest.mark.parametrize("noun", NOUNS.values(), ids=NOUNS)
def test_sequences_and_weights_come_back_equal(noun):
    assert back(io.dumps(noun)) == noun


def test_what_comes_back_is_read_only():
    assert not back(io.dumps(X)).tokens.flags.writeable
    assert not back(io.dumps(NOUNS["weights"])).layers[0].U.flags.writeable


def test_another_version_says_so(monkeypatch):
    data = io.dumps(ESTIMATORS["pooling"])
    monkeypatch.setattr("sklearn_hardmax._version.__version__", "9.9.9")
    with pytest.warns(
        UserWarning,
        match=rf"HardmaxPooling was pickled by sklearn-hardmax {VERSION} and is read by 9\.9\.9",
    ):
        back(data)


@test_stored.EACH
def test_a_stored_file_is_read_or_refused_by_the_version_that_wrote_it(folder):
    data = (folder / "classifier.skops").read_bytes()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            labels = back(data).predict(contents.SERIES).tolist()
        except (ImportError, AttributeError, TypeError) as error:  # modules and classes may have moved
            labels, told = None, [*told, error]
    if folder.name == sklearn_hardmax.__version__:
        assert (labels, told) == (contents.LABELS, [])
    assert labels == contents.LABELS or any("sklearn_hardmax" in str(t) or "sklearn-hardmax" in str(t) for t in told)
