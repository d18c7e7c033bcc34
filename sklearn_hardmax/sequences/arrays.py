"""Layouts of unequal sequences to the pair (tokens, offsets), and back.

Every function here takes somebody's layout and returns the two arrays that `RaggedSequences` holds: `tokens`, the rows of
all sequences one after another, shape (n_tokens, token_dim), and `offsets`, shape (n_sequences + 1,), so that sequence i
is `tokens[offsets[i]:offsets[i + 1]]` (the layout of Arrow's list arrays). What is refused is refused in one sentence
that says what, where and what to do.
"""

import numbers

import numpy as np

from sklearn_hardmax.sequences.segments import changes

SHOWN = 10  # how many offenders an error names


def format_indices(indices):
    """Indices as text for an error: at most ten of them, and how many more there are."""
    indices = [int(i) for i in indices]
    text = ", ".join(map(str, indices[:SHOWN]))
    return text + (f" and {len(indices) - SHOWN} more" if len(indices) > SHOWN else "")


def check_integer(value, name, low, high=None):
    """Raise ValueError unless value is an integer of at least `low` and, where there is a `high`, at most that."""
    ok = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not ok or value < low or (high is not None and value > high):
        allowed = f"of at least {low}" if high is None else f"from {low} to {high}"
        raise ValueError(f"{name} must be an integer {allowed}, got {value!r}.")


def as_float_tokens(tokens, what="tokens"):
    """A numeric array as float64 or float32, C-contiguous, uncopied where it already is that.

    Raises ValueError for complex, string and datetime entries and rows of unequal lengths, TypeError for objects that are
    no numbers.
    """
    if np.ma.is_masked(tokens) or (isinstance(tokens, (list, tuple)) and any(map(np.ma.is_masked, tokens))):
        raise ValueError(
            f"{what} hold masked values: leave these tokens out, or use RaggedSequences.from_padded(X.data, mask=...), True "
            "for real tokens."
        )
    try:
        array = np.asarray(tokens)
    except ValueError as error:
        raise ValueError(
            f"{what} are no array, rows have unequal lengths ({error}); give every token all features."
        ) from error
    if array.dtype == object:
        # NumPy would drop the imaginary parts of its own complex scalars
        if any(isinstance(v, (complex, np.complexfloating)) for v in array.flat):
            raise ValueError(
                f"Complex data not supported: {what} hold complex numbers; stack real and imaginary parts."
            )
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError, OverflowError) as error:
            raise TypeError(
                f"{what} must be numbers, got dtype object: argument must be a string or a real number in every entry "
                f"({error}); encode categories as numbers first."
            ) from error
    if np.iscomplexobj(array):
        raise ValueError(
            f"Complex data not supported: {what} have dtype {array.dtype}; stack real and imaginary parts."
        )
    if array.dtype.kind not in "fiub":
        raise ValueError(
            f"{what} must be real numbers, got dtype {array.dtype}; encode texts and dates as numbers first."
        )
    kept = np.float32 if array.dtype.newbyteorder("=") == np.float32 else np.float64
    return np.asarray(array, dtype=kept, order="C")  # np.ascontiguousarray would turn a number into an array


def sequences_with_tokens(tokens, offsets):
    """The sequences that hold these tokens (indices), ascending, each once."""
    return np.unique(np.searchsorted(offsets, tokens, side="right") - 1)


def not_finite(tokens, offsets):
    """The sequences that hold NaN or infinity; where there are none the tokens are read once, in bounded memory."""
    step = max(1, 2**20 // tokens.shape[1])
    for start in range(0, len(tokens), step):
        if not np.isfinite(tokens[start : start + step]).all():
            break
    else:
        return np.zeros(0, dtype=np.int64)
    return sequences_with_tokens(np.flatnonzero(~np.isfinite(tokens).all(axis=1)), offsets)


def check_finite(tokens, offsets):
    """Raise ValueError naming the sequences that hold NaN or infinity."""
    bad = not_finite(tokens, offsets)
    if len(bad):
        raise ValueError(
            f"Input X contains NaN or infinity in sequences {format_indices(bad)}; remove or impute these tokens "
            "(RaggedSequences.from_padded drops NaN padding)."
        )


def from_list(sequences):
    """Arrays of shape (n_i, token_dim), one a sequence."""
    arrays = [as_float_tokens(s, f"tokens of sequence {i}") for i, s in enumerate(sequences)]
    if not arrays:
        raise ValueError("Found array with 0 sample(s): at least one sequence is needed.")
    flat = [i for i, a in enumerate(arrays) if a.ndim != 2]
    if flat:
        raise ValueError(
            f"Sequences {format_indices(flat)} are not 2-D arrays of shape (n_tokens, token_dim), sequence {flat[0]} has shape "
            f"{arrays[flat[0]].shape}; {RULES}"
        )
    _check_token_dims(arrays)
    return np.concatenate(arrays), _offsets_of([len(a) for a in arrays])


def _check_token_dims(arrays):
    dims = np.array([a.shape[1] for a in arrays])
    if (dims == dims[0]).all():
        return
    values, counts = np.unique(dims, return_counts=True)
    usual = values[np.argmax(counts)]
    hint = ""
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


def _offsets_of(lengths):
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths, dtype=np.int64)])


