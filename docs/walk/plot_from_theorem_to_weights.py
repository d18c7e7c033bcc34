r"""From theorem to weights
=======================

Four sequences of two to four tokens in the plane, three classes, and a transformer that labels them without a mistake. Nobody
trains it: its weights follow from the data, one layer after another. This page prints every matrix and draws what every layer
does to the tokens. It is run anew whenever the documentation is built.

**Theorem.** Let N sequences of any lengths in :math:`\mathbb R^d` carry labels, and let the frequencies of their tokens
differ wherever the labels differ. Then there is a hardmax transformer of at most :math:`(3 N + 1) / 2` blocks, of width at
most 4 and with at most :math:`16 D N` parameters, D the width of the residual stream, that labels all of them exactly. The
lengths do not count.

A. Alcalde, G. Fantuzzi and E. Zuazua proved it with :math:`4 N + 1` blocks (`arXiv 2502.02270
<https://arxiv.org/abs/2502.02270>`_); the better constant is that of the construction below. The hypothesis is necessary: a
token passes feed-forward layers alone, attention lets it see the others as a set with frequencies, and no network of this
kind can tell apart what has the same frequencies. (With ``ordered=True`` the position of a token is one of its coordinates,
and any two different sequences differ.)

The idea of the proof is the plan of the network:

1. one feed-forward layer squeezes every token onto a line,
2. one attention layer writes one number, the *code* of the sequence, into each of its tokens,
3. feed-forward layers look the label up: the line of codes is cut into runs of one label, and each cut is a *ramp* of two
   hidden units.

Data
----
"""

import matplotlib.pyplot as plt
import numpy as np

from sklearn_hardmax import Attention, HardmaxTransformerClassifier, RaggedSequences, Transformer
from sklearn_hardmax.constructions import build_classifier
from sklearn_hardmax.forward import apply, trace

X = [
    [[0.0, 2.0], [1.0, 1.0], [3.0, 0.0]],
    [[1.0, 1.0], [2.0, 3.0]],
    [[0.0, 0.0], [1.0, 2.0], [3.0, 2.0], [4.0, 1.0]],
    [[2.0, 0.0], [4.0, 3.0], [1.0, 1.0]],
]
y = [0, 1, 2, 1]
COLORS = np.array(["tab:blue", "tab:orange", "tab:green"])
MARKERS, SIZES = "os^D", (230, 120, 60, 25)  # tokens that lie on each other stay visible
np.set_printoptions(precision=4, suppress=True, linewidth=100)


def dots(ax, j, across, up):
    """Tokens of sequence j, in the colour of its class, with a marker of its own."""
    style = {"s": SIZES[j], "marker": MARKERS[j], "color": COLORS[y[j]], "edgecolor": "white", "zorder": 3}
    ax.scatter(across, up, **style, label=f"sequence {j}, class {y[j]}")


def show(layer, *names):
    """The weights of a layer as matrices; columns of U, query, key and value are the coordinates of the stream."""
    print(layer, "\ncoordinates:", ", ".join(names))
    for name in ("query", "key", "value", "output") if isinstance(layer, Attention) else ("U", "b", "W"):
        print(name, "=\n", getattr(layer, name) + 0.0, sep="")
    print()


figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
for j, tokens in enumerate(X):
    dots(ax, j, *np.transpose(tokens))
ax.set(xlim=(-0.5, 7.6), ylim=(-0.5, 3.5), aspect="equal", title="four sequences in the plane")
ax.legend(loc="center right", fontsize="small")

# %%
# Token (1, 1) belongs to three sequences, of two classes: no single token determines the label.
#
# Encoding
# --------
#
# ``encode`` shifts and scales each feature by a power of two, so that training tokens lie in :math:`[-1, 1]`, and appends
# zeros up to the width of the stream. Here :math:`D = 3`: a coordinate for the code, and two binary digits for three classes.

built = build_classifier(X, y, random_state=0)
transformer, encoded = built.transformer, built.encode(X)
print(transformer)
print("\ncoordinates:", *transformer.names)
for j, tokens in enumerate(encoded):
    print(f"sequence {j}, encoded:\n{tokens}")

# %%
# Everything below is ``trace``: it runs the network and keeps, for every layer, the tokens, the attended sets and by how much
# the attended scores win.

