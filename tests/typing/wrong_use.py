"""Mistakes that mypy finds: a marked line has one error, of the code that the mark names; other lines have none.

This file is checked, not run; see tests/extras/test_typing.py.
"""

from sklearn_hardmax import (
    HardmaxPooling,
    HardmaxTransformerClassifier,
    HardmaxTransformerInterpolator,
    LeaderClustering,
    LeaderFlow,
    LeaderTextClassifier,
    RaggedSequences,
    RaggedSequenceTransformer,
)
from sklearn_hardmax.constructions import Construction


def mistakes(clf: HardmaxTransformerClassifier, X: RaggedSequences, built: Construction) -> None:
    """Options that do not exist, types that do not fit, names that are not there."""
    HardmaxTransformerClassifier(random_state="zero")  # error: arg-type
    HardmaxTransformerClassifier(n_heads="many")  # error: arg-type
    HardmaxTransformerClassifier(alphas="some")  # error: arg-type
    HardmaxTransformerClassifier(class_weight="heavy")  # error: arg-type
    HardmaxTransformerClassifier(on_conflict="maybe")  # error: arg-type
    HardmaxTransformerClassifier(attention="soft")  # error: arg-type
    HardmaxTransformerClassifier(depth=3)  # error: call-arg
    HardmaxTransformerClassifier(100)  # error: call-arg
    HardmaxTransformerClassifier().no_such()  # error: attr-defined
    clf.fit(X)  # error: call-arg
    clf.decision_function({"a": [1.0]})  # error: arg-type
    clf.explain(X, top="all")  # error: arg-type
    clf.margin_.shape  # error: attr-defined  # noqa: B018
    clf.code_line(X).borders  # error: attr-defined  # noqa: B018
    clf.head_windows([0]).kernels  # error: union-attr  # noqa: B018
    label: str = clf.score(X, [0, 1])  # error: assignment
    HardmaxTransformerInterpolator(temperature="cold")  # error: arg-type
    HardmaxTransformerInterpolator().fit(X, [1.0]).predict(X).lengths  # error: union-attr  # noqa: B018
    HardmaxPooling(ordered="yes")  # error: arg-type
    HardmaxPooling().set_output(transform="numpy")  # error: arg-type
    RaggedSequenceTransformer(scale="robust")  # error: arg-type
    RaggedSequenceTransformer(positions="absolute")  # error: arg-type
    LeaderFlow(depth=2.5)  # error: arg-type
    LeaderFlow().transform(X).label_  # error: attr-defined  # noqa: B018
    LeaderClustering(n_clusters=3)  # error: call-arg
    LeaderClustering().predict([[1.0]])  # error: attr-defined
    LeaderTextClassifier().fit([1], ["a"])  # error: list-item
    LeaderTextClassifier(max_length="short").leaders(label)  # error: arg-type
    built.read(X)  # error: attr-defined
