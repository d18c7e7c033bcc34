"""Does a sequence of letters hold a motif? Categories as tokens
===============================================================

Sequences of the letters A, C, G and T have lengths from 40 to 80; half of them hold the motif TATAAT somewhere. Letters are
categories: `RaggedSequences.from_series` reads lists of them, and an encoder of scikit-learn turns each into four numbers.
Windows of six letters as tokens of a set make the motif one token, which a head finds; single letters in their order show it
to the ordered heads.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from sklearn_hardmax import (
    HardmaxTransformerClassifier,
    RaggedSequences,
    RaggedSequenceTransformer,
    TokenwiseTransformer,
)

MOTIF = "TATAAT"


def make_letters(n_sequences, random_state):
    """Random letters, and whether the motif was written into them."""
    rng = np.random.RandomState(random_state)
    y = np.arange(n_sequences) % 2
    letters = [rng.choice(list("ACGT"), rng.randint(40, 81)) for _ in y]
    for sequence, has_motif in zip(letters, y):
        place = rng.randint(len(sequence) - len(MOTIF) + 1)
        if has_motif:
            sequence[place : place + len(MOTIF)] = list(MOTIF)
    return [sequence.tolist() for sequence in letters], y


letters, y = make_letters(400, random_state=0)
X = RaggedSequences.from_series(letters, dtype=None)
print(X, "".join(letters[1][:30]) + "...", sep="\n")


def pipeline(window, **parameters):
    return make_pipeline(
        TokenwiseTransformer(OneHotEncoder()),
        RaggedSequenceTransformer(scale=None, window=window),
        HardmaxTransformerClassifier(n_heads=1000, exact=False, random_state=0, **parameters),
    )


models = {
    "single letters, a set": pipeline(1, ordered=False),
    "single letters, ordered": pipeline(1),
    "windows of six, a set": pipeline(6, ordered=False),
}
scores = {name: cross_val_score(model, X, y, cv=5).mean() for name, model in models.items()}
for name, score in scores.items():
    print(f"{name:24} {score:.3f}")
step = models["single letters, ordered"].fit(X, y)[0]
print("features of a token:", *step.get_feature_names_out())

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 3.5), layout="constrained", width_ratios=(2, 1))
colors = dict(zip("ACGT", ("tab:green", "tab:blue", "tab:orange", "tab:red")))
for row, sequence in enumerate(letters[1:12:2]):
    place = "".join(sequence).find(MOTIF)
    for t, letter in enumerate(sequence):
        inside = place <= t < place + len(MOTIF)
        left.text(t, row, letter, color=colors[letter] if inside else "lightgray", weight="bold", size=8, ha="center")
left.set(xlim=(-1, 80), ylim=(-1, 6), yticks=[], xlabel="letter", title=f"Six sequences with {MOTIF}")
right.barh(list(scores), list(scores.values()), color="tab:blue")
right.set(xlim=(0.4, 1), title="Cross-validated accuracy")
figure.savefig("letters.png", dpi=100)
print("saved letters.png")
