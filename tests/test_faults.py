"""What happens when something goes wrong half-way: no memory, an interrupt, a dead worker, many threads.

A fit that does not end leaves the estimator as it was, and threads that share an estimator get the answers that one thread
gets. (Files: test_files.py.)
"""

import contextlib
import pickle
import threading
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
from threadpoolctl import ThreadpoolController
from tracing import Interrupts, Trace

from sklearn_hardmax import (
    HardmaxPooling,
    HardmaxTransformerClassifier,
    HardmaxTransformerInterpolator,
    LeaderClustering,
    LeaderFlow,
    LeaderTextClassifier,
    RaggedSequenceTransformer,
    datasets,
)
from sklearn_hardmax.constructions.common.threads import one_blas_thread

X, Y = datasets.make_labelled_sequences(16, n_classes=3, token_dim=2, random_state=0)
TEXTS, KINDS = ["great fun", "a great film", "a dull film", "dull"] * 3, ["good", "good", "bad", "bad"] * 3
FITS = {  # an estimator, what it learns from, and what it has learned from before
    "code": (HardmaxTransformerClassifier(n_heads=0, random_state=0), (X, Y), (X[:9], Y[:9] + 10)),
    "heads": (HardmaxTransformerClassifier(n_heads=30, random_state=0), (X, Y), (X[:9], Y[:9] + 10)),
    "sets": (HardmaxTransformerClassifier(n_heads=30, ordered=False, random_state=0), (X, Y), (X[:9], Y[:9] + 10)),
    "interpolator": (HardmaxTransformerInterpolator(random_state=0), (X, Y * 1.0), (X[:9], Y[:9] * 1.0)),
    "pooling": (HardmaxPooling(n_heads=30, random_state=0), (X,), (X[:9],)),
    "preparation": (RaggedSequenceTransformer(window=2), (X,), (X[:9],)),
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


def test_predictions_during_a_fit_in_another_thread_are_those_before_or_after():
    prototype, data, earlier = FITS["heads"]
    estimator = clone(prototype).fit(*earlier)
    allowed = [bits(clone(prototype).fit(*part).predict(X)) for part in (earlier, data)]
    done = threading.Event()

    def ask():
        found = []
        while not done.is_set():
            found.append(bits(estimator.predict(X)))
        return found

    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(ask) for _ in range(2)]
        for _ in range(10):
            estimator.fit(*data)
            estimator.fit(*earlier)
        done.set()
        found = [bit for future in futures for bit in future.result()]
    assert set(found) <= set(allowed)


class BlasThreads:
    """How many threads each BLAS library of the process uses."""

    def __init__(self):
        self.libraries = ThreadpoolController().select(user_api="blas").lib_controllers

    def now(self):
        return [library.num_threads for library in self.libraries]

    def set(self, numbers):
        for library, n_threads in zip(self.libraries, numbers, strict=True):
            library.set_num_threads(n_threads)
            # from threadpoolctl 3.7 on only the thread that came first may go on setting
            getattr(library, "clear_controlling_thread", lambda: None)()


@pytest.fixture
def blas():
    """BLAS with three threads, whatever the machine has."""
    blas = BlasThreads()
    if not blas.libraries:
        pytest.skip("no BLAS whose number of threads can be set, as with Accelerate on macOS")
    before = blas.now()
    blas.set([3] * len(before))
    yield blas
    blas.set(before)


def test_the_number_of_blas_threads_is_that_of_before_when_contexts_that_overlap_have_been_left(blas):
    before, inside = blas.now(), threading.Barrier(2, timeout=600)

    def stay(leaves_first):
        with one_blas_thread:
            inside.wait()
            if not leaves_first:
                inside.wait()
        if leaves_first:
            inside.wait()

    for order in ([True, False], [False, True]) * 4:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(stay, order))
        assert blas.now() == before == [3] * len(before)


def test_in_the_context_there_is_one_blas_thread(blas):
    with one_blas_thread:
        assert set(blas.now()) == {1}
    assert set(blas.now()) == {3}


def test_an_interrupt_while_the_number_of_blas_threads_changes_is_made_good_by_release(blas):
    with Interrupts() as calls, one_blas_thread:
        pass
    for at in range(1, calls.count):
        with contextlib.suppress(KeyboardInterrupt), Interrupts(at), one_blas_thread:
            pass
        one_blas_thread.release()
        assert set(blas.now()) == {3}, at


def test_jobs_in_threads_leave_warning_filters_alone():
    # each thread of scikit-learn's Parallel sets and resets those of the process, and may come back to another thread's
    filters = list(warnings.filters)
    with joblib.parallel_config("threading"):
        for name in ("heads", "sets", "code", "pooling"):
            prototype, data, _ = FITS[name]
            fitted = clone(prototype).set_params(n_jobs=4).fit(*data)
            assert answers(fitted, X) == answers(clone(prototype).fit(*data), X)
            assert warnings.filters == filters


def test_a_fit_that_is_refused_leaves_alone_what_another_thread_has_set_for_a_while():
    """The filters of a block `catch_warnings` that was open when the fit began do not come back when it has been left."""
    filters = list(warnings.filters)

    class Bad(list):
        def __iter__(self):
            block.__exit__(None, None, None)
            raise ValueError("no sequences")

    block = warnings.catch_warnings()
    block.__enter__()
    warnings.simplefilter("ignore")
    with pytest.raises(ValueError, match="no sequences"):
        HardmaxTransformerClassifier().fit(Bad([1.0]), [0])
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