def from_padded(X, lengths=None, mask=None, fill=np.nan):
    """A padded array (N, n_max, token_dim): real tokens by `lengths`, by a boolean `mask`, or where not all are `fill`.

    With `fill`, the padding is the run of tokens at the end of a sequence whose features all equal `fill`.
    """
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
            empty = np.isnan(X) if np.isnan(fill) else X == fill
            real = ~empty.all(axis=2)
            lengths = (real * np.arange(1, X.shape[1] + 1)).max(axis=1, initial=0)
        lengths = check_lengths(lengths, len(X), X.shape[1])
        mask = np.arange(X.shape[1]) < lengths[:, None]
    return X[mask], _offsets_of(mask.sum(axis=1))


def check_lengths(lengths, n_sequences, longest):
    """Lengths as int64, of the right count and within [0, longest]; ValueError otherwise."""
    lengths = np.asarray(lengths)
    if lengths.shape != (n_sequences,) or lengths.dtype.kind not in "iu":
        raise ValueError(f"lengths must be {n_sequences} integers, got {lengths.dtype} of shape {lengths.shape}.")
    bad = np.flatnonzero((lengths < 0) | (lengths > longest))
    if len(bad):
        raise ValueError(f"lengths must lie in [0, {longest}]; sequences {format_indices(bad)} have other lengths.")
    return lengths.astype(np.int64)


def from_flat(tokens, lengths=None, groups=None):
    """All tokens in one matrix (n_tokens, token_dim), with the lengths of the sequences or the sequence of each token.

    `groups` must hold each sequence's tokens side by side; sequences come in the order in which they appear.
    """
    tokens = as_float_tokens(tokens)
    if tokens.ndim != 2:
        raise ValueError(f"Flat tokens have shape (n_tokens, token_dim), got shape {tokens.shape}.")
    if (lengths is None) == (groups is None):
        raise ValueError("Give either lengths (one a sequence) or groups (one a token).")
    if lengths is None:
        groups = np.asarray(groups)
        if groups.shape != (len(tokens),):
            raise ValueError(
                f"groups must name the sequence of each of the {len(tokens)} tokens, got shape {groups.shape}."
            )
        missing = [i for i, name in enumerate(groups.tolist()) if name is None or name != name]
        if missing:
            raise ValueError(
                f"groups must name the sequence of each token; those of tokens {format_indices(missing)} are missing."
            )
        starts = np.append(0, changes(groups) + 1) if len(groups) else np.zeros(0, int)
        names, counts = np.unique(groups[starts], return_counts=True)
        if (counts > 1).any():
            raise ValueError(
                f"groups must hold each sequence's tokens side by side; groups {names[counts > 1][:SHOWN].tolist()} are torn "
                "apart: sort the tokens by group with a stable sort first."
            )
        return tokens, np.append(starts, len(tokens))
    lengths = check_lengths(lengths, np.size(lengths), len(tokens))
    if lengths.sum() != len(tokens):
        raise ValueError(f"lengths add up to {lengths.sum()}, but there are {len(tokens)} tokens.")
    return tokens, _offsets_of(lengths)


def from_series(X):
    """One-channel series: a 2-D array, one series a row, or a list of 1-D arrays; each value becomes a token."""
    if isinstance(X, np.ndarray) and X.ndim == 2:
        tokens = as_float_tokens(X, "values")
        return tokens.reshape(-1, 1), np.arange(len(X) + 1) * X.shape[1]
    series = [as_float_tokens(x, f"values of series {i}") for i, x in enumerate(X)]
    odd = [i for i, x in enumerate(series) if x.ndim != 1]
    if odd:
        raise ValueError(
            f"Each series must be 1-D; series {format_indices(odd)} are not (series {odd[0]} has shape {series[odd[0]].shape})."
        )
    return from_list([x[:, None] for x in series])


def from_aeon(X):
    """Channels-first series as in aeon: an array (N, channels, time) or a list of arrays (channels, time)."""
    return from_list([_transposed(x, i) for i, x in enumerate(X)])


def _transposed(x, i):
    x = np.asanyarray(x)  # masked arrays stay masked, and are refused
    if x.ndim != 2:
        raise ValueError(f"A channels-first series has shape (channels, time); series {i} has shape {x.shape}.")
    return x.T


RULES = (
    "accepted are RaggedSequences, a list of 2-D arrays (n_tokens, token_dim), a 3-D array (n_sequences, n_tokens, "
    "token_dim), and a 2-D array or data frame (one token a row); for a list of 1-D series use RaggedSequences.from_series, "
    "for channels-first data RaggedSequences.from_aeon, for padded arrays RaggedSequences.from_padded."
)
