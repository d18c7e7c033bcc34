"""The laws of a case, and the one function that checks them all."""

import pickle
import re
import warnings

import joblib
import numpy as np
from sklearn.exceptions import ConvergenceWarning

from campaign import forms, subjects
from sklearn_hardmax import SequenceConflictWarning


class Broken(AssertionError):
    """A law does not hold: which one, and in which form."""


def draw(seed, containers=forms.CONTAINERS):
    """The generator of a case, and its subject."""
    rng = np.random.default_rng(seed)
    return rng, subjects.chosen(rng, *subjects.SUBJECTS)(rng, containers)


def how_to_replay(seed):
    return f"replay: python tests/reliability.py --replay {seed}"


def check(seed, containers=forms.CONTAINERS, backend="threading"):
    """Check all laws on the case of a seed; the words that say what it was made of.

    Raises Broken, or what an estimator raised, with a note that says how to replay it.
    """
    rng, subject = draw(seed, containers)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", SequenceConflictWarning)
            warnings.simplefilter("ignore", ConvergenceWarning)
            warnings.filterwarnings("ignore", "Every sequence has .* token", UserWarning)
            warnings.filterwarnings("ignore", "X is a table, read as", UserWarning)
            return [type(subject).__name__, subject.kind, *_check(rng, subject, backend)]
    except Exception as error:
        error.add_note(how_to_replay(seed))
        raise


def _check(rng, subject, backend):
    fitted = subject.make()
    untouched = dict(vars(fitted))
    try:
        fitted.fit(subject.plain(subject.train), *subject.plain_target())
    except ValueError as refusal:
        return _refused(rng, subject, fitted, untouched, refusal)
    return _check_fitted(rng, subject, fitted, backend)


def _refused(rng, subject, estimator, untouched, refusal):
    """What float64 does not carry is refused in every form in the same words, and nothing is left behind."""
    _hold(not subject.is_plain, f"plain data are taken, not refused with {refusal}")
    _hold(_is_same_state(estimator, untouched), "a refused fit leaves the estimator as it was")
    X, form = subject.written(rng, subject.train)
    y, _ = subject.written_target(rng)
    try:
        estimator.fit(X, *y)
    except ValueError as again:
        _hold(str(again) == str(refusal), f"every form is refused in the same words, {form}")
        return ["refused"]
    raise Broken(f"every form is refused where one is, {form}")


def _refused_later(rng, subject, fitted, refusal):
    """New tokens that float64 does not carry are refused in every form in the same words, and nothing is changed."""
    _hold(not subject.is_plain, f"plain data are taken, not refused with {refusal}")
    before, (X, form) = dict(vars(fitted)), subject.written(rng, subject.new)
    try:
        subject.answers(fitted, X)
    except ValueError as again:
        _hold(str(again) == str(refusal), f"every form is refused in the same words, {form}")
        _hold(_is_same_state(fitted, before), "a refused question leaves the estimator as it was")
        return ["refused"]
    raise Broken(f"every form is refused where one is, {form}")


def _check_fitted(rng, subject, fitted, backend):
    train, new = subject.plain(subject.train), subject.plain(subject.new)
    answers = subject.answers(fitted, train)
    _hold(subject.is_exact(fitted, answers), "answers to training data are what is known of them")
    expected = [forms.bits(answers)]
    if subject.predicts:
        try:
            asked = subject.answers(fitted, new)
        except ValueError as refusal:
            return _refused_later(rng, subject, fitted, refusal)
        expected.append(forms.bits(asked))
        _batches(rng, subject, fitted, asked)
        _hold(rng.random() < 0.8 or subject.network_agrees(fitted), "the explicit network answers as predict does")
    state = pickle.dumps(fitted)
    words = _forms(rng, subject, expected)
    _hold(_bits_of(subject, fitted, train, new) == expected, "an answer given twice is the same bits")
    _hold(pickle.dumps(fitted) == state, "answering changes nothing of the estimator")
    _hold(_bits_of(subject, pickle.loads(state), train, new) == expected, "a pickle gives the same bits")
    if "n_jobs" in fitted.get_params() and rng.random() < 0.3:
        many = subject.make().set_params(n_jobs=2)
        with joblib.parallel_config(backend=backend):
            many.fit(train, *subject.plain_target())
            _hold(_bits_of(subject, many, train, new) == expected, "jobs do not show in the result")
    _spoiled(rng, subject, fitted)
    fitted.fit(train, *subject.plain_target())
    _hold(_bits_of(subject, fitted, train, new) == expected, "fitting again gives the same bits")
    return words


def _bits_of(subject, fitted, train, new):
    parts = (train, new) if subject.predicts else (train,)
    return [forms.bits(subject.answers(fitted, part)) for part in parts]


def _forms(rng, subject, expected):
    """The same numbers in drawn forms, to fit and to ask about; and that nothing writes into them."""
    inputs = [subject.written(rng, part) for part in (subject.train, subject.train, subject.new)]
    (y, how), before = subject.written_target(rng), None
    words = [word for _, form in inputs for word in form] + list(how)
    (X, again, new), before = [X for X, _ in inputs], forms.bits([X for X, _ in inputs] + list(y))
    other = subject.make().fit(X, *y)
    _hold(_bits_of(subject, other, again, new) == expected, f"a form does not show in the result, {words}")
    _hold(forms.bits([X, again, new, *y]) == before, f"input is not changed, {words}")
    return words


def _batches(rng, subject, fitted, asked):
    """New sequences in another order and cut into batches get the answers that they get together."""
    n = len(subject.new.lengths) if hasattr(subject.new, "lengths") else len(subject.new)
    order, cut = rng.permutation(n), int(rng.integers(n + 1))
    whole = subject.plain(subject.new)
    take = (lambda rows: whole[rows]) if hasattr(whole, "offsets") else (lambda rows: [whole[i] for i in rows.tolist()])
    for rows in (order, order[:cut], order[cut:]):
        if len(rows):
            found = subject.answers(fitted, take(rows))
            same = forms.bits(found) == forms.bits([answer[rows] for answer in asked])
            _hold(same, "neither order nor batch shows in the result")


def _spoiled(rng, subject, fitted):
    X, message = subject.spoiled(rng)
    before = dict(vars(fitted))
    try:
        fitted.fit(X, *subject.plain_target())
    except ValueError as error:
        _hold(re.search(message, str(error)), f"a refusal says why, got {error}")
    else:
        raise Broken("what cannot be read is refused")
    _hold(_is_same_state(fitted, before), "a fit that fails leaves the estimator as it was")


def _is_same_state(estimator, before):
    return vars(estimator).keys() == before.keys() and all(vars(estimator)[k] is v for k, v in before.items())


def _hold(law, name):
    if not law:
        raise Broken(name)
