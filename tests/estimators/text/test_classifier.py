"""LeaderTextClassifier learns informative words, and keeps scikit-learn's contract."""

import pickle

import numpy as np
import pytest
from cases.text import BAD, GOOD, NEW, PLAIN, classifier, corpus
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_hardmax import LeaderTextClassifier
from sklearn_hardmax.forward import apply


def test_uninformative_words_shrink_under_the_penalty():
    X, y = corpus(200)
    free, drawn = (classifier(penalty=p).fit(X, y) for p in (0.0, 0.1))
    for clf, most in ((drawn, 0.5), (free, np.inf)):
        norms = {word: np.linalg.norm(clf.embeddings_[i]) for word, i in clf.vocabulary_.items()}
        plain = np.mean([norms[word] for word in PLAIN])
        telling = np.mean([norms[word] for word in GOOD + BAD])
        assert plain < most * telling
    assert np.linalg.norm(drawn.embeddings_) < np.linalg.norm(free.embeddings_)


def test_held_out_texts_choose_the_epoch_of_the_smallest_loss():
    X, y = corpus(80)
    clf = classifier(max_iter=25, n_iter_no_change=3, verbose=0).fit(X, y)
    losses = clf.validation_loss_curve_
    assert clf.n_iter_ == len(losses) == len(clf.loss_curve_) == len(clf.validation_scores_)
    if clf.n_iter_ < 25:
        assert len(losses) - 1 - int(np.argmin(losses)) == 3
    shorter = classifier(max_iter=int(np.argmin(losses)) + 1, n_iter_no_change=3).fit(X, y)
    assert np.array_equal(shorter.embeddings_, clf.embeddings_)


def test_without_held_out_texts_all_epochs_are_run():
    clf = classifier(validation_fraction=0, max_iter=7).fit(*corpus())
    assert clf.n_iter_ == len(clf.loss_curve_) == 7
    assert clf.validation_loss_curve_ == clf.validation_scores_ == []


def test_verbose_prints_a_line_per_epoch(capsys):
    clf = classifier(verbose=1, max_iter=3).fit(*corpus())
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if "epoch" in line] == lines[1:]
    assert len(lines) == 1 + clf.n_iter_
    assert all(line.startswith("[LeaderTextClassifier] ") for line in lines)
    assert "held-out loss" in lines[1]


def test_informative_words_are_learned_and_lead(fitted):
    X, y = corpus(100, seed=1)
    assert fitted.score(X, y) > 0.95
    counts = fitted.leader_counts(X, strongest=True)
    assert {word for word, _, _ in counts[:4]} <= {*GOOD, *BAD}
    assert sum(count for _, count, _ in counts) == 100
    for word, _, logit in counts:
        if word in GOOD + BAD:
            assert (logit > 0) == (word in GOOD)


def test_three_classes_have_three_scores(three):
    X, y = corpus(100, seed=1, classes=("bad", "good", "strange"))
    assert three.score(X, y) > 0.9
    assert three.decision_function(X).shape == three.predict_proba(X).shape == (100, 3)
    assert np.array_equal(three.classes_[three.predict_proba(X).argmax(axis=1)], three.predict(X))
    assert three.leaders("a weird plot")[0][1].shape == (3,)
    assert three.explain(["a weird plot"])[0]["logit"].shape[1:] == (3,)


def test_probabilities_are_the_sigmoid_of_the_scores(fitted):
    chances, scores = fitted.predict_proba(NEW), fitted.decision_function(NEW)
    np.testing.assert_allclose(chances[:, 1], 1 / (1 + np.exp(-scores)), rtol=1e-14)
    np.testing.assert_allclose(chances.sum(axis=1), 1.0, rtol=1e-15)
    assert np.array_equal(fitted.classes_[(scores > 0).astype(int)], fitted.predict(NEW))


@pytest.mark.parametrize("name", ["fitted", "three"])
def test_texts_without_a_known_word_get_the_prior(name, request):
    clf = request.getfixturevalue(name)
    chances = clf.predict_proba(["", "nothing known here", "great"])
    assert np.array_equal(chances[:2], [clf.class_prior_] * 2)
    assert not np.array_equal(chances[2], clf.class_prior_)
    assert clf.predict(["", "?"]).tolist() == [clf.classes_[clf.class_prior_.argmax()]] * 2
    assert clf.leaders("") == []
    assert len(clf.explain([""])[0]) == 0
    assert clf.leader_counts(["", "unknown"]) == []


def test_unknown_words_change_nothing(fitted):
    assert np.array_equal(fitted.decision_function(["great plot"]), fitted.decision_function(["zzz great yyy plot"]))


