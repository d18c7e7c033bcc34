"""How large is a transformer that labels 1797 digits without a mistake, when nothing is trained?
==============================================================================================

Each digit is a set of 16 to 42 ink points. `fit` finds one number for each set, its code, and writes down a hardmax
transformer that computes the code and looks up the label. This memorises: it is exact on the training data and rarely right
on other digits. The picture shows the line of codes for 200 digits, where single cells can be seen.
"""

import matplotlib.pyplot as plt
from sklearn.model_selection import StratifiedKFold, cross_val_score

from sklearn_hardmax import HardmaxTransformerClassifier
from sklearn_hardmax.datasets import load_digit_points
from sklearn_hardmax.forward import apply
from sklearn_hardmax.plotting import CodeLineDisplay

X, y = load_digit_points()
N = len(X)
clf = HardmaxTransformerClassifier(ordered=False, n_heads=0, random_state=0).fit(X, y)
transformer = clf.to_transformer()
D = transformer.token_dim
print(f"sequences N = {N}, of {X.lengths.min()} to {X.lengths.max()} tokens; classes {len(clf.classes_)}")
print(f"training accuracy: {clf.score(X, y)}")
print(f"conflicts: {clf.n_conflicts_}, margin: {clf.margin_:.3g} rounding bounds")

# the published count is that of arXiv 2502.02270 for one output a sequence
print(
    f"blocks: {clf.n_blocks_}; bound (3 N + 1) / 2 = {(3 * N + 1) // 2}, 2 N = {2 * N}, published 4 N + 1 = {4 * N + 1}"
)
print(f"parameters: {clf.n_parameters_}; bound 16 D N = {16 * D * N}, D = {D}")

# the weights themselves, run layer by layer: all layers act on all tokens, so a part of the digits will do
some = X[:300]
read = clf.decode(apply(transformer, clf.encode(some)))
print(f"{transformer}, run on {len(some)} digits: {(read == y[: len(some)]).sum()} labels right")

# the same hidden units, a stage in one wide layer: few enough layers for all digits
wide = clf.to_transformer(max_width=None)
read = clf.decode(apply(wide, clf.encode(X)))
print(f"{wide}, run on all digits: {(read == y).sum()} labels right")

folds = StratifiedKFold(3, shuffle=True, random_state=0)
unseen = cross_val_score(clf, X, y, cv=folds).mean()
print(
    f"accuracy on unseen digits: {unseen:.2f} (3 folds; chance is 0.10): one number per digit memorises, and hardly more"
)

few = HardmaxTransformerClassifier(ordered=False, n_heads=0, random_state=0).fit(X[:200], y[:200])
display = CodeLineDisplay.from_estimator(few, X[:200], y[:200])
display.figure_.savefig("exact_classification.png", dpi=100)
plt.close(display.figure_)
print("saved exact_classification.png")
