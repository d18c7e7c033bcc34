"""A save that does not end leaves the file as it was: no room, an interrupt, a killed process, two at a time."""

import contextlib
import pickle
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor

import pytest
from tracing import Trace

from sklearn_hardmax import HardmaxTransformerClassifier, RaggedSequences, Transformer, datasets

X, Y = datasets.make_labelled_sequences(16, n_classes=3, token_dim=2, random_state=0)
SMALL, LARGE = X[:3], X[3:]


def weights(n):
    return HardmaxTransformerClassifier(n_heads=0, random_state=0).fit(X[:n], Y[:n]).to_transformer()


SAVED = {"sequences": (RaggedSequences, SMALL, LARGE), "weights": (Transformer, weights(4), weights(12))}
KINDS_OF_FILE = pytest.mark.parametrize("kind", SAVED)


def not_on_windows(reason):
    return pytest.mark.skipif(sys.platform == "win32", reason=f"Windows {reason}")


@contextlib.contextmanager
def room_for(n_bytes):
    """No file of this process may grow beyond so many bytes: what writes more gets an OSError."""
    import resource  # which Windows lacks

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@not_on_windows("limits no file sizes")
@KINDS_OF_FILE
def test_a_save_without_room_leaves_the_file_as_it_was_and_nothing_else(kind, tmp_path):
    cls, old, new = SAVED[kind]
    path = tmp_path / "saved"
    new.save(path)
    size = path.stat().st_size
    for there in (False, True):
        for n_bytes in (0, 1, 100, 128, size // 2, size - 100, size - 1):
            path.unlink(missing_ok=True)
            if there:
                old.save(path)
            with pytest.raises(OSError, match="File too large"), room_for(n_bytes):
                new.save(path)
            assert [found.name for found in tmp_path.iterdir()] == ["saved"] * there
            assert not there or cls.load(path) == old
    with room_for(size):
        new.save(path)
    assert cls.load(path) == new


# an interrupt in the line of the with statement, where none can come in truth, leaves closing the file to the collector
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@not_on_windows("removes no file that is still open")
@KINDS_OF_FILE
def test_an_interrupted_save_leaves_the_file_as_it_was_and_nothing_else(kind, tmp_path):
    cls, old, new = SAVED[kind]
    path = tmp_path / "saved"
    old.save(path)
    with Trace() as trace:
        new.save(tmp_path / "other")
    (tmp_path / "other").unlink()
    for at in range(1, trace.lines):
        with contextlib.suppress(KeyboardInterrupt), Trace(KeyboardInterrupt, at):
            new.save(path)
        assert cls.load(path) in (old, new), at
        assert [found.name for found in tmp_path.iterdir()] == ["saved"], at


@not_on_windows("replaces no file that another thread reads: saving raises a PermissionError")
@KINDS_OF_FILE
def test_threads_that_save_and_load_one_file_find_it_whole(kind, tmp_path):
    cls, old, new = SAVED[kind]
    path = tmp_path / "saved"
    old.save(path)

    def save_and_load(k):
        (old, new)[k % 2].save(path)
        return cls.load(path) in (old, new)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(save_and_load, range(80)))
    assert [found.name for found in tmp_path.iterdir()] == ["saved"]


KILLED = """
    import os, pathlib, pickle, signal, sys, time
    folder, rng = pathlib.Path(sys.argv[1]), __import__("random").Random(0)
    for kind, (cls, old, new) in pickle.load(open(folder / "saved.pkl", "rb")).items():
        path = folder / kind
        old.save(path)
        for _ in range(200):
            child = os.fork()
            while child == 0:
                new.save(path)
                old.save(path)
            time.sleep(rng.uniform(0, 0.01))
            os.kill(child, signal.SIGKILL)
            assert os.waitpid(child, 0)[1] == signal.SIGKILL
            assert cls.load(path) in (old, new)
    print("whole")
"""


@pytest.mark.slow
@not_on_windows("has no fork")
def test_a_process_that_is_killed_while_it_saves_leaves_the_file_old_or_new(tmp_path):
    (tmp_path / "saved.pkl").write_bytes(pickle.dumps(SAVED))
    command = [sys.executable, "-c", textwrap.dedent(KILLED), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout == "whole\n", done.stderr
