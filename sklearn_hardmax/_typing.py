"""Types that signatures in several rooms name."""

from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float64]
IntArray: TypeAlias = npt.NDArray[np.int64]
BoolArray: TypeAlias = npt.NDArray[np.bool_]
ObjectArray: TypeAlias = npt.NDArray[np.object_]
AnyArray: TypeAlias = npt.NDArray[Any]  # of any dtype, such as labels

RandomStateLike: TypeAlias = int | np.random.RandomState | None  # what scikit-learn's check_random_state takes
AttentionKind: TypeAlias = Literal["hardmax", "softmax"]
Auto: TypeAlias = Literal["auto"]
