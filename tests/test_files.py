"""A save that does not end leaves the file as it was: no room, an interrupt, a killed process, two at a time.

What stands at a path is replaced if it is a file of one name, which keeps its permissions and owner; all else is refused.
"""

import contextlib
import errno
import os
import pickle
import socket
import stat
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor

import pytest
from tracing import Trace

from sklearn_hardmax import HardmaxTransformerClassifier, RaggedSequences, Transformer, datasets
from sklearn_hardmax._files import atomic_write, open_regular

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


# -- what stands at the path -------------------------------------------------------------------------------------------


@contextlib.contextmanager
def special(kind, path):
    """Make a FIFO or a socket at the path, or find a device; give its path."""
    if kind == "a FIFO":
        os.mkfifo(path)
        yield path
    elif kind == "a socket":
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)  # in the working directory, as a path it would be too long
            yield path
    else:
        master, slave = os.openpty()
        yield os.ttyname(slave)
        os.close(master)
        os.close(slave)


@not_on_windows("has none of them")
@KINDS_OF_FILE
@pytest.mark.parametrize("special_kind", ["a FIFO", "a socket", "a device"])
def test_what_is_no_regular_file_is_refused_and_left_as_it_was(kind, special_kind, tmp_path, monkeypatch):
    cls, saved, _ = SAVED[kind]
    monkeypatch.chdir(tmp_path)
    with special(special_kind, tmp_path / "special") as path:
        before = os.lstat(path)
        message = f"'{path}' is {special_kind}; choose the name of a file"
        with pytest.raises(OSError, match=message):
            saved.save(path)
        with pytest.raises(OSError, match=message):
            cls.load(path)
        after = os.lstat(path)
        assert (after.st_mode, after.st_ino) == (before.st_mode, before.st_ino)
        assert [found.name for found in tmp_path.iterdir()] == ["special"] * (special_kind != "a device")


@KINDS_OF_FILE
def test_a_folder_is_refused(kind, tmp_path):
    cls, saved, _ = SAVED[kind]
    (tmp_path / "folder").mkdir()
    for use in (saved.save, cls.load):
        with pytest.raises(IsADirectoryError, match="folder' is a folder; choose the name of a file"):
            use(tmp_path / "folder")
    assert [found.name for found in tmp_path.rglob("*")] == ["folder"]


@KINDS_OF_FILE
def test_a_missing_folder_is_named(kind, tmp_path):
    with pytest.raises(FileNotFoundError, match="none"):
        SAVED[kind][1].save(tmp_path / "none" / "saved")


@not_on_windows("makes links for administrators only")
@KINDS_OF_FILE
def test_a_link_stays_a_link_and_one_to_nothing_gets_its_file(kind, tmp_path):
    cls, old, new = SAVED[kind]
    (tmp_path / "link").symlink_to("target")
    with pytest.raises(FileNotFoundError, match=r"link' is a link to '.*target', which does not exist"):
        cls.load(tmp_path / "link")
    for saved in (old, new):
        saved.save(tmp_path / "link")
        assert (tmp_path / "link").is_symlink()
        assert not (tmp_path / "target").is_symlink()
        assert cls.load(tmp_path / "target") == cls.load(tmp_path / "link") == saved
    (tmp_path / "circle").symlink_to("circle")
    for use in (old.save, cls.load):
        with pytest.raises(OSError) as refused:
            use(tmp_path / "circle")
        assert refused.value.errno == errno.ELOOP


@KINDS_OF_FILE
def test_a_file_with_another_name_is_refused_and_both_names_stay(kind, tmp_path):
    cls, old, new = SAVED[kind]
    old.save(tmp_path / "first")
    os.link(tmp_path / "first", tmp_path / "second")
    for name in ("first", "second"):
        with pytest.raises(
            OSError, match=rf"{name}' has 2 names \(hard links\).*choose another name, or remove this one"
        ):
            new.save(tmp_path / name)
    assert (tmp_path / "first").samefile(tmp_path / "second")
    assert sorted(found.name for found in tmp_path.iterdir()) == ["first", "second"]
    (tmp_path / "second").unlink()
    new.save(tmp_path / "first")
    assert cls.load(tmp_path / "first") == new


@pytest.mark.parametrize("name", ["n" * 255, "é" * 127, "\U0001f600" * 63, "a b\tc", "-", ".part"])
@not_on_windows("counts characters, and allows fewer of them")
def test_every_name_that_a_file_can_have_is_written_and_read(name, tmp_path):
    for saved in (SMALL, LARGE):
        saved.save(tmp_path / name)
        assert RaggedSequences.load(tmp_path / name) == saved
    assert [found.name for found in tmp_path.iterdir()] == [name]


# -- permissions and owner ---------------------------------------------------------------------------------------------


@contextlib.contextmanager
def umask(mask):
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def mode_of(path):
    return stat.S_IMODE(os.stat(path).st_mode)


@not_on_windows("has no permissions of this kind")
@pytest.mark.parametrize("mask", [0o022, 0o027, 0o077, 0])
def test_a_new_file_gets_the_permissions_that_open_gives(mask, tmp_path):
    with umask(mask):
        SMALL.save(tmp_path / "saved")
        with open(tmp_path / "opened", "wb"):
            pass
    assert mode_of(tmp_path / "saved") == mode_of(tmp_path / "opened") == 0o666 & ~mask


