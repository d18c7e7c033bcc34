"""Heads that measure how near a sequence comes to windows of training sequences.

A *window* is nine numbers of one feature, a dilation apart, around a token; zeros stand beyond the ends of a sequence. The
head of a training window p is the largest score of the windows x of a sequence, which falls with their squared distance once
the means of both are taken away. With integers x and p, P = 9 p - sum(p), and the energy E = 9 sum(x^2) - sum(x)^2, which is
nine times the squared length of x less its mean,

    S(x) = 2 x . P - E = (E of p) - 9 |(x - mean x) - (p - mean p)|^2

so that the maximum of S over the tokens is a constant less nine times the smallest squared distance. S is a linear form of
nine taps and E; hardmax attention to the token of the largest S computes it: the middle of the nearest window.

Features are rounded to the integers of [-1365, 1365], so that |S| <= 405 * 1365^2 < 2^30, and products are exact in float64.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from sklearn_hardmax.constructions.common.threads import one_blas_thread
from sklearn_hardmax.constructions.heads.pooled import MAX, PooledHeads, Standardisation, unique_names
from sklearn_hardmax.constructions.heads.reductions import maxima_over_rows
from sklearn_hardmax.constructions.heads.series import LEVELS
from sklearn_hardmax.constructions.heads.series_convolution import N_TAPS
from sklearn_hardmax.constructions.heads.series_sampling import dilations_for
from sklearn_hardmax.encoding import window_shifts, windows

_BLOCK_SCORES = 2**20  # scores (windows times tokens) that are held at once
_MAX_DEVIATIONS = 10.0  # at which features are clipped, so that single extreme values leave levels for the others


@dataclass(frozen=True)
class WindowHeads(PooledHeads):
    """Heads of training windows, ordered by group; a group has one feature and one dilation.

    Attributes
    ----------
    standardisation : Standardisation
    channels : ndarray of int, shape (G,)
        Feature of the token that the windows of each group are of.
    dilations : ndarray of int, shape (G,)
    groups : ndarray of int, shape (n_heads,)
        Group of each head, ascending.
    directions : ndarray of int64, shape (n_heads, 9)
        P = 9 p - sum(p) of each training window p.
    places : ndarray of int64, shape (n_heads, 2)
        Training sequence and token in the middle of each window.
    """

    standardisation: Standardisation
    channels: np.ndarray
    dilations: np.ndarray
    groups: np.ndarray
    directions: np.ndarray
    places: np.ndarray

    is_ordered = True
    scale_floor = 0.0625
    largest_score = 2**30

    @property
    def n_heads(self):
        """Number of heads."""
        return len(self.groups)

    @property
    def n_columns(self):
        """Number of heads that are evaluated."""
        return len(self.groups)

    @property
    def kinds(self):
        """MAX for every head, (n_heads,)."""
        return np.full(len(self.groups), MAX)

    @property
    def unit(self):
        """Power of two that scores are divided by in features, (n_heads,)."""
        return np.full(len(self.groups), 2.0**20)

    def _pool(self, chunk, z, out, scratch):
        length, width = chunk.shape
        limit = chunk.limit(np.int32)
        for g, (feature, dilation) in enumerate(zip(self.channels.tolist(), self.dilations.tolist())):
            rows = slice(*np.searchsorted(self.groups, (g, g + 1)))
            reach = N_TAPS // 2 * dilation
            padded = np.zeros((length + 2 * reach, width))
            padded[reach : reach + length] = self.standardisation.integers(z, feature, LEVELS).reshape(length, width)
            taps = scratch("taps", (N_TAPS, length * width), np.float64)
            for tap, row in enumerate(taps):
                row.reshape(length, width)[:] = padded[tap * dilation : tap * dilation + length]
            energy = _energies(taps)
            step = max(1, _BLOCK_SCORES // (length * width))
            directions = 2.0 * self.directions[rows]
            with one_blas_thread, np.errstate(invalid="ignore"):  # flags of lanes that BLAS discards
                for first in range(0, len(directions), step):
                    some = directions[first : first + step]
                    product = np.matmul(some, taps, out=scratch("product", (len(some), length * width), np.float64))
                    product -= energy
                    scores = scratch("scores", product.shape, np.int32)
                    np.copyto(scores, product, casting="unsafe")  # integers below 2^30
                    if limit is not None:
                        np.minimum(scores, limit, out=scores)
                    at = rows.start + first
                    maxima_over_rows(scores.reshape(len(some), length, width), out[at : at + len(some)])

    # -- input of the explicit network -------------------------------------------------------------------------------------

    @property
    def n_coordinates(self):
        """Number of integers per token in the input of the explicit network: nine taps and the energy of each group."""
        return (N_TAPS + 1) * len(self.channels)

    @property
    def coordinates(self):
        """Names of these integers."""
        names = []
        for feature, dilation in zip(self.channels.tolist(), self.dilations.tolist()):
            taps = [f"x{feature}[{shift:+d}]" for shift in window_shifts(N_TAPS, dilation).tolist()]
            names += [f"{name} of windows" for name in [*taps, f"energy of x{feature} at dilation {dilation}"]]
        return names

    def tokens(self, sequences):
        """The integers of every token, input of the explicit network, (n_tokens, n_coordinates) float64."""
        z = self.standardisation.columns(sequences.tokens)
        out = np.empty((sequences.n_tokens, self.n_coordinates))
        for g, (feature, dilation) in enumerate(zip(self.channels.tolist(), self.dilations.tolist())):
            taps = windows(
                self.standardisation.integers(z, feature, LEVELS)[:, None], sequences.offsets, N_TAPS, dilation
            )
            columns = out[:, (N_TAPS + 1) * g : (N_TAPS + 1) * (g + 1)]
            columns[:, :N_TAPS] = taps
            columns[:, N_TAPS] = _energies(taps.T)
        return out

    def forms(self):
        """Scores as linear forms of these integers; see `PooledHeads`."""
        n = self.n_heads
        columns = (N_TAPS + 1) * self.groups[:, None] + np.arange(N_TAPS + 1)
        weights = np.concatenate([2.0 * self.directions, np.full((n, 1), -1.0)], axis=1)
        rows = np.repeat(np.arange(n), N_TAPS + 1)
        forms = csr_array((weights.ravel(), (rows, columns.ravel())), shape=(n, self.n_coordinates))
        forms.eliminate_zeros()
        return forms, np.arange(n), np.zeros(n, np.int64)

    # -- descriptions ------------------------------------------------------------------------------------------------------

    def names(self, features=None):
        """Descriptions of all heads, unique, (n_heads,) list of str."""
        features = self.feature_names(features)
        names = []
        for g, (sequence, token) in zip(self.groups.tolist(), self.places.tolist()):
            where = f"dilation {self.dilations[g]}, channels {features[self.channels[g]]}"
            names.append(f"max of closeness to the window of sequence {sequence} around token {token}, {where}")
        return unique_names(names)

    def windows_of(self, heads):
        """Kernels (-1: none) and dilations (n,), and features in use (n, token_dim) bool, of the heads of these indices."""
        groups = self.groups[np.asarray(heads, dtype=np.int64)]
        used = self.channels[groups][:, None] == np.arange(len(self.standardisation.mean))
        return np.full(len(groups), -1), self.dilations[groups], used


def _energies(taps):
    """Nine times the sum of squares less the square of the sum of nine integers, (9, n) to (n,); exact below 2^53."""
    sums = np.zeros(taps.shape[1])
    squares = np.zeros(taps.shape[1])
    for row in taps:
        sums += row
        squares += row * row
    return N_TAPS * squares - sums * sums


# -- sampling ------------------------------------------------------------------------------------------------------------


def sample_window_heads(sequences, labels, n_heads, rng, n_jobs=None):
    """Sample n_heads training windows.

    Parameters
    ----------
    sequences : RaggedSequences
    labels : ndarray of int, shape (n_sequences,), or None
        Class indices: all classes have equal chances, and the sequences of a class. None: all sequences have equal chances.
    n_heads : int
    rng : RandomState
    n_jobs : int or None

    Returns
    -------
    WindowHeads
    """
    standardisation = Standardisation.fit(sequences.tokens, _MAX_DEVIATIONS, n_jobs)
    dilations = dilations_for(sequences.lengths)[:n_heads]
    # groups are (dilation, feature): as many features as leave some windows in each group
    n_features = max(1, min(sequences.token_dim, n_heads // (8 * len(dilations))))
    chosen = np.array([np.sort(rng.choice(sequences.token_dim, n_features, replace=False)) for _ in dilations])
    features = chosen.ravel()
    group_dilations = np.repeat(dilations, n_features)
    groups = np.sort(np.arange(n_heads) % len(features))
    owners = _sequences(labels, len(sequences), n_heads, rng)
    heads = WindowHeads(
        standardisation,
        features,
        group_dilations,
        groups,
        directions=np.empty((n_heads, N_TAPS), np.int64),
        places=np.empty((n_heads, 2), np.int64),
    )
    for i, (g, owner) in enumerate(zip(groups.tolist(), owners.tolist())):
        feature, dilation = features[g], int(group_dilations[g])
        z = standardisation.columns(np.asarray(sequences[owner]))
        n = z.shape[1]
        # whole windows, where the sequence is long enough for one
        reach = N_TAPS // 2 * dilation
        low, high = (reach, n - reach) if n > 2 * reach else (0, n)
        middle = rng.randint(low, high)
        at = middle + window_shifts(N_TAPS, dilation)
        inside = (at >= 0) & (at < n)
        values = np.where(
            inside, heads.standardisation.integers(z, feature, LEVELS)[np.clip(at, 0, n - 1)], 0.0
        ).astype(np.int64)
        heads.directions[i] = N_TAPS * values - values.sum()
        heads.places[i] = owner, middle
    return heads


def _sequences(labels, n_sequences, n, rng):
    """Indices of n sequences: classes have equal chances, and the sequences of a class."""
    if labels is None:
        return rng.randint(n_sequences, size=n)
    present = np.unique(labels)
    members = [np.flatnonzero(labels == label) for label in present]
    classes = rng.randint(len(present), size=n)
    return np.array([members[c][rng.randint(len(members[c]))] for c in classes], dtype=np.int64)
