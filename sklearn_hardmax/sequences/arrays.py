"""Convert lists and arrays in other layouts to the two arrays of RaggedSequences, and back; check their content.

Every function `from_...` returns the pair (tokens, offsets): `tokens`, the rows of all sequences one after another, shape
(n_tokens, token_dim), and `offsets`, shape (n_sequences + 1,), the index at which each sequence begins, so that sequence i
is `tokens[offsets[i]:offsets[i + 1]]` (the layout of Arrow's list arrays). Input that cannot be read raises an error that
names the problem, the offending sequences and the remedy.
"""

import numbers
from itertools import pairwise

import numpy as np

from sklearn_hardmax.sequences.segments import changes

_MAX_SHOWN = 10  # indices or names that an error message lists
_BLOCK_NUMBERS = 2**20  # numbers that are checked for NaN and infinity at once

RULES = (
    "accepted are RaggedSequences, a list of 2-D arrays (n_tokens, token_dim), a 3-D array (n_sequences, n_tokens, "
    "token_dim), and a 2-D array or data frame (one token per row); for a list of 1-D series use "
    "RaggedSequences.from_series, for channels-first data RaggedSequences.from_aeon, for padded arrays "
    "RaggedSequences.from_padded."
)


# -- checks and their messages -----------------------------------------------------------------------------------------


def format_indices(indices):
    """Return the text that an error message shows for these indices: the first ten, and how many more there are."""
    indices = [int(i) for i in indices]
    text = ", ".join(map(str, indices[:_MAX_SHOWN]))
    return text + (f" and {len(indices) - _MAX_SHOWN} more" if len(indices) > _MAX_SHOWN else "")


def check_integer(value, name, low, high=None):
    """Return None if value is an integer of at least `low` and, with `high`, at most `high`; raise ValueError otherwise.

    `name` is the name of the parameter in the message. Booleans are not accepted as integers.
    """
    ok = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not ok or value < low or (high is not None and value > high):
        allowed = f"of at least {low}" if high is None else f"from {low} to {high}"
        raise ValueError(f"{name} must be an integer {allowed}, got {value!r}.")


def check_lengths(lengths, n_sequences, longest):
    """Return lengths as int64; raise ValueError unless they are n_sequences integers within [0, longest]."""
    lengths = np.asarray(lengths)
    if lengths.shape != (n_sequences,) or lengths.dtype.kind not in "iu":
        raise ValueError(f"lengths must be {n_sequences} integers, got {lengths.dtype} of shape {lengths.shape}.")
    bad = np.flatnonzero((lengths < 0) | (lengths > longest))
    if len(bad):
        raise ValueError(f"lengths must lie in [0, {longest}]; sequences {format_indices(bad)} have other lengths.")
    return lengths.astype(np.int64)


def sequences_containing(token_indices, offsets):
    """Return the indices of the sequences that contain these tokens (row indices), ascending, each once."""
    return np.unique(np.searchsorted(offsets, token_indices, side="right") - 1)


def not_finite(tokens, offsets):
    """Return the indices of the sequences that contain NaN or infinity, ascending.

    If there are none, the tokens are read once, in bounded memory.
    """
    step = max(1, _BLOCK_NUMBERS // tokens.shape[1])
    for start in range(0, len(tokens), step):
        if not np.isfinite(tokens[start : start + step]).all():
            break
    else:
        return np.zeros(0, dtype=np.int64)
    return sequences_containing(np.flatnonzero(~np.isfinite(tokens).all(axis=1)), offsets)


def check_finite(tokens, offsets):
    """Raise ValueError naming the sequences that contain NaN or infinity."""
    bad = not_finite(tokens, offsets)
    if len(bad):
        raise ValueError(
            f"Input X contains NaN or infinity in sequences {format_indices(bad)}; remove or impute these tokens "
            "(RaggedSequences.from_padded drops NaN padding)."
        )


def as_float_tokens(tokens, name="tokens"):
    """Return a numeric array as float64 or float32, C-contiguous, not copied if it already is that.

    Raises ValueError for complex, string and datetime entries and for rows of unequal lengths, TypeError for objects that
    are not numbers; messages call the array `name`.
    """
    if np.ma.is_masked(tokens) or (isinstance(tokens, (list, tuple)) and any(map(np.ma.is_masked, tokens))):
        raise ValueError(
            f"{name} hold masked values: leave these tokens out, or use RaggedSequences.from_padded(X.data, mask=...), True "
            "for real tokens."
        )
    try:
        array = np.asarray(tokens)
    except ValueError as error:
        raise ValueError(
            f"{name} cannot be read as an array, rows have unequal lengths ({error}); give every token all features."
        ) from error
    if array.dtype == object:
        # NumPy would drop the imaginary parts of its own complex scalars
        if any(isinstance(v, (complex, np.complexfloating)) for v in array.flat):
            raise ValueError(
                f"Complex data not supported: {name} hold complex numbers; stack real and imaginary parts."
            )
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError, OverflowError) as error:
            # "argument must be .* string.* number" is the wording that scikit-learn's estimator checks search for
            raise TypeError(
                f"{name} must be numbers, got dtype object: argument must be a string or a real number in every entry "
                f"({error}); encode categories as numbers first."
            ) from error
    if np.iscomplexobj(array):
        raise ValueError(
            f"Complex data not supported: {name} have dtype {array.dtype}; stack real and imaginary parts."
        )
    # floats, signed and unsigned integers, booleans
    if array.dtype.kind not in "fiub":
        raise ValueError(
            f"{name} must be real numbers, got dtype {array.dtype}; encode texts and dates as numbers first."
        )
    # float32 of the other byte order is still float32
    kept = np.float32 if array.dtype.newbyteorder("=") == np.float32 else np.float64
    return np.asarray(array, dtype=kept, order="C")  # np.ascontiguousarray would turn a number into an array


