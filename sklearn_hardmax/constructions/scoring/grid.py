"""Features, targets and weights as integers, so that sums over sequences are the same bits in any order.

Row f of the features x (F, N) has a center c_f and a factor 2^k_f. With w the weights of the sequences, the ridge regression
sees the integers

    q_f = rint(sqrt(w) (x_f - c_f) 2^k_f).

Products q_f q_g are integers, and by Cauchy and Schwarz every partial sum of them is at most the larger one of the sums of
squares sum q_f^2 and sum q_g^2. Where all of these stay below 2^53, float64 adds products exactly: a Gram matrix is the same
bits for any order of the sequences, any cut into chunks, any number of workers and any BLAS. The sums of squares themselves
are the certificate: they only grow, so one that has passed 2^53 is at least 2^53, also if it was rounded on its way.

Centers and factors come from a sample of the sequences, by sums that are exact too (common/exact_sums.py). A center is the
weighted mean; where the sample is constant it is that constant, so that constant features become 0. A factor is the largest
power of two that leaves the expected sum of squares three bits below 2^53: 12,000 sequences of equal weight are rounded to
2^-17 standard deviations or finer. Deviations below `floor` times the median in their kind count as that much, as in the
ridge regression, so that no rare feature gets a large factor. If other sequences deviate so much more that a sum of squares
passes 2^53, the whole sum is repeated on a coarser grid.
"""

from dataclasses import dataclass

import numpy as np

from sklearn_hardmax.constructions.common.exact_sums import exact_sum

_BLOCK_ROWS = 256  # rows of features that are converted to float64 at a time, or more of short ones
_BLOCK_NUMBERS = 2**16  # numbers of so many short rows
EXACT = 2.0**53  # sums of integers below it are exact in float64
_ROOM = 3  # bits between the sum of squares that a sample lets expect and 2^53


@dataclass(frozen=True)
class Grid:
    """Centers, and factors by which differences from them become integers.

    Attributes
    ----------
    centers, factors : ndarray of shape (F,)
    """

    centers: np.ndarray
    factors: np.ndarray

    @classmethod
    def fit(cls, features, weight, total, kinds, floor):
        """From a sample of the sequences.

        Parameters
        ----------
        features : ndarray of shape (F, n)
        weight : ndarray of shape (n,)
            Positive.
        total : float
            Sum of the weights of all sequences.
        kinds : ndarray of shape (F,), small integers
        floor : float
            Smallest deviation, in medians of the kind.
        """
        centers, deviations, _ = moments(features, weight)
        scales = floored(deviations, deviations > 0, kinds, floor)
        return cls(centers, grid_factors(total * np.square(scales), _ROOM))

    def coarser(self):
        """The same centers, and factors that are four times smaller."""
        return Grid(self.centers, self.factors / 4)

    def __getitem__(self, rows):
        """The grid of some rows."""
        return Grid(self.centers[rows], self.factors[rows])

    def integers(self, values, root=None, rounded=True, out=None):
        """The integers of values (F, b) under root weights (b,), float64; unrounded where `rounded` (b,) is False."""
        out = np.subtract(values, self.centers[:, None], out=out)
        out *= self.factors[:, None]
        if root is not None:
            out *= root
        return np.rint(out, out=out, where=rounded)


def grid_factors(squares, room):
    """Largest powers of two whose squares leave these sums of squares `room` bits below 2^53."""
    # the exponent e is the smallest integer with 2^e > squares
    return np.ldexp(1.0, (53 - room - np.frexp(squares)[1]) // 2)


def blocks(features):
    """Yield (rows, features in float64) in blocks; the next block overwrites the last one."""
    n_features, n = features.shape
    step = min(n_features, max(_BLOCK_ROWS, _BLOCK_NUMBERS // n))
    buffer = np.empty((step, n))
    for start in range(0, n_features, step):
        block = buffer[: min(step, n_features - start)]
        rows = slice(start, start + len(block))
        block[:] = features[rows]
        yield rows, block


def moments(features, weight):
    """Weighted means, standard deviations, and largest moduli about the means of features (F, n), (F,) each.

    The same bits in any order of the columns: a feature counts as the nearest of 2^((52 - log2 n) / 2) or more steps from its
    smallest to its largest value, so that sums of squares are exact.
    """
    n = len(weight)
    heaviest = weight.max()
    total = exact_sum(weight.copy(), heaviest, n)
    is_weighted = (weight != heaviest).any()
    # differences from the smallest feature are averaged: those of a constant feature are exactly 0
    lowest = features.min(axis=1).astype(np.float64)
    span = features.max(axis=1) - lowest
    factors = grid_factors(n * np.square(span), 0)
    means, deviations = np.empty((2, len(features)))
    for rows, block in blocks(features):
        block = Grid(lowest, factors)[rows].integers(block, out=block)
        if is_weighted:
            most = (span * factors)[rows, None]
            mean = exact_sum(block * weight, most * heaviest, n) / total
            block -= mean[:, None]
            np.square(block, out=block)
            block *= weight
            squares = exact_sum(block, np.square(most) * heaviest, n) / total
        else:
            mean = block.sum(axis=1) / n
            squares = np.einsum("fi,fi->f", block, block) / n - np.square(mean)
        means[rows] = mean
        deviations[rows] = squares
    deviations = np.sqrt(np.maximum(deviations, 0.0)) / factors
    above = means / factors
    return lowest + above, deviations, np.maximum(above, span - above)


def precise_means(values, weight):
    """Weighted means of values (C, n), (C,): the same bits in any order, and of a constant exactly this constant."""
    lowest = values.min(axis=1, keepdims=True)
    above = values - lowest
    heaviest = weight.max()
    largest = above.max(axis=1, keepdims=True) * heaviest
    total = exact_sum(weight.copy(), heaviest, len(weight))
    return lowest[:, 0] + exact_sum(above * weight, largest, len(weight)) / total


def floored(deviations, varies, kinds, floor):
    """Deviations (F,), at least `floor` times the median of those of their kind that vary; 1 where none of a kind varies."""
    scales = np.ones(len(deviations))
    for kind in np.unique(kinds[varies]):
        of_kind = kinds == kind
        scales[of_kind] = np.maximum(deviations[of_kind], np.median(deviations[of_kind & varies]) * floor)
    return scales
