"""What the subjects have in common: their data, plain and in drawn forms, and what must be refused."""

import numpy as np

from campaign import data, forms
from sklearn_hardmax import RaggedSequences


def chosen(rng, *options):
    return options[rng.integers(len(options))]


class OnSequences:
    """What subjects have in common that read sequences; `single` says that their tokens are float32."""

    predicts = True  # answers about new input
    draw_data = staticmethod(data.draw_data)
    keeps_dtype = False  # float32 gives float32; otherwise the dtype of the tokens does not show in the answers

    def __init__(self, rng, containers):
        self.train, self.new = self.draw_data(rng)
        self.containers = containers
        self.single = bool(rng.random() < 0.3) and all(map(self._are_singles, (self.train, self.new)))
        self.draw(rng)

    @staticmethod
    def _are_singles(part):
        return any(forms.is_single(dtype) for dtype in forms.holding(part.tokens))

    @property
    def kind(self):
        return self.train.family

    @property
    def is_plain(self):
        return self.train.is_plain

    def dtypes(self, part):
        """Those that hold the tokens and give the same answers."""
        return [d for d in forms.holding(part.tokens) if not self.keeps_dtype or forms.is_single(d) == self.single]

    def plain(self, part):
        tokens = part.tokens.astype(np.float32 if self.single else np.float64)
        return RaggedSequences.from_flat(tokens, lengths=part.lengths)

    def written(self, rng, part):
        """(input, what it is written as)."""
        dtype, lay = chosen(rng, *self.dtypes(part)), chosen(rng, *forms.LAYOUTS)
        arrays = [np.ascontiguousarray(s, dtype=dtype) for s in part.sequences]
        names = list(self.containers)
        if self.single and self.keeps_dtype:  # Python's numbers are float64
            names = [name for name in names if "lists" not in name and name != "rows"]
        while (X := self.containers[name := chosen(rng, *names)](arrays, lay)) is None:
            pass
        return X, (f"dtype {dtype.str}", f"layout {lay.__name__}", f"container {name}")

    def plain_target(self):
        return ()

    def written_target(self, rng):
        return (), ()

    def spoiled(self, rng):
        """Input that must be refused, and a part of the message."""
        tokens = self.train.tokens.copy()
        tokens[rng.integers(len(tokens)), rng.integers(tokens.shape[1])] = chosen(rng, np.nan, np.inf, -np.inf)
        return np.split(tokens, np.cumsum(self.train.lengths)[:-1]), "NaN or infinity"

    def is_exact(self, fitted, answers):
        return True

    def network_agrees(self, fitted):
        return True

    def is_rounded_once(self, answer):
        """Whether the answer to float32 tokens is that to the same tokens in float64, rounded."""
        if not self.single:
            return True
        X = RaggedSequences.from_flat(self.train.tokens, lengths=self.train.lengths)
        wanted = self.answers(self.make().fit(X, *self.plain_target()), X)[0]
        return forms.bits(tokens_of(answer)) == forms.bits(tokens_of(wanted).astype(np.float32))


def tokens_of(answer):
    return answer.tokens if isinstance(answer, RaggedSequences) else answer


class OnLabels(OnSequences):
    """Those that take class labels."""

    contradict = 0.15  # the chance that equal sequences may have different labels

    def draw_labels(self, rng, ordered):
        self.keys = data.keys_of(self.train, ordered)
        self.labels = data.draw_labels(rng, self.keys, contradict=rng.random() < self.contradict)

    def plain_target(self):
        return (self.labels,)

    def written_target(self, rng):
        name = chosen(rng, *forms.LABELS)
        return (forms.LABELS[name](self.labels),), (f"labels {name}",)
