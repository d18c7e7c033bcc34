"""What happens when something goes wrong half-way: no memory, an interrupt, a dead worker, many threads.

A fit that does not end leaves the estimator as it was, and threads that share an estimator get the answers that one thread
gets. (Files: test_files.py; the number of BLAS threads: constructions/common/test_threads.py; a fit while others ask:
test_threads.py.)
"""

import contextlib
import pickle
import warnings
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
import session_guard
from campaign.forms import bits
from deadly import Deadly
from effort import slow
from joblib.externals.loky.process_executor import TerminatedWorkerError
from sklearn.base import clone
from sklearn.preprocessing import StandardScaler
from tracing import Interrupts, Trace

from sklearn_hardmax import (
    HardmaxPooling,
    HardmaxTransformerClassifier,
    HardmaxTransformerInterpolator,
    LeaderClustering,
    LeaderFlow,
    LeaderTextClassifier,
    RaggedSequenceTransformer,
    SequenceImputer,
    SequenceResampler,
    TokenwiseTransformer,
    datasets,
)

X, Y = datasets.make_labelled_sequences(16, n_classes=3, token_dim=2, random_state=0)
TIMED = [[[0.0, 1.0], [0.7, 2.0], [2.1, 2.5]], [[1.0, 3.0]]]
TEXTS, KINDS = ["great fun", "a great film", "a dull film", "dull"] * 3, ["good", "good", "bad", "bad"] * 3
FITS = {  # an estimator, what it learns from, and what it has learned from before
    "code": (HardmaxTransformerClassifier(n_heads=0, random_state=0), (X, Y), (X[:9], Y[:9] + 10)),
    "heads": (HardmaxTransformerClassifier(n_heads=30, random_state=0), (X, Y), (X[:9], Y[:9] + 10)),
    "sets": (HardmaxTransformerClassifier(n_heads=30, ordered=False, random_state=0), (X, Y), (X[:9], Y[:9] + 10)),
    "interpolator": (HardmaxTransformerInterpolator(random_state=0), (X, Y * 1.0), (X[:9], Y[:9] * 1.0)),
    "pooling": (HardmaxPooling(n_heads=30, random_state=0), (X,), (X[:9],)),
    "preparation": (RaggedSequenceTransformer(window=2), (X,), (X[:9],)),
    "tokenwise": (TokenwiseTransformer(StandardScaler()), (X,), (X[:9],)),
    "imputer": (SequenceImputer(), (X,), (X[:9],)),
    "resampler": (SequenceResampler(time=0), (TIMED,), (TIMED[:1],)),
    "flow": (LeaderFlow(depth=None, tol=0.1), (X,), (X[:9],)),
    "clustering": (LeaderClustering(tol=0.1), (X.tokens[:40],), (X.tokens[:9],)),
    "texts": (LeaderTextClassifier(max_iter=2, batch_size=4, random_state=0), (TEXTS, KINDS), (TEXTS[:8], KINDS[:8])),
}
EACH = pytest.mark.parametrize("name", FITS)


def state(estimator):
    """Names and identities of all that an estimator holds."""
    return {name: id(value) for name, value in vars(estimator).items()}


# -- fits that do not end ----------------------------------------------------------------------------------------------


@EACH
def test_an_error_at_any_line_of_fit_leaves_the_estimator_as_it_was(name):
    prototype, data, earlier = FITS[name]
    fresh = clone(prototype).fit(*data)  # what is imported and found once is there now
    with Trace() as trace:
        fresh.fit(*data)
    whole = pickle.dumps(fresh)
    points = [1, *np.linspace(2, trace.lines - 2, 5).astype(int).tolist(), trace.lines - 1]
    for estimator in (clone(prototype), clone(prototype).fit(*earlier)):
        before = state(estimator)
        for k, at in enumerate(points):
            error = (KeyboardInterrupt, MemoryError)[k % 2]
            with pytest.raises(error), Trace(error, at):
                estimator.fit(*data)
            assert state(estimator) == before
        assert pickle.dumps(estimator.fit(*data)) == whole


@EACH
def test_while_a_fit_runs_the_estimator_is_as_it_was(name):
    # so neither a second interrupt nor another thread can find half of a fit
    prototype, data, earlier = FITS[name]
    estimator, seen = clone(prototype).fit(*earlier), []
    before = state(estimator)
    with Trace(lambda: seen.append(state(estimator))) as trace:
        estimator.fit(*data)
    assert trace.lines > 20
    assert all(found == before for found in seen[:-1])  # the last line returns
    assert state(estimator) != before


# where libraries change settings of the whole session for the time of a call
SETTING_FILES = ("contextlib.py", "warnings.py", "_config.py", "_ufunc_config.py", "_param_validation.py", "folds.py")


