"""Heads (pooled features) of sets: products of small integers, exact in float32, compare tokens with training tokens.

A standardised token z, clipped at ten deviations, is rounded to integers q = rint(levels z); one more coordinate holds
h = rint(levels^2 |z|^2 / 2). A score S is a linear form of (q, h) with integer coefficients, of two sorts:

    difference    S = <p, q>       p is a difference of two training tokens of different classes; half of the forms
    prototype     S = <p, q> - h   p is a training token; the token nearest to it has the largest score

`levels` is the largest number for which every sum of moduli that can occur stays below 2^24. All integers below 2^24 are
float32 numbers, so a product of float32 matrices is exact in whatever order it is added, and scores are the same bits in any
batch.

Each score is pooled by seven heads: its maximum, three ppv (proportions of positive values, S > b) and three means of
relu(S - b), at six biases b midway between scores of training tokens.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from sklearn_hardmax.constructions.common.threads import one_blas_thread
from sklearn_hardmax.constructions.heads.pooled import (
    MAX,
    MEAN,
    PPV,
    PooledHeads,
    Standardisation,
    quantile_biases,
    sample_tokens,
    unique_names,
)
from sklearn_hardmax.constructions.heads.reductions import (
    HEAD_CHUNK_TOKENS,
    counts_above,
    maxima_over_rows,
    sums_over_rows,
)

_CLIP = 10.0  # standard deviations at which tokens are clipped
_N_PPV = _N_MEANS = 3  # heads per score
_COLUMNS = (MAX, *[PPV] * _N_PPV, *[MEAN] * _N_MEANS)  # kinds of the heads of a score
_EXACT = 2**24  # all integers of smaller modulus are float32 numbers
_MOST_LEVELS = 2.0**12  # grid points per unit of a standardised feature, at most
_BLOCK_SCORES = 2**18  # scores (forms times tokens) that are held at once
_MANY_FEATURES = 50  # coordinates of a token: beyond so many, chunks are small
_WIDE_CHUNK = 2**14  # tokens of such a chunk, about
_FEW_NAMED = 4  # features: names list all features of up to so many
_MOST_NAMED = 3  # features that names list where there are more


@dataclass(frozen=True)
class SetHeads(PooledHeads):
    """Heads of multisets of tokens: k linear forms, each pooled by a maximum, three ppv and three means.

    Attributes
    ----------
    standardisation : Standardisation
    levels : float
        Grid points per unit of a standardised feature.
    linear_forms : ndarray of float32, shape (k, token_dim + 1)
        Integer coefficients of q and h.
    biases : ndarray of int, shape (k, 6)
        Three of ppv, then three of means.
    n_heads : int
    """

    standardisation: Standardisation
    levels: float
    linear_forms: np.ndarray
    biases: np.ndarray
    n_heads: int

    scale_floor = 0.5  # measured by leave-one-out

    @property
    def unit(self):
        """Power of two that scores are divided by in features: the nearest to levels squared, in the logarithm."""
        return 2.0 ** np.round(2 * np.log2(self.levels))

    @property
    def chunk_tokens(self):
        """Tokens of a chunk: fewer where each has many features, so that they stay in the cache for all products."""
        return _WIDE_CHUNK if self.linear_forms.shape[1] > _MANY_FEATURES else HEAD_CHUNK_TOKENS

    @property
    def largest_score(self):
        """Bound on the moduli of scores minus biases."""
        return 2 * _EXACT

    @property
    def n_columns(self):
        """Number of heads that are evaluated."""
        return len(_COLUMNS) * len(self.linear_forms)

    @property
    def kinds(self):
        """MAX, PPV or MEAN of every head, (n_heads,)."""
        return np.tile(_COLUMNS, len(self.linear_forms))[: self.n_heads]

    # -- evaluation --------------------------------------------------------------------------------------------------------

    def _pool(self, chunk, z, out, scratch):
        q = _integers(z, self.levels, np.float32)
        limit = chunk.limit(np.int32)
        with one_blas_thread:  # more would wait for each other longer than these thin products take
            self._pool_blocks(q, limit, chunk.shape, out, scratch)

    def _pool_blocks(self, q, limit, shape, out, scratch):
        n_kinds = len(_COLUMNS)
        n_places = q.shape[1]
        step = max(1, _BLOCK_SCORES // n_places)
        for k in range(0, len(self.linear_forms), step):
            forms = self.linear_forms[k : k + step]
            biases = self.biases[k : k + step].astype(np.int32)
            size = len(forms), n_places
            # Inputs are finite and all sums are integers below 2^24. A BLAS kernel may still raise the flag "invalid" by
            # chance, on lanes that it discards; a product that really held NaN would raise it in the cast below.
            with np.errstate(invalid="ignore"):
                product = np.matmul(forms, q, out=scratch("product", size, np.float32))
            # integers below 2^24, so nothing is lost; in int32 the reductions are exact beyond 2^24 too
            scores = scratch("scores", size, np.int32)
            np.copyto(scores, product, casting="unsafe")
            if limit is not None:
                np.minimum(scores, limit, out=scores)
            rows = slice(n_kinds * k, n_kinds * (k + len(forms)))
            self._pool_scores(scores, biases, shape, scratch, out[rows].reshape(len(forms), n_kinds, -1))

    @staticmethod
    def _pool_scores(scores, biases, shape, scratch, out):
        """Maximum, counts and sums of relu of scores (k, L B) into out (k, 7, B)."""
        length, _ = shape
        counts_above(scores, biases[:, :_N_PPV], shape, scratch, out[:, 1 : 1 + _N_PPV])
        # sum of relu(S - b) = sum of max(S, b) - L b; a place without a token has max(S, b) = b, so it adds 0
        for j in range(_N_PPV, _N_PPV + _N_MEANS):
            larger = scratch("larger", scores.shape, np.int32)
            larger[:] = biases[:, j, None]
            np.maximum(larger, scores, out=larger)
            sums_over_rows(larger.reshape(-1, *shape), _EXACT, out[:, 1 + j], biases[:, j, None] * float(length))
        maxima_over_rows(scores.reshape(-1, *shape), out[:, 0])

    # -- input of the explicit network -------------------------------------------------------------------------------------

    @property
    def n_coordinates(self):
        """Number of integers per token in the input of the explicit network."""
        return self.linear_forms.shape[1]

    @property
    def coordinates(self):
        """Names of the integers of a token in the input of the explicit network."""
        return [*(f"q{j}" for j in range(len(self.standardisation.mean))), "half square"]

    def tokens(self, sequences):
        """The integers of every token, input of the explicit network, (n_tokens, token_dim + 1) float64."""
        return _integers(self.standardisation.columns(sequences.tokens), self.levels, np.float64).T

    def forms(self):
        """Scores as linear forms of the integers of a token.

        Returns
        -------
        csr_array of shape (n_scores, token_dim + 1)
            Integer coefficients.
        ndarray of int, shape (n_heads,)
            Score of each head.
        ndarray of int, shape (n_heads,)
            Bias of each head, 0 for maxima.
        """
        index = np.repeat(np.arange(len(self.linear_forms)), len(_COLUMNS))
        biases = np.concatenate([np.zeros((len(self.biases), 1), np.int64), self.biases], axis=1).ravel()
        return csr_array(self.linear_forms.astype(np.float64)), index[: self.n_heads], biases[: self.n_heads]

    # -- descriptions ------------------------------------------------------------------------------------------------------

    def names(self, features=None):
        """Descriptions of all heads, unique, (n_heads,) list of str; `features` are names for the features of a token.

        A prototype is a training token, in user units, and "within" is a distance in standard deviations; a difference is a
        linear form of standardised features, and "above" and "beyond" are biases in its units.
        """
        features = self.feature_names(features)
        names = []
        for k, (form, biases) in enumerate(zip(self.linear_forms.astype(np.float64), self.biases)):
            # h has a coefficient in prototypes only
            describe = self._prototype_names if form[-1] else self._difference_names
            names += describe(k, form[:-1], biases, features)
        return unique_names(names[: self.n_heads])

    def _prototype_names(self, k, direction, biases, features):
        z = direction / self.levels
        # S > b where |z - p|^2 < |p|^2 - 2 b / levels^2, up to the grid
        radii = np.sqrt(np.maximum(z @ z - 2 * biases / self.levels**2, 0.0))
        score = f"closeness to prototype {k} ({self._token_text(z, features)})"
        return _names_of_score(score, radii, ppv="within", mean="within")

    def _difference_names(self, k, direction, biases, features):
        # divided by its largest coefficient
        size = np.abs(direction).max() or 1.0
        score = f"difference {k} ({_form_text(direction / size, features)})"
        return _names_of_score(score, biases / (self.levels * size), ppv="above", mean="beyond")

    def _token_text(self, z, features):
        """A standardised token in user units, each feature to a tenth of its deviation or better."""
        token = self.standardisation.raw(z) + 0.0  # no negative zero
        shown, more = _shown(z)
        # digits of the number before those of a tenth of the deviation
        decades = np.floor(self.standardisation.log_deviations)[shown]
        sizes = np.floor(np.log10(np.abs(token[shown]), out=decades.copy(), where=token[shown] != 0))
        digits = np.clip(sizes - decades + 2, 1, 15).astype(int).tolist()
        return ", ".join(f"{features[j]}={token[j]:.{n}g}" for j, n in zip(shown, digits)) + more


def _names_of_score(score, ends, ppv, mean):
    """Names of the heads of a score: `ends` (6,) are its biases in readable units, behind the words `ppv` and `mean`."""
    names = [f"max of {score}"]
    names += [f"ppv of {score} {ppv} {end:.3g}" for end in ends[:_N_PPV].tolist()]
    names += [f"mean of {score} {mean} {end:.3g}" for end in ends[_N_PPV:].tolist()]
    return names


def _shown(weights):
    """The features that a name lists, in order (all of a few, else those of the largest weights), and the text behind."""
    if len(weights) <= _FEW_NAMED:
        return list(range(len(weights))), ""
    return np.sort(np.argsort(-np.abs(weights), kind="stable")[:_MOST_NAMED]).tolist(), ", ..."


def _form_text(weights, features):
    """A linear form whose largest coefficient is 1 or -1, like "x0 - 0.66 x1"."""
    shown, more = _shown(weights)
    parts = []
    for j in shown:
        size = f"{abs(weights[j]):.2g}"
        if size != "0":
            sign = "-" if weights[j] < 0 else "+"
            parts.append(f"{sign} {features[j]}" if size == "1" else f"{sign} {size} {features[j]}")
    return (" ".join(parts).removeprefix("+ ") or "0") + more


def _integers(z, levels, dtype):
    """q and h of standardised tokens (token_dim, n), stacked; (token_dim + 1, n)."""
    token_dim, n_tokens = z.shape
    out = np.empty((token_dim + 1, n_tokens), dtype)
    norms, term = np.zeros((2, n_tokens))
    # squares are added feature after feature, so that the sum is rounded the same way in any batch
    for row, feature in zip(out, z):
        row[:] = np.rint(np.multiply(feature, levels, out=term), out=term)
        norms += np.multiply(feature, feature, out=term)
    norms *= levels * levels / 2
    out[-1] = np.rint(norms, out=norms)
    return out


# -- sampling ------------------------------------------------------------------------------------------------------------


def sample_set_heads(sequences, labels, n_heads, rng, n_jobs=None):
    """Sample n_heads heads for training sequences.

    Parameters
    ----------
    sequences : RaggedSequences
    labels : ndarray of int, shape (n_sequences,), or None
        Class indices. None: differences are between any two tokens.
    n_heads : int
    rng : RandomState
    n_jobs : int or None

    Returns
    -------
    SetHeads
    """
    standardisation = Standardisation.fit(sequences.tokens, _CLIP, n_jobs)
    n_forms = -(-n_heads // len(_COLUMNS))
    n_differences = n_forms // 2
    n_prototypes = n_forms - n_differences
    # the order of these draws belongs to the result
    first, second = _pairs_of_tokens(sequences, labels, n_differences, rng)
    prototypes = rng.randint(sequences.n_tokens, size=n_prototypes)
    sample = sample_tokens(sequences.n_tokens, rng)
    z_first, z_second, z_prototypes, z_sample = (
        standardisation.columns(np.asarray(sequences.tokens[at])) for at in (first, second, prototypes, sample)
    )
    directions = np.concatenate([(z_first - z_second).T, z_prototypes.T])
    # the coefficient of -h
    closeness = np.repeat([0.0, 1.0], [n_differences, n_prototypes])
    levels, forms = _finest_grid(directions, closeness, standardisation.largest)
    scores = (forms.astype(np.float64) @ _integers(z_sample, levels, np.float64)).astype(np.int64)
    biases = quantile_biases(np.sort(scores, axis=1), _N_PPV + _N_MEANS)
    return SetHeads(standardisation, levels, forms, biases, n_heads)


def _pairs_of_tokens(sequences, labels, n, rng):
    """Indices of n pairs of tokens of sequences of different classes, (2, n).

    Classes, the sequences of a class, and the tokens of a sequence have equal chances. Without labels, or with one class, the
    sequences of a pair are any two.
    """
    chosen = rng.randint(len(sequences), size=(2, n))
    present = np.unique(labels) if labels is not None else []
    if len(present) > 1:
        members = [np.flatnonzero(labels == label) for label in present]
        one = rng.randint(len(present), size=n)
        # a step of 1 to n_classes - 1 around the circle of classes leads to any other class
        other = (one + rng.randint(1, len(present), size=n)) % len(present)
        chosen = np.array([[members[c][rng.randint(len(members[c]))] for c in side] for side in (one, other)], int)
        chosen = chosen.reshape(2, n)  # also for n = 0
    lengths = sequences.lengths[chosen]
    return sequences.offsets[chosen] + (rng.uniform(size=chosen.shape) * lengths).astype(np.int64)


def _finest_grid(directions, closeness, largest):
    """Choose the largest `levels` for which all scores are exact in float32.

    Parameters
    ----------
    directions : ndarray of shape (k, token_dim)
        Standardised p.
    closeness : ndarray of shape (k,)
        1 for prototypes, 0 for differences.
    largest : ndarray of shape (token_dim,)
        Largest moduli of standardised features.

    Returns
    -------
    levels : float
    forms : ndarray of float32, shape (k, token_dim + 1)
        Integer coefficients of q and h.
    """
    half_square = np.sum(largest**2) / 2
    # p and q both grow with levels, h with its square: so does every sum of moduli, but for rounding to the grid
    reach = (np.abs(directions) @ largest + closeness * half_square).max(initial=0.0)
    levels = min(_MOST_LEVELS, np.sqrt(_EXACT / max(reach, 1.0)))
    # rounding may exceed the bound: then a little coarser
    while True:
        forms = np.concatenate([np.rint(levels * directions), -closeness[:, None]], axis=1)
        ends = np.append(np.rint(levels * largest), np.rint(levels**2 * half_square) + 1)
        if (np.abs(forms) @ ends).max(initial=0.0) < _EXACT:
            return levels, forms.astype(np.float32)
        levels *= 0.99
