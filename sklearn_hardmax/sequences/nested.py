"""Nested containers, which hold lists of tokens: Arrow, Awkward and torch's nested tensors, from and to RaggedSequences.

They store flat values and offsets, as RaggedSequences does, so that nothing is copied where the layouts agree. The methods of
NestedConversions are those of RaggedSequences; the functions of the same names work on the pair (tokens, offsets). Lists of
plain numbers are series of one channel. A library is imported where it is used.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from sklearn_hardmax._extras import extra
from sklearn_hardmax._typing import AnyArray, IntArray, RealArray
from sklearn_hardmax.sequences import arrays
from sklearn_hardmax.sequences.checks import sequences_containing
from sklearn_hardmax.sequences.messages import format_indices
from sklearn_hardmax.sequences.raw_tokens import RawTokens
from sklearn_hardmax.sequences.readers import NUMERIC
from sklearn_hardmax.sequences.segments import sequence_of_each_token
from sklearn_hardmax.sequences.tables import long_arrow, long_awkward, long_columns
from sklearn_hardmax.sequences.values import (
    as_numbers,
    awkward_to_arrow,
    decoded,
    library_of,
    names_of_fields,
    numpy_of_tensor,
    refuse_categories,
)


class NestedConversions:
    """Base class of RaggedSequences with conversions from and to nested containers."""

    __slots__ = ()

    tokens: RealArray
    offsets: IntArray
    ids: AnyArray | None
    feature_names: AnyArray | None

    @classmethod
    def from_arrow(cls, X: Any) -> Self:
        """Read Arrow lists of lists of numbers: each inner list is a token, each outer list a sequence.

        Parameters
        ----------
        X : pyarrow.Array or ChunkedArray, or a column of another library that supports Arrow
            Of type list, large list, fixed-size list or list view. Not copied if the inner lists are of fixed size, or of
            one size, and hold float64 or float32. Instead of an inner list a token may be a record (struct) of numbers, whose
            fields name the features. Lists of plain numbers are series of one channel.

        Returns
        -------
        RaggedSequences

        Raises
        ------
        ValueError
            Nulls anywhere, tokens of unequal numbers of features, other depths of nesting, entries that are not numbers.
        """
        return cls._checked(from_arrow(X))

    def to_arrow(self, group: str | list[str] | None = None, names: Sequence[str] | None = None) -> Any:
        """Return an array of Arrow or, with `group`, a table with one row per token.

        Parameters
        ----------
        group : str or list of str, optional
            Name of the column of ids, or without ids of the indices of the sequences; the result is a table if it is given,
            which `from_frame` reads. A list of names, for ids that are tuples: a column for each part.
        names : list of str, optional
            Names of the features in a table; default `feature_names`, or x0, x1, ...

        Returns
        -------
        pyarrow.LargeListArray or pyarrow.Table
            The array holds fixed-size lists, one per token, and shares the memory of this container; it has no ids and no
            names.

        Raises
        ------
        ValueError
            With `group`: ids that repeat, since a table would join these sequences, or that the library cannot hold.
        """
        if group is None:
            return to_arrow(self._numbers(), self.offsets)
        return long_arrow(self._long(group, names))

    @classmethod
    def from_awkward(cls, X: Any) -> Self:
        """Read an Awkward array.

        Parameters
        ----------
        X : awkward.Array of type N * var * token_dim * number
            Or N * var * {name: number, ...}, whose fields name the features; or N * var * number, series of one channel.
            Copied in the same cases as by `from_arrow`.

        Returns
        -------
        RaggedSequences

        Raises
        ------
        ValueError
            The same input as for `from_arrow`.
        """
        return cls._checked(from_awkward(X))

    def to_awkward(self, group: str | list[str] | None = None, names: Sequence[str] | None = None) -> Any:
        """Return an Awkward array or, with `group`, an Awkward array with one record per token.

        Parameters
        ----------
        group, names : optional
            As in `to_arrow`; `from_frame` reads the array of records.

        Returns
        -------
        awkward.Array
            Of type N * var * token_dim * number, which shares the memory of this container; with `group` of type n_tokens *
            {group, names...}.

        Raises
        ------
        ValueError
            As in `to_arrow`.
        """
        if group is None:
            return to_awkward(self._numbers(), self.offsets)
        return long_awkward(self._long(group, names))

    @classmethod
    def from_torch(cls, nested: Any) -> Self:
        """Read a nested tensor of torch.

        Parameters
        ----------
        nested : torch.Tensor of shape (n_sequences, ragged, token_dim)
            A jagged tensor on the CPU is not copied; strided tensors and those with holes are. Gradients are dropped.

        Returns
        -------
        RaggedSequences

        Raises
        ------
        ValueError
            A tensor that is not nested, or of other dimensions.
        """
        return cls._checked(from_torch(nested))

    def to_torch(self) -> Any:
        """Return a jagged nested tensor of torch that shares the memory of the tokens.

        Returns
        -------
        torch.Tensor of shape (n_sequences, ragged, token_dim)
            Do not write into it, only into a clone: torch has no read-only tensors.
        """
        return to_torch(self._numbers(), self.offsets)

    def _numbers(self):
        """The tokens, for containers that hold nothing but numbers."""
        if isinstance(self.tokens, RawTokens):
            raise ValueError(
                "Raw tokens go out as a table with one row per token: give group=, as in X.to_pandas(group='id'), or turn "
                "them into numbers first, by a TokenwiseTransformer."
            )
        return self.tokens

    def _long(self, group, names):
        """Columns of a table with one row per token."""
        if names is None and self.feature_names is not None:
            names = self.feature_names.tolist()
        return long_columns(self.tokens, self.offsets, self.ids, group, names)


# -- Arrow, Awkward ----------------------------------------------------------------------------------------------------


def list_depth(arrow_type):
    """Number of list levels of an Arrow type; no other types with values are lists."""
    depth = 0
    # of dictionaries, extensions and run-end encoded arrays
    others = ("index_type", "storage_type", "run_end_type")
    while hasattr(arrow_type, "value_type") and not any(hasattr(arrow_type, name) for name in others):
        arrow_type = arrow_type.value_type
        depth += 1
    return depth


def arrow_array(X):
    """One pyarrow array from a column of any library that supports Arrow."""
    with extra("interop"):
        import pyarrow

    if library_of(X) == "polars":
        X = X.to_arrow()
    if not isinstance(X, (pyarrow.Array, pyarrow.ChunkedArray)):
        X = pyarrow.chunked_array(X) if hasattr(X, "__arrow_c_stream__") else pyarrow.array(X)
    if isinstance(X, pyarrow.ChunkedArray):
        X = X.chunk(0) if X.num_chunks == 1 else X.combine_chunks()
    return X


def from_arrow(X, reader=NUMERIC):
    """Read Arrow lists of lists of numbers, or of numbers; see `RaggedSequences.from_arrow`."""
    array = arrow_array(X)
    depth = list_depth(array.type)
    if depth not in (1, 2):
        raise ValueError(
            "Sequences are lists of tokens, tokens lists of numbers or records of numbers (for series, numbers); got Arrow "
            f"type {array.type}; records of lists are read by RaggedSequences.from_frame."
        )
    _refuse_nulls(array, np.arange(len(array)), "missing sequences")
    offsets, values = _lists(array)
    names = names_of_fields(values.type)
    if depth == 1 and names is None:
        return arrays.Parts(_arrow_tokens(values, (len(values), 1), reader), offsets)
    owners = sequence_of_each_token(np.diff(offsets)) if values.null_count else None
    _refuse_nulls(values, owners, "missing tokens")
    if names is not None:
        features = [
            reader.column(feature, f"features {name!r} of all sequences together")
            for name, feature in zip(names, values.flatten())
        ]
        return arrays.Parts(reader.join(features), offsets, feature_names=names)
    # second level: the boundaries of the tokens among the numbers
    boundaries, numbers = _lists(values)
    dims = np.diff(boundaries)
    if len(dims) and (dims != dims[0]).any():
        odd = sequences_containing(np.flatnonzero(dims != dims[0]), offsets)
        raise ValueError(
            f"All tokens need the same number of features: the first has {dims[0]}, tokens of sequences "
            f"{format_indices(odd)} have others."
        )
    token_dim = int(dims[0]) if len(dims) else 1
    return arrays.Parts(_arrow_tokens(numbers, (len(dims), token_dim), reader), offsets)


def _refuse_nulls(array, owners, kind):
    """Raise ValueError for nulls; owners[k] is the sequence of entry k, `kind` the name of the nulls in the message."""
    if array.null_count:
        raise_missing(owners[array.is_null().to_numpy(zero_copy_only=False)], kind)


def raise_missing(sequences, kind):
    """Raise ValueError for sequences with nulls; `kind` names these in the message."""
    listed = format_indices(np.unique(sequences))
    raise ValueError(f"There are {kind} (nulls) in sequences {listed}; drop or fill them first.")


def _lists(array):
    """Offsets of a list array without nulls, beginning with 0, and the concatenated entries of its lists."""
    if hasattr(array.type, "list_size"):  # lists of fixed size
        return np.arange(len(array) + 1) * array.type.list_size, array.flatten()
    if hasattr(array, "sizes"):  # a list view
        return arrays.offsets_of(array.sizes.to_numpy()), array.flatten()
    # a slice of an Arrow array has the offsets of the whole array
    offsets = array.offsets.to_numpy()
    return offsets - offsets[0] if len(offsets) and offsets[0] else offsets, array.flatten()


def _arrow_tokens(array, shape, reader):
    """The tokens of all sequences, of this shape, from an array of their features."""
    name = "tokens of all sequences together"
    if reader is not NUMERIC and shape[1]:
        return reader.join([reader.column(array[j :: shape[1]], name) for j in range(shape[1])])
    refuse_categories(array.type, name)
    try:
        values = decoded(array).to_numpy(zero_copy_only=False)
    except NotImplementedError as error:  # of pyarrow, for unions
        raise ValueError(
            f"{name} must be real numbers, got Arrow type {array.type}; give numbers of one type."
        ) from error
    # objects and nulls are left to as_numbers
    return as_numbers(values.reshape(shape), name)


def to_arrow(tokens, offsets):
    """Inverse of `from_arrow`; see `RaggedSequences.to_arrow`."""
    with extra("interop"):
        import pyarrow

    rows = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(tokens.ravel()), tokens.shape[1])
    return pyarrow.LargeListArray.from_arrays(pyarrow.array(offsets), rows)


def from_awkward(X):
    """Read an Awkward array; see `RaggedSequences.from_awkward`."""
    return from_arrow(awkward_to_arrow(X))


def to_awkward(tokens, offsets):
    """Inverse of `from_awkward`; see `RaggedSequences.to_awkward`."""
    with extra("interop"):
        import awkward

    values = awkward.contents.NumpyArray(tokens)
    return awkward.Array(awkward.contents.ListOffsetArray(awkward.index.Index64(offsets), values))


# -- torch -------------------------------------------------------------------------------------------------------------


def from_torch(nested):
    """Read a nested tensor of either layout, from any device; see `RaggedSequences.from_torch`."""
    with extra("torch"):
        import torch

    if not isinstance(nested, torch.Tensor) or not nested.is_nested or nested.dim() != 3:
        given = type(nested).__name__
        if isinstance(nested, torch.Tensor):
            given = f"a {'nested ' * nested.is_nested}tensor of {nested.dim()} dimensions"
        raise ValueError(f"from_torch takes a nested tensor of shape (n_sequences, ragged, token_dim), got {given}.")
    nested = nested.detach()
    # jagged, ragged in the second dimension and without holes: its values and offsets are ours
    if nested.layout == torch.jagged and isinstance(nested.shape[1], torch.SymInt) and nested.lengths() is None:
        return arrays.Parts(numpy_of_tensor(nested.values()), nested.offsets().cpu().numpy())
    return arrays.from_list([numpy_of_tensor(component) for component in nested.unbind()])


def to_torch(tokens, offsets):
    """Inverse of `from_torch`; see `RaggedSequences.to_torch`."""
    with extra("torch"):
        import torch

    # torch warns that the memory is read-only; the docstring of the method warns too
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable", category=UserWarning)
        values = torch.from_numpy(tokens)
        boundaries = torch.from_numpy(offsets)
    return torch.nested.nested_tensor_from_jagged(values, boundaries)