# -- converters to (tokens, offsets), and back -------------------------------------------------------------------------


def from_list(sequences):
    """Read a list of arrays of shape (n_i, token_dim); see `RaggedSequences.from_list`."""
    arrays = [as_float_tokens(s, f"tokens of sequence {i}") for i, s in enumerate(sequences)]
    if not arrays:
        raise ValueError("Found array with 0 sample(s): at least one sequence is needed.")
    odd = [i for i, a in enumerate(arrays) if a.ndim != 2]
    if odd:
        raise ValueError(
            f"Sequences {format_indices(odd)} are not 2-D arrays of shape (n_tokens, token_dim), sequence {odd[0]} has "
            f"shape {arrays[odd[0]].shape}; {RULES}"
        )
    _check_token_dims(arrays)
    return np.concatenate(arrays), offsets_of([len(a) for a in arrays])


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
    X = as_float_tokens(X, "padded tokens")
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
        lengths = check_lengths(lengths, len(X), X.shape[1])
        mask = np.arange(X.shape[1]) < lengths[:, None]
    return X[mask], offsets_of(mask.sum(axis=1))


def to_padded(tokens, offsets, fill):
    """Inverse of `from_padded`, with padding behind the end of each sequence; see `RaggedSequences.to_padded`."""
    lengths = np.diff(offsets)
    longest = int(lengths.max(initial=0))
    padded = np.full((len(lengths), longest, tokens.shape[1]), fill, dtype=tokens.dtype)
    padded[np.arange(longest) < lengths[:, None]] = tokens
    return padded


def from_flat(tokens, lengths=None, groups=None):
    """Read all tokens in one matrix (n_tokens, token_dim); see `RaggedSequences.from_flat`."""
    tokens = as_float_tokens(tokens)
    if tokens.ndim != 2:
        raise ValueError(f"Flat tokens have shape (n_tokens, token_dim), got shape {tokens.shape}.")
    if (lengths is None) == (groups is None):
        raise ValueError("Give either lengths (one per sequence) or groups (one per token).")
    if lengths is None:
        return tokens, _offsets_of_groups(groups, len(tokens))
    lengths = check_lengths(lengths, np.size(lengths), len(tokens))
    if lengths.sum() != len(tokens):
        raise ValueError(f"lengths add up to {lengths.sum()}, but there are {len(tokens)} tokens.")
    return tokens, offsets_of(lengths)


def _offsets_of_groups(groups, n_tokens):
    """Offsets from the group of each token; the sequences are the groups in the order in which they appear."""
    groups = np.asarray(groups)
    if groups.shape != (n_tokens,):
        raise ValueError(f"groups must name the sequence of each of the {n_tokens} tokens, got shape {groups.shape}.")
    # None and NaN, which differs from itself, stand for a missing name
    missing = [i for i, name in enumerate(groups.tolist()) if name is None or name != name]
    if missing:
        raise ValueError(
            f"groups must name the sequence of each token; those of tokens {format_indices(missing)} are missing."
        )
    starts = np.append(0, changes(groups) + 1) if len(groups) else np.zeros(0, int)
    # a group that begins more than once is interrupted by others
    names, counts = np.unique(groups[starts], return_counts=True)
    if (counts > 1).any():
        raise ValueError(
            "groups must hold the tokens of each sequence side by side; groups "
            f"{names[counts > 1][:_MAX_SHOWN].tolist()} are not contiguous: sort the tokens by group with a stable sort "
            "first."
        )
    return np.append(starts, n_tokens)


def from_series(X):
    """Read one-channel series, each value a token; see `RaggedSequences.from_series`."""
    if isinstance(X, np.ndarray) and X.ndim == 2:
        values = as_float_tokens(X, "values")
        return values.reshape(-1, 1), np.arange(len(X) + 1) * X.shape[1]
    series = [as_float_tokens(x, f"values of series {i}") for i, x in enumerate(X)]
    odd = [i for i, x in enumerate(series) if x.ndim != 1]
    if odd:
        raise ValueError(
            f"Each series must be 1-D; series {format_indices(odd)} are not (series {odd[0]} has shape "
            f"{series[odd[0]].shape})."
        )
    return from_list([x[:, None] for x in series])


def from_aeon(X):
    """Read channels-first series (channels, time), as in aeon; see `RaggedSequences.from_aeon`."""
    return from_list([_transposed(x, i) for i, x in enumerate(X)])


def _transposed(x, i):
    x = np.asanyarray(x)  # keeps masked arrays masked, so that as_float_tokens refuses them
    if x.ndim != 2:
        raise ValueError(f"A channels-first series has shape (channels, time); series {i} has shape {x.shape}.")
    return x.T
