"""A pytest plugin: every test leaves the process as it found it, or fails with the name of what it changed.

A setting is state of the process that outlives a test and meets all later ones. All settings are read before anything of a
test is set up and after all of it is torn down. What differs is named and put back, so that one leak makes one failure.
CONTRIBUTING.md says what a test may touch.
"""

import gc
import locale
import operator
import os
import random
import signal
import sys
import threading
import warnings
from types import ModuleType

import numpy as np
import pytest
import sklearn
from threadpoolctl import ThreadpoolController

try:
    import resource
except ImportError:  # Windows has no limits of this kind, no timers and no blocked signals: nothing is read there
    resource = None

SECONDS = 30  # that a thread of a test may take to end, however busy the machine
# joblib keeps its worker processes for the next call, and the threads that talk to them
KEPT_THREADS = {"ExecutorManagerThread", "QueueFeederThread"}
SIGNALS = [s for s in signal.Signals if s in signal.valid_signals()]
TIMERS = {}
if hasattr(signal, "setitimer"):
    TIMERS = {"timer": signal.ITIMER_REAL, "virtual timer": signal.ITIMER_VIRTUAL, "profiler": signal.ITIMER_PROF}
LIMITS = {"file size": resource.RLIMIT_FSIZE, "memory": resource.RLIMIT_AS} if resource else {}
MISSING = object()


class Setting:
    """One kind of state: a dictionary of values that can be read, compared and brought back."""

    def read(self):
        raise NotImplementedError

    def restore(self, before):
        raise NotImplementedError

    def settle(self, before):
        """Wait for what ends by itself."""

    def differences(self, before, now):
        """Key, old value and new value of what has changed; MISSING where there is none."""
        if before == now:
            return
        for key in {**before, **now}:
            old, new = before.get(key, MISSING), now.get(key, MISSING)
            if old != new:
                yield key, old, new


class ScikitLearn(Setting):
    name = "scikit-learn's configuration"

    def read(self):
        return sklearn.get_config()

    def restore(self, before):
        sklearn.set_config(**before)


class NumPy(Setting):
    name = "NumPy's error state and print options"

    def read(self):
        return {**np.geterr(), "call": np.geterrcall(), "print options": np.get_printoptions()}

    def restore(self, before):
        np.seterr(**{kind: before[kind] for kind in np.geterr()})
        np.seterrcall(before["call"])
        np.set_printoptions(**before["print options"])


class RandomState(Setting):
    name = "global random state"

    def read(self):
        generator, keys, *rest = np.random.get_state()  # noqa: NPY002
        return {"numpy.random": (generator, keys.tobytes(), *rest), "random": random.getstate()}

    def restore(self, before):
        generator, keys, *rest = before["numpy.random"]
        np.random.set_state((generator, np.frombuffer(keys, np.uint32), *rest))  # noqa: NPY002
        random.setstate(before["random"])


class Warnings(Setting):
    name = "warning filters"

    def read(self):
        return {"filters": list(warnings.filters), "showwarning": warnings.showwarning}

    def restore(self, before):
        warnings.resetwarnings()  # which tells Python that filters have changed
        warnings.filters[:] = before["filters"]
        warnings.showwarning = before["showwarning"]


class Signals(Setting):
    name = "signal handlers"

    def read(self):
        handlers = {s.name: signal.getsignal(s) for s in SIGNALS}
        running = {name: signal.getitimer(timer) != (0.0, 0.0) for name, timer in TIMERS.items()}
        can_block = hasattr(signal, "pthread_sigmask")
        blocked = {"blocked": signal.pthread_sigmask(signal.SIG_BLOCK, ())} if can_block else {}
        return {**handlers, **running, **blocked}

    def restore(self, before):
        for name, timer in TIMERS.items():
            if not before[name]:
                signal.setitimer(timer, 0)
        for s in SIGNALS:
            if signal.getsignal(s) is not before[s.name]:
                signal.signal(s, before[s.name])
        if "blocked" in before:
            signal.pthread_sigmask(signal.SIG_SETMASK, before["blocked"])


class WorkingDirectory(Setting):
    name = "working directory"

    def read(self):
        return {"path": os.getcwd()}

    def restore(self, before):
        os.chdir(before["path"])


class Environment(Setting):
    name = "environment"

    def read(self):
        return {key: value for key, value in os.environ.items() if key != "PYTEST_CURRENT_TEST"}

    def restore(self, before):
        for key in set(self.read()) - set(before):
            del os.environ[key]
        os.environ.update(before)


class NumberOfThreads(Setting):
    name = "number of threads"

    def __init__(self):
        self.n_modules, self.libraries = 0, []

    def read(self):
        if self.n_modules != len(sys.modules):  # a new module may have brought a library of its own
            self.n_modules, self.libraries = len(sys.modules), ThreadpoolController().lib_controllers
        return {library.filepath: library.num_threads for library in self.libraries}

    def restore(self, before):
        for library in self.libraries:
            library.set_num_threads(before.get(library.filepath, library.num_threads))
            # from threadpoolctl 3.7 on only the thread that came first may go on setting
            if hasattr(library, "clear_controlling_thread"):
                library.clear_controlling_thread(force=True)


