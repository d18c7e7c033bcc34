"""Methods of an estimator that another thread fits meanwhile return the result of one fit, never of a part of each.

A hook on reads of attributes stands for the other thread: before or after the first read, the second and so on, another fit
replaces the attributes of the estimator, as the last line of `transactional_fit` does. What the method returns is compared
with the results of both fits. Every public method and property of every estimator is asked; one that is not listed here fails
a test. The slow tests use threads.
"""

import pickle
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest
from campaign.forms import bits
from sklearn.base import clone
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

import sklearn_hardmax
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
    Transformer,
    forward,
    plotting,
)

X = [[[0.0, 1.0], [2.0, 3.0]], [[4.0, 5.0]], [[6.0, 7.0], [1.0, 8.0]], [[2.0, 2.0]]]
MORE = [*X, [[9.0, -1.0], [3.0, 3.0], [0.0, 5.0]]]
ONE, OTHER = ["red", "red", "blue", "blue"], ["blue", "blue", "red", "green", "green"]
NAMED = pd.DataFrame([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]], columns=["a", "b"])
ROWS = [[3.0, 0.0], [1.0, 0.2], [0.0, 3.0], [0.1, 1.0]]
TEXTS = ["great fun", "a great film", "a dull film", "dull", "an odd film", "odd"] * 2
ONE_KIND, OTHER_KIND = ["good", "good", "bad", "bad", "bad", "bad"] * 2, ["y", "y", "x", "x", "z", "z"] * 2

GAPS = [[[1.0, None], [None, 2.0], [4.0, 3.0]], [[None, None]]]
TIMED = [[[0.0, 1.0], [0.7, 2.0], [2.1, 2.5]], [[1.0, 3.0]]]

