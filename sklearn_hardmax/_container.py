r"""A file of named sections, which are arrays or lists of texts: the format of all files that this package writes.

A file is, one after another,

- 8 bytes: ``\x93HARDMAX``;
- three unsigned 32-bit integers, the lowest byte first: a checksum of all that follows up to the end of the header, the
  version of this format, and the number of bytes of the header;
- the header, JSON in ASCII: ``{"kind": ..., "sections": [...]}``. The kind is the name of the class that reads the file. A
  section is ``{"name", "dtype", "shape", "bytes", "crc32", "optional"}``: its name; ``"<f4"``, ``"<f8"``, ``"<i8"`` as in
  NumPy, or ``"text"``; its shape; its number of bytes; its checksum, eight hexadecimal digits; whether it is optional;
- the sections in the order of the header, each at the next multiple of 64 bytes (with zeros before it), so that it can be
  mapped into memory: the numbers of an array in C order; texts as one JSON list of strings in UTF-8, where a surrogate
  without its partner has the three bytes that the rule of UTF-8 gives. Nothing follows the last section. No number is NaN
  or infinite.

All checksums are CRC-32 of zlib: it finds every damage of up to 32 adjacent bits and nearly every other one (one in 4e9 is
missed), and is computed faster than a disk reads. It is no protection against a forger; there is no code in a file, and what
was read is checked by the class that it is for.

Later versions may add sections. A reader refuses a section that it does not know as written by a newer version, unless the
section is optional: then the content without it is right, and it is skipped. Whatever else changes raises the version, which
stands in the same place in all versions.
"""

from __future__ import annotations

import errno
import json
import math
import os
import struct
import zlib
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple, TypeVar

import numpy as np

from sklearn_hardmax import _old_files
from sklearn_hardmax._files import atomic_write, open_regular
from sklearn_hardmax._typing import AnyArray

_MAGIC = b"\x93HARDMAX"
_VERSION = 1
_NUMBERS = struct.Struct("<III")  # checksum, version, bytes of the header
_DTYPES = {dtype.str: dtype for dtype in map(np.dtype, ("<f4", "<f8", "<i8"))}
_ALIGNMENT = 64
_MAX_HEADER = 2**20
_PIECE = 2**18  # bytes that are read or written, and added to the checksum while they are in the cache of the processor

T = TypeVar("T")
Sections = dict[str, Any]  # of each name an array or a list of str


class _Section(NamedTuple):
    """What the header says of a section."""

    name: str
    dtype: str
    shape: list[int]
    bytes: int
    crc32: str
    optional: bool


class Expected(NamedTuple):
    """What a class knows of one section of its files.

    Attributes
    ----------
    dtypes : tuple of str
        Names of NumPy's types; "text" for a list of str.
    ndim : int
        Number of dimensions.
    required : bool
        Whether every file has it.
    """

    dtypes: tuple[str, ...]
    ndim: int
    required: bool = True


class _Refused(ValueError):
    """A file that is whole but cannot be read. The message goes on after the name of the file."""


def save_sections(path: str | os.PathLike[str], kind: str, sections: Mapping[str, AnyArray | list[str]]) -> None:
    """Write a file with these sections, arrays of float32, float64 and int64 or lists of str; see `atomic_write`.

    No array is copied: each is read once, in pieces.
    """
    described = []
    contents = []
    for name, content in sections.items():
        if isinstance(content, list):
            dtype, shape = "text", [len(content)]
            content = np.frombuffer(json.dumps(content, ensure_ascii=False).encode("utf-8", "surrogatepass"), np.uint8)
        else:
            content = np.ascontiguousarray(content, content.dtype.newbyteorder("<"))
            dtype, shape = content.dtype.str, list(content.shape)
            content = content.reshape(-1).view(np.uint8)
        described.append(_Section(name, dtype, shape, len(content), "0" * 8, False))
        contents.append(content)
    with atomic_write(path) as file:
        file.write(_head(kind, described))  # as long as with the checksums, which are not known yet
        for i, content in enumerate(contents):
            file.write(bytes(-file.tell() % _ALIGNMENT))
            checksum = 0
            for piece in _pieces(content):
                checksum = zlib.crc32(piece, checksum)
                file.write(piece)
            described[i] = described[i]._replace(crc32=f"{checksum:08x}")
        file.seek(0)
        file.write(_head(kind, described))


def load_sections(
    path: str | os.PathLike[str],
    kind: str,
    expected: Mapping[str, Expected],
    build: Callable[[Sections], T],
    mapped: Collection[str] = (),
) -> T:
    """Return what `build` makes of the sections of a file.

    Parameters
    ----------
    path : str or path-like
        The file: of this format, or of the one that version 0.1 wrote for this kind.
    kind : str
        The class whose files are read.
    expected : dict of str to Expected
        What is known of each section, by name. Others are refused, unless the file marks them as optional.
    build : callable
        Takes a dict of all sections. An exception that it raises means that the file is no file of this kind.
    mapped : collection of str
        Names of the arrays that are mapped into memory. They are not read, so that damage of them, NaN and infinity are not
        noticed.

    Raises
    ------
    OSError
        There is no such file, it is no regular file, or it cannot be read.
    ValueError
        The file is damaged, of another kind, written by a newer version, or no file of this package.
    MemoryError
        There is too little memory.
    """
    path = os.fspath(path)
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        start = file.read(len(_MAGIC))
        problem = "is damaged" if start == _MAGIC else f"holds no {kind} as written by save"
        try:
            if start == _MAGIC:
                sections = _read_sections(file, size, kind, expected, mapped)
            else:
                sections = _old_files.read_sections(file, kind, start, size, mapped)
            for name, content in sections.items():
                _check_section(name, content, expected[name])
            return build(sections)
        except _Refused as error:
            raise ValueError(f"{path!r} {error}.") from None
        except (MemoryError, OSError) as error:
            # too little memory to map a file is an OSError
            if isinstance(error, OSError) and error.errno != errno.ENOMEM:
                raise
            raise MemoryError(
                f"There is too little memory to load {path!r}: it takes {size} bytes. Free memory, or map the file where "
                "`load` has mmap_mode."
            ) from error
        except Exception as error:  # damage shows in many ways: in JSON, in texts, in NumPy, in `build`
            raise ValueError(f"{path!r} {problem}: {error}.") from error


