"""Why a class: what every head adds to its score, and which token every leader read took.

    score_c = [beta_c + sum_f omega_fc mean of head f] + sum_f omega_fc (head_f - mean of head f) + correction

Means are those of the training sequences, so that a contribution says how the sequence differs from the average one. Leaders
are found in integers: scores of tokens are exact, and of tokens of the largest score the first is shown.
"""

import numpy as np

from sklearn_hardmax.constructions.heads.pooled import KINDS, MAX

INTERCEPT, CORRECTION = -1, -2  # what rows that are no head have in place of its index


class Explainer:
    """Tables of what decided, for a PooledClassifier; `classes` (n_classes,) and `features` name classes and features of a token."""

    def __init__(self, scoring, classes, features=None):
        heads, readout = scoring.heads, scoring.readout
        self.scoring, self.classes, self.means = scoring, classes, readout.means
        self.coefficients = readout.coefficients(heads)
        self.intercept = readout.intercept + self.means @ self.coefficients
        self.forms, self.index, _ = heads.forms()
        # indices -2 and -1 are the correction and the intercept
        self.names = np.array([*heads.names(features), "correction", "intercept"], dtype=object)
        self.kind_names = np.array(
            [*np.array(KINDS, dtype=object)[heads.kinds], "correction", "intercept"], dtype=object
        )

    def table(self, sequence, top):
        """Rows for one sequence (RaggedSequences of length 1), `top` heads a class (None: all)."""
        parts = self._contributions(sequence)
        shown = range(len(self.classes))
        if len(self.classes) == 2:  # the decision is half the difference of the two scores
            shown, parts = [1], [(part[..., 1:] - part[..., :1]) / 2 for part in parts]
        contributions, intercept, correction = parts
        heads, values, owners = [], [], []
        for column, c in enumerate(shown):
            order = strongest(contributions[:, column], top)
            heads += [*order.tolist(), INTERCEPT]
            values += [*contributions[order, column].tolist(), intercept[column]]
            if correction[column]:
                heads, values = [*heads, CORRECTION], [*values, correction[column]]
            owners += [c] * (len(heads) - len(owners))
        return self._filled(sequence, np.array(heads), values, owners)

    def _contributions(self, sequence):
        """Of the heads (n_heads, n_classes), of the intercept and of the correction (n_classes,)."""
        correction = np.zeros((len(self.classes), 1))
        if self.scoring.corrections is not None:
            self.scoring.corrections.add_to(correction, self.scoring.corrections.code.evaluate(sequence))
        features = self.scoring.heads.features(sequence, np.float64)[0]
        return (features - self.means)[:, None] * self.coefficients, self.intercept, correction[:, 0]

    def _filled(self, sequence, heads, values, owners):
        token_dim = sequence.token_dim
        dtype = [
            ("class", object),
            ("head", np.int64),
            ("kind", object),
            ("name", object),
            ("contribution", np.float64),
            ("leader", np.int64),
            ("value", np.float64, (token_dim,)),
        ]
        table = np.empty(len(heads), dtype)
        table["class"], table["head"], table["contribution"] = self.classes[owners].astype(object), heads, values
        table["kind"], table["name"] = self.kind_names[heads], self.names[heads]
        distinct, place = np.unique(heads, return_inverse=True)
        table["leader"] = self._leaders(sequence, distinct)[place]
        table["value"] = np.where(table["leader"][:, None] >= 0, sequence.tokens[table["leader"]], np.nan)
        return table

    def _leaders(self, sequence, heads):
        """Token index of the leader of each of these rows; -1 for all but leader reads."""
        out = np.full(len(heads), -1)
        reads = np.flatnonzero(self.kind_names[heads] == KINDS[MAX])
        if len(reads):
            scores = self.forms[self.index[heads[reads]]] @ self.scoring.heads.tokens(sequence).T
            out[reads] = scores.argmax(axis=1)
        return out


def strongest(contributions, top):
    """Indices of the `top` (None: all) numbers of the largest moduli, by falling modulus; of equal ones the first first."""
    sizes = np.abs(contributions)
    if top is None or top >= len(sizes):
        return np.argsort(-sizes, kind="stable")
    some = np.flatnonzero(sizes >= np.partition(sizes, len(sizes) - top)[-top])  # ties with the last one too
    return some[np.argsort(-sizes[some], kind="stable")[:top]]
