"""How wide must a layer be that averages any q tokens?
====================================================

One attention layer with constructed weights computes every mean exactly, once its keys are long enough to score each set
above all other positions. Left: that gap, for 1,000 random sets; below 0 `encode` refuses. Middle: the key dimension that
was enough, measured, beside quoted lower bounds for other networks (Sanford, Hsu, Telgarsky, arXiv 2306.02896). Right: why
a feed-forward net needs its width, whatever training did: with fewer units in the first layer than there are values, two
inputs with opposite targets have the same hidden values.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.neural_network import MLPRegressor

from sklearn_hardmax.constructions import build_sparse_averaging, query_gaps, random_keys
from sklearn_hardmax.datasets import make_sparse_averaging
from sklearn_hardmax.forward import apply


def smallest_gap(n, q, key_dim, n_sets=1000):
    """Of random sets of q of n positions."""
    sets = make_sparse_averaging(-(-n_sets // n), length=n, q=q, random_state=0)[0].tokens[:n_sets, 2:-1].astype(int)
    return query_gaps(random_keys(n, q, key_dim, random_state=0), sets)[0].min()


def enough(n, q):
    """Smallest key dimension, in steps of a quarter, at which none of 1,000 sets was refused."""
    key_dim = 8 * q
    while not all(smallest_gap(n, q, key_dim, n_sets) > 1e-9 for n_sets in (50, 1000)):
        key_dim += key_dim // 4
    return key_dim


def two_inputs(width, n=16):
    """Outputs of a trained net for z = v and z = -v, both asking for position j; v is what its first layer sees least of."""
    X, Y = make_sparse_averaging(100, length=n, q=1, token_dim=1, random_state=0)
    z, asked = np.repeat([x[:, 0] for x in X], n, axis=0), X.tokens[:, 1].astype(int)
    net = MLPRegressor(hidden_layer_sizes=(width, 64), random_state=0, batch_size=100)
    net.partial_fit(np.hstack([z, np.eye(n)[asked]]), Y.tokens.ravel())
    v = np.linalg.svd(net.coefs_[0][:n].T)[2][-1]
    v /= np.abs(v).max()
    ask = np.eye(n)[np.argmax(np.abs(v))]
    return net.predict([[*v, *ask], [*-v, *ask]])


X, Y = make_sparse_averaging(4, length=256, q=4, random_state=1)
built = build_sparse_averaging(256, 4, token_dim=2, random_state=0)
error = np.abs(built.decode(apply(built.transformer, built.encode(X))).tokens - Y.tokens).max()
print(f"largest error of 1,024 means through the weights: {error:.1e}")
COLORS = ("tab:blue", "tab:orange", "tab:green")
figure, (left, middle, right) = plt.subplots(1, 3, figsize=(14, 4.3), layout="constrained")
dims = np.arange(20, 261, 30)
for n, color in zip((64, 256, 1024), COLORS):
    left.plot(dims, [smallest_gap(n, 4, m) for m in dims], "o-", color=color, markersize=4, label=f"n = {n}")
left.axhspan(-1.7, 0, color="0.9", label="refused, the set named")
left.set(xlabel="key dimension", ylabel="smallest gap of 1,000 sets", ylim=(-1.7, 1))
left.set_title(f"q = 4; error of accepted sets: {error:.0e}")
left.legend(loc="lower right")

lengths = np.array([16, 128, 1024, 4096])
for q, color in zip((2, 4, 8), COLORS):
    found = [enough(n, q) for n in lengths]
    print(f"q = {q}: key dimension enough at n = {lengths.tolist()}: {found}")
    middle.loglog(lengths, found, "o-", color=color, markersize=4, label=f"attention, q = {q}, measured")
middle.loglog(lengths, lengths, "k--", label="feed-forward, width n d / 2, quoted")
middle.loglog(lengths, (lengths - 1) / 2, "k:", label="recurrent, (n - 1) / 2 bits, quoted")
middle.set(xlabel="positions n", ylabel="key dimension, width, bits", ylim=(5, 20000), title="what is enough (d = 2)")
middle.legend(fontsize="small", loc="upper left")

widths = range(4, 29, 3)
differences = [abs(np.subtract(*two_inputs(width))) for width in widths]
right.semilogy(widths, np.maximum(differences, 1e-17), "o-", color="tab:blue", label="of its two outputs")
right.axhline(2, color="black", label="of the two targets, 1 and -1")
right.axvline(16, color="0.6", linestyle=":", label="n = 16 values")
right.set(xlabel="units of the first layer", ylabel="difference", ylim=(1e-17, 1e5), title="one net, two inputs")
right.legend(fontsize="small", loc="lower right")
figure.savefig("sparse_averaging.png", dpi=100)
print("saved sparse_averaging.png")
