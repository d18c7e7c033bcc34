"""Tasks that show what attention is for, each as a plain function: what the constructed networks must reproduce.

    sparse averaging   token i = (z_i, y_i, i), y_i a set of q positions; wanted: the mean of z_j over j in y_i
    match2             is there a j with x_i + x_j = 0 (mod M)
    match3             are there j, k with x_i + x_j + x_k = 0 (mod M)
    match3_bigram      is there a j with x_i + x_j + x_(j+1) = 0 (mod M)
    match3_local       are there j, k, both at most `window` positions from i, with x_i + x_j + x_k = 0 (mod M)

Partners may coincide with i and with each other. The tasks are those of C. Sanford, D. Hsu, M. Telgarsky,
*Representational Strengths and Limitations of Transformers*, arXiv 2306.02896: sparse averaging and match2 are easy for one
attention layer, match3 is not, and its two variants are again.

Everything about integers is exact: residues and their sums are int64, so that a modulus may be as large as 2^62.
"""

import numpy as np

from sklearn_hardmax.sequences import RaggedSequences, as_sequences
from sklearn_hardmax.sequences.arrays import check_integer, format_indices, sequences_with_tokens

LARGEST_MODULUS = 2**62  # the sum of two residues is an int64
LARGEST_TOKEN = 2**53  # integers from here on have neighbours that are the same float64
_BLOCK_NUMBERS = 2**20  # numbers that one step holds


def match2(integers, modulus):
    """Which integers have a partner in their sequence with which they add up to a multiple of the modulus.

    Parameters
    ----------
    integers : array-like of int, shape (n,) or (n, 1)
        One sequence x, no entry negative. An integer may be its own partner.
    modulus : int
        M, from 2 to 2^62.

    Returns
    -------
    ndarray of shape (n,), int64
        1 where there is a j with x_i + x_j = 0 (mod M), else 0.

    Raises
    ------
    ValueError
        Entries that are no integers or negative, a modulus outside its range; no entries.

    Notes
    -----
    Source: Sanford, Hsu, Telgarsky, arXiv 2306.02896. Cost: O(n log n). `constructions.build_match2` is the same function as
    the weights of one attention layer.

    Examples
    --------
    >>> from sklearn_hardmax.tasks import match2
    >>> match2([3, 8, 4, 7], modulus=10)  # 3 + 7 = 10
    array([1, 0, 0, 1])
    """
    x, modulus = _residues(integers, modulus)
    return np.isin(_negative(x, modulus), x).astype(np.int64)


