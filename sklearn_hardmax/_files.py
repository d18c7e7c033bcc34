"""Write a file completely or not at all, and open a file for reading; both refuse what is no regular file."""

from __future__ import annotations

import os
import secrets
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

_SPECIAL = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


def open_regular(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a file for reading bytes.

    Raises OSError for what is no regular file, before it is opened: opening a FIFO would wait for a writer. A link that
    points to nothing raises FileNotFoundError, as a path does at which nothing is.
    """
    try:
        _check_regular(path, os.stat(path))
    except FileNotFoundError as error:
        if os.path.islink(path):
            raise FileNotFoundError(
                f"{path!r} is a link to {os.path.realpath(path)!r}, which does not exist."
            ) from error
        raise
    return open(path, "rb")


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a new file for bytes; on leaving the context it is renamed to `path`, after all of it is on the disk.

    If anything fails or the process ends earlier, `path` remains as it was: no reader ever finds a part of a file. A failure
    leaves no other file behind; a killed process may leave a file in the same folder whose name ends with .part.

    - A link stays a link: the file that it points to is replaced, or made if it does not exist.
    - A folder raises IsADirectoryError; a FIFO, a device or a socket raises OSError.
    - A file with further names (hard links) raises OSError: afterwards these names would refer to the old content.
    - A new file gets the permissions that `open` gives. A file that replaces another gets the permissions, group and owner
      of that one. Where the system does not allow to set owner and group, a UserWarning says what they become; a
      group other than the earlier one gets no permissions. Access control lists and extended attributes are not kept.
    - Permission is needed to write to the folder; that to write to the file is not asked for, except by Windows.
    """
    path = os.path.realpath(os.fsdecode(path))
    folder = os.path.dirname(path)
    try:
        before = os.stat(path)
    except FileNotFoundError:
        before = None
    else:
        _check_regular(path, before)
        if before.st_nlink > 1:
            raise OSError(
                f"{path!r} has {before.st_nlink} names (hard links), and saving would replace only this one: choose another "
                "name, or remove this one first."
            )
    # a random name, since two processes may save to one path at the same time; a short one, since names have a limit
    part = os.path.join(folder, f"{secrets.token_hex(8)}.part")
    # nobody reads the new content who may not read the old one, not even while it is written
    mode = 0o666 if before is None else 0o600
    try:
        with open(part, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            yield file
            if before is not None:
                _take_over(path, before, file.fileno())
            # the bytes must be on the disk before the name refers to them
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.remove(part)
        raise
    _sync_folder(folder)


def _check_regular(path, found):
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(f"{path!r} is a folder; choose the name of a file.")
    if not stat.S_ISREG(found.st_mode):
        kind = _SPECIAL.get(stat.S_IFMT(found.st_mode), "no regular file")
        raise OSError(f"{path!r} is {kind}; choose the name of a file.")


def _take_over(path, before, file):
    """Give the open file the owner, group and permissions that another file had (its os.stat, and its path)."""
    if not hasattr(os, "fchown"):
        return  # Windows has none of the three
    now = os.fstat(file)
    if (now.st_uid, now.st_gid) != (before.st_uid, before.st_gid):
        try:
            # the group first: it may be allowed where the owner is not, and is allowed no more to one who is not the owner
            os.fchown(file, -1, before.st_gid)
            os.fchown(file, before.st_uid, -1)
        except OSError:
            now = os.fstat(file)
            warnings.warn(
                f"{path!r} belonged to user {before.st_uid} and group {before.st_gid}; the file that replaces it belongs to "
                f"user {now.st_uid} and group {now.st_gid}, since the system does not allow to change that.",
                stacklevel=6,  # the line that calls `save`
            )
        now = os.fstat(file)
    mode = stat.S_IMODE(before.st_mode)
    if now.st_gid != before.st_gid:
        mode &= ~stat.S_IRWXG
    # some file systems have one mode for all files, and refuse to change it
    if mode != stat.S_IMODE(now.st_mode):
        os.fchmod(file, mode)


def _sync_folder(folder):
    """Ask the disk to keep the entries of a folder, where the system can.

    The new file stands there already. Where this fails, a power failure may bring the old one back, whole.
    """
    if not hasattr(os, "O_DIRECTORY"):
        return  # Windows opens no folders
    with suppress(OSError):
        entries = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(entries)
        finally:
            os.close(entries)
