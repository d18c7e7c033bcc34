"""From containers of other libraries to ours, and back: what interop.py reads, as methods (extras interop, torch).

A library is imported inside interop.py, when it is asked for.
"""

from sklearn_hardmax.sequences import libraries as interop


class Containers:
    """Arrow, Awkward, data frames and torch into RaggedSequences and out of it; `tokens` and `offsets` are its own."""

    __slots__ = ()

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
        return cls(*interop.from_arrow(X))

    def to_arrow(self):
        """Arrow lists of lists, on the memory of this container.

        Returns
        -------
        pyarrow.LargeListArray
            Of fixed-size lists, one of token_dim numbers a token.
        """
        return interop.to_arrow(self.tokens, self.offsets)

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
        return cls(*interop.from_awkward(X))

    def to_awkward(self):
        """An Awkward array, on the memory of this container.

        Returns
        -------
        awkward.Array of type N * var * token_dim * number
        """
        return interop.to_awkward(self.tokens, self.offsets)

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
        return cls(*interop.from_frame(frame, group))

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
        return interop.to_pandas(self.tokens, self.offsets, group, names)

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
        return interop.to_polars(self.tokens, self.offsets, group, names)

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
        return cls(*interop.from_torch(nested))

    def to_torch(self):
        """A jagged nested tensor of torch, on the memory of the tokens: torch has no read-only ones, write into a clone only.

        Returns
        -------
        torch.Tensor of shape (n_sequences, ragged, token_dim)
        """
        return interop.to_torch(self.tokens, self.offsets)
