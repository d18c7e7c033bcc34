"""Sequences of unequal length: the one container. parsing.py reads user input into it.

A data set of N sequences, sequence i with n_i tokens of token_dim features, is two arrays: `tokens`, all rows one after
another, and `offsets`, where each sequence begins. Nothing is padded and nothing is copied when a run of sequences is
looked at, so slicing, pickling to worker processes and memory-mapping cost what two plain arrays cost.
"""

import os

import numpy as np

from sklearn_hardmax import converters, interop
from sklearn_hardmax.converters import name_indices


class RaggedSequences:
    """Sequences of any lengths with a common number of features a token.

    Behaves towards scikit-learn as an array of shape (n_sequences,): folds, searches and meta-estimators index it.

    Parameters
    ----------
    tokens : array-like of shape (n_tokens, token_dim)
        The tokens of all sequences, one after another. float32 and float64 are kept, other numbers become float64.
        Not copied where they already are C-contiguous floats.
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
        Tokens that are no numbers.

    Notes
    -----
    Indexing by an integer gives one (n_i, token_dim) array, a view; by a slice of step 1 a view on a run of sequences;
    by any other slice, list, integer or boolean array a copy of the chosen sequences, in O(their tokens).

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

    __slots__ = ("offsets", "tokens")
    __hash__ = None
    ndim = 1

    def __init__(self, tokens, offsets):
        tokens = converters.as_float_tokens(tokens)
        offsets = np.ascontiguousarray(offsets)
        if tokens.ndim != 2:
            raise ValueError(f"tokens must have shape (n_tokens, token_dim), got shape {tokens.shape}.")
        _check_offsets(offsets, len(tokens))
        if tokens.shape[1] == 0:
            raise ValueError(f"Found array with 0 feature(s) (shape={tokens.shape}) while a minimum of 1 is required.")
        converters.check_finite(tokens, offsets)
        self._hold(tokens, offsets)

    def _hold(self, tokens, offsets):
        for name, array in (("tokens", tokens), ("offsets", offsets.astype(np.int64, copy=False))):
            array = array.view()
            array.flags.writeable = False
            object.__setattr__(self, name, array)

    @classmethod
    def _trusted(cls, tokens, offsets):
        """A container around arrays that came out of another one: nothing is checked again."""
        new = object.__new__(cls)
        new._hold(tokens, offsets)
        return new

    def __setattr__(self, name, value):
        raise AttributeError(f"RaggedSequences is frozen: {name} cannot be set.")

    def __delattr__(self, name):
        raise AttributeError(f"RaggedSequences is frozen: {name} cannot be deleted.")

    def __getstate__(self):
        return {"tokens": np.asarray(self.tokens), "offsets": np.asarray(self.offsets)}

    def __setstate__(self, state):
        self._hold(**state)

    # -- what it holds -----------------------------------------------------------------------------------------------

    @property
    def lengths(self):
        """Number of tokens of each sequence, shape (n_sequences,), int64."""
        return np.diff(self.offsets)

    @property
    def n_tokens(self):
        """Number of tokens of all sequences together."""
        return len(self.tokens)

    @property
    def token_dim(self):
        """Number of features of a token."""
        return self.tokens.shape[1]

    @property
    def dtype(self):
        """dtype of the tokens, float64 or float32."""
        return self.tokens.dtype

    @property
    def shape(self):
        """(n_sequences,): one entry a sequence, as scikit-learn counts samples."""
        return (len(self),)

    def __len__(self):
        return len(self.offsets) - 1

    def __iter__(self):
        return (self.tokens[a:b] for a, b in zip(self.offsets[:-1].tolist(), self.offsets[1:].tolist()))

    def __eq__(self, other):
        if not isinstance(other, RaggedSequences):
            return NotImplemented
        return np.array_equal(self.offsets, other.offsets) and np.array_equal(self.tokens, other.tokens)

    def __sizeof__(self):
        return object.__sizeof__(self) + self.tokens.nbytes + self.offsets.nbytes

    def __repr__(self):
        if len(self) == 0:
            return f"RaggedSequences(0 sequences, token_dim={self.token_dim}, {self.dtype})"
        lengths = self.lengths
        low, high = lengths.min(), lengths.max()
        span = f"{low}" if low == high else f"{low} to {high}"
        return f"RaggedSequences({len(self)} sequences of {span} tokens, token_dim={self.token_dim}, {self.dtype})"

    def __array__(self, dtype=None, copy=None):
        if len(self) != self.n_tokens:
            raise TypeError(
                "RaggedSequences whose sequences have more than one token are no matrix; use to_list() or to_padded(), or "
                "a pooling step, before an estimator that needs one row a sample."
            )
        return np.array(self.tokens, dtype=dtype, copy=copy)

    # -- indexing ----------------------------------------------------------------------------------------------------

    def __getitem__(self, key):
        if isinstance(key, tuple):  # scikit-learn asks for X[key, ...]
            rest = [k for k in key if k is not Ellipsis]
            if len(rest) > 1 or len(key) - len(rest) > 1:
                raise IndexError(f"RaggedSequences has one axis, got the index {key}; index tokens by X[i][j].")
            key = rest[0] if rest else slice(None)
        if key is Ellipsis:
            return self
        if isinstance(key, slice):
            start, stop, step = key.indices(len(self))
            if step == 1:
                return self._run(start, max(start, stop))
            return self._gather(np.arange(start, stop, step))
        if np.ndim(key) == 0 and not isinstance(key, (bool, np.bool_)):
            return self._one(key)
        key = np.asarray(key)
        if key.size == 0 and key.dtype == np.float64:
            key = key.astype(np.int64)  # an empty list
        if key.ndim != 1 or key.dtype.kind not in "iub":
            raise IndexError(f"RaggedSequences takes integers, slices and 1-D integer or boolean arrays, got {key!r}.")
        if key.dtype == bool:
            if len(key) != len(self):
                raise IndexError(f"a boolean index needs {len(self)} entries, got {len(key)}.")
            return self._gather(np.flatnonzero(key))
        key = key.astype(np.int64)
        out = np.flatnonzero((key < -len(self)) | (key >= len(self)))
        if len(out):
            raise IndexError(f"index {key[out[0]]} is out of bounds for {len(self)} sequences.")
        return self._gather(np.where(key < 0, key + len(self), key))

    def _one(self, key):
        try:
            i = range(len(self))[key]
        except TypeError as error:
            raise IndexError(f"RaggedSequences takes integers, slices and 1-D arrays, got {key!r}.") from error
        except IndexError:
            raise IndexError(f"index {key} is out of bounds for {len(self)} sequences.") from None
        return self.tokens[self.offsets[i] : self.offsets[i + 1]]

    def _run(self, start, stop):
        first, last = self.offsets[start], self.offsets[stop]
        return self._trusted(self.tokens[first:last], self.offsets[start : stop + 1] - first)

    def _gather(self, indices):
        lengths = self.lengths[indices]
        offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths)])
        rows = np.arange(offsets[-1]) + np.repeat(self.offsets[indices] - offsets[:-1], lengths)
        return self._trusted(self.tokens[rows], offsets)

    # -- files -------------------------------------------------------------------------------------------------------

    def save(self, path):
        """Write the two arrays to the folder `path` (made anew; FileExistsError if it exists and is not such a folder).

        Parameters
        ----------
        path : str or path-like
            A folder; `tokens.npy` and `offsets.npy` are written into it.
        """
        path = os.fspath(path)
        if os.path.exists(path) and not os.path.exists(os.path.join(path, "offsets.npy")):
            raise FileExistsError(f"{path!r} exists and holds no RaggedSequences; choose another path.")
        os.makedirs(path, exist_ok=True)
        parts = {name: os.path.join(path, name + ".part.npy") for name in ("tokens", "offsets")}
        for name, part in parts.items():
            np.save(part, getattr(self, name), allow_pickle=False)
        for name, part in parts.items():  # both are whole before either takes its place
            os.replace(part, os.path.join(path, name + ".npy"))

    @classmethod
    def load(cls, path, mmap_mode=None):
        """Read what `save` wrote.

        Parameters
        ----------
        path : str or path-like
            The folder.
        mmap_mode : None or "r"
            "r" maps the tokens instead of reading them, for data larger than memory; they are then not searched for
            NaN and infinity again.

        Returns
        -------
        RaggedSequences

        Raises
        ------
        ValueError
            The folder holds no RaggedSequences, or a damaged one.
        """
        if mmap_mode not in (None, "r"):
            raise ValueError(f"mmap_mode must be None or 'r', got {mmap_mode!r}.")
        path = os.fspath(path)
        try:
            tokens = _read_npy(os.path.join(path, "tokens.npy"), mmap_mode)
            offsets = _read_npy(os.path.join(path, "offsets.npy"))
        except Exception as error:  # a damaged header fails in many ways, as syntax, as size or as an end too early
            raise ValueError(f"{path!r} holds no RaggedSequences as written by save: {error}.") from error
        readable = tokens.ndim == 2 and tokens.dtype in (np.float64, np.float32) and tokens.flags.c_contiguous
        if not readable or tokens.shape[1] == 0:
            raise ValueError(f"{path!r} holds no RaggedSequences: tokens are {tokens.dtype} of shape {tokens.shape}.")
        if mmap_mode is None:
            return cls(tokens, offsets)
        _check_offsets(offsets, len(tokens))
        return cls._trusted(tokens, offsets)

    # -- from and to other layouts -------------------------------------------------------------------------------------

    @classmethod
    def from_list(cls, sequences):
        """From a list of arrays of shape (n_i, token_dim).

        Examples
        --------
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
        mask : boolean array of shape (n_sequences, n_max), optional
            Which tokens are real.
        fill : float, default=nan
            Without lengths and mask: tokens at the end whose features all equal `fill` are padding.

        Examples
        --------
        >>> import numpy as np
        >>> RaggedSequences.from_padded([[[1.], [np.nan]], [[2.], [3.]]]).lengths
        array([1, 2])
        """
        return cls(*converters.from_padded(X, lengths, mask, fill))

    @classmethod
    def from_flat(cls, tokens, lengths=None, groups=None):
        """From all tokens in one matrix, with the lengths of the sequences or the sequence (group) of each token.

        Examples
        --------
        >>> RaggedSequences.from_flat([[0.], [1.], [2.]], groups=["a", "a", "b"]).lengths
        array([2, 1])
        """
        return cls(*converters.from_flat(tokens, lengths, groups))

    @classmethod
    def from_series(cls, X):
        """From series of one channel: a 2-D array, one series a row, or a list of 1-D arrays; tokens are points in time.

        Examples
        --------
        >>> RaggedSequences.from_series([[1., 2., 3.], [4., 5.]])
        RaggedSequences(2 sequences of 2 to 3 tokens, token_dim=1, float64)
        """
        return cls(*converters.from_series(X))

    @classmethod
    def from_aeon(cls, X):
        """From channels-first series: an array (n_sequences, channels, time) or a list of arrays (channels, time).

        Examples
        --------
        >>> import numpy as np
        >>> RaggedSequences.from_aeon([np.zeros((2, 5)), np.zeros((2, 7))])
        RaggedSequences(2 sequences of 5 to 7 tokens, token_dim=2, float64)
        """
        return cls(*converters.from_aeon(X))

    def to_list(self):
        """List of arrays of shape (n_i, token_dim), views."""
        return list(self)

    def to_padded(self, fill=np.nan):
        """Array of shape (n_sequences, longest, token_dim), `fill` behind the end of each sequence."""
        lengths = self.lengths
        longest = int(lengths.max(initial=0))
        padded = np.full((len(self), longest, self.token_dim), fill, dtype=self.dtype)
        padded[np.arange(longest) < lengths[:, None]] = self.tokens
        return padded

    def to_flat(self):
        """Pair (tokens, groups): all tokens in one matrix, and for each the index of its sequence.

        Examples
        --------
        >>> RaggedSequences.from_list([[[0.], [1.]], [[2.]]]).to_flat()[1]
        array([0, 0, 1])
        """
        return self.tokens, np.repeat(np.arange(len(self)), self.lengths)

    def to_aeon(self):
        """List of arrays (channels, time) as in aeon, views."""
        return [sequence.T for sequence in self]

    # -- from and to other libraries, which are imported here (extras interop, torch) ------------------------------------

    @classmethod
    def from_arrow(cls, X):
        """From Arrow lists of lists of numbers: each inner list is a token, each outer one a sequence.

        Parameters
        ----------
        X : pyarrow.Array or ChunkedArray, or a column of another library that speaks Arrow
            Of type list, large list, fixed-size list or list view; not copied where the inner lists are of fixed size, or
            of one size, and hold float64 or float32. Lists of plain numbers are series of one channel.

        Raises
        ------
        ValueError
            Nulls anywhere, tokens of unequal numbers of features, deeper or flatter types, no numbers.
        """
        return cls(*interop.from_arrow(X))

    def to_arrow(self):
        """pyarrow.LargeListArray of fixed-size lists, one of token_dim numbers a token, on the memory of this container."""
        return interop.to_arrow(self.tokens, self.offsets)

    @classmethod
    def from_awkward(cls, X):
        """From an Awkward array N * var * token_dim * number, or N * var * number for series of one channel.

        Not copied where `from_arrow` copies nothing; refuses what it refuses.
        """
        return cls(*interop.from_awkward(X))

    def to_awkward(self):
        """Awkward array of type N * var * token_dim * number, on the memory of this container."""
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

        Raises
        ------
        ValueError
            Missing cells and nulls, features of unequal lengths, categories and texts, sequences that are torn apart.
        """
        return cls(*interop.from_frame(frame, group))

    def to_pandas(self, group=None, names=None):
        """pandas Series of arrays (n_i, token_dim), views; with `group` a data frame with one row a token.

        `group` names the column of the sequence indices, `names` those of the features (x0, x1, ...).
        """
        return interop.to_pandas(self.tokens, self.offsets, group, names)

    def to_polars(self, group=None, names=None):
        """Series of polars, of type List(Array), on the memory of the tokens; with `group` as `to_pandas`."""
        return interop.to_polars(self.tokens, self.offsets, group, names)

    @classmethod
    def from_torch(cls, nested):
        """From a nested tensor (n_sequences, ragged, token_dim) of torch; a jagged one on the CPU is not copied.

        Gradients are left behind. Strided nested tensors and those with holes are read too, by a copy.
        """
        return cls(*interop.from_torch(nested))

    def to_torch(self):
        """Jagged nested tensor (n_sequences, ragged, token_dim) of torch, on the memory of the tokens.

        torch has no read-only tensors: write into a clone only.
        """
        return interop.to_torch(self.tokens, self.offsets)


def _read_npy(path, mmap_mode=None):
    if mmap_mode is not None:
        return np.lib.format.open_memmap(path, mode=mmap_mode)
    with open(path, "rb") as file:  # np.load would also take archives and give something that is no array
        return np.lib.format.read_array(file, allow_pickle=False)


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
            f"Sequences {name_indices(bad)} are empty; every sequence needs at least one token: leave these out."
        )
