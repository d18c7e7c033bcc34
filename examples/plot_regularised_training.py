"""What does training with a penalty make of constructed weights?
==============================================================

``J(theta) = mean squared loss + lambda |theta|^2``. Constructed weights theta* have loss 0, so that the optimal value is at
most ``lambda |theta*|^2``: it falls linearly with lambda, while the zero network keeps its loss. Training starts from theta*
and from random weights at lambda = 1e-3, and hands what it found to smaller and to larger lambdas.
"""

import matplotlib.pyplot as plt
import numpy as np

from sklearn_hardmax.constructions import build_interpolator, minimise_regularised

# four sequences with the same extremes, told apart by their means, and a target each
X = [np.array([-1.0, *inner, 1.0])[:, None] for inner in ([-0.8], [-0.3, 0.0], [0.5], [0.8, 0.7])]
y = np.array([1.0, -1.0, 0.5, -0.5])
built = build_interpolator(X, y, attention="softmax")
print(built.transformer)

MIDDLE, lambdas = 1e-3, 10.0 ** np.arange(-6, 0)
best = {}


def train(lambda_, starts=(), n_random=0):
    """The best weights found for one lambda, kept in `best`."""
    best[lambda_] = minimise_regularised(
        built.transformer, built.encode(X), y, lambda_, starts=starts, n_random=n_random, max_iter=400
    )
    return (best[lambda_].transformer,)


middle = train(MIDDLE, n_random=6)
for half in (lambdas[lambdas < MIDDLE][::-1], lambdas[lambdas > MIDDLE]):
    starts = middle
    for lambda_ in half:
        starts = train(lambda_, starts)

for lambda_, found in sorted(best.items()):
    ratio, bound = found.objective / lambda_, found.certificate / lambda_
    print(f"lambda {lambda_:.0e}: J / lambda {ratio:.4g}, loss {found.loss:.2g}; certificate / lambda {bound:.5g}")

lambdas = sorted(best)
figure, (value, parts) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
value.loglog(lambdas, [best[k].certificate for k in lambdas], "k--", label=r"certificate $\lambda |\theta^*|^2$")
value.axhline(np.mean(y**2), color="gray", linestyle=":", label="zero network")
value.loglog(lambdas, [best[k].objective for k in lambdas], "o-", color="tab:blue", label="best J found")
value.set(xlabel=r"$\lambda$", ylabel="J", title="optimal value against the penalty")
value.legend(fontsize="small")
parts.loglog(lambdas, [max(best[k].loss, 1e-16) for k in lambdas], "o-", color="tab:orange", label="mean squared loss")
parts.loglog(lambdas, [best[k].squared_norm for k in lambdas], "s-", color="tab:green", label=r"$|\theta|^2$")
parts.set(xlabel=r"$\lambda$", title="loss and norm of the best weights (at 0.1 they are 0)", ylim=(1e-9, 1e2))
parts.legend(fontsize="small")
figure.savefig("regularised_training.png", dpi=100)
print("saved regularised_training.png")
