"""Reference tasks for attention as plain functions, which the networks of sklearn_hardmax.constructions reproduce.

    sparse averaging   token i = (z_i, y_i, i), y_i a set of q positions; result: the mean of z_j over j in y_i
    match2             is there a j with x_i + x_j = 0 (mod M)
    match3             are there j, k with x_i + x_j + x_k = 0 (mod M)
    match3_bigram      is there a j with x_i + x_j + x_(j+1) = 0 (mod M)
    match3_local       are there j, k, both at most `window` positions from i, with x_i + x_j + x_k = 0 (mod M)

Each task has one result per token i. Partners j, k may coincide with i and with each other. Source: C. Sanford, D. Hsu, M.
Telgarsky, *Representational Strengths and Limitations of Transformers*, arXiv 2306.02896. Sparse averaging and match2 are
easy for one attention layer, match3 is not, its two variants are. Residues and sums are int64: exact for moduli up to 2^62.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from sklearn_hardmax._typing import FloatArray, IntArray
from sklearn_hardmax.sequences import RaggedSequences, SequencesLike
from sklearn_hardmax.sequences.checks import check_integer, sequences_containing
from sklearn_hardmax.sequences.messages import format_indices
from sklearn_hardmax.sequences.parsing import read_sequences

LARGEST_MODULUS = 2**62  # the sum of two residues fits into an int64
LARGEST_TOKEN = 2**53  # from here on float64 does not distinguish adjacent integers
_BLOCK_NUMBERS = 2**20  # numbers that one step of a loop holds in memory


def match2(integers: ArrayLike, modulus: int) -> IntArray:
    """Mark the integers that add up to a multiple of the modulus with another integer of their sequence, or with themselves.

    Parameters
    ----------
    integers : array-like of int, shape (n,) or (n, 1)
        One sequence x, no entry negative. An integer may be its own partner j.
    modulus : int
        M, from 2 to 2^62.

    Returns
    -------
    ndarray of shape (n,), int64
        1 where there is a j with x_i + x_j = 0 (mod M), else 0.

    Raises
    ------
    ValueError
        Entries that are not integers or negative, a modulus outside its range; no entries.

    Notes
    -----
    Source: Sanford, Hsu, Telgarsky, arXiv 2306.02896. Cost: O(n log n). `constructions.build_match2` has the weights.

    Examples
    --------
    >>> from sklearn_hardmax.tasks import match2
    >>> match2([3, 8, 4, 7], modulus=10)  # 3 + 7 = 10
    array([1, 0, 0, 1])
    """
    x, modulus = _residues(integers, modulus)
    return np.isin(_negative(x, modulus), x).astype(np.int64)


def match3(integers: ArrayLike, modulus: int) -> IntArray:
    """Mark the integers that add up to a multiple of the modulus with two integers of their sequence.

    Parameters
    ----------
    integers : array-like of int, shape (n,) or (n, 1)
        One sequence x, no entry negative. The partners j, k may coincide with the position i and with each other.
    modulus : int
        M, from 2 to 2^62.

    Returns
    -------
    ndarray of shape (n,), int64
        1 where there are j, k with x_i + x_j + x_k = 0 (mod M), else 0.

    Raises
    ------
    ValueError
        Entries that are not integers or negative, a modulus outside its range; no entries.

    Notes
    -----
    Source: Sanford, Hsu, Telgarsky, arXiv 2306.02896. Cost: O(n^2 log n) time by pair sums, each searched among the
    residues, in bounded memory. `constructions.build_match3` builds the weights of one third-order attention, O(n^3), that
    computes the same function.

    Examples
    --------
    >>> from sklearn_hardmax.tasks import match3
    >>> match3([1, 2, 4, 9], modulus=7)  # 1 + 2 + 4 = 7, 1 + 4 + 9 = 14, 2 + 2 + 2 is not a multiple
    array([1, 1, 1, 1])
    >>> match3([1, 2, 5], modulus=11)  # 5 + 5 + 1 = 11
    array([1, 0, 1])
    """
    x, modulus = _residues(integers, modulus)
    # equal residues have the same result, so each is searched once
    distinct, index = np.unique(x, return_inverse=True)
    found = np.empty(len(distinct), dtype=np.int64)
    step = max(1, _BLOCK_NUMBERS // len(distinct))
    for start in range(0, len(distinct), step):
        # the third residue -x_i - x_j mod M for every pair (i, j)
        third = _negative(distinct[start : start + step, None], modulus) - distinct
        third[third < 0] += modulus
        found[start : start + step] = _among(third, distinct).any(axis=1)
    return found[index]


def match3_bigram(integers: ArrayLike, modulus: int) -> IntArray:
    """Mark the integers that add up to a multiple of the modulus with two adjacent integers of their sequence.

    Parameters
    ----------
    integers : array-like of int, shape (n,) or (n, 1)
        One sequence x, no entry negative. The adjacent pair may lie anywhere, and may include the integer itself.
    modulus : int
        M, from 2 to 2^62.

    Returns
    -------
    ndarray of shape (n,), int64
        1 where there is a j < n - 1 with x_i + x_j + x_(j+1) = 0 (mod M), else 0.

    Raises
    ------
    ValueError
        Entries that are not integers or negative, a modulus outside its range; no entries.

    Notes
    -----
    Source: Sanford, Hsu, Telgarsky, arXiv 2306.02896. Cost: O(n log n). `constructions.build_match3_bigram` builds
    weights that compute the same function.

    Examples
    --------
    >>> from sklearn_hardmax.tasks import match3_bigram
    >>> match3_bigram([1, 3, 6, 9], modulus=10)  # 1 + (3 + 6) and 6 + (1 + 3) are 10; 9 + (6 + 9) and 3 + (6 + 9) are not
    array([1, 0, 1, 0])
    """
    x, modulus = _residues(integers, modulus)
    return np.isin(_negative(x, modulus), (x[:-1] + x[1:]) % modulus).astype(np.int64)


def match3_local(integers: ArrayLike, modulus: int, window: int) -> IntArray:
    """Mark the integers that add up to a multiple of the modulus with two integers at nearby positions.

    Parameters
    ----------
    integers : array-like of int, shape (n,) or (n, 1)
        One sequence x, no entry negative. The partners j, k may coincide with the position i and with each other.
    modulus : int
        M, from 2 to 2^62.
    window : int
        Largest distance in positions between a token and its partners, at least 0.

    Returns
    -------
    ndarray of shape (n,), int64
        1 where there are j, k with ``|j - i|, |k - i| <= window`` and x_i + x_j + x_k = 0 (mod M), else 0.

    Raises
    ------
    ValueError
        Entries that are not integers or negative, a modulus or window outside its range; no entries.

    Notes
    -----
    Source: Sanford, Hsu, Telgarsky, arXiv 2306.02896. Cost: O(n window log window). `constructions.build_match3_local`
    builds weights that compute the same function.

    Examples
    --------
    >>> from sklearn_hardmax.tasks import match3_local
    >>> match3_local([1, 3, 6, 4], modulus=10, window=1)  # only 3, the middle of 1 + 3 + 6, has both partners in its window
    array([0, 1, 0, 0])
    >>> match3_local([1, 3, 6, 4], modulus=10, window=2)  # and 4 + 3 + 3 = 10
    array([1, 1, 1, 1])
    """
    x, modulus = _residues(integers, modulus)
    check_integer(window, "window", 0)
    pair_sums = _negative(x, modulus)  # the sum that two partners must have
    found = np.empty(len(x), dtype=np.int64)
    for i in range(len(x)):
        near = np.unique(x[max(0, i - window) : i + window + 1])
        found[i] = _among((pair_sums[i] - near) % modulus, near).any()
    return found


def sparse_averages(X: SequencesLike, q: int) -> RaggedSequences:
    """Average, for every token, the values of the tokens at the q positions that it holds.

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
        Sets of another size, repeated positions, positions that are not integers or not in the sequence. The message names
        the sequences.

    Notes
    -----
    Source: Sanford, Hsu, Telgarsky, arXiv 2306.02896. Cost: O(n_tokens q d). `constructions.build_sparse_averaging`
    builds the weights of one attention layer that computes the same function.

    Examples
    --------
    >>> from sklearn_hardmax.tasks import sparse_averages
    >>> X = [[[10., 1., 2., 0.], [20., 0., 1., 1.], [40., 0., 2., 2.]]]
    >>> sparse_averages(X, q=2)[0].ravel()
    array([30., 15., 25.])
    """
    sequences = read_sequences(X)
    values, _, _, rows = averaging_parts(sequences, q)
    members = values[rows]
    # mean as least + mean(member - least): exactly the common value where all members are equal
    least = members.min(axis=1, keepdims=True)
    return RaggedSequences.from_flat(least[:, 0] + (members - least).sum(axis=1) / q, sequences.lengths)


# -- reading and checking input ----------------------------------------------------------------------------------------


def averaging_parts(sequences: RaggedSequences, q: int) -> tuple[FloatArray, IntArray, IntArray, IntArray]:
    """Split the tokens (z, y, i) of sparse averaging, d + q + 1 numbers, into their parts, and check these.

    Returns
    -------
    values : ndarray of shape (n_tokens, d), float64
        z of each token.
    subsets : ndarray of shape (n_tokens, q), int64
        y of each token: positions in its sequence.
    positions : ndarray of shape (n_tokens,), int64
        i of each token: its own position in its sequence.
    rows : ndarray of shape (n_tokens, q), int64
        Indices in sequences.tokens of the tokens at the positions y.

    Raises
    ------
    ValueError
        As for `sparse_averages`.
    """
    check_integer(q, "q", 1)
    if sequences.token_dim < q + 2:
        raise ValueError(
            f"Tokens of sparse averaging hold a value of at least one coordinate, q = {q} positions and their own position: "
            f"at least {q + 2} numbers; got token_dim {sequences.token_dim}."
        )
    tokens = sequences.tokens
    lengths = np.repeat(sequences.lengths, sequences.lengths)
    # the last q + 1 features are positions: y and i
    indices = tokens[:, -q - 1 :]
    fits = (indices == np.rint(indices)) & (indices >= 0) & (indices < lengths[:, None])
    _refuse(~fits.all(axis=1), sequences, "hold a position that is no integer from 0 to their length - 1")
    indices = indices.astype(np.int64)
    subsets, positions = indices[:, :-1], indices[:, -1]
    starts = np.repeat(sequences.offsets[:-1], sequences.lengths)
    # row that a token would have if tokens were sorted by their own positions; a repeated row is a repeated position
    sorted_rows = starts + positions
    counts = np.bincount(sorted_rows, minlength=len(sorted_rows))
    _refuse(counts[sorted_rows] > 1, sequences, "hold one position twice as their own")
    repeated = (np.diff(np.sort(subsets, axis=1), axis=1) == 0).any(axis=1)
    _refuse(repeated, sequences, f"name one position twice in a set of q = {q} positions")
    # inverse permutation: the row of the token at a position
    rows = np.empty(len(sorted_rows), dtype=np.int64)
    rows[sorted_rows] = np.arange(len(sorted_rows))
    return tokens[:, : -q - 1].astype(np.float64), subsets, positions, rows[starts[:, None] + subsets]


def _refuse(bad, sequences, problem):
    """Raise ValueError if any token is bad (boolean array of shape (n_tokens,)), naming the sequences that contain it."""
    if bad.any():
        owners = sequences_containing(np.flatnonzero(bad), sequences.offsets)
        raise ValueError(f"Tokens of sequences {format_indices(owners)} {problem}.")


def integer_tokens(X: SequencesLike) -> tuple[RaggedSequences, IntArray]:
    """Read sequences whose tokens are single non-negative integers below 2^53.

    Parameters
    ----------
    X : RaggedSequences or anything that as_sequences reads, token_dim = 1

    Returns
    -------
    sequences : RaggedSequences
    integers : ndarray of shape (n_tokens,), int64
        The tokens.

    Raises
    ------
    ValueError
        Another token_dim; tokens that are not integers, negative, or 2^53 or more.
    """
    sequences = read_sequences(X)
    if sequences.token_dim != 1:
        raise ValueError(
            f"Tokens must be single integers (token_dim 1), got token_dim {sequences.token_dim}; for rows or lists of "
            "integers use RaggedSequences.from_series."
        )
    x = sequences.tokens[:, 0]
    _refuse((x != np.rint(x)) | (x < 0), sequences, "are no integers, or negative")
    _refuse(x >= LARGEST_TOKEN, sequences, "are 2^53 or more, where float64 does not distinguish adjacent integers")
    return sequences, x.astype(np.int64)


def _residues(integers, modulus):
    """Check the input of a match function; return the residues mod M, (n,) int64, and M as an int."""
    check_integer(modulus, "modulus", 2, LARGEST_MODULUS)
    if isinstance(integers, RaggedSequences):
        raise ValueError("integers must be one sequence at a time, such as X[i], got RaggedSequences.")
    x = np.asarray(integers)
    if x.ndim == 2 and x.shape[1] == 1:
        x = x[:, 0]
    if x.ndim != 1 or len(x) == 0:
        raise ValueError(f"integers must be one sequence of shape (n,) or (n, 1) with n >= 1, got shape {x.shape}.")
    is_integer = x.dtype.kind in "iu"
    if x.dtype.kind == "f":
        # NaN and infinity fail the first test
        is_integer = bool((np.abs(x) < LARGEST_TOKEN).all()) and bool((x == np.rint(x)).all())
    if not is_integer or (x < 0).any():
        raise ValueError(
            f"integers must be non-negative integers (as floats: below 2^53), got {x.dtype} with entries "
            f"{x[:5].tolist()}{'...' if len(x) > 5 else ''}."
        )
    # uint64 holds every non-negative integer of any dtype
    return (x.astype(np.uint64) % np.uint64(modulus)).astype(np.int64), int(modulus)


def _negative(x, modulus):
    """-x mod M for residues x from 0 to M - 1."""
    return np.where(x > 0, modulus - x, 0)


def _among(values, sorted_set):
    """Whether each value is an element of a sorted array."""
    index = np.searchsorted(sorted_set, values)
    return sorted_set[np.minimum(index, len(sorted_set) - 1)] == values
