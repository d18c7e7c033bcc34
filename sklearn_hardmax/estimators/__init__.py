"""The scikit-learn estimators: fit, predict and transform around the constructions, which hold the mathematics.

Estimators
----------
classifier.py     HardmaxTransformerClassifier: sequences of any length to class labels.
inspection.py     explain, code_line and head_windows of that classifier: why a sequence gets its label.
interpolator.py   HardmaxTransformerInterpolator: sequences to their targets, exactly.
pooling.py        HardmaxPooling: sequences to a matrix, one row per sequence.
preprocessing.py  RaggedSequenceTransformer: scaled tokens, positions and windows.
flow.py           LeaderFlow: the tokens of each sequence move towards its leaders.
clustering.py     LeaderClustering: the rows of a matrix move to leaders, and clusters are where they end.
text/             LeaderTextClassifier: texts to class labels by the words that lead them.

What they share
---------------
validation.py     Checks of user input and of parameters; the function that pickles name.
transactions.py   The decorators of methods: a fit that fails changes nothing, and all others read one fit at a time.
_mixins.py        Networks that were built, versions in pickles, ragged output, progress lines.
_bases.py         The base classes of scikit-learn, with signatures for type checkers.
"""