steps = trace(transformer, encoded)
for k, step in enumerate(steps):
    print(f"layer {k}: {step.layer}")

# %%
# Layer 0: onto a line
# --------------------
#
# Two hidden units give :math:`s = 1 + \mathrm{relu}(x) - \mathrm{relu}(x - 1)` with :math:`x = \langle u, z\rangle + 1/2`, a
# projection of the token on the direction :math:`u`, mapped into [1, 2] whatever the token. The third unit is constant:
# it adds the 1 in s, and writes ones where the attention needs them.

show(transformer.layers[0], *transformer.names)

# %%
# The direction was chosen among a few random ones: it is the one that needs the fewest cuts later. Left, dashed lines
# join the points of the plane that become the same s; right, the same tokens after the layer.

direction = transformer.layers[0].U[0, :2]
figure, (plane, line) = plt.subplots(1, 2, figsize=(11, 3.8), layout="constrained")
for j, tokens in enumerate(encoded):
    dots(plane, j, *tokens.T[:2])
grid = np.stack(np.meshgrid(*[np.linspace(-1.1, 1.1, 50)] * 2))
levels = 1.5 + np.tensordot(direction, grid, 1)
contours = plane.contour(*grid, levels, 8, colors="0.7", linewidths=0.8, linestyles="dashed")
plane.clabel(contours, fontsize="x-small")
plane.annotate("", 4 * direction, (0, 0), arrowprops={"arrowstyle": "->", "color": "0.4"})
plane.text(*(4 * direction + [0.02, -0.14]), "u", color="0.3")
plane.set(aspect="equal", title="encoded tokens, and s", xlim=(-1.1, 1.1), ylim=(-1.1, 1.1))


def draw_lines(ax, values):
    """One row a sequence: its tokens on a line."""
    for j, row in enumerate(values):
        ax.axhline(j, color="0.9", zorder=0)
        ax.scatter(row, np.full(len(row), j), s=60, marker=MARKERS[j], color=COLORS[y[j]], edgecolor="white", zorder=3)
    ax.set(yticks=range(len(values)), yticklabels=[f"sequence {j}" for j in range(len(values))])
    ax.set_ylim(len(values) - 0.5, -0.6)


s_values = [tokens[:, 0] for tokens in steps[0].tokens]
draw_lines(line, s_values)
line.set(xlabel="s", title="after layer 0: every token is a number")

# %%
# Layer 1: attention computes the code
# ------------------------------------
#
# The query is a coordinate that holds 1, the key is :math:`-s`: the score of token l for every token i is :math:`-s_l`, and
# the hard maximum takes the token with the smallest s, the *leader* of the sequence. The value of the leader, times
# ``code_scale = 256``, replaces every token (``rho=0``). Tokens of a sequence now agree; its order and its length are gone.
# (The value adds 2, which the output subtracts again: this rounds s to a coarser grid, so that a border fits between
# any two codes.)

show(transformer.layers[1], *transformer.names)
for j, sets in enumerate(steps[1].attended):
    print(f"sequence {j}: its tokens attend to {[members.tolist() for members in sets]}")
print(f"smallest gap between an attended and another score: {steps[1].margin:.3g} rounding bounds")

# %%
# Left, the token that each token attends to; right, the scores, the largest one filled.

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
draw_lines(left, s_values)
for j, (values, sets) in enumerate(zip(s_values, steps[1].attended)):
    for i, members in enumerate(sets):
        arrow = {"arrowstyle": "->", "color": "0.4", "connectionstyle": "arc3,rad=0.35", "shrinkA": 6, "shrinkB": 6}
        if i not in members:
            left.annotate("", (values[members[0]], j), (values[i], j), arrowprops=arrow)
    left.scatter(values[sets[0]], [j], s=190, facecolor="none", edgecolor="black", zorder=4)
left.set(xlabel="s", title="every token attends to the leader (ring)")
at = np.concatenate([np.arange(len(v)) + 5 * j for j, v in enumerate(s_values)])
leads = np.concatenate([np.isin(np.arange(len(v)), a[0]) for v, a in zip(s_values, steps[1].attended)])
colors = np.repeat(COLORS[y], [len(v) for v in s_values])
tops = 1.75 - np.concatenate(s_values)
right.bar(at, tops, bottom=-1.75, color=np.where(leads, colors, "none"), edgecolor=colors)
right.set(ylim=(-1.75, -1.3), ylabel="score -s of the token", title="scores: the largest is taken")
right.set(xticks=[1, 5.5, 11.5, 16], xticklabels=[f"sequence {j}" for j in range(4)])

