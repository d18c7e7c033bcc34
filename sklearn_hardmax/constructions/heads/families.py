"""Families of heads side by side: each is drawn, pooled and regressed alone, and all of them are one set of heads.

A family is a subclass of `PooledHeads` with a function that draws it from training sequences. `FAMILIES` lists those of
ordered sequences by name. To add one: write both in a module of this folder, and add a line here.

    kernels              kernels on dilated windows, pooled by ppv and by tilted maxima (series.py)
    difference_kernels   the same on the differences of neighbouring tokens (differences.py)
    windows              nearness to windows of training sequences (windows.py)
    intervals            shares of large values within parts of the sequence (intervals.py)
"""

from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np
from scipy.sparse import block_diag, csr_array

from sklearn_hardmax.constructions.heads.differences import sample_difference_heads
from sklearn_hardmax.constructions.heads.intervals import sample_interval_heads
from sklearn_hardmax.constructions.heads.pooled import PooledHeads, unique_names
from sklearn_hardmax.constructions.heads.series_sampling import sample_series_heads
from sklearn_hardmax.constructions.heads.sets import sample_set_heads
from sklearn_hardmax.constructions.heads.windows import sample_window_heads

# of ordered sequences: functions of (sequences, labels, n_heads, rng, n_jobs)
FAMILIES = {
    "kernels": lambda sequences, labels, *others: sample_series_heads(sequences, *others),
    "difference_kernels": lambda sequences, labels, *others: sample_difference_heads(sequences, *others),
    "windows": sample_window_heads,
    "intervals": lambda sequences, labels, *others: sample_interval_heads(sequences, *others),
}
# how the heads are divided among the families that are chosen
_SHARES = {"kernels": 3, "difference_kernels": 3, "windows": 1, "intervals": 2}
AUTO = ("kernels",)
_MOST_HEADS = 8000
_HEADS_PER_SEQUENCE = 64


def default_n_heads(n_sequences):
    """Number of heads for n sequences: 64 per sequence, at most 8000."""
    return min(_HEADS_PER_SEQUENCE * n_sequences, _MOST_HEADS)


@dataclass(frozen=True)
class HeadFamilies(PooledHeads):
    """Several families of heads, one after another.

    Attributes
    ----------
    members : tuple of PooledHeads
        The families.
    """

    members: tuple

    @property
    def parts(self):
        """The families of heads."""
        return self.members

    @property
    def standardisation(self):
        """That of the first family, whose tokens are those of the user."""
        return self.parts[0].standardisation

    @property
    def n_heads(self):
        """Number of heads of all families."""
        return sum(part.n_heads for part in self.parts)

    @property
    def n_columns(self):
        """Number of heads that are evaluated."""
        return sum(part.n_columns for part in self.parts)

    @property
    def kinds(self):
        """MAX, PPV or MEAN of every head, (n_heads,)."""
        return np.concatenate([part.kinds for part in self.parts])

    @property
    def unit(self):
        """Power of two that the scores of each head are divided by in features, (n_heads,)."""
        return np.concatenate([np.broadcast_to(part.unit, part.n_heads) for part in self.parts])

    @property
    def largest_score(self):
        """Bound on the moduli of scores minus biases."""
        return max(part.largest_score for part in self.parts)

    @property
    def chunk_tokens(self):
        """About how many tokens a chunk has: as few as the family with the smallest chunks takes."""
        return min(part.chunk_tokens for part in self.parts)

    @property
    def is_ordered(self):
        """Whether a head depends on the order of tokens."""
        return any(part.is_ordered for part in self.parts)

    @property
    def ranges(self):
        """The heads of each family, as slices."""
        ends = accumulate((part.n_heads for part in self.parts), initial=0)
        return [slice(start, stop) for start, stop in pairwise(ends)]

    def _pool_chunk(self, sequences, chunk, out, scratch):
        for part, rows in zip(self.parts, self.ranges):
            block = scratch("family", (part.n_columns, len(chunk.indices)), np.float64)
            part._pool_chunk(sequences, chunk, block, scratch)
            out[rows] = block[: part.n_heads]

    # -- input of the explicit network -------------------------------------------------------------------------------------

    @property
    def n_coordinates(self):
        """Number of integers per token in the input of the explicit network."""
        return sum(part.n_coordinates for part in self.parts)

    @property
    def coordinates(self):
        """Names of the integers of a token in the input of the explicit network."""
        return unique_names([name for part in self.parts for name in part.coordinates])

    def tokens(self, sequences):
        """The integers of every token, input of the explicit network, (n_tokens, n_coordinates) float64."""
        return np.concatenate([part.tokens(sequences) for part in self.parts], axis=1)

    def forms(self):
        """Scores as linear forms of the integers of a token; see `PooledHeads`."""
        forms, indices, biases = zip(*(part.forms() for part in self.parts))
        starts = np.cumsum([0, *(form.shape[0] for form in forms)])
        index = np.concatenate([index + start for index, start in zip(indices, starts)])
        return csr_array(block_diag(forms, format="csr")), index, np.concatenate(biases)

    # -- descriptions ------------------------------------------------------------------------------------------------------

    def names(self, features=None):
        """Descriptions of all heads, unique, (n_heads,) list of str."""
        return unique_names([name for part in self.parts for name in part.names(features)])

    def windows_of(self, heads):
        """Kernels and dilations (n,), and features in use (n, token_dim) bool, of the heads of these indices (n,)."""
        heads = np.asarray(heads, dtype=np.int64)
        out = None
        for part, rows in zip(self.parts, self.ranges):
            inside = np.flatnonzero((heads >= rows.start) & (heads < rows.stop))
            found = part.windows_of(heads[inside] - rows.start)
            if out is None:
                out = [np.zeros((len(heads), *column.shape[1:]), column.dtype) for column in found]
            for column, values in zip(out, found):
                column[inside] = values
        return tuple(out)


def _divided(n_heads, parts):
    """Numbers of heads in proportion to these parts, at least 1 each, n_heads in all; what is left over goes to the first."""
    shares = [max(1, n_heads * part // sum(parts)) for part in parts]
    shares[0] += n_heads - sum(shares)
    return shares


def sample_families(sequences, labels, n_heads, *, ordered, families, rng, n_jobs=None):
    """Sample n_heads heads of some families for training sequences.

    Parameters
    ----------
    sequences : RaggedSequences
    labels : ndarray of int, shape (n_sequences,), or None
        Class indices. Ignored by families of ordered sequences.
    n_heads : int
        Divided among the families: three parts for each kind of kernels, one for windows, two for intervals.
    ordered : bool
        Whether the order of tokens is informative. Ignored if every sequence has one token, since then there is no order.
    families : tuple of str
        Names of families of ordered sequences; those beyond n_heads are left out. Ignored without order.
    rng : RandomState
    n_jobs : int or None
        Jobs that read the training tokens; the heads do not depend on it.

    Returns
    -------
    PooledHeads
        Of one family: SeriesHeads, DifferenceHeads or, without order, SetHeads; of several: HeadFamilies.
    names : tuple of str
        Names of the families.
    """
    has_order = sequences.n_tokens > len(sequences)
    if not (ordered and has_order):
        return sample_set_heads(sequences, labels, n_heads, rng, n_jobs), ("tokens",)
    names = families[:n_heads]
    shares = _divided(n_heads, [_SHARES[name] for name in names])
    parts = [FAMILIES[name](sequences, labels, share, rng, n_jobs) for name, share in zip(names, shares)]
    return parts[0] if len(parts) == 1 else HeadFamilies(tuple(parts)), names
