"""How small must a softmax temperature be to stay exact?
======================================================

Softmax attention at temperature T returns a weighted mean and not the largest value. But the layers behind it are
flat around every training code, so that below a temperature that the construction certifies, targets are met bit for bit,
and not only approached. The same weights are run at other temperatures, three data sets of 100 sequences with tokens that
are ever closer to each other.
"""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np

from sklearn_hardmax import Attention, HardmaxTransformerInterpolator, RaggedSequences, Transformer
from sklearn_hardmax.forward import apply


def at_temperature(transformer, factor):
    """The same transformer, the temperature of its softmax layers multiplied by a factor."""
    layers = [
        replace(layer, temperature=layer.temperature * factor) if isinstance(layer, Attention) else layer
        for layer in transformer.layers
    ]
    return Transformer(layers, transformer.names)


rng = np.random.default_rng(0)
factors = 10.0 ** np.linspace(-1, 3, 41)
figure, (errors, exact) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained", sharex=True)
for spread, color in ((1.0, "tab:blue"), (1e-2, "tab:orange"), (1e-4, "tab:green")):
    # tokens lie around the centre of their sequence, and centres fill the same range in all three
    X = RaggedSequences.from_list([rng.normal() + spread * rng.normal(size=(10, 1)) for _ in range(100)])
    targets = rng.normal(size=(100, 3, 1))
    model = HardmaxTransformerInterpolator(ordered=False, attention="softmax", random_state=0).fit(X, targets)
    transformer, tokens = model.to_transformer(), model.encode(X)
    worst, share = [], []
    for factor in factors:
        outputs = model.decode(apply(at_temperature(transformer, factor), tokens))
        gaps = np.array([np.abs(rows[:3] - wanted).max() for rows, wanted in zip(outputs, targets)])
        worst.append(gaps.max())
        share.append((gaps == 0).mean())
    breaks = factors[np.flatnonzero(np.array(worst) > 0)[0]]
    print(
        f"spread {spread:g}: certified temperature {model.temperature_:.3g}, exact there: {model.score(X, targets) == 1.0}, "
        f"first error seen at {breaks:.1f} times as much"
    )
    label = f"spread {spread:g}"
    errors.loglog(factors * model.temperature_, np.maximum(worst, 1e-18), ".-", color=color, label=label)
    exact.semilogx(factors * model.temperature_, share, ".-", color=color, label=label)
    for ax in (errors, exact):
        ax.axvline(model.temperature_, color=color, linestyle="--", linewidth=1)
errors.set(xlabel="temperature", ylabel="largest error (1e-18: none)", title="error; dashed: certified temperature")
exact.set(xlabel="temperature", ylabel="share of sequences", title="sequences whose targets are met bit for bit")
errors.legend(fontsize="small")
figure.savefig("softmax_temperature.png", dpi=100)
print("saved softmax_temperature.png")
