"""scikit-learn's own checks, and its tools on ragged input."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_hardmax import HardmaxTransformerClassifier, RaggedSequenceTransformer

ESTIMATORS = [
    HardmaxTransformerClassifier(),
    HardmaxTransformerClassifier(ordered=False, n_heads=0),
    RaggedSequenceTransformer(),
    RaggedSequenceTransformer(scale="minmax", positions="relative", window=3),
    RaggedSequenceTransformer(scale=None, positions="sinusoidal"),
]


@parametrize_with_checks(ESTIMATORS)
def test_scikit_learn_check(estimator, check):
    check(estimator)
