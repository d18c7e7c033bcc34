"""Sequences of unequal length: the one container. conversions.py has its ways in and out, parsing.py reads user input into it.

A data set of N sequences, sequence i with n_i tokens of token_dim features, is two arrays: `tokens`, all rows one after
another, and `offsets`, where each sequence begins. Nothing is padded and nothing is copied when a run of sequences is
looked at, so slicing, pickling to worker processes and memory-mapping cost what two plain arrays cost.
"""

import os

import numpy as np

from sklearn_hardmax._files import atomic_write
from sklearn_hardmax.sequences import arrays
from sklearn_hardmax.sequences.arrays import format_indices
from sklearn_hardmax.sequences.conversions import Conversions


class RaggedSequences(Conversions):
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
        tokens = arrays.as_float_tokens(tokens)
        offsets = np.ascontiguousarray(offsets)
        if tokens.ndim != 2:
            raise ValueError(f"tokens must have shape (n_tokens, token_dim), got shape {tokens.shape}.")
        _check_offsets(offsets, len(tokens))
        if tokens.shape[1] == 0:
            raise ValueError(f"Found array with 0 feature(s) (shape={tokens.shape}) while a minimum of 1 is required.")
        arrays.check_finite(tokens, offsets)
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
        """The dtype of the tokens, float64 or float32."""
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
        """Write the tokens, and behind them the offsets, to one file, each as `np.save` writes an array.

        Parameters
        ----------
        path : str or path-like
            File name; taken as it is, no ending is added. What was there is replaced, by a whole file or not at all, and may
            be the file that these sequences are mapped from.

        Raises
        ------
        OSError
            No room, no right to write there, `path` is a folder; then all is as before.
        """
        with atomic_write(path) as file:
            for array in (self.tokens, self.offsets):
                np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(array))
                file.write(array.data)  # np.save does not tell when the last bytes find no room

    @classmethod
    def load(cls, path, mmap_mode=None):
        """Read what `save` wrote.

        Parameters
        ----------
        path : str or path-like
            The file.
        mmap_mode : None or "r"
            "r" maps the tokens instead of reading them, for data larger than memory; they are then not searched for
            NaN and infinity again. Worker processes map the file anew: do not replace it while they run.

        Returns
        -------
        RaggedSequences

        Raises
        ------
        ValueError
            The file holds no RaggedSequences, or damaged ones.
        FileNotFoundError
            There is no such file.
        """
        if mmap_mode not in (None, "r"):
            raise ValueError(f"mmap_mode must be None or 'r', got {mmap_mode!r}.")
        path = os.fspath(path)
        with open(path, "rb") as file:
            try:
                tokens = _read_npy(file, mmap_mode)
                offsets = _read_npy(file)
                rest = file.read(1)
            except Exception as error:  # a damaged header fails in many ways, as syntax, as size or as an end too early
                raise ValueError(f"{path!r} holds no RaggedSequences as written by save: {error}.") from error
        readable = tokens.ndim == 2 and tokens.dtype in (np.float64, np.float32) and tokens.flags.c_contiguous
        if not readable or tokens.shape[1] == 0:
            raise ValueError(f"{path!r} holds no RaggedSequences: tokens are {tokens.dtype} of shape {tokens.shape}.")
        if rest:
            raise ValueError(f"{path!r} holds no RaggedSequences as written by save: more follows behind the offsets.")
        if mmap_mode is None:
            return cls(tokens, offsets)
        _check_offsets(offsets, len(tokens))
        return cls._trusted(tokens, offsets)


def _read_npy(file, mmap_mode=None):
    """The array that begins where the file stands, which then stands behind it."""
    if mmap_mode is None:  # np.load would also take archives and give something that is no array
        return np.lib.format.read_array(file, allow_pickle=False)
    if (version := np.lib.format.read_magic(file)) != (1, 0):
        raise ValueError(f"its tokens are of version {version} of the format of np.save")
    shape, fortran_order, dtype = np.lib.format.read_array_header_1_0(file)
    array = np.memmap(file, dtype, mmap_mode, file.tell(), shape, "F" if fortran_order else "C")
    file.seek(array.offset + array.nbytes)
    return array


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
