"""Conversions of RaggedSequences: methods that read lists, arrays and containers of other libraries, and methods back.

Each `from_` hands the pair (tokens, offsets) to the constructor of the container, which checks it; each `to_` starts from
the two arrays.
"""

import numpy as np

from sklearn_hardmax.sequences import arrays, libraries
from sklearn_hardmax.sequences.segments import sequence_of_each_token


class Conversions:
    """Lists, arrays and containers of other libraries into RaggedSequences and out of it."""

    __slots__ = ()

    @classmethod
    def from_list(cls, sequences):
        """From a list of arrays.

        Parameters
        ----------
        sequences : list, tuple or object array of array-likes of shape (n_i, token_dim)
            Copied, one after another, in O(their size).

        Returns
        -------
        RaggedSequences

        Raises
        ------
        ValueError
            Arrays that are not 2-D, have no token, or unequal token_dim; NaN or infinity; what is no number.

        Examples
        --------
        >>> from sklearn_hardmax import RaggedSequences
        >>> RaggedSequences.from_list([[[0.], [1.]], [[2.]]]).n_tokens
        3
        """
        return cls(*arrays.from_list(sequences))

    @classmethod
    def from_padded(cls, X, lengths=None, mask=None, fill=np.nan):
        """From a padded array (n_sequences, n_max, token_dim).

        Parameters
        ----------
        X : array-like of shape (n_sequences, n_max, token_dim)
        lengths : array-like of int, shape (n_sequences,), optional
            How many leading tokens are real.
        mask : bool array of shape (n_sequences, n_max), optional
            Which tokens are real.
        fill : float, default=nan
            Without lengths and mask: tokens at the end whose features all equal `fill` are padding.

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
        return cls(*arrays.from_padded(X, lengths, mask, fill))

    @classmethod
    def from_flat(cls, tokens, lengths=None, groups=None):
        """From all tokens in one matrix, with the lengths of the sequences or the sequence (group) of each token.

        Parameters
        ----------
        tokens : array-like of shape (n_tokens, token_dim)
            Not copied where it is a C-contiguous array of float64 or float32.
        lengths : array-like of int, shape (n_sequences,), optional
            How many tokens each sequence has, in order.
        groups : array-like of shape (n_tokens,), optional
            Name of the sequence of each token; tokens of a sequence stand side by side.

        Returns
        -------
        RaggedSequences

        Raises
        ------
        ValueError
            Both or neither of lengths and groups; other sums or sizes; groups that are torn apart or hold NaN.

        Examples
        --------
        >>> from sklearn_hardmax import RaggedSequences
        >>> RaggedSequences.from_flat([[0.], [1.], [2.]], groups=["a", "a", "b"]).lengths
        array([2, 1])
        """
        return cls(*arrays.from_flat(tokens, lengths, groups))

    @classmethod
    def from_series(cls, X):
        """From series of one channel; tokens are points in time.

        Parameters
        ----------
        X : array-like of shape (n_sequences, n_times), or list of array-likes of shape (n_times_i,)

        Returns
        -------
        RaggedSequences

        Raises
        ------
        ValueError
            Series that are not 1-D or hold no point; NaN or infinity.

        Examples
        --------
        >>> from sklearn_hardmax import RaggedSequences
        >>> RaggedSequences.from_series([[1., 2., 3.], [4., 5.]])
        RaggedSequences(2 sequences of 2 to 3 tokens, token_dim=1, float64)
        """
        return cls(*arrays.from_series(X))

    @classmethod
    def from_aeon(cls, X):
        """From channels-first series, as in aeon.

        Parameters
        ----------
        X : array of shape (n_sequences, channels, time), or list of arrays of shape (channels, time_i)
            A list is copied, an array too, since tokens lie the other way.

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
        return cls(*arrays.from_aeon(X))

    def to_list(self):
        """Each sequence as an array.

        Returns
        -------
        list of ndarray of shape (n_i, token_dim)
            Views on `tokens`, read-only.
        """
        return list(self)

    def to_padded(self, fill=np.nan):
        """One array, padded behind the end of each sequence, as tslearn has it.

        Parameters
        ----------
        fill : float, default=nan

        Returns
        -------
        ndarray of shape (n_sequences, longest, token_dim)
        """
        lengths = self.lengths
        longest = int(lengths.max(initial=0))
        padded = np.full((len(self), longest, self.token_dim), fill, dtype=self.dtype)
        padded[np.arange(longest) < lengths[:, None]] = self.tokens
        return padded

    def to_flat(self):
        """All tokens in one matrix, and for each the index of its sequence: a table of bags.

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
        return self.tokens, sequence_of_each_token(self.lengths)

    def to_aeon(self):
        """Channels-first series, as in aeon.

        Returns
        -------
        list of ndarray of shape (channels, time_i)
            Views on `tokens`, read-only.
        """
        return [sequence.T for sequence in self]

    @classmethod
    def from_arrow(cls, X):
        """From Arrow lists of lists of numbers: each inner list is a token, each outer one a sequence.

        Parameters
        ----------
        X : pyarrow.Array or ChunkedArray, or a column of another library that speaks Arrow
            Of type list, large list, fixed-size list or list view; not copied where the inner lists are of fixed size, or
            of one size, and hold float64 or float32. Lists of plain numbers are series of one channel.

        Returns
        -------
        RaggedSequences

        Raises
        ------
        ValueError
            Nulls anywhere, tokens of unequal numbers of features, deeper or flatter types, no numbers.
        """
        return cls(*libraries.from_arrow(X))

    def to_arrow(self):
        """Arrow lists of lists, on the memory of this container.

        Returns
        -------
        pyarrow.LargeListArray
            Of fixed-size lists, one of token_dim numbers a token.
        """
        return libraries.to_arrow(self.tokens, self.offsets)

    @classmethod
    def from_awkward(cls, X):
        """From an Awkward array.

        Parameters
        ----------
        X : awkward.Array of type N * var * token_dim * number
            Or N * var * number, series of one channel. Not copied where `from_arrow` copies nothing.

        Returns
        -------
        RaggedSequences

        Raises
        ------
        ValueError
            What `from_arrow` refuses.
        """
        return cls(*libraries.from_awkward(X))

    def to_awkward(self):
        """An Awkward array, on the memory of this container.

        Returns
        -------
        awkward.Array of type N * var * token_dim * number
        """
        return libraries.to_awkward(self.tokens, self.offsets)

    @classmethod
    def from_frame(cls, frame, group=None):
        """From columns of pandas, polars or pyarrow.

        Parameters
        ----------
        frame : Series, data frame or table
            A Series: one sequence a cell, an array (n_i, token_dim) or a list of tokens; cells of plain numbers are series
            of one channel. A data frame: one row a sequence, and for every feature a column of lists of numbers.
        group : str, optional
            The frame has one row a token instead, and this column names its sequence; rows of a sequence stand side by
            side. All other columns are features, in their order.

        Returns
        -------
        RaggedSequences

        Raises
        ------
        ValueError
            Missing cells and nulls, features of unequal lengths, categories and texts, sequences that are torn apart.
        """
        return cls(*libraries.from_frame(frame, group))

    def to_pandas(self, group=None, names=None):
        """A pandas Series of arrays, or a data frame with one row a token.

        Parameters
        ----------
        group : str, optional
            Name of the column of the sequence indices; makes it a data frame.
        names : list of str, optional
            Names of the features in a data frame; default x0, x1, ...

        Returns
        -------
        pandas.Series or pandas.DataFrame
            The Series holds views (n_i, token_dim) on `tokens`.
        """
        return libraries.to_pandas(self.tokens, self.offsets, group, names)

    def to_polars(self, group=None, names=None):
        """A Series of polars, or a data frame with one row a token.

        Parameters
        ----------
        group, names : optional
            As in `to_pandas`.

        Returns
        -------
        polars.Series or polars.DataFrame
            The Series is of type List(Array), on the memory of the tokens.
        """
        return libraries.to_polars(self.tokens, self.offsets, group, names)

    @classmethod
    def from_torch(cls, nested):
        """From a nested tensor of torch.

        Parameters
        ----------
        nested : torch.Tensor of shape (n_sequences, ragged, token_dim)
            A jagged one on the CPU is not copied; strided ones and those with holes are. Gradients are left behind.

        Returns
        -------
        RaggedSequences

        Raises
        ------
        ValueError
            A tensor that is not nested, or of other dimensions.
        """
        return cls(*libraries.from_torch(nested))

    def to_torch(self):
        """A jagged nested tensor of torch, on the memory of the tokens: torch has no read-only ones, write into a clone only.

        Returns
        -------
        torch.Tensor of shape (n_sequences, ragged, token_dim)
        """
        return libraries.to_torch(self.tokens, self.offsets)
