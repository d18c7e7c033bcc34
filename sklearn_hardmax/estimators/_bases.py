"""The base classes of all estimators: at run time those of scikit-learn, for type checkers their signatures.

scikit-learn has no annotations. A type checker would therefore accept any attribute of an estimator. The members that
estimators inherit from scikit-learn are declared here; their own members are annotated where they are defined.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Self

    from numpy.typing import ArrayLike

    from sklearn_hardmax._typing import IntArray, ObjectArray, OutputContainer, TextsLike
    from sklearn_hardmax.sequences import SequencesLike

    class BaseEstimator:
        """Parameters by name, and the features of the training data."""

        n_features_in_: int
        feature_names_in_: ObjectArray

        def get_params(self, deep: bool = True) -> dict[str, Any]: ...
        def set_params(self, **params: Any) -> Self: ...
        def get_metadata_routing(self) -> Any: ...
        def __sklearn_tags__(self) -> Any: ...
        def __getstate__(self) -> Mapping[str, Any]: ...
        def __setstate__(self, state: Mapping[str, Any]) -> None: ...

    class ClassifierMixin:
        """Accuracy of the labels that `predict` returns."""

        def score(
            self, X: SequencesLike | TextsLike, y: ArrayLike, sample_weight: ArrayLike | None = None
        ) -> float: ...

    class TransformerMixin:
        """Fit and transform in one call, and the container that `transform` returns."""

        def __init_subclass__(cls, auto_wrap_output_keys: Any = ("transform",), **kwargs: Any) -> None: ...

        def fit_transform(self, X: SequencesLike, y: ArrayLike | None = None) -> Any: ...
        def set_output(self, *, transform: OutputContainer = None) -> Self: ...

    class ClusterMixin:
        """Fit and labels in one call."""

        def fit_predict(self, X: ArrayLike, y: None = None, **kwargs: Any) -> IntArray: ...

else:
    from sklearn.base import BaseEstimator, ClassifierMixin, ClusterMixin, TransformerMixin

__all__ = ["BaseEstimator", "ClassifierMixin", "ClusterMixin", "TransformerMixin"]
