"""LeaderTextClassifier: the contract by hand, since scikit-learn's checks prove nothing for texts; training, explanations."""

import pickle
import re
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_hardmax import LeaderTextClassifier, RaggedSequences
from sklearn_hardmax.constructions.leaders import text_training as sentiment
from sklearn_hardmax.forward import apply, trace

GOOD, BAD, PLAIN = ["great", "lovely", "fun"], ["dull", "awful"], ["film", "the", "plot", "it", "is", "a_long_one"]


def corpus(n=60, seed=0, classes=("bad", "good")):
    """Texts of plain words, with one or two words that tell the class."""
    rng = np.random.default_rng(seed)
    telling = [BAD, GOOD, ["odd", "weird"]][: len(classes)]
    y = rng.integers(len(classes), size=n)
    texts = []
    for label in y:
        words = [*rng.choice(PLAIN, size=rng.integers(2, 7)), *rng.choice(telling[label], size=rng.integers(1, 3))]
        texts.append(" ".join(rng.permutation(words)))
    return texts, np.array(classes)[y]


SETTING = {"max_iter": 40, "learning_rate_init": 0.03, "batch_size": 16, "random_state": 0}


def classifier(**options):
    return LeaderTextClassifier(**{**SETTING, **options})


@pytest.fixture(scope="module")
def fitted():
    return classifier().fit(*corpus())


@pytest.fixture(scope="module")
def three():
    return classifier(n_components=3).fit(*corpus(90, classes=("bad", "good", "strange")))


NEW = ["a great film", "the plot is dull", "it is", "nothing known here", "", "great great dull"]


# -- training ----------------------------------------------------------------------------------------------------------


def drawn_batch(rng, n_texts=5, length=6, n_words=12, n_classes=2):
    words = np.stack([rng.permutation(n_words)[:length] for _ in range(n_texts)])
    frequencies = rng.integers(1, 4, size=words.shape).astype(float)
    frequencies[0, 3:] = 0.0  # padding
    return sentiment.Batch(
        words, frequencies / frequencies.sum(axis=1, keepdims=True), rng.integers(n_classes, size=n_texts)
    )


@pytest.mark.parametrize("penalty", [0.0, 0.3])
@pytest.mark.parametrize(("n_components", "n_classes"), [(1, 2), (2, 2), (3, 4)])
def test_the_gradient_is_that_of_central_differences_for_every_parameter(n_components, n_classes, penalty):
    rng = np.random.default_rng(n_components)
    n_scores = 1 if n_classes == 2 else n_classes
    parameters = sentiment.Parameters.sample(12, n_components, n_scores, rng)
    parameters = parameters._replace(
        embeddings=rng.normal(size=(12, n_components)), intercept=rng.normal(size=n_scores), log_alpha=np.array([0.3])
    )
    batch = drawn_batch(rng, n_classes=n_classes)
    _, gradient = sentiment.loss_and_gradient(parameters, batch, 4, penalty)
    step = 1e-6
    for array, slopes in zip(parameters, gradient, strict=True):
        for place in np.ndindex(array.shape):
            value, losses = array[place], []
            for side in (step, -step):
                array[place] = value + side
                losses.append(sentiment.loss_and_gradient(parameters, batch, 4, penalty)[0])
            array[place] = value
            assert (losses[0] - losses[1]) / (2 * step) == pytest.approx(slopes[place], rel=1e-6, abs=1e-8)


def test_the_means_of_training_are_those_of_the_engine():
    rng = np.random.default_rng(1)
    parameters = sentiment.Parameters.sample(12, 2, 1, rng)
    batch = drawn_batch(rng)._replace(frequencies=np.full((5, 6), 1 / 6))
    pooled, _ = sentiment.pooled_means(parameters, batch, 8)
    X = RaggedSequences.from_list([parameters.embeddings[words] for words in batch.words])
    moved = apply(parameters.transformer(8), X)
    np.testing.assert_allclose(moved.tokens[moved.offsets[:-1]], pooled, rtol=0, atol=1e-14)


def test_batches_hold_every_text_once_and_texts_of_similar_length():
    counts = sparse.random(50, 30, density=0.3, random_state=0, format="csr")
    counts = counts[np.diff(counts.indptr) > 0]
    labels = np.arange(counts.shape[0])
    found = list(sentiment.batches(counts, labels, 8, np.random.RandomState(0)))
    assert sorted(np.concatenate([batch.labels for batch in found]).tolist()) == labels.tolist()
    for batch in found:
        lengths = (batch.frequencies > 0).sum(axis=1)
        np.testing.assert_allclose(batch.frequencies.sum(axis=1), 1.0)
        for text, words, frequencies in zip(batch.labels, batch.words, batch.frequencies):
            row = counts[text].toarray()[0]
            assert set(words[frequencies > 0]) == set(np.flatnonzero(row))
        assert lengths.max() == batch.words.shape[1]


