"""Files that were written once are read by every later version, or refused by name; see stored/README.md."""

import pickle
import re
import warnings
from pathlib import Path

import numpy as np
import pytest
from stored import contents

import sklearn_hardmax
from sklearn_hardmax import HardmaxTransformerClassifier, RaggedSequences, Transformer

FOLDERS = sorted(path for path in Path(__file__).parent.joinpath("stored").iterdir() if re.match(r"\d", path.name))
EACH = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)

VERSION = re.escape(sklearn_hardmax.__version__)


def test_the_present_formats_are_stored():
    assert "0.1.0" in {folder.name for folder in FOLDERS}
    for folder in FOLDERS:
        assert {"sequences", "transformer", "classifier.pkl", "classifier.skops"} == {p.name for p in folder.iterdir()}


@EACH
def test_stored_sequences_are_read(folder):
    found = RaggedSequences.load(folder / "sequences")
    assert found == contents.SEQUENCES
    assert found.dtype == np.float32
    assert RaggedSequences.load(folder / "sequences", mmap_mode="r") == contents.SEQUENCES


@EACH
def test_stored_weights_are_read(folder):
    found = Transformer.load(folder / "transformer")
    assert found == contents.TRANSFORMER
    assert found.names == contents.TRANSFORMER.names


@EACH
def test_a_stored_pickle_is_read_or_refused_by_the_version_that_wrote_it(folder):
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            labels = pickle.loads((folder / "classifier.pkl").read_bytes()).predict(contents.SERIES).tolist()
        except (ImportError, AttributeError):  # modules and classes may have moved
            labels = None
    names_it = any(f"pickled by sklearn-hardmax {folder.name} and is read by" in str(w.message) for w in told)
    assert names_it == (folder.name != sklearn_hardmax.__version__)
    assert labels == contents.LABELS or (labels is None and names_it)


def test_a_pickle_that_cannot_be_read_any_more_names_its_version_first(monkeypatch):
    data = pickle.dumps(HardmaxTransformerClassifier(n_heads=0, random_state=0).fit(contents.SERIES, contents.LABELS))
    known = b"sklearn_hardmax.constructions.classification.code_classifier"
    assert known in data
    monkeypatch.setattr("sklearn_hardmax._version.__version__", "9.9.9")
    with (
        pytest.warns(
            UserWarning,
            match=rf"was pickled by sklearn-hardmax {VERSION} and is read by 9\.9\.9",
        ),
        pytest.raises(ModuleNotFoundError),
    ):
        pickle.loads(data.replace(known, known[:-1] + b"x"))