@not_on_windows("has no permissions of this kind")
@pytest.mark.parametrize("mode", [0o600, 0o644, 0o640, 0o666, 0o444, 0o755, 0o2755])
def test_a_file_that_is_replaced_keeps_its_permissions(mode, tmp_path):
    path = tmp_path / "saved"
    SMALL.save(path)
    path.chmod(mode)
    with umask(0o027):
        LARGE.save(path)
    assert mode_of(path) == mode
    assert RaggedSequences.load(path) == LARGE


@not_on_windows("has no permissions of this kind")
def test_nobody_else_reads_the_new_content_while_it_is_written(tmp_path):
    (tmp_path / "saved").touch(0o600)
    with umask(0), atomic_write(tmp_path / "saved") as file:
        assert stat.S_IMODE(os.fstat(file.fileno()).st_mode) == 0o600


def owned_by_others(path):
    """A file that user 12345 and group 23456 own, with permissions of the group."""
    SMALL.save(path)
    os.chown(path, 12345, 23456)
    path.chmod(0o664)


only_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give a file to another owner"
)


def who_owns(path):
    found = os.stat(path)
    return found.st_uid, found.st_gid, mode_of(path)


@only_root
def test_a_file_that_is_replaced_keeps_its_owner_and_group(tmp_path):
    owned_by_others(tmp_path / "saved")
    LARGE.save(tmp_path / "saved")
    assert who_owns(tmp_path / "saved") == (12345, 23456, 0o664)


@only_root
@pytest.mark.parametrize(
    ("allowed", "becomes"), [("group", (0, 23456, 0o664)), ("neither", (0, 0, 0o604))], ids=["group", "neither"]
)
def test_an_owner_that_cannot_be_kept_is_told_and_another_group_gets_no_permissions(
    allowed, becomes, tmp_path, monkeypatch
):
    """As for one who may write to the folder of another user, and belongs to the group of the file or not."""
    path = tmp_path / "saved"
    owned_by_others(path)
    real = os.fchown

    def fchown(file, user, group):
        if user != -1 or allowed == "neither":
            raise PermissionError(errno.EPERM, "Operation not permitted")
        real(file, user, group)

    monkeypatch.setattr(os, "fchown", fchown)
    message = rf"'{path}' belonged to user 12345 and group 23456; .* user 0 and group {becomes[1]}, since"
    with pytest.warns(UserWarning, match=message) as told:
        LARGE.save(path)
    assert told[0].filename == __file__
    assert who_owns(path) == becomes
    assert RaggedSequences.load(path) == LARGE
    # a warning that is an error leaves all as it was
    os.chown(path, 12345, 23456)
    with pytest.raises(UserWarning, match="belonged to user 12345"):
        SMALL.save(path)
    assert who_owns(path)[:2] == (12345, 23456)
    assert RaggedSequences.load(path) == LARGE
    assert [found.name for found in tmp_path.iterdir()] == ["saved"]


def test_a_system_without_owners_and_folders_that_open_saves_too(tmp_path, monkeypatch):
    """As Windows."""
    for name in ("fchown", "fchmod", "O_DIRECTORY"):
        monkeypatch.delattr(os, name, raising=False)
    for saved in (SMALL, LARGE):
        saved.save(tmp_path / "saved")
        assert RaggedSequences.load(tmp_path / "saved") == saved


# -- the disk ----------------------------------------------------------------------------------------------------------


@KINDS_OF_FILE
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_fault_of_the_disk_at_the_end_leaves_the_file_as_it_was_and_nothing_else(kind, call, tmp_path, monkeypatch):
    cls, old, new = SAVED[kind]
    old.save(tmp_path / "saved")

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, call, full)
        with pytest.raises(OSError, match="No space left"):
            new.save(tmp_path / "saved")
    assert [path.name for path in tmp_path.iterdir()] == ["saved"]
    assert cls.load(tmp_path / "saved") == old


@not_on_windows("opens no folders")
def test_the_bytes_and_then_the_name_are_brought_to_the_disk(tmp_path, monkeypatch):
    """The order that survives a power failure: fsync of the file, rename, fsync of the folder (man 2 fsync)."""
    calls = []
    real_fsync, real_replace = os.fsync, os.replace

    def fsync(file):
        calls.append("folder" if stat.S_ISDIR(os.fstat(file).st_mode) else "file")
        real_fsync(file)

    def replace(*paths):
        calls.append("rename")
        real_replace(*paths)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    SMALL.save(tmp_path / "saved")
    assert calls == ["file", "rename", "folder"]


@not_on_windows("opens no folders")
def test_a_folder_that_cannot_be_brought_to_the_disk_is_no_error(tmp_path, monkeypatch):
    """Some network file systems refuse it; the file is there, whole."""
    real = os.fsync

    def fsync(file):
        if stat.S_ISDIR(os.fstat(file).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        real(file)

    monkeypatch.setattr(os, "fsync", fsync)
    SMALL.save(tmp_path / "saved")
    assert RaggedSequences.load(tmp_path / "saved") == SMALL


def test_a_regular_file_is_opened_for_reading_bytes(tmp_path):
    (tmp_path / "file").write_bytes(b"\x00\r\n")
    with open_regular(tmp_path / "file") as file:
        assert file.read() == b"\x00\r\n"