def test_dropout_leaves_words_out_and_never_all():
    rng = np.random.RandomState(0)
    batch = drawn_batch(np.random.default_rng(0), n_texts=400)
    kept = sentiment.drop_words(batch, 0.7, rng).frequencies
    np.testing.assert_allclose(kept.sum(axis=1), 1.0)
    assert ((kept > 0) <= (batch.frequencies > 0)).all()
    # all six words go with probability 0.7^6 = 0.12, and then all stay
    assert (kept[1:] > 0).mean() == pytest.approx(0.3 + 0.7**6, abs=0.03)
    whole = sentiment.drop_words(batch, 0.0, rng).frequencies
    np.testing.assert_allclose(whole, batch.frequencies, rtol=1e-15)


def test_words_that_tell_nothing_shrink_under_the_penalty():
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


def test_verbose_prints_a_line_an_epoch(capsys):
    clf = classifier(verbose=1, max_iter=3).fit(*corpus())
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if "epoch" in line] == lines[1:]
    assert len(lines) == 1 + clf.n_iter_
    assert all(line.startswith("[LeaderTextClassifier] ") for line in lines)
    assert "held-out loss" in lines[1]


# -- predicting --------------------------------------------------------------------------------------------------------


def test_telling_words_are_learned_and_lead(fitted):
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


# -- explaining --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["fitted", "three"])
def test_shares_times_logits_add_up_to_the_scores(name, request):
    clf = request.getfixturevalue(name)
    X, _ = corpus(30, seed=4)
    for table, score in zip(clf.explain(X), clf.decision_function(X)):
        assert table["share"].sum() == pytest.approx(1.0, rel=1e-12)
        assert (table["share"] >= 0).all()
        assert (np.diff(table["share"]) <= 0).all()
        assert len(set(table["word"])) == len(table)
        np.testing.assert_allclose(table["share"] @ table["logit"], score, rtol=0, atol=1e-12)


@pytest.mark.parametrize("n_components", [2, 8])
def test_training_begins_with_embeddings_of_the_documented_size(n_components):
    """Nearly no step, so that what is drawn is what is found; far from 0 words could not get round it."""
    words = [f"word{k}" for k in range(2000)]
    X, y = [words, words[::2], words[::-1], words[1::2]], [0, 1, 0, 1]
    clf = LeaderTextClassifier(
        n_components=n_components, min_df=1, max_length=None, max_iter=1, learning_rate_init=1e-12, word_dropout=0.0,
        validation_fraction=0.0, random_state=0,
    ).fit(X, y)  # fmt: skip
    (documented,) = re.findall(r"standard deviation (\S+) n_components", LeaderTextClassifier.__doc__)
    n = clf.embeddings_.size
    # five times the standard deviation of the estimate
    assert clf.embeddings_.std() == pytest.approx(float(documented) * n_components, rel=5 / np.sqrt(2 * n))


def test_leaders_are_those_of_the_tie_rule(fitted):
    X, _ = corpus(30, seed=5)
    for text in X:
        words = [word for word in text.split() if word in fitted.vocabulary_]
        leading = set()
        for step in trace(fitted.to_transformer(), fitted.encode([text]))[:-1]:
            for i, members in enumerate(step.attended[0]):
                if i in members and {words[m] for m in members} == {words[i]}:
                    leading.add(words[i])
        assert {word for word, _ in fitted.leaders(text)} == leading
        counted = fitted.leader_counts([text])
        assert {(word, count) for word, count, _ in counted} == {(word, 1) for word in leading}


@pytest.mark.parametrize("name", ["fitted", "three"])
def test_the_strongest_leader_of_a_text_has_the_widest_scores(name, request):
    clf = request.getfixturevalue(name)
    X, _ = corpus(20, seed=6)
    for text in X:
        sizes = {word: np.ptp(logit) if np.ndim(logit) else abs(logit) for word, logit in clf.leaders(text)}
        ((word, count, _),) = clf.leader_counts([text], strongest=True)
        assert (sizes[word], count) == (max(sizes.values()), 1)
    with pytest.raises(ValueError, match="strongest must be True or False, got 1"):
        clf.leader_counts(X, strongest=1)


def test_the_logit_of_a_leader_is_the_score_of_the_word_alone(fitted):
    for word, logit in fitted.leaders("great plot, the awful film"):
        assert logit == pytest.approx(fitted.decision_function([word])[0], rel=1e-12)


# -- the contract ------------------------------------------------------------------------------------------------------


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


# -- wrong input -------------------------------------------------------------------------------------------------------


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


def test_too_few_texts_to_hold_out_are_told_and_zero_holds_out_none():
    X, y = ["great fun", "great film", "dull film"], [1, 1, 0]
    with pytest.raises(ValueError, match=r"two with known words of each class; there are fewer of \[0\]"):
        classifier(min_df=1).fit(X, y)
    assert classifier(min_df=1, validation_fraction=0).fit(X, y).predict(X).tolist() == y
    four = classifier(min_df=1).fit([*X, "dull plot"], [*y, 0])
    assert len(four.validation_scores_) == four.n_iter_


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


def test_tags_say_that_it_takes_texts():
    tags = LeaderTextClassifier().__sklearn_tags__()
    assert tags.input_tags.string
    assert not tags.input_tags.two_d_array
    assert tags.target_tags.required
