"""Can constructed weights map each of 300 digits to eight numbers, to the last bit?
======================================================================================

A digit is a set of 16 to 42 ink points; its targets are the sums of ink in its eight rows, one target for each of its first
eight points, 2400 in all. `fit` writes down a code for every point, on a line that is cut into plateaus of one target each,
and one layer per plateau. The picture runs the first layers for the codes of one digit, and the others on a sweep of the
line.
"""

import matplotlib.pyplot as plt
import numpy as np

from sklearn_hardmax import Attention, HardmaxTransformerInterpolator, RaggedSequences, Transformer
from sklearn_hardmax.datasets import load_digit_points
from sklearn_hardmax.forward import apply

X, y = load_digit_points()
X, y = X[:300], y[:300]
rows = np.array([np.bincount(7 - digit[:, 1].astype(int), digit[:, 2], minlength=8) for digit in X])
rng = np.random.default_rng(0)
targets = rows[:, :, None] + rng.normal(scale=0.1, size=(300, 8, 1))  # with noise: no two targets are alike

model = HardmaxTransformerInterpolator(ordered=False, random_state=0).fit(X, targets)
M, N = model.n_targets_, len(X)
print(f"targets M = {M} on N = {N} digits; sequences reproduced bit for bit: {model.score(X, targets)}")
print(f"blocks: {model.n_blocks_}; bound M + N = {M + N}, published 2 M + 2 N + 1 = {2 * M + 2 * N + 1}")
print(f"parameters: {model.n_parameters_}; margin: {model.margin_:.3g} rounding bounds")

transformer = model.to_transformer()
some = X[:40]
read = model.decode(apply(transformer, model.encode(some)))
right = sum(np.array_equal(outputs[:8], wanted) for outputs, wanted in zip(read, targets))
print(f"{transformer}, run on {len(some)} digits: {right} reproduced")

# the layers up to the attention give the code of every point, the others look the target up
digit, cut = 7, 1 + next(i for i, layer in enumerate(transformer.layers) if isinstance(layer, Attention))
coded = apply(Transformer(transformer.layers[:cut], transformer.names), model.encode(X[digit : digit + 1]))[0]
start, spread = coded[:, 0].min(), np.ptp(coded[:, 0])
sweep = np.linspace(start - 0.3 * spread, start + 1.3 * spread, 3000)
tokens = np.zeros((len(sweep), transformer.token_dim))
tokens[:, 0], tokens[:, transformer.names.index("on_plateau")] = sweep, 1.0
rest = Transformer(transformer.layers[cut:], transformer.names)
steps = apply(rest, RaggedSequences.from_flat(tokens, lengths=[len(sweep)])).tokens[
    :, transformer.names.index("target 0")
]

figure, (points, sums, line) = plt.subplots(1, 3, figsize=(13, 4), width_ratios=(1, 1.1, 2.2), layout="constrained")
x, height, ink = X[digit].T
points.scatter(x, height, s=12 * ink, color="lightgray")
for k in range(8):
    points.annotate(str(k), (x[k], height[k]), ha="center", va="center", fontsize=8)
points.set(title=f"a {y[digit]} of {len(x)} points; 0 to 7 carry", aspect="equal", xlim=(-1, 8), ylim=(-1, 8))
sums.barh(range(8), targets[digit, :, 0], color="lightgray", label="target")
sums.plot(model.predict(X[digit : digit + 1])[0][:8, 0], range(8), "k.", label="output")
sums.set(title="sum of ink by row", yticks=range(8), xlabel="ink", ylabel="row, carried by point")
sums.invert_yaxis()
sums.legend(fontsize="small")
line.plot(sweep - start, steps, color="tab:blue", linewidth=1, label="what the other layers make of the code")
line.plot(coded[:8, 0] - start, targets[digit, :, 0], "o", color="tab:orange", label="the eight points that carry")
line.plot(coded[8:, 0] - start, np.full(len(coded) - 8, -3.0), "|", color="gray", label="the other points of the digit")
line.set(
    title="part of the line of codes", xlabel="code of a point, from the smallest of this digit on", ylabel="output"
)
line.legend(fontsize="small")
figure.savefig("sequence_interpolation.png", dpi=100)
print("saved sequence_interpolation.png")
