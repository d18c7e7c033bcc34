"""From lists and arrays in other layouts to the container, and back: what converters.py reads, as methods.

Each `from_` hands the pair (tokens, offsets) to the constructor of the container, which checks it; each `to_` starts from
the two arrays.
"""

import numpy as np

from sklearn_hardmax.sequences import arrays as converters
from sklearn_hardmax.sequences.segments import sequence_of_each_token


class Layouts:
    """Lists and arrays into RaggedSequences and out of it; `tokens` and `offsets` are its own."""

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
        return cls(*converters.from_list(sequences))

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
        return cls(*converters.from_padded(X, lengths, mask, fill))

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
        return cls(*converters.from_flat(tokens, lengths, groups))

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
        return cls(*converters.from_series(X))

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
        return cls(*converters.from_aeon(X))

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
