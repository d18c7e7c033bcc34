"""PooledClassifier computes scores and labels from pooled features, and writes out the network that computes the same.

`PooledClassifier` is the result of `build_scoring`. It holds the classifier as a few arrays: heads (features pooled from the
tokens of a sequence), their regression coefficients, and corrections of training errors. Prediction pools the heads,
multiplies by the coefficients and adds the corrections, without running a network; `transformer` (of the base class) makes
the layers of network.py, whose scores are the same up to rounding.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sklearn_hardmax.constructions.codes.projection import Projection
from sklearn_hardmax.constructions.common import plans
from sklearn_hardmax.constructions.common.batches import in_batches
from sklearn_hardmax.constructions.common.built_network import BuiltNetwork
from sklearn_hardmax.constructions.common.construction import label_per_sequence
from sklearn_hardmax.constructions.heads.pooled import PooledHeads
from sklearn_hardmax.constructions.scoring.corrections import Corrections
from sklearn_hardmax.constructions.scoring.network import StreamLayout, network_plan
from sklearn_hardmax.constructions.scoring.probabilities import log_probabilities, probabilities
from sklearn_hardmax.constructions.scoring.readout import Readout
from sklearn_hardmax.sequences import RaggedSequences
from sklearn_hardmax.sequences.parsing import read_sequences


class FamilyFits(NamedTuple):
    """What the regression says of P families of heads.

    Attributes
    ----------
    names : tuple of str
    weights : ndarray of shape (P,)
        Their shares in the scores, which add up to 1.
    alphas : ndarray of shape (P,)
        Penalties of their ridge regressions.
    """

    names: tuple
    weights: np.ndarray
    alphas: np.ndarray


@dataclass(frozen=True)
class PooledClassifier(BuiltNetwork):
    """A linear classifier on pooled features of a sequence, with corrections of its training errors.

    Attributes
    ----------
    projection : Projection
        Encodes tokens for the codes of corrections.
    heads : PooledHeads
        Compute the features.
    readout : Readout
        Coefficients of the features and intercepts.
    corrections : Corrections or None
        None where no training sequence needs one.
    n_classes : int
        Number of classes.
    margin : float
        Smallest ratio of slack to error bound among the inequalities that guarantee the training labels; above 1 they are
        certified, 0 where one of them fails.
    proba_scale : float
        Inverse temperature of the softmax that turns scores into probabilities.
    families : FamilyFits
        Names, weights and penalties of the families of heads.
    temperature : float
        Of the softmax in max heads and in the code; 0 for hardmax.
    """

    projection: Projection
    heads: PooledHeads
    readout: Readout
    corrections: Corrections | None
    n_classes: int
    margin: float
    proba_scale: float
    families: FamilyFits
    temperature: float = 0.0

    def scores(self, sequences, n_jobs=None):
        """Score of every class, (N, n_classes); the same bits for any batch, chunk and n_jobs."""
        return in_batches(self._scores, sequences, n_jobs)

    def _scores(self, sequences):
        out = self.readout.scores_of(self.heads, sequences)
        if self.corrections is not None:
            self.corrections.add_to(out, self.corrections.code.evaluate(sequences))
        return out.T

    def labels(self, sequences, n_jobs=None):
        """Class index of every sequence, (N,): the first of the largest scores."""
        return self.scores(sequences, n_jobs).argmax(axis=1)

    def probabilities(self, sequences, n_jobs=None):
        """Probability of every class, (N, n_classes); the same bits as the scores have."""
        return probabilities(self.scores(sequences, n_jobs), self.proba_scale)

    def log_probabilities(self, sequences, n_jobs=None):
        """Logarithm of the probability of every class, (N, n_classes)."""
        return log_probabilities(self.scores(sequences, n_jobs), self.proba_scale)

    @property
    def n_corrections(self):
        """Number of corrections."""
        return 0 if self.corrections is None else len(self.corrections.labels)

    # -- the network -------------------------------------------------------------------------------------------------------

    def _stream(self):
        return StreamLayout(self.projection, self.heads, self.corrections, self.n_classes, self.temperature)

    def _plan(self, max_width):
        plans.check_width(max_width)
        return network_plan(self.heads, self.readout, self.corrections, self._stream(), max_width)

    @property
    def token_dim(self):
        """Width D of the residual stream."""
        return self._stream().width

    def _coordinate_names(self):
        return self._stream().names

    def encode(self, X):
        """User input as the RaggedSequences that the transformer takes, (n_tokens, token_dim)."""
        sequences = read_sequences(X)
        stream = self._stream()
        tokens = np.zeros((sequences.n_tokens, stream.width))
        if self.corrections is not None:
            width = self.projection.n_coordinates
            tokens[:, stream.code_input] = self.projection.encode(sequences, width).tokens
        tokens[:, stream.tokens] = self.heads.tokens(sequences)
        tokens[:, stream.one] = 1.0
        return RaggedSequences._trusted(tokens, sequences.offsets, sequences.ids)

    def decode(self, tokens):
        """Class index of each sequence from the tokens that `apply` returns: the first of the largest scores."""
        tokens = self._checked_output(tokens)
        # argmax takes the first of equal scores, as `labels` does
        return label_per_sequence(tokens, tokens.tokens[:, self._stream().score].argmax(axis=1))