def interrupted(name, points):
    """Interrupt fits at many points of any library: neither the estimator nor the session shows it."""
    prototype, data, earlier = FITS[name]
    fresh, n_interrupted = clone(prototype), 0
    whole = pickle.dumps(fresh.fit(*data))
    with Interrupts(files=SETTING_FILES) as calls:
        fresh.fit(*data)
    for at in points(calls):
        estimator = clone(prototype).fit(*earlier)
        before, session, done = state(estimator), session_guard.read(), False
        # libraries turn an interrupt into an error of their own here and there
        with contextlib.suppress(KeyboardInterrupt, TypeError), Interrupts(at):
            estimator.fit(*data)
            done = True  # Python drops what is raised while it closes a generator
        assert session_guard.put_back(session) == [], at
        assert (pickle.dumps(estimator) == whole) if done else (state(estimator) == before), at
        n_interrupted += not done
    assert n_interrupted > 0.9 * len(points(calls))


# Python drops an interrupt that comes while it closes a generator, with a warning
DROPPED = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@DROPPED
@EACH
def test_an_interrupt_anywhere_leaves_the_estimator_and_the_session_as_they_were(name):
    interrupted(
        name, lambda calls: [*calls.points[:: len(calls.points) // 15 + 1], *range(1, calls.count, calls.count // 8)]
    )


@pytest.mark.slow
@DROPPED
@EACH
def test_an_interrupt_at_a_tenth_of_all_calls_leaves_the_estimator_and_the_session_as_they_were(name):
    interrupted(name, lambda calls: range(1, calls.count, 10))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["code", "heads", "pooling"])
def test_a_worker_that_is_killed_is_an_error_and_the_next_fit_works(name):
    prototype, data, earlier = FITS[name]
    estimator = clone(prototype).set_params(n_jobs=2).fit(*earlier)
    before, expected = state(estimator), answers(clone(prototype).fit(*data), X)
    with pytest.raises(TerminatedWorkerError, match=r"worker process .* was unexpectedly terminated"):
        use(estimator, Deadly(X.tokens, X.offsets), *data[1:])
    assert state(estimator) == before
    assert answers(estimator.fit(*data), X) == expected


def use(estimator, deadly, *y):
    """Call what runs in workers: the fit of the classifier, the transform of the pooling, whose fit looks at few tokens."""
    return estimator.fit(deadly, *y) if y else estimator.transform(deadly)


# -- threads -----------------------------------------------------------------------------------------------------------


def answers(estimator, sequences):
    """All that a fitted estimator says about sequences (or texts), bit for bit."""
    names = [
        n for n in ("predict", "decision_function", "predict_proba", "transform", "encode") if hasattr(estimator, n)
    ]
    if getattr(estimator, "n_heads_", 0) and hasattr(estimator, "explain"):
        names.append("explain")
    found = {name: repr(bits(getattr(estimator, name)(sequences))) for name in names}
    if hasattr(estimator, "to_transformer"):
        layers = estimator.to_transformer().layers
        found["weights"] = bits([getattr(layer, name) for layer in layers for name in layer.array_names])
    return found


def in_threads(function, *columns):
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(function, *columns))


@pytest.mark.parametrize(
    "name", ["heads", "texts", *slow("sets", "code", "interpolator", "pooling", "preparation", "flow")]
)
def test_eight_threads_on_one_estimator_get_what_one_thread_gets(name):
    prototype, data, _ = FITS[name]
    estimator = clone(prototype).fit(*data)
    parts = [data[0][j : j + 5] for j in range(8)] * 2
    expected = [answers(estimator, part) for part in parts]
    assert in_threads(lambda part: answers(estimator, part), parts) == expected


def test_fits_in_threads_are_those_of_one_thread():
    def fitted(name):
        prototype, data, _ = FITS[name]
        return bits(pickle.dumps(clone(prototype).fit(*data)))

    names = list(FITS) * 2
    assert in_threads(fitted, names) == [fitted(name) for name in names]


def test_jobs_in_threads_leave_warning_filters_alone():
    # each thread of scikit-learn's Parallel sets and resets those of the process, and may come back to another thread's
    filters = list(warnings.filters)
    with joblib.parallel_config("threading"):
        for name in ("heads", "sets", "code", "pooling"):
            prototype, data, _ = FITS[name]
            fitted = clone(prototype).set_params(n_jobs=4).fit(*data)
            assert answers(fitted, X) == answers(clone(prototype).fit(*data), X)
            assert warnings.filters == filters


# -- numbers at the end of their range ---------------------------------------------------------------------------------

# scikit-learn looks for infinity by a sum, which here is inf - inf
HUGE = np.tile([[2.0**1022], [-(2.0**1022)]], (24, 1))


def test_huge_rows_are_clustered_without_a_warning():
    assert LeaderClustering().fit(HUGE).labels_.tolist() == [0, 1] * 24


def test_huge_tokens_are_scaled_without_a_warning():
    scaled = RaggedSequenceTransformer(scale="minmax").fit_transform([HUGE])
    assert scaled.tokens.ravel().tolist() == [1.0, 0.0] * 24


def test_tokens_that_leave_the_range_when_they_are_scaled_are_named():
    step = RaggedSequenceTransformer(scale="minmax").fit([[[0.0], [2.0**-40]]])
    message = (
        "^Tokens of sequences 1, 3 leave the range of floats when they are scaled: they are too far from the training"
    )
    with pytest.raises(ValueError, match=message):
        step.transform([[[0.0]], [[0.0], [2.0**1000]], [[2.0**900]], [[-(2.0**1000)]]])