def _head(kind, sections):
    """The bytes of a file from its beginning to the end of the header."""
    header = {"kind": kind, "sections": [section._asdict() for section in sections]}
    text = json.dumps(header, separators=(",", ":")).encode("ascii")
    numbers = _NUMBERS.pack(0, _VERSION, len(text))
    checksum = zlib.crc32(numbers[4:] + text)
    return _MAGIC + struct.pack("<I", checksum) + numbers[4:] + text


def _pieces(content):
    return (content[start : start + _PIECE] for start in range(0, len(content), _PIECE))


def _read_sections(file, size, kind, expected, mapped):
    """The sections by name; the file stands behind its first 8 bytes."""
    found, described = _read_head(file)
    names = [section.name for section in described]
    if found != kind:
        raise _Refused(f"holds a {found}, not a {kind}: read it with {found}.load")
    for section in described:
        known = section.name in expected and (section.dtype == "text" or section.dtype in _DTYPES)
        if not known and not section.optional:
            raise _newer(f"its section {section.name!r} of {section.dtype!r} is not known")
    required = [name for name, section in expected.items() if section.required]
    if len(set(names)) < len(names) or not set(required) <= set(names):
        raise ValueError(f"it has the sections {names}, and should have {required}")
    # before anything is read or allocated
    end = file.tell()
    for section in described:
        end += -end % _ALIGNMENT + section.bytes
    if end != size:
        raise ValueError(f"it has {size} bytes and should have {end}")
    sections = {}
    for section in described:
        if file.read(-file.tell() % _ALIGNMENT).strip(b"\0"):
            raise ValueError(f"there are other bytes than zeros before its section {section.name!r}")
        content = _read_section(file, section, section.name in mapped)
        if section.name in expected:
            sections[section.name] = content
    return sections


def _read_head(file):
    """The kind of the file and its sections, checked one by one."""
    numbers = file.read(_NUMBERS.size)
    checksum, version, n_bytes = _NUMBERS.unpack(numbers)
    # a longer one is damaged in any version, and is not read
    text = file.read(n_bytes) if n_bytes <= _MAX_HEADER else b""
    if zlib.crc32(numbers[4:] + text) != checksum:
        raise ValueError("its header does not have the checksum that is written before it")
    if version > _VERSION:
        raise _newer(f"its format has version {version}, and this version reads up to {_VERSION}")
    try:
        header = json.loads(text)
        kind = header["kind"]
        described = [_Section(**section) for section in header["sections"]]
        # of all texts that mean the same, there is one that this package writes
        as_written = all(map(_is_sound, described)) and _head(kind, described) == _MAGIC + numbers + text
    except (ValueError, TypeError, KeyError, RecursionError):
        as_written = False
    if not as_written:
        raise ValueError("its header is not as this package writes it")
    return kind, described


def _is_sound(section):
    """Whether the sizes are integers that are not negative, and fit each other."""
    if any(type(n) is not int or n < 0 for n in (*section.shape, section.bytes)):
        return False
    dtype = _DTYPES.get(section.dtype)
    return dtype is None or math.prod(section.shape) * dtype.itemsize == section.bytes


def _newer(reason):
    return _Refused(f"was written by a newer version of sklearn_hardmax ({reason}); update sklearn_hardmax to read it")


def _read_section(file, section, is_mapped):
    """Read or map the section that begins here, and move behind it."""
    if is_mapped:
        array = np.memmap(file, _DTYPES[section.dtype], "r", file.tell(), tuple(section.shape))
        file.seek(array.offset + section.bytes)
        return array
    content = np.empty(section.bytes, np.uint8)
    dtype = _DTYPES.get(section.dtype, np.dtype(np.uint8))
    finite = True
    checksum = 0
    for piece in _pieces(content):
        if file.readinto(piece) < len(piece):
            raise ValueError("it was cut while it was read")
        checksum = zlib.crc32(piece, checksum)
        # here, where the piece is in the cache: a second pass would take as long as the checksum
        finite = finite and bool(np.isfinite(piece.view(dtype)).all())
    if f"{checksum:08x}" != section.crc32:
        raise ValueError(f"its section {section.name!r} does not have the checksum that the header names")
    if not finite:
        raise ValueError(f"its section {section.name!r} holds NaN or infinity")
    if section.dtype == "text":
        texts = json.loads(content.tobytes().decode("utf-8", "surrogatepass"))
        if not isinstance(texts, list) or [len(texts)] != section.shape or not all(isinstance(t, str) for t in texts):
            raise ValueError(f"its section {section.name!r} is no list of {section.shape} texts")
        return texts
    if section.dtype in _DTYPES:
        return content.view(dtype).reshape(section.shape)
    return None  # an optional section of a later version


def _check_section(name, content, expected):
    dtypes, ndim, _ = expected
    if isinstance(content, list):
        fits, found = "text" in dtypes and ndim == 1, f"{len(content)} texts"
    else:
        fits = content.dtype.name in dtypes and content.ndim == ndim
        found = f"{content.dtype} of shape {content.shape}"
    if not fits:
        raise ValueError(f"its {name} are {found}")
