"""Writes the files of the version that is installed into a new folder of its name; see README.md beside this script.

python tests/stored/make.py   (needs skops)
"""

import pickle
from pathlib import Path

import sklearn_hardmax
from sklearn_hardmax import HardmaxTransformerClassifier


def main():
    """Write all files into a folder that is not there yet: what was written once stays."""
    import contents
    from skops import io

    folder = Path(__file__).parent / sklearn_hardmax.__version__
    folder.mkdir()
    contents.SEQUENCES.save(folder / "sequences")
    contents.TRANSFORMER.save(folder / "transformer")
    clf = HardmaxTransformerClassifier(n_heads=12, alphas=[1e5], random_state=0).fit(contents.SERIES, contents.LABELS)
    (folder / "classifier.pkl").write_bytes(pickle.dumps(clf, protocol=5))
    io.dump(clf, folder / "classifier.skops")


if __name__ == "__main__":
    main()
