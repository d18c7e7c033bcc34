"""RaggedSequences, the container of sequences of unequal length that all parts of the package use.

A data set of N sequences, sequence i with n_i tokens of token_dim features, is stored as two arrays: `tokens`, the rows of
all sequences one after another, and `offsets`, the index at which each sequence begins. Nothing is padded, and a run of
adjacent sequences is a view, so slicing, pickling to worker processes and memory-mapping cost the same as for two plain
arrays. Conversions from and to other layouts are in conversions.py, the parser of user input (`as_sequences`) in parsing.py.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import pairwise
from types import EllipsisType
from typing import Any, ClassVar, Literal, Self, overload

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from sklearn_hardmax._container import load_sections, save_sections
from sklearn_hardmax._typing import AnyArray, IntArray, RealArray
from sklearn_hardmax.sequences import arrays
from sklearn_hardmax.sequences.arrays import format_indices
from sklearn_hardmax.sequences.conversions import Conversions
from sklearn_hardmax.sequences.values import as_numbers

# of a file: dtypes and number of dimensions
_SECTIONS = {"tokens": (("float64", "float32"), 2), "offsets": (("int64",), 1)}


class RaggedSequences(Conversions):
    """Sequences of any lengths whose tokens have the same number of features.

    scikit-learn treats it as an array of shape (n_sequences,): cross-validation, searches and meta-estimators index it.

    Parameters
    ----------
    tokens : array-like of shape (n_tokens, token_dim)
        The tokens of all sequences, one after another. float32 and float64 are kept, other numbers become float64.
        Not copied if they are C-contiguous floats already.
    offsets : array-like of shape (n_sequences + 1,)
        Sequence i is ``tokens[offsets[i]:offsets[i + 1]]``; begins with 0 and ends with n_tokens.

    Attributes
    ----------
    tokens : read-only ndarray of shape (n_tokens, token_dim), float64 or float32
    offsets : read-only ndarray of shape (n_sequences + 1,), int64

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

    __slots__ = ("_may_hold_nan", "offsets", "tokens")
    __hash__: ClassVar[None] = None  # type: ignore[assignment]
    ndim = 1

    def __init__(self, tokens: ArrayLike, offsets: ArrayLike) -> None:
        self._check_and_hold(tokens, offsets)

    def _check_and_hold(self, tokens, offsets, allow_nan=False):
        tokens = as_numbers(tokens)
        offsets = np.ascontiguousarray(offsets)
        if tokens.ndim != 2:
            raise ValueError(f"tokens must have shape (n_tokens, token_dim), got shape {tokens.shape}.")
        _check_offsets(offsets, len(tokens))
        if tokens.shape[1] == 0:
            raise ValueError(f"Found array with 0 feature(s) (shape={tokens.shape}) while a minimum of 1 is required.")
        self._hold(tokens, offsets, arrays.check_finite(tokens, offsets, allow_nan))

    @classmethod
    def _checked(cls, tokens, offsets, allow_nan):
        """RaggedSequences of any arrays, as the constructor makes them, but with NaN if that is allowed."""
        new = object.__new__(cls)
        new._check_and_hold(tokens, offsets, allow_nan)
        return new

    def _hold(self, tokens, offsets, may_hold_nan=False):
        """Store read-only views of both arrays; the arrays of the caller stay writable."""
        object.__setattr__(self, "_may_hold_nan", may_hold_nan)
        for name, array in (("tokens", tokens), ("offsets", offsets.astype(np.int64, copy=False))):
            array = array.view()
            array.flags.writeable = False
            object.__setattr__(self, name, array)  # __setattr__ of this class always raises

    @classmethod
    def _trusted(cls, tokens, offsets, may_hold_nan=False):
        """RaggedSequences of arrays that are known to be valid, such as parts of others; nothing is checked."""
        new = object.__new__(cls)
        new._hold(tokens, offsets, may_hold_nan)
        return new

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"RaggedSequences is frozen: {name} cannot be set.")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"RaggedSequences is frozen: {name} cannot be deleted.")

    def __getstate__(self) -> dict[str, Any]:
        # np.asarray turns a memory map into an ordinary array
        state = {"tokens": np.asarray(self.tokens), "offsets": np.asarray(self.offsets)}
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
        """The dtype of the tokens, float64 or float32."""
        return self.tokens.dtype

    @property
    def shape(self) -> tuple[int]:
        """(n_sequences,): scikit-learn counts sequences as samples."""
        return (len(self),)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __iter__(self) -> Iterator[RealArray]:
        return (self.tokens[start:stop] for start, stop in pairwise(self.offsets.tolist()))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RaggedSequences):
            return NotImplemented
        return np.array_equal(self.offsets, other.offsets) and np.array_equal(self.tokens, other.tokens)

    def __sizeof__(self) -> int:
        return object.__sizeof__(self) + self.tokens.nbytes + self.offsets.nbytes

    def __repr__(self) -> str:
        if len(self) == 0:
            return f"RaggedSequences(0 sequences, token_dim={self.token_dim}, {self.dtype})"
        shortest = self.lengths.min()
        longest = self.lengths.max()
        span = f"{shortest}" if shortest == longest else f"{shortest} to {longest}"
        return f"RaggedSequences({len(self)} sequences of {span} tokens, token_dim={self.token_dim}, {self.dtype})"

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> AnyArray:
        # sequences of one token each are the rows of a matrix
        if len(self) != self.n_tokens:
            raise TypeError(
                "RaggedSequences whose sequences have more than one token are no matrix; use to_list() or to_padded(), or "
                "a pooling step, before an estimator that needs one row per sample."
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
        return self.tokens[self.offsets[i] : self.offsets[i + 1]]

    def _run(self, start, stop):
        """The adjacent sequences start to stop - 1; their tokens are a view."""
        first = self.offsets[start]
        last = self.offsets[stop]
        return self._trusted(self.tokens[first:last], self.offsets[start : stop + 1] - first, self._may_hold_nan)

    def _gather(self, indices):
        """A copy of the sequences with these indices, which are not negative."""
        lengths = self.lengths[indices]
        offsets = arrays.offsets_of(lengths)
        # new row r of the k-th chosen sequence i comes from row r - offsets[k] + self.offsets[i]
        rows = np.arange(offsets[-1]) + np.repeat(self.offsets[indices] - offsets[:-1], lengths)
        return self._trusted(self.tokens[rows], offsets, self._may_hold_nan)

    # -- files -------------------------------------------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the tokens and the offsets to one file.

        The file holds plain numbers with checksums; the page "Other runtimes, and files" of the documentation has its bytes.
        Tokens are written piece by piece, and not copied.

        Parameters
        ----------
        path : str or path-like
            File name; no ending is added. An older file is replaced completely or, if writing fails, not at all; it may be
            the file that these sequences are mapped from. It keeps its permissions, owner and group.

        Raises
        ------
        ValueError
            The tokens contain NaN, as `as_sequences` with allow_nan=True reads them; a file holds finite numbers.
        OSError
            No space, no permission, or `path` is a folder, a FIFO, a device, a socket, or a file with further names (hard
            links), which would not be replaced; what is there is then left as it was.

        Warns
        -----
        UserWarning
            The system does not allow to give the new file the owner or the group of the one that it replaces.

        Examples
        --------
        >>> import os, tempfile
        >>> from sklearn_hardmax import RaggedSequences
        >>> X = RaggedSequences.from_list([[[0., 1.], [2., 3.]], [[4., 5.]]])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     X.save(os.path.join(folder, "pairs"))
        ...     RaggedSequences.load(os.path.join(folder, "pairs")) == X
        True
        """
        if self._may_hold_nan:
            arrays.check_finite(self.tokens, self.offsets)  # a file holds finite numbers
        save_sections(path, "RaggedSequences", {"tokens": self.tokens, "offsets": self.offsets})

    @classmethod
    def load(cls, path: str | os.PathLike[str], mmap_mode: Literal["r"] | None = None) -> Self:
        """Read a file that `save` has written.

        Parameters
        ----------
        path : str or path-like
            The file.
        mmap_mode : None or "r"
            "r" maps the tokens into memory instead of reading them, for data larger than memory. They are then not
            searched for NaN and infinity again, and their checksum is not verified; everything else in the file is. Worker
            processes map the file anew: do not replace it while they run.

        Returns
        -------
        RaggedSequences

        Raises
        ------
        ValueError
            The file is damaged, holds something else, or was written by a newer version. (Files of version 0.1 have no
            checksums: damage of their numbers is not noticed.)
        OSError
            There is no such file (FileNotFoundError), or it is a folder, a FIFO, a device or a socket.
        MemoryError
            There is too little memory; mapped tokens need none.
        """
        if mmap_mode not in (None, "r"):
            raise ValueError(f"mmap_mode must be None or 'r', got {mmap_mode!r}.")

        def build(sections):
            if sections["tokens"].shape[1] == 0:
                raise ValueError("its tokens have no features")
            _check_offsets(sections["offsets"], len(sections["tokens"]))
            return cls._trusted(**sections)  # what was read is finite

        mapped = ("tokens",) if mmap_mode == "r" else ()
        return load_sections(path, "RaggedSequences", _SECTIONS, build, mapped)


def _check_offsets(offsets, n_tokens):
    if offsets.ndim != 1 or len(offsets) == 0 or offsets.dtype.kind not in "iu":
        raise ValueError(f"offsets must be a 1-D array of integers, got {offsets.dtype} of shape {offsets.shape}.")
    if len(offsets) == 1:
        raise ValueError("Found array with 0 sample(s) while a minimum of 1 is required: give at least one sequence.")
    if offsets[0] != 0 or offsets[-1] != n_tokens:
        raise ValueError(f"offsets must run from 0 to n_tokens = {n_tokens}, got {offsets[0]} to {offsets[-1]}.")
    bad = np.flatnonzero(offsets[1:] <= offsets[:-1])
    if len(bad):
        raise ValueError(
            f"Sequences {format_indices(bad)} are empty; every sequence needs at least one token: leave these out."
        )