# %%
# The line of codes
# -----------------
#
# One number per sequence is left. Sequences 1 and 3 have the same leader (1, 1), hence the same code, which is allowed, since
# they have the same label. Three runs of one label, two borders between them.

codes = np.array([tokens[0, 0] for tokens in steps[1].tokens])
borders = [0.5 - layer.b[layer.U[:, 0] != 0][0] for layer in transformer.layers[2:]]
print("codes:", codes)
print("borders:", np.array(borders))

figure, ax = plt.subplots(figsize=(8, 1.6), layout="constrained")
for j, code in enumerate(codes):
    dots(ax, j, code, 0)
for border in borders:
    ax.axvline(border, color="0.6", linestyle=":")
for code, text in zip(codes, ("class 0", "class 1", "class 2")):
    ax.annotate(text, (code, -0.15), ha="center", va="top")
ax.set(ylim=(-0.5, 0.4), yticks=[], xlabel="code (dotted: borders)")

# %%
# Layers 2 and 3: a ramp for every border
# ---------------------------------------
#
# Class indices are written in binary, least digit first: class 0 is 00, class 1 is 10, class 2 is 01. A constant unit adds
# the digits of the first run. A ramp, :math:`\mathrm{relu}(c - f) - \mathrm{relu}(c - f - 1)`, is 0 before a border and 1
# behind it, and is added to, or taken from, every digit that changes there. All weights are 1, -1 and the border's place.

for layer in transformer.layers[2:]:
    show(layer, *transformer.names)

# %%
# To see a layer as a function, a sweep of codes runs through it. Dots are the four sequences.

sweep = np.linspace(codes.min() - 6, codes.max() + 6, 2000)
points = RaggedSequences.from_flat(np.column_stack([sweep, 0 * sweep, 0 * sweep]), lengths=[len(sweep)])
figure, axes = plt.subplots(2, 2, figsize=(11, 5), sharex=True, sharey=True, layout="constrained")
swept = trace(Transformer(transformer.layers[2:], transformer.names), points)
for column, (function, step) in enumerate(zip(swept, steps[2:])):
    for digit, ax in enumerate(axes[:, column]):
        ax.plot(sweep, function.tokens.tokens[:, 1 + digit], color="black", linewidth=1)
        for border in borders:
            ax.axvline(border, color="0.6", linestyle=":")
        for j, tokens in enumerate(step.tokens):
            dots(ax, j, codes[j], tokens[0, 1 + digit])
        ax.set(title=f"digit {digit} after layer {2 + column}", ylim=(-0.2, 1.2), yticks=[0, 0.5, 1])
for ax in axes[1]:
    ax.set_xlabel("code")

# %%
# Decoding, and the margin
# ------------------------
#
# ``decode`` takes a digit above 1/2 for 1. Every training code lies where all ramps are flat, so that a small error of the
# code changes nothing: this is why the labels are exact in floating point. ``margin`` is the distance to the nearest ramp
# over the rounding-error bound of a code, the smallest of all training sequences.

for j, tokens in enumerate(steps[-1].tokens):
    print(f"sequence {j}: digits {tokens[0, 1:]}, label {built.decode(steps[-1].tokens)[j]}, wanted {y[j]}")
print(f"margin: {built.margin:.3g}")
print(f"blocks: {transformer.n_blocks}, the theorem allows (3 N + 1) / 2 = {(3 * 4 + 1) // 2}")
print(f"parameters: {transformer.n_parameters}, the theorem allows 16 D N = {16 * 3 * 4}")

# %%
# In general R runs need :math:`\lceil R / 2 \rceil` layers of two ramps each, and :math:`R \le N`. So far that makes
# :math:`1 + \lceil N / 2 \rceil` blocks. The case in which no leader tells sequences apart is missing.
#
# When leaders agree: bumps
# -------------------------
#
# Three sequences on one segment, with the same ends and the same mean: the largest and the smallest value agree in every
# direction, and so do the means. They differ in the frequencies of the tokens in between, and a *bump* counts one token: a
# bump of four hidden units around its s, 0 on all others.

