"""RaggedSequences, the container of sequences of unequal length that all parts of the package use.

A data set of N sequences, sequence i with n_i tokens of token_dim features, is stored as two arrays: `tokens`, the rows of
all sequences one after another, and `offsets`, the index at which each sequence begins. Nothing is padded, and a run of
adjacent sequences is a view, so slicing, pickling to worker processes and memory-mapping cost the same as for two plain
arrays. Conversions from and to other layouts are in conversions.py, the parser of user input (`as_sequences`) in parsing.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from types import EllipsisType
from typing import Any, ClassVar, Self, overload

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from sklearn_hardmax._typing import AnyArray, IntArray, RealArray
from sklearn_hardmax.sequences import arrays, checks, names
from sklearn_hardmax.sequences.conversions import Conversions
from sklearn_hardmax.sequences.files import Files
from sklearn_hardmax.sequences.raw_tokens import RawTokens
from sklearn_hardmax.sequences.values import as_numbers


class RaggedSequences(Files, Conversions):
    """Sequences of any lengths whose tokens have the same number of features.

    scikit-learn treats it as an array of shape (n_sequences,): cross-validation, searches and meta-estimators index it.

    Parameters
    ----------
    tokens : array-like of shape (n_tokens, token_dim)
        The tokens of all sequences, one after another. float32 and float64 are kept, other numbers become float64.
        Not copied if they are C-contiguous floats already.
    offsets : array-like of shape (n_sequences + 1,)
        Sequence i is ``tokens[offsets[i]:offsets[i + 1]]``; begins with 0 and ends with n_tokens.
    ids : array-like of shape (n_sequences,), optional
        A name for each sequence: numbers, texts, dates, or other hashable objects, which may repeat. They stay with the
        sequences when these are indexed, split into folds, saved, or converted, and are compared with the index of labels.
    feature_names : iterable of str, optional
        A name for each feature of a token. Estimators check them as they check the column names of a data frame.

    Attributes
    ----------
    tokens : read-only ndarray of shape (n_tokens, token_dim), float64 or float32; or RawTokens
        `RawTokens` hold categories, texts, dates and missing values; `as_sequences` and other methods that read data give
        them with dtype=None.
    offsets : read-only ndarray of shape (n_sequences + 1,), int64
    ids : read-only ndarray of shape (n_sequences,), or None
        An array of numbers, of dates, or of objects.
    feature_names : read-only ndarray of shape (token_dim,), object, or None

    Raises
    ------
    ValueError
        An empty sequence, NaN or infinity, no sequences, no features, offsets that do not fit the tokens.
    TypeError
        Tokens that are not numbers.

    Notes
    -----
    Indexing by an integer gives one (n_i, token_dim) array, a view. A slice of step 1 gives RaggedSequences that are a view
    of adjacent sequences; any other slice, list, integer or boolean array gives a copy of the chosen sequences, in O(their
    tokens).

    Examples
    --------
    >>> from sklearn_hardmax import RaggedSequences
    >>> X = RaggedSequences.from_list([[[0., 1.], [2., 3.]], [[4., 5.]]])
    >>> X
    RaggedSequences(2 sequences of 1 to 2 tokens, token_dim=2, float64)
    >>> X[0]
    array([[0., 1.],
           [2., 3.]])
    >>> X.lengths
    array([2, 1])
    """

    __slots__ = ("_may_hold_nan", "feature_names", "ids", "offsets", "tokens")
    __hash__: ClassVar[None] = None  # type: ignore[assignment]
    ndim = 1

    def __init__(
        self, tokens: ArrayLike, offsets: ArrayLike, *, ids: Any = None, feature_names: Iterable[str] | None = None
    ) -> None:
        self._check_and_hold(arrays.Parts(tokens, offsets, ids, feature_names))

    def _check_and_hold(self, parts, allow_nan=False):
        tokens, offsets, ids, feature_names = parts
        if not isinstance(tokens, RawTokens):
            tokens = as_numbers(tokens)
        offsets = np.ascontiguousarray(offsets)
        if tokens.ndim != 2:
            raise ValueError(f"tokens must have shape (n_tokens, token_dim), got shape {tokens.shape}.")
        checks.check_offsets(offsets, len(tokens))
        if tokens.shape[1] == 0:
            raise ValueError(f"Found array with 0 feature(s) (shape={tokens.shape}) while a minimum of 1 is required.")
        may_hold_nan = checks.check_finite(tokens, offsets, allow_nan)
        ids = names.as_ids(ids, len(offsets) - 1)
        self._hold(tokens, offsets, ids, names.as_feature_names(feature_names, tokens.shape[1]), may_hold_nan)

    @classmethod
    def _checked(cls, parts, allow_nan=False):
        """RaggedSequences of (tokens, offsets) or `arrays.Parts`, as the constructor makes them, with NaN if allowed."""
        new = object.__new__(cls)
        new._check_and_hold(arrays.Parts(*parts), allow_nan)
        return new

    def _hold(self, tokens, offsets, ids=None, feature_names=None, may_hold_nan=False):
        """Store read-only views of the arrays; the arrays of the caller stay writable."""
        object.__setattr__(self, "_may_hold_nan", may_hold_nan)
        offsets = offsets.astype(np.int64, copy=False)
        for name, array in (("tokens", tokens), ("offsets", offsets), ("ids", ids), ("feature_names", feature_names)):
            if isinstance(array, np.ndarray):
                array = array.view()
                array.flags.writeable = False
            object.__setattr__(self, name, array)  # __setattr__ of this class always raises

    @classmethod
    def _trusted(cls, tokens, offsets, ids=None, feature_names=None, may_hold_nan=False):
        """RaggedSequences of arrays that are known to be valid, such as parts of others; nothing is checked."""
        new = object.__new__(cls)
        new._hold(tokens, offsets, ids, feature_names, may_hold_nan)
        return new

    def with_ids(self, ids: Any) -> Self:
        """Return the same sequences, whose memory is shared, with other ids.

        Parameters
        ----------
        ids : array-like of shape (n_sequences,) or None
            Numbers, texts, dates or other hashable objects, also of several types; they may repeat. None for no ids.

        Returns
        -------
        RaggedSequences

        Raises
        ------
        ValueError
            Another number of ids than of sequences; missing ids (None, NaN, NaT, NA).

        Examples
        --------
        >>> from sklearn_hardmax import RaggedSequences
        >>> X = RaggedSequences.from_list([[[0.], [1.]], [[2.]]]).with_ids(["anna", "ben"])
        >>> X[[1]].ids
        array(['ben'], dtype=object)
        """
        ids = names.as_ids(ids, len(self))
        return self._trusted(self.tokens, self.offsets, ids, self.feature_names, self._may_hold_nan)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"RaggedSequences is frozen: {name} cannot be set.")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"RaggedSequences is frozen: {name} cannot be deleted.")

    def __getstate__(self) -> dict[str, Any]:
        # np.asarray turns a memory map into an ordinary array
        tokens = self.tokens if self.is_raw else np.asarray(self.tokens)
        state = {"tokens": tokens, "offsets": np.asarray(self.offsets)}
        state |= {"ids": self.ids, "feature_names": self.feature_names}
        return state | ({"may_hold_nan": True} if self._may_hold_nan else {})

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._hold(**state)

    # -- content -----------------------------------------------------------------------------------------------------

    @property
    def lengths(self) -> IntArray:
        """Number of tokens of each sequence, shape (n_sequences,), int64."""
        return np.diff(self.offsets)

    @property
    def n_tokens(self) -> int:
        """Total number of tokens of all sequences."""
        return len(self.tokens)

    @property
    def token_dim(self) -> int:
        """Number of features of a token."""
        return self.tokens.shape[1]

    @property
    def dtype(self) -> np.dtype[np.floating[Any]]:
        """The dtype of the tokens, float64 or float32; object for raw tokens, which `tokens.dtypes` tells apart."""
        return self.tokens.dtype

    @property
    def is_raw(self) -> bool:
        """Whether tokens are `RawTokens`, not numbers alone; a step such as TokenwiseTransformer turns them into numbers."""
        return isinstance(self.tokens, RawTokens)

    @property
    def shape(self) -> tuple[int]:
        """(n_sequences,): scikit-learn counts sequences as samples."""
        return (len(self),)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __iter__(self) -> Iterator[RealArray]:
        return (self._rows(start, stop) for start, stop in pairwise(self.offsets.tolist()))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RaggedSequences):
            return NotImplemented
        return (
            np.array_equal(self.offsets, other.offsets)
            and self.is_raw == other.is_raw
            and (self.tokens == other.tokens if self.is_raw else np.array_equal(self.tokens, other.tokens))
            and names.are_equal(self.ids, other.ids)
            and names.are_equal(self.feature_names, other.feature_names)
        )

    def __sizeof__(self) -> int:
        held = (self.tokens, self.offsets, self.ids, self.feature_names)
        return object.__sizeof__(self) + sum(array.nbytes for array in held if array is not None)

    def __repr__(self) -> str:
        kinds = ", ".join(self.tokens.dtypes[:10]) if self.is_raw else str(self.dtype)
        if len(self) == 0:
            return f"RaggedSequences(0 sequences, token_dim={self.token_dim}, {kinds})"
        shortest = self.lengths.min()
        longest = self.lengths.max()
        span = f"{shortest}" if shortest == longest else f"{shortest} to {longest}"
        return f"RaggedSequences({len(self)} sequences of {span} tokens, token_dim={self.token_dim}, {kinds})"

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> AnyArray:
        # sequences of one token each are the rows of a matrix
        if len(self) != self.n_tokens:
            remedy = (
                "to_list() or to_pandas(group='id')" if self.is_raw else "to_list() or to_padded(), or a pooling step,"
            )
            raise TypeError(
                f"RaggedSequences whose sequences have more than one token are no matrix; use {remedy} before an estimator "
                "that needs one row per sample."
            )
        return np.array(self.tokens, dtype=dtype, copy=copy)

    # -- indexing ----------------------------------------------------------------------------------------------------

    @overload
    def __getitem__(self, key: int | np.integer[Any]) -> RealArray: ...

    @overload
    def __getitem__(
        self, key: slice | EllipsisType | range | list[Any] | npt.NDArray[np.integer[Any] | np.bool_]
    ) -> Self: ...

    def __getitem__(self, key: Any) -> RealArray | Self:
        if isinstance(key, tuple):  # scikit-learn indexes X[key, ...]
            indices = [k for k in key if k is not Ellipsis]
            if len(indices) > 1 or len(key) - len(indices) > 1:
                raise IndexError(f"RaggedSequences has one axis, got the index {key}; index tokens by X[i][j].")
            key = indices[0] if indices else slice(None)
        if key is Ellipsis:
            return self
        if isinstance(key, slice):
            start, stop, step = key.indices(len(self))
            if step == 1:
                return self._run(start, max(start, stop))
            return self._gather(np.arange(start, stop, step))
        # a boolean is not an index, although Python would read it as 0 or 1
        if np.ndim(key) == 0 and not isinstance(key, (bool, np.bool_)):
            return self._one(key)
        return self._gather(self._checked_indices(key))

    def _checked_indices(self, key):
        """Indices from 0 to n_sequences - 1, from a list or array of integers or booleans."""
        key = np.asarray(key)
        if key.size == 0 and key.dtype == np.float64:
            key = key.astype(np.int64)  # an empty list
        if key.ndim != 1 or key.dtype.kind not in "iub":
            raise IndexError(f"RaggedSequences takes integers, slices and 1-D integer or boolean arrays, got {key!r}.")
        if key.dtype == bool:
            if len(key) != len(self):
                raise IndexError(f"a boolean index needs {len(self)} entries, got {len(key)}.")
            return np.flatnonzero(key)
        # int64 first: len(self) need not fit into a shorter type
        key = key.astype(np.int64)
        outside = np.flatnonzero((key < -len(self)) | (key >= len(self)))
        if len(outside):
            raise IndexError(f"index {key[outside[0]]} is out of bounds for {len(self)} sequences.")
        return np.where(key < 0, key + len(self), key)

    def _one(self, key):
        """The tokens of one sequence, a view."""
        try:
            i = range(len(self))[key]  # negative indices count from the end; refuses floats and strings
        except TypeError as error:
            raise IndexError(f"RaggedSequences takes integers, slices and 1-D arrays, got {key!r}.") from error
        except IndexError:
            raise IndexError(f"index {key} is out of bounds for {len(self)} sequences.") from None
        return self._rows(self.offsets[i], self.offsets[i + 1])

    def _rows(self, start, stop):
        """Some tokens, a view; raw ones with the names of their features."""
        rows = self.tokens[start:stop]
        if isinstance(rows, RawTokens):
            rows.names = self.feature_names
        return rows

    def _run(self, start, stop):
        """The adjacent sequences start to stop - 1; their tokens are a view."""
        first = self.offsets[start]
        last = self.offsets[stop]
        ids = None if self.ids is None else self.ids[start:stop]
        offsets = self.offsets[start : stop + 1] - first
        return self._trusted(self.tokens[first:last], offsets, ids, self.feature_names, self._may_hold_nan)

    def _gather(self, indices):
        """A copy of the sequences with these indices, which are not negative."""
        lengths = self.lengths[indices]
        offsets = arrays.offsets_of(lengths)
        # new row r of the k-th chosen sequence i comes from row r - offsets[k] + self.offsets[i]
        rows = np.arange(offsets[-1]) + np.repeat(self.offsets[indices] - offsets[:-1], lengths)
        ids = None if self.ids is None else self.ids[indices]
        return self._trusted(self.tokens[rows], offsets, ids, self.feature_names, self._may_hold_nan)
