"""Explain a decision: the contribution of every pooled feature to each score, and the token that each max head attended to.

A *head* is a feature pooled from the tokens of a sequence; a *max head* is a leader attention, so its value comes from one
token, the leader. The score of class c is a sum over heads f with coefficients omega,

    score_c = [beta_c + sum_f omega_fc mean of head f] + sum_f omega_fc (head_f - mean of head f) + correction

The means are those of the training sequences, so that a contribution describes how the sequence differs from the average one;
the bracket is shown as the intercept. Leaders are found in integers: scores of tokens are exact, and of the tokens with the
largest score the first is shown.
"""

import numpy as np

from sklearn_hardmax.constructions.heads.pooled import KINDS, MAX

# in the field "head", of the rows that are no head; negative indices, which count from the end of the arrays of names
INTERCEPT = -1
CORRECTION = -2


class Explainer:
    """Tables of the contributions to the decisions of a PooledClassifier.

    Parameters
    ----------
    scoring : PooledClassifier
    classes : ndarray of shape (n_classes,)
        Names of the classes.
    features : list of str or None, default=None
        Names for the features of a token, which occur in the names of heads.
    """

    def __init__(self, scoring, classes, features=None):
        heads = scoring.heads
        readout = scoring.readout
        self.scoring = scoring
        self.classes = classes
        self.means = readout.means
        self.coefficients = readout.coefficients(heads)
        self.intercept = readout.intercept + self.means @ self.coefficients
        self.forms, self.form_of_head, _ = heads.forms()
        # indices -2 and -1 are the correction and the intercept
        self.names = np.array([*heads.names(features), "correction", "intercept"], dtype=object)
        self.kind_names = np.array(
            [*np.array(KINDS, dtype=object)[heads.kinds], "correction", "intercept"], dtype=object
        )

    def table(self, sequence, top):
        """The contributions to the scores of one sequence.

        Parameters
        ----------
        sequence : RaggedSequences of length 1
        top : int or None
            Number of heads per class, by falling modulus of the contribution; None gives all.

        Returns
        -------
        structured ndarray of shape (n_rows,)
            For each class its heads, then the intercept, then the correction where it is not 0. Two classes have one
            decision, half the difference of the two scores: all rows are of the second class. Fields:

            - "class" : object, the class of the score.
            - "head" : int64, index of the head; INTERCEPT (-1) or CORRECTION (-2) in other rows.
            - "kind" : object, "max", "ppv", "mean", "intercept" or "correction".
            - "name" : object, str, the name of the head.
            - "contribution" : float64, summand of the score; those of a class add up to it where top is None.
            - "leader" : int64, index of the token that a max head attends to, -1 in other rows.
            - "value" : float64 of shape (token_dim,), that token in the units of the user, nan in other rows.
        """
        parts = self._contributions(sequence)
        shown = range(len(self.classes))
        if len(self.classes) == 2:  # the decision is half the difference of the two scores
            shown = [1]
            parts = [(part[..., 1:] - part[..., :1]) / 2 for part in parts]
        contributions, intercept, correction = parts
        owners = []
        heads = []
        values = []
        for column, c in enumerate(shown):
            order = strongest(contributions[:, column], top)
            class_heads = [*order.tolist(), INTERCEPT]
            class_values = [*contributions[order, column].tolist(), intercept[column]]
            if correction[column]:
                class_heads.append(CORRECTION)
                class_values.append(correction[column])
            owners += [c] * len(class_heads)
            heads += class_heads
            values += class_values
        return self._filled(sequence, owners, np.array(heads), values)

    def _contributions(self, sequence):
        """Of the heads (n_heads, n_classes), of the intercept and of the correction (n_classes,)."""
        correction = np.zeros((len(self.classes), 1))
        if self.scoring.corrections is not None:
            self.scoring.corrections.add_to(correction, self.scoring.corrections.code.evaluate(sequence))
        features = self.scoring.heads.features(sequence, np.float64)[0]
        return (features - self.means)[:, None] * self.coefficients, self.intercept, correction[:, 0]

    def _filled(self, sequence, owners, heads, values):
        """The table with these classes, heads and contributions in its rows."""
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
        table["class"] = self.classes[owners].astype(object)
        table["head"] = heads
        table["kind"] = self.kind_names[heads]
        table["name"] = self.names[heads]
        table["contribution"] = values
        # a head occurs in the rows of several classes: its leader is found once
        distinct, place = np.unique(heads, return_inverse=True)
        table["leader"] = self._leaders(sequence, distinct)[place]
        # a leader of -1 selects the last token, which nan replaces
        table["value"] = np.where(table["leader"][:, None] >= 0, sequence.tokens[table["leader"]], np.nan)
        return table

    def _leaders(self, sequence, heads):
        """Token index of the leader of each max head among these rows; -1 for all others."""
        out = np.full(len(heads), -1)
        is_max = np.flatnonzero(self.kind_names[heads] == KINDS[MAX])
        if len(is_max):
            scores = self.forms[self.form_of_head[heads[is_max]]] @ self.scoring.heads.tokens(sequence).T
            out[is_max] = scores.argmax(axis=1)
        return out


def strongest(contributions, top):
    """Indices of the `top` (None: all) numbers of the largest moduli, by falling modulus; equal ones in their order."""
    sizes = np.abs(contributions)
    if top is None or top >= len(sizes):
        return np.argsort(-sizes, kind="stable")
    # a partial sort selects candidates in linear time, all that tie with the last one among them; the stable sort decides
    candidates = np.flatnonzero(sizes >= np.partition(sizes, len(sizes) - top)[-top])
    return candidates[np.argsort(-sizes[candidates], kind="stable")[:top]]
