"""Convert lists and arrays in other layouts to the two arrays of RaggedSequences, and back; check their content.

Every function `from_...` returns `Parts`: `tokens`, the rows of all sequences one after another, shape (n_tokens,
token_dim), and `offsets`, shape (n_sequences + 1,), the index at which each sequence begins, so that sequence i is
`tokens[offsets[i]:offsets[i + 1]]` (the layout of Arrow's list arrays); ids and names of features where the input has them.
Input that cannot be read raises an error that names the problem, the offending sequences and the remedy.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Set
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from sklearn_hardmax.sequences import checks, names
from sklearn_hardmax.sequences.messages import MAX_SHOWN, format_indices
from sklearn_hardmax.sequences.raw_columns import raw_rows, raw_symbols
from sklearn_hardmax.sequences.readers import NUMERIC, RAW
from sklearn_hardmax.sequences.segments import changes
from sklearn_hardmax.sequences.values import as_numbers, columns_of

RULES = (
    "accepted are RaggedSequences, a list of 2-D arrays (n_tokens, token_dim), a 3-D array (n_sequences, n_tokens, "
    "token_dim), and a 2-D array or data frame (one token per row); for a list of 1-D series use "
    "RaggedSequences.from_series, for channels-first data RaggedSequences.from_aeon, for padded arrays "
    "RaggedSequences.from_padded."
)


class Parts(NamedTuple):
    """What RaggedSequences consists of.

    Attributes
    ----------
    tokens : ndarray of shape (n_tokens, token_dim)
    offsets : ndarray of shape (n_sequences + 1,)
    ids : array-like of shape (n_sequences,) or None
    feature_names : iterable of length token_dim, or None
    """

    tokens: np.ndarray
    offsets: np.ndarray
    ids: object = None
    feature_names: object = None


# -- converters to (tokens, offsets), and back -------------------------------------------------------------------------


def from_list(sequences, reader=NUMERIC):
    """Read a list of arrays of shape (n_i, token_dim); see `RaggedSequences.from_list`."""
    if reader is RAW:
        sequences = list(_parts(sequences, "from_list"))
        if sequences and all(map(_is_list_of_rows, sequences)):
            return Parts(raw_rows(sequences), offsets_of(list(map(len, sequences))))
    arrays = [reader.table(s, f"tokens of sequence {i}") for i, s in enumerate(_parts(sequences, "from_list"))]
    if not arrays:
        raise ValueError("Found array with 0 sample(s): at least one sequence is needed.")
    odd = [i for i, a in enumerate(arrays) if a.ndim != 2]
    if odd:
        raise ValueError(
            f"Sequences {format_indices(odd)} are not 2-D arrays of shape (n_tokens, token_dim), sequence {odd[0]} has "
            f"shape {arrays[odd[0]].shape}; {RULES}"
        )
    _check_token_dims(arrays)
    offsets = offsets_of([len(a) for a in arrays])
    return Parts(reader.concatenate(arrays), offsets, feature_names=names.common_names(sequences))


def _is_list_of_rows(sequence):
    return isinstance(sequence, (list, tuple)) and all(isinstance(row, (list, tuple)) for row in sequence)


def _parts(X, method):
    """X, if it holds one thing per sequence; TypeError naming the method otherwise."""
    is_other = isinstance(X, (str, bytes, Mapping, Set)) or hasattr(X, "toarray") or columns_of(X) is not None
    if is_other or not isinstance(X, Iterable):
        raise TypeError(
            f"RaggedSequences.{method} takes a list of arrays, one per sequence, got {type(X).__name__}; data frames are "
            "read by RaggedSequences.from_frame, the values of a dict by list(X.values())."
        )
    return X


def _check_token_dims(arrays):
    """Raise ValueError unless all arrays have the same number of columns; the most frequent number counts as right."""
    dims = np.array([a.shape[1] for a in arrays])
    if (dims == dims[0]).all():
        return
    values, counts = np.unique(dims, return_counts=True)
    usual = values[np.argmax(counts)]
    hint = ""
    # one number of rows and several numbers of columns: rows are probably channels, columns points in time
    if len({a.shape[0] for a in arrays}) == 1:
        hint = (
            f" All have {arrays[0].shape[0]} rows: this looks channels-first; use RaggedSequences.from_aeon, or transpose "
            "each sequence to (n_tokens, token_dim)."
        )
    odd = np.flatnonzero(dims != usual)
    raise ValueError(
        f"All tokens need the same number of features: most sequences have token_dim {usual}, but sequences "
        f"{format_indices(odd)} differ (sequence {odd[0]} has {dims[odd[0]]}).{hint}"
    )


def offsets_of(lengths):
    """Offsets (n_sequences + 1,), int64, of sequences of these lengths."""
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths, dtype=np.int64)])


def to_list(tokens, offsets):
    """Inverse of `from_list`; see `RaggedSequences.to_list`."""
    return [tokens[start:stop] for start, stop in pairwise(offsets.tolist())]


def from_padded(X, lengths=None, mask=None, fill=np.nan):
    """Read a padded array (n_sequences, n_max, token_dim); see `RaggedSequences.from_padded`."""
    X = as_numbers(X, "padded tokens")
    if X.ndim != 3:
        raise ValueError(f"A padded array has shape (n_sequences, n_max, token_dim), got shape {X.shape}.")
    if lengths is not None and mask is not None:
        raise ValueError("Give lengths or mask, not both.")
    if mask is not None:
        mask = np.asarray(mask)
        if mask.shape != X.shape[:2] or mask.dtype != bool:
            raise ValueError(f"mask must be boolean of shape {X.shape[:2]}, got {mask.dtype} of shape {mask.shape}.")
    else:
        if lengths is None:
            is_fill = np.isnan(X) if np.isnan(fill) else X == fill
            is_real = ~is_fill.all(axis=2)
            # the length is the 1-based position of the last real token: tokens before it are kept even if they equal fill
            lengths = (is_real * np.arange(1, X.shape[1] + 1)).max(axis=1, initial=0)
        lengths = checks.check_lengths(lengths, len(X), X.shape[1])
        mask = np.arange(X.shape[1]) < lengths[:, None]
    return Parts(X[mask], offsets_of(mask.sum(axis=1)))


def to_padded(tokens, offsets, fill):
    """Inverse of `from_padded`, with padding behind the end of each sequence; see `RaggedSequences.to_padded`."""
    lengths = np.diff(offsets)
    longest = int(lengths.max(initial=0))
    padded = np.full((len(lengths), longest, tokens.shape[1]), fill, dtype=tokens.dtype)
    padded[np.arange(longest) < lengths[:, None]] = tokens
    return padded


def from_flat(tokens, lengths=None, groups=None):
    """Read all tokens in one matrix (n_tokens, token_dim); see `RaggedSequences.from_flat`."""
    return from_tokens(as_numbers(tokens), lengths, groups)


def from_tokens(tokens, lengths=None, groups=None):
    """As `from_flat`, of tokens that are read already."""
    if tokens.ndim != 2:
        raise ValueError(f"Flat tokens have shape (n_tokens, token_dim), got shape {tokens.shape}.")
    if (lengths is None) == (groups is None):
        raise ValueError("Give either lengths (one per sequence) or groups (one per token).")
    if lengths is None:
        return Parts(tokens, *_offsets_of_groups(groups, len(tokens)))
    if isinstance(lengths, Iterable) and not hasattr(lengths, "__array__"):
        lengths = list(lengths)  # the values of a dict, a generator
    lengths = np.asarray(names.with_none_for_masked(lengths))
    lengths = checks.check_lengths(lengths, lengths.size, len(tokens))
    if lengths.sum() != len(tokens):
        raise ValueError(f"lengths add up to {lengths.sum()}, but there are {len(tokens)} tokens.")
    return Parts(tokens, offsets_of(lengths))


def starts_of_groups(groups, n_tokens):
    """The tokens at which groups, an array, begin (k,), and the names of these groups.

    Raises ValueError unless there is one name per token, and none is missing.
    """
    if groups.shape != (n_tokens,):
        raise ValueError(f"groups must name the sequence of each of the {n_tokens} tokens, got shape {groups.shape}.")
    try:
        starts = np.append(0, changes(groups) + 1) if n_tokens else np.zeros(0, int)
    except TypeError:  # a comparison with pandas' NA has no truth value
        starts = np.arange(n_tokens)
    ids = names.id_array(groups[starts])
    # all tokens of a group of missing names have one: None equals None, and NaN begins a new group
    missing = starts[names.are_missing(ids)]
    if len(missing):
        raise ValueError(
            f"groups must name the sequence of each token; those of tokens {format_indices(missing)} are missing; drop "
            "these tokens, or name their sequence."
        )
    return starts, ids


def _offsets_of_groups(groups, n_tokens):
    """Offsets and ids from the group of each token; the sequences are the groups in the order in which they appear."""
    groups = names.with_none_for_masked(groups)
    groups = np.asarray(groups) if hasattr(groups, "__array__") else names.id_array(groups)
    if len(groups) and isinstance(groups[0], (list, np.ndarray)):
        groups = names.id_array(groups)  # makes tuples of lists
    starts, ids = starts_of_groups(groups, n_tokens)
    # a group that begins more than once is interrupted by others
    torn = [name for name, count in Counter(names.scalars(ids)).items() if count > 1]
    if torn:
        raise ValueError(
            f"groups must hold the tokens of each sequence side by side; groups {torn[:MAX_SHOWN]} are not contiguous: sort "
            "the tokens by group with a stable sort first."
        )
    return np.append(starts, n_tokens), ids


def from_series(X, reader=NUMERIC):
    """Read one-channel series, each value a token; see `RaggedSequences.from_series`."""
    if columns_of(X) is not None:
        raise ValueError(
            "A table holds series in its rows or in its columns: write RaggedSequences.from_series(table.to_numpy()) for "
            "rows, with .T for columns (of pyarrow, np.asarray(table)); RaggedSequences.from_frame reads "
            "a column of sequences, or one row per token."
        )
    if reader is RAW:
        return _series_of_symbols(X)
    if isinstance(X, np.ndarray) and X.ndim == 2:
        values = as_numbers(X, "values")
        return Parts(values.reshape(-1, 1), np.arange(len(X) + 1) * X.shape[1])
    series = [as_numbers(x, f"values of series {i}") for i, x in enumerate(_parts(X, "from_series"))]
    odd = [i for i, x in enumerate(series) if x.ndim != 1]
    if odd:
        raise ValueError(
            f"Each series must be 1-D; series {format_indices(odd)} are not (series {odd[0]} has shape "
            f"{series[odd[0]].shape})."
        )
    return from_list([x[:, None] for x in series])._replace(ids=names.index_ids(X))


def _series_of_symbols(X):
    series = list(_parts(X, "from_series"))
    odd = [i for i, s in enumerate(series) if not (isinstance(s, (list, tuple)) or _is_column(s))]
    if odd:
        raise ValueError(
            f"Each series must be a list of symbols; series {format_indices(odd)} are not (series {odd[0]} is a "
            f"{type(series[odd[0]]).__name__}); the characters of a text are list(text)."
        )
    lengths = [len(s) for s in series]
    return Parts(raw_symbols(series), offsets_of(lengths), ids=names.index_ids(X))


def _is_column(values):
    return hasattr(values, "__array__") and np.ndim(values) == 1


def from_aeon(X):
    """Read channels-first series (channels, time), as in aeon; see `RaggedSequences.from_aeon`."""
    return from_list([_transposed(x, i) for i, x in enumerate(_parts(X, "from_aeon"))])


def _transposed(x, i):
    try:
        # np.asanyarray keeps masked arrays masked, so that as_numbers refuses them
        x = np.asanyarray(x) if isinstance(x, np.ndarray) else as_numbers(x, f"channels of series {i}")
    except ValueError as error:
        if "unequal lengths" in str(error):
            raise ValueError(
                f"The channels of series {i} have unequal lengths; cut or fill them so that every moment has all channels."
            ) from error
        raise
    if x.ndim != 2:
        raise ValueError(f"A channels-first series has shape (channels, time); series {i} has shape {x.shape}.")
    return x.T
