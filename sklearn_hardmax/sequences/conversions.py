"""Methods of RaggedSequences that convert from and to lists, arrays and containers of other libraries.

Each `from_...` passes the pair (tokens, offsets) to the constructor of RaggedSequences, which checks it; each `to_...`
starts from these two arrays. The work is done by the functions of the same name in arrays.py and, for containers of other
libraries (extras interop and torch), in libraries.py and nested.py, which import a library when a function needs it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike

from sklearn_hardmax._typing import AnyArray, IntArray, RealArray
from sklearn_hardmax.sequences import arrays, libraries
from sklearn_hardmax.sequences.nested import NestedConversions
from sklearn_hardmax.sequences.readers import RAW, reader_of
from sklearn_hardmax.sequences.segments import sequence_of_each_token
from sklearn_hardmax.sequences.tables import long_pandas, long_polars
from sklearn_hardmax.sequences.times import TimeUnit


class Conversions(NestedConversions):
    """Base class of RaggedSequences with its conversions; `tokens` and `offsets` are the two arrays of RaggedSequences."""

    __slots__ = ()

    ids: AnyArray | None
    feature_names: AnyArray | None

    # -- lists and arrays ----------------------------------------------------------------------------------------------

    @classmethod
    def from_list(
        cls, sequences: Iterable[Any], *, dtype: Literal["numeric"] | None = "numeric", allow_nan: bool = False
    ) -> Self:
        """Read a list of 2-D arrays, one per sequence.

        Parameters
        ----------
        sequences : list, tuple or object array of array-likes of shape (n_i, token_dim)
            Copied, one after another, in O(their size).
        dtype, allow_nan : optional
            As in `as_sequences`.

        Returns
        -------
        RaggedSequences

        Raises
        ------
        ValueError
            Arrays that are not 2-D, have no token, or unequal token_dim; NaN or infinity; entries that are not numbers.

        Examples
        --------
        >>> from sklearn_hardmax import RaggedSequences
        >>> RaggedSequences.from_list([[[0.], [1.]], [[2.]]]).n_tokens
        3
        """
        reader = reader_of(dtype)
        return cls._checked(arrays.from_list(sequences, reader), allow_nan or reader is RAW)

    @classmethod
    def from_padded(
        cls, X: ArrayLike, lengths: ArrayLike | None = None, mask: ArrayLike | None = None, fill: float = np.nan
    ) -> Self:
        """Read a padded 3-D array; `lengths`, `mask` or `fill` separates real tokens from padding.

        Parameters
        ----------
        X : array-like of shape (n_sequences, n_max, token_dim)
        lengths : array-like of int, shape (n_sequences,), optional
            Number of leading tokens that are real.
        mask : bool array of shape (n_sequences, n_max), optional
            True for real tokens.
        fill : float, default=nan
            Without lengths and mask: tokens at the end whose features all equal `fill` are padding, and left out; give
            lengths where tokens at the end may be missing observations.

        Returns
        -------
        RaggedSequences

        Raises
        ------
        ValueError
            Both lengths and mask; lengths or a mask that do not fit; a sequence without a token.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_hardmax import RaggedSequences
        >>> RaggedSequences.from_padded([[[1.], [np.nan]], [[2.], [3.]]]).lengths
        array([1, 2])
        """
        return cls._checked(arrays.from_padded(X, lengths, mask, fill))

    @classmethod
    def from_flat(cls, tokens: ArrayLike, lengths: ArrayLike | None = None, groups: ArrayLike | None = None) -> Self:
        """Read all tokens from one matrix, with the lengths of the sequences or the sequence (group) of each token.

        Parameters
        ----------
        tokens : array-like of shape (n_tokens, token_dim)
            Not copied if it is a C-contiguous array of float64 or float32.
        lengths : array-like of int, shape (n_sequences,), optional
            Number of tokens of each sequence, in order.
        groups : array-like of shape (n_tokens,), optional
            Name of the sequence of each token. The tokens of a sequence must be adjacent; sequences come in the order in
            which they appear.

        Returns
        -------
        RaggedSequences

        Raises
        ------
        ValueError
            Both or neither of lengths and groups; other sums or sizes; groups that are not contiguous or contain NaN.

        Examples
        --------
        >>> from sklearn_hardmax import RaggedSequences
        >>> RaggedSequences.from_flat([[0.], [1.], [2.]], groups=["a", "a", "b"]).lengths
        array([2, 1])
        """
        return cls._checked(arrays.from_flat(tokens, lengths, groups))

    @classmethod
    def from_series(
        cls, X: Iterable[Any], *, dtype: Literal["numeric"] | None = "numeric", allow_nan: bool = False
    ) -> Self:
        """Read time series of one channel, or with dtype=None lists of symbols; every entry becomes a token.

        Parameters
        ----------
        X : array-like of shape (n_sequences, n_times), or list of array-likes of shape (n_times_i,)
            The index of a Series of pandas becomes ids, as in `from_frame`.
        dtype, allow_nan : optional
            As in `as_sequences`. With dtype=None, texts become one column of categories, numbered in the order of appearance.

        Returns
        -------
        RaggedSequences

        Raises
        ------
        ValueError
            Series that are not 1-D or have no point; NaN or infinity.

        Examples
        --------
        >>> from sklearn_hardmax import RaggedSequences
        >>> RaggedSequences.from_series([[1., 2., 3.], [4., 5.]])
        RaggedSequences(2 sequences of 2 to 3 tokens, token_dim=1, float64)
        >>> RaggedSequences.from_series([["open", "buy"], ["open"]], dtype=None)
        RaggedSequences(2 sequences of 1 to 2 tokens, token_dim=1, category)
        """
        reader = reader_of(dtype)
        return cls._checked(arrays.from_series(X, reader), allow_nan or reader is RAW)

    @classmethod
    def from_aeon(cls, X: Iterable[ArrayLike]) -> Self:
        """Read channels-first series, as in aeon.

        Parameters
        ----------
        X : array of shape (n_sequences, channels, time), or list of arrays of shape (channels, time_i)
            Copied, since the memory of tokens is transposed.

        Returns
        -------
        RaggedSequences

        Raises
        ------
        ValueError
            Series of other shapes, of no point, or of unequal numbers of channels.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_hardmax import RaggedSequences
        >>> RaggedSequences.from_aeon([np.zeros((2, 5)), np.zeros((2, 7))])
        RaggedSequences(2 sequences of 5 to 7 tokens, token_dim=2, float64)
        """
        return cls._checked(arrays.from_aeon(X))

    def to_list(self) -> list[RealArray]:
        """Return each sequence as an array of shape (n_i, token_dim): a list of read-only views of `tokens`."""
        return list(self)

    def to_padded(self, fill: float = np.nan) -> RealArray:
        """Return one array, padded behind the end of each sequence, as in tslearn.

        Parameters
        ----------
        fill : float, default=nan

        Returns
        -------
        ndarray of shape (n_sequences, longest, token_dim)
        """
        return arrays.to_padded(self._numbers(), self.offsets, fill)

    def to_flat(self) -> tuple[RealArray, IntArray]:
        """Return all tokens in one matrix and the index of the sequence of each token, as in a table of bags.

        Returns
        -------
        tokens : ndarray of shape (n_tokens, token_dim)
            Not copied.
        groups : ndarray of shape (n_tokens,), int64

        Examples
        --------
        >>> from sklearn_hardmax import RaggedSequences
        >>> RaggedSequences.from_list([[[0.], [1.]], [[2.]]]).to_flat()[1]
        array([0, 0, 1])
        """
        return self.tokens, sequence_of_each_token(np.diff(self.offsets))

    def to_aeon(self) -> list[RealArray]:
        """Return channels-first series of shape (channels, time_i), as in aeon: a list of read-only views of `tokens`."""
        return [sequence.T for sequence in arrays.to_list(self._numbers(), self.offsets)]

    # -- containers of other libraries ---------------------------------------------------------------------------------

    @classmethod
    def from_frame(
        cls,
        frame: Any,
        group: str | list[str] | None = None,
        *,
        time: str | None = None,
        time_unit: TimeUnit = "s",
        dtype: Literal["numeric"] | None = "numeric",
        allow_nan: bool = False,
    ) -> Self:
        """Read a column or a table of pandas, polars or pyarrow, or an Awkward array of records.

        Parameters
        ----------
        frame : Series, data frame or table
            A Series, or a data frame of one column, holds one sequence per cell: an array (n_i, token_dim) or a list of
            tokens; cells of plain numbers are series of one channel. A data frame has one row per sequence and, for every
            feature, a column of lists of numbers. The index of pandas becomes ids, unless it is an unnamed integer index.
        group : str or list of str, optional
            Name of the column that names the sequence of each row, by its id. All other columns are features, in their
            order, and one row is one token: the rows of a sequence must be adjacent, unless `time` orders them. Where the
            other columns hold lists, one row is one sequence. Several columns name a sequence by a tuple.
        time : str, optional
            With `group`: name of the column of times, by which the tokens of each sequence are sorted; rows of equal times
            keep their order. In its place is a feature: numbers as they are; for dates, the time since the first token of
            the sequence.
        time_unit : {"D", "h", "min", "s", "ms", "us", "ns"}, default="s"
            Unit of that feature, if times are dates or durations.
        dtype, allow_nan : optional
            As in `as_sequences`.

        Returns
        -------
        RaggedSequences

        Raises
        ------
        ValueError
            Missing cells, times and groups; features of unequal lengths; categories, texts, and dates elsewhere than in
            `time`; sequences that are not contiguous.

        Examples
        --------
        >>> import pandas as pd
        >>> from sklearn_hardmax import RaggedSequences
        >>> day = pd.to_datetime(["2024-03-02", "2024-03-09", "2024-03-01"])
        >>> visits = pd.DataFrame({"patient": ["p", "q", "p"], "day": day, "pulse": [71, 64, 80]})
        >>> RaggedSequences.from_frame(visits, group="patient", time="day", time_unit="D")[0]
        array([[ 0., 80.],
               [ 1., 71.]])
        """
        reader = reader_of(dtype)
        return cls._checked(libraries.from_frame(frame, group, time, time_unit, reader), allow_nan or reader is RAW)

    def to_pandas(self, group: str | list[str] | None = None, names: Sequence[str] | None = None) -> Any:
        """Return a pandas Series of arrays or, with `group`, a data frame with one row per token.

        Parameters
        ----------
        group : str or list of str, optional
            Name of the column of ids, or without ids of the indices of the sequences; the result is a data frame if it is
            given, which `from_frame` reads. A list of names, for ids that are tuples: a column for each part.
        names : list of str, optional
            Names of the features in a data frame; default `feature_names`, or x0, x1, ...

        Returns
        -------
        pandas.Series or pandas.DataFrame
            The Series holds views (n_i, token_dim) of `tokens`, and its index is the ids; it has no names of features.

        Raises
        ------
        ValueError
            With `group`: ids that repeat, since a table would join these sequences.
        """
        if group is None:
            return libraries.to_pandas(self._numbers(), self.offsets, self.ids)
        return long_pandas(self._long(group, names))

    def to_polars(self, group: str | list[str] | None = None, names: Sequence[str] | None = None) -> Any:
        """Return a polars Series or, with `group`, a data frame with one row per token.

        Parameters
        ----------
        group, names : optional
            As in `to_pandas`.

        Returns
        -------
        polars.Series or polars.DataFrame
            The Series is of type List(Array) and shares the memory of the tokens; it has no ids and no names.

        Raises
        ------
        ValueError
            With `group`: ids that repeat, or that the library cannot hold.
        """
        if group is None:
            return libraries.to_polars(self._numbers(), self.offsets)
        return long_polars(self._long(group, names))