NETWORK = {"to_transformer": (), "encode": (X,), "decode": "the output of its network"}
SIZES = {"n_blocks_": None, "n_parameters_": None}
STATE = {"__getstate__": (), "__reduce__": ()}
SUBJECTS = {
    # two estimators with what each learns from, and what they are asked: arguments of methods, None for properties
    "heads": (
        (HardmaxTransformerClassifier(random_state=0), (X, ONE)),
        (HardmaxTransformerClassifier(n_heads=20, random_state=0), (MORE, OTHER)),
        NETWORK | SIZES | STATE | {"predict": (X,), "decision_function": (X,), "score": (X, ONE)}
        | {"predict_proba": (X,), "predict_log_proba": (X,)}
        | {"explain": (X,), "head_windows": ([0, 19],), plotting.LeaderDisplay: (X,)},
    ),
    "code": (
        (HardmaxTransformerClassifier(n_heads=0, random_state=0), (X, ONE)),
        (HardmaxTransformerClassifier(n_heads=0, ordered=False, random_state=0), (MORE, OTHER)),
        NETWORK | {"predict": (X,), "decision_function": (X,), "code_line": (X,), plotting.CodeLineDisplay: (X, ONE)},
    ),
    "code and heads": (
        (HardmaxTransformerClassifier(n_heads=0, random_state=0), (X, ONE)),
        (HardmaxTransformerClassifier(n_heads=20, random_state=0), (MORE, OTHER)),
        NETWORK | {"predict": (X,), "decision_function": (X,), "explain": (X,), "code_line": (X,)},
    ),
    "interpolator": (
        (HardmaxTransformerInterpolator(random_state=0), (X, [0.5, 1.0, 2.0, 4.0])),
        (HardmaxTransformerInterpolator(random_state=0), (X[:2], [[[1.0, 2.0], [0.0, 1.0]], [[3.0, 5.0]]])),
        NETWORK | SIZES | STATE | {"predict": (X,), "score": (X, [0.5, 1.0, 2.0, 4.0])},
    ),
    "pooling": (
        (HardmaxPooling(n_heads=6, ordered=False, random_state=0).set_output(transform="pandas"), (NAMED,)),
        (HardmaxPooling(n_heads=6, random_state=1).set_output(transform="pandas"), (MORE,)),
        STATE | {"transform": (X,), "get_feature_names_out": (), "fit_transform": (X[1:],)},
    ),
    "preparation": (
        (RaggedSequenceTransformer(window=2), (NAMED,)),
        (RaggedSequenceTransformer(scale="minmax", positions="relative"), (MORE,)),
        STATE | {"transform": (X,), "get_feature_names_out": (), "fit_transform": (X[1:],)},
    ),
    "tokenwise": (
        (TokenwiseTransformer(StandardScaler()), (NAMED,)),
        (TokenwiseTransformer(PolynomialFeatures()), (MORE,)),
        STATE | {"transform": (X,), "get_feature_names_out": (), "fit_transform": (X[1:],)},
    ),
    "imputer": (
        (SequenceImputer(), (NAMED,)),
        (SequenceImputer(strategy="mean"), (MORE,)),
        STATE | {"transform": (GAPS,), "get_feature_names_out": (), "fit_transform": (GAPS,)},
    ),
    "resampler": (
        (SequenceResampler(time=0, step=0.5), (TIMED,)),
        (SequenceResampler(time=1, step=0.25), (TIMED,)),
        STATE | {"transform": (TIMED,), "get_feature_names_out": (), "fit_transform": (TIMED,)},
    ),
    "flow": (
        (LeaderFlow(depth=1), (NAMED,)),
        (LeaderFlow(depth=None, alpha=0.5, A=[[1.0, 0.0], [0.0, 0.01]], tol=0.1), (MORE,)),
        STATE | {"to_transformer": (), "transform": (X,), "leader_layers": (MORE,), "limits": (MORE,)}
        | {"get_feature_names_out": (), "fit_transform": (X[1:],), plotting.TokenFlowDisplay: (MORE, 4)},
    ),
    "flow of another token_dim": (
        (LeaderFlow(), (X,)),
        (LeaderFlow(depth=2), ([[[1.0]]],)),
        {"encode": (X,), "decode": "the output of its network"},
    ),
    "clustering": (
        (LeaderClustering(), (ROWS,)),
        (LeaderClustering(alpha=0.5, tol=0.5), (ROWS[:1],)),
        STATE | {"to_transformer": (), "fit_predict": (ROWS[1:],), plotting.TokenFlowDisplay: (ROWS,)}
    ),
    "clustering of another token_dim": (
        (LeaderClustering(), (ROWS,)),
        (LeaderClustering(), ([[1.0]],)),
        {"encode": (ROWS,), "decode": "the output of its network"},
    ),
    "texts": (
        (LeaderTextClassifier(max_iter=2, batch_size=4, random_state=0), (TEXTS, ONE_KIND)),
        (LeaderTextClassifier(max_iter=2, batch_size=4, depth=2, max_length=1, random_state=0), (TEXTS, OTHER_KIND)),
        NETWORK | STATE | dict.fromkeys(("predict", "predict_proba", "decision_function", "encode"), (TEXTS,))
        | dict.fromkeys(("known_words", "leader_counts", "explain"), (TEXTS,)) | {"leaders": (TEXTS[1],)}
        | {"score": (TEXTS, ONE_KIND), plotting.TokenFlowDisplay: (TEXTS,), plotting.LeaderBarDisplay: (TEXTS,)},
    ),
}  # fmt: skip
EACH = pytest.mark.parametrize("name", SUBJECTS)
pytestmark = pytest.mark.filterwarnings(
    "ignore:X (has|does not have valid) feature names", "ignore:Texts .* max_length"
)

# they fit, and return the result of that fit
FITTING = {"fit_transform", "fit_predict"}
# they change the estimator, or read parameters, which no fit changes
NOT_ASKED = {"fit", "set_params", "set_output", "set_score_request", "get_params", "get_metadata_routing"}


def test_every_public_method_and_property_is_asked():
    kinds = [getattr(sklearn_hardmax, name) for name in sklearn_hardmax.__all__]
    for kind in kinds:
        if hasattr(kind, "fit"):
            public = {name for name in dir(kind) if not name.startswith("_")}
            asked = {q for (one, _), _, questions in SUBJECTS.values() if type(one) is kind for q in questions}
            assert public - NOT_ASKED == {question for question in asked if isinstance(question, str)} - STATE.keys()


def test_every_display_of_an_estimator_is_asked():
    displays = [getattr(plotting, name) for name in plotting.__all__]
    asked = {question for *_, questions in SUBJECTS.values() for question in questions}
    assert {display for display in displays if hasattr(display, "from_estimator")} <= asked


def content(value):
    """All that a result holds, to be compared."""
    if isinstance(value, Transformer):
        return [bits(getattr(layer, name)) for layer in value.layers for name in layer.array_names]
    if isinstance(value, pd.DataFrame):
        return bits(value), list(value.columns)
    if type(value).__name__.endswith("Display"):
        return [(name, content(part)) for name, part in vars(value).items()]
    return repr(bits(value))


