"""Heads of multisets of tokens: random directions, as products of small integers that are exact in float32.

Standardised tokens z, ended at ten deviations, are rounded to q = rint(levels z); one more coordinate holds h = rint(levels^2
|z|^2 / 2). A score is a linear form with integer coefficients: half of the directions p are differences of two training
tokens of different classes, S = <p, q>; half are training tokens themselves, S = <p, q> - h, which is largest for the
nearest token. `levels` is the largest number for which every sum of moduli that can occur stays below 2^24: then a product
of float32 matrices is exact, whatever the order of its additions, and scores are the same bits in any batch.

Each score gives its maximum, three proportions of positive values (ppv) and three means at biases midway between scores of training tokens.
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

_CLIP = 10.0  # deviations
_N_PPV = _N_MEANS = 3
_COLUMNS = (MAX, *[PPV] * _N_PPV, *[MEAN] * _N_MEANS)
_EXACT = 2**24  # integers below are float32
_MOST_LEVELS = 2.0**12
_BLOCK_SCORES = 2**18  # scores that are held together
_MANY_FEATURES, _WIDE_CHUNK = 50, 2**14
_FEW_NAMED, _MOST_NAMED = 4, 3  # features: so few are all named, else so many


@dataclass(frozen=True)
class SetHeads(PooledHeads):
    """Heads of multisets.

    levels : grid points for a unit of a standardised feature; linear_forms : (k, token_dim + 1) integers, as float32, of q
    and h; biases : (k, 6) integers, three of ppv and three of means.
    """

    standardisation: Standardisation
    levels: float
    linear_forms: np.ndarray
    biases: np.ndarray
    n_heads: int

    scale_floor = 0.5  # measured by leave-one-out

    @property
    def unit(self):
        """Of scores in features: the power of two next to levels squared."""
        return 2.0 ** np.round(2 * np.log2(self.levels))

    @property
    def chunk_tokens(self):
        """Tokens of a chunk: fewer where each has many features, so that they stay in the cache for all products."""
        return _WIDE_CHUNK if self.linear_forms.shape[1] > _MANY_FEATURES else HEAD_CHUNK_TOKENS

    @property
    def largest_score(self):
        """Bound on the moduli of scores less biases."""
        return 2 * _EXACT

    @property
    def n_columns(self):
        """Heads that are evaluated."""
        return len(_COLUMNS) * len(self.linear_forms)

    @property
    def kinds(self):
        """MAX, PPV or MEAN of every head, (n_heads,)."""
        return np.tile(_COLUMNS, len(self.linear_forms))[: self.n_heads]

    def _pool(self, chunk, z, out, scratch):
        q = _integers(z, self.levels, np.float32)
        limit = chunk.limit(np.int32)
        with one_blas_thread:  # more would wait for each other longer than these thin products take
            self._pool_blocks(q, limit, chunk.shape, out, scratch)

    def _pool_blocks(self, q, limit, shape, out, scratch):
        step = max(1, _BLOCK_SCORES // q.shape[1])
        for k in range(0, len(self.linear_forms), step):
            forms, biases = self.linear_forms[k : k + step], self.biases[k : k + step].astype(np.int32)
            size = len(forms), q.shape[1]
            scores, product = scratch("scores", size, np.int32), scratch("product", size, np.float32)
            np.copyto(scores, np.matmul(forms, q, out=product), casting="unsafe")
            if limit is not None:
                np.minimum(scores, limit, out=scores)
            rows = slice(len(_COLUMNS) * k, len(_COLUMNS) * (k + len(forms)))
            self._pool_scores(scores, biases, shape, scratch, out[rows].reshape(len(forms), len(_COLUMNS), -1))

    @staticmethod
    def _pool_scores(scores, biases, shape, scratch, out):
        """Maximum, counts and sums of relu of scores (k, L B) into out (k, 7, B)."""
        counts_above(scores, biases[:, :_N_PPV], shape, scratch, out[:, 1 : 1 + _N_PPV])
        for j in range(_N_PPV, _N_PPV + _N_MEANS):
            reach = scratch("reach", scores.shape, np.int32)
            reach[:] = biases[:, j, None]  # places without a token keep the bias, which is subtracted below
            np.maximum(reach, scores, out=reach)
            sums_over_rows(reach.reshape(-1, *shape), _EXACT, out[:, 1 + j], biases[:, j, None] * float(shape[0]))
        maxima_over_rows(scores.reshape(-1, *shape), out[:, 0])

    # -- what a network reads ----------------------------------------------------------------------------------------------

    @property
    def n_coordinates(self):
        """Integers that a network reads of a token."""
        return self.linear_forms.shape[1]

    @property
    def coordinates(self):
        """Names of the integers that a network reads of a token."""
        return [*(f"q{j}" for j in range(len(self.standardisation.mean))), "half square"]

    def tokens(self, sequences):
        """The integers that a network reads of every token, (n_tokens, token_dim + 1) float64."""
        return _integers(self.standardisation.columns(sequences.tokens), self.levels, np.float64).T

    def forms(self):
        """Scores as linear forms: (n_scores, token_dim + 1) CSR of integers; and for every head its score and bias."""
        index = np.repeat(np.arange(len(self.linear_forms)), len(_COLUMNS))
        biases = np.concatenate([np.zeros((len(self.biases), 1), np.int64), self.biases], axis=1).ravel()
        return csr_array(self.linear_forms.astype(np.float64)), index[: self.n_heads], biases[: self.n_heads]

    def names(self, features=None):
        """What each head reads, unique, (n_heads,) list of str; `features` are names for the features of a token.

        A prototype is a training token, in the units of the user, and "within" is a distance in standard deviations; a
        difference is a linear form of standardised features, and so is the bias that it stands above.
        """
        features, names = self.feature_names(features), []
        for k, (form, biases) in enumerate(zip(self.linear_forms.astype(np.float64), self.biases)):
            direction, size = form[:-1] / self.levels, np.abs(form[:-1]).max() or 1.0
            if form[-1]:
                what = f"closeness to prototype {k} ({self._token_text(direction, features)})"
                # S > b where |z - p|^2 < |p|^2 - 2 b / levels^2, up to the grid
                ends = np.sqrt(np.maximum(direction @ direction - 2 * biases / self.levels**2, 0.0))
                ppv, mean = f"ppv of {what} within", f"mean of {what} within"
            else:
                what, ends = f"difference {k} ({_form_text(form[:-1] / size, features)})", biases / (self.levels * size)
                ppv, mean = f"ppv of {what} above", f"mean of {what} beyond"
            names.append(f"max of {what}")
            names += [f"{ppv} {end:.3g}" for end in ends[:_N_PPV].tolist()]
            names += [f"{mean} {end:.3g}" for end in ends[_N_PPV:].tolist()]
        return unique_names(names[: self.n_heads])

    def _token_text(self, z, features):
        """A standardised token in the units of the user, each feature to a tenth of its deviation or better."""
        token = self.standardisation.raw(z) + 0.0
        shown, more = _shown(z)
        decades = np.floor(self.standardisation.log_deviations)[shown]
        sizes = np.floor(np.log10(np.abs(token[shown]), out=decades.copy(), where=token[shown] != 0))
        digits = np.clip(sizes - decades + 2, 1, 15).astype(int).tolist()
        return ", ".join(f"{features[j]}={token[j]:.{n}g}" for j, n in zip(shown, digits)) + more


def _shown(weights):
    """The features that a name lists, in order: all of a few, else those of the largest weights; and what follows them."""
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
    out = np.empty((len(z) + 1, z.shape[1]), dtype)
    norms, term = np.zeros((2, z.shape[1]))
    for row, feature in zip(out, z):
        row[:] = np.rint(np.multiply(feature, levels, out=term), out=term)
        norms += np.multiply(feature, feature, out=term)
    norms *= levels * levels / 2
    out[-1] = np.rint(norms, out=norms)
    return out


# -- drawing -----------------------------------------------------------------------------------------------------------


def sample_set_heads(sequences, labels, n_heads, rng):
    """n_heads heads for tokens of these sequences; labels (N,) class indices, or None."""
    standardisation = Standardisation.fit(sequences.tokens, _CLIP)
    n_forms = -(-n_heads // len(_COLUMNS))
    n_differences = n_forms // 2
    first, second = _pairs_of_tokens(sequences, labels, n_differences, rng)
    prototypes = rng.randint(sequences.n_tokens, size=n_forms - n_differences)
    z = [standardisation.columns(np.asarray(sequences.tokens[at])).T for at in (first, second, prototypes)]
    directions = np.concatenate([z[0] - z[1], z[2]])
    closeness = np.repeat([0.0, 1.0], [n_differences, len(prototypes)])
    levels, forms = _finest(directions, closeness, standardisation.largest)
    sample = sequences.tokens[sample_tokens(sequences.n_tokens, rng)]
    q = _integers(standardisation.columns(np.asarray(sample)), levels, np.float64)
    scores = np.sort((forms.astype(np.float64) @ q).astype(np.int64), axis=1)
    return SetHeads(standardisation, levels, forms, quantile_biases(scores, _N_PPV + _N_MEANS), n_heads)


def _pairs_of_tokens(sequences, labels, n, rng):
    """n pairs of tokens of sequences of different classes, each class and sequence with equal chance."""
    chosen = rng.randint(len(sequences), size=(2, n))
    present = np.unique(labels) if labels is not None else []
    if len(present) > 1:
        members = [np.flatnonzero(labels == label) for label in present]
        one = rng.randint(len(present), size=n)
        other = (one + rng.randint(1, len(present), size=n)) % len(present)
        chosen = np.array([[members[c][rng.randint(len(members[c]))] for c in side] for side in (one, other)], int)
        chosen = chosen.reshape(2, n)
    lengths = sequences.lengths[chosen]
    return sequences.offsets[chosen] + (rng.uniform(size=chosen.shape) * lengths).astype(np.int64)


def _finest(directions, closeness, largest):
    """The largest `levels` for which all sums are exact in float32, and the forms (k, token_dim + 1)."""
    norm = np.sum(largest**2) / 2
    reach = (np.abs(directions) @ largest + closeness * norm).max(initial=0.0)
    levels = min(_MOST_LEVELS, np.sqrt(_EXACT / max(reach, 1.0)))
    while True:
        forms = np.concatenate([np.rint(levels * directions), -closeness[:, None]], axis=1)
        ends = np.append(np.rint(levels * largest), np.rint(levels**2 * norm) + 1)
        if (np.abs(forms) @ ends).max(initial=0.0) < _EXACT:
            return levels, forms.astype(np.float32)
        levels *= 0.99
