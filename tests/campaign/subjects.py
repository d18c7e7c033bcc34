"""The estimators under test: how they are drawn, written input for them, and everything that they answer.

A subject is drawn with its data. `plain` is the data as one would write it; `written(rng)` the same in a form that is drawn.
"""

import numpy as np
import pandas as pd
from rounding import rounding_bound

from campaign import data, forms
from campaign.inputs import OnLabels, OnSequences, chosen
from sklearn_hardmax import (
    HardmaxPooling,
    HardmaxTransformerClassifier,
    HardmaxTransformerInterpolator,
    LeaderClustering,
    LeaderFlow,
    LeaderTextClassifier,
    RaggedSequenceTransformer,
    forward,
)


class Classifier(OnLabels):
    """Both constructions, their answers as class indices and scores."""

    def draw(self, rng):
        self.options = {
            "n_heads": int(chosen(rng, *self.n_heads)),
            "ordered": bool(rng.integers(2)),
            "attention": chosen(rng, "hardmax", "hardmax", "softmax"),
            "class_weight": chosen(rng, None, None, "balanced"),
            "exact": bool(rng.random() < 0.9),
            "random_state": int(rng.integers(1000)),
            "families": chosen(rng, "auto", ["windows"], ["kernels", "difference_kernels", "windows", "intervals"]),
        }
        self.draw_labels(rng, self.options["ordered"])

    def make(self):
        return HardmaxTransformerClassifier(**self.options)

    def answers(self, fitted, X):
        return [np.searchsorted(fitted.classes_, fitted.predict(X)), fitted.decision_function(X)]

    def is_exact(self, fitted, answers):
        if fitted.n_heads_ and not fitted.exact:
            return True
        wanted, n_conflicts = data.settled(self.labels, self.keys)
        if self.is_plain and n_conflicts != fitted.n_conflicts_:
            return False
        return fitted.n_conflicts_ > n_conflicts or np.array_equal(answers[0], wanted)

    def network_agrees(self, fitted):
        return all(
            self._network_agrees(fitted, self.plain(part), part is self.train) for part in (self.train, self.new)
        )

    @staticmethod
    def _network_agrees(fitted, X, is_training):
        """Labels are the same; where corrections make no promise, unless scores are equal up to the rounding of sums."""
        read = fitted.decode(forward.apply(fitted.to_transformer(), fitted.encode(X)))
        predicted = fitted.predict(X)
        if not fitted.n_heads_ or (is_training and fitted.exact):
            return np.array_equal(read, predicted)
        rows = np.arange(len(X))
        scores, bounds = fitted._built.scores(X), rounding_bound(fitted, X)
        one, other = (np.searchsorted(fitted.classes_, labels) for labels in (predicted, read))
        return (scores[rows, one] - scores[rows, other] <= bounds[rows, one] + bounds[rows, other]).all()


class CodeClassifier(Classifier):
    n_heads = (0,)


class HeadClassifier(Classifier):
    n_heads = (1, 7, 40, 100)


class OnWords:
    """Up to 10,000 sequences of few distinct tokens; half of the time with contradictions."""

    draw_data = staticmethod(data.draw_words)
    contradict = 0.5

    def network_agrees(self, fitted):
        # the network of n sequences has as many blocks, and each takes all their tokens
        return len(self.train.lengths) > 100 or super().network_agrees(fitted)


class CodeClassifierOfWords(OnWords, CodeClassifier):
    pass


class HeadClassifierOfWords(OnWords, HeadClassifier):
    pass


class Interpolator(OnSequences):
    def draw(self, rng):
        self.options = {
            "ordered": bool(rng.integers(2)),
            "attention": chosen(rng, "hardmax", "softmax"),
            "random_state": int(rng.integers(1000)),
        }
        keys = data.keys_of(self.train, self.options["ordered"])
        self.targets = data.draw_targets(rng, self.train, keys)
        self.one_target = isinstance(self.targets, np.ndarray)

    def make(self):
        return HardmaxTransformerInterpolator(**self.options)

    def plain_target(self):
        return (self.targets,)

    def written_target(self, rng):
        lay = chosen(rng, *forms.LAYOUTS)
        if self.one_target:
            return (lay(self.targets),), (f"targets {lay.__name__}",)
        name = chosen(rng, "list", "tuple", "objects", "ragged", "flat", "padded", "mapped")
        return (forms.CONTAINERS[name](self.targets, lay),), (f"targets {name}",)

    def answers(self, fitted, X):
        return [fitted.predict(X)]

    def is_exact(self, fitted, answers):
        if self.one_target:
            return np.array_equal(answers[0], self.targets)
        return all(np.array_equal(rows[: len(wanted)], wanted) for rows, wanted in zip(answers[0], self.targets))

    def network_agrees(self, fitted):
        outputs = forward.apply(fitted.to_transformer(), fitted.encode(self.plain(self.new)))
        return forms.bits(fitted.decode(outputs)) == forms.bits(fitted.predict(self.plain(self.new)))


class Pooling(OnLabels):
    keeps_dtype = True

    def draw(self, rng):
        self.options = {
            "n_heads": int(chosen(rng, 1, 10, 60)),
            "ordered": bool(rng.integers(2)),
            "random_state": int(rng.integers(1000)),
            "families": chosen(rng, "auto", ["windows"], ["kernels", "difference_kernels", "windows", "intervals"]),
        }
        self.draw_labels(rng, self.options["ordered"])

    def make(self):
        return HardmaxPooling(**self.options)

    def answers(self, fitted, X):
        return [fitted.transform(X)]

    def is_exact(self, fitted, answers):
        return self.is_rounded_once(answers[0])


