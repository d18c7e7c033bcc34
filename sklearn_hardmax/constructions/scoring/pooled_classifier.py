"""The classifier with heads as an object."""

from dataclasses import dataclass

import numpy as np

from sklearn_hardmax.constructions.codes.projection import Projection
from sklearn_hardmax.constructions.common import plans
from sklearn_hardmax.constructions.common.batches import in_batches
from sklearn_hardmax.constructions.common.built_network import BuiltNetwork
from sklearn_hardmax.constructions.common.construction import label_per_sequence
from sklearn_hardmax.constructions.heads.pooled import PooledHeads
from sklearn_hardmax.constructions.scoring.corrections import Corrections
from sklearn_hardmax.constructions.scoring.network import StreamLayout, network_plan
from sklearn_hardmax.constructions.scoring.readout import Readout
from sklearn_hardmax.sequences import RaggedSequences, as_sequences


@dataclass(frozen=True)
class PooledClassifier(BuiltNetwork):
    """The classifier with heads as numbers.

    projection : Projection, what codes are read from; n_classes : of the training labels; margin : how many times over the
    inequalities behind the training labels hold, 0 where one of them fails; temperature : of leader reads by softmax, 0 for
    hardmax.
    """

    projection: Projection
    heads: PooledHeads
    readout: Readout
    corrections: Corrections | None
    n_classes: int
    margin: float
    temperature: float = 0.0

    def scores(self, sequences, n_jobs=None):
        """Score of every class, (N, n_classes); the same bits for any batch, chunk and n_jobs."""
        return in_batches(self._scores, sequences, n_jobs)

    def _scores(self, sequences):
        out = self._smooth(sequences)
        if self.corrections is not None:
            self.corrections.add_to(out, self.corrections.code.evaluate(sequences))
        return out.T

    def _smooth(self, sequences):
        out = np.empty((self.n_classes, len(sequences)))
        for chunk, sums in self.heads.sums(sequences):
            out[:, chunk.rows] = self.readout.scores(chunk.lengths, sums, self.heads.largest_sum(chunk))
        return out

    def labels(self, sequences, n_jobs=None):
        """Class index of every sequence, (N,): the first of the largest scores."""
        return self.scores(sequences, n_jobs).argmax(axis=1)

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
        sequences, stream = as_sequences(X), self._stream()
        tokens = np.zeros((sequences.n_tokens, stream.width))
        if self.corrections is not None:
            width = self.projection.n_coordinates
            tokens[:, stream.code_input] = self.projection.encode(sequences, width).tokens
        tokens[:, stream.tokens] = self.heads.tokens(sequences)
        tokens[:, stream.one] = 1.0
        return RaggedSequences._trusted(tokens, sequences.offsets)

    def decode(self, tokens):
        """Class index of each sequence from the tokens that `apply` returns: the first of the largest scores."""
        tokens = self._checked_output(tokens)
        return label_per_sequence(tokens, tokens.tokens[:, self._stream().score].argmax(axis=1))
