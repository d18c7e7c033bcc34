"""Type aliases that the signatures of several modules share."""

from collections.abc import Collection, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float64]
RealArray: TypeAlias = npt.NDArray[np.floating[Any]]  # float64 or float32, such as tokens
IntArray: TypeAlias = npt.NDArray[np.int64]
BoolArray: TypeAlias = npt.NDArray[np.bool_]
ObjectArray: TypeAlias = npt.NDArray[np.object_]
AnyArray: TypeAlias = npt.NDArray[Any]  # of any dtype, such as labels

RandomStateLike: TypeAlias = int | np.random.RandomState | None  # what scikit-learn's check_random_state takes
AttentionKind: TypeAlias = Literal["hardmax", "softmax"]
Auto: TypeAlias = Literal["auto"]
OutputContainer: TypeAlias = Literal["default", "pandas", "polars"] | None  # options of scikit-learn's set_output

TextsLike: TypeAlias = Collection[str | Sequence[str]]  # texts as strings or as lists of words; arrays and Series too
NamesLike: TypeAlias = Sequence[str] | AnyArray | None  # names of features