ends, inner = np.array([3.0, 1.5]), np.array([1.0, 0.5])
alike = [np.stack([-ends, -k * inner, k * inner, ends]) for k in (1, 2, 0)]
y = [0, 1, 2]
counted = build_classifier(alike, y, random_state=0)
bump_steps = trace(counted.transformer, counted.encode(alike))
for k, step in enumerate(bump_steps):
    print(f"layer {k}: {step.layer}")
show(counted.transformer.layers[1], "s", "bumps", "one")

# %%
# Each bump of height a adds :math:`a / 4` to the second coordinate of the tokens that it covers. Then attention of rank
# 0, in which every token attends to all, takes the mean over all tokens: a weighted sum of frequencies, and the code of the
# sequence.

sweep = np.linspace(1.25, 1.75, 4000)
stream = RaggedSequences.from_flat(np.column_stack([sweep, 0 * sweep + 1, 0 * sweep + 1]), lengths=[len(sweep)])
swept = trace(Transformer(counted.transformer.layers[1:3]), stream)
figure, axes = plt.subplots(1, 3, figsize=(13, 3.8), layout="constrained")
draw_lines(axes[0], [tokens[:, 0] for tokens in bump_steps[0].tokens])
axes[0].set(xlabel="s", title="same ends, same mean")
for k, ax in ((1, axes[1]), (2, axes[2])):
    ax.plot(sweep, swept[k - 1].tokens.tokens[:, 1], color="black", linewidth=1)
    for j, tokens in enumerate(bump_steps[k].tokens):
        dots(ax, j, *tokens.T[:2])
    ax.set(title=f"after layer {k}: {k} bump{'s' * (k > 1)}", xlabel="s", ylim=(0.95, 1.56))
axes[1].set_ylabel("second coordinate")
print("means of the second coordinate:", [float(t[:, 1].mean()) for t in bump_steps[2].tokens])
print("codes, 128 times the mean:     ", [float(t[0, 0]) for t in bump_steps[3].tokens])
print("labels:", counted.decode(bump_steps[-1].tokens), "in", counted.transformer.n_blocks, "blocks")

# %%
# Why N - 1 bumps are enough: while two sequences of different label have the same code, some token has different
# frequencies in them, and a bump there splits their group; a set of N elements is split at most N - 1 times. Heights are
# small integers that keep apart what was apart. Altogether
#
# .. math:: 1 + (N - 1) + \lceil N / 2 \rceil \;\le\; (3 N + 1) / 2 \quad\text{blocks},
#
# where an attention and the feed-forward layer after it count as one block.
#
# Heads, a ridge regression, and corrections
# ------------------------------------------
#
# A code memorises. To predict unseen sequences ``HardmaxTransformerClassifier`` has a smooth score in front: *heads*, which
# pool one number each (the largest closeness to a prototype by hardmax attention, or the proportion of tokens that are
# close by ramps and a mean), and one ridge regression on them. Where the score is wrong on a training sequence, a
# *correction* on its code, :math:`2^{-36}` wide, lifts the right class. All of it is again one stack of layers. Here the
# ridge on nine heads is wrong about the third sequence:

y = [0, 1, 2, 1]
smooth = HardmaxTransformerClassifier(n_heads=9, ordered=False, exact=False, random_state=8).fit(X, y)
exact = HardmaxTransformerClassifier(n_heads=9, ordered=False, random_state=8).fit(X, y)
print("nine heads and a ridge:", smooth.predict(X))
print(f"with {exact.n_corrections_} correction:          {exact.predict(X)}, wanted", np.array(y))
scoring, tokens = exact.to_transformer(), exact.encode(X)
scoring_steps = trace(scoring, tokens)
for k, (before, step) in enumerate(zip([tokens, *(step.tokens for step in scoring_steps)], scoring_steps)):
    changed = np.flatnonzero((before.tokens != step.tokens.tokens).any(axis=0))
    print(f"layer {k:2}: {type(step.layer).__name__:11} writes to", ", ".join(scoring.names[c] for c in changed))