def match3(integers, modulus):
    """Which integers have two partners in their sequence with which they add up to a multiple of the modulus.

    Parameters
    ----------
    integers : array-like of int, shape (n,) or (n, 1)
        One sequence x, no entry negative. Partners may coincide with the integer and with each other.
    modulus : int
        M, from 2 to 2^62.

    Returns
    -------
    ndarray of shape (n,), int64
        1 where there are j, k with x_i + x_j + x_k = 0 (mod M), else 0.

    Raises
    ------
    ValueError
        Entries that are no integers or negative, a modulus outside its range; no entries.

    Notes
    -----
    Source: Sanford, Hsu, Telgarsky, arXiv 2306.02896. Cost: O(n^2 log n) time by pair sums, each looked up among the
    residues, in bounded memory. `constructions.build_match3` is the same function as the weights of one third-order
    attention, O(n^3).

    Examples
    --------
    >>> from sklearn_hardmax.tasks import match3
    >>> match3([1, 2, 4, 9], modulus=7)  # 1 + 2 + 4 = 7, 1 + 4 + 9 = 14, 2 + 2 + 2 is no multiple
    array([1, 1, 1, 1])
    >>> match3([1, 2, 5], modulus=11)  # 5 + 5 + 1 = 11
    array([1, 0, 1])
    """
    x, modulus = _residues(integers, modulus)
    x, place = np.unique(x, return_inverse=True)
    found = np.empty(len(x), dtype=np.int64)
    step = max(1, _BLOCK_NUMBERS // len(x))
    for start in range(0, len(x), step):
        third = _negative(x[start : start + step, None], modulus) - x
        third[third < 0] += modulus
        found[start : start + step] = _among(third, x).any(axis=1)
    return found[place]


def match3_bigram(integers, modulus):
    """Which integers add up to a multiple of the modulus with two neighbours somewhere in their sequence.

    Parameters
    ----------
    integers : array-like of int, shape (n,) or (n, 1)
        One sequence x, no entry negative. The neighbours may lie anywhere, the integer itself among them.
    modulus : int
        M, from 2 to 2^62.

    Returns
    -------
    ndarray of shape (n,), int64
        1 where there is a j < n - 1 with x_i + x_j + x_(j+1) = 0 (mod M), else 0.

    Raises
    ------
    ValueError
        Entries that are no integers or negative, a modulus outside its range; no entries.

    Notes
    -----
    Source: Sanford, Hsu, Telgarsky, arXiv 2306.02896. Cost: O(n log n). `constructions.build_match3_bigram` is the same
    function as explicit weights.

    Examples
    --------
    >>> from sklearn_hardmax.tasks import match3_bigram
    >>> match3_bigram([1, 3, 6, 9], modulus=10)  # 1 + (3 + 6) and 6 + (1 + 3) are 10; 9 + (6 + 9) and 3 + (6 + 9) are not
    array([1, 0, 1, 0])
    """
    x, modulus = _residues(integers, modulus)
    return np.isin(_negative(x, modulus), (x[:-1] + x[1:]) % modulus).astype(np.int64)


def match3_local(integers, modulus, window):
    """Which integers have two partners nearby with which they add up to a multiple of the modulus.

    Parameters
    ----------
    integers : array-like of int, shape (n,) or (n, 1)
        One sequence x, no entry negative. Partners may coincide with the integer and with each other.
    modulus : int
        M, from 2 to 2^62.
    window : int
        How many positions a partner may be away, at least 0.

    Returns
    -------
    ndarray of shape (n,), int64
        1 where there are j, k with ``|j - i|, |k - i| <= window`` and x_i + x_j + x_k = 0 (mod M), else 0.

    Raises
    ------
    ValueError
        Entries that are no integers or negative, a modulus or window outside its range; no entries.

    Notes
    -----
    Source: Sanford, Hsu, Telgarsky, arXiv 2306.02896. Cost: O(n window log window). `constructions.build_match3_local` is the
    same function as explicit weights.

    Examples
    --------
    >>> from sklearn_hardmax.tasks import match3_local
    >>> match3_local([1, 3, 6, 4], modulus=10, window=1)  # only 3, the middle of 1 + 3 + 6, sees both partners
    array([0, 1, 0, 0])
    >>> match3_local([1, 3, 6, 4], modulus=10, window=2)  # and 4 + 3 + 3 = 10
    array([1, 1, 1, 1])
    """
    x, modulus = _residues(integers, modulus)
    check_integer(window, "window", 0)
    wanted, found = _negative(x, modulus), np.empty(len(x), dtype=np.int64)
    for i in range(len(x)):
        near = np.unique(x[max(0, i - window) : i + window + 1])
        found[i] = _among((wanted[i] - near) % modulus, near).any()
    return found


def sparse_averages(X, q):
    """For every token the mean of the values at the q positions that it names.

    Parameters
    ----------
    X : RaggedSequences or anything that as_sequences reads, token_dim = d + q + 1
        Tokens (z, y, i): a value z of d coordinates, a set y of q different positions, and the token's own position i. The
        positions of a sequence of n tokens are 0..n - 1, each once, in any order.
    q : int
        Size of the sets, at least 1.

    Returns
    -------
    RaggedSequences
        Means of d coordinates, float64, same offsets.

    Raises
    ------
    ValueError
        Sets of another size, repeated positions, positions that are no integers or not in the sequence; named.

    Notes
    -----
    Source: Sanford, Hsu, Telgarsky, arXiv 2306.02896. Cost: O(n_tokens q d). `constructions.build_sparse_averaging` is the
    same function as the weights of one attention layer.

    Examples
    --------
    >>> from sklearn_hardmax.tasks import sparse_averages
    >>> X = [[[10., 1., 2., 0.], [20., 0., 1., 1.], [40., 0., 2., 2.]]]
    >>> sparse_averages(X, q=2)[0].ravel()
    array([30., 15., 25.])
    """
    sequences = as_sequences(X)
    values, _, _, rows = averaging_parts(sequences, q)
    members = values[rows]
    least = members.min(axis=1, keepdims=True)  # equal values return themselves
    return RaggedSequences.from_flat(least[:, 0] + (members - least).sum(axis=1) / q, sequences.lengths)


# -- reading what users give -------------------------------------------------------------------------------------------


def averaging_parts(sequences, q):
    """Tokens (z, y, i) of sparse averaging taken apart and checked.

    Returns
    -------
    values : ndarray of shape (n_tokens, d), float64
    subsets : ndarray of shape (n_tokens, q), int64
        Positions in the sequence.
    positions : ndarray of shape (n_tokens,), int64
    rows : ndarray of shape (n_tokens, q), int64
        The tokens that the subsets name, as rows of sequences.tokens.
    """
    check_integer(q, "q", 1)
    if sequences.token_dim < q + 2:
        raise ValueError(
            f"Tokens of sparse averaging hold a value of at least one coordinate, q = {q} positions and their own position: "
            f"at least {q + 2} numbers; got token_dim {sequences.token_dim}."
        )
    tokens, lengths = sequences.tokens, np.repeat(sequences.lengths, sequences.lengths)
    indices = tokens[:, -q - 1 :]
    fits = (indices == np.rint(indices)) & (indices >= 0) & (indices < lengths[:, None])
    _refuse(~fits.all(axis=1), sequences, "hold a position that is no integer from 0 to their length - 1")
    indices = indices.astype(np.int64)
    subsets, positions = indices[:, :-1], indices[:, -1]
    starts = np.repeat(sequences.offsets[:-1], sequences.lengths)
    places = starts + positions
    _refuse(np.bincount(places, minlength=len(places))[places] > 1, sequences, "hold one position twice as their own")
    repeated = (np.diff(np.sort(subsets, axis=1), axis=1) == 0).any(axis=1)
    _refuse(repeated, sequences, f"name one position twice in a set of q = {q} positions")
    at = np.empty(len(places), dtype=np.int64)
    at[places] = np.arange(len(places))
    return tokens[:, : -q - 1].astype(np.float64), subsets, positions, at[starts[:, None] + subsets]


def _refuse(bad, sequences, what):
    if bad.any():
        owners = sequences_with_tokens(np.flatnonzero(bad), sequences.offsets)
        raise ValueError(f"Tokens of sequences {format_indices(owners)} {what}.")


def integer_tokens(X):
    """X as sequences of one non-negative integer below 2^53 a token, and these integers, (n_tokens,) int64; or ValueError."""
    sequences = as_sequences(X)
    if sequences.token_dim != 1:
        raise ValueError(
            f"Tokens must be single integers (token_dim 1), got token_dim {sequences.token_dim}; for rows or lists of "
            "integers use RaggedSequences.from_series."
        )
    x = sequences.tokens[:, 0]
    _refuse((x != np.rint(x)) | (x < 0), sequences, "are no integers, or negative")
    _refuse(x >= LARGEST_TOKEN, sequences, "are 2^53 or more, where float64 does not tell neighbours apart")
    return sequences, x.astype(np.int64)


def _residues(integers, modulus):
    """Residues (n,) int64, and the modulus as an int."""
    check_integer(modulus, "modulus", 2, LARGEST_MODULUS)
    if isinstance(integers, RaggedSequences):
        raise ValueError("integers must be one sequence at a time, such as X[i], got RaggedSequences.")
    x = np.asarray(integers)
    if x.ndim == 2 and x.shape[1] == 1:
        x = x[:, 0]
    if x.ndim != 1 or len(x) == 0:
        raise ValueError(f"integers must be one sequence of shape (n,) or (n, 1) with n >= 1, got shape {x.shape}.")
    whole = x.dtype.kind in "iu"
    if x.dtype.kind == "f":
        whole = bool((np.abs(x) < LARGEST_TOKEN).all()) and bool((x == np.rint(x)).all())
    if not whole or (x < 0).any():
        raise ValueError(
            f"integers must be non-negative integers (as floats: below 2^53), got {x.dtype} with entries "
            f"{x[:5].tolist()}{'...' if len(x) > 5 else ''}."
        )
    return (x.astype(np.uint64) % np.uint64(modulus)).astype(np.int64), int(modulus)


def _negative(x, modulus):
    """-x mod M for residues x."""
    return np.where(x > 0, modulus - x, 0)


def _among(values, sorted_set):
    """Which values are in a sorted array."""
    place = np.searchsorted(sorted_set, values)
    return sorted_set[np.minimum(place, len(sorted_set) - 1)] == values
