"""How does a constructed transformer grow with the number, width and length of sequences?
=======================================================================================

Blocks grow linearly with the number N of sequences and with nothing else; parameters also with the width D of a token. The
counts are those of fitted classifiers on two families: Gaussian tokens with random labels, where an extreme value tells
sequences apart, and swaps, where no extreme value and no mean does and tokens must be marked first. Swaps have four tokens,
and have a length only by repetition, which changes no frequency. Bounds: (3 N + 1) / 2 blocks and 16 D N parameters;
published for one output per sequence (arXiv 2502.02270): 4 N + 1 blocks.
"""

import matplotlib.pyplot as plt
import numpy as np

from sklearn_hardmax import HardmaxTransformerClassifier, RaggedSequences
from sklearn_hardmax.datasets import make_labelled_sequences, make_swaps

NUMBERS, DIMS, LENGTHS = (10, 32, 100, 320, 1000), (1, 2, 5, 10, 20, 50), (1, 10, 100, 1000, 10000)


def counts(X, y):
    """Blocks, parameters and residual width of a classifier that reproduces all labels."""
    clf = HardmaxTransformerClassifier(ordered=False, n_heads=0, random_state=0).fit(X, y)
    assert clf.score(X, y) == 1.0
    return clf.n_blocks_, clf.n_parameters_, clf.to_transformer().token_dim


def gaussian(n_sequences=100, token_dim=2, length=10):
    """Random tokens, all different."""
    return make_labelled_sequences(
        n_sequences, token_dim=token_dim, min_length=length, max_length=length, random_state=0
    )


def swaps(n_sequences=100, token_dim=2, length=4):
    """Equal extremes and means in every direction; longer sequences repeat their four tokens."""
    X, y = make_swaps(n_sequences, token_dim=token_dim, random_state=0)
    return RaggedSequences.from_list([np.tile(Z, (length // 4, 1)) for Z in X]), y


families = {"Gaussian tokens": (gaussian, LENGTHS), "swaps": (swaps, (4, 20, 100, 1000, 10000))}
figure, (by_number, by_dim, by_length) = plt.subplots(1, 3, figsize=(13, 4.2), layout="constrained")
for (name, (make, lengths)), color in zip(families.items(), ("tab:blue", "tab:orange")):
    blocks = [counts(*make(n_sequences=n))[0] for n in NUMBERS]
    by_number.loglog(NUMBERS, blocks, "o-", color=color, label=name)
    print(f"{name}: blocks at N = {NUMBERS}: {blocks}")
    parameters = [counts(*make(token_dim=d))[1] for d in DIMS]
    by_dim.loglog(DIMS, parameters, "o-", color=color, label=name)
    print(f"{name}: parameters at d = {DIMS}, N = 100: {parameters}")
    blocks = [counts(*make(length=n))[0] for n in lengths]
    by_length.semilogx(lengths, blocks, "o-", color=color, label=name)
    print(f"{name}: blocks at length {lengths}, N = 100: {blocks}")

N = np.array(NUMBERS)
by_number.loglog(N, 4 * N + 1, "k:", label="published 4 N + 1")
by_number.loglog(N, (3 * N + 1) / 2, "k--", label="bound (3 N + 1) / 2")
by_number.set(xlabel="sequences N", ylabel="blocks", title="blocks against number (d = 2)")
widths = np.maximum(DIMS, 2)  # two classes need the code and one digit
by_dim.loglog(DIMS, 16 * widths * 100, "k--", label="bound 16 D N")
by_dim.set(xlabel="token_dim d", ylabel="parameters", title="parameters against width (N = 100)")
by_length.axhline(401, color="black", linestyle=":", label="published 4 N + 1")
by_length.axhline(150.5, color="black", linestyle="--", label="bound (3 N + 1) / 2")
by_length.set(xlabel="tokens per sequence", ylabel="blocks", title="blocks against length (N = 100)", ylim=(0, 450))
for ax, place in ((by_number, "upper left"), (by_dim, "upper left"), (by_length, "center right")):
    ax.legend(fontsize="small", loc=place)
figure.savefig("blocks_against_theory.png", dpi=100)
print("saved blocks_against_theory.png")