def answer(estimator, question, arguments):
    """What an estimator answers; an error is an answer."""
    try:
        if not isinstance(question, str):
            return content(question.from_estimator(estimator, *arguments))
        found = getattr(estimator, question)
        if question in STATE:
            state = found()[2] if question == "__reduce__" else found()
            return pickle.dumps(sorted(state.items()))
        return content(found if arguments is None else found(*arguments))
    except ValueError as error:
        return str(error)


class Watched:
    """Asks copies of an estimator, whose attributes another fit replaces at one moment: before or after a read of any."""

    def __init__(self, kind):
        def read(estimator, name):
            self.pass_moment(estimator)
            value = super(kind_of_copies, estimator).__getattribute__(name)
            self.pass_moment(estimator)
            return value

        self.kind_of_copies = kind_of_copies = type(kind.__name__, (kind,), {"__getattribute__": read})
        self.copy = None

    def pass_moment(self, estimator):
        """Count the moment, if this is the copy that is asked and not a copy of it."""
        if estimator is self.copy:
            self.moments += 1
            if self.moments == self.moment:
                estimator.__dict__ = dict(vars(self.other))

    def ask(self, one, question, arguments, other=None, moment=None):
        copy = object.__new__(self.kind_of_copies)
        vars(copy).update(vars(one))
        self.copy, self.other, self.moment, self.moments = copy, other, moment, 0
        return answer(copy, question, arguments)


def prepared(name):
    """Both fits of a subject, and questions with arguments."""
    *pair, questions = SUBJECTS[name]
    one, other = (clone(estimator).fit(*data) for estimator, data in pair)
    if "decode" in questions:
        start = [TEXTS[1]] if name == "texts" else questions["encode"][0]
        questions = questions | {"decode": (forward.apply(one.to_transformer(), one.encode(start)),)}
    return one, other, questions


@pytest.fixture
def undrawn(monkeypatch):
    """Displays get all that they show, and draw nothing: that takes most of the time, and asks no estimator."""
    for name in plotting.__all__:
        monkeypatch.setattr(getattr(plotting, name), "plot", lambda display, *_, **__: display)


@EACH
@pytest.mark.usefixtures("undrawn")
def test_wherever_another_fit_ends_a_method_returns_the_result_of_one_fit(name):
    one, other, questions = prepared(name)
    watched = Watched(type(one))
    for question, arguments in questions.items():
        results = [watched.ask(estimator, question, arguments) for estimator in (other, one)]
        assert results[0] != results[1], question
        for moment in range(1, watched.moments + 1):
            assert watched.ask(one, question, arguments, other, moment) in results, (question, moment)


@pytest.fixture
def hasty():
    """Threads take turns every 20 microseconds, not every 5 milliseconds."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(2e-5)
    # scikit-learn's `type_of_target` sets warning filters of all threads for a while: two of them may leave one behind
    with warnings.catch_warnings():
        yield
    sys.setswitchinterval(before)


def fit_in_turn(estimator, data, done):
    """Fit to one data set after another."""
    while not done.is_set():
        for part in data:
            estimator.fit(*part)


@pytest.mark.slow
@EACH
@pytest.mark.usefixtures("undrawn", "hasty")
def test_ten_thousand_answers_during_fits_in_another_thread_are_of_one_fit_each(name):
    """So many to all questions to all subjects."""
    (estimator, one), (_, other), _ = SUBJECTS[name]
    questions = prepared(name)[2]
    # the last answer of a subject comes with a fit of its own
    order = sorted(questions, key=lambda question: question in FITTING)
    fits = [clone(estimator).fit(*data) for data in (one, other)]
    results = {question: [answer(fit, question, questions[question]) for fit in fits] for question in order}
    estimator, done = clone(estimator).fit(*one), threading.Event()
    n_questions = sum(len(questions) for *_, questions in SUBJECTS.values())
    with ThreadPoolExecutor(1) as pool:
        fitting = pool.submit(fit_in_turn, estimator, (other, one), done)
        try:
            for question in order:
                for _ in range(10_000 // n_questions):
                    assert answer(estimator, question, questions[question]) in results[question], question
        finally:
            done.set()
    fitting.result()  # raises what a fit has raised
