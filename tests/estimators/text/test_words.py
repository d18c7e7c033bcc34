"""Texts come in any list; other input is refused, long texts are cut off with a warning."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from cases.text import NEW, classifier, corpus
from scipy import sparse


@pytest.mark.parametrize("form", [list, tuple, np.array, pd.Series, lambda X: np.array(X, dtype=object)])
def test_texts_come_in_any_list(form, fitted):
    assert np.array_equal(fitted.decision_function(form(NEW)), fitted.decision_function(NEW))


def test_lists_of_words_are_taken_as_they_are():
    X, y = corpus()
    words = [text.split() for text in X]
    clf = classifier().fit(words, y)
    assert np.array_equal(clf.embeddings_, classifier().fit(X, y).embeddings_)
    assert np.array_equal(clf.predict(words), clf.predict([np.array(text) for text in words]))
    odd = classifier(min_df=1, validation_fraction=0).fit([["A b", "c!"], ["d"]], [0, 1])
    assert sorted(odd.vocabulary_) == ["A b", "c!", "d"]


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ("one text", r"got one string: pass \[text\]"),
        ([1, 2], "entries 0, 1 are not, the first is 1"),
        (["a", None, "b", float("nan")], "entries 1, 3 are not, the first is None"),
        ([b"bytes"], "entries 0 are not, the first is b'bytes'"),
        ([["a", 3]], "entries 0 are not"),
        (np.array([["a"], ["b"]]), r"got ndarray of shape \(2, 1\): pass one column"),
        (pd.DataFrame({"text": ["a"]}), r"got DataFrame of shape \(1, 1\): pass one column"),
        (sparse.csr_matrix((2, 2)), "pass one column"),
        (7, "got int"),
        (None, "got NoneType"),
        ([], r"Found array with 0 sample\(s\)"),
    ],
)
def test_what_is_no_list_of_texts_is_refused(X, message, fitted):
    with pytest.raises(ValueError, match=message):
        fitted.predict(X)
    with pytest.raises(ValueError, match=message):
        classifier().fit(X, [0, 1])


def test_long_texts_are_cut_off_under_one_warning(fitted):
    long = "great " + "film " * 200
    with pytest.warns(UserWarning, match="Texts 1, 2 have more than max_length=128 words") as caught:
        scores = fitted.decision_function(["dull", long, long + "dull"])
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert scores[1] == scores[2] == fitted.decision_function(["great " + "film " * 127])[0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        whole = pickle.loads(pickle.dumps(fitted)).set_params(max_length=None)
        assert whole.decision_function([long])[0] != scores[1]


def test_without_a_limit_texts_are_read_as_with_one_that_none_exceeds():
    X, y = corpus()
    X, y = [*X, "great " + "film " * 200], [*y, "good"]
    fits = [classifier(max_length=limit, max_iter=2).fit(X, y) for limit in (None, 201)]
    assert np.array_equal(fits[0].embeddings_, fits[1].embeddings_)


@pytest.mark.slow
def test_a_text_of_a_million_words_is_read():
    X, y = corpus()
    clf = classifier(max_length=None, max_iter=2).fit(X, y)
    text = ["great", *["film", "plot"] * 500_000]
    assert np.isfinite(clf.decision_function([text])).all()
    with pytest.warns(UserWarning, match="more than max_length=5"):
        assert clf.set_params(max_length=5).predict([text]).shape == (1,)


@pytest.mark.parametrize("text", ["1 2", "😀 😀", "我 爱 你", "a b c"], ids=["digits", "emoji", "Chinese", "letters"])
def test_texts_without_a_word_of_two_letters_are_told_how_words_are_split(text):
    X, y = [text] * 8, [0, 1] * 4
    with pytest.raises(
        ValueError, match=r"hold no word: words of a text are two or more letters .* \[list\(text\) for text"
    ):
        classifier(validation_fraction=0).fit(X, y)
    assert len(classifier(validation_fraction=0, max_iter=1).fit([list(t) for t in X], y).vocabulary_) > 1


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ({"a film", "a plot"}, "got set, whose entries have no fixed order"),
        ({"a film": 1}, "got dict, whose entries have no fixed order"),
        ((text for text in NEW), r"got generator, which can be read only once: write list\(X\)"),
    ],
    ids=["set", "dict", "generator"],
)
def test_texts_without_an_order_are_refused(X, message, fitted):
    with pytest.raises(ValueError, match=message):
        fitted.predict(X)


def test_other_errors_than_those_of_an_empty_vocabulary_pass(monkeypatch):
    def fails(self, words):
        raise ValueError("something else")

    monkeypatch.setattr("sklearn.feature_extraction.text.CountVectorizer.fit_transform", fails)
    with pytest.raises(ValueError, match="something else"):
        classifier().fit(*corpus())