# %%
# The scores of the three classes, layer after layer: the intercept, the heads, many layers that compute the code,
# and the correction, which lifts the third sequence only.

score = [scoring.names.index(f"score {c}") for c in range(3)]
figure, axes = plt.subplots(1, 4, figsize=(13, 3.2), sharey=True, layout="constrained")
for j, ax in enumerate(axes):
    scores = np.array([step.tokens[j][0, score] for step in scoring_steps])
    for c in range(3):
        ax.step(range(len(scores)), scores[:, c], where="post", color=COLORS[c], label=f"score of class {c}")
        ax.scatter(len(scores) - 1, scores[-1, c], s=40, color=COLORS[c], zorder=3)
    ax.set(title=f"sequence {j}, class {y[j]}", xlabel="layer", xticks=range(0, len(scores), 4))
axes[0].set_ylabel("score")
axes[0].legend(fontsize="small", loc="upper left")

# %%
# A correction is so narrow that unseen sequences do not meet it. The last layer around the code of the third sequence:

code = scoring.names.index("code")
center = scoring_steps[-2].tokens[2][0]
offsets = np.linspace(-4, 4, 801) * 2.0**-36
around = np.tile(center, (len(offsets), 1))
around[:, code] += offsets
lifted = apply(Transformer(scoring.layers[-1:]), RaggedSequences.from_flat(around, lengths=[len(around)])).tokens
figure, ax = plt.subplots(figsize=(7, 3), layout="constrained")
for c in range(3):
    ax.plot(offsets * 2.0**36, lifted[:, score[c]], color=COLORS[c], label=f"score of class {c}")
ax.set(xlabel="distance from the code of sequence 2, in units of $2^{-36}$", ylabel="score", title="one correction")
ax.legend(fontsize="small")

# %%
# Softmax
# -------
#
# Softmax attention at temperature T takes a weighted mean in place of the largest value, so that the code errs: with g the
# gap to the second best score and n tokens, by at most :math:`(n - 1)\, g\, e^{-g / T}`. The ramps behind it are flat around
# every code. Below a temperature that follows from these two facts the labels, and even the digits, are *equal* to those of
# the hardmax, not close to them. ``attention="softmax"`` certifies that temperature:

soft = HardmaxTransformerClassifier(n_heads=0, ordered=False, attention="softmax", random_state=0).fit(X, y)
weights = soft.to_transformer()
print(weights.layers[1])
print(f"certified temperature {soft.temperature_:.4g}, labels {soft.predict(X)}")

temperatures = soft.temperature_ * 10.0 ** np.linspace(-1, 2.5, 60)
errs, errors = [], []
for temperature in temperatures:
    a = weights.layers[1]
    softer = Attention(a.query, a.key, a.value, a.output, rho=a.rho, temperature=temperature)
    run = trace(Transformer([weights.layers[0], softer, *weights.layers[2:]]), soft.encode(X))
    errs.append([abs(tokens[0, 0] - code) for tokens, code in zip(run[1].tokens, codes)])
    errors.append([np.abs(t[0, 1:] - hard[0, 1:]).max() for t, hard in zip(run[-1].tokens, steps[-1].tokens)])
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 3.8), sharex=True, layout="constrained")
for j in range(4):
    style = {"color": COLORS[y[j]], "marker": MARKERS[j], "markersize": 4, "linewidth": 1}
    left.loglog(temperatures, np.maximum(np.array(errs)[:, j], 1e-14), **style, label=f"sequence {j}")
    right.semilogx(temperatures, np.array(errors)[:, j], **style)
room = np.abs(np.subtract.outer(codes, borders)).min() - 0.5
left.axhline(room, color="0.5", linestyle=":", label="to the nearest ramp")
for ax in (left, right):
    ax.axvline(soft.temperature_, color="black", linestyle="--", linewidth=1, label="certified temperature")
    ax.set_xlabel("temperature")
left.set(title="how far the code errs (1e-14: not at all)")
left.legend(fontsize="small")
right.set(title="error of the digits: none below the certificate")

# %%
# On your own data ``build_classifier(X, y)`` gives the weights, ``forward.trace`` the result of each layer, and
# ``HardmaxTransformerClassifier(n_heads=0)`` is the same as an estimator.
