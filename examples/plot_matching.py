"""What can one attention layer tell about pairs and triples of tokens?
====================================================================

match2 asks for one partner with x_i + x_j = 0 (mod M): one standard layer of constant width does it, at any length. match3
asks for two partners: no standard layer of modest width does (quoted: Sanford, Hsu, Telgarsky, arXiv 2306.02896), one layer
of third order does, and so do standard layers where the partners are neighbours of each other (match3_bigram) or of the token
(match3_local). Left: the scores that three tokens give to all others and to the blank, to which a token without partner
attends. Right: what each constructed network answers wrongly on the data of each task. On the diagonal that must be nothing.
"""

import matplotlib.pyplot as plt
import numpy as np

from sklearn_hardmax.constructions import build_match2, build_match3, build_match3_bigram, build_match3_local
from sklearn_hardmax.datasets import make_match
from sklearn_hardmax.forward import apply, trace

N, M = 30, 10**6
NETWORKS = {
    "match2": build_match2(M),
    "match3": build_match3(M),
    "match3_bigram": build_match3_bigram(N, M),
    "match3_local": build_match3_local(N, M, window=2),
}
KINDS = ("1 standard layer", "1 layer of third order", "2 standard layers", "4 standard layers")

errors = np.zeros((4, 4), dtype=int)
for column, task in enumerate(NETWORKS):
    X, Y = make_match(40, task=task, length=N, modulus=M, random_state=0)
    for row, (name, built) in enumerate(NETWORKS.items()):
        answers = built.decode(apply(built.transformer, built.encode(X)))
        errors[row, column] = (answers.tokens != Y.tokens).sum()
        if name == task:
            print(f"{task}: {errors[row, column]} of {X.n_tokens} answers wrong, {built.transformer}")

figure, (left, right) = plt.subplots(1, 2, figsize=(13, 4.6), layout="constrained", width_ratios=(1.25, 1))
small = 24  # a modulus for which the eye sees the gap
X, Y = make_match(1, length=12, modulus=small, random_state=3)
built = build_match2(small)
encoded, (step,) = built.encode(X), trace(built.transformer, built.encode(X))
layer = built.transformer.layers[0]
scores = (encoded.tokens @ layer.query.T) @ (encoded.tokens @ layer.key.T).T
shown = np.argsort(Y[0].ravel(), kind="stable")[[0, 1, -1]]
for i, marker, color in zip(shown, "osD", ("tab:red", "tab:purple", "tab:green")):
    label = f"x = {X[0][i, 0]:.0f}, " + ("has a partner" if Y[0][i, 0] else "has none")
    left.plot(scores[i, :-1], marker, color=color, fillstyle="none", label=label)
    taken = step.attended[0][i]
    left.plot(taken, scores[i, taken], marker, color=color)
left.axhline(scores[0, -1], color="black", label=f"blank, cos^2(pi / {small})")
left.set_xticks(range(13), [*(f"{x:.0f}" for x in X[0].ravel()), "blank"])
left.set(
    xlabel="tokens x_j",
    ylabel="score cos(t_i + t_j)",
    ylim=(-1.15, 1.75),
    title=f"match2, M = {small}; filled: attended",
)
left.legend(fontsize="small", loc="upper center", ncols=2)

right.imshow(errors > 0, cmap="Greys", vmin=0, vmax=6)
for (row, column), number in np.ndenumerate(errors):
    right.text(column, row, number, ha="center", va="center", weight="bold" if row == column else "normal")
right.set_xticks(range(4), NETWORKS, rotation=20)
right.set_yticks(range(4), [f"{name}\n{kind}" for name, kind in zip(NETWORKS, KINDS)])
right.set(xlabel="data of the task", ylabel="network", title=f"wrong answers of {40 * N}, M = {M:,}")
figure.savefig("matching.png", dpi=100)
print("saved matching.png")
