"""Gradients, batches and word dropout of the training."""

import re

import numpy as np
import pytest
from scipy import sparse

from sklearn_hardmax import LeaderTextClassifier, RaggedSequences
from sklearn_hardmax.constructions.leaders import text_training as sentiment
from sklearn_hardmax.forward import apply


def drawn_batch(rng, n_texts=5, length=6, n_words=12, n_classes=2):
    words = np.stack([rng.permutation(n_words)[:length] for _ in range(n_texts)])
    frequencies = rng.integers(1, 4, size=words.shape).astype(float)
    frequencies[0, 3:] = 0.0  # padding
    return sentiment.Batch(
        words, frequencies / frequencies.sum(axis=1, keepdims=True), rng.integers(n_classes, size=n_texts)
    )


@pytest.mark.parametrize("penalty", [0.0, 0.3])
@pytest.mark.parametrize(("n_components", "n_classes"), [(1, 2), (2, 2), (3, 4)])
def test_the_gradient_is_that_of_central_differences_for_every_parameter(n_components, n_classes, penalty):
    rng = np.random.default_rng(n_components)
    n_scores = 1 if n_classes == 2 else n_classes
    parameters = sentiment.Parameters.sample(12, n_components, n_scores, rng)
    parameters = parameters._replace(
        embeddings=rng.normal(size=(12, n_components)), intercept=rng.normal(size=n_scores), log_alpha=np.array([0.3])
    )
    batch = drawn_batch(rng, n_classes=n_classes)
    _, gradient = sentiment.loss_and_gradient(parameters, batch, 4, penalty)
    step = 1e-6
    for array, slopes in zip(parameters, gradient, strict=True):
        for place in np.ndindex(array.shape):
            value, losses = array[place], []
            for side in (step, -step):
                array[place] = value + side
                losses.append(sentiment.loss_and_gradient(parameters, batch, 4, penalty)[0])
            array[place] = value
            assert (losses[0] - losses[1]) / (2 * step) == pytest.approx(slopes[place], rel=1e-6, abs=1e-8)


def test_the_means_of_training_are_those_of_the_engine():
    rng = np.random.default_rng(1)
    parameters = sentiment.Parameters.sample(12, 2, 1, rng)
    batch = drawn_batch(rng)._replace(frequencies=np.full((5, 6), 1 / 6))
    pooled, _ = sentiment.pooled_means(parameters, batch, 8)
    X = RaggedSequences.from_list([parameters.embeddings[words] for words in batch.words])
    moved = apply(parameters.transformer(8), X)
    np.testing.assert_allclose(moved.tokens[moved.offsets[:-1]], pooled, rtol=0, atol=1e-14)


def test_batches_hold_every_text_once_and_texts_of_similar_length():
    counts = sparse.random(50, 30, density=0.3, random_state=0, format="csr")
    counts = counts[np.diff(counts.indptr) > 0]
    labels = np.arange(counts.shape[0])
    found = list(sentiment.batches(counts, labels, 8, np.random.RandomState(0)))
    assert sorted(np.concatenate([batch.labels for batch in found]).tolist()) == labels.tolist()
    for batch in found:
        lengths = (batch.frequencies > 0).sum(axis=1)
        np.testing.assert_allclose(batch.frequencies.sum(axis=1), 1.0)
        for text, words, frequencies in zip(batch.labels, batch.words, batch.frequencies):
            row = counts[text].toarray()[0]
            assert set(words[frequencies > 0]) == set(np.flatnonzero(row))
        assert lengths.max() == batch.words.shape[1]


def test_dropout_leaves_words_out_and_never_all():
    rng = np.random.RandomState(0)
    batch = drawn_batch(np.random.default_rng(0), n_texts=400)
    kept = sentiment.drop_words(batch, 0.7, rng).frequencies
    np.testing.assert_allclose(kept.sum(axis=1), 1.0)
    assert ((kept > 0) <= (batch.frequencies > 0)).all()
    # all six words go with probability 0.7^6 = 0.12, and then all stay
    assert (kept[1:] > 0).mean() == pytest.approx(0.3 + 0.7**6, abs=0.03)
    whole = sentiment.drop_words(batch, 0.0, rng).frequencies
    np.testing.assert_allclose(whole, batch.frequencies, rtol=1e-15)


@pytest.mark.parametrize("n_components", [2, 8])
def test_training_begins_with_embeddings_of_the_documented_size(n_components):
    """Nearly no step, so that what is drawn is what is found; far from 0 words could not get round it."""
    words = [f"word{k}" for k in range(2000)]
    X, y = [words, words[::2], words[::-1], words[1::2]], [0, 1, 0, 1]
    clf = LeaderTextClassifier(
        n_components=n_components, depth=0, min_df=1, max_length=None, max_iter=1, learning_rate_init=1e-12,
        word_dropout=0.0, validation_fraction=0.0, random_state=0,
    ).fit(X, y)  # fmt: skip
    (documented,) = re.findall(r"standard deviation (\S+) n_components", LeaderTextClassifier.__doc__)
    n = clf.embeddings_.size
    # five times the standard deviation of the estimate
    assert clf.embeddings_.std() == pytest.approx(float(documented) * n_components, rel=5 / np.sqrt(2 * n))