class Preparation(OnSequences):
    keeps_dtype = True

    def draw(self, rng):
        self.options = {
            "scale": chosen(rng, "standard", "minmax", None),
            "positions": chosen(rng, "relative", "sinusoidal", None),
            "window": int(chosen(rng, 1, 2, 3)),
            "dilation": int(chosen(rng, 1, 2)),
        }

    def make(self):
        return RaggedSequenceTransformer(**self.options)

    def answers(self, fitted, X):
        return [fitted.transform(X)]


def draw_matrix(rng, dim):
    """A symmetric positive definite matrix, or None."""
    factor = rng.standard_normal((dim, dim))
    return chosen(rng, None, factor @ factor.T + np.eye(dim))


class Flow(OnSequences):
    keeps_dtype = True

    def draw(self, rng):
        self.options = {
            "alpha": float(chosen(rng, 0.3, 1.0, 3.0)),
            "depth": chosen(rng, 1, 1, 4, 4, None),
            "A": draw_matrix(rng, self.train.tokens.shape[1]),
            "tol": 0.1,
        }

    def make(self):
        return LeaderFlow(**self.options)

    def answers(self, fitted, X):
        return [fitted.transform(X)]

    def is_exact(self, fitted, answers):
        return self.is_rounded_once(answers[0])

    def network_agrees(self, fitted):
        X = self.plain(self.new)
        leaders = [layers.tolist() for layers in fitted.leader_layers(X)]
        alone = [fitted.leader_layers(X[j : j + 1])[0].tolist() for j in range(len(X))]
        if fitted.depth is None or not self.is_plain:  # weights, which scale nothing, have the range of float64 only
            return leaders == alone
        moved = forward.apply(fitted.to_transformer(), X).tokens.astype(X.dtype)
        return leaders == alone and np.array_equal(fitted.transform(X).tokens, moved)


class Clustering(OnSequences):
    """Its tokens are one set: rows of a matrix, read by scikit-learn, and never float32 where it matters."""

    predicts = False

    def draw(self, rng):
        self.single = False
        self.options = {
            "alpha": float(chosen(rng, 0.3, 1.0, 3.0)),
            "A": draw_matrix(rng, self.train.tokens.shape[1]),
            "tol": 1e-2,
        }

    def make(self):
        return LeaderClustering(**self.options)

    def plain(self, part):
        return part.tokens

    def written(self, rng, part):
        dtype, lay = chosen(rng, *forms.holding(part.tokens)), chosen(rng, *forms.LAYOUTS)
        tokens, name = part.tokens.astype(dtype), chosen(rng, "matrix", "frame", "rows")
        X = forms.CONTAINERS[name](list(tokens[:, None]), lay)
        return X, (f"dtype {dtype.str}", f"layout {lay.__name__}", f"container {name}")

    def spoiled(self, rng):
        X, _ = super().spoiled(rng)
        return np.concatenate(X), "contains (NaN|infinity)"

    def answers(self, fitted, X):
        names = ("labels_", "cluster_centers_", "leader_indices_", "leader_layers_", "is_leader_")
        return [getattr(fitted, name) for name in names]


class Texts:
    """Texts of a few words, some of them unknown, some empty."""

    predicts = True
    kind, is_plain = "texts", True

    def __init__(self, rng, containers):
        self.train, self.new = self._texts(rng, int(rng.integers(4, 13))), self._texts(rng, int(rng.integers(1, 7)))
        self.train += ["good film", "dull film"]  # words that are frequent enough, and of both classes
        self.train += self.train[-2:]
        self.labels = np.array([int("dull" in text) for text in self.train])
        self.options = {
            "n_components": int(chosen(rng, 1, 2, 5)),
            "depth": int(chosen(rng, 0, 3)),
            "max_iter": 2,
            "batch_size": int(chosen(rng, 4, 16)),
            "validation_fraction": float(chosen(rng, 0.0, 0.2)),
            "random_state": int(rng.integers(1000)),
        }

    @staticmethod
    def _texts(rng, n):
        words = np.array(["good", "dull", "film", "plot", "music", "end", "ever", "naïve", "東京"])
        return [" ".join(rng.choice(words, size=rng.integers(0, 9))) for _ in range(n)]

    def make(self):
        return LeaderTextClassifier(**self.options)

    def plain(self, part):
        return part

    def written(self, rng, part):
        kinds = {
            "list": list,
            "tuple": tuple,
            "array": np.array,
            "objects": lambda texts: np.array(texts, dtype=object),
            "series": pd.Series,
            "words": lambda texts: [text.split() for text in texts],
            "arrays of words": lambda texts: [np.array(text.split(), dtype=str) for text in texts],
        }
        name = chosen(rng, *kinds)
        return kinds[name](part), (f"container {name}",)

    plain_target, written_target = OnLabels.plain_target, OnLabels.written_target

    def spoiled(self, rng):
        return [*self.train[:-1], 5.0], "must be a list of texts"

    def answers(self, fitted, X):
        return [fitted.decision_function(X)]

    def is_exact(self, fitted, answers):
        return np.array_equal(fitted.predict(self.train) == fitted.classes_[1], answers[0] > 0)

    def network_agrees(self, fitted):
        known = [text for text in self.new if text.strip() and fitted.known_words([text])[0]]
        if not known:
            return True
        out = forward.apply(fitted.to_transformer(), fitted.encode(known))
        scores = fitted._leaders.parameters.scores(out.tokens[out.offsets[:-1]])
        same_scores = np.array_equal(scores[:, 0], fitted.decision_function(known))
        return same_scores and np.array_equal(fitted.decode(out), fitted.predict(known))


SUBJECTS = (
    CodeClassifier,
    HeadClassifier,
    CodeClassifierOfWords,
    HeadClassifierOfWords,
    Interpolator,
    Pooling,
    Preparation,
    Flow,
    Clustering,
    Texts,
)
