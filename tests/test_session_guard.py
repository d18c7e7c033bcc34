"""The check around every test names a test that leaks, what it leaked, and puts it back."""

import re
import sys

import matplotlib.pyplot  # noqa: F401  # what a test of pytester imports first is half forgotten after it
import session_guard

LOCALE = "C.UTF-8" if sys.platform == "linux" else "en_US.UTF-8"  # one that is there, and not the one of the start
UNIX_LEAKS = (
    (
        "signal.signal(signal.SIGALRM, signal.SIG_IGN)",
        "signal handlers: SIGALRM <Handlers.SIG_DFL: 0> -> <Handlers.SIG_IGN",
    ),
    ("signal.setitimer(signal.ITIMER_REAL, 1000)", "signal handlers: timer False -> True"),
    (
        "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})",
        "signal handlers: blocked set() -> {<Signals.SIGUSR1",
    ),
    (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (10**9, resource.RLIM_INFINITY))",
        "interpreter: file size (",
    ),
)

LEAKS = (  # what a test does, and how the line about it begins
    ("sklearn.set_config(assume_finite=True)", "scikit-learn's configuration: assume_finite False -> True"),
    ("np.seterr(over='ignore')", "NumPy's error state and print options: over 'warn' -> 'ignore'"),
    ("np.set_printoptions(precision=3)", "NumPy's error state and print options: print options {"),
    ("np.random.rand()", "global random state: numpy.random ("),
    ("random.random()", "global random state: random ("),
    ("warnings.simplefilter('ignore')", "warning filters: filters ["),
    ("warnings.showwarning = print", "warning filters: showwarning <function showwarning"),
    (
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)",
        "signal handlers: SIGTERM <Handlers.SIG_DFL: 0> -> <Handlers.SIG_IGN",
    ),
    ("os.chdir('/')", "working directory: path '"),
    ("os.environ['LEAKED'] = 'yes'", "environment: LEAKED nothing -> 'yes'"),
    ("del os.environ['PATH']", "environment: PATH '"),
    ("threadpoolctl.threadpool_limits(7)", "number of threads: "),
    ("thread.start()", "running threads: left behind nothing -> <Thread(left behind"),
    ("sys.settrace(lambda *_: None)", "interpreter: trace function "),
    ("sys.setprofile(lambda *_: None)", "interpreter: profile function "),
    ("sys.path.append('/nowhere')", "interpreter: path ("),
    ("sys.setrecursionlimit(5000)", "interpreter: recursion limit "),
    (f"locale.setlocale(locale.LC_ALL, '{LOCALE}')", "interpreter: locale "),
    ("plt.rcParams['lines.linewidth'] = 7", "matplotlib: lines.linewidth 1.5 -> 7"),
    ("ties.EPS = 0.0", "names in the package: sklearn_hardmax.forward.ties.EPS np.float64("),
    ("ties.left_behind = 1", "names in the package: sklearn_hardmax.forward.ties.left_behind nothing -> 1"),
    *(() if sys.platform == "win32" else UNIX_LEAKS),  # Windows has neither these signals nor limits
)
IMPORTS = (
    "import locale, os, random, signal, sys, threading, warnings",
    "import matplotlib.pyplot as plt",
    "import numpy as np",
    "import sklearn",
    "import threadpoolctl",
    "from sklearn_hardmax.forward import ties",
    "waiting = threading.Event()",
    "thread = threading.Thread(target=waiting.wait, name='left behind', daemon=True)",
)


def outcome(pytester, bodies):
    """Passed, skipped and failed tests of these bodies, and what was said of those that failed, by name."""
    tests = [f"def test_{k}():\n    {body}" for k, body in enumerate(bodies)]
    pytester.makepyfile("\n".join([*IMPORTS, *tests]))
    result = pytester.inline_run("-p", "no:cacheprovider", plugins=[session_guard])
    failures = {report.nodeid.split("::")[1]: str(report.longrepr) for report in result.getfailures()}
    return result.countoutcomes(), failures


def test_a_leak_of_every_kind_is_named_and_does_not_reach_the_next_test(pytester, monkeypatch):
    monkeypatch.setattr(session_guard, "SECONDS", 0.01)  # the thread that is left behind does not end
    nothing = "pass"
    bodies = [body for leak, _ in LEAKS for body in (leak, nothing)]
    counts, said = outcome(pytester, [*bodies, "waiting.set()"])
    assert counts == [2 * len(LEAKS) + 1, 0, len(LEAKS)]
    for k, (_, begin) in enumerate(LEAKS):
        first, *lines = said[f"test_{2 * k}"].splitlines()
        assert re.fullmatch(rf"test_\w+\.py::test_{2 * k} leaves behind what later tests meet:", first)
        assert any(line.startswith(begin) for line in lines), (begin, lines)


def test_a_test_may_say_what_it_leaves(pytester):
    body = (
        "@pytest.mark.leaves('working directory')\ndef test_moves():\n    os.chdir('/')\n    np.seterr(over='ignore')"
    )
    pytester.makepyfile("\n".join([*IMPORTS, "import pytest", body]))
    (failure,) = pytester.inline_run("-p", "no:cacheprovider", plugins=[session_guard]).getfailures()
    assert "NumPy's error state" in str(failure.longrepr)
    assert "working directory" not in str(failure.longrepr)


def test_what_is_brought_back_is_no_leak(pytester):
    counts, said = outcome(
        pytester,
        [
            "with np.errstate(all='ignore'), warnings.catch_warnings(), sklearn.config_context(assume_finite=True): pass",
            "threading.Thread(target=print).start()",
            "plt.figure()",
        ],
    )
    assert (counts, said) == ([3, 0, 0], {})