class Threads(Setting):
    name = "running threads"

    def settle(self, before):
        for thread in set(self.read().values()) - set(before.values()):
            thread.join(SECONDS)

    def read(self):
        return {thread.name: thread for thread in threading.enumerate() if thread.name not in KEPT_THREADS}

    def differences(self, before, now):
        return super().differences({}, {name: now[name] for name in now.keys() - before.keys()})

    def restore(self, before):
        """Nobody can end the thread of somebody else."""


class Interpreter(Setting):
    name = "interpreter"

    def read(self):
        return {
            "trace function": sys.gettrace(),
            "profile function": sys.getprofile(),
            "recursion limit": sys.getrecursionlimit(),
            "path": tuple(sys.path),
            "locale": locale.setlocale(locale.LC_ALL),
            **{name: resource.getrlimit(limit) for name, limit in LIMITS.items()},
        }

    def restore(self, before):
        sys.settrace(before["trace function"])
        sys.setprofile(before["profile function"])
        sys.setrecursionlimit(before["recursion limit"])
        sys.path[:] = before["path"]
        locale.setlocale(locale.LC_ALL, before["locale"])
        for name, limit in LIMITS.items():
            resource.setrlimit(limit, before[name])


class Pictures(Setting):
    name = "matplotlib"

    def read(self):
        pyplot = sys.modules.get("matplotlib.pyplot")
        return {"open figures": pyplot.get_fignums(), **dict.copy(pyplot.rcParams)} if pyplot else {}

    def restore(self, before):
        pyplot, parameters = sys.modules["matplotlib.pyplot"], dict(before)
        for number in set(pyplot.get_fignums()) - set(parameters.pop("open figures")):
            pyplot.close(number)
        dict.update(pyplot.rcParams, parameters)

    def differences(self, before, now):
        return super().differences(before or now, now)  # a test may be the first that imports it


class Package(Setting):
    name = "names in the package"

    def __init__(self):
        self.n_modules, self.modules = 0, {}

    def read(self):
        if self.n_modules != len(sys.modules):
            self.n_modules = len(sys.modules)
            self.modules = {n: m for n, m in sys.modules.items() if n.partition(".")[0] == "sklearn_hardmax"}
        return {name: vars(module).copy() for name, module in self.modules.items()}

    def restore(self, before):
        for name, names in before.items():
            there = vars(self.modules[name])
            for key in there.keys() - names.keys():
                del there[key]
            there.update(names)

    def differences(self, before, now):
        for name, old in before.items():
            new = now[name]
            if len(old) != len(new) or not all(map(operator.is_, old.values(), new.values())):
                yield from self._differences(name, old, new)

    @staticmethod
    def _differences(module, old, new):
        for name in {**old, **new}:
            before, after = old.get(name, MISSING), new.get(name, MISSING)
            is_imported = before is MISSING and isinstance(after, ModuleType)
            if before is not after and not is_imported and not name.startswith("__"):
                yield f"{module}.{name}", before, after


SETTINGS = [kind() for kind in Setting.__subclasses__()]
BEFORE = pytest.StashKey()


def read():
    """All settings, one dictionary each."""
    return [setting.read() for setting in SETTINGS]


def put_back(before, but=()):
    """Bring back all settings that differ from what was read, but those of these names; a line about every difference."""
    lines = []
    for setting, old in zip(SETTINGS, before):
        if setting.name in but:
            continue
        setting.settle(old)
        found = list(setting.differences(old, setting.read()))
        if found:
            setting.restore(old)
        lines += [f"{setting.name}: {key} {_words(was)} -> {_words(now)}" for key, was, now in found]
    return lines


def _words(value):
    text = "nothing" if value is MISSING else repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def pytest_configure(config):
    mark = (
        "leaves(*names): settings, by their name here, that a test may change since it runs what takes over the process"
    )
    config.addinivalue_line("markers", mark)


def pytest_collection_finish():
    """Libraries and collected tests stay until the end: a tenth of the time went into looking for garbage among them."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item):
    item.stash[BEFORE] = read()
    return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item):
    try:
        return (yield)
    finally:
        changed = put_back(item.stash[BEFORE], [name for mark in item.iter_markers("leaves") for name in mark.args])
        del item.stash[BEFORE]  # items live until the end
        if changed:
            pytest.fail("\n".join([f"{item.nodeid} leaves behind what later tests meet:", *changed]), pytrace=False)


@pytest.fixture(autouse=True)
def _closed_figures():
    """Tests and doctests may draw; nothing stays open behind them."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
