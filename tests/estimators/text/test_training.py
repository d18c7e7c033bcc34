"""Parameters are checked, and texts are held out class by class."""

import pickle

import numpy as np
import pytest
from cases.text import classifier, corpus


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_components": 0}, "n_components must be an integer of at least 1"),
        ({"depth": -1}, "depth must be an integer of at least 0"),
        ({"max_length": 0}, "max_length must be an integer of at least 1"),
        ({"max_iter": 0}, "max_iter must be an integer of at least 1"),
        ({"batch_size": 1.5}, "batch_size must be an integer of at least 1"),
        ({"n_iter_no_change": 0}, "n_iter_no_change must be an integer of at least 1"),
        ({"learning_rate_init": 0}, "learning_rate_init must be a positive finite number"),
        ({"word_dropout": 1.0}, "word_dropout must be at least 0 and below 1, got 1.0"),
        ({"validation_fraction": -0.1}, "validation_fraction must be at least 0 and below 1, got -0.1"),
        ({"penalty": np.inf}, "penalty must be at least 0 and a finite number, got inf"),
        ({"verbose": -1}, "verbose must be an integer of at least 0"),
        ({"min_df": 100}, "No word occurs in at least min_df=100 of the 60 texts"),
        ({"min_df": -1}, "The 'min_df' parameter of CountVectorizer must be .* Got -1 instead"),
    ],
)
def test_wrong_parameters_are_refused_and_leave_the_estimator_as_it_was(options, message, fitted):
    clf = pickle.loads(pickle.dumps(fitted))
    with pytest.raises(ValueError, match=message):
        clf.set_params(**options).fit(*corpus())
    assert np.array_equal(clf.embeddings_, fitted.embeddings_)
    assert clf.vocabulary_ == fitted.vocabulary_


def test_too_few_texts_to_hold_out_are_told_and_zero_holds_out_none():
    X, y = ["great fun", "great film", "dull film"], [1, 1, 0]
    with pytest.raises(ValueError, match=r"two with known words of each class; there are fewer of \[0\]"):
        classifier(min_df=1).fit(X, y)
    assert classifier(min_df=1, validation_fraction=0).fit(X, y).predict(X).tolist() == y
    four = classifier(min_df=1).fit([*X, "dull plot"], [*y, 0])
    assert len(four.validation_scores_) == four.n_iter_
