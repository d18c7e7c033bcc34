"""Every estimator with weights: encode, apply, decode give what the estimator itself gives, on training and on new data."""

import numpy as np
import pytest

from sklearn_hardmax import (
    HardmaxTransformerClassifier,
    HardmaxTransformerInterpolator,
    LeaderClustering,
    LeaderFlow,
    LeaderTextClassifier,
    RaggedSequences,
)
from sklearn_hardmax.datasets import make_labelled_sequences
from sklearn_hardmax.forward import apply

X, Y = make_labelled_sequences(30, n_classes=3, random_state=0)
NEW, _ = make_labelled_sequences(50, n_classes=3, random_state=1)
EACH_ATTENTION = pytest.mark.parametrize("attention", ["hardmax", "softmax"])
EACH_ORDER = pytest.mark.parametrize("ordered", [True, False])


def decoded(estimator, data):
    return estimator.decode(apply(estimator.to_transformer(), estimator.encode(data)))


@EACH_ATTENTION
@EACH_ORDER
@pytest.mark.parametrize("n_heads", [0, 40])
@pytest.mark.parametrize("names", [["a"], ["a", "b"], ["a", "b", "c"]])
def test_decoded_labels_are_predicted(n_heads, ordered, attention, names):
    labels = np.array(names)[Y % len(names)]
    clf = HardmaxTransformerClassifier(n_heads=n_heads, ordered=ordered, attention=attention, random_state=0)
    clf.fit(X, labels)
    assert decoded(clf, X).tolist() == clf.predict(X).tolist() == labels.tolist()
    assert decoded(clf, NEW).tolist() == clf.predict(NEW).tolist()
    assert decoded(clf, NEW).dtype == clf.classes_.dtype


@EACH_ATTENTION
@EACH_ORDER
@pytest.mark.parametrize("form", ["numbers", "rows", "ragged"])
def test_decoded_outputs_are_predicted_bit_for_bit(form, ordered, attention):
    rng = np.random.default_rng(0)
    # the first token of each sequence has a target, and the second of those of the longest ones
    lengths = 1 + (X.lengths == X.lengths.max())
    targets = {
        "numbers": rng.normal(size=30),
        "rows": rng.normal(size=(30, 2)),
        "ragged": RaggedSequences.from_flat(rng.normal(size=(lengths.sum(), 2)), lengths=lengths),
    }[form]
    model = HardmaxTransformerInterpolator(ordered=ordered, attention=attention, random_state=0).fit(X, targets)
    assert model.score(X, targets) == 1.0
    for sequences in (X, NEW):
        predicted, found = model.predict(sequences), decoded(model, sequences)
        assert type(found) is type(predicted)
        assert found == predicted if form == "ragged" else np.array_equal(found, predicted)


@pytest.mark.parametrize("options", [{}, {"alpha": 0.25, "depth": 3}, {"A": [[2.0, 1.0], [1.0, 3.0]], "depth": 2}])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_decoded_tokens_are_transformed(options, dtype):
    train, new = (RaggedSequences(data.tokens.astype(dtype), data.offsets) for data in (X, NEW))
    flow = LeaderFlow(**options).fit(train)
    for sequences in (train, new):
        found = decoded(flow, sequences)
        assert found.dtype == np.float64
        assert RaggedSequences(found.tokens.astype(dtype), found.offsets) == flow.transform(sequences)


def test_decoded_tokens_of_a_flow_without_depth_are_near_the_same_limits():
    flow = LeaderFlow(depth=None, tol=1e-6).fit(X)
    for found, moved, start in zip(decoded(flow, X), flow.transform(X), X):
        # both are within tol times the largest norm of the limit
        assert np.linalg.norm(found - moved, axis=1).max() <= 2.001e-6 * np.linalg.norm(start, axis=1).max()


@pytest.mark.parametrize("options", [{}, {"alpha": 0.3}, {"A": [[2.0, 1.0], [1.0, 3.0]], "tol": 1e-5}])
def test_decoded_clusters_are_the_labels_and_new_rows_have_those_that_they_would_be_fitted_with(options):
    rows, others = np.random.default_rng(0).normal(size=(2, 60, 2))
    clustering = LeaderClustering(**options).fit(rows)
    assert decoded(clustering, rows).tolist() == clustering.labels_.tolist()
    alone = LeaderClustering(**options).fit(others)
    if alone.n_iter_ <= clustering.n_iter_:
        assert decoded(clustering, others).tolist() == alone.labels_.tolist()
    else:
        assert decoded(alone, rows).tolist() == clustering.labels_.tolist()
    with pytest.raises(ValueError, match="tokens must be one sequence, got 2"):
        clustering.decode([rows, rows])


@pytest.mark.parametrize("depth", [0, 3])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_decoded_classes_of_texts_are_predicted(n_classes, depth):
    texts = ["a great film", "great fun", "so dull a film", "dull and dull", "an odd great plot", "it is odd"] * 4
    labels = np.array(["bad", "good", "odd"][:n_classes])[np.arange(24) % n_classes]
    clf = LeaderTextClassifier(
        depth=depth, max_iter=30, learning_rate_init=0.05, validation_fraction=0, random_state=0
    ).fit(texts, labels)
    new = ["film", "an unknown word beside great", ["dull", "great", "dull"], "odd plot, odd film"]
    for data in (texts, new):
        found = decoded(clf, data)
        assert found.tolist() == clf.predict(data).tolist()
        # and by the shares and logits of words
        scores = [table["share"] @ table["logit"] for table in clf.explain(data)]
        chosen = [int(score > 0) if n_classes == 2 else score.argmax() for score in scores]
        assert found.tolist() == clf.classes_[chosen].tolist()
        assert len(set(chosen)) > 1 or data is new


def test_tokens_of_another_width_are_refused():
    rows = np.random.default_rng(0).normal(size=(20, 2))
    fitted = [
        HardmaxTransformerClassifier(n_heads=0, random_state=0).fit(X, Y),
        HardmaxTransformerClassifier(n_heads=40, random_state=0).fit(X, Y),
        HardmaxTransformerInterpolator(random_state=0).fit(X, Y.astype(float)),
        LeaderFlow().fit(X),
        LeaderClustering().fit(rows),
        LeaderTextClassifier(min_df=1, max_iter=1, validation_fraction=0, random_state=0).fit(
            ["a", "bb"] * 4, [0, 1] * 4
        ),
    ]
    for estimator in fitted:
        with pytest.raises(ValueError, match=r"The network has \d+ coordinates, these tokens have 99"):
            estimator.decode(np.zeros((1, 3, 99)))
