"""Write a file completely or not at all: the file replaces an older one only after all its bytes are on the disk."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a new file for bytes; on leaving the context it is renamed to `path`, after all of it is on the disk.

    If anything fails or the process ends earlier, `path` remains as it was: no reader ever finds a part of a file. A failure
    leaves no other file behind; a killed process may leave a file whose name ends with .part.
    """
    path = os.path.realpath(os.fsdecode(path))  # a link stays a link: the file that it points to is replaced
    if os.path.isdir(path):
        raise IsADirectoryError(f"{path!r} is a folder; choose the name of a file.")
    # a random name, since two processes may save to one path at the same time
    part = f"{path}.{secrets.token_hex(4)}.part"
    try:
        with open(part, "xb") as file:
            yield file
            # the bytes must be on the disk before the name refers to them
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.remove(part)
        raise
