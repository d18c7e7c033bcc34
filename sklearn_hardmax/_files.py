"""Files that take the place of older ones only when they are whole."""

import os
import secrets
from contextlib import contextmanager, suppress


@contextmanager
def atomic_write(path):
    """A new file to write bytes into; it becomes `path` when all of it is on the disk.

    Where anything fails or the process ends before, `path` is what it was: no reader ever finds a part of a file. What fails
    leaves nothing behind; a process that is killed may leave a file whose name ends with .part.
    """
    path = os.path.realpath(os.fsdecode(path))  # where path is a link, it goes on being one
    if os.path.isdir(path):
        raise IsADirectoryError(f"{path!r} is a folder; choose the name of a file.")
    part = f"{path}.{secrets.token_hex(4)}.part"  # two may save to one path at a time
    try:
        with open(part, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.remove(part)
        raise
