"""Versions in pickles, and progress lines."""

import pickle
import re

import pytest
from cases.classifier import GOOD, classifier, problem

import sklearn_hardmax

pytestmark = pytest.mark.usefixtures("n_heads")  # every test runs without heads and with some
VERSION = re.escape(sklearn_hardmax.__version__)


def test_verbose_prints_a_line_per_stage(capsys, n_heads):
    X, y = problem()
    classifier().fit(X, y)
    assert capsys.readouterr().out == ""
    classifier(verbose=1).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == (6 if n_heads else 5)
    assert all(line.startswith("[HardmaxTransformerClassifier] ") and line.endswith(" s)") for line in lines)


def test_a_pickle_of_another_version_says_so(monkeypatch):
    fitted = classifier().fit(GOOD, [0, 1, 0])
    data = pickle.dumps(fitted)
    assert (pickle.loads(data).predict(GOOD) == [0, 1, 0]).all()
    monkeypatch.setattr("sklearn_hardmax._version.__version__", "9.9.9")
    with pytest.warns(
        UserWarning,
        match=rf"was pickled by sklearn-hardmax {VERSION} and is read by 9\.9\.9",
    ):
        again = pickle.loads(data)
    assert (again.predict(GOOD) == [0, 1, 0]).all()


def test_a_pickle_holds_the_attributes_of_one_moment():
    class Telling:
        """Sets an attribute while it is pickled, as another thread may."""

        def __reduce__(self):
            fitted.late_ = True
            return int, ()

    fitted = classifier().fit(GOOD, [0, 1, 0])
    fitted.telling_ = Telling()
    again = pickle.loads(pickle.dumps(fitted))
    assert (fitted.late_, again.telling_, hasattr(again, "late_")) == (True, 0, False)
