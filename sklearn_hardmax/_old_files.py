"""Readers of the two formats that version 0.1 wrote; see `_container` for the present one.

RaggedSequences were two arrays as `np.save` writes them, one behind the other: tokens and offsets. Nothing but their sizes
can be verified, since there are no checksums. A Transformer was an archive of `np.savez`, whose members have checksums.
What a file says of its own sizes is compared with the size of the file before anything is allocated.
"""

from __future__ import annotations

import io
import math
import zipfile

import numpy as np

_FORMAT = "sklearn_hardmax.Transformer/2"


def read_sections(file, kind, start, size, mapped):
    """The sections of a file of `kind`, as `_container.load_sections` wants them, from its first bytes and its size."""
    for written_kind, (first_bytes, reader) in _FORMATS.items():
        if start.startswith(first_bytes):
            if written_kind != kind:
                raise ValueError(f"it begins as those that {written_kind}.save of version 0.1 wrote")
            file.seek(0)
            return reader(file, size, mapped)
    raise ValueError(f"it begins with {start!r}")


def _read_sequences(file, size, mapped):
    """Tokens and offsets of RaggedSequences; the tokens are mapped if `mapped` names them."""
    dtype, shape, n_bytes = _read_array_header(file, size - file.tell())
    if "tokens" in mapped:
        tokens = np.memmap(file, dtype, "r", file.tell(), shape)
        file.seek(tokens.offset + n_bytes)
    else:
        tokens = np.fromfile(file, dtype, math.prod(shape)).reshape(shape)
        if not np.isfinite(tokens).all():
            raise ValueError("its tokens hold NaN or infinity")
    dtype, shape, n_bytes = _read_array_header(file, size - file.tell())
    if file.tell() + n_bytes != size:
        raise ValueError("there are bytes after the offsets")
    return {"tokens": tokens, "offsets": np.fromfile(file, dtype, math.prod(shape)).reshape(shape)}


def _read_transformer(file, size, _):
    """Names, kinds, sizes and entries of a Transformer."""
    # in memory, since damaged positions would move a file before its beginning, which is an error of the system
    with zipfile.ZipFile(io.BytesIO(file.read())) as archive:
        members = archive.infolist()
        names = [member.filename.removesuffix(".npy") for member in members]
        if sorted(names) != ["entries", "format", "kinds", "names", "sizes"]:
            raise ValueError(f"its members are {names}")
        # np.savez compresses nothing, so that no member is larger than the file
        if any(m.compress_type != zipfile.ZIP_STORED or m.file_size > size for m in members):
            raise ValueError("its members are compressed")
        parts = {name: _read_member(archive.read(member)) for name, member in zip(names, members)}
    written_format = str(parts.pop("format"))
    if written_format != _FORMAT:
        raise ValueError(f"its format is {written_format!r}, not {_FORMAT!r}")
    if parts["names"].dtype.kind == "U" and parts["names"].ndim == 1:
        parts["names"] = parts["names"].tolist()
    if parts["kinds"].dtype.kind == "i":
        parts["kinds"] = parts["kinds"].astype(np.int64)  # int32, where Windows wrote it
    return parts


# the first bytes of a file, and its reader
_FORMATS = {"RaggedSequences": (b"\x93NUMPY", _read_sequences), "Transformer": (b"PK\x03\x04", _read_transformer)}


def _read_member(content):
    stream = io.BytesIO(content)
    dtype, shape, n_bytes = _read_array_header(stream, len(content))
    if stream.tell() + n_bytes != len(content):
        raise ValueError("there are bytes after an array")
    return np.frombuffer(content, dtype, math.prod(shape), stream.tell()).reshape(shape)


def _read_array_header(file, n_left):
    """Dtype, shape and number of bytes of the array that begins here; the file is moved to its first number."""
    start = file.tell()
    version = np.lib.format.read_magic(file)
    if version != (1, 0):
        raise ValueError(f"an array is of version {version} of the format of np.save")
    shape, fortran_order, dtype = np.lib.format.read_array_header_1_0(file)
    n_bytes = math.prod(shape) * dtype.itemsize
    if fortran_order or dtype.str[:2] not in ("<f", "<i", "<U") or min(shape, default=0) < 0:
        raise ValueError(f"an array is {dtype.str} of shape {shape}, by {'columns' if fortran_order else 'rows'}")
    if file.tell() - start + n_bytes > n_left:
        raise ValueError(f"an array of {n_bytes} bytes does not fit into the file")
    return dtype, shape, n_bytes
