"""The same numbers written down in many ways: dtypes, layouts in memory, containers, kinds of labels."""

import tempfile

import numpy as np
import pandas as pd

from sklearn_hardmax import RaggedSequences

DTYPES = ("f8", ">f8", "f4", ">f4", "f2", ">f2", "g", "i8", ">i8", "i4", "i2", "i1", "u1", ">u2", "u8", "?")


def holding(tokens):
    """The dtypes that hold these float64 numbers bit for bit, zeros with their sign."""
    found = []
    for dtype in DTYPES:
        with np.errstate(all="ignore"):
            back = tokens.astype(dtype).astype(np.float64)
        if (back.view(np.int64) == tokens.view(np.int64)).all():
            found.append(np.dtype(dtype))
    return found


def is_single(dtype):
    """Whether it is float32, in any order of bytes: RaggedSequences keep it, and answers come back in it."""
    return dtype.kind == "f" and dtype.itemsize == 4


# -- layouts -----------------------------------------------------------------------------------------------------------


def contiguous(array):
    return np.ascontiguousarray(array)


def fortran(array):
    return np.asfortranarray(array)


def strided(array):
    """Every second row and column of a larger array."""
    large = np.ones([2 * n for n in array.shape], array.dtype)
    view = large[tuple(slice(None, None, 2) for _ in array.shape)]
    view[...] = array
    return view


def backwards(array):
    """Negative strides along every axis."""
    turn = tuple(slice(None, None, -1) for _ in array.shape)
    return array[turn].copy()[turn]


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def unaligned(array):
    """Numbers that begin in the middle of a word."""
    return np.frombuffer(b"\0" + array.tobytes(), dtype=array.dtype, offset=1).reshape(array.shape)


def mapped(array):
    """On a file, as np.load(mmap_mode="r") gives it."""
    with tempfile.TemporaryFile() as file:
        file.write(array.tobytes())
        file.flush()
        return np.memmap(file, dtype=array.dtype, mode="r", shape=array.shape)


LAYOUTS = (contiguous, fortran, strided, backwards, read_only, unaligned, mapped)

# -- containers: (arrays of the sequences, layout) to user input, or None where the data do not fit ---------------------


def as_list(arrays, lay):
    return [lay(array) for array in arrays]


def as_tuple(arrays, lay):
    return tuple(lay(array) for array in arrays)


def as_objects(arrays, lay):
    out = np.empty(len(arrays), dtype=object)
    for i, array in enumerate(arrays):
        out[i] = lay(array)
    return out


def as_series(arrays, lay):
    return pd.Series(as_list(arrays, lay))


def as_frames(arrays, lay):
    return [pd.DataFrame(_native(array)) for array in arrays]


def as_nested_lists(arrays, lay):
    return [_native(array).tolist() for array in arrays]


def as_cube(arrays, lay):
    same = len({len(array) for array in arrays}) == 1
    return lay(np.stack(arrays)) if same else None


def as_matrix(arrays, lay):
    return lay(np.concatenate(arrays)) if _one_token_each(arrays) else None


def as_frame(arrays, lay):
    return pd.DataFrame(_native(np.concatenate(arrays))) if _one_token_each(arrays) else None


def as_rows(arrays, lay):
    return _native(np.concatenate(arrays)).tolist() if _one_token_each(arrays) else None


def as_ragged(arrays, lay):
    return RaggedSequences.from_list(as_list(arrays, lay))


def as_flat(arrays, lay):
    return RaggedSequences.from_flat(lay(np.concatenate(arrays)), lengths=[len(array) for array in arrays])


def as_groups(arrays, lay):
    return RaggedSequences.from_flat(
        lay(np.concatenate(arrays)), groups=np.repeat(np.arange(len(arrays))[::-1], [len(array) for array in arrays])
    )


def as_padded(arrays, lay):
    lengths = [len(array) for array in arrays]
    padded = np.ones((len(arrays), max(lengths), arrays[0].shape[1]), arrays[0].dtype)
    for row, array in zip(padded, arrays):
        row[: len(array)] = array
    return RaggedSequences.from_padded(lay(padded), lengths=lengths)


def as_channels_first(arrays, lay):
    return RaggedSequences.from_aeon([lay(array.T) for array in arrays])


def as_slice(arrays, lay):
    return as_flat([arrays[-1], *arrays, arrays[0]], lay)[1:-1]


def as_picked(arrays, lay):
    return as_flat(arrays[::-1], lay)[::-1]


def as_saved(arrays, lay):
    return _through_file(as_flat(arrays, lay), None)


def as_mapped(arrays, lay):
    return _through_file(as_flat(arrays, lay), "r")


CONTAINERS = {
    function.__name__.removeprefix("as_"): function
    for function in (
        as_list, as_tuple, as_objects, as_series, as_frames, as_nested_lists, as_cube, as_matrix, as_frame, as_rows,
        as_ragged, as_flat, as_groups, as_padded, as_channels_first, as_slice, as_picked, as_saved, as_mapped,
    )
}  # fmt: skip


def _one_token_each(arrays):
    return all(len(array) == 1 for array in arrays)


def _native(array):
    """Numbers as pandas and Python know them: no long doubles, no foreign order of bytes."""
    return array.astype(np.float64 if array.dtype.char == "g" else array.dtype.newbyteorder("="))


def _through_file(X, mmap_mode):
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # Windows keeps a file that is mapped
        X.save(f"{folder}/X")
        return RaggedSequences.load(f"{folder}/X", mmap_mode=mmap_mode)


# -- labels: class indices to labels in the same order -------------------------------------------------------------------


def _words(k):
    return np.array([f"class {chr(97 + i)}" for i in k.tolist()])


LABELS = {
    "integers": lambda k: k,
    "a list": lambda k: k.tolist(),
    "negative integers": lambda k: k - 7,
    "bytes": lambda k: k.astype(np.uint8),
    "big-endian integers": lambda k: (k - 2).astype(">i4"),
    "whole floats": lambda k: 10.0 * k,
    "single floats": lambda k: k.astype(">f4"),
    "texts": _words,
    "a list of texts": lambda k: _words(k).tolist(),
    "objects": lambda k: _words(k).astype(object),
    "flags": lambda k: k.astype(bool) if k.max() < 2 else k,
    "a Series": lambda k: pd.Series(k, index=range(5, 5 + len(k))),
    "a Series of texts": lambda k: pd.Series(_words(k)),
    "a Categorical": lambda k: pd.Series(_words(k), dtype="category"),
    "nullable integers": lambda k: pd.Series(k, dtype="Int64"),
    "strided": lambda k: np.repeat(k, 2)[::2],
    "read-only": lambda k: read_only(k),
}

# -- bits --------------------------------------------------------------------------------------------------------------


def bits(value):
    """Every bit of arrays and containers of arrays, to be compared."""
    if isinstance(value, RaggedSequences):
        return bits(value.tokens), bits(value.offsets)
    if isinstance(value, (pd.DataFrame, pd.Series)):
        return bits(value.to_numpy()), tuple(value.index)
    if isinstance(value, (list, tuple)):
        return tuple(map(bits, value))
    if isinstance(value, np.ndarray):
        content = bits(value.tolist()) if value.dtype.hasobject else value.tobytes()
        return value.dtype.str, value.shape, content
    return value
