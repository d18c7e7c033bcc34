"""Files put together byte by byte from the description in `sklearn_hardmax._container`, and too little memory to load one."""

import contextlib
import json
import struct
import sys
import zlib

import numpy as np
import pytest

from sklearn_hardmax import RaggedSequences

# -0.0, subnormal numbers and the largest one: bits that arithmetic would change
AWKWARD = RaggedSequences(np.array([[-0.0, 5e-324], [1.0, -1.7976931348623157e308], [0.1, -2.5e-310]]), [0, 1, 3])


def section(name, content, **changed):
    """What the header says of an array or a list of texts, and its bytes."""
    if isinstance(content, list):
        dtype, shape, data = "text", [len(content)], json.dumps(content, ensure_ascii=False).encode()
    else:
        dtype, shape, data = content.dtype.str, list(content.shape), content.tobytes()
    crc32 = f"{zlib.crc32(data):08x}"
    described = {"name": name, "dtype": dtype, "shape": shape, "bytes": len(data), "crc32": crc32, "optional": False}
    return {**described, **changed}, data


def head(header, version=1):
    text = header if isinstance(header, bytes) else json.dumps(header, separators=(",", ":")).encode()
    behind = struct.pack("<II", version, len(text)) + text
    return b"\x93HARDMAX" + struct.pack("<I", zlib.crc32(behind)) + behind


def file_of(kind, *sections, version=1):
    """The bytes of a file."""
    data = head({"kind": kind, "sections": [described for described, _ in sections]}, version)
    for _, content in sections:
        data += bytes(-len(data) % 64) + content
    return data


def of_sequences(tokens, offsets, *further):
    return file_of("RaggedSequences", section("tokens", tokens), section("offsets", offsets), *further)


only_linux_limits_memory = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux limits the memory of a process, and tells how much it has"
)


@contextlib.contextmanager
def memory_for(n_bytes):
    """This process gets so much more memory, and not more."""
    import resource

    with open("/proc/self/statm") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