def test_each_text_gets_the_same_bits_alone_and_in_any_batch(fitted):
    X, _ = corpus(80, seed=2)
    scores = fitted.decision_function(X)
    order = np.random.default_rng(0).permutation(80)
    assert np.array_equal(fitted.decision_function([X[i] for i in order]), scores[order])
    assert [fitted.decision_function([text])[0] for text in X] == scores.tolist()


def test_the_weights_give_the_scores(fitted):
    X, _ = corpus(30, seed=3)
    transformer = fitted.to_transformer()
    tokens = apply(transformer, fitted.encode(X))
    assert np.array_equal(fitted.decode(tokens), fitted.predict(X))
    scores = fitted._leaders.parameters.scores(tokens.tokens[tokens.offsets[:-1]])
    assert np.array_equal(scores[:, 0], fitted.decision_function(X))
    assert transformer.n_blocks == 9
    with pytest.raises(ValueError, match="Texts 1, 2 hold no known word"):
        fitted.encode(["great", "", "unknown"])


def test_depth_zero_is_plain_pooling():
    X, y = corpus()
    clf = classifier(depth=0).fit(X, y)
    known = [[clf.vocabulary_[word] for word in text.split()] for text in X]
    means = np.array([clf.embeddings_[text].mean(axis=0) for text in known])
    np.testing.assert_allclose(clf.decision_function(X), means @ clf.coef_[0] + clf.intercept_, rtol=0, atol=1e-12)
    assert clf.leaders("great film") == []


def test_the_same_seed_gives_the_same_classifier_and_another_one_another():
    X, y = corpus()
    one, same, other = (classifier(random_state=s, max_iter=5).fit(X, y) for s in (3, 3, 4))
    assert np.array_equal(one.embeddings_, same.embeddings_)
    assert not np.array_equal(one.embeddings_, other.embeddings_)
    assert np.array_equal(one.embeddings_, one.fit(X, y).embeddings_)


def test_fit_returns_itself_and_changes_no_input_and_no_parameter(fitted):
    X, y = corpus()
    before = list(X), y.copy()
    clf = classifier(max_iter=2)
    assert clf.fit(X, y) is clf
    assert (before[0], before[1].tolist()) == (X, y.tolist())
    assert clf.get_params() == classifier(max_iter=2).get_params()
    assert [name for name in vars(clone(fitted)) if name.endswith("_")] == []


def test_pickling_keeps_every_score(fitted):
    assert np.array_equal(pickle.loads(pickle.dumps(fitted)).decision_function(NEW), fitted.decision_function(NEW))


def test_predicting_changes_nothing_of_the_estimator(fitted):
    before = pickle.dumps(fitted)
    fitted.predict(NEW)
    fitted.predict_proba(NEW)
    fitted.explain(NEW)
    fitted.leader_counts(NEW)
    assert pickle.dumps(fitted) == before


def test_folds_searches_and_pipelines_take_texts():
    X, y = corpus()
    lower = FunctionTransformer(lambda texts: [text.lower() for text in texts])
    pipeline = make_pipeline(lower, classifier(max_iter=10))
    assert cross_val_score(pipeline, X, y, cv=3, error_score="raise").shape == (3,)
    search = GridSearchCV(pipeline, {"leadertextclassifier__n_components": [1, 2]}, cv=2, error_score="raise").fit(X, y)
    assert search.predict(X).shape == (60,)


@pytest.mark.parametrize("names", [[0, 1], [True, False], ["no", "yes"], [2.0, 5.0]])
def test_labels_of_any_kind_come_back(names):
    X, y = corpus(classes=("bad", "good"))
    y = np.array(names)[(y == "good").astype(int)]
    clf = classifier().fit(X, y)
    assert clf.predict(X).dtype == y.dtype
    assert clf.score(X, y) > 0.9


def test_an_unfitted_classifier_is_refused():
    for call in ("predict", "predict_proba", "decision_function", "explain", "leaders", "leader_counts", "encode"):
        with pytest.raises(NotFittedError, match="is not fitted yet"):
            getattr(LeaderTextClassifier(), call)(NEW)
    with pytest.raises(NotFittedError, match="is not fitted yet"):
        LeaderTextClassifier().to_transformer()


def test_labels_that_do_not_fit_are_refused():
    X, y = corpus(10)
    with pytest.raises(ValueError, match="requires y to be passed, but the target y is None"):
        classifier().fit(X, None)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        classifier().fit(X, y[:9])
    with pytest.raises(ValueError, match="at least 2 classes, got one: 'only'"):
        classifier().fit(X, ["only"] * 10)
    with pytest.raises(ValueError, match="Unknown label type"):
        classifier().fit(X, np.linspace(0, 1, 10))


def test_tags_say_that_it_takes_texts():
    tags = LeaderTextClassifier().__sklearn_tags__()
    assert tags.input_tags.string
    assert not tags.input_tags.two_d_array
    assert tags.target_tags.required
