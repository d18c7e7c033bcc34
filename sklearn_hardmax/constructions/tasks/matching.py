"""Find integers whose sum with one or two others of their sequence is a multiple of a given number M, by one attention.

A residue x (an integer mod M) is the angle t = 2 pi x / M, and x_1 + x_2 + .. = 0 (mod M) means cos(t_1 + t_2 + ..) = 1. The
next smaller value that this cosine takes is cos(2 pi / M), so that a threshold halfway, cos^2(pi / M), separates matches from
all others:

    cos(t_1 + t_2 + ..)      1                  a match
                             cos^2(pi / M)      threshold, half way
                             cos(2 pi / M)      the nearest miss

The threshold is the key of one additional token, the *blank*, which `encode` appends to every sequence. A token without a
partner attends to the blank, whose value is 0; any other token attends to its partners only, whose values are 1, and their
mean is 1.

    match2   cos(t_i + t_l) = c_i c_l - s_i s_l: query (c, s, 1), key (c, -s, 0), of the blank (0, 0, threshold)
    match3   cos(t_i + t_l + t_m) = c_i c_l c_m - c_i s_l s_m - s_i c_l s_m - s_i s_l c_m, a sum of products of three: third-
             order attention with query (c, -c, -s, -s, 1), keys (c, s, c, s, 0) and (c, s, s, c, 0), of the blank
             (0, 0, 0, 0, 1) and (0, 0, 0, 0, threshold). A pair of the blank and a token scores 0 and has value 0.

with c = cos t and s = sin t. (The tasks, and that one attention layer of small width is enough for the first and not for the
second: Sanford, Hsu, Telgarsky, arXiv 2306.02896. matching_variants.py has variants of match3 for standard attention.)

How large M may be. The threshold is g = sin^2(pi / M) below a match and above the nearest miss. Angles are computed up to
10 eps each; near the maximum of the cosine three of them move a score by a part of 20 M eps < 10^-7 of g at most. Sines and
cosines are computed up to 2 eps, which moves a sum of products of p of them, with moduli that add up to sqrt(2) at most, by
less than 3 p eps. So answers are exact while what is left of g exceeds the tie bounds of the two scores (forward/ties.py:
k eps times the moduli), with k = 6 and moduli of at most 1 for match2, k = 10 and at most sqrt(2) for match3. At M = 10^7 it
does so 36 and 17 times over; larger M are refused.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from sklearn_hardmax.constructions.common.construction import Construction, ConstructionError, as_network_output
from sklearn_hardmax.forward.ties import EPS
from sklearn_hardmax.layers import Attention, ThirdOrderAttention
from sklearn_hardmax.sequences import RaggedSequences
from sklearn_hardmax.sequences.checks import check_integer
from sklearn_hardmax.sequences.messages import format_indices
from sklearn_hardmax.tasks import integer_tokens
from sklearn_hardmax.transformer import Transformer

LARGEST_ANGLE_MODULUS = 10**7  # from the last paragraph of the docstring

# the coordinates of a token, and the row of weights that selects each of them
_NAMES = ("cos", "sin", "one", "blank", "match")
_COS, _SIN, _ONE, _BLANK, _MATCH = np.eye(5)


def build_match2(modulus: int) -> Construction:
    """Build one attention layer that finds the integers x_i with a partner: x_i + x_j is a multiple of M for some j.

    The partner may be the integer itself.

    Parameters
    ----------
    modulus : int
        M, from 2 to 10^7.

    Returns
    -------
    Construction
        `encode` takes sequences of non-negative integers, one per token, of any lengths; `decode` returns 1.0 or 0.0 for
        every token, RaggedSequences of one coordinate, equal to `tasks.match2`. `margin`: how many times over the gap to the
        nearest miss exceeds the tie bounds.

    Raises
    ------
    ConstructionError
        A modulus above 10^7, for which float64 does not separate the cosines with certainty.
    ValueError
        A modulus that is no integer of at least 2. From `encode`: tokens that are no non-negative integers below 2^53. From
        `decode`: tokens that are no output of the network.

    Notes
    -----
    Source: Sanford, Hsu, Telgarsky, arXiv 2306.02896. One block, 41 parameters, for sequences of any length n, O(n^2) to run.

    Examples
    --------
    >>> from sklearn_hardmax import RaggedSequences
    >>> from sklearn_hardmax.constructions import build_match2
    >>> from sklearn_hardmax.forward import apply
    >>> built = build_match2(10)
    >>> X = RaggedSequences.from_series([[3, 8, 4, 7], [5, 1]])  # 3 + 7 = 10, 5 + 5 = 10
    >>> built.decode(apply(built.transformer, built.encode(X))).tokens.ravel()
    array([1., 0., 0., 1., 1., 0.])
    """
    task = _Angles.from_modulus(modulus)
    # one row per product of the formula; the last one is 1 times the threshold where the key is that of the blank
    layer = Attention(
        query=[_COS, _SIN, _ONE],
        key=[_COS, -_SIN, task.threshold * _BLANK],
        value=[_ONE],
        output=_MATCH[:, None],
    )
    return task.construction(layer, n_factors=2, terms=6, moduli=1.0)


def build_match3(modulus: int) -> Construction:
    """Build one third-order attention that finds the integers x_i with two partners: x_i + x_j + x_k is a multiple of M.

    Partners may coincide with the integer and with each other.

    Parameters
    ----------
    modulus : int
        M, from 2 to 10^7.

    Returns
    -------
    Construction
        `encode` takes sequences of non-negative integers, one per token, of any lengths; `decode` returns 1.0 or 0.0 for
        every token, RaggedSequences of one coordinate, equal to `tasks.match3`. `margin`: how many times over the gap to the
        nearest miss exceeds the tie bounds.

    Raises
    ------
    ConstructionError
        A modulus above 10^7, for which float64 does not separate the cosines with certainty.
    ValueError
        A modulus that is no integer of at least 2. From `encode`: tokens that are no non-negative integers below 2^53. From
        `decode`: tokens that are no output of the network.

    Notes
    -----
    Source: Sanford, Hsu, Telgarsky, arXiv 2306.02896. One block, 91 parameters, for sequences of any length n, but O(n^3) to
    run: meant for up to about 200 integers. `tasks.match3` gives the same answers in O(n^2 log n).

    Examples
    --------
    >>> from sklearn_hardmax import RaggedSequences
    >>> from sklearn_hardmax.constructions import build_match3
    >>> from sklearn_hardmax.forward import apply
    >>> built = build_match3(11)
    >>> X = RaggedSequences.from_series([[1, 2, 5], [1, 2, 8]])  # 5 + 5 + 1 = 11, 1 + 2 + 8 = 11
    >>> built.decode(apply(built.transformer, built.encode(X))).tokens.ravel()
    array([1., 0., 1., 1., 1., 1.])
    """
    task = _Angles.from_modulus(modulus)
    # one row per product of the formula, in its order, and one for the pair of two blanks
    layer = ThirdOrderAttention(
        query=[_COS, -_COS, -_SIN, -_SIN, _ONE],
        key=[_COS, _SIN, _COS, _SIN, _BLANK],
        second_key=[_COS, _SIN, _SIN, _COS, task.threshold * _BLANK],
        value=[_ONE],
        second_value=[_ONE],
        output=_MATCH[:, None],
    )
    return task.construction(layer, n_factors=3, terms=10, moduli=math.sqrt(2))


class _Angles(NamedTuple):
    """The encoding of residues as angles.

    Attributes
    ----------
    modulus : int
        M.
    threshold : float
        Score of the blank, cos^2(pi / M).
    """

    modulus: int
    threshold: float

    @classmethod
    def from_modulus(cls, modulus):
        check_integer(modulus, "modulus", 2)
        if modulus > LARGEST_ANGLE_MODULUS:
            raise ConstructionError(
                f"modulus must be at most {LARGEST_ANGLE_MODULUS}, where neighbouring cosines still differ by more than the "
                f"tie bound, got {modulus}; the functions of sklearn_hardmax.tasks go further."
            )
        return cls(int(modulus), math.cos(math.pi / modulus) ** 2)

    def construction(self, layer, n_factors, terms, moduli):
        """The network of this one layer.

        Its scores are sums of products of n_factors sines and cosines, of so many terms, whose moduli add up to `moduli`.
        """
        # g less the errors of angles, sines and cosines, over the tie bounds of the two scores: see the module's docstring
        gap = (1 - 1e-7) * math.sin(math.pi / self.modulus) ** 2 - 3 * n_factors * EPS
        bounds = terms * EPS * (moduli + self.threshold)
        return Construction(Transformer([layer], _NAMES), self.encode, self.decode, gap / bounds)

    def encode(self, X):
        """Every integer as (cos t, sin t, 1, 0, 0), and the blank (0, 0, 0, 1, 0) at the end of every sequence."""
        sequences, x = integer_tokens(X)
        # residues in integers: a multiple of M has the angle 0 exactly, however large it is
        t = 2 * np.pi * ((x % self.modulus) / self.modulus)
        tokens = np.outer(np.cos(t), _COS) + np.outer(np.sin(t), _SIN) + _ONE
        return with_blank(sequences, tokens, _BLANK)

    def decode(self, tokens):
        """1.0 or 0.0 for every integer."""
        return decode_answers(tokens, len(_NAMES), has_blank=True)


def check_lengths(sequences, n):
    """Raise ValueError, naming them, if sequences have more than n tokens."""
    too_long = np.flatnonzero(sequences.lengths > n)
    if len(too_long):
        raise ValueError(f"Sequences {format_indices(too_long)} have more than n = {n} tokens.")


def with_blank(sequences, tokens, blank):
    """Tokens (n_tokens, D) of these sequences, with one more token `blank` (D,) at the end of each sequence."""
    # sequence j starts j tokens later than before
    offsets = sequences.offsets + np.arange(len(sequences) + 1)
    out = np.empty((offsets[-1], tokens.shape[1]))
    out[offsets[1:] - 1] = blank
    out[_not_last(offsets)] = tokens
    return RaggedSequences.from_flat(out, np.diff(offsets))


def decode_answers(tokens, token_dim, has_blank):
    """1.0 or 0.0 for every integer: the last coordinate of the tokens that `apply` returns, without the blanks."""
    tokens = as_network_output(tokens, token_dim)
    kept = slice(None)
    lengths = tokens.lengths
    if has_blank:
        kept = _not_last(tokens.offsets)
        lengths = lengths - 1
    # exactly 0 or 1, as means of equal values are these values
    answers = np.array(tokens.tokens[kept, -1:])
    if (lengths == 0).any() or not np.isin(answers, (0.0, 1.0)).all():
        raise ValueError("These tokens are no output of the network: an answer is neither 0 nor 1, or missing.")
    return RaggedSequences.from_flat(answers, lengths)


def _not_last(offsets):
    """Which tokens are not the last of their sequence, bool (n_tokens,)."""
    kept = np.ones(offsets[-1], dtype=bool)
    kept[offsets[1:] - 1] = False
    return kept
