"""The matching tasks: function, network, largest modulus."""

from typing import NamedTuple

from sklearn_hardmax import tasks
from sklearn_hardmax.constructions import build_match2, build_match3, build_match3_bigram, build_match3_local
from sklearn_hardmax.datasets import make_match


class Task(NamedTuple):
    name: str
    window: int | None
    largest: int
    longest: int

    def build(self, modulus, n=1000):
        if self.name == "match3_local":
            return build_match3_local(n, modulus, self.window)
        if self.name == "match3_bigram":
            return build_match3_bigram(n, modulus)
        return {"match2": build_match2, "match3": build_match3}[self.name](modulus)

    def answers(self, x, modulus):
        return getattr(tasks, self.name)(x, modulus, *([] if self.window is None else [self.window]))

    def data(self, n_sequences, length, modulus, seed):
        window = 2 if self.window is None else self.window
        return make_match(n_sequences, task=self.name, length=length, modulus=modulus, window=window, random_state=seed)


# the longest sequences that the tests ask for: third order costs O(n^3)
TASKS = {
    "match2": Task("match2", None, 10**7, 1000),
    "match3": Task("match3", None, 10**7, 64),
    "bigram": Task("match3_bigram", None, 2**51, 1000),
    **{f"local {w}": Task("match3_local", w, 2**50, 1000) for w in (0, 1, 2, 5)},
}
