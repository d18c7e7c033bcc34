"""A user's script: every estimator, the container, a Transformer in a file, a builder, a data set and a task.

It is clean under ``mypy --strict`` and prints one line; tests/extras/test_typing.py checks both.
"""

import tempfile
from pathlib import Path

import numpy as np
from sklearn.preprocessing import StandardScaler  # type: ignore[import-untyped]

from sklearn_hardmax import (
    HardmaxPooling,
    HardmaxTransformerClassifier,
    HardmaxTransformerInterpolator,
    LeaderClustering,
    LeaderFlow,
    LeaderTextClassifier,
    RaggedSequences,
    RaggedSequenceTransformer,
    SequenceImputer,
    SequenceResampler,
    TokenwiseTransformer,
    Transformer,
)
from sklearn_hardmax.constructions import build_match2
from sklearn_hardmax.datasets import make_labelled_sequences
from sklearn_hardmax.forward import apply
from sklearn_hardmax.tasks import match2


def main() -> None:
    """Use everything once."""
    X, y = make_labelled_sequences(20, n_classes=2, random_state=0)

    step = RaggedSequenceTransformer(scale="minmax", positions="relative").fit(X)
    scaled = step.transform(X)
    assert scaled.token_dim == len(step.get_feature_names_out())

    encoded = TokenwiseTransformer(StandardScaler()).fit(X).transform(X)
    filled = SequenceImputer(strategy="mean").fit_transform(encoded)
    symbols = RaggedSequences.from_series([["a", "b"], ["b"]], dtype=None)
    assert filled == encoded and symbols.is_raw and SequenceResampler(time="t", step=0.5).step == 0.5

    clf = HardmaxTransformerClassifier(n_heads=50, alphas=[0.1, 1.0], temperature="auto", random_state=0).fit(scaled, y)
    decoded = clf.decode(apply(clf.to_transformer(), clf.encode(scaled)))
    windows = clf.head_windows(clf.explain(scaled, top=None)[0]["head"][:3])
    assert (decoded == clf.predict(scaled)).all() and clf.margin_ > 1 and windows is not None
    exact = HardmaxTransformerClassifier(temperature=0.5, class_weight={0: 1, 1: 2}).set_params(n_heads=0).fit(X, y)
    assert exact.n_conflicts_ == 0 and len(exact.code_line(X).codes) == len(X)

    with tempfile.TemporaryDirectory() as folder:
        exact.to_transformer(max_width=None).save(Path(folder) / "weights")
        assert Transformer.load(Path(folder) / "weights").token_dim == exact.to_transformer().token_dim

    pooled = HardmaxPooling(n_heads=20, ordered=False, random_state=0).fit_transform(X, y)
    model = HardmaxTransformerInterpolator(temperature=0.25, random_state=0).fit(X, pooled)
    outputs = model.predict(X)
    assert not isinstance(outputs, RaggedSequences) and (outputs == pooled).all() and model.score(X, pooled) == 1

    flow = LeaderFlow(alpha=0.5, depth=3).fit(X)
    assert flow.decode(apply(flow.to_transformer(), flow.encode(X))) == flow.transform(X)
    clusters = LeaderClustering(alpha=0.5, A=np.eye(2)).fit(X[0])
    assert (clusters.labels_ == flow.limits(X)[0]).all() and (clusters.fit_predict(X[0]) == clusters.labels_).all()

    texts, labels = ["a great film", "great fun", "a dull film", "it is dull"] * 5, ["good", "good", "bad", "bad"] * 5
    text_clf = LeaderTextClassifier(max_iter=50, learning_rate_init=0.05, random_state=0).fit(texts, labels)
    word, logit = text_clf.leaders("great fun")[0]
    assert text_clf.known_words([word]) == [[word]] and text_clf.embeddings_.shape[1] == 2

    series = RaggedSequences.from_list([[[1.0], [9.0]], [[4.0]]])
    padded = RaggedSequences.from_padded([[[1.0], [9.0]], [[4.0], [0.0]]], lengths=[2, 1])
    built = build_match2(10)
    found = built.decode(apply(built.transformer, built.encode(series)))
    assert series == padded and found[0].ravel().tolist() == match2([1, 9], modulus=10).tolist()

    print(f"{clf.get_params()['n_heads']} heads, {exact.n_blocks_} blocks, leader {word!r} of logit {logit:.1f}")


if __name__ == "__main__":
    main()
